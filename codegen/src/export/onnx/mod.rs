//! ONNX: a model in opset 17, from the flat plan of an evaluation.
//!
//! * The batch size is symbolic, `N`; no node depends on its value.
//! * Weights are part of the file, under their paths. Floating-point elements are in single precision, whatever the graph
//!   says, as in training.
//! * Values are named by the node that they come from.
//!
//! Format: <https://github.com/onnx/onnx/blob/main/docs/IR.md>.

mod build;
mod pool;
mod prims;
mod proto;

use super::{ExportError, decided, finite};
use crate::array::Weights;
use crate::checkpoint::check;
use crate::plan::{Kernel, Lowering, Plan, PlanError};
use build::{Build, elements};
use ir::prim::{Mode, Var};
use ir::{Name, Program, TensorType};
use prost::Message;
use proto::{
    Dimension, GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto, TensorShapeProto, TensorTypeProto,
    TypeProto, ValueInfoProto,
};
use rustc_hash::FxHashSet;

/// The version of the operators.
pub const OPSET: i64 = 17;

/// The version of the file format that came with them.
const IR_VERSION: i64 = 8;

/// A network with its weights as an ONNX file. `title` says what it is.
///
/// ```
/// use codegen::{Lowering, export::onnx, init::initialise};
///
/// let module: ir::Module = "module @m {
///   entry @main
///   graph @main(%x: f32[N, 3, 8, 8]) {
///     %v = conv2d %x {out=4, k=3, pad=1}
///     %r = relu %v
///     return %r
///   }
/// }".parse()?;
/// let program = ir::Elaboration::new(&module, &|_: &str, _: Option<i64>| None).run()?;
/// let plan = Lowering::of(&program, ir::prim::Mode::Eval)?.finish();
/// let bytes = onnx::model(&program, &initialise(&plan, 1), "a small network")?;
/// assert!(bytes.len() > 4 * 112); // the weights, and the graph
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If decisions are open, a primitive has no counterpart, `weights` are another network's or not finite, or the file would be too large.
pub fn model(program: &Program, weights: &Weights, title: &str) -> Result<Vec<u8>, ExportError> {
    decided(program)?;
    let plan = Lowering::of(program, Mode::Eval).map_err(|e| match e {
        PlanError::Emit { node, source } => ExportError::Emit { node, source },
        e => ExportError::Weights(e.to_string()),
    })?;
    let plan = plan.finish();
    // They are copied: nothing is, if the file could not hold them.
    let bytes = plan.weights.iter().map(|w| w.spec.numel().saturating_mul(4)).fold(0, u64::saturating_add);
    if i32::try_from(bytes).is_err() {
        return Err(ExportError::Size(usize::try_from(bytes).unwrap_or(usize::MAX)));
    }
    check(&plan, weights).map_err(|e| ExportError::Weights(e.to_string()))?;
    finite(weights)?;
    let graph = graph(program, &plan, weights)?;
    let entry = |key: &str, value: String| StringStringEntryProto { key: key.into(), value };
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "lanista".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: title.into(),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        metadata_props: vec![entry("hash", program.hash().to_string())],
    };
    match model.encoded_len() {
        size if i32::try_from(size).is_err() => Err(ExportError::Size(size)),
        _ => Ok(model.encode_to_vec()),
    }
}

fn graph(program: &Program, plan: &Plan, weights: &Weights) -> Result<GraphProto, ExportError> {
    let mut b = Build::new(plan.values.len());
    b.graph.name = program.main().graph.name().to_string();
    for (v, name) in plan.inputs.iter().zip(input_names(program)) {
        let name = b.take(&name);
        b.size_from(&name, plan.type_of(*v));
        b.graph.input.push(info(&name, plan.type_of(*v)));
        b.set(*v, name);
    }
    let operands = plan.steps.iter().flat_map(|s| s.operands.iter().copied());
    let needed: FxHashSet<Var> = plan.outputs.iter().copied().chain(operands).collect();
    let used = |v: Var| needed.contains(&v);
    for w in plan.weights.iter().filter(|w| used(w.var)) {
        let name = b.take(&w.path);
        let raw = weights[&w.path].to_f32().iter().flat_map(|x| x.to_le_bytes()).collect();
        let dims = w.spec.shape.iter().map(|d| i64::from(*d)).collect();
        b.initializer(&name, proto::dtype::FLOAT, dims, raw);
        b.set(w.var, name);
    }
    for step in &plan.steps {
        b.node = step.node.clone();
        match &step.kernel {
            Kernel::Prim(prim) => prims::write(&mut b, plan, prim, step)?,
            kernel => unreachable!("invariant: a decided forward pass is made of primitives, not {kernel}"),
        }
    }
    outputs(&mut b, program, plan);
    Ok(b.graph)
}

/// Declares the results. Each is a value of its own, made by a node, as the format wants.
fn outputs(b: &mut Build, program: &Program, plan: &Plan) {
    let names = output_names(program);
    for (v, name) in plan.outputs.iter().zip(names) {
        let made = b.name_of(*v).cloned().unwrap_or_default();
        let by_node = b.graph.node.iter().any(|n| n.output[0] == made);
        let fresh = by_node && b.graph.output.iter().all(|o| o.name != made);
        let result = if fresh {
            made
        } else {
            b.node = Name::new(name);
            b.op("Identity", &[&made], [])
        };
        b.graph.output.push(info(&result, plan.type_of(*v)));
    }
}

fn info(name: &str, ty: &TensorType) -> ValueInfoProto {
    let dim = |d: &ir::Dim| match d.known() {
        Some(n) => Dimension { dim_value: Some(n.into()), dim_param: None },
        None => Dimension { dim_value: None, dim_param: Some(d.to_string()) },
    };
    let shape = TensorShapeProto { dim: ty.shape.iter().map(dim).collect() };
    let tensor = TensorTypeProto { elem_type: elements(ty.dtype), shape: Some(shape) };
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}

/// The names of the network's inputs.
fn input_names(program: &Program) -> Vec<String> {
    let main = program.main();
    let name =
        |v: &u32| main.steps.iter().find(|s| s.first == *v).map_or_else(String::new, |s| main.name(s).to_string());
    main.inputs.iter().map(name).collect()
}

/// The names of the nodes that the results come from.
fn output_names(program: &Program) -> Vec<String> {
    let main = program.main();
    let made = |v: u32| main.steps.iter().find(move |s| (s.first..s.first + s.outs).contains(&v));
    main.outputs.iter().map(|v| made(*v).map_or_else(String::new, |s| main.name(s).to_string())).collect()
}
