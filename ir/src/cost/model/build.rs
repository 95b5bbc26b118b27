//! Building a cost model: the elaborator's walk, for all decisions at once.
//!
//! * A value's type is a table over the decisions that it depends on. Where nothing is (a fault, an operand that is not
//!   kept), a type is nothing, and may be taken for anything: the fault is noted once, where it arises.
//! * A graph is walked once per list of arguments and input types, themselves tables; its calls share what it costs.
//! * What a node costs counts under its guard: some output needs it, its candidate is chosen, its repetition reached.

use super::table::{Ask, Explorer, Limit, Table, Var, Vars, equal};
use crate::cost::{Convention, Cost};
use crate::eval::Env;
use crate::graph::{Body, Graph, Node};
use crate::module::Module;
use crate::op::{Op, Types, Weights};
use crate::program::kept_inputs;
use crate::ty::TensorType;
use crate::value::{Name, Value};
use petgraph::stable_graph::NodeIndex;
use petgraph::visit::EdgeRef;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The type of a value; nothing where there is a fault.
pub(super) type Slot = Table<Option<TensorType>>;
/// A cost; nothing where there is a fault.
pub(super) type Factor = Table<Option<Cost>>;
/// The value of an argument.
pub(super) type Arg = Table<Option<i64>>;

/// A sum of factors, those of one scope merged.
#[derive(Debug, Default)]
pub(super) struct Sum(BTreeMap<SmallVec<[Var; 4]>, Vec<Option<Cost>>>);

impl Sum {
    pub(super) fn add(&mut self, factor: Factor) {
        if factor.values.iter().all(|c| *c == Some(Cost::default())) {
            return;
        }
        match self.0.entry(factor.scope) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(factor.values);
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                for (sum, c) in place.get_mut().iter_mut().zip(factor.values) {
                    *sum = sum.zip(c).map(|(a, b)| a + b);
                }
            }
        }
    }

    pub(super) fn into_factors(self) -> Vec<Factor> {
        self.0.into_iter().map(|(scope, values)| Table { scope, values }).collect()
    }
}

/// What an op is and what its weights are like; nothing where there is a fault.
pub(super) type Made = Table<Option<(Op, Types, Weights)>>;

/// What is noted on the way, if so asked.
#[derive(Clone, Debug)]
pub(super) enum Note {
    /// An op, with its path from the graph that it is noted for.
    Op(String, Made),
    /// The decisions that a repeat's depth depends on.
    Depth(SmallVec<[Var; 4]>),
}

impl Note {
    /// The same notes, seen from the graph whose node they are of.
    pub(super) fn under(node: &str, notes: Vec<Self>) -> impl Iterator<Item = Self> {
        notes.into_iter().map(move |note| match note {
            Self::Op(path, made) if path.is_empty() => Self::Op(node.to_owned(), made),
            Self::Op(path, made) => Self::Op(format!("{node}/{path}"), made),
            depth @ Self::Depth(_) => depth,
        })
    }
}

/// What some nodes make, and what they cost.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub outs: Vec<Slot>,
    pub factors: Vec<Factor>,
    pub notes: Vec<Note>,
}

impl Part {
    /// Nothing but a fault.
    pub(super) fn fault() -> Self {
        Self { factors: vec![Table::constant(None)], ..Self::default() }
    }
}

/// Where expressions find their values, under the assumptions of an exploration.
pub(super) struct Scope<'a> {
    pub params: &'a [Name],
    pub args: &'a [Arg],
    /// The loop variable of a repeat.
    pub index: Option<(&'a Name, i64)>,
}

/// A scope and the exploration that asks.
pub(super) struct Asked<'a, 's, 'm> {
    pub scope: &'a Scope<'s>,
    pub ask: &'a Ask<'m>,
}

