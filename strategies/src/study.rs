//! What a run leaves behind: the incumbent, why it stopped, its ledger, and the whole history.

use crate::store::StudyIdentity;
use crate::trial::{Objective, Outcome, Trial};
use evaluators::{Standing, Values};
use ir::GraphHash;
use mutators::{MutateError, Sample, Space};
use rayon::prelude::*;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Why a study stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// The budget of trials is spent.
    Trials,
    /// The budget of simulated time is spent.
    SimulatedTime,
    /// The budget of wall-clock time is spent.
    WallTime,
    /// The strategy has nothing left to try.
    Exhausted {
        /// Its reason.
        reason: String,
    },
    /// The strategy failed on its way.
    Failed {
        /// Its reason.
        reason: String,
    },
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trials => f.write_str("the budget of trials is spent"),
            Self::SimulatedTime => f.write_str("the budget of simulated time is spent"),
            Self::WallTime => f.write_str("the budget of wall-clock time is spent"),
            Self::Exhausted { reason } => write!(f, "nothing is left to try: {reason}"),
            Self::Failed { reason } => write!(f, "the search failed: {reason}"),
        }
    }
}

/// What was looked up, once, for the incumbent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// One value per report metric of the evaluator.
    pub values: Values,
    /// Where it stands among all that the evaluator knows.
    pub standings: Vec<Standing>,
}

/// What a result cost, and what its reader must know.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ledger {
    /// Number of finished trials, failed ones included.
    pub queries: u64,
    /// Number of distinct samples among them.
    pub unique_samples: u64,
    /// Number of distinct networks among them, by canonical hash.
    pub unique_graphs: u64,
    /// Number of failed trials.
    pub failed: u64,
    /// Number of trials that the strategy ended on their way.
    pub stopped: u64,
    /// Simulated seconds of all trials.
    pub simulated_seconds: f64,
    /// Wall-clock seconds, over all runs if the study was resumed.
    pub wall_seconds: f64,
    /// Number of candidates whose report metrics were looked up: 1, or 0 if nothing was found or there are none.
    pub report_lookups: u64,
    /// The protocol that the study claims to follow.
    pub protocol: Option<String>,
    /// What a reader of the results must know.
    pub caveats: Vec<String>,
}

/// A study that has stopped.
#[derive(Clone, Debug)]
pub struct Study {
    /// What makes it.
    pub identity: StudyIdentity,
    /// What it optimised.
    pub objective: Objective,
    /// The whole history, in order.
    pub trials: Vec<Trial>,
    /// Why it stopped.
    pub stop: StopReason,
    /// What was looked up for the incumbent.
    pub report: Option<Report>,
    /// Simulated seconds of all trials.
    pub simulated_seconds: f64,
    /// Wall-clock seconds, over all runs if the study was resumed.
    pub wall_seconds: f64,
    /// Number of trials that were evaluated in this run, and not read from the store.
    pub evaluated: u64,
    /// What a reader of the results must know.
    pub caveats: Vec<String>,
    /// Why the store could not keep the study's end, if it could not. It has all trials.
    pub unkept: Option<String>,
    pub(crate) incumbent: Option<usize>,
}

impl Study {
    /// The best trial by the objective, the earliest among equals; `None` if none succeeded.
    #[must_use]
    pub fn incumbent(&self) -> Option<&Trial> {
        self.trials.get(self.incumbent?)
    }

    /// The distinct samples, in order of their first trial.
    #[must_use]
    pub fn unique_samples(&self) -> Vec<&Sample> {
        let shared = self.trials.windows(2).all(|w| Arc::ptr_eq(w[0].sample.schema(), w[1].sample.schema()));
        let samples = self.trials.iter().map(|t| &t.sample);
        if shared {
            let mut seen = FxHashSet::default();
            return samples.filter(|s| seen.insert(s.picks())).collect();
        }
        let mut seen = FxHashSet::default();
        samples.filter(|s| seen.insert(*s)).collect()
    }

    /// The canonical hashes of the distinct networks, ascending; what is no network has none. Elaborates every
    /// distinct sample, on all cores.
    #[must_use]
    pub fn unique_graphs(&self, space: &Space) -> Vec<GraphHash> {
        let hash = |s: &&Sample| -> Result<GraphHash, MutateError> { Ok(space.program(s)?.hash()) };
        let mut hashes: Vec<GraphHash> = self.unique_samples().par_iter().filter_map(|s| hash(s).ok()).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    /// The ledger; elaborates every distinct sample to count the networks.
    #[must_use]
    pub fn ledger(&self, space: &Space) -> Ledger {
        Ledger {
            queries: self.trials.len() as u64,
            unique_samples: self.unique_samples().len() as u64,
            unique_graphs: self.unique_graphs(space).len() as u64,
            stopped: self.trials.iter().filter(|t| matches!(t.outcome, Outcome::Stopped { .. })).count() as u64,
            failed: self.trials.iter().filter(|t| matches!(t.outcome, Outcome::Failed { .. })).count() as u64,
            simulated_seconds: self.simulated_seconds,
            wall_seconds: self.wall_seconds,
            report_lookups: u64::from(self.report.is_some()),
            protocol: self.identity.protocol.clone(),
            caveats: self.caveats.clone(),
        }
    }
}
