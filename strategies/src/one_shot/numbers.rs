//! Number decisions: widths, kernel sizes, expansion ratios, whatever an attribute, an argument or a depth is computed from.

use super::OneShotError;
use super::choice::{Arm, Choice, Kind};
use ir::eval::member_name;
use ir::expr::{DecisionRef, Expr};
use ir::graph::{Body, Candidate};
use ir::program::Decide;
use ir::{Decision, Module, Name, OpTemplate, Pick, Value};
use mutators::Space;
use rustc_hash::FxHashSet;

/// Most values of a number: each is a candidate.
const MOST: u64 = 4096;

/// The labels of a module's decisions, of families without the member, by what they are used for.
#[derive(Debug, Default)]
struct Uses {
    /// Those that choose a candidate or inputs.
    paths: FxHashSet<Name>,
    /// Those that are a repeat's depth, as they are.
    depths: FxHashSet<Name>,
    /// Those that something is computed from.
    numbers: FxHashSet<Name>,
}

impl Uses {
    fn of(module: &Module) -> Self {
        let mut uses = Self::default();
        for node in module.graphs.iter().flat_map(|g| g.nodes()) {
            match &node.body {
                Body::Input => {}
                Body::Op(op) => uses.op(op),
                Body::Call(callee) => uses.expressions(&callee.args),
                Body::Choice { decision, candidates } => {
                    uses.path(decision);
                    for (_, candidate) in candidates {
                        match candidate {
                            Candidate::Op(op) => uses.op(op),
                            Candidate::Call(callee) => uses.expressions(&callee.args),
                        }
                    }
                }
                Body::Select { decision, .. } => uses.path(decision),
                Body::Repeat { depth, callee, .. } => {
                    uses.expressions(&callee.args);
                    match depth {
                        Expr::Decision(d) => {
                            uses.depths.insert(d.label.clone());
                            uses.expressions(d.index.as_deref());
                        }
                        computed => uses.expressions([computed]),
                    }
                }
            }
        }
        uses
    }

    fn path(&mut self, decision: &DecisionRef) {
        self.paths.insert(decision.label.clone());
        self.expressions(decision.index.as_deref());
    }

    fn op(&mut self, op: &OpTemplate) {
        if let OpTemplate::Open { attrs, .. } = op {
            self.expressions(attrs.iter().map(|(_, x)| x));
        }
    }

    fn expressions<'a>(&mut self, all: impl IntoIterator<Item = &'a Expr>) {
        self.numbers.extend(all.into_iter().flat_map(Expr::decisions).map(|d| d.label.clone()));
    }
}

/// The decisions of a space that are numbers, each with an arm per value of its domain. A depth that something else is
/// computed from, too, is one of them.
pub(super) fn numbers(strategy: &str, space: &Space) -> Result<Vec<Choice>, OneShotError> {
    let (uses, Some(schema)) = (Uses::of(space.base()), space.schema()) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for slot in schema.slots() {
        let family = Name::new(slot.label.split('[').next().unwrap_or_default());
        let plays = slot.guard.as_ref().is_none_or(|g| !g.is_empty());
        let open = uses.paths.contains(&family) || uses.depths.contains(&family);
        if !plays || (open && !uses.numbers.contains(&family)) {
            continue;
        }
        let refuse = |what: &str| OneShotError::Decision {
            strategy: strategy.to_owned(),
            label: slot.label.to_string(),
            what: what.to_owned(),
            remedy: "use a multi-trial strategy",
        };
        if uses.paths.contains(&family) {
            return Err(refuse("chooses a candidate, and something is computed from it, too"));
        }
        let size = slot.domain.size().filter(|n| *n <= MOST);
        let size = size.ok_or_else(|| refuse("has too many values for a path each, or a whole interval"))?;
        let values = (0..size).filter_map(|rank| slot.domain.value(Pick::index(rank)));
        let arm = |v: Value| Arm { name: Name::new(v.to_string()), is_zero: false, is_free: false };
        let arms = values.map(arm).collect();
        found.push(Choice { label: slot.label.clone(), kind: Kind::Number, arms, feeds: Vec::new() });
    }
    Ok(found)
}

/// Refuses a decision that is open only where some number is not the greatest: no site of the supernet stands for it.
pub(super) fn all_held(strategy: &str, space: &Space, choices: &[Choice]) -> Result<(), OneShotError> {
    let Some(schema) = space.schema() else { return Ok(()) };
    let plays = |g: &Option<Vec<_>>| g.as_ref().is_none_or(|g| !g.is_empty());
    let lost = schema.slots().iter().find(|s| plays(&s.guard) && !choices.iter().any(|c| c.label == s.label));
    lost.map_or(Ok(()), |slot| {
        Err(OneShotError::Decision {
            strategy: strategy.to_owned(),
            label: slot.label.to_string(),
            what: "plays no part where every number is the greatest of its domain".to_owned(),
            remedy: "use a multi-trial strategy",
        })
    })
}

/// The value of a number's arm.
pub(super) fn value(space: &Space, choice: &Choice, arm: usize) -> Option<Value> {
    let slots = space.schema()?.slots();
    slots.iter().find(|s| s.label == choice.label)?.domain.value(Pick::index(arm as u64))
}

/// The arm of the greatest value, in the sense of the supernet's elaboration; the default's, of what has no order.
pub(super) fn greatest(space: &Space, choice: &Choice) -> usize {
    let of = |arm: usize| value(space, choice, arm).and_then(|v| v.as_f64());
    let ordered = (0..choice.arms.len()).filter_map(|arm| Some((arm, of(arm)?)));
    let top = ordered.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(arm, _)| arm);
    top.unwrap_or_else(|| {
        let family = choice.label.split('[').next().unwrap_or_default();
        let decision: Option<&Decision> =
            space.base().decision(&choice.label).or_else(|| space.base().decision(family));
        decision.map_or(0, |d| d.default.rank() as usize)
    })
}

/// Numbers that are decided; everything else is left open.
#[derive(Clone, Debug, Default)]
pub(super) struct Decided(pub Vec<(Name, Value)>);

impl Decide for Decided {
    fn value(&self, label: &str, index: Option<i64>) -> Option<Value> {
        let name = member_name(label, index);
        self.0.iter().find(|(l, _)| *l == name.as_str()).map(|(_, v)| v.clone())
    }
}
