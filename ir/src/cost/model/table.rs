//! Functions of decisions: a scope, the decisions that matter, and a table over their joint values.

use crate::decision::{Domain, Pick};
use crate::eval::member_name;
use crate::module::Module;
use crate::value::{Name, Value};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};

/// Runs of functions and entries of tables, over a whole module, up to which a model is made.
pub(super) const MAX_WORK: u64 = 1 << 24;
/// Most entries of a table.
pub(super) const MAX_ENTRIES: usize = 1 << 16;

/// The number of a decision, or of a family's member, among those of the module that the cost was found to look at.
pub(super) type Var = u32;

/// The decisions that were looked at so far.
#[derive(Debug, Default)]
pub(super) struct Vars {
    names: Vec<Name>,
    domains: Vec<Domain>,
    /// The keys are labels and members.
    known: FxHashMap<(Name, Option<i64>), Var>,
}

impl Vars {
    fn number(&mut self, label: &str, index: Option<i64>, domain: &Domain) -> Var {
        let key = (Name::new(label), index);
        *self.known.entry(key).or_insert_with(|| {
            self.names.push(Name::new(member_name(label, index)));
            self.domains.push(domain.clone());
            self.names.len() as Var - 1
        })
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn name(&self, v: Var) -> &Name {
        &self.names[v as usize]
    }

    pub(super) fn domain(&self, v: Var) -> &Domain {
        &self.domains[v as usize]
    }

    pub(super) fn size(&self, v: Var) -> usize {
        self.domain(v).size().map_or(0, |n| n as usize)
    }

    /// The label and member that a number stands for.
    pub(super) fn keys(&self) -> Vec<(Name, Option<i64>)> {
        let mut keys: Vec<_> = self.known.iter().collect();
        keys.sort_unstable_by_key(|(_, v)| **v);
        keys.into_iter().map(|(k, _)| k.clone()).collect()
    }
}

/// Why something is no table.
#[derive(Debug)]
pub(super) enum Limit {
    /// It depends on more joint values than fit.
    Entries(Vec<Name>),
    /// It depends on a real interval.
    Real(Name),
    /// All tables together take too much work.
    Work,
}

/// A function of decisions. Invariants: the scope ascends; the table is in the order of the joint values, the last
/// decision fastest; it depends on every decision of the scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Table<T> {
    pub scope: SmallVec<[Var; 4]>,
    pub values: Vec<T>,
}

impl<T> Table<T> {
    /// The same value whatever is decided.
    pub(super) fn constant(value: T) -> Self {
        Self { scope: SmallVec::new(), values: vec![value] }
    }

    /// The value under what an exploration assumes; `None` if it assumes too little.
    pub(super) fn at(&self, ask: &Ask<'_>) -> Option<&T> {
        let mut at = 0;
        for v in &self.scope {
            at = at * ask.size(*v) + ask.rank(*v)?;
        }
        self.values.get(at)
    }

    /// The value for the rank of each decision, which is given by number.
    pub(super) fn get(&self, ranks: &[usize], vars: &Vars) -> &T {
        let at = self.scope.iter().fold(0, |at, v| at * vars.size(*v) + ranks[*v as usize]);
        &self.values[at]
    }
}

impl<T: Clone> Table<T> {
    /// The table of a function of each value, without the decisions on which the results no longer depend; two results
    /// may be `join`ed to one if that gives something.
    pub(super) fn map<U: Clone>(
        &self,
        vars: &Vars,
        f: impl FnMut(&T) -> U,
        join: impl Fn(&U, &U) -> Option<U>,
    ) -> Table<U> {
        Table { scope: self.scope.clone(), values: self.values.iter().map(f).collect() }.shrunk(vars, join)
    }

    fn shrunk(mut self, vars: &Vars, join: impl Fn(&T, &T) -> Option<T>) -> Self {
        let mut place = 0;
        let mut inner: usize = self.values.len();
        while place < self.scope.len() {
            let n = vars.size(self.scope[place]);
            inner /= n;
            let block = inner * n;
            let mut joined = Vec::with_capacity(self.values.len() / n);
            let mut same = true;
            'blocks: for start in (0..self.values.len()).step_by(block) {
                for i in start..start + inner {
                    let mut all = self.values[i].clone();
                    for rank in 1..n {
                        match join(&all, &self.values[i + rank * inner]) {
                            Some(both) => all = both,
                            None => {
                                same = false;
                                break 'blocks;
                            }
                        }
                    }
                    joined.push(all);
                }
            }
            if same {
                self.values = joined;
                self.scope.remove(place);
            } else {
                place += 1;
            }
        }
        self
    }
}

/// Joins equal values.
pub(super) fn equal<T: PartialEq + Clone>(a: &T, b: &T) -> Option<T> {
    (a == b).then(|| a.clone())
}

/// Joins equal values, and nothing with anything: for what nobody looks at where it is nothing.
pub(super) fn wild<T: PartialEq + Clone>(a: &Option<T>, b: &Option<T>) -> Option<Option<T>> {
    match (a, b) {
        (Some(x), Some(y)) if x != y => None,
        (Some(x), _) | (_, Some(x)) => Some(Some(x.clone())),
        (None, None) => Some(None),
    }
}

/// What a function may ask while it is explored: the value of a decision, under assumptions that grow as it asks.
pub(super) struct Ask<'a> {
    vars: &'a RefCell<Vars>,
    module: &'a Module,
    assumed: RefCell<Vec<(Var, usize)>>,
    missing: Cell<Option<Var>>,
    /// The quantile at which a real interval is probed, and one that was.
    quantile: f64,
    probed: RefCell<Option<Name>>,
}

