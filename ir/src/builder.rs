//! Building graphs: nodes in any order, operands by name, checked when finished.

use crate::expr::{DecisionRef, Expr};
use crate::graph::{Body, Callee, Candidate, Graph, Node, Port, Reduce, Val, Wire};
use crate::op::{Op, OpTemplate};
use crate::ty::TensorType;
use crate::value::Name;
use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Why nodes do not make a graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two nodes of one name.
    #[error("@{graph}: the name `%{node}` is used twice; rename one of the two")]
    DuplicateNode {
        /// The graph.
        graph: Name,
        /// The node.
        node: Name,
    },
    /// A parameter declared twice.
    #[error("@{graph}: the parameter `{param}` is declared twice; rename one of the two")]
    DuplicateParam {
        /// The graph.
        graph: Name,
        /// The parameter.
        param: Name,
    },
    /// An operand or output that no node makes.
    #[error("@{graph}: {user} uses `{val}`, which is not defined; define it, or use one of the graph's nodes")]
    Undefined {
        /// The graph.
        graph: Name,
        /// What uses it: `%add`, or `return`.
        user: String,
        /// The value.
        val: Val,
    },
    /// A cycle.
    #[error("@{graph}: the nodes {} form a cycle; a computation graph must be acyclic", cycle(.nodes))]
    Cycle {
        /// The graph.
        graph: Name,
        /// The nodes of the cycle in order.
        nodes: Vec<Name>,
    },
    /// A graph without outputs.
    #[error("@{graph} returns nothing; end it with `return %value`")]
    NoOutput {
        /// The graph.
        graph: Name,
    },
    /// More operands than a slot number can count.
    #[error("@{graph}: `%{node}` has {found} operands; at most 65535 are possible")]
    TooManyOperands {
        /// The graph.
        graph: Name,
        /// The node.
        node: Name,
        /// Number of operands.
        found: usize,
    },
}

impl GraphError {
    /// The node that the error is about, if it is about one.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::DuplicateNode { node, .. } | Self::TooManyOperands { node, .. } => Some(node),
            Self::Undefined { user, .. } => user.strip_prefix('%'),
            Self::Cycle { nodes, .. } => nodes.first().map(Name::as_str),
            Self::DuplicateParam { .. } | Self::NoOutput { .. } => None,
        }
    }
}

fn cycle(nodes: &[Name]) -> String {
    /// Nodes that are named of a long cycle.
    const MOST: usize = 20;
    let mut names: Vec<String> = nodes.iter().take(MOST).map(|n| format!("%{n}")).collect();
    if nodes.len() > MOST {
        names.push(format!("({} more)", nodes.len() - MOST));
    }
    names.extend(nodes.first().map(|n| format!("%{n}")));
    names.join(" -> ")
}

#[derive(Clone, Debug)]
struct Draft {
    node: Node,
    operands: Vec<Val>,
}

/// Builds a [`Graph`]. Operands are names, so nodes may come in any order; [`GraphBuilder::finish`] checks them.
///
/// ```
/// use ir::GraphBuilder;
/// let mut b = GraphBuilder::new("block", ["c"]);
/// let x = b.input("x");
/// let y = b.op("conv", "conv2d {out=c, k=3, pad=1}", [&x])?;
/// let z = b.op("sum", "add", [&x, &y])?;
/// b.output(z);
/// let graph = b.finish()?;
/// assert_eq!(graph.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct GraphBuilder {
    name: Name,
    params: Vec<Name>,
    drafts: Vec<Draft>,
    outputs: Vec<Val>,
}

/// What [`GraphBuilder::op`] takes: a template's text, a template or an op.
pub trait IntoTemplate {
    /// The template for a graph of these parameters.
    ///
    /// # Errors
    /// If the text is malformed or no such op exists.
    fn into_template(self, params: &[Name]) -> Result<OpTemplate, crate::text::ParseError>;
}

impl IntoTemplate for &str {
    fn into_template(self, params: &[Name]) -> Result<OpTemplate, crate::text::ParseError> {
        OpTemplate::parse(self, params)
    }
}

impl IntoTemplate for OpTemplate {
    fn into_template(self, _: &[Name]) -> Result<OpTemplate, crate::text::ParseError> {
        Ok(self)
    }
}

impl IntoTemplate for Op {
    fn into_template(self, _: &[Name]) -> Result<OpTemplate, crate::text::ParseError> {
        Ok(self.into())
    }
}

