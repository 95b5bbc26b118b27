//! Modules: named graphs, an entry graph, and the decisions that are open.

use crate::decision::Decision;
use crate::expr::Expr;
use crate::graph::Graph;
use crate::value::Name;
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// Named graphs, an entry graph, and the declared decisions and constraints.
///
/// A cell is a graph that is called many times: it is edited once, each call has weights of its own, and every call
/// sees the same decisions. Graphs are shared between modules, so that a clone is cheap.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// Its name, without the `@`.
    pub name: Name,
    /// The graph that is the network; it has no parameters, and its inputs have stated types.
    pub entry: Name,
    /// What is open.
    pub decisions: Vec<Decision>,
    /// Boolean expressions over decisions that every sample fulfils.
    pub constraints: Vec<Expr>,
    /// The graphs in order.
    pub graphs: Vec<Arc<Graph>>,
}

impl Module {
    /// A module whose entry is the graph called `entry`.
    pub fn new(name: impl AsRef<str>, entry: impl AsRef<str>) -> Self {
        Self {
            name: Name::new(name),
            entry: Name::new(entry),
            decisions: Vec::new(),
            constraints: Vec::new(),
            graphs: Vec::new(),
        }
    }

    /// Adds a graph, or replaces the one of the same name in its place.
    pub fn set_graph(&mut self, graph: impl Into<Arc<Graph>>) {
        let graph = graph.into();
        match self.graphs.iter_mut().find(|g| g.name == graph.name) {
            Some(place) => *place = graph,
            None => self.graphs.push(graph),
        }
    }

    /// The graph of that name.
    #[must_use]
    pub fn graph(&self, name: &str) -> Option<&Arc<Graph>> {
        self.graphs.iter().find(|g| g.name == name)
    }

    /// The decision, or family of decisions, of that label.
    #[must_use]
    pub fn decision(&self, label: &str) -> Option<&Decision> {
        self.decisions.iter().find(|d| d.label == label)
    }

    /// The names of the graphs that the entry reaches, itself included.
    #[must_use]
    pub fn reached(&self) -> FxHashSet<Name> {
        let mut found: FxHashSet<Name> = FxHashSet::default();
        let mut pending: Vec<Name> = vec![self.entry.clone()];
        while let Some(name) = pending.pop() {
            if let Some(graph) = self.graph(&name)
                && found.insert(name)
            {
                pending.extend(graph.nodes().flat_map(|n| n.body.callees()).map(|c| c.graph.clone()));
            }
        }
        found
    }

    /// Declares a decision; declaring it again in the same way is no change.
    ///
    /// # Errors
    /// If the label is declared already, in another way; the error holds both declarations.
    pub fn declare(&mut self, decision: Decision) -> Result<(), DuplicateLabel> {
        match self.decisions.iter().find(|d| d.label == decision.label) {
            Some(old) if *old == decision => Ok(()),
            Some(old) => Err(DuplicateLabel { first: old.to_string(), second: decision.to_string() }),
            None => {
                self.decisions.push(decision);
                Ok(())
            }
        }
    }
}

/// One label declared in two ways.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{first}` and `{second}` declare one label in two ways; a label is one decision, so rename one of them")]
pub struct DuplicateLabel {
    /// The declaration that stands.
    pub first: String,
    /// The declaration that was refused.
    pub second: String,
}
