//! Stores: where the finished trials of a study are kept, so that it can be resumed.
//!
//! * A store holds one study: its identity, its trials in order without gaps, and its end once it has ended.
//! * A study is resumed by replaying it: the strategy is asked again and must propose what is stored, and is told the
//!   stored outcomes. No state of a strategy is ever stored.
//! * What a store has accepted is never changed.

mod chain;
mod journal;
mod line;
mod memory;

pub use journal::Journal;
pub use memory::Memory;

use crate::error::StoreError;
use crate::study::{Report, StopReason};
use crate::trial::{Outcome, Reported, Trial};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt::Debug;

/// What happens to the trial that crosses the budget of simulated time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Crossing {
    /// It counts, and is the last.
    Counted,
    /// It is discarded, as if it had not been started.
    Discarded,
}

/// What makes a study: with all of this equal, its trials are equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyIdentity {
    /// The space, as its hub builds it.
    pub space: String,
    /// The strategy, as its hub builds it.
    pub strategy: String,
    /// The evaluator, as its hub builds it.
    pub evaluator: String,
    /// What tells the data that it scores with from other data, if its name does not.
    #[serde(default)]
    pub data: Option<String>,
    /// The evaluator's search metrics; the first is the objective.
    pub metrics: Vec<String>,
    /// The seed.
    pub seed: u64,
    /// Number of trials under way at a time.
    pub jobs: usize,
    /// Budget of trials.
    pub trials: Option<u64>,
    /// Budget of simulated seconds.
    pub simulated_seconds: Option<f64>,
    /// What happens to the trial that crosses it.
    pub crossing: Crossing,
    /// Budget of wall-clock seconds.
    pub wall_seconds: Option<f64>,
    /// The protocol that the study claims to follow.
    pub protocol: Option<String>,
}

impl StudyIdentity {
    /// The first field in which two studies differ, with both values.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<(&'static str, String, String)> {
        fn field<T: PartialEq + Debug>(name: &'static str, a: &T, b: &T) -> Option<(&'static str, String, String)> {
            (a != b).then(|| (name, format!("{a:?}"), format!("{b:?}")))
        }
        field("space", &self.space, &other.space)
            .or_else(|| field("strategy", &self.strategy, &other.strategy))
            .or_else(|| field("evaluator", &self.evaluator, &other.evaluator))
            .or_else(|| {
                let digest = |study: &Self| study.data.clone().unwrap_or_else(|| "not known".to_owned());
                let name = "data (images and labels, or words, by SHA-256)";
                (self.data != other.data).then(|| (name, digest(self), digest(other)))
            })
            .or_else(|| field("list of metrics", &self.metrics, &other.metrics))
            .or_else(|| field("seed", &self.seed, &other.seed))
            .or_else(|| field("number of jobs", &self.jobs, &other.jobs))
            .or_else(|| field("budget of trials", &self.trials, &other.trials))
            .or_else(|| field("budget of simulated seconds", &self.simulated_seconds, &other.simulated_seconds))
            .or_else(|| field("rule for the crossing trial", &self.crossing, &other.crossing))
            .or_else(|| field("budget of wall-clock seconds", &self.wall_seconds, &other.wall_seconds))
            .or_else(|| field("protocol", &self.protocol, &other.protocol))
    }
}

/// A stored trial; its number is its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The sample, as it prints.
    pub sample: String,
    /// The trial that it was made from.
    pub parent: Option<u64>,
    /// The fidelity that it was scored at.
    pub fidelity: Option<u32>,
    /// What it reported on its way.
    pub reports: Vec<Reported>,
    /// What came of it.
    pub outcome: Outcome,
    /// Wall-clock seconds from the study's start to the trial's end, pauses left out.
    pub wall: f64,
}

/// How a study ended.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// Why.
    pub stop: StopReason,
    /// Wall-clock seconds, pauses left out.
    pub wall: f64,
    /// The number of the best trial, if one succeeded.
    pub incumbent: Option<u64>,
    /// What was looked up for the incumbent.
    pub report: Option<Report>,
}

/// What a store holds of a study.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    /// The trials in order.
    pub records: VecDeque<Record>,
    /// The end, if the study has ended.
    pub end: Option<End>,
}

/// Keeps the finished trials of a study.
pub trait Store: Debug {
    /// Opens the store for a study, and returns what it holds of it.
    ///
    /// # Errors
    /// If it holds another study, or cannot be read or written.
    fn open(&mut self, study: &StudyIdentity) -> Result<Stored, StoreError>;

    /// Keeps the next trial, which ended `wall` seconds after the study's start.
    ///
    /// # Errors
    /// If it cannot be written; the study stops.
    fn push(&mut self, trial: &Trial, wall: f64) -> Result<(), StoreError>;

    /// Keeps the end of the study.
    ///
    /// # Errors
    /// If it cannot be written.
    fn finish(&mut self, end: &End) -> Result<(), StoreError>;

    /// Where a trial is kept, for messages: `FILE:LINE`.
    fn place(&self, trial: u64) -> String;
}
