//! Printing with inferred types.

use super::print_module;
use crate::fault::{Faults, What};
use crate::module::Module;
use crate::program::{Decide, Elaboration, Program};
use crate::ty::TensorType;
use crate::value::Name;
use crate::verify::{alternatives, default_of, verify};
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// The types that each node has wherever its graph is called; nothing where they differ.
type Types = FxHashMap<(Name, Name), Option<Vec<TensorType>>>;

/// The text of a module with the type of every node that has one type: wherever its graph is called, at the decisions'
/// defaults and at each other value that [`verify`] tries. What is printed parses, and verifies.
///
/// ```
/// let module: ir::Module = "module @m {
///   entry @main
///   graph @main(%x: f32[N, 3, 32, 32]) {
///     %y = conv2d %x {out=16, k=3, stride=2, pad=1}
///     return %y
///   }
/// }".parse()?;
/// let text = ir::text::typed_text(&module)?;
/// assert!(text.contains("%y = conv2d %x {out=16, k=3, stride=2, pad=1} : f32[N, 16, 16, 16]"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Everything that is wrong, if the module does not verify.
pub fn typed_text(module: &Module) -> Result<String, Faults> {
    verify(module)?;
    let mut types = Types::default();
    // What nothing uses is checked against its stated types too.
    let mut look = |decide: &dyn Decide| {
        if let Ok((program, _)) = Elaboration::new(module, decide).everything().run_all() {
            gather(&program, module, &mut types);
        }
    };
    look(&|label: &str, index: Option<i64>| default_of(module, label, index));
    alternatives(module, &mut look);
    let types = stated(module, types)?;
    Ok(print_module(module, &|graph, node| {
        let known = types.get(&(graph.name().clone(), node.name.clone())).cloned().flatten();
        known.or_else(|| node.declared.clone())
    }))
}

/// The types that hold together, whatever the verifier tries.
fn stated(module: &Module, mut types: Types) -> Result<Types, Faults> {
    loop {
        let mut out = module.clone();
        for graph in &mut out.graphs {
            let graph = Arc::make_mut(graph);
            for node in graph.net.node_weights_mut() {
                let known = types.get(&(graph.name.clone(), node.name.clone())).cloned().flatten();
                node.declared = known.or_else(|| node.declared.take());
            }
        }
        let Err(faults) = verify(&out) else { return Ok(types) };
        let mut left = false;
        for fault in &faults.0 {
            if let (What::Declared { .. }, Some(graph), Some(node)) = (&fault.what, &fault.graph, &fault.node) {
                left |= types.get_mut(&(graph.clone(), node.clone())).is_some_and(|t| t.take().is_some());
            }
        }
        if !left {
            return Err(faults);
        }
    }
}

fn gather(program: &Program, module: &Module, types: &mut Types) {
    for graph in &module.graphs {
        for (node, seen) in program.types_of_graph(graph.name(), None) {
            let key = (graph.name().clone(), node);
            match types.entry(key) {
                Entry::Vacant(place) => {
                    place.insert(seen);
                }
                Entry::Occupied(mut known) if *known.get() != seen => {
                    known.insert(None);
                }
                Entry::Occupied(_) => {}
            }
        }
    }
}
