//! Trials: what was tried, and what came of it.

use evaluators::{Direction, Metric, Values};
use ir::Name;
use mutators::Sample;
use std::fmt;

/// The number of a trial in its study, from 0, in the order of the proposals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrialId(pub u64);

impl fmt::Display for TrialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was scored.
    Done {
        /// One finite value per search metric of the evaluator.
        values: Values,
        /// Simulated seconds that it stands for.
        seconds: f64,
    },
    /// The strategy ended it on its way, and it was scored by what it had.
    Stopped {
        /// One finite value per search metric of the evaluator.
        values: Values,
        /// Simulated seconds that it stands for.
        seconds: f64,
    },
    /// It could not be scored.
    Failed {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// Simulated seconds; a failed trial has none.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        match self {
            Self::Done { seconds, .. } | Self::Stopped { seconds, .. } => *seconds,
            Self::Failed { .. } => 0.0,
        }
    }

    /// One value per search metric of the evaluator; a failed trial has none.
    #[must_use]
    pub fn values(&self) -> Option<&Values> {
        match self {
            Self::Done { values, .. } | Self::Stopped { values, .. } => Some(values),
            Self::Failed { .. } => None,
        }
    }
}

/// A value of the objective that a trial reported on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reported {
    /// The step, an epoch, from 1.
    pub step: u64,
    /// The value, as the evaluator gave it.
    pub value: f64,
}

/// A finished trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Its number.
    pub id: TrialId,
    /// What was tried.
    pub sample: Sample,
    /// The trial that the sample was made from.
    pub parent: Option<TrialId>,
    /// The fidelity that it was scored at; the evaluator's own if there is none.
    pub fidelity: Option<u32>,
    /// What it reported on its way.
    pub reports: Vec<Reported>,
    /// What came of it.
    pub outcome: Outcome,
}

impl Trial {
    /// The objective's value, turned so that more is better; `None` if the trial failed.
    #[must_use]
    pub fn score(&self, objective: &Objective) -> Option<f64> {
        self.value(objective).map(|v| objective.direction.oriented(v))
    }

    /// The objective's value as the evaluator gave it; `None` if the trial failed.
    #[must_use]
    pub fn value(&self, objective: &Objective) -> Option<f64> {
        self.outcome.values()?.get(objective.metric).copied()
    }
}

/// The search metric that a study optimises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objective {
    /// Which of the evaluator's search metrics.
    pub metric: usize,
    /// Its name.
    pub name: Name,
    /// Which way is better.
    pub direction: Direction,
}

impl Objective {
    /// The first of an evaluator's search metrics, if it has one.
    #[must_use]
    pub fn first(metrics: &[Metric]) -> Option<Self> {
        let m = metrics.first()?;
        Some(Self { metric: 0, name: m.name.clone(), direction: m.direction })
    }
}
