//! Rewriting: named rules that return patches, applied until none of them finds anything.
//!
//! * A rule keeps what every network of the module computes, up to the order of sums and for finite weights; each says
//!   in its file why. It does not keep costs: NAS-Bench-201's counts, for one, are taken before any rewriting.
//! * A rule looks at one graph and returns a patch for all that it finds there. Patches are applied one by one, and the
//!   module is verified after each, so that an error names the rule and the nodes.
//! * A rule that looks at types applies only where nothing is open: types may differ from sample to sample.

mod common;
mod dead_code;
mod identity;
mod zero;

pub use common::CommonSubexpressions;
pub use dead_code::DeadCode;
pub use identity::Identities;
pub use zero::Zeros;

use crate::graph::Graph;
use crate::module::Module;
use crate::op::Op;
use crate::patch::{Patch, PatchError};
use crate::program::{Action, Elaboration, Instance, Program};
use crate::ty::TensorType;
use crate::value::{Name, Value};
use smallvec::SmallVec;
use std::cell::OnceCell;
use std::fmt::Debug;

/// A rewrite rule.
///
/// ```
/// use ir::rewrite::{Rewrite, Rule, Site, rewrite};
/// use ir::{Patch, graph::Body};
///
/// /// Applying ReLU twice is applying it once.
/// #[derive(Debug)]
/// struct OneRelu;
///
/// impl Rule for OneRelu {
///     fn name(&self) -> &str {
///         "one-relu"
///     }
///     fn apply(&self, site: &Site<'_>) -> Option<Rewrite> {
///         let graph = site.graph();
///         let is_relu = |name: &str| matches!(&graph.node(name)?.body, Body::Op(op) if op.name() == "relu").then_some(());
///         let second = graph.nodes().find(|n| {
///             is_relu(&n.name).is_some() && is_relu(&graph.operands(&n.name)[0].node).is_some()
///         })?;
///         let mut patch = Patch::new(self.name());
///         patch.shunt(graph.name(), second.name.as_str(), &graph.operands(&second.name)[0]);
///         Some(Rewrite { nodes: vec![second.name.clone()], patch })
///     }
/// }
///
/// let module: ir::Module = "module @m {
///   entry @main
///   graph @main(%x: f32[N, 8]) {
///     %a = relu %x
///     %b = relu %a
///     %c = relu %b
///     return %c
///   }
/// }".parse()?;
/// let module = rewrite(&module, &[&OneRelu], 100)?;
/// assert_eq!(module.graph("main").map(|g| g.len()), Some(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Rule: Debug {
    /// What it is called in errors.
    fn name(&self) -> &str;

    /// What it changes in a graph; `None` if it finds nothing.
    fn apply(&self, site: &Site<'_>) -> Option<Rewrite>;
}

/// What a rule found: a patch, and the nodes that it is about.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// The nodes.
    pub nodes: Vec<Name>,
    /// The change.
    pub patch: Patch,
}

/// The graph that a rule looks at, in its module.
#[derive(Debug)]
pub struct Site<'a> {
    module: &'a Module,
    graph: &'a Graph,
    program: OnceCell<Option<Program>>,
}

/// A node in one instantiation of its graph.
#[derive(Clone, Debug)]
pub struct Typed<'a> {
    /// The op, unless the node is something else.
    pub op: Option<&'a Op>,
    /// The types of its operands.
    pub x: SmallVec<[&'a TensorType; 4]>,
    /// The types of its outputs.
    pub y: &'a [TensorType],
}

impl<'a> Site<'a> {
    /// A graph of a module.
    #[must_use]
    pub fn new(module: &'a Module, graph: &'a Graph) -> Self {
        Self { module, graph, program: OnceCell::new() }
    }

