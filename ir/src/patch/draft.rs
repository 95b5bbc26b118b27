//! Graphs while they are edited: nodes in a list, operands by name.

use crate::builder::{GraphBuilder, GraphError};
use crate::graph::{Body, Graph, Val};
use crate::ty::TensorType;
use crate::value::Name;
use rustc_hash::{FxHashMap, FxHashSet};

/// A node of a graph that is being edited.
pub(super) struct DraftNode {
    pub(super) name: Name,
    pub(super) body: Body,
    pub(super) operands: Vec<Val>,
    pub(super) declared: Option<Vec<TensorType>>,
    pub(super) weights: Option<Name>,
    pub(super) added: bool,
}

/// A graph that is being edited.
pub(super) struct Draft {
    pub(super) graph: Name,
    pub(super) params: Vec<Name>,
    pub(super) nodes: Vec<DraftNode>,
    pub(super) outputs: Vec<Val>,
}

impl Draft {
    pub(super) fn new(source: &Graph) -> Self {
        let nodes = source.nodes().map(|n| DraftNode {
            name: n.name.clone(),
            body: n.body.clone(),
            operands: source.operands(&n.name),
            declared: n.declared.clone(),
            weights: n.weights.clone(),
            added: false,
        });
        Self {
            graph: source.name.clone(),
            params: source.params.clone(),
            nodes: nodes.collect(),
            outputs: source.outputs().collect(),
        }
    }

    /// Builds the graph from the inputs and the nodes that an output needs.
    pub(super) fn finish(self) -> Result<Graph, GraphError> {
        let mut operands: FxHashMap<&Name, Vec<&[Val]>> = FxHashMap::default();
        for n in &self.nodes {
            // Two nodes of one name are an error, which the builder reports.
            operands.entry(&n.name).or_default().push(&n.operands);
        }
        let mut needed: FxHashSet<&Name> = FxHashSet::default();
        let mut pending: Vec<&Name> = self.outputs.iter().map(|v| &v.node).collect();
        while let Some(name) = pending.pop() {
            if needed.insert(name) {
                pending.extend(operands.get(name).into_iter().flatten().flat_map(|x| x.iter().map(|v| &v.node)));
            }
        }
        let mut b = GraphBuilder::new(&self.graph, &self.params);
        for n in &self.nodes {
            if needed.contains(&n.name) || n.body == Body::Input {
                let val = b.declared(&n.name, n.body.clone(), &n.operands, n.declared.clone());
                if let Some(weights) = &n.weights {
                    b.tie(&val, weights);
                }
            }
        }
        self.outputs.iter().for_each(|v| b.output(v));
        b.finish()
    }
}
