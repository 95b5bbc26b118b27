#![doc = include_str!("../../README.md")]

pub use codegen;
pub use evaluators;
pub use ir;
pub use mutators;
pub use strategies;

pub mod events;

/// What most programs need.
///
/// ```
/// use lanista::prelude::*;
///
/// let space = spaces::build("toy")?;
/// let evaluator = evaluators::build("cost:metric=params")?;
/// let study = Experiment::new(&space, strategies::build("random")?, &*evaluator).trials(10).run()?;
/// assert_eq!(study.trials.len(), 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub mod prelude {
    pub use evaluators::{self, Candidate, Direction, EvaluateError, Evaluation, Evaluator, Function, Metric, Query};
    pub use ir::{self, Convention, Decision, Domain, Graph, GraphBuilder, Module, OpRegistry, Patch, Program, Value};
    pub use mutators::{self, Chooser, MutateError, Mutator, Sample, Space, spaces};
    pub use rand::Rng;
    pub use strategies::{self, Experiment, Journal, Next, Objective, Proposal, StopReason, Strategy, StrategyError};
    pub use strategies::{Study, Trial};
}
