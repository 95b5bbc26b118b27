//! The decisions of a supernet: what can be chosen where, and what a choice is called in a sample.

use super::{OneShotError, numbers};
use codegen::{Kernel, Plan, SiteKind, Source};
use ir::op::Role;
use ir::prim::Prim;
use ir::program::Action;
use ir::{Domain, Module, Name, Program, Reduce, Value};
use mutators::{Sample, Space};

/// What a decision decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Which candidate is applied.
    Layer,
    /// Which of some values go on, at least `min` and at most `max`.
    Inputs {
        /// Least number.
        min: usize,
        /// Greatest number.
        max: usize,
    },
    /// How often a block is repeated.
    Depth,
    /// A number that widths, kernel sizes or anything else is computed from.
    Number,
}

/// One possibility of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm {
    /// Its name: a candidate, the number of an operand, a depth, a value.
    pub name: Name,
    /// Whether it is the operation zero, `none`.
    pub is_zero: bool,
    /// Whether it has no weights to learn.
    pub is_free: bool,
}

/// A decision of the supernet. Every site with its label sees the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its label, as samples print it.
    pub label: Name,
    /// What it decides.
    pub kind: Kind,
    /// The possibilities.
    pub arms: Vec<Arm>,
    /// For inputs: the layer choice that each operand is the result of, if it is one.
    pub feeds: Vec<Option<usize>>,
}

/// The decisions of a supernet that are sites of its plan, and the decision of each site.
pub(super) fn choices(
    strategy: &str,
    module: &Module,
    program: &Program,
    plan: &Plan,
) -> Result<(Vec<Choice>, Vec<usize>), OneShotError> {
    let mut choices: Vec<Choice> = Vec::new();
    let mut of_site = Vec::with_capacity(plan.sites.len());
    for (i, site) in plan.sites.iter().enumerate() {
        if let Some(known) = choices.iter().position(|c| c.label == site.label) {
            of_site.push(known);
            continue;
        }
        let refuse = |what: &str, remedy| OneShotError::Decision {
            strategy: strategy.to_owned(),
            label: site.label.to_string(),
            what: what.to_owned(),
            remedy,
        };
        let mut feeds = Vec::new();
        let kind = match &site.kind {
            SiteKind::Choice => Kind::Layer,
            SiteKind::Select(Reduce::Concat) => {
                return Err(refuse(
                    "puts a varying number of inputs side by side, so that shapes depend on it",
                    "reduce them by sum or mean, or use a multi-trial strategy",
                ));
            }
            SiteKind::Select(_) => {
                feeds = operands(plan, i).map(|v| feeding(plan, v, &of_site)).collect();
                let (min, max) = limits(module, &site.label, site.arms.len());
                Kind::Inputs { min, max }
            }
            SiteKind::Repeat => {
                let depths = domain_of(module, &site.label).map(texts).unwrap_or_default();
                if site.arms.iter().any(|a| !depths.iter().any(|d| a == d.as_str())) {
                    return Err(refuse(
                        "is turned into a depth by an expression",
                        "let the repeat's depth be the decision",
                    ));
                }
                Kind::Depth
            }
        };
        let zeros = zeros(program, &site.label);
        let arms = site.arms.iter().map(|name| Arm {
            name: name.clone(),
            is_zero: zeros.iter().any(|z| z == name),
            is_free: kind == Kind::Layer && !has_weights(plan, &format!("{}.{name}.", site.path)),
        });
        let arms = arms.collect();
        of_site.push(choices.len());
        choices.push(Choice { label: site.label.clone(), kind, arms, feeds });
    }
    Ok((choices, of_site))
}

/// The operands of a site.
fn operands(plan: &Plan, site: usize) -> impl Iterator<Item = ir::prim::Var> + '_ {
    let mixes = |s: &&codegen::Step| matches!(s.kernel, Kernel::Mix(n) if n as usize == site);
    plan.steps.iter().find(mixes).into_iter().flat_map(|s| s.operands.iter().copied())
}

