//! Checks an embedded table: its bytes, its rows, and every network that it describes against the network's own graph.
//!
//! The graph is built by the space and counted by `ir`, so it shares nothing with the table but the architecture.

mod nasbench101;
mod nasbench201;
mod report;

pub use report::{Check, ColumnCount, Disagreement, VerifyReport};

use crate::error::EvaluateError;
use crate::table::{self, FILES, TableFile};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Called with the number of networks that are done and that there are, from any thread.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);

/// Networks between two calls of a progress function.
const STRIDE: u64 = 500;

/// Checks a table whole.
///
/// Records that disagree are in the report; they are no error.
///
/// ```
/// let report = evaluators::verify_table("nasbench201-latency", &|_, _| {})?;
/// assert!(report.agrees());
/// assert_eq!(report.rows, 15_625);
/// # Ok::<(), evaluators::EvaluateError>(())
/// ```
///
/// # Errors
/// If there is no such table, its bytes are not the table's, or a network cannot be built.
pub fn verify_table(name: &str, progress: Progress<'_>) -> Result<VerifyReport, EvaluateError> {
    verify_every(name, 1, progress)
}

/// The same with the networks of every `step`-th row only.
pub(crate) fn verify_every(name: &str, step: usize, progress: Progress<'_>) -> Result<VerifyReport, EvaluateError> {
    let file = find(name)?;
    file.verify()?;
    let mut report = VerifyReport::of(file);
    match name {
        "nasbench201" => nasbench201::table(&mut report, step, progress)?,
        "nasbench201-naslib-params" => nasbench201::naslib(&mut report, step, progress)?,
        "nasbench201-latency" => nasbench201::latency(&mut report)?,
        "nasbench101" => nasbench101::table(&mut report, step, progress)?,
        "nasbench101-pool" => nasbench101::pool(&mut report, step, progress)?,
        _ => {}
    }
    Ok(report)
}

fn find(name: &str) -> Result<&'static TableFile, EvaluateError> {
    match FILES.iter().find(|f| f.name == name) {
        Some(file) => Ok(file),
        None => Err(table::unknown("table", name, &FILES.map(|f| f.name)).into()),
    }
}

/// Applies `count` to every item in parallel, in order, telling the progress.
fn each<T: Sync, R: Send>(
    items: &[T],
    progress: Progress<'_>,
    count: impl Fn(&T) -> Result<R, EvaluateError> + Sync,
) -> Result<Vec<R>, EvaluateError> {
    let (done, of) = (AtomicU64::new(0), items.len() as u64);
    let results = items.par_iter().map(|item| {
        let result = count(item);
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done % STRIDE == 0 || done == of {
            progress(done, of);
        }
        result
    });
    results.collect()
}

#[cfg(test)]
mod tests;
