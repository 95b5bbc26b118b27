//! A graph as it is drawn: choices made as far as they are, what no output needs left out, types where they are clear.

use crate::expr::{DecisionRef, Expr};
use crate::graph::{Body, Callee, Candidate, Graph, Reduce, Val};
use crate::module::Module;
use crate::op::OpTemplate;
use crate::program::{Decide, Decided, Need, Program, Slots, Uses, is_label, kept_inputs};
use crate::ty::TensorType;
use crate::value::{Name, Value};
use rustc_hash::{FxHashMap, FxHashSet};

/// What a node is.
pub(super) enum Act<'a> {
    Input,
    Op(&'a OpTemplate),
    Call(&'a Callee),
    Choice(&'a DecisionRef, &'a [(Name, Candidate)]),
    /// A select, with its decision while it is open.
    Select(Option<&'a DecisionRef>, Reduce),
    Repeat(&'a Expr, &'a Callee),
}

/// A node.
pub(super) struct Item<'a> {
    pub name: &'a Name,
    pub act: Act<'a>,
    /// The label of the candidate that was chosen.
    pub chosen: Option<&'a Name>,
    pub operands: Vec<Val>,
    /// Its output types, if they are the same wherever the graph is called.
    pub types: Option<Vec<TensorType>>,
}

/// A graph.
pub(super) struct View<'a> {
    pub module: &'a Module,
    pub graph: &'a Graph,
    /// Operands first.
    pub items: Vec<Item<'a>>,
    pub outputs: Vec<Val>,
}

/// Outside of any instantiation: an index that names a parameter stays open.
impl Decided<'_> {
    fn value(&self, d: &DecisionRef) -> Option<Value> {
        let (label, index) = d.resolve(self).ok()?;
        self.0.value(&label, index)
    }
}

impl Uses for Decided<'_> {
    fn selected(&self, decision: &DecisionRef, operands: usize) -> Option<Slots> {
        kept_inputs(&self.value(decision)?, operands).ok()
    }
    fn depth(&self, depth: &Expr) -> Option<i64> {
        depth.eval_int(self).ok()
    }
}

impl<'a> View<'a> {
    pub(super) fn of(module: &'a Module, graph: &'a Graph, decide: &dyn Decide, program: Option<&Program>) -> Self {
        let decided = Decided(decide);
        let need = Need::of(graph, &decided, false);
        let types = program.map(|p| p.types_of_graph(graph.name())).unwrap_or_default();
        let mut items = Vec::new();
        for &i in graph.order.iter().filter(|i| need.contains(graph, **i)) {
            let node = &graph.net[i];
            let ports = graph.ports(i);
            let operands = match need.kept(i) {
                Some(slots) => slots.iter().map(|s| graph.val(ports[*s])).collect(),
                None => ports.iter().map(|p| graph.val(*p)).collect(),
            };
            let mut chosen = None;
            let act = match &node.body {
                Body::Input => Act::Input,
                Body::Op(op) => Act::Op(op),
                Body::Call(callee) => Act::Call(callee),
                Body::Repeat { depth, callee, .. } => Act::Repeat(depth, callee),
                Body::Select { decision, reduce } => {
                    Act::Select(decided.value(decision).is_none().then_some(decision), *reduce)
                }
                Body::Choice { decision, candidates } => {
                    let value = decided.value(decision);
                    match value.and_then(|v| candidates.iter().find(|(label, _)| is_label(&v, label))) {
                        None => Act::Choice(decision, candidates),
                        Some((label, candidate)) => {
                            chosen = Some(label);
                            match candidate {
                                Candidate::Op(op) => Act::Op(op),
                                Candidate::Call(callee) => Act::Call(callee),
                            }
                        }
                    }
                }
            };
            let types = types.get(&node.name).cloned().flatten().or_else(|| node.declared.clone());
            items.push(Item { name: &node.name, act, chosen, operands, types });
        }
        Self { module, graph, items, outputs: graph.outputs().collect() }
    }

    /// The nodes by name.
    pub(super) fn places(&self) -> FxHashMap<&Name, usize> {
        self.items.iter().enumerate().map(|(i, item)| (item.name, i)).collect()
    }
}

/// The graphs that the entry reaches under some decisions.
pub(super) fn reached(module: &Module, decide: &dyn Decide) -> FxHashSet<Name> {
    let mut found: FxHashSet<Name> = FxHashSet::default();
    let mut pending: Vec<Name> = vec![module.entry.clone()];
    while let Some(name) = pending.pop() {
        let Some(graph) = module.graph(&name) else { continue };
        if !found.insert(name) {
            continue;
        }
        for item in View::of(module, graph, decide, None).items {
            match item.act {
                Act::Call(callee) | Act::Repeat(_, callee) => pending.push(callee.graph.clone()),
                Act::Choice(_, candidates) => pending.extend(candidates.iter().filter_map(|(_, c)| match c {
                    Candidate::Call(callee) => Some(callee.graph.clone()),
                    Candidate::Op(_) => None,
                })),
                _ => {}
            }
        }
    }
    found
}
