//! Every network of the NAS-Bench-201 table, and a fiftieth of NAS-Bench-101, against the graphs.

use super::*;
use crate::table::{ArchId, Dataset, Nasbench201};
use ir::Convention;
use mutators::spaces;
use std::time::Instant;

/// A check that must agree; says how long it took.
fn verified(name: &str, step: usize) -> VerifyReport {
    let start = Instant::now();
    let last = AtomicU64::new(0);
    let report = verify_every(name, step, &|done, of| {
        assert!(done <= of);
        last.fetch_max(done, Ordering::Relaxed);
    })
    .expect("a report");
    eprintln!("{name}: {} networks in {:.2?}", last.into_inner(), start.elapsed());
    assert!(report.agrees(), "{report}");
    report
}

#[test]
fn all_networks_of_nasbench201_have_the_tables_params_and_flops() {
    let report = verified("nasbench201", 1);
    let records: Vec<usize> = report.checks.iter().map(|c| c.records).collect();
    assert_eq!(records, [15_625, 15_625, 15_625, 15_625, 15_625, 15_625, 1_104, 1_104, 1_104]);
    assert_eq!(report.marked.len(), 204);
    let text = report.to_string();
    assert!(text.contains("cifar10 FLOPs against the graph: 15625 of 15625 agree"), "{text}");
    assert!(text.contains("c10_test_acc_t1: 13400 values, 2225 missing"), "{text}");
    assert!(text.ends_with("no record disagrees"), "{text}");
}

#[test]
fn a_fiftieth_of_nasbench101_has_the_tables_params() {
    assert_eq!(verified("nasbench101", 50).checks[0].records, 8_473);
    assert_eq!(verified("nasbench101-pool", 50).checks[0].records, 401);
}

#[test]
fn the_small_tables_agree() {
    assert_eq!(verified("nasbench201-naslib-params", 10).checks.iter().map(|c| c.records).sum::<usize>(), 332);
    let latency = verified("nasbench201-latency", 1);
    assert!(latency.columns.len() == 27 && latency.columns.iter().all(|c| c.values == 15_625));
    let error = verify_table("nasbench-201", &|_, _| {}).expect_err("unknown").to_string();
    assert!(error.starts_with("unknown table `nasbench-201`, did you mean `nasbench201`?; known: "), "{error}");
}

#[test]
fn disagreeing_records_are_listed() {
    let records = (0..30).map(|i| (i, 7, if i % 10 == 3 { 8 } else { 7 }));
    let check = Check::compare("params", records, |i| format!("arch{i}"));
    assert_eq!((check.records, check.disagree.len()), (30, 3));
    let mut report = VerifyReport::of(FILES[0]);
    report.checks.push(check);
    assert!(!report.agrees());
    let text = report.to_string();
    assert!(text.contains("params: 27 of 30 agree\n  row 3, arch3: 7 in the table, 8 found"), "{text}");
    assert!(text.ends_with("records disagree"), "{text}");
}

#[test]
fn known_networks_have_the_published_counts() {
    let table = Nasbench201::embedded().expect("the embedded table");
    let space = spaces::build("nasbench201").expect("a space");
    let cost = |index: usize, convention| {
        let arch = ArchId::new(index).expect("an index");
        let sample = space.parse_genotype(&table.arch(arch)).expect("a genotype");
        space.program(&sample).expect("a network").cost(convention)
    };
    for (index, params, flops) in [(1462, 1_531_546, 220_119_690), (6111, 1_073_466, 153_272_970)] {
        let found = cost(index, Convention::Nasbench);
        assert_eq!((found.params, found.macs), (params, flops));
        let arch = ArchId::new(index).expect("an index");
        assert_eq!((table.params(Dataset::Cifar10, arch), table.flops(Dataset::Cifar10, arch)), (params, flops));
    }
    assert_eq!(cost(0, Convention::Nasbench).macs, 15_647_370);
    assert_eq!(cost(0, Convention::Thop).macs, 16_464_576);
    assert_eq!(cost(0, Convention::Ptflops).macs, 16_810_634);
}

#[test]
fn sums_over_all_graphs_are_the_published_ones() {
    let space = spaces::build("nasbench201").expect("a space");
    let start = Instant::now();
    let samples: Vec<_> = space.enumerate(1).expect("finite").collect::<Result<_, _>>().expect("samples");
    let costs: Vec<_> =
        samples.par_iter().map(|s| space.program(s).expect("a network").cost(Convention::Nasbench)).collect();
    eprintln!("{} networks built and counted in {:.2?}", costs.len(), start.elapsed());
    assert_eq!(costs.iter().map(|c| c.params).sum::<u64>(), 6_227_406_250);
    assert_eq!(costs.iter().map(|c| c.macs).sum::<u64>(), 858_890_156_250);
    let mut distinct: Vec<u64> = costs.iter().map(|c| c.params).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 28);
}
