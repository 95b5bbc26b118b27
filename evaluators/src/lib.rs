//! Lanista's evaluators: scoring a candidate, from a table look-up to a closure.
//!
//! | evaluator | scores |
//! |---|---|
//! | [`Nasbench201Evaluator`] | validation accuracy of the 15,625 cells of NAS-Bench-201 |
//! | [`Nasbench101Evaluator`] | test accuracy of the 423,624 cells of NAS-Bench-101: an oracle |
//! | [`Nasbench101PoolEvaluator`] | validation accuracy of 20,001 of them |
//! | [`Latency`] | measured latency of NAS-Bench-201 cells on 27 devices |
//! | [`Cost`] | parameters or operations, in any space |
//! | `train` (feature `torch`) | accuracy after training, on data of one's own |
//! | [`Function`] | what a closure says |
//! | [`Combined`] | the metrics of several evaluators |
//! | `zero_cost::ZeroCost` (feature `torch`) | proxies of untrained networks |
//!
//! [`build`] makes them from a text; [`evaluator_conformance!`] tests one of your own; [`verify_table`] checks a table.

#[cfg(feature = "data")]
mod bytes;
mod cell101;
mod cell201;
mod combined;
pub mod conformance;
mod correlation;
mod cost;
#[cfg(feature = "data")]
pub mod data;
mod digest;
mod error;
mod evaluator;
mod function;
mod hub;
mod latency;
mod layout;
mod nasbench101;
mod nasbench101_pool;
mod nasbench201;
mod ranking;
pub mod table;
#[cfg(feature = "torch")]
pub mod train;
mod verify;
mod with_torch;
#[cfg(feature = "torch")]
pub mod zero_cost;

pub use combined::Combined;
pub use correlation::{kendall, spearman};
pub use cost::{Cost, Counted};
pub use error::EvaluateError;
pub use evaluator::{
    Candidate, Direction, Evaluation, Evaluator, Fidelities, Metric, Query, Reporter, Standing, Values,
};
pub use function::Function;
pub use hub::{EVALUATORS, Entry, build};
pub use latency::Latency;
pub use nasbench101::Nasbench101Evaluator;
pub use nasbench101_pool::Nasbench101PoolEvaluator;
pub use nasbench201::{Nasbench201Evaluator, Nasbench201Options, Training};
pub use verify::{Check, ColumnCount, Disagreement, Progress, VerifyReport, verify_table};