    /// The module.
    #[must_use]
    pub fn module(&self) -> &'a Module {
        self.module
    }

    /// The graph.
    #[must_use]
    pub fn graph(&self) -> &'a Graph {
        self.graph
    }

    /// A node in every instantiation of the graph; none if decisions are open, or if no output needs the node.
    #[must_use]
    pub fn typed(&self, node: &str) -> Vec<Typed<'_>> {
        let program = self.program.get_or_init(|| {
            let nothing = |_: &str, _: Option<i64>| None::<Value>;
            let open = !self.module.decisions.is_empty();
            if open { None } else { Elaboration::new(self.module, &nothing).run().ok() }
        });
        let instances = program.iter().flat_map(|p| &p.instances).filter(|i| i.graph.name() == self.graph.name());
        instances.filter_map(|i| typed(i, node)).collect()
    }

    /// Whether a node is there in some instantiation of a module without open decisions, and all of them pass a test.
    pub fn always(&self, node: &str, test: impl Fn(&Typed<'_>) -> bool) -> bool {
        let all = self.typed(node);
        !all.is_empty() && all.iter().all(test)
    }
}

fn typed<'a>(instance: &'a Instance, node: &str) -> Option<Typed<'a>> {
    let step = instance.steps.iter().find(|s| instance.name(s) == node)?;
    let op = match &step.action {
        Action::Op(op) => Some(op),
        _ => None,
    };
    Some(Typed { op, x: instance.types_of(&step.operands), y: instance.results(step) })
}

/// Why a module could not be rewritten.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    /// A rule made a patch that does not apply.
    #[error("rule `{rule}` at {} of @{graph}: {source}", list(.nodes))]
    Patch {
        /// The rule.
        rule: String,
        /// The graph.
        graph: Name,
        /// The nodes that it is about.
        nodes: Vec<Name>,
        /// Why.
        source: Box<PatchError>,
    },
    /// The rules did not come to an end.
    #[error(
        "rule `{rule}` still applies, to {} of @{graph}, after {limit} patches; raise the limit, or leave the rule out",
        list(.nodes)
    )]
    Limit {
        /// The rule.
        rule: String,
        /// The graph.
        graph: Name,
        /// The nodes that it is about.
        nodes: Vec<Name>,
        /// How many patches were applied.
        limit: usize,
    },
}

fn list(nodes: &[Name]) -> String {
    const SHOWN: usize = 4;
    let mut text = nodes.iter().take(SHOWN).map(|n| format!("%{n}")).collect::<Vec<_>>().join(", ");
    if nodes.len() > SHOWN {
        text.push_str(&format!(" and {} more", nodes.len() - SHOWN));
    }
    text
}

/// Every rule of this module, in the order in which they help each other.
pub const ALL: [&dyn Rule; 4] = [&DeadCode, &Zeros, &Identities, &CommonSubexpressions];

/// Applies rules to every graph of a module until none of them finds anything, with at most `limit` patches.
///
/// # Errors
/// If a patch does not apply, or the limit is met; the error names the rule and the nodes.
pub fn rewrite(module: &Module, rules: &[&dyn Rule], limit: usize) -> Result<Module, RewriteError> {
    let mut module = module.clone();
    let mut applied = 0;
    loop {
        let before = applied;
        for rule in rules {
            let graphs: Vec<Name> = module.graphs.iter().map(|g| g.name().clone()).collect();
            for name in graphs {
                // A patch of another graph may have removed this one.
                let Some(graph) = module.graph(&name).cloned() else { continue };
                let Some(Rewrite { nodes, patch }) = rule.apply(&Site::new(&module, &graph)) else { continue };
                let rule = rule.name().to_owned();
                if applied == limit {
                    return Err(RewriteError::Limit { rule, graph: name, nodes, limit });
                }
                applied += 1;
                module = patch.apply(&module).map_err(|source| RewriteError::Patch {
                    rule,
                    graph: name,
                    nodes,
                    source: Box::new(source),
                })?;
            }
        }
        if applied == before {
            return Ok(module);
        }
    }
}
