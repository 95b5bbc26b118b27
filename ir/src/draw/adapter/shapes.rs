//! The types that stand on edges: of decided dimensions numbers, of open ones what they depend on.
//!
//! Shapes are inferred from numbers alone, so the module is elaborated under many assignments of what is open: the
//! defaults, some drawn together, and each value of each decision by itself where these are few. A dimension that is the same under all of
//! them is a number. One that follows an expression of the module under all of them is that expression. Else it is the
//! values that it takes, where a single decision accounts for them, or `?`.

use super::scope::Place;
use crate::decision::{Decision, Pick};
use crate::eval::member_name;
use crate::expr::Expr;
use crate::module::Module;
use crate::program::{Decide, Decided, Elaboration, Program};
use crate::ty::{DType, Dim, TensorType};
use crate::value::{Name, Value};
use crate::verify::{default_of, each_expr};
use rustc_hash::{FxHashMap, FxHashSet};

/// Assignments in which one decision departs from its default, values of a single one, and assignments drawn together.
const PROBES: usize = 600;
const VALUES: u64 = 64;
const TOGETHER: usize = 16;

/// An open decision, or an open member of a family.
struct Open<'a> {
    label: &'a Name,
    index: Option<i64>,
    decision: &'a Decision,
}

/// The module under one assignment.
struct Probe {
    program: Program,
    /// The open decision that alone departs from its default.
    alone: Option<usize>,
    /// The values of the open decisions.
    values: Vec<Value>,
}

/// What a module's dimensions are.
#[derive(Default)]
pub(super) struct Shapes {
    probes: Vec<Probe>,
    /// Expressions that a dimension may be, shortest first, with their values under each probe.
    expressions: Vec<(Expr, Vec<Option<i64>>)>,
    /// Whether every value of every open decision was tried by itself.
    complete: bool,
}

impl Shapes {
    pub(super) fn new(module: &Module, decide: &dyn Decide) -> Self {
        let mut open = Vec::new();
        for decision in &module.decisions {
            let members = (0..decision.family.unwrap_or(1)).map(|i| decision.family.map(|_| i64::from(i)));
            let undecided = members.filter(|i| decide.value(&decision.label, *i).is_none());
            open.extend(undecided.map(|index| Open { label: &decision.label, index, decision }));
        }
        let mut run = Run { module, decide, open, shapes: Self::default() };
        run.all();
        run.shapes
    }

    /// The network under the defaults of what is open.
    pub(super) fn program(&self) -> Option<&Program> {
        self.probes.first().map(|p| &p.program)
    }

    /// The output types of a graph's nodes, of those that have the same wherever the graph is called.
    pub(super) fn of(&self, place: &Place) -> FxHashMap<Name, Vec<String>> {
        let seen: Vec<_> =
            self.probes.iter().map(|p| p.program.types_of_graph(&place.graph, place.args.as_deref())).collect();
        let names: FxHashSet<&Name> = seen.iter().flat_map(FxHashMap::keys).collect();
        let text = |name: &Name| {
            let types: Vec<(usize, &Option<Vec<TensorType>>)> =
                seen.iter().enumerate().filter_map(|(p, types)| Some((p, types.get(name)?))).collect();
            let types: Vec<(usize, &[TensorType])> =
                types.into_iter().map(|(p, t)| Some((p, t.as_deref()?))).collect::<Option<_>>()?;
            let (_, first) = types.first()?;
            (0..first.len()).map(|out| self.outputs(&types, out)).collect::<Option<Vec<String>>>()
        };
        names.into_iter().filter_map(|name| Some((name.clone(), text(name)?))).collect()
    }

    /// The type of one output under all probes.
    fn outputs(&self, types: &[(usize, &[TensorType])], out: usize) -> Option<String> {
        let types: Vec<(usize, &TensorType)> =
            types.iter().map(|(p, t)| Some((*p, t.get(out)?))).collect::<Option<_>>()?;
        let (_, first) = types.first()?;
        if types.iter().any(|(_, t)| t.dtype != first.dtype || t.rank() != first.rank()) {
            return None;
        }
        let dims: Vec<String> = (0..first.rank())
            .map(|axis| self.dim(&types.iter().map(|(p, t)| (*p, t.shape[axis])).collect::<Vec<_>>()))
            .collect();
        let dtype = if first.dtype == DType::F32 { "" } else { first.dtype.as_str() };
        Some(format!("{dtype}[{}]", dims.join(", ")))
    }

