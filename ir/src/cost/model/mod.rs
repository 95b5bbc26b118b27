//! Cost as an expression over decisions: built once from a module, then evaluated per sample, or in expectation.
//!
//! A [`CostModel`] is a sum of [`Factor`]s. A factor is a table over the joint values of a few decisions: those that
//! some nodes' attributes, operand types, and guards (their candidate is chosen, their repetition reached) depend on
//! together. Decisions that never meet in a node are never tabulated together, so that the model of a cell with six
//! choices of five candidates has six tables of five entries.

mod body;
mod build;
mod envelope;
mod faulty;
mod print;
mod table;

use super::{Convention, Cost};
use crate::decision::{Domain, Pick};
use crate::eval::member_name;
use crate::fault::{Fault, Faults, What};
use crate::module::Module;
use crate::program::{Decide, Elaboration};
use crate::value::Name;
use crate::verify::{default_of, structural};
use build::{Builder, Part, Stop};
use smallvec::SmallVec;
use std::rc::Rc;
use table::{Limit, MAX_ENTRIES, MAX_WORK, Table, Vars};

pub use envelope::{Envelope, WeightShapes};
pub(crate) use faulty::faulty_joint_values;

/// Why a module has no cost model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The module does not verify, whatever is decided.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// A cost or type that depends on too many decisions at once.
    #[error(
        "@{graph}: %{node}: its cost or type depends on {} together, which have more than {MAX_ENTRIES} joint values; \
         elaborate each sample instead",
        .decisions.iter().map(|d| format!("?{d}")).collect::<Vec<_>>().join(", ")
    )]
    TooLarge {
        /// The graph.
        graph: Name,
        /// The node.
        node: Name,
        /// The decisions that meet there.
        decisions: Vec<Name>,
    },
    /// A cost or type that depends on a real interval, which has no table.
    #[error(
        "@{graph}: %{node}: its cost or type depends on the real decision ?{decision}; elaborate each sample instead"
    )]
    Real {
        /// The graph.
        graph: Name,
        /// The node.
        node: Name,
        /// The decision.
        decision: Name,
    },
    /// Tables that are small each, but too many.
    #[error(
        "@{graph}: %{node}: its tables, and those of the nodes before, take too much work; elaborate each sample instead"
    )]
    Work {
        /// The graph.
        graph: Name,
        /// The node at which it was given up.
        node: Name,
    },
}

/// Why a sample has no cost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    /// A value outside a decision's domain.
    #[error("?{label} = {value} is not in {domain}")]
    Value {
        /// The decision.
        label: Name,
        /// The value.
        value: String,
        /// The domain.
        domain: String,
    },
    /// The network has a fault under these values.
    #[error("the network has a fault under {under}; elaborate it to see which")]
    Fault {
        /// The decisions that meet where the fault is.
        under: String,
    },
}

/// A decision that costs depend on.
#[derive(Clone, Debug, PartialEq)]
pub struct CostDecision {
    label: Name,
    member: Option<i64>,
    /// The label as samples print it, `op[3]` for a family's member.
    pub name: Name,
    /// The values that it may take.
    pub domain: Domain,
    default: usize,
}

/// A table of costs over the joint values of some decisions.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    /// The decisions by place in [`CostModel::decisions`], ascending; none for a constant.
    pub scope: SmallVec<[usize; 4]>,
    /// A cost per joint value, the last decision fastest; `None` where the network has a fault.
    pub table: Vec<Option<Cost>>,
}

/// The cost of a module's networks as a function of its decisions. See the module for its form.
///
/// ```
/// use ir::{Convention, cost::CostModel};
/// let module: ir::Module = "module @m {
///   entry @main
///   decision ?k in [3, 5, 7]
///   graph @main(%x: f32[N, 10, 10, 10]) {
///     %y = conv2d %x {out=10, k=?k, pad=?k // 2, bias=false}
///     return %y
///   }
/// }".parse()?;
/// let model = CostModel::of(&module, Convention::Nasbench)?;
/// let five = model.cost(&|_: &str, _| Some(ir::Value::Int(5)))?;
/// assert_eq!(five.params, 2_500);
/// let expected = model.expectation(&|_, rank| [0.2, 0.3, 0.5][rank as usize]);
/// assert_eq!(expected.params, 0.2 * 900.0 + 0.3 * 2_500.0 + 0.5 * 4_900.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CostModel {
    convention: Convention,
    decisions: Vec<CostDecision>,
    factors: Vec<Factor>,
}

