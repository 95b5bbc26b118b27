//! Cell: nodes that each apply a few operations to chosen predecessors (NASNet, Zoph et al. 2018; ENAS, Pham et al. 2018).

use super::choices::candidate;
use crate::chooser::Chooser;
use crate::error::MutateError;
use crate::mutator::Mutator;
use ir::expr::DecisionRef;
use ir::graph::{Body, Reduce, Val};
use ir::{Decision, Domain, GraphBuilder, Module, Name, Patch, Value};

/// Which nodes a cell returns, concatenated along the channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concat {
    /// All of its nodes.
    All,
    /// Those that no other node uses.
    LooseEnds,
}

/// A cell of `nodes` nodes over some predecessors. Each node sums `ops_per_node` operations, each applied to one of the
/// predecessors and earlier nodes.
///
/// Node `i` with operation `k` is decided by `{label}_in_{i}_{k}` (which input) and `{label}_op_{i}_{k}` (which
/// operation); nodes are numbered after the predecessors, as in the papers' figures.
#[derive(Clone, Debug)]
pub struct Cell {
    label: Name,
    params: Vec<Name>,
    predecessors: usize,
    nodes: usize,
    ops_per_node: usize,
    concat: Concat,
    candidates: Vec<(Name, String)>,
}

impl Cell {
    /// A cell of four nodes, two predecessors and two operations per node, as a graph called `label`.
    pub fn new<P: AsRef<str>>(label: &str, params: impl IntoIterator<Item = P>) -> Self {
        Self {
            label: Name::new(label),
            params: params.into_iter().map(Name::new).collect(),
            predecessors: 2,
            nodes: 4,
            ops_per_node: 2,
            concat: Concat::All,
            candidates: Vec::new(),
        }
    }

    /// Sets the number of nodes.
    #[must_use]
    pub fn nodes(mut self, n: usize) -> Self {
        self.nodes = n;
        self
    }

    /// Sets the number of predecessors, the graph's inputs.
    #[must_use]
    pub fn predecessors(mut self, n: usize) -> Self {
        self.predecessors = n;
        self
    }

    /// Sets the number of operations per node.
    #[must_use]
    pub fn ops_per_node(mut self, n: usize) -> Self {
        self.ops_per_node = n;
        self
    }

    /// Sets which nodes are returned.
    #[must_use]
    pub fn concat(mut self, concat: Concat) -> Self {
        self.concat = concat;
        self
    }

    /// Adds an operation: a label, and an op or graph as text.
    #[must_use]
    pub fn candidate(mut self, label: &str, text: impl Into<String>) -> Self {
        self.candidates.push((Name::new(label), text.into()));
        self
    }

    fn input_label(&self, node: usize, k: usize) -> String {
        format!("{}_in_{node}_{k}", self.label)
    }

    /// The decision of which value operation `k` of a node takes; node numbers include the predecessors.
    fn input(&self, node: usize, k: usize) -> Result<Decision, MutateError> {
        let domain = Domain::Categorical(Domain::first(node));
        Ok(Decision::new(self.input_label(node, k), domain)?.grouped(format!("{}_{node}", self.label)))
    }

    /// Defines the cell's graph in a module and declares its decisions. A cell of loose ends also needs its
    /// [`Cell::mutator`] in the space.
    ///
    /// # Errors
    /// If a candidate's text is malformed, a number is zero, or a label is declared in another way.
    pub fn install(&self, module: &mut Module) -> Result<(), MutateError> {
        if self.nodes == 0 || self.predecessors == 0 || self.ops_per_node == 0 {
            let reason = format!("cell `{}` needs at least one node, predecessor and operation per node", self.label);
            return Err(MutateError::Space { space: module.name.to_string(), reason });
        }
        let mut b = GraphBuilder::new(&self.label, &self.params);
        let candidates = self
            .candidates
            .iter()
            .map(|(label, text)| Ok((label.clone(), candidate(text, &self.params)?)))
            .collect::<Result<Vec<_>, MutateError>>()?;
        let ops = Domain::Categorical(self.candidates.iter().map(|(l, _)| Value::label(l)).collect());
        let mut values: Vec<Val> = (0..self.predecessors).map(|i| b.input(format!("n{i}"))).collect();
        for node in self.predecessors..self.predecessors + self.nodes {
            let mut parts = Vec::with_capacity(self.ops_per_node);
            for k in 0..self.ops_per_node {
                module.declare(self.input(node, k)?)?;
                let op = format!("{}_op_{node}_{k}", self.label);
                module.declare(Decision::new(&op, ops.clone())?.grouped(format!("{}_{node}", self.label)))?;
                let x = b.select(
                    format!("in_{node}_{k}"),
                    DecisionRef::new(self.input_label(node, k)),
                    Reduce::Sum,
                    &values,
                );
                parts.push(b.choice(format!("op_{node}_{k}"), DecisionRef::new(&op), candidates.clone(), [&x]));
            }
            values.push(b.op(format!("n{node}"), "add", &parts)?);
        }
        let out = b.op("out", "concat", &values[self.predecessors..])?;
        b.output(out);
        module.set_graph(b.finish()?);
        Ok(())
    }

    /// The mutator that narrows the concatenation to the loose ends; `None` if all nodes are returned.
    #[must_use]
    pub fn mutator(&self) -> Option<LooseEnds> {
        (self.concat == Concat::LooseEnds).then(|| LooseEnds { cell: self.clone() })
    }
}

/// Concatenates only those nodes of a [`Cell`] that no other node uses. Static: it asks for the cell's own decisions.
#[derive(Clone, Debug)]
pub struct LooseEnds {
    cell: Cell,
}

impl LooseEnds {
    fn slots(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let first = self.cell.predecessors;
        (first..first + self.cell.nodes).flat_map(|node| (0..self.cell.ops_per_node).map(move |k| (node, k)))
    }
}

impl Mutator for LooseEnds {
    fn label(&self) -> &str {
        &self.cell.label
    }

    fn decisions(&self, _: &Module) -> Option<Vec<Decision>> {
        // They are the module's own; asking for them adds none.
        Some(Vec::new())
    }

    fn mutate(&self, _: &Module, chooser: &mut dyn Chooser) -> Result<Patch, MutateError> {
        let cell = &self.cell;
        let mut used = vec![false; cell.predecessors + cell.nodes];
        for (node, k) in self.slots() {
            let value = chooser.choose(&cell.input_label(node, k), &cell.input(node, k)?.domain)?;
            if let Some(place) = value.as_int().and_then(|i| used.get_mut(i as usize)) {
                *place = true;
            }
        }
        let loose: Vec<Val> =
            (cell.predecessors..used.len()).filter(|i| !used[*i]).map(|i| Val::new(format!("n{i}"))).collect();
        let mut patch = Patch::new(format!("loose ends of {}", cell.label));
        let op = ir::OpTemplate::parse("concat", &[])?;
        let out = patch.add_body(&cell.label, "loose", Body::Op(op), loose);
        patch.shunt(&cell.label, "out", out);
        Ok(patch)
    }
}