    fn dim(&self, seen: &[(usize, Dim)]) -> String {
        let (_, first) = seen[0];
        if seen.iter().all(|(_, d)| *d == first) {
            return first.to_string();
        }
        let sizes: Option<Vec<(usize, i64)>> = seen.iter().map(|(p, d)| Some((*p, i64::from(d.known()?)))).collect();
        let Some(sizes) = sizes else { return "?".to_owned() };
        self.expression(&sizes).or_else(|| self.values(&sizes)).unwrap_or_else(|| "?".to_owned())
    }

    /// The expression that a dimension follows, or a multiple or a part of a decision.
    fn expression(&self, sizes: &[(usize, i64)]) -> Option<String> {
        let follows = |values: &[Option<i64>], times: i64, part: i64| {
            sizes.iter().all(|(p, size)| values[*p].is_some_and(|v| size * part == v * times))
        };
        let exact = self.expressions.iter().find(|(_, values)| follows(values, 1, 1));
        if let Some((x, _)) = exact {
            return Some(x.to_string());
        }
        let (p, size) = sizes[0];
        self.expressions.iter().filter(|(x, _)| matches!(x, Expr::Decision(_))).find_map(|(x, values)| {
            let v = values[p].filter(|v| *v > 0)?;
            if size % v == 0 && follows(values, size / v, 1) {
                return Some(format!("{} * {x}", size / v));
            }
            (size > 0 && v % size == 0 && follows(values, 1, v / size)).then(|| format!("{x} // {}", v / size))
        })
    }

    /// The values that a dimension takes, if they are those of a single decision.
    fn values(&self, sizes: &[(usize, i64)]) -> Option<String> {
        if !self.complete {
            return None;
        }
        let plain = sizes.iter().find(|(p, _)| *p == 0).map(|(_, size)| *size);
        let mut causes = sizes.iter().filter(|(_, size)| Some(*size) != plain).map(|(p, _)| self.probes[*p].alone);
        let cause = causes.find_map(|alone| alone)?;
        // Whatever the others are, the cause's value tells the size.
        let mut told: Vec<(&Value, i64)> = Vec::new();
        for (p, size) in sizes {
            let value = &self.probes[*p].values[cause];
            match told.iter().find(|(v, _)| *v == value) {
                Some((_, known)) if known != size => return None,
                Some(_) => {}
                None => told.push((value, *size)),
            }
        }
        let mut all: Vec<i64> = told.into_iter().map(|(_, size)| size).collect();
        all.sort_unstable();
        all.dedup();
        Some(match &all[..] {
            [lo, .., hi] if all.len() > 3 => format!("{lo}…{hi}"),
            few => few.iter().map(ToString::to_string).collect::<Vec<_>>().join("|"),
        })
    }
}

struct Run<'a> {
    module: &'a Module,
    decide: &'a dyn Decide,
    open: Vec<Open<'a>>,
    shapes: Shapes,
}

