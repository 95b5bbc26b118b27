//! Why a one-shot search cannot start, or ended.

use super::bilevel::Side;
use codegen::PlanError;
use codegen::torch::{ExecError, RuntimeError};
use evaluators::data::DataError;
use evaluators::train::TrainError;
use mutators::{MutateError, OptionError};
use std::path::PathBuf;

/// Why a one-shot search cannot start, or ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OneShotError {
    /// Nothing to search.
    #[error("space `{0}` has no decisions; there is nothing to search")]
    NoDecisions(String),
    /// A space whose networks are made by mutators.
    #[error(
        "space `{space}` decides by the mutator `{mutator}`, which no supernet holds; search it with a multi-trial \
         strategy, see `lanista strategies`"
    )]
    Mutators {
        /// The space.
        space: String,
        /// Its first mutator.
        mutator: String,
    },
    /// A checkpoint that another process writes.
    #[error("{}: another process keeps its search there; wait for it to end, or name another file", .path.display())]
    Kept {
        /// The file.
        path: PathBuf,
    },
    /// A place where no checkpoint can be written.
    #[error("{}: the checkpoint cannot be kept there: {source}; check the folder and its permissions", .path.display())]
    Place {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A decision that the strategy cannot treat.
    #[error("`{strategy}` cannot treat ?{label}: it {what}; {remedy}")]
    Decision {
        /// The strategy.
        strategy: String,
        /// The decision.
        label: String,
        /// What it decides.
        what: String,
        /// What can.
        remedy: &'static str,
    },
    /// An architecture parameter that is no number.
    #[error(
        "epoch {epoch}, step {step}: a parameter of ?{label} is {value}; take a lower arch_lr, or clip the gradient"
    )]
    Alpha {
        /// The decision.
        label: String,
        /// From 1.
        epoch: u32,
        /// From 1.
        step: usize,
        /// What it is.
        value: f64,
    },
    /// A loss that is no number.
    #[error("epoch {epoch}, step {step}: the {} loss is {loss}; take a lower learning rate", match .side { Side::Train => "training", Side::Valid => "validation" })]
    Loss {
        /// Where.
        side: Side,
        /// From 1.
        epoch: u32,
        /// From 1.
        step: usize,
        /// What it is.
        loss: f64,
    },
    /// Limits that nothing keeps to.
    #[error("no sample of space `{space}` keeps to {limits} after {tries} tries; raise the limit")]
    Limits {
        /// The space.
        space: String,
        /// What was asked for.
        limits: String,
        /// Number of draws.
        tries: u32,
    },
    /// A cost that is looked up in a table of another space.
    #[error(
        "cost=latency weighs whole architectures by a table of their latencies, and there is none for space `{space}`: {why}"
    )]
    Table {
        /// The space.
        space: String,
        /// What the table says.
        why: String,
    },
    /// An option that does not fit.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// A space whose cost cannot be told in expectation.
    #[error(transparent)]
    Cost(#[from] ir::cost::ModelError),
    /// A network or a data set that cannot be trained on.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A sample that the space refuses.
    #[error(transparent)]
    Mutate(#[from] MutateError),
    /// A search over the supernet that cannot run.
    #[error(transparent)]
    Experiment(#[from] crate::ExperimentError),
    /// A strategy over the supernet that cannot be made.
    #[error(transparent)]
    Strategy(#[from] crate::StrategyError),
}

/// What goes wrong below is what goes wrong in training.
macro_rules! through_training {
    ($($error:ty),*) => {
        $(impl From<$error> for OneShotError {
            fn from(e: $error) -> Self {
                Self::Train(e.into())
            }
        })*
    };
}

through_training!(PlanError, ExecError, RuntimeError, DataError, tch::TchError);