impl Env for Asked<'_, '_, '_> {
    fn param(&self, name: &str) -> Option<i64> {
        match self.scope.index {
            Some((index, value)) if index == name => Some(value),
            _ => {
                let place = self.scope.params.iter().position(|p| p == name)?;
                *self.scope.args.get(place)?.at(self.ask)?
            }
        }
    }

    fn decision(&self, label: &str, index: Option<i64>) -> Option<Value> {
        self.ask.value(label, index)
    }
}

/// A limit that was met, and where.
pub(super) struct Stop {
    pub graph: Name,
    pub node: Name,
    pub limit: Limit,
}

type Key = (Name, Vec<Arg>, Vec<Slot>);

pub(super) struct Builder<'a> {
    pub convention: Convention,
    pub explorer: Explorer<'a>,
    /// Whether ops and depths are noted.
    pub notes: bool,
    memo: FxHashMap<Key, Rc<Part>>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(module: &'a Module, convention: Convention, notes: bool, work: u64) -> Self {
        let explorer = Explorer { vars: RefCell::new(Vars::default()), module, left: Cell::new(work) };
        Self { convention, explorer, notes, memo: FxHashMap::default() }
    }

    /// A graph for these arguments and input types.
    pub(super) fn graph(&mut self, graph: &Graph, args: &[Arg], inputs: &[Slot]) -> Result<Rc<Part>, Stop> {
        let key = (graph.name.clone(), args.to_vec(), inputs.to_vec());
        if let Some(done) = self.memo.get(&key) {
            return Ok(done.clone());
        }
        let scope = Scope { params: &graph.params, args, index: None };
        let at = |node: NodeIndex| {
            let node = graph.net[node].name.clone();
            move |limit| Stop { graph: graph.name.clone(), node: node.clone(), limit }
        };
        let bound = graph.order.iter().map(|i| i.index() + 1).max().unwrap_or(0);
        let mut needed: Vec<Option<Table<bool>>> = vec![None; bound];
        for &i in graph.order.iter().rev() {
            needed[i.index()] = self.need(graph, i, &needed, &scope).map_err(at(i))?;
        }
        let mut sum = Sum::default();
        let mut notes = Vec::new();
        let shares = graph.net.node_weights().any(|n| n.weights.is_some());
        // What the nodes before cost where they are needed, by the name of their weights.
        let mut before: Vec<(&Name, Factor)> = Vec::new();
        let mut values: Vec<Vec<Slot>> = vec![Vec::new(); bound];
        for &i in &graph.order {
            let node = &graph.net[i];
            let always = Table::constant(true);
            let guard = match &needed[i.index()] {
                _ if node.body == Body::Input => &always,
                Some(guard) => guard,
                None => continue,
            };
            let part = match &node.body {
                Body::Input => {
                    let slot = graph.inputs.iter().position(|x| *x == i);
                    let ty = slot.and_then(|s| inputs.get(s)).cloned();
                    Part { outs: vec![ty.unwrap_or_else(|| Table::constant(None))], ..Part::default() }
                }
                body => {
                    let x: Vec<Slot> = graph
                        .ports(i)
                        .iter()
                        .map(|p| values[p.node.index()].get(usize::from(p.out)).cloned())
                        .map(|slot| slot.unwrap_or_else(|| Table::constant(None)))
                        .collect();
                    self.body(body, &x, &scope, &at(i))?
                }
            };
            notes.extend(Note::under(node.weights_name(), part.notes));
            let stated = self.stated(node, &part.outs).map_err(at(i))?;
            let known = before.len();
            for factor in part.factors.into_iter().chain(stated) {
                let factor = self.under(guard, factor).map_err(at(i))?;
                if !shares {
                    sum.add(factor);
                    continue;
                }
                sum.add(self.unshared(node, &factor, &before[..known]).map_err(at(i))?);
                before.push((node.weights_name(), factor));
            }
            values[i.index()] = part.outs;
        }
        let mut outs = Vec::with_capacity(graph.outputs.len());
        for port in &graph.outputs {
            let slot = values[port.node.index()].get(usize::from(port.out)).cloned();
            let slot = slot.unwrap_or_else(|| Table::constant(None));
            sum.add(self.present(&slot));
            outs.push(slot);
        }
        let part = Rc::new(Part { outs, factors: sum.into_factors(), notes });
        self.memo.insert(key, part.clone());
        Ok(part)
    }

    /// When some output needs a node; never, if nothing is returned.
    fn need(
        &self,
        graph: &Graph,
        i: NodeIndex,
        needed: &[Option<Table<bool>>],
        scope: &Scope<'_>,
    ) -> Result<Option<Table<bool>>, Limit> {
        if graph.outputs.iter().any(|p| p.node == i) {
            return Ok(Some(Table::constant(true)));
        }
        let mut users: Vec<(NodeIndex, usize)> =
            graph.net.edges(i).map(|e| (e.target(), usize::from(e.weight().slot))).collect();
        users.retain(|(u, _)| needed[u.index()].is_some());
        users.sort_unstable();
        if users.is_empty() {
            return Ok(None);
        }
        let table = self.explorer.table(equal, &mut |ask| {
            let asked = Asked { scope, ask };
            for (user, slot) in &users {
                let Some(true) = needed[user.index()].as_ref().and_then(|n| n.at(ask)) else { continue };
                let uses = match &graph.net[*user].body {
                    Body::Select { decision, .. } => {
                        let value = decision.resolve(&asked).ok().and_then(|(l, i)| ask.value(&l, i));
                        let kept = value.map(|v| kept_inputs(&v, graph.ports(*user).len()));
                        // A select whose decision is no good is a fault of its own.
                        kept.is_none_or(|k| k.is_ok_and(|k| k.contains(slot)))
                    }
                    Body::Repeat { depth, .. } => *slot == 0 || depth.eval_int(&asked) != Ok(0),
                    _ => true,
                };
                if uses {
                    return true;
                }
            }
            false
        })?;
        Ok(Some(table))
    }

    /// A factor under a guard: nothing, where that does not hold.
    pub(super) fn under(&self, guard: &Table<bool>, factor: Factor) -> Result<Factor, Limit> {
        if guard.values.iter().all(|x| *x) {
            return Ok(factor);
        }
        self.explorer.table(equal, &mut |ask| match guard.at(ask) {
            Some(true) => *factor.at(ask)?,
            _ => Some(Cost::default()),
        })
    }

    /// A factor of a node without the parameters that another has brought under the same name. Nodes of one name are
    /// equal wherever both have parameters; that they are is the elaborator's to see.
    fn unshared(&self, node: &Node, factor: &Factor, before: &[(&Name, Factor)]) -> Result<Factor, Limit> {
        let others: Vec<&Factor> =
            before.iter().filter(|(name, _)| *name == node.weights_name()).map(|(_, f)| f).collect();
        self.explorer.table(equal, &mut |ask| {
            let cost = (*factor.at(ask)?)?;
            let mut shared = false;
            for other in &others {
                shared |= (*other.at(ask)?).is_some_and(|c| c.params > 0);
            }
            Some(if shared { Cost { params: 0, ..cost } } else { cost })
        })
    }

    /// A fault wherever a value has no type.
    pub(super) fn present(&self, slot: &Slot) -> Factor {
        let vars = self.explorer.vars.borrow();
        slot.map(&vars, |ty| ty.as_ref().map(|_| Cost::default()), equal)
    }

    /// A fault wherever a node's types are not those that its text states.
    fn stated(&self, node: &Node, outs: &[Slot]) -> Result<Option<Factor>, Limit> {
        let Some(stated) = &node.declared else { return Ok(None) };
        let table = self.explorer.table(equal, &mut |ask| {
            let mut found = 0;
            for slot in outs {
                match (slot.at(ask)?, stated.get(found)) {
                    (Some(ty), Some(other)) if ty == other => found += 1,
                    (Some(_), _) => return None,
                    (None, _) => {}
                }
            }
            (found == stated.len()).then(Cost::default)
        })?;
        Ok(Some(table))
    }
}
