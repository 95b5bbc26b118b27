//! What is known where a graph is drawn: decisions that are made, and parameters that stand for numbers.
//!
//! * A value that is known is drawn; an expression is left only of what is open, and of the graph's own parameters.
//! * A graph that indexes a decision family by a parameter means something else for each list of arguments, once members
//!   of the family are decided. It is drawn once per list then, as [`Module::resolve`] copies it.

use crate::eval::Env;
use crate::expr::{DecisionRef, Expr};
use crate::graph::{Callee, Graph};
use crate::module::Module;
use crate::op::OpTemplate;
use crate::program::{Decide, Slots, Uses, chosen_inputs, kept_inputs};
use crate::resolve::specialised;
use crate::text::literal_in;
use crate::value::{Name, Value};
use rustc_hash::FxHashSet;
use smallvec::SmallVec;

/// A graph to be drawn; with arguments, if it is drawn for these alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub graph: Name,
    pub args: Option<SmallVec<[i64; 3]>>,
}

/// The decisions of a module as far as they are made.
pub(super) struct Decisions<'a> {
    pub module: &'a Module,
    pub decide: &'a dyn Decide,
    /// The graphs that are drawn once per list of arguments.
    copied: FxHashSet<Name>,
}

impl<'a> Decisions<'a> {
    pub(super) fn new(module: &'a Module, decide: &'a dyn Decide) -> Self {
        let is_made = |label: &str, n: u32| (0..i64::from(n)).any(|i| decide.value(label, Some(i)).is_some());
        let some = module.decisions.iter().any(|d| d.family.is_some_and(|n| is_made(&d.label, n)));
        Self { module, decide, copied: if some { specialised(module) } else { FxHashSet::default() } }
    }

    /// What a call draws.
    pub(super) fn place(&self, callee: &Callee) -> Place {
        let numbers = || callee.args.iter().map(number).collect();
        let copied = self.copied.contains(&callee.graph) && !callee.args.is_empty();
        Place { graph: callee.graph.clone(), args: if copied { numbers() } else { None } }
    }

    pub(super) fn is_copied(&self, callee: &Callee) -> bool {
        self.copied.contains(&callee.graph)
    }

    /// What is known in a graph at a place.
    pub(super) fn scope(&self, graph: &'a Graph, place: &Place) -> Scope<'a> {
        match &place.args {
            None => Scope { decide: self.decide, params: graph.params(), values: Vec::new() },
            Some(args) => {
                let values = graph.params().iter().cloned().zip(args.iter().copied()).collect();
                Scope { decide: self.decide, params: &[], values }
            }
        }
    }
}

/// The number that an expression is, whatever graph it stands in.
pub(super) fn number(x: &Expr) -> Option<i64> {
    match x {
        Expr::Lit(v) => v.as_int(),
        _ => None,
    }
}

/// What is known in one graph.
pub(super) struct Scope<'a> {
    decide: &'a dyn Decide,
    /// The parameters that stay.
    params: &'a [Name],
    values: Vec<(Name, i64)>,
}

impl Env for Scope<'_> {
    fn param(&self, name: &str) -> Option<i64> {
        self.values.iter().rev().find(|(n, _)| n == name).map(|(_, v)| *v)
    }
    fn decision(&self, label: &str, index: Option<i64>) -> Option<Value> {
        self.decide.value(label, index)
    }
}

impl Uses for Scope<'_> {
    fn selected(&self, decision: &DecisionRef, operands: usize) -> Option<Slots> {
        kept_inputs(&self.value(decision)?, operands).ok()
    }
    fn depth(&self, depth: &Expr) -> Option<i64> {
        depth.eval_int(self).ok()
    }
}

impl<'a> Scope<'a> {
    /// The same with one more number, such as that of a repeat's call.
    pub(super) fn with(&self, name: Option<&Name>, number: i64) -> Self {
        let values = self.values.iter().cloned().chain(name.map(|n| (n.clone(), number))).collect();
        Self { decide: self.decide, params: self.params, values }
    }

    /// The same inside of a repeat's arguments, where the number of the call hides a parameter of its name.
    pub(super) fn hiding(&self, name: Option<&Name>) -> Self {
        let values = self.values.iter().filter(|(n, _)| Some(n) != name).cloned().collect();
        Self { decide: self.decide, params: self.params, values }
    }

    pub(super) fn value(&self, d: &DecisionRef) -> Option<Value> {
        let (label, index) = d.resolve(self).ok()?;
        self.decide.value(&label, index)
    }

    /// The number of inputs that a select's decision chooses, if it is made.
    pub(super) fn chosen(&self, d: &DecisionRef, operands: usize) -> Option<usize> {
        chosen_inputs(&self.value(d)?, operands).ok().map(|slots| slots.len())
    }

    fn known(&self, x: &Expr) -> Option<Expr> {
        match x {
            Expr::Decision(_) => x.eval(self).ok().map(|v| literal_in(&v, self.params)),
            Expr::Ident(name) => self.param(name).map(Expr::int),
            _ => None,
        }
    }

    pub(super) fn expr(&self, x: &Expr) -> Expr {
        x.rewrite(&|e| self.known(e)).folded(self.params)
    }

    /// A decision, its index worked out as far as it is known.
    pub(super) fn decision(&self, d: &DecisionRef) -> DecisionRef {
        DecisionRef { label: d.label.clone(), index: d.index.as_deref().map(|x| Box::new(self.expr(x))) }
    }

    pub(super) fn op(&self, op: &OpTemplate) -> OpTemplate {
        // A value that the op refuses leaves the op as it is written: a drawing never fails.
        op.rewrite(self.params, &|e| self.known(e)).unwrap_or_else(|_| op.clone())
    }

    pub(super) fn callee(&self, callee: &Callee) -> Callee {
        Callee { graph: callee.graph.clone(), args: callee.args.iter().map(|x| self.expr(x)).collect() }
    }
}
