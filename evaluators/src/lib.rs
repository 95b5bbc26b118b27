//! Lanista's evaluators: scoring a candidate, from a table look-up to a closure.

mod error;
mod evaluator;
mod function;
pub mod table;

pub use error::EvaluateError;
pub use evaluator::{Candidate, Direction, Evaluation, Evaluator, Fidelities, Metric, Query, Standing, Values};
pub use function::Function;
