//! The NAS-Bench-101 tables against the graphs.

use super::{Check, Progress, VerifyReport, each};
use crate::error::EvaluateError;
use crate::table::{Nasbench101, Nasbench101Pool};
use ir::Convention;
use mutators::nasbench101::CellSpec;
use mutators::spaces;

/// Every network's params.
pub(super) fn table(report: &mut VerifyReport, step: usize, progress: Progress<'_>) -> Result<(), EvaluateError> {
    let table = Nasbench101::embedded()?;
    let rows = table.ids().step_by(step);
    let records: Vec<_> = rows.map(|id| (id.index(), table.cell(id), u64::from(table.params(id)))).collect();
    compare(report, &records, progress)
}

/// The same for the pool.
pub(super) fn pool(report: &mut VerifyReport, step: usize, progress: Progress<'_>) -> Result<(), EvaluateError> {
    let table = Nasbench101Pool::embedded()?;
    let rows = table.ids().step_by(step);
    let records: Vec<_> = rows.map(|id| (id.index(), table.cell(id), u64::from(table.params(id)))).collect();
    compare(report, &records, progress)
}

/// Builds the network of each record's cell, in the benchmark's numbering, and compares its params.
fn compare(
    report: &mut VerifyReport,
    records: &[(usize, CellSpec, u64)],
    progress: Progress<'_>,
) -> Result<(), EvaluateError> {
    let space = spaces::build("nasbench101")?;
    let found = each(records, progress, |(_, cell, _)| {
        let sample = space.parse_genotype(&cell.to_string())?;
        Ok(space.program(&sample)?.cost(Convention::Nasbench).params)
    })?;
    let cell = |index: usize| {
        let place = records.binary_search_by_key(&index, |(i, _, _)| *i);
        place.map(|at| records[at].1.to_string()).unwrap_or_default()
    };
    let both = records.iter().zip(found).map(|((index, _, params), found)| (*index, *params, found));
    report.checks.push(Check::compare("params against the graph", both, cell));
    Ok(())
}
