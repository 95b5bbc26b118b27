//! A graph as it is drawn: what is decided is done, what no output needs is left out, types where they are clear.

use super::scope::{Decisions, Place, Scope, number};
use super::shapes::Shapes;
use super::steps::Steps;
use crate::expr::{DecisionRef, Expr};
use crate::graph::{Body, Callee, Candidate, Node, Reduce, Val};
use crate::module::Module;
use crate::op::{Op, OpTemplate};
use crate::program::{MAX_DEPTH, Need, is_label};
use crate::value::Name;
use rustc_hash::{FxHashMap, FxHashSet};

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Input,
    Op(OpTemplate),
    Call(Callee),
    Choice(DecisionRef, Vec<(Name, Candidate)>),
    /// A select whose decision is open.
    Select(DecisionRef, Reduce),
    /// A select that is decided: the operands are those that it keeps.
    Merge(Reduce),
    /// A select that keeps no operand: zero, in the shape of the first one.
    Nothing,
    /// Calls in a row: how many, and the name under which the arguments see the number of the call.
    Repeat(Expr, Option<Name>, Callee),
    /// Nodes that recur step by step.
    Steps(Box<Steps>),
}

/// A node.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub name: Name,
    pub act: Act,
    /// The label of the candidate that was chosen.
    pub chosen: Option<Name>,
    pub operands: Vec<Val>,
    /// What an operand is to the node, where that is to be said.
    pub roles: Vec<Option<String>>,
    /// The weights that it shares with others.
    pub weights: Option<Name>,
    /// Its output types, if they are the same wherever the graph is called.
    pub types: Option<Vec<String>>,
}

/// A graph.
#[derive(Clone)]
pub(super) struct View<'a> {
    pub module: &'a Module,
    /// The graph's name.
    pub graph: Name,
    /// The heading: its name with its parameters, `cell<c>`.
    pub heading: String,
    /// Operands first.
    pub items: Vec<Item>,
    pub outputs: Vec<Val>,
    /// What the outputs are called, if they have names of their own.
    pub titles: Vec<String>,
    /// What is to be said below the heading.
    pub note: Vec<String>,
}

impl<'a> View<'a> {
    /// The graph of a place, if there is one.
    pub(super) fn of(made: &Decisions<'a>, place: &Place, shapes: &Shapes) -> Option<Self> {
        let module = made.module;
        let graph = module.graph(&place.graph)?;
        let scope = made.scope(graph, place);
        let need = Need::of(graph, &scope, false);
        let types = shapes.of(place);
        let mut raw = Raw { made, scope: &scope, items: Vec::new(), alias: FxHashMap::default() };
        for &i in graph.order.iter().filter(|i| need.contains(graph, **i)) {
            let node = &graph.net[i];
            let ports = graph.ports(i);
            let operands = match need.kept(i) {
                Some(slots) => slots.iter().map(|s| raw.find(graph.val(ports[*s]))).collect(),
                None => ports.iter().map(|p| raw.find(graph.val(*p))).collect(),
            };
            let declared = || node.declared.as_ref().map(|t| t.iter().map(super::words::tensor).collect());
            let types = types.get(&node.name).cloned().or_else(declared);
            raw.push(node, operands, ports.len(), types);
        }
        let outputs = graph.outputs().map(|v| raw.find(v)).collect();
        let mut view = Self {
            module,
            graph: place.graph.clone(),
            heading: super::words::heading(graph, place),
            items: raw.items,
            outputs,
            titles: Vec::new(),
            note: Vec::new(),
        };
        view.drop_nothing();
        Some(view)
    }

