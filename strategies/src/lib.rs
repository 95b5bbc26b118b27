//! Lanista's strategies: what to try next, the one experiment loop, and the study store.
//!
//! A [`Strategy`] is asked for samples and told what became of them; an [`Experiment`] runs it on a space with an
//! evaluator; a [`Store`] keeps the trials, so that a study that was killed goes on where it was.

pub mod conformance;
mod dedup;
mod error;
mod experiment;
mod grid;
mod hub;
mod local_search;
#[cfg(feature = "torch")]
pub mod one_shot;
mod one_shot_list;
mod random;
mod regularized_evolution;
pub mod store;
mod strategy;
mod study;
mod trial;
mod unseen;

pub use dedup::Dedup;
pub use error::{ExperimentError, StoreError, StrategyError};
pub use experiment::{Experiment, Progress};
pub use grid::Grid;
pub use hub::{Entry, STRATEGIES, build};
pub use local_search::{Improvement, LocalSearch};
pub use one_shot_list::{ONE_SHOT, OneShotEntry, is_one_shot};
pub use random::Random;
pub use regularized_evolution::{EvolutionOptions, RegularizedEvolution};
pub use store::{Crossing, Journal, Memory, Store, StudyIdentity};
pub use strategy::{Next, Proposal, Strategy, Verdict};
pub use study::{Ledger, Report, StopReason, Study};
pub use trial::{Objective, Outcome, Reported, Trial, TrialId};