/// A cost in expectation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExpectedCost {
    /// Learned parameters.
    pub params: f64,
    /// Operations by the model's convention.
    pub macs: f64,
}

impl CostModel {
    /// The model of a module. For every sample it gives what
    /// [`Program::cost`](crate::Program::cost) counts in the elaborated network.
    ///
    /// # Errors
    /// If the module's structure is faulty, if too many decisions meet in one place, or if a cost depends on a real
    /// interval (a probability of dropout costs nothing, so it may).
    pub fn of(module: &Module, convention: Convention) -> Result<Self, ModelError> {
        let (builder, part) = walked(module, convention, false, MAX_WORK)?;
        let vars = builder.explorer.vars.borrow();
        Ok(Self::pruned(module, convention, &vars, &part.factors))
    }

    /// Keeps the decisions that some factor looks at, in the order of the module's declarations.
    fn pruned(module: &Module, convention: Convention, vars: &Vars, factors: &[build::Factor]) -> Self {
        let keys = vars.keys();
        let mut used: Vec<table::Var> = factors.iter().flat_map(|f| f.scope.iter().copied()).collect();
        let place = |v: &table::Var| {
            let (label, index) = &keys[*v as usize];
            (module.decisions.iter().position(|d| d.label == *label), *index)
        };
        used.sort_unstable_by_key(place);
        used.dedup();
        let decisions = used.iter().map(|v| {
            let (label, member) = keys[*v as usize].clone();
            let default = module.decision(&label).map_or(0, |d| d.default.rank() as usize);
            let name = Name::new(member_name(&label, member));
            CostDecision { label, member, name, domain: vars.domain(*v).clone(), default }
        });
        let mut out = Self { convention, decisions: decisions.collect(), factors: Vec::new() };
        for f in factors {
            let mut scope: SmallVec<[usize; 4]> =
                f.scope.iter().filter_map(|v| used.iter().position(|u| u == v)).collect();
            scope.sort_unstable();
            let mut ranks = vec![0; vars.len()];
            let table = out.joint(&scope).map(|joint| {
                scope.iter().zip(&joint).for_each(|(d, rank)| ranks[used[*d] as usize] = *rank);
                *f.get(&ranks, vars)
            });
            let table = table.collect();
            out.factors.push(Factor { scope, table });
        }
        out.factors.sort_by(|a, b| (a.scope.len(), &a.scope).cmp(&(b.scope.len(), &b.scope)));
        out
    }

    /// The joint ranks of some decisions, the last fastest.
    fn joint(&self, scope: &[usize]) -> impl Iterator<Item = SmallVec<[usize; 4]>> + Clone + use<> {
        let sizes: SmallVec<[usize; 4]> = scope.iter().map(|d| self.size(*d)).collect();
        let n: usize = sizes.iter().product();
        (0..n).map(move |mut at| {
            let mut ranks: SmallVec<[usize; 4]> = SmallVec::from_elem(0, sizes.len());
            for (rank, size) in ranks.iter_mut().zip(&sizes).rev() {
                *rank = at % size;
                at /= size;
            }
            ranks
        })
    }

    fn size(&self, decision: usize) -> usize {
        self.decisions[decision].domain.size().map_or(1, |n| n as usize)
    }

    /// The convention by which it counts.
    #[must_use]
    pub fn convention(&self) -> Convention {
        self.convention
    }

    /// The decisions that the cost depends on, in the order of their declarations.
    #[must_use]
    pub fn decisions(&self) -> &[CostDecision] {
        &self.decisions
    }

    /// The tables whose sum it is, the constant first.
    #[must_use]
    pub fn factors(&self) -> &[Factor] {
        &self.factors
    }

    /// The cost of a sample. A decision without a value has its default: one that plays no part may be left out.
    ///
    /// # Errors
    /// If a value lies outside its domain, or the network has a fault.
    pub fn cost(&self, decide: &dyn Decide) -> Result<Cost, CostError> {
        let mut ranks: SmallVec<[u64; 32]> = SmallVec::with_capacity(self.decisions.len());
        for d in &self.decisions {
            let Some(value) = decide.value(&d.label, d.member) else {
                ranks.push(d.default as u64);
                continue;
            };
            let pick = d.domain.pick(&value).ok_or_else(|| CostError::Value {
                label: d.name.clone(),
                value: value.to_string(),
                domain: d.domain.to_string(),
            })?;
            ranks.push(pick.rank());
        }
        self.cost_at(&ranks)
    }

