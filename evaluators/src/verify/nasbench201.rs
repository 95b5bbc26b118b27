//! The NAS-Bench-201 tables against the graphs.

use super::{Check, ColumnCount, Progress, VerifyReport, each};
use crate::error::EvaluateError;
use crate::table::{ArchId, Column, Dataset, Latencies, Nasbench201, NaslibParams, arch_string};
use ir::Convention;
use ir::cost::Cost;
use mutators::{Space, spaces};
use rustc_hash::FxHashMap;

/// The datasets whose networks differ.
const DATASETS: [Dataset; 3] = [Dataset::Cifar10, Dataset::Cifar100, Dataset::ImageNet16];

/// Costs of graphs.
type Counted = FxHashMap<(Dataset, ArchId), Cost>;

/// Builds the network of each of these and counts it.
fn count(
    table: &Nasbench201,
    networks: &[(Dataset, ArchId)],
    progress: Progress<'_>,
) -> Result<Counted, EvaluateError> {
    let spaces: Vec<(Dataset, Space)> = DATASETS
        .iter()
        .map(|dataset| Ok((*dataset, spaces::build(&format!("nasbench201:dataset={dataset}"))?)))
        .collect::<Result<_, EvaluateError>>()?;
    let costs = each(networks, progress, |(dataset, arch)| {
        let space = spaces.iter().find(|(d, _)| d == dataset).map(|(_, space)| space);
        let space = space.expect("invariant: networks are of the three datasets");
        let sample = space.parse_genotype(&table.arch(*arch))?;
        Ok(space.program(&sample)?.cost(Convention::Nasbench))
    })?;
    Ok(networks.iter().copied().zip(costs).collect())
}

/// Every column, and every network's params and FLOPs, and NASLib's params.
pub(super) fn table(report: &mut VerifyReport, step: usize, progress: Progress<'_>) -> Result<(), EvaluateError> {
    let table = Nasbench201::embedded()?;
    let counts = table.columns().into_iter();
    report.columns = counts.map(|(name, values)| ColumnCount { name: name.to_owned(), values }).collect();
    report.marked = table
        .column(Column::TrialParamsMismatch)?
        .iter()
        .filter(|(_, mark)| *mark != 0.0)
        .map(|(arch, _)| arch.index())
        .collect();
    let archs: Vec<ArchId> = ArchId::all().step_by(step).collect();
    let networks: Vec<(Dataset, ArchId)> = DATASETS.iter().flat_map(|d| archs.iter().map(|a| (*d, *a))).collect();
    let counted = count(table, &networks, progress)?;
    for dataset in DATASETS {
        let of = |arch: &ArchId| counted[&(dataset, *arch)];
        let params = archs.iter().map(|a| (a.index(), table.params(dataset, *a), of(a).params));
        report.checks.push(Check::compare(format!("{dataset} params against the graph"), params, name(table)));
        let flops = archs.iter().map(|a| (a.index(), table.flops(dataset, *a), of(a).macs));
        report.checks.push(Check::compare(format!("{dataset} FLOPs against the graph"), flops, name(table)));
    }
    compare_naslib(report, table, &counted)
}

/// NASLib's params only.
pub(super) fn naslib(report: &mut VerifyReport, step: usize, progress: Progress<'_>) -> Result<(), EvaluateError> {
    let table = Nasbench201::embedded()?;
    let records = NaslibParams::embedded()?.records().iter().step_by(step);
    let networks: Vec<(Dataset, ArchId)> = records.map(|r| (r.dataset, r.arch)).collect();
    let counted = count(table, &networks, progress)?;
    compare_naslib(report, table, &counted)
}

fn compare_naslib(report: &mut VerifyReport, table: &Nasbench201, counted: &Counted) -> Result<(), EvaluateError> {
    for dataset in DATASETS {
        let records = NaslibParams::embedded()?.records().iter().filter(|r| r.dataset == dataset);
        let both = records.filter_map(|r| Some((r.arch.index(), r.params, counted.get(&(dataset, r.arch))?.params)));
        let what = format!("{dataset} params as NASLib counts them against the graph");
        report.checks.push(Check::compare(what, both, name(table)));
    }
    Ok(())
}

/// Every device's values: each is a time.
pub(super) fn latency(report: &mut VerifyReport) -> Result<(), EvaluateError> {
    let table = Latencies::embedded()?;
    for (device, name) in table.devices() {
        let values = ArchId::all().filter(|arch| table.milliseconds(device, *arch) > 0.0).count();
        report.columns.push(ColumnCount { name: name.to_owned(), values });
    }
    Ok(())
}

/// Names an architecture of the table.
fn name(table: &Nasbench201) -> impl Fn(usize) -> String {
    move |index| ArchId::new(index).map(|arch| arch_string(table.ops(arch))).unwrap_or_default()
}
