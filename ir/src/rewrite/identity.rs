//! Identities: nodes whose output is their operand.
//!
//! `identity` by definition; a sum, mean or concatenation of one operand; dropout and drop path that drop nothing
//! (`p = 0`, where the others are scaled by `1 / (1 - 0)`); a margin of no width.

use super::{Rewrite, Rule, Site};
use crate::graph::{Body, Graph, Node, Val};
use crate::op::{Op, OpTemplate, Pair};
use crate::patch::Patch;
use crate::value::Name;
use rustc_hash::FxHashMap;

/// Moves the users of identities to their operands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identities;

impl Rule for Identities {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn apply(&self, site: &Site<'_>) -> Option<Rewrite> {
        let graph = site.graph();
        let mut patch = Patch::new(self.name());
        // Operands come first, so a chain of identities is followed to its root at once.
        let mut root: FxHashMap<Val, Val> = FxHashMap::default();
        let mut nodes: Vec<Name> = Vec::new();
        for node in graph.nodes().filter(|n| is_identity(graph, n)) {
            let operand = graph.operands(&node.name).swap_remove(0);
            let target = root.get(&operand).cloned().unwrap_or(operand);
            let val = Val { node: node.name.clone(), out: 0 };
            patch.shunt(graph.name(), val.clone(), target.clone());
            root.insert(val, target);
            nodes.push(node.name.clone());
        }
        (!nodes.is_empty()).then_some(Rewrite { nodes, patch })
    }
}

fn is_identity(graph: &Graph, node: &Node) -> bool {
    let Body::Op(OpTemplate::Fixed(op)) = &node.body else { return false };
    let drops_nothing = match op {
        Op::Identity(_) => true,
        Op::Add(_) | Op::Concat(_) => graph.operands(&node.name).len() == 1,
        Op::Dropout(drop) => drop.p.get() == 0.0,
        Op::DropPath(drop) => drop.p.get() == 0.0,
        Op::Pad(pad) => pad.before == Pair::both(0) && pad.after == Pair::both(0),
        _ => false,
    };
    drops_nothing && graph.operands(&node.name).len() == 1
}
