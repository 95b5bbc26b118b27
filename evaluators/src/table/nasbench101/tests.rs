//! The packed tables against their sources and the benchmark's published figures.

use std::collections::HashSet;
use std::io::Read;

use mutators::nasbench101::{Op101, unique_cells};

use super::pool::{Nasbench101Pool, PoolEpochs, PoolId};
use super::*;

fn table() -> &'static Nasbench101 {
    Nasbench101::embedded().expect("the embedded table")
}

fn pool() -> &'static Nasbench101Pool {
    Nasbench101Pool::embedded().expect("the embedded table")
}

/// Parameters of the benchmark's CIFAR-10 network of a cell: a 3x3 stem of 128 channels, three
/// stacks of three cells at 128, 256 and 512, and a classifier of 10. Convolutions have no bias,
/// each has a batch norm; an edge from the input is a 1x1 convolution.
fn network_params(cell: &CellSpec) -> u32 {
    let conv = |k: u32, from: u32, to: u32| k * k * from * to + 2 * to;
    let mut total = conv(3, 3, 128) + 512 * 10 + 10;
    let mut input = 128;
    for output in [128, 256, 512].into_iter().flat_map(|c| [c; 3]) {
        let channels = cell.channels(input, output);
        for (v, &c) in channels.iter().enumerate().skip(1) {
            total += match cell.op(v) {
                Some(Op101::Conv3x3) => conv(3, c, c),
                Some(Op101::Conv1x1) => conv(1, c, c),
                Some(Op101::MaxPool3x3) | None => 0,
            };
            if cell.has_edge(0, v) {
                total += conv(1, input, c);
            }
        }
        input = output;
    }
    total
}

/// Lines of a source file, or `None` where the sources are not at hand.
#[track_caller]
fn source(file: &str) -> Option<String> {
    let path = testing::repository().join("../shared/data").join(file);
    if !testing::require(&format!("{file}, which the table was packed from,"), path.is_file()) {
        return None;
    }
    let bytes = std::fs::read(&path).expect("the source");
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("a gzip file");
    Some(text)
}

fn source_cell(n: &str, adj: &str, ops: &str) -> CellSpec {
    let ops: Vec<Op101> = ops.bytes().filter_map(|b| Op101::from_digit(b - b'0')).collect();
    CellSpec::new(n.parse().expect("n"), adj.parse().expect("adj"), &ops).expect("a cell")
}

/// A fraction as written, in percent.
fn percent(text: &str) -> f64 {
    format!("{text}e2").parse().expect("a number")
}

#[test]
fn rows_are_the_enumerated_cells() {
    let codes: Vec<u64> = (2..=7).flat_map(unique_cells).map(|cell| cell.packed()).collect();
    assert_eq!(codes.len(), 423_624);
    assert!(table().ids().map(|id| table().code(id)).eq(codes));
    assert!(table().ids().all(|id| table().find_code(table().code(id)) == Some(id)));
}

#[test]
fn networks_have_the_tables_params() {
    for id in table().ids() {
        let cell = table().cell(id);
        assert_eq!(network_params(&cell), table().params(id), "{cell}");
    }
    for id in pool().ids() {
        let cell = pool().cell(id);
        assert_eq!(network_params(&cell), pool().params(id), "{cell}");
    }
}

#[test]
fn known_figures() {
    let (best, accuracy) = table().best().expect("rows");
    assert!((accuracy - 94.32).abs() < 0.005, "{accuracy}");
    assert_eq!(table().find(&table().cell(best)), Some(best));
    assert_eq!(pool().ids().len(), 20_001);
}

#[test]
fn pool_agrees_with_the_full_table() {
    for id in pool().ids() {
        let full = table().find_code(pool().code(id)).expect("in the full table");
        assert_eq!(pool().params(id), table().params(full));
        assert_eq!(pool().test_accuracy(id), table().test_accuracy(full));
        assert_eq!(pool().cell(id), table().cell(full));
    }
}