impl GraphBuilder {
    /// Starts a graph with these integer parameters.
    pub fn new<P: AsRef<str>>(name: impl AsRef<str>, params: impl IntoIterator<Item = P>) -> Self {
        Self {
            name: Name::new(name),
            params: params.into_iter().map(Name::new).collect(),
            drafts: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &[Name] {
        &self.params
    }

    /// Adds a node of any body.
    pub fn node<V: Into<Val>>(
        &mut self,
        name: impl AsRef<str>,
        body: Body,
        operands: impl IntoIterator<Item = V>,
    ) -> Val {
        self.declared(name, body, operands, None)
    }

    /// Adds a node with stated output types.
    pub fn declared<V: Into<Val>>(
        &mut self,
        name: impl AsRef<str>,
        body: Body,
        operands: impl IntoIterator<Item = V>,
        declared: Option<Vec<TensorType>>,
    ) -> Val {
        let node = Node { name: Name::new(name), body, declared, weights: None };
        let val = Val { node: node.name.clone(), out: 0 };
        self.drafts.push(Draft { node, operands: operands.into_iter().map(Into::into).collect() });
        val
    }

    /// Lets a node that was added use the weights of that name: those of another node, or a name that several are
    /// given. What shares weights must do the same.
    ///
    /// ```
    /// use ir::GraphBuilder;
    /// let mut b = GraphBuilder::new("twice", [] as [&str; 0]);
    /// let x = b.input("x");
    /// let once = b.op("once", "linear {out=8}", [&x])?;
    /// let twice = b.op("twice", "linear {out=8}", [&once])?;
    /// b.tie(&twice, "once");
    /// b.output(twice);
    /// assert!(b.finish()?.to_string().contains("%twice = linear %once {out=8} weights once"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tie(&mut self, node: &Val, weights: impl AsRef<str>) {
        for draft in self.drafts.iter_mut().filter(|d| d.node.name == node.node) {
            draft.node.weights = Some(Name::new(&weights)).filter(|w| *w != draft.node.name);
        }
    }

    /// Adds an input.
    pub fn input(&mut self, name: impl AsRef<str>) -> Val {
        self.node(name, Body::Input, [] as [Val; 0])
    }

    /// Adds an input of a stated type; an entry graph's inputs need one.
    pub fn input_of(&mut self, name: impl AsRef<str>, ty: TensorType) -> Val {
        self.declared(name, Body::Input, [] as [Val; 0], Some(vec![ty]))
    }

    /// Adds an op: a template's text, a template, or an op.
    ///
    /// # Errors
    /// If the text is malformed or no such op exists.
    pub fn op<V: Into<Val>>(
        &mut self,
        name: impl AsRef<str>,
        op: impl IntoTemplate,
        operands: impl IntoIterator<Item = V>,
    ) -> Result<Val, crate::text::ParseError> {
        let template = op.into_template(&self.params)?;
        Ok(self.node(name, Body::Op(template), operands))
    }

    /// Adds a call.
    pub fn call<V: Into<Val>>(
        &mut self,
        name: impl AsRef<str>,
        graph: impl AsRef<str>,
        args: impl IntoIterator<Item = Expr>,
        operands: impl IntoIterator<Item = V>,
    ) -> Val {
        self.node(name, Body::Call(Callee::new(graph, args)), operands)
    }

    /// Adds a choice between candidates.
    pub fn choice<V: Into<Val>>(
        &mut self,
        name: impl AsRef<str>,
        decision: DecisionRef,
        candidates: impl IntoIterator<Item = (Name, Candidate)>,
        operands: impl IntoIterator<Item = V>,
    ) -> Val {
        let candidates = candidates.into_iter().collect();
        self.node(name, Body::Choice { decision, candidates }, operands)
    }

    /// Adds a choice of inputs.
    pub fn select<V: Into<Val>>(
        &mut self,
        name: impl AsRef<str>,
        decision: DecisionRef,
        reduce: Reduce,
        operands: impl IntoIterator<Item = V>,
    ) -> Val {
        self.node(name, Body::Select { decision, reduce }, operands)
    }

    /// Declares the next output.
    pub fn output(&mut self, val: impl Into<Val>) {
        self.outputs.push(val.into());
    }

    /// Checks and builds the graph.
    ///
    /// # Errors
    /// If a name is used twice, a value is not defined, the nodes form a cycle, or nothing is returned.
    pub fn finish(self) -> Result<Graph, GraphError> {
        let graph = self.name;
        let mut params: Vec<&Name> = self.params.iter().collect();
        params.sort_unstable();
        if let Some(w) = params.windows(2).find(|w| w[0] == w[1]) {
            return Err(GraphError::DuplicateParam { graph, param: w[0].clone() });
        }
        let edges = self.drafts.iter().map(|d| d.operands.len()).sum();
        let mut net = StableDiGraph::with_capacity(self.drafts.len(), edges);
        let mut by_name: FxHashMap<Name, NodeIndex> = FxHashMap::default();
        by_name.reserve(self.drafts.len());
        let mut inputs = Vec::new();
        let mut all_operands = Vec::with_capacity(self.drafts.len());
        for draft in self.drafts {
            let Draft { node, operands } = draft;
            if operands.len() > usize::from(u16::MAX) {
                return Err(GraphError::TooManyOperands { graph, node: node.name, found: operands.len() });
            }
            let (name, is_input) = (node.name.clone(), node.body == Body::Input);
            let i = net.add_node(node);
            if by_name.insert(name.clone(), i).is_some() {
                return Err(GraphError::DuplicateNode { graph, node: name });
            }
            if is_input {
                inputs.push(i);
            }
            all_operands.push((i, operands));
        }
        let mut ports: Vec<SmallVec<[Port; 2]>> = Vec::with_capacity(all_operands.len());
        for (target, operands) in all_operands {
            let mut own = SmallVec::with_capacity(operands.len());
            for (slot, val) in operands.into_iter().enumerate() {
                let Some(source) = by_name.get(&val.node) else {
                    let user = format!("%{}", net[target].name);
                    return Err(GraphError::Undefined { graph, user, val });
                };
                net.add_edge(*source, target, Wire { out: val.out, slot: slot as u16 });
                own.push(Port { node: *source, out: val.out });
            }
            // Nodes are numbered in a row, so that a node's index is its place here.
            ports.push(own);
        }
        let mut outputs = Vec::with_capacity(self.outputs.len());
        for val in self.outputs {
            match by_name.get(&val.node) {
                Some(node) => outputs.push(Port { node: *node, out: val.out }),
                None => return Err(GraphError::Undefined { graph, user: "return".into(), val }),
            }
        }
        if outputs.is_empty() {
            return Err(GraphError::NoOutput { graph });
        }
        let order = topological(&net).map_err(|nodes| GraphError::Cycle { graph: graph.clone(), nodes })?;
        Ok(Graph { name: graph, params: self.params, net, inputs, outputs, order, operands: ports })
    }
}

/// All nodes, operands first, the lowest index first among those ready; or the names along a cycle.
pub(crate) fn topological(net: &StableDiGraph<Node, Wire>) -> Result<Vec<NodeIndex>, Vec<Name>> {
    let bound = net.node_indices().map(|i| i.index() + 1).max().unwrap_or(0);
    let mut missing = vec![0u32; bound];
    for e in net.edge_indices() {
        if let Some((_, target)) = net.edge_endpoints(e) {
            missing[target.index()] += 1;
        }
    }
    let mut ready: BinaryHeap<Reverse<NodeIndex>> =
        net.node_indices().filter(|i| missing[i.index()] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(net.node_count());
    while let Some(Reverse(i)) = ready.pop() {
        order.push(i);
        for e in net.edges_directed(i, Direction::Outgoing) {
            let left = &mut missing[e.target().index()];
            *left -= 1;
            if *left == 0 {
                ready.push(Reverse(e.target()));
            }
        }
    }
    if order.len() == net.node_count() {
        return Ok(order);
    }
    // Walk backwards among the nodes that never became ready: each has an operand among them.
    let stuck = |i: &NodeIndex| missing[i.index()] > 0;
    let mut walk: Vec<NodeIndex> = net.node_indices().filter(stuck).take(1).collect();
    let mut step = vec![usize::MAX; bound];
    while let Some(&last) = walk.last() {
        step[last.index()] = walk.len() - 1;
        let Some(next) = net.neighbors_directed(last, Direction::Incoming).find(stuck) else { break };
        let start = step[next.index()];
        if start != usize::MAX {
            walk.drain(..start);
            break;
        }
        walk.push(next);
    }
    walk.reverse();
    let first = walk.iter().enumerate().min_by_key(|(_, i)| **i).map_or(0, |(place, _)| place);
    walk.rotate_left(first);
    Err(walk.into_iter().map(|i| net[i].name.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_cycle() {
        let mut b = GraphBuilder::new("g", [] as [&str; 0]);
        b.input("x");
        let relu = || Body::Op(Op::from(crate::op::Relu {}).into());
        b.node("a", relu(), ["c"]);
        b.node("b", relu(), ["a"]);
        b.node("c", relu(), ["b"]);
        b.output("c");
        let err = b.finish().expect_err("cyclic").to_string();
        assert!(
            err.contains("%a -> %b -> %c -> %a")
                || err.contains("%b -> %c -> %a -> %b")
                || err.contains("%c -> %a -> %b -> %c"),
            "{err}"
        );
    }

    #[test]
    fn order_does_not_depend_on_insertion() {
        let mut b = GraphBuilder::new("g", [] as [&str; 0]);
        b.node("y", Body::Op(Op::from(crate::op::Add { mean: false }).into()), ["x", "x"]);
        b.input("x");
        b.output("y");
        let g = b.finish().expect("acyclic");
        let names: Vec<_> = g.nodes().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["x", "y"]);
        assert_eq!(g.operands("y"), [Val::new("x"), Val::new("x")]);
    }
}
