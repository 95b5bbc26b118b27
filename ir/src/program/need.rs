//! Which nodes of a graph its outputs need, once selects and repeats are decided.
//!
//! The elaborator and [`Module::resolve`](crate::Module::resolve) ask this before they look at any node, so that a
//! decision which the others have made irrelevant is never asked for, and what no output needs is never counted.

use crate::expr::{DecisionRef, Expr};
use crate::graph::{Body, Graph};
use petgraph::stable_graph::NodeIndex;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// The operands that a node keeps, by slot.
pub(crate) type Slots = SmallVec<[usize; 4]>;

/// What is decided about the operands that nodes use.
pub(crate) trait Uses {
    /// The operands, of so many, that a decided select keeps; `None` while it is open or has no proper value.
    fn selected(&self, decision: &DecisionRef, operands: usize) -> Option<Slots>;
    /// The depth of a decided repeat; `None` while it is open or has no proper value.
    fn depth(&self, depth: &Expr) -> Option<i64>;
}

/// What the outputs of a graph need.
#[derive(Debug)]
pub(crate) struct Need {
    needed: Vec<bool>,
    /// The operands of the nodes that do not keep all of them.
    kept: FxHashMap<NodeIndex, Slots>,
    /// Whether some node has no user and is no output.
    pub loose: bool,
}

impl Need {
    /// Walks a graph from its outputs back. With `everything`, the nodes that have no user at all count as outputs, and
    /// a repeat of depth 0 keeps all operands: what a verifier looks at.
    pub(crate) fn of(graph: &Graph, uses: &dyn Uses, everything: bool) -> Self {
        let bound = graph.order.iter().map(|i| i.index() + 1).max().unwrap_or(0);
        let mut needed = vec![false; bound];
        graph.outputs.iter().for_each(|p| needed[p.node.index()] = true);
        let mut need = Self { needed, kept: FxHashMap::default(), loose: false };
        for &i in graph.order.iter().rev() {
            let body = &graph.net[i].body;
            if !need.needed[i.index()] {
                if *body == Body::Input || graph.net.edges(i).next().is_some() {
                    continue;
                }
                need.loose = true;
                if !everything {
                    continue;
                }
                need.needed[i.index()] = true;
            }
            let ports = graph.ports(i);
            let kept = match body {
                Body::Select { decision, .. } => uses.selected(decision, ports.len()),
                Body::Repeat { depth, .. } if !everything && ports.len() > 1 => {
                    (uses.depth(depth) == Some(0)).then(|| [0].into_iter().collect())
                }
                _ => None,
            };
            match kept {
                None => ports.iter().for_each(|p| need.needed[p.node.index()] = true),
                Some(slots) => {
                    slots.iter().for_each(|s| need.needed[ports[*s].node.index()] = true);
                    need.kept.insert(i, slots);
                }
            }
        }
        need
    }

    /// Whether a node is an input, or some output needs it.
    pub(crate) fn contains(&self, graph: &Graph, node: NodeIndex) -> bool {
        self.needed[node.index()] || graph.net[node].body == Body::Input
    }

    /// The operands that a node keeps, unless it keeps all.
    pub(crate) fn kept(&self, node: NodeIndex) -> Option<&Slots> {
        self.kept.get(&node)
    }
}