    /// The cost for the rank of each decision of [`CostModel::decisions`].
    ///
    /// # Errors
    /// If a rank is absent or outside its domain, or the network has a fault.
    pub fn cost_at(&self, ranks: &[u64]) -> Result<Cost, CostError> {
        let mut total = Cost::default();
        for f in &self.factors {
            let mut at = 0;
            for d in &f.scope {
                let n = self.size(*d);
                let rank = ranks.get(*d).map_or(usize::MAX, |r| *r as usize);
                if rank >= n {
                    let decision = &self.decisions[*d];
                    let (label, domain) = (decision.name.clone(), decision.domain.to_string());
                    return Err(CostError::Value { label, value: format!("value number {rank}"), domain });
                }
                at = at * n + rank;
            }
            total += f.table[at].ok_or_else(|| self.fault(f, ranks))?;
        }
        Ok(total)
    }

    fn fault(&self, f: &Factor, ranks: &[u64]) -> CostError {
        let value = |d: &usize| {
            let decision = &self.decisions[*d];
            let value = decision.domain.value(Pick::index(ranks[*d]));
            format!("?{} = {}", decision.name, value.map(|v| v.to_string()).unwrap_or_default())
        };
        CostError::Fault { under: f.scope.iter().map(value).collect::<Vec<_>>().join(", ") }
    }

    /// The expected cost where each decision is drawn by itself: `probability(name, rank)` is that of a value.
    /// Joint values under which the network has a fault count as free.
    #[must_use]
    pub fn expectation(&self, probability: &dyn Fn(&str, u64) -> f64) -> ExpectedCost {
        let of =
            |d: &CostDecision| (0..d.domain.size().unwrap_or(0)).map(|r| probability(&d.name, r)).collect::<Vec<f64>>();
        let weights: Vec<Vec<f64>> = self.decisions.iter().map(of).collect();
        let mut total = ExpectedCost::default();
        for f in &self.factors {
            for (ranks, cost) in self.joint(&f.scope).zip(&f.table) {
                let Some(cost) = cost else { continue };
                let p: f64 = f.scope.iter().zip(&ranks).map(|(d, r)| weights[*d][*r]).product();
                total.params += p * cost.params as f64;
                total.macs += p * cost.macs as f64;
            }
        }
        total
    }
}

/// The walk over a module, with notes of its ops if so asked.
fn walked(
    module: &Module,
    convention: Convention,
    notes: bool,
    work: u64,
) -> Result<(Builder<'_>, Rc<Part>), ModelError> {
    let faults = structural(module);
    if !faults.is_empty() {
        return Err(Faults(faults).into());
    }
    let defaults = |label: &str, index: Option<i64>| default_of(module, label, index);
    let never = || match Elaboration::new(module, &defaults).run() {
        Err(faults) => ModelError::Faults(faults),
        Ok(_) => Faults(vec![What::UntypedInput.into_fault()]).into(),
    };
    let entry = module.graph(&module.entry).ok_or_else(never)?;
    let types = entry.inputs().map(|n| Some(Table::constant(Some(n.declared.as_ref()?.first()?.clone()))));
    let types: Vec<_> = types.collect::<Option<_>>().ok_or_else(never)?;
    let mut builder = Builder::new(module, convention, notes, work);
    let part = builder.graph(entry, &[], &types).map_err(|Stop { graph, node, limit }| match limit {
        Limit::Entries(decisions) => ModelError::TooLarge { graph, node, decisions },
        Limit::Real(decision) => ModelError::Real { graph, node, decision },
        Limit::Work => ModelError::Work { graph, node },
    })?;
    if part.factors.iter().any(|f| f.values.iter().all(Option::is_none)) {
        return Err(never());
    }
    Ok((builder, part))
}

impl From<Vec<Fault>> for ModelError {
    fn from(faults: Vec<Fault>) -> Self {
        Self::Faults(Faults(faults))
    }
}