impl Run<'_> {
    fn all(&mut self) {
        let defaults: Option<Vec<Value>> =
            self.open.iter().map(|o| default_of(self.module, o.label, o.index)).collect();
        let Some(defaults) = defaults else { return };
        let expressions = expressions(self.module, &self.open);
        self.shapes.expressions = expressions.into_iter().map(|x| (x, Vec::new())).collect();
        self.probe(defaults.clone(), None);
        if self.open.is_empty() || self.shapes.probes.is_empty() {
            return;
        }
        let mut draw = Draw(1);
        for _ in 0..TOGETHER {
            let values = self.open.iter().zip(&defaults);
            let drawn = values.map(|(o, default)| draw.value(o.decision).unwrap_or_else(|| default.clone())).collect();
            self.probe(drawn, None);
        }
        let alone: Vec<(usize, Value)> = (0..self.open.len())
            .flat_map(|k| picks(self.open[k].decision).into_iter().map(move |pick| (k, pick)))
            .filter_map(|(k, pick)| Some((k, self.open[k].decision.domain.value(pick)?)))
            .filter(|(k, value)| *value != defaults[*k])
            .take(PROBES + 1)
            .collect();
        let is_whole = |o: &Open<'_>| o.decision.domain.size().is_some_and(|n| n <= VALUES);
        self.shapes.complete = alone.len() <= PROBES && self.open.iter().all(is_whole);
        // A part of the decisions would say nothing about the others.
        for (k, value) in alone.into_iter().filter(|_| self.shapes.complete).collect::<Vec<_>>() {
            let mut values = defaults.clone();
            values[k] = value;
            self.probe(values, Some(k));
        }
    }

    /// One assignment, unless a constraint forbids it, or it has no program.
    fn probe(&mut self, values: Vec<Value>, alone: Option<usize>) {
        let at: FxHashMap<(&str, Option<i64>), &Value> =
            self.open.iter().zip(&values).map(|(o, v)| ((o.label.as_str(), o.index), v)).collect();
        let decide = |label: &str, index: Option<i64>| {
            self.decide.value(label, index).or_else(|| at.get(&(label, index)).map(|v| (*v).clone()))
        };
        if self.module.constraints.iter().any(|c| c.eval_bool(&Decided(&decide)) == Ok(false))
            && !self.shapes.probes.is_empty()
        {
            return;
        }
        let Ok(program) = Elaboration::new(self.module, &decide).run() else { return };
        for (x, seen) in &mut self.shapes.expressions {
            seen.push(x.eval_int(&Decided(&decide)).ok());
        }
        self.shapes.probes.push(Probe { program, alone, values });
    }
}

/// Values of a decision, spread over its domain.
fn picks(d: &Decision) -> Vec<Pick> {
    match d.domain.size() {
        Some(n) => {
            let tried = n.min(VALUES);
            (0..tried)
                .map(|i| {
                    Pick::index(if tried < 2 {
                        0
                    } else {
                        (u128::from(i) * u128::from(n - 1) / u128::from(tried - 1)) as u64
                    })
                })
                .collect()
        }
        None => [0.0, 0.5, 1.0].into_iter().filter_map(|q| d.domain.quantile(q)).collect(),
    }
}

/// The open decisions, and the expressions of the module that depend on some and on no parameter, shortest first.
fn expressions(module: &Module, open: &[Open<'_>]) -> Vec<Expr> {
    let names: FxHashSet<String> = open.iter().map(|o| member_name(o.label, o.index)).collect();
    let mut found: FxHashSet<Expr> = FxHashSet::default();
    for o in open {
        let mut d = crate::expr::DecisionRef::new(o.label);
        d.index = o.index.map(|i| Box::new(Expr::int(i)));
        found.insert(Expr::Decision(d));
    }
    for graph in &module.graphs {
        for node in graph.nodes() {
            each_expr(&node.body, &mut |x| {
                x.walk(&mut |part| {
                    let is_closed = part.decisions().iter().all(|d| {
                        d.resolve(&crate::eval::Empty).is_ok_and(|(label, i)| names.contains(&member_name(&label, i)))
                    });
                    let mut parametric = false;
                    part.walk(&mut |e| parametric |= matches!(e, Expr::Ident(_)));
                    if !part.decisions().is_empty() && is_closed && !parametric {
                        found.insert(part.clone());
                    }
                });
            });
        }
    }
    let mut all: Vec<(String, Expr)> = found.into_iter().map(|x| (x.to_string(), x)).collect();
    all.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
    all.into_iter().map(|(_, x)| x).collect()
}

/// A fixed sequence of pseudo-random numbers (a linear congruential generator with Knuth's constants), so that the
/// drawing is a function of the module.
struct Draw(u64);

impl Draw {
    fn value(&mut self, d: &Decision) -> Option<Value> {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = self.0 >> 33;
        let pick = match d.domain.size() {
            Some(n) => Pick::index(number % n.max(1)),
            None => d.domain.quantile(number as f64 / (1u64 << 31) as f64)?,
        };
        d.domain.value(pick)
    }
}
