//! Graphs: a petgraph `StableDiGraph` of named nodes, with inputs, outputs and integer parameters.
//!
//! Invariants, kept by [`GraphBuilder`](crate::GraphBuilder) and [`Patch`](crate::Patch), the only ways to make one:
//! * node names are unique, and are what identifies a node; petgraph's indices are not shown outside;
//! * a node's operands are its in-edges by slot, and the slots are `0..n` without gaps;
//! * every output number is below the number of outputs that the producing node has;
//! * the graph has no cycle, and `order` lists all nodes operands first;
//! * an op template is [`OpTemplate::Fixed`] exactly if it depends on no parameter and no decision.

use crate::expr::{BinOp, DecisionRef, Expr, Wrapped};
use crate::op::OpTemplate;
use crate::ty::TensorType;
use crate::value::{Name, Sigil};
use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;
use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use std::fmt;

/// An edge: which output of its source feeds which operand of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wire {
    /// Output of the source.
    pub out: u8,
    /// Operand of the target.
    pub slot: u16,
}

/// A value inside a graph: a node's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Port {
    /// The producing node.
    pub node: NodeIndex,
    /// Which of its outputs.
    pub out: u8,
}

/// A value by name: `%split.1` is output 1 of `%split`, and `%relu` is output 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Val {
    /// The producing node.
    pub node: Name,
    /// Which of its outputs.
    pub out: u8,
}

impl Val {
    /// The first output of a node.
    pub fn new(node: impl AsRef<str>) -> Self {
        Self { node: Name::new(node), out: 0 }
    }

    /// Another output of the same node.
    #[must_use]
    pub fn output(&self, out: u8) -> Self {
        Self { node: self.node.clone(), out }
    }
}

impl From<&str> for Val {
    /// Reads `name` or `name.out`, with or without the percent sign.
    fn from(text: &str) -> Self {
        let text = text.strip_prefix('%').unwrap_or(text);
        match text.rsplit_once('.').and_then(|(n, o)| Some((n, o.parse().ok()?))) {
            Some((node, out)) => Self { node: Name::new(node), out },
            None => Self::new(text),
        }
    }
}

impl From<&Val> for Val {
    fn from(v: &Val) -> Self {
        v.clone()
    }
}

impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Sigil('%', &self.node))?;
        if self.out == 0 { Ok(()) } else { write!(f, ".{}", self.out) }
    }
}

/// A graph that is called, with arguments for its parameters: `@cell<16, c * 2>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Callee {
    /// The graph.
    pub graph: Name,
    /// One integer expression per parameter.
    pub args: SmallVec<[Expr; 3]>,
}

impl Callee {
    /// A call of `graph` with these arguments.
    pub fn new(graph: impl AsRef<str>, args: impl IntoIterator<Item = Expr>) -> Self {
        Self { graph: Name::new(graph), args: args.into_iter().collect() }
    }
}

impl fmt::Display for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Sigil('@', &self.graph))?;
        for (i, arg) in self.args.iter().enumerate() {
            // A comparison needs parentheses here, as `>` ends the arguments.
            let arg = Wrapped(arg, BinOp::Add.precedence());
            write!(f, "{}{arg}", if i == 0 { "<" } else { ", " })?;
        }
        f.write_str(if self.args.is_empty() { "" } else { ">" })
    }
}

/// A candidate of a choice: an op or a graph, on the choice's operands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Candidate {
    /// An op.
    Op(OpTemplate),
    /// A graph.
    Call(Callee),
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Op(op) => write!(f, "{op}"),
            Self::Call(callee) => write!(f, "{callee}"),
        }
    }
}

/// How the chosen inputs of a `select` become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduce {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// Their concatenation along the channel axis, 1.
    Concat,
}

impl Reduce {
    /// Every reduction.
    pub const ALL: [Self; 3] = [Self::Sum, Self::Mean, Self::Concat];

    /// How the text form spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Concat => "concat",
        }
    }
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// An input of the graph.
    Input,
    /// An op.
    Op(OpTemplate),
    /// A call of another graph, with weights of its own unless they are tied.
    Call(Callee),
    /// LayerChoice: one of several candidates on the same operands.
    Choice {
        /// A categorical decision, whose values are the candidates' labels.
        decision: DecisionRef,
        /// The candidates by label, in the domain's order.
        candidates: Vec<(Name, Candidate)>,
    },
    /// InputChoice: some of its operands, reduced to one value.
    Select {
        /// A subset decision over `0..n`, for `n` operands (or a categorical one: a single operand).
        decision: DecisionRef,
        /// How the chosen become one.
        reduce: Reduce,
    },
    /// Repeat: `depth` calls of a graph in a row, each with weights of its own.
    Repeat {
        /// Number of calls; an expression such as `?depth + 1`.
        depth: Expr,
        /// The name under which the arguments see the number of the call, from 0.
        index: Option<Name>,
        /// The block.
        callee: Callee,
    },
}

impl Body {
    /// The graphs that it may call.
    #[must_use]
    pub fn callees(&self) -> SmallVec<[&Callee; 2]> {
        match self {
            Self::Call(callee) | Self::Repeat { callee, .. } => [callee].into_iter().collect(),
            Self::Choice { candidates, .. } => candidates
                .iter()
                .filter_map(|(_, c)| match c {
                    Candidate::Call(callee) => Some(callee),
                    Candidate::Op(_) => None,
                })
                .collect(),
            _ => SmallVec::new(),
        }
    }