/// The layer choice whose result a value is.
fn feeding(plan: &Plan, v: ir::prim::Var, of_site: &[usize]) -> Option<usize> {
    let Source::Step(step) = plan.values[v.index()].source else { return None };
    let step = &plan.steps[step as usize];
    match &step.kernel {
        Kernel::Mix(n) if plan.sites[*n as usize].kind == SiteKind::Choice => of_site.get(*n as usize).copied(),
        // Of partial channels: the choice's channels, those that went past it, all of them shuffled.
        Kernel::Prim(Prim::Concat { .. } | Prim::Permute { .. } | Prim::Reshape { .. }) => {
            feeding(plan, step.operands[0], of_site)
        }
        _ => None,
    }
}

fn has_weights(plan: &Plan, under: &str) -> bool {
    plan.weights.iter().any(|w| w.spec.role == Role::Parameter && w.path.starts_with(under))
}

/// The candidates of a decision that are the operation zero, or a graph that gives nothing else.
fn zeros(program: &Program, label: &Name) -> Vec<Name> {
    let steps = program.instances.iter().flat_map(|i| &i.steps);
    let of = steps.filter_map(|s| match &s.action {
        Action::Choice(l, candidates) if l == label => Some(candidates),
        _ => None,
    });
    let is_zero = |a: &Action| match a {
        Action::Op(op) => matches!(op, ir::Op::Zero(_)),
        Action::Call(called) => {
            let called = &program.instances[*called];
            let gives = |s: &&ir::program::Step| called.outputs[..] == [s.first];
            called.steps.iter().find(gives).is_some_and(|s| matches!(s.action, Action::Op(ir::Op::Zero(_))))
        }
        _ => false,
    };
    of.take(1).flatten().filter(|(_, a)| is_zero(a)).map(|(n, _)| n.clone()).collect()
}

/// A decision's domain, also of a family's member, `op[3]`.
fn domain_of<'a>(module: &'a Module, label: &str) -> Option<&'a Domain> {
    let family = label.split('[').next().unwrap_or(label);
    module.decision(label).or_else(|| module.decision(family)).map(|d| &d.domain)
}

fn texts(domain: &Domain) -> Vec<String> {
    let size = domain.size().unwrap_or(0).min(1 << 16);
    (0..size).filter_map(|i| domain.value(ir::Pick::index(i))).map(|v| v.to_string()).collect()
}

fn limits(module: &Module, label: &str, arms: usize) -> (usize, usize) {
    match domain_of(module, label) {
        Some(Domain::Subset { min, max, .. }) => (*min as usize, (*max as usize).min(arms)),
        _ => (1, 1),
    }
}

impl Choice {
    /// The arms that a sample takes here; `None` where the decision plays no part in it.
    #[must_use]
    pub fn taken(&self, sample: &Sample) -> Option<Vec<u32>> {
        Some(self.arms_of(&sample.get(&self.label)?)?.into_iter().map(|a| a as u32).collect())
    }

    /// The arms that a value takes.
    pub(super) fn arms_of(&self, value: &Value) -> Option<Vec<usize>> {
        let one = |v: &Value| {
            let text = v.to_string();
            self.arms.iter().position(|a| a.name == text.as_str())
        };
        match value {
            Value::List(items) if self.kind != Kind::Number => items.iter().map(one).collect(),
            v => one(v).map(|i| vec![i]),
        }
    }

    /// The value that stands for some arms: a list where the decision is a subset, be it of one.
    fn value(&self, arms: &[usize], is_subset: bool) -> Value {
        let one = |i: &usize| {
            let name = self.arms[*i].name.as_str();
            name.parse::<i64>().map_or_else(|_| Value::label(name), Value::Int)
        };
        if is_subset { Value::List(arms.iter().map(one).collect()) } else { one(&arms[0]) }
    }
}

/// The sample of some arms per decision.
pub(super) fn sample(space: &Space, choices: &[Choice], arms: &[Vec<usize>]) -> Result<Sample, OneShotError> {
    let is_subset = |c: &Choice| {
        let slot = space.schema().and_then(|s| Some(&s.slots()[s.find(&c.label)?]));
        slot.is_some_and(|s| matches!(*s.domain, Domain::Subset { .. }))
    };
    let value = |c: &Choice, a: &[usize]| match c.kind {
        Kind::Number => numbers::value(space, c, a[0]).expect("invariant: an arm per value of the domain"),
        _ => c.value(a, is_subset(c)),
    };
    let pairs = choices.iter().zip(arms).map(|(c, a)| (c.label.clone(), value(c, a)));
    Ok(space.bind(&Sample::from_pairs(pairs)?)?)
}