    /// Whether it is drawn the same, whatever its nodes are called.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        let nameless = |view: &Self| {
            let mut sketch = super::operators::sketch(view);
            sketch.nodes.iter_mut().for_each(|node| node.id.clear());
            sketch
        };
        nameless(self) == nameless(other)
    }

    /// The nodes by name.
    pub(super) fn places(&self) -> FxHashMap<&Name, usize> {
        self.items.iter().enumerate().map(|(i, item)| (&item.name, i)).collect()
    }

    /// Without the selects that keep a single operand, which are that operand.
    pub(super) fn without_single(&self) -> Self {
        let mut view = self.clone();
        view.pass(|item| matches!(item.act, Act::Merge(_)) && item.operands.len() == 1);
        view
    }

    /// A sum leaves out what stands for no input at all: the zero of a select that keeps none.
    fn drop_nothing(&mut self) {
        let nothing: FxHashSet<Name> =
            self.items.iter().filter(|i| matches!(i.act, Act::Nothing)).map(|i| i.name.clone()).collect();
        if nothing.is_empty() {
            return;
        }
        let mut shorter = FxHashSet::default();
        for item in self.items.iter_mut().filter(|i| is_sum(i)) {
            let kept: Vec<Val> = item.operands.iter().filter(|v| !nothing.contains(&v.node)).cloned().collect();
            if !kept.is_empty() && kept.len() < item.operands.len() {
                item.operands = kept;
                shorter.insert(item.name.clone());
            }
        }
        self.pass(|item| shorter.contains(&item.name) && item.operands.len() == 1);
        let mut needed: FxHashSet<Name> = self.outputs.iter().map(|v| v.node.clone()).collect();
        for item in self.items.iter().rev().filter(|i| !matches!(i.act, Act::Input)) {
            if needed.contains(&item.name) {
                needed.extend(item.operands.iter().map(|v| v.node.clone()));
            }
        }
        self.items.retain(|i| matches!(i.act, Act::Input) || needed.contains(&i.name));
    }

    /// Puts the first operand of some nodes in their place.
    fn pass(&mut self, goes: impl Fn(&Item) -> bool) {
        let mut alias: FxHashMap<Name, Val> = FxHashMap::default();
        let mut kept = Vec::with_capacity(self.items.len());
        for mut item in std::mem::take(&mut self.items) {
            for val in &mut item.operands {
                if let Some(target) = alias.get(&val.node) {
                    *val = target.clone();
                }
            }
            if goes(&item) {
                alias.insert(item.name, item.operands.swap_remove(0));
            } else {
                kept.push(item);
            }
        }
        self.items = kept;
        for val in &mut self.outputs {
            if let Some(target) = alias.get(&val.node) {
                *val = target.clone();
            }
        }
    }
}

fn is_sum(item: &Item) -> bool {
    match &item.act {
        Act::Merge(reduce) => *reduce == Reduce::Sum,
        Act::Op(OpTemplate::Fixed(Op::Add(add))) => item.chosen.is_none() && !add.mean,
        _ => false,
    }
}

/// A graph's nodes on their way into a view.
struct Raw<'a, 'b> {
    made: &'b Decisions<'a>,
    scope: &'b Scope<'a>,
    items: Vec<Item>,
    /// What stands for nodes that are left out.
    alias: FxHashMap<Name, Val>,
}

impl Raw<'_, '_> {
    fn find(&self, val: Val) -> Val {
        self.alias.get(&val.node).cloned().unwrap_or(val)
    }