    /// What it is called in messages: the op's name, `call @cell`, `choice ?op`.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Input => "input".into(),
            Self::Op(op) => op.name().into(),
            Self::Call(callee) => format!("call @{}", callee.graph),
            Self::Choice { decision, .. } => format!("choice {decision}"),
            Self::Select { decision, .. } => format!("select {decision}"),
            Self::Repeat { callee, .. } => format!("repeat @{}", callee.graph),
        }
    }
}

/// A node of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name, unique in the graph.
    pub name: Name,
    /// What it is.
    pub body: Body,
    /// Output types that the text states; checked against the inferred ones. An entry graph's inputs need theirs.
    pub declared: Option<Vec<TensorType>>,
    /// The name of its weights in the graph, if that is not its own: nodes whose weights have one name share them.
    pub weights: Option<Name>,
}

impl Node {
    /// The name of its weights in the graph; those of one name are the same.
    #[must_use]
    pub fn weights_name(&self) -> &Name {
        self.weights.as_ref().unwrap_or(&self.name)
    }
}

/// A computation graph, possibly parametric. See the module for its invariants.
#[derive(Clone, Debug)]
pub struct Graph {
    pub(crate) name: Name,
    pub(crate) params: Vec<Name>,
    pub(crate) net: StableDiGraph<Node, Wire>,
    pub(crate) inputs: Vec<NodeIndex>,
    pub(crate) outputs: Vec<Port>,
    pub(crate) order: Vec<NodeIndex>,
    /// The operands of each node by slot: the in-edges of `net` in order.
    pub(crate) operands: Vec<SmallVec<[Port; 2]>>,
}

impl Graph {
    /// Its name, without the `@`.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The names of its integer parameters.
    #[must_use]
    pub fn params(&self) -> &[Name] {
        &self.params
    }

    /// The petgraph graph below, for algorithms.
    #[must_use]
    pub fn petgraph(&self) -> &StableDiGraph<Node, Wire> {
        &self.net
    }

    /// Number of nodes, inputs included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether it has no nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Its input nodes in order.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = &Node> {
        self.inputs.iter().map(|i| &self.net[*i])
    }

    /// Its outputs by name, in order.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = Val> + '_ {
        self.outputs.iter().map(|p| self.val(*p))
    }

    /// All nodes, operands before users; among those ready, in order of insertion.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Node> {
        self.order.iter().map(|i| &self.net[*i])
    }

    /// The node of that name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.index(name).map(|i| &self.net[i])
    }

    /// The operands of a node by name, in order; empty if there is no such node.
    #[must_use]
    pub fn operands(&self, name: &str) -> Vec<Val> {
        self.index(name).map(|i| self.ports(i).iter().map(|p| self.val(*p)).collect()).unwrap_or_default()
    }

    /// The users of a node's values: node name and operand slot, in order of name and slot.
    #[must_use]
    pub fn users(&self, name: &str) -> Vec<(Name, u16)> {
        let Some(i) = self.index(name) else { return Vec::new() };
        let edges = self.net.edges_directed(i, Direction::Outgoing);
        let mut out: Vec<_> = edges.map(|e| (self.net[e.target()].name.clone(), e.weight().slot)).collect();
        out.sort();
        out
    }

    /// The outputs of a node that other nodes use, once per use.
    #[must_use]
    pub fn uses(&self, name: &str) -> Vec<u8> {
        let Some(i) = self.index(name) else { return Vec::new() };
        self.net.edges_directed(i, Direction::Outgoing).map(|e| e.weight().out).collect()
    }

    /// The names of the nodes that some output needs; all operands of a select count.
    #[must_use]
    pub fn live(&self) -> FxHashSet<&str> {
        let bound = self.order.iter().map(|i| i.index() + 1).max().unwrap_or(0);
        let mut needed = vec![false; bound];
        self.outputs.iter().for_each(|p| needed[p.node.index()] = true);
        for &i in self.order.iter().rev() {
            if needed[i.index()] {
                self.net.neighbors_directed(i, Direction::Incoming).for_each(|x| needed[x.index()] = true);
            }
        }
        self.order.iter().filter(|i| needed[i.index()]).map(|i| self.net[*i].name.as_str()).collect()
    }

    pub(crate) fn index(&self, name: &str) -> Option<NodeIndex> {
        self.order.iter().copied().find(|i| self.net[*i].name == name)
    }

    pub(crate) fn val(&self, port: Port) -> Val {
        Val { node: self.net[port.node].name.clone(), out: port.out }
    }

    /// Operands by slot.
    pub(crate) fn ports(&self, node: NodeIndex) -> &[Port] {
        &self.operands[node.index()]
    }
}

impl PartialEq for Graph {
    /// Equal names, parameters, nodes, operands and outputs; the order of insertion does not matter.
    fn eq(&self, other: &Self) -> bool {
        let named = |g: &Self, n: &[NodeIndex]| n.iter().map(|i| g.net[*i].name.clone()).collect::<Vec<_>>();
        let others: FxHashMap<&Name, NodeIndex> = other.order.iter().map(|i| (&other.net[*i].name, *i)).collect();
        self.name == other.name
            && self.params == other.params
            && self.len() == other.len()
            && named(self, &self.inputs) == named(other, &other.inputs)
            && self.outputs().eq(other.outputs())
            && self.order.iter().all(|i| {
                let node = &self.net[*i];
                others.get(&node.name).is_some_and(|j| {
                    let operands = |g: &Self, i| g.ports(i).iter().map(|p| g.val(*p)).collect::<SmallVec<[_; 4]>>();
                    *node == other.net[*j] && operands(self, *i) == operands(other, *j)
                })
            })
    }
}