#[test]
fn rows_of_the_pool_are_near_each_other() {
    let near: Vec<Vec<PoolId>> = pool().ids().map(|id| pool().neighbours(id)).collect();
    let lone: Vec<PoolId> =
        pool().ids().filter(|id| near[id.index()].iter().any(|other| !near[other.index()].contains(id))).collect();
    // Nearness goes both ways, but for the few rows that are near none.
    assert!(lone.len() < 20, "{}", lone.len());
    for id in pool().ids() {
        let rows = &near[id.index()];
        assert!(!rows.is_empty() && !rows.contains(&id) && rows.windows(2).all(|w| w[0] < w[1]));
        // What one mutation gives is near.
        let mutants = pool().cell(id).mutants();
        assert!(mutants.iter().filter_map(|code| pool().find_code(*code)).all(|m| rows.contains(&m)), "{id:?}");
    }
    let mean = near.iter().map(Vec::len).sum::<usize>() as f64 / near.len() as f64;
    assert!((9.0..13.0).contains(&mean), "{mean}");
    // A walk over neighbours gets everywhere else.
    let (mut met, mut open) = (HashSet::from([0]), vec![0]);
    while let Some(row) = open.pop() {
        open.extend(near[row].iter().map(|id| id.index()).filter(|row| met.insert(*row)));
    }
    assert!(met.len() + lone.len() >= near.len(), "{}", met.len());
}

#[test]
fn cells_are_found_pruned_or_not() {
    let loose: CellSpec =
        "[[0,1,0,0],[0,0,0,1],[0,0,0,1],[0,0,0,0]] [input,conv3x3-bn-relu,maxpool3x3,output]".parse().expect("a cell");
    let pruned = loose.prune().expect("connected");
    assert_eq!(pruned.n(), 3);
    assert!(table().find(&loose).is_some());
    assert_eq!(table().find(&loose), table().find(&pruned));
    let cut = CellSpec::new(2, 0, &[]).expect("a cell");
    assert_eq!(table().find(&cut), None);
    let overfull = CellSpec::new(5, 0x3ff, &[Op101::Conv1x1; 3]).expect("a cell");
    assert_eq!(table().find(&overfull), None);
}

#[test]
fn full_table_is_its_source() {
    let Some(text) = source("nasbench101_test108.csv.gz") else {
        return;
    };
    let mut seen = HashSet::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [n, adj, ops, params, accuracy] = fields[..] else { panic!("five fields: {line}") };
        let cell = source_cell(n, adj, ops);
        let id = table().find(&cell).expect("in the table");
        assert!(seen.insert(id), "{line}");
        assert_eq!(table().params(id).to_string(), params, "{line}");
        assert_eq!(table().test_accuracy(id), percent(accuracy), "{line}");
        let ours = table().cell(id);
        assert!(ours == cell || ours == cell.canonical(), "{line}");
    }
    assert_eq!(seen.len(), table().ids().len());
}

#[test]
fn pool_is_its_source() {
    let Some(text) = source("nasbench101_20k_val_4_12_36_108.csv.gz") else {
        return;
    };
    let mut seen = HashSet::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [_, e4, e12, e36, e108, seconds, params, n, adj, ops, test] = fields[..] else {
            panic!("eleven fields: {line}")
        };
        let id = pool().find(&source_cell(n, adj, ops)).expect("in the pool");
        assert!(seen.insert(id), "{line}");
        for (epochs, accuracy) in PoolEpochs::ALL.iter().zip([e4, e12, e36, e108]) {
            assert_eq!(pool().validation_accuracy(*epochs, id), percent(accuracy), "{line}");
        }
        assert_eq!(Ok(pool().train_seconds(id)), seconds.parse(), "{line}");
        assert_eq!(pool().params(id).to_string(), params, "{line}");
        assert_eq!(pool().test_accuracy(id), percent(test), "{line}");
    }
    assert_eq!(seen.len(), pool().ids().len());
}