impl Ask<'_> {
    fn rank(&self, v: Var) -> Option<usize> {
        let known = self.assumed.borrow().iter().find(|(w, _)| *w == v).map(|(_, r)| *r);
        if known.is_none() && self.missing.get().is_none() {
            self.missing.set(Some(v));
        }
        known
    }

    fn size(&self, v: Var) -> usize {
        self.vars.borrow().size(v)
    }

    /// The value of a decision; `None` if there is none such, or if nothing is assumed about it yet.
    pub(super) fn value(&self, label: &str, index: Option<i64>) -> Option<Value> {
        let domain = self.module.decision(label).filter(|d| d.has(index)).map(|d| &d.domain)?;
        if domain.size().is_none() {
            self.probed.borrow_mut().get_or_insert_with(|| Name::new(member_name(label, index)));
            return domain.value(domain.quantile(self.quantile)?);
        }
        let v = self.vars.borrow_mut().number(label, index, domain);
        domain.value(Pick::index(self.rank(v)? as u64))
    }
}

/// Explores functions of decisions.
pub(super) struct Explorer<'a> {
    pub vars: RefCell<Vars>,
    /// Where decisions are declared.
    pub module: &'a Module,
    /// Runs of functions and entries of tables that are left.
    pub left: Cell<u64>,
}

impl Explorer<'_> {
    /// The table of a function, found by running it under more and more assumptions: each decision that it asks for is
    /// assumed to have each of its values in turn. The function must return at once when an answer is missing; what it
    /// returns then does not matter.
    ///
    /// # Errors
    /// If it depends on too much, or on a real interval.
    pub(super) fn table<T: Clone + PartialEq>(
        &self,
        join: impl Fn(&T, &T) -> Option<T>,
        f: &mut dyn FnMut(&Ask<'_>) -> T,
    ) -> Result<Table<T>, Limit> {
        let (table, probed) = self.probe(0.5, &join, f)?;
        if let Some(name) = probed {
            for quantile in [0.0, 0.03, 0.11, 0.25, 0.37, 0.62, 0.75, 0.89, 0.97, 1.0] {
                if self.probe(quantile, &join, f)?.0 != table {
                    return Err(Limit::Real(name));
                }
            }
        }
        Ok(table)
    }

    fn probe<T: Clone + PartialEq>(
        &self,
        quantile: f64,
        join: &impl Fn(&T, &T) -> Option<T>,
        f: &mut dyn FnMut(&Ask<'_>) -> T,
    ) -> Result<(Table<T>, Option<Name>), Limit> {
        let ask = Ask {
            vars: &self.vars,
            module: self.module,
            assumed: RefCell::new(Vec::new()),
            missing: Cell::new(None),
            quantile,
            probed: RefCell::new(None),
        };
        let mut leaves = Vec::new();
        self.grow(&ask, f, &mut leaves)?;
        let mut scope: SmallVec<[Var; 4]> = leaves.iter().flat_map(|(path, _)| path.iter().map(|(v, _)| *v)).collect();
        scope.sort_unstable();
        scope.dedup();
        let vars = self.vars.borrow();
        let entries = scope.iter().try_fold(1usize, |n, v| n.checked_mul(vars.size(*v)).filter(|n| *n <= MAX_ENTRIES));
        let Some(entries) = entries else { return Err(self.too_many(&scope)) };
        self.spend(entries as u64)?;
        let mut values: Vec<Option<T>> = vec![None; entries];
        for (path, value) in leaves {
            // The entries that agree with the leaf's assumptions: start with one, and spread over what is free.
            let mut places = vec![0usize];
            for v in &scope {
                let n = vars.size(*v);
                let assumed = path.iter().find(|(w, _)| w == v).map(|(_, r)| *r);
                let range = assumed.map_or(0..n, |r| r..r + 1);
                places = places.iter().flat_map(|p| range.clone().map(move |r| p * n + r)).collect();
            }
            places.into_iter().for_each(|p| values[p] = Some(value.clone()));
        }
        let values = values.into_iter().map(|v| v.expect("invariant: the leaves cover all joint values")).collect();
        let table = Table { scope, values }.shrunk(&vars, join);
        drop(vars);
        Ok((table, ask.probed.into_inner()))
    }

    #[allow(clippy::type_complexity, reason = "an assumption list and a value need no name of their own")]
    fn grow<T>(
        &self,
        ask: &Ask<'_>,
        f: &mut dyn FnMut(&Ask<'_>) -> T,
        leaves: &mut Vec<(Vec<(Var, usize)>, T)>,
    ) -> Result<(), Limit> {
        ask.missing.set(None);
        self.spend(1)?;
        let value = f(ask);
        let Some(v) = ask.missing.get() else {
            leaves.push((ask.assumed.borrow().clone(), value));
            return Ok(());
        };
        let n = self.vars.borrow().size(v);
        if leaves.len() + n > MAX_ENTRIES {
            let mut scope: SmallVec<[Var; 4]> = ask.assumed.borrow().iter().map(|(v, _)| *v).collect();
            scope.push(v);
            return Err(self.too_many(&scope));
        }
        for rank in 0..n {
            ask.assumed.borrow_mut().push((v, rank));
            let grown = self.grow(ask, f, leaves);
            ask.assumed.borrow_mut().pop();
            grown?;
        }
        Ok(())
    }

    fn spend(&self, work: u64) -> Result<(), Limit> {
        self.left.set(self.left.get().checked_sub(work).ok_or(Limit::Work)?);
        Ok(())
    }

    fn too_many(&self, scope: &[Var]) -> Limit {
        let vars = self.vars.borrow();
        Limit::Entries(scope.iter().map(|v| vars.name(*v).clone()).collect())
    }
}
