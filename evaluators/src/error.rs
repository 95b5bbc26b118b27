//! Why a candidate cannot be scored.

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
    /// The reason that a user's function gives.
    #[error("{0}")]
    Failed(String),
}
