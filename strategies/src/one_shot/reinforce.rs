//! The controller of ENAS as a multi-trial strategy: each trial's objective is its reward.
//!
//! Zoph and Le 2017, "Neural Architecture Search with Reinforcement Learning".

use super::choice::{Arm, Choice, Kind};
use super::controller::{Controller, Policy};
use super::enas::{TRIES, legal};
use crate::error::StrategyError;
use crate::strategy::{Next, Strategy};
use crate::trial::{Objective, Trial, TrialId};
use ir::{Domain, Name, Value};
use mutators::{Slot, Space};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::collections::BTreeMap;

/// Proposes what a [`Controller`] draws, and teaches it by what comes of that. A failed trial teaches nothing.
#[derive(Clone, Debug)]
pub struct Reinforce {
    identity: String,
    policy: Policy,
    /// Made at the first `ask`, which brings the space.
    course: Option<(Vec<Choice>, Controller)>,
    /// What was picked for trials that are not told yet.
    pending: BTreeMap<TrialId, Vec<usize>>,
    asked: u64,
}

impl Reinforce {
    /// A strategy with a controller of these settings.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        let Policy { hidden, temperature, bound, entropy, baseline, adam } = policy;
        let identity = format!(
            "reinforce:arch_lr={},entropy={entropy},baseline={baseline},tau={temperature},bound={bound},hidden={hidden}",
            adam.rate
        );
        Self { identity, policy, course: None, pending: BTreeMap::new(), asked: 0 }
    }

    fn refuse(&self, reason: String) -> StrategyError {
        StrategyError::Refused { strategy: "reinforce".to_owned(), reason }
    }

    fn begin(&self, space: &Space, seed: u64) -> Result<(Vec<Choice>, Controller), StrategyError> {
        let schema = space.schema().ok_or_else(|| {
            self.refuse(format!(
                "space `{}` asks as it goes; a controller needs its decisions in advance",
                space.name()
            ))
        })?;
        let choices: Vec<Choice> = schema.slots().iter().map(|s| self.choice(s)).collect::<Result<_, _>>()?;
        let controller = Controller::new(&choices, self.policy, seed);
        Ok((choices, controller))
    }

    fn choice(&self, slot: &Slot) -> Result<Choice, StrategyError> {
        let values = |domain: &Domain| -> Vec<Value> {
            (0..domain.size().unwrap_or(0).min(1 << 16)).filter_map(|i| domain.value(ir::Pick::index(i))).collect()
        };
        let (kind, values) = match &*slot.domain {
            Domain::Subset { of, min, max } => {
                let most = (*max as usize).min(of.len());
                (Kind::Inputs { min: *min as usize, max: most }, of.to_vec())
            }
            domain => (Kind::Layer, values(domain)),
        };
        if values.is_empty() {
            let label = &slot.label;
            return Err(self.refuse(format!("`{label}` is an interval; a controller chooses among values")));
        }
        let arm = |v: &Value| Arm { name: Name::new(v.to_string()), is_zero: false, is_free: false };
        Ok(Choice { label: slot.label.clone(), kind, arms: values.iter().map(arm).collect(), feeds: Vec::new() })
    }
}

impl Strategy for Reinforce {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn ask(&mut self, space: &Space, rng: &mut dyn Rng, _: usize) -> Result<Next, StrategyError> {
        let mut rng = ChaCha8Rng::seed_from_u64(rng.next_u64());
        if self.course.is_none() {
            self.course = Some(self.begin(space, rng.next_u64())?);
        }
        let (choices, controller) = self.course.as_ref().expect("invariant: made above");
        let drawn = legal(space, choices, controller, &mut rng);
        let (sample, walk) = drawn.map_err(|e| self.refuse(format!("none of {TRIES} draws fits the space: {e}")))?;
        self.pending.insert(TrialId(self.asked), walk.picks);
        self.asked += 1;
        Ok(Next::run(sample))
    }

    fn tell(&mut self, trial: &Trial, objective: &Objective) {
        let Some(picks) = self.pending.remove(&trial.id) else { return };
        let Some((_, controller)) = &mut self.course else { return };
        if let Some(score) = trial.score(objective) {
            // Libtorch refuses nothing here that it did not refuse when the walk was drawn.
            let _ = controller.learn(&picks, score);
        }
    }
}
