//! NasBench201Cell: a densely connected cell with one operation per edge.

use super::choices::candidate;
use crate::error::MutateError;
use ir::expr::DecisionRef;
use ir::{Decision, Domain, GraphBuilder, Module, Name, Value};

/// A cell of `n` nodes in which every earlier node feeds every later one through a layer choice, and a node is the sum
/// of its edges (NAS-Bench-201, Dong and Yang 2020): `n (n - 1) / 2` decisions, labelled `e01`, `e02`, `e12` and so on.
#[derive(Clone, Debug)]
pub struct NasBench201Cell {
    graph: Name,
    params: Vec<Name>,
    prefix: String,
    nodes: usize,
    candidates: Vec<(Name, String)>,
}

impl NasBench201Cell {
    /// A cell of four nodes, as a graph of that name with these parameters.
    pub fn new<P: AsRef<str>>(graph: &str, params: impl IntoIterator<Item = P>) -> Self {
        Self {
            graph: Name::new(graph),
            params: params.into_iter().map(Name::new).collect(),
            prefix: "e".into(),
            nodes: 4,
            candidates: Vec::new(),
        }
    }

    /// Sets the number of nodes, input and output included; 2 to 10.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// Sets the prefix of the labels, `e` unless set.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Adds an operation: a label, and an op or graph as text.
    #[must_use]
    pub fn candidate(mut self, label: &str, text: impl Into<String>) -> Self {
        self.candidates.push((Name::new(label), text.into()));
        self
    }

    /// Defines the cell's graph in a module and declares its decisions.
    ///
    /// # Errors
    /// If a candidate's text is malformed, the number of nodes does not fit, or a label is declared in another way.
    pub fn install(&self, module: &mut Module) -> Result<(), MutateError> {
        if !(2..=10).contains(&self.nodes) {
            let reason = format!("a cell has 2 to 10 nodes, not {}", self.nodes);
            return Err(MutateError::Space { space: module.name.to_string(), reason });
        }
        let mut b = GraphBuilder::new(&self.graph, &self.params);
        let candidates = self
            .candidates
            .iter()
            .map(|(label, text)| Ok((label.clone(), candidate(text, &self.params)?)))
            .collect::<Result<Vec<_>, MutateError>>()?;
        let domain = Domain::Categorical(self.candidates.iter().map(|(l, _)| Value::label(l)).collect());
        let mut nodes = vec![b.input("x0")];
        for to in 1..self.nodes {
            let mut edges = Vec::with_capacity(to);
            for (from, x) in nodes.iter().enumerate() {
                let label = format!("{}{from}{to}", self.prefix);
                module.declare(Decision::new(&label, domain.clone())?.grouped(format!("{}{to}", self.prefix)))?;
                edges.push(b.choice(&label, DecisionRef::new(&label), candidates.clone(), [x]));
            }
            nodes.push(b.op(format!("x{to}"), "add", &edges)?);
        }
        b.output(&nodes[self.nodes - 1]);
        module.set_graph(b.finish()?);
        Ok(())
    }
}
