//! `reinforce`: the controller of ENAS as a multi-trial strategy: each trial's score is its reward.
//!
//! Zoph and Le 2017, "Neural Architecture Search with Reinforcement Learning".

use super::OneShotError;
use super::choice::{Arm, Choice, Kind};
use super::controller::Controller;
use super::enas::{TRIES, legal};
use super::policy::Policy;
use crate::error::StrategyError;
use crate::strategy::{Next, Strategy};
use crate::trial::{Objective, Trial, TrialId};
use codegen::torch::{Device, Turn};
use ir::{Domain, Name, Pick, Value};
use mutators::{Options, Sample, Slot, Space};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::collections::BTreeMap;

/// Most values of a decision: each is a row of the controller.
const MOST: u64 = 1 << 16;

/// Proposes what a [`Controller`] draws, and teaches it by what comes of that. A failed trial teaches nothing.
///
/// It draws with replacement, so that it never ends of itself. The space must be static, without intervals.
#[derive(Clone, Debug)]
pub struct Reinforce {
    identity: String,
    policy: Policy,
    /// Made at the first `ask`, which brings the space.
    course: Option<(Vec<Choice>, Controller)>,
    /// What was proposed for trials that are not told yet, and what was picked for that.
    pending: BTreeMap<TrialId, (Sample, Vec<usize>)>,
    /// The k-th proposal becomes the trial of that number.
    asked: u64,
    /// Why the controller could not learn from a trial.
    fault: Option<String>,
}

impl Reinforce {
    /// The strategy's name.
    pub const NAME: &str = "reinforce";

    /// A strategy with a controller of these settings. The identity tells those that are options: all but Adam's decay
    /// rates.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        let identity = format!("{}:{policy}", Self::NAME);
        Self { identity, policy, course: None, pending: BTreeMap::new(), asked: 0, fault: None }
    }

    pub(crate) fn build(options: &mut Options) -> Result<Box<dyn Strategy>, StrategyError> {
        Ok(Box::new(Self::new(Policy::TRIALS.take(options)?)))
    }

    fn refuse(reason: String) -> StrategyError {
        StrategyError::Refused { strategy: Self::NAME.to_owned(), reason }
    }

    fn begin(&self, space: &Space, seed: u64) -> Result<(Vec<Choice>, Controller), StrategyError> {
        let schema = space.schema().ok_or_else(|| {
            Self::refuse(format!(
                "space `{}` asks as it goes; a controller needs its decisions in advance: use random or \
                 regularized-evolution",
                space.name()
            ))
        })?;
        let choices: Vec<Choice> = schema.slots().iter().map(choice).collect::<Result<_, _>>()?;
        let controller = Controller::new(&choices, self.policy, seed);
        Ok((choices, controller))
    }

    /// Draws a sample, with what was picked for it.
    fn draw(&mut self, space: &Space, mut rng: ChaCha8Rng) -> Result<(Sample, Vec<usize>), StrategyError> {
        if self.course.is_none() {
            self.course = Some(self.begin(space, rng.next_u64())?);
        }
        let (choices, controller) = self.course.as_ref().expect("invariant: made above");
        if !controller.is_finite() {
            let what = "a weight of its controller is no number; scale the scores down, or take a lower arch_lr";
            self.fault = Some(what.to_owned());
        }
        if let Some(fault) = &self.fault {
            return Err(Self::refuse(fault.clone()));
        }
        let drawn = legal(space, choices, controller, &mut rng);
        let (sample, walk) = drawn.map_err(|e| Self::refuse(format!("none of {TRIES} draws fits the space: {e}")))?;
        Ok((sample, walk.picks))
    }

    fn learn(&mut self, picks: &[usize], score: f64) -> Result<(), OneShotError> {
        let _turn = turn()?;
        if let Some((_, controller)) = &mut self.course {
            controller.learn(picks, score)?;
        }
        Ok(())
    }
}

/// A sum's rounding depends on the number of threads, and a study that is read back proposes what it did. What runs on
/// a GPU has started libtorch there before the first proposal.
fn turn() -> Result<Turn, OneShotError> {
    Ok(Turn::share(Device::Cpu)?)
}

fn choice(slot: &Slot) -> Result<Choice, StrategyError> {
    let label = &slot.label;
    let (kind, values) = match &*slot.domain {
        Domain::Subset { of, min, max } => {
            let most = (*max as usize).min(of.len());
            (Kind::Inputs { min: *min as usize, max: most }, of.to_vec())
        }
        domain => {
            let size = domain.size().filter(|n| *n <= MOST).ok_or_else(|| {
                Reinforce::refuse(format!(
                    "`{label}` is an interval, or has more than {MOST} values; a controller chooses among values: use \
                     random or regularized-evolution"
                ))
            })?;
            (Kind::Number, (0..size).filter_map(|rank| domain.value(Pick::index(rank))).collect())
        }
    };
    let arm = |v: &Value| Arm { name: Name::new(v.to_string()), is_zero: false, is_free: false };
    Ok(Choice { label: label.clone(), kind, arms: values.iter().map(arm).collect(), feeds: Vec::new() })
}

impl Strategy for Reinforce {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn ask(&mut self, space: &Space, rng: &mut dyn Rng, _want: usize) -> Result<Next, StrategyError> {
        let _turn = turn().map_err(|e| Self::refuse(e.to_string()))?;
        let (sample, picks) = self.draw(space, ChaCha8Rng::seed_from_u64(rng.next_u64()))?;
        self.pending.insert(TrialId(self.asked), (sample.clone(), picks));
        self.asked += 1;
        Ok(Next::run(sample))
    }

    fn tell(&mut self, trial: &Trial, objective: &Objective) {
        let Some((sample, picks)) = self.pending.remove(&trial.id) else { return };
        debug_assert_eq!(sample, trial.sample, "what is taught is what was drawn");
        if let Some(score) = trial.score(objective)
            && let Err(e) = self.learn(&picks, score)
        {
            self.fault = Some(format!("its controller could not learn from trial {}: {e}", trial.id));
        }
    }
}
