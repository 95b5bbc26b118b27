//! Common subexpressions: two nodes that do the same with the same operands are one.
//!
//! Right for ops without weights and without chance: two convolutions have weights of their own, two dropouts drop
//! other elements. What a downstream crate's op does is unknown, so it is left alone, as are calls and choices.
//! Operands of commutative ops are compared in any order; a sum of more than two may then be rounded otherwise.

use super::{Rewrite, Rule, Site};
use crate::expr::Expr;
use crate::graph::{Body, Val};
use crate::op::OpTemplate;
use crate::patch::Patch;
use crate::value::Name;
use rustc_hash::FxHashMap;

/// The ops without weights and without chance.
const PURE: [&str; 30] = [
    "relu",
    "relu6",
    "gelu",
    "silu",
    "hardswish",
    "sigmoid",
    "tanh",
    "softmax",
    "max_pool",
    "avg_pool",
    "global_avg_pool",
    "adaptive_avg_pool",
    "add",
    "sub",
    "mul",
    "div",
    "matmul",
    "embedding",
    "concat",
    "split",
    "slice",
    "flatten",
    "reshape",
    "transpose",
    "mean",
    "sum",
    "constant",
    "zero",
    "pad",
    "channel_shuffle",
];

/// Merges equal nodes into the first of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommonSubexpressions;

/// What a node computes: its op, whether all of its attributes are literals, the attributes, and the operands.
type Key = (Name, bool, Vec<(Name, Expr)>, Vec<Val>);

impl Rule for CommonSubexpressions {
    fn name(&self) -> &'static str {
        "cse"
    }

    fn apply(&self, site: &Site<'_>) -> Option<Rewrite> {
        let graph = site.graph();
        let mut patch = Patch::new(self.name());
        let mut first: FxHashMap<Key, Name> = FxHashMap::default();
        // The node that stands for another.
        let mut twin: FxHashMap<Name, Name> = FxHashMap::default();
        let mut nodes = Vec::new();
        for node in graph.nodes() {
            let Body::Op(op) = &node.body else { continue };
            if !PURE.contains(&op.name()) {
                continue;
            }
            let mut operands = graph.operands(&node.name);
            for v in &mut operands {
                if let Some(other) = twin.get(&v.node) {
                    v.node = other.clone();
                }
            }
            if is_commutative(op) {
                operands.sort_by(|a, b| (&a.node, a.out).cmp(&(&b.node, b.out)));
            }
            let key = (Name::new(op.name()), matches!(op, OpTemplate::Fixed(_)), op.attrs(), operands);
            let Some(known) = first.get(&key) else {
                first.insert(key, node.name.clone());
                continue;
            };
            let used = graph.outputs().filter(|v| v.node == node.name).map(|v| v.out);
            let mut outs: Vec<u8> = graph.uses(&node.name).into_iter().chain(used).collect();
            outs.sort_unstable();
            outs.dedup();
            for out in outs {
                patch.shunt(graph.name(), Val { node: node.name.clone(), out }, Val { node: known.clone(), out });
            }
            twin.insert(node.name.clone(), known.clone());
            nodes.push(node.name.clone());
        }
        // A node without uses is dead code, but no reason to go on.
        (!patch.is_empty()).then_some(Rewrite { nodes, patch })
    }
}

fn is_commutative(op: &OpTemplate) -> bool {
    match op {
        OpTemplate::Fixed(op) => op.is_commutative(),
        // Whatever its attributes, a sum is a sum.
        OpTemplate::Open { .. } => matches!(op.name(), "add" | "mul"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::{OpKind, OpRegistry};

    #[test]
    fn only_ops_without_weights_are_pure() {
        let kinds: Vec<OpKind> = OpRegistry::default().kinds();
        for name in PURE {
            assert!(kinds.iter().any(|k| k.name() == name), "{name}");
        }
        for name in ["conv2d", "linear", "batch_norm", "layer_norm", "group_norm", "dropout", "drop_path"] {
            assert!(kinds.iter().any(|k| k.name() == name) && !PURE.contains(&name), "{name}");
        }
    }
}
