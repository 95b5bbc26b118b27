//! Why a candidate cannot be scored.

use crate::table::TableError;
use mutators::{MutateError, OptionError};

/// Why a candidate cannot be scored, or an evaluator not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// The candidate is no network.
    #[error(transparent)]
    Network(#[from] MutateError),
    /// An option that does not exist or does not fit.
    #[error(transparent)]
    Options(#[from] OptionError),
    /// A table that can't be loaded, or has no such numbers.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A data set that cannot be had.
    #[cfg(feature = "data")]
    #[error(transparent)]
    Data(#[from] crate::data::DataError),
    /// A network that cannot be trained, or whose training ended early.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Train(#[from] crate::train::TrainError),
    /// An evaluator that this build is without.
    #[error(
        "evaluator `{name}` needs libtorch, which this program was built without; run `make setup-torch`, and build with \
         `cargo build --features torch`"
    )]
    NeedsTorch {
        /// The evaluator.
        name: String,
    },
    /// No evaluator of that name.
    #[error("no evaluator is called `{name}`{}; there are {known}", ir::text::did_you_mean(.nearest.as_deref()))]
    Unknown {
        /// The name.
        name: String,
        /// The most similar name.
        nearest: Option<String>,
        /// What there is.
        known: String,
    },
    /// A number of epochs at which the evaluator has no score.
    #[error("{evaluator} has no score at {epochs} epochs; it has {known}")]
    Fidelity {
        /// The evaluator.
        evaluator: String,
        /// The epochs that were asked for.
        epochs: u32,
        /// Those that it has.
        known: String,
    },
    /// A space that the evaluator knows nothing of.
    #[error("evaluator `{evaluator}` scores samples of {scores}, not of space `{space}`")]
    Space {
        /// The evaluator.
        evaluator: String,
        /// What it scores.
        scores: &'static str,
        /// The space.
        space: String,
    },
    /// A candidate that the table does not hold.
    #[error("{evaluator} holds no {what}")]
    Absent {
        /// The evaluator.
        evaluator: String,
        /// What is absent.
        what: String,
    },
    /// A score that is not a number.
    #[error("{evaluator} gives {metric} = {value}, which is no finite number")]
    NotFinite {
        /// The evaluator.
        evaluator: String,
        /// The metric.
        metric: String,
        /// The value.
        value: f64,
    },
    /// A zero-cost proxy that cannot be computed.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    ZeroCost(#[from] crate::zero_cost::ZeroCostError),
    /// The reason that a user's function gives, or why this one candidate has no score.
    #[error("{0}")]
    Failed(String),
}