    /// Adds a node; `ports` counts its operands before some were left out.
    fn push(&mut self, node: &Node, operands: Vec<Val>, ports: usize, types: Option<Vec<String>>) {
        let scope = self.scope;
        let mut item = Item {
            name: node.name.clone(),
            act: Act::Input,
            chosen: None,
            roles: vec![None; operands.len()],
            operands,
            weights: node.weights.clone(),
            types,
        };
        match &node.body {
            Body::Input => {}
            Body::Op(op) => item.act = Act::Op(scope.op(op)),
            Body::Call(callee) => item.act = Act::Call(scope.callee(callee)),
            Body::Select { decision, reduce } => {
                item.act = match scope.chosen(decision, ports) {
                    None => Act::Select(scope.decision(decision), *reduce),
                    Some(0) => Act::Nothing,
                    Some(_) => Act::Merge(*reduce),
                };
            }
            Body::Choice { decision, candidates } => {
                let value = scope.value(decision);
                match value.and_then(|v| candidates.iter().find(|(label, _)| is_label(&v, label))) {
                    None => item.act = Act::Choice(scope.decision(decision), candidates.clone()),
                    Some((label, candidate)) => {
                        item.chosen = Some(label.clone());
                        item.act = match candidate {
                            Candidate::Op(op) => Act::Op(scope.op(op)),
                            Candidate::Call(callee) => Act::Call(scope.callee(callee)),
                        };
                    }
                }
            }
            Body::Repeat { depth, index, callee } => return self.repeat(item, depth, index.as_ref(), callee),
        }
        self.items.push(item);
    }

    /// A repeat stays one, unless its calls are drawn differently, or it is a single call or none.
    fn repeat(&mut self, mut item: Item, depth: &Expr, index: Option<&Name>, callee: &Callee) {
        let depth = self.scope.expr(depth);
        let known = number(&depth).filter(|d| (0..=MAX_DEPTH).contains(d));
        let calls = match known {
            Some(d) if d < 2 || (index.is_some() && self.made.is_copied(callee)) => d,
            _ => {
                let callee = self.scope.hiding(index).callee(callee);
                item.act = Act::Repeat(depth, index.cloned(), callee);
                return self.items.push(item);
            }
        };
        let Some(mut last) = item.operands.first().cloned() else { return self.items.push(item) };
        for j in 0..calls {
            let name = if calls == 1 { item.name.clone() } else { Name::new(format!("{}/{j}", item.name)) };
            let mut operands = item.operands.clone();
            operands[0] = last;
            let act = Act::Call(self.scope.with(index, j).callee(callee));
            let weights = item.weights.as_ref().map(|w| Name::new(format!("{w}/{j}")));
            self.items.push(Item { name: name.clone(), act, operands, weights, ..item.clone() });
            last = Val { node: name, out: 0 };
        }
        self.alias.insert(item.name, last);
    }
}

/// The graphs that a place reaches, itself first, the others as they are declared.
pub(super) fn reached(made: &Decisions<'_>, entry: Place) -> Vec<Place> {
    let mut found: Vec<Place> = vec![entry];
    let mut seen: FxHashSet<Place> = found.iter().cloned().collect();
    let mut next = 0;
    while next < found.len() {
        let view = View::of(made, &found[next], &Shapes::default());
        next += 1;
        for callee in view.iter().flat_map(|v| &v.items).flat_map(|i| i.act.callees()) {
            let place = made.place(callee);
            if made.module.graph(&place.graph).is_some() && seen.insert(place.clone()) {
                found.push(place);
            }
        }
    }
    let declared = |p: &Place| made.module.graphs.iter().position(|g| *g.name() == p.graph);
    found[1..].sort_by_cached_key(|p| (declared(p), p.args.clone()));
    found
}

impl Act {
    /// The open decisions that its numbers depend on.
    pub(super) fn open(&self) -> Vec<&DecisionRef> {
        match self {
            Self::Op(OpTemplate::Open { attrs, .. }) => attrs.iter().flat_map(|(_, x)| x.decisions()).collect(),
            Self::Call(callee) => callee.args.iter().flat_map(Expr::decisions).collect(),
            Self::Repeat(depth, _, callee) => {
                depth.decisions().into_iter().chain(callee.args.iter().flat_map(Expr::decisions)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn callees(&self) -> Vec<&Callee> {
        match self {
            Self::Call(callee) | Self::Repeat(.., callee) => vec![callee],
            Self::Choice(_, candidates) => candidates
                .iter()
                .filter_map(|(_, c)| match c {
                    Candidate::Call(callee) => Some(callee),
                    Candidate::Op(_) => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}
