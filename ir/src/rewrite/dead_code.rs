//! Dead code: nodes that no output of their graph needs, and graphs that the entry never calls.
//!
//! Right because a graph's outputs are all that its callers see, and no op has an effect beside its outputs (batch norm
//! updates its own statistics only). Inputs stay: they are the graph's signature.

use super::{Rewrite, Rule, Site};
use crate::graph::Body;
use crate::patch::Patch;
use crate::value::Name;

/// Drops dead nodes and unreached graphs.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeadCode;

impl Rule for DeadCode {
    fn name(&self) -> &'static str {
        "dead-code"
    }

    fn apply(&self, site: &Site<'_>) -> Option<Rewrite> {
        let (module, graph) = (site.module(), site.graph());
        let mut patch = Patch::new(self.name());
        let reached = module.reached();
        if !reached.contains(graph.name()) {
            // All at once, as they may call each other.
            module.graphs.iter().filter(|g| !reached.contains(g.name())).for_each(|g| patch.remove(g.name()));
            return Some(Rewrite { nodes: graph.nodes().map(|n| n.name.clone()).collect(), patch });
        }
        let live = graph.live();
        let dead: Vec<Name> = graph
            .nodes()
            .filter(|n| n.body != Body::Input && !live.contains(n.name.as_str()))
            .map(|n| n.name.clone())
            .collect();
        if dead.is_empty() {
            return None;
        }
        patch.sweep(graph.name());
        Some(Rewrite { nodes: dead, patch })
    }
}
