//! The golden numbers of the field, counted over the graphs of the spaces.

use ir::{Convention, Elaboration, cost::Cost};
use mutators::nasbench101::{CellSpec, Op101};
use mutators::{Sample, Space, spaces};

const V1: &str = "DARTS_V1";
const V2: &str = "DARTS_V2";

fn space(text: &str) -> Space {
    spaces::build(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn cost(space: &Space, sample: &Sample, convention: Convention) -> Cost {
    let module = space.module(sample).expect("a network");
    ir::verify(&module).expect("it verifies").cost(convention)
}

fn genotype(space: &Space, text: &str) -> Sample {
    space.parse_genotype(text).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn darts_networks() {
    let derived = space("darts:auxiliary=false");
    for (text, params, macs) in [(V1, 3_169_414, 500_987_530), (V2, 3_349_342, 528_359_050)] {
        let sample = genotype(&derived, text);
        assert_eq!(cost(&derived, &sample, Convention::Nasbench), Cost { params, macs });
        assert_eq!(genotype(&derived, &derived.genotype(&sample).expect("notation")), sample);
    }
    let with_head = space("darts");
    let sample = genotype(&with_head, V2);
    assert_eq!(cost(&with_head, &sample, Convention::Nasbench).params, 3_349_342 + 476_426);
}

#[test]
fn darts_supernet() {
    let space = space("darts:network=search");
    let open = |_: &str, _: Option<i64>| None;
    let supernet = Elaboration::supernet(space.base(), &open).run().expect("the supernet has types");
    assert_eq!(supernet.cost(Convention::Nasbench), Cost { params: 1_930_618, macs: 300_255_754 });
}

#[test]
fn darts_counts_its_cells() {
    let cell = 1_037_664_180u128;
    assert_eq!(space("darts").size(), mutators::Size::Exactly(cell * cell));
}

#[test]
fn nasbench201_conventions() {
    let space = space("nasbench201");
    let text = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|";
    let first = genotype(&space, text);
    assert_eq!(space.genotype(&first).as_deref(), Some(text));
    assert_eq!(cost(&space, &first, Convention::Nasbench), Cost { params: 129_306, macs: 15_647_370 });
    assert_eq!(cost(&space, &first, Convention::Thop).macs, 16_464_576);
    assert_eq!(cost(&space, &first, Convention::Ptflops).macs, 16_810_634);
}

/// Every network, built as a graph and counted, against the formulas of the benchmark.
#[test]
fn nasbench201_all_networks() {
    let start = std::time::Instant::now();
    let (base_params, base_macs) = (73_306, 7_783_050);
    let (mut params, mut macs, mut counts) = (0, 0, std::collections::BTreeSet::new());
    let space10 = space("nasbench201");
    for sample in space10.enumerate(0).expect("static") {
        let sample = sample.expect("legal");
        let count = |op: &str| sample.pairs().filter(|(_, v)| *v == ir::Value::label(op)).count() as u64;
        let (n1, n3) = (count("nor_conv_1x1"), count("nor_conv_3x3"));
        let cost = space10.program(&sample).expect("a network").cost(Convention::Nasbench);
        assert_eq!(cost.params, base_params + 28_000 * n1 + 243_040 * n3, "{sample}");
        assert_eq!(cost.macs, base_macs + 3_932_160 * n1 + 35_389_440 * n3, "{sample}");
        params += cost.params;
        macs += cost.macs;
        counts.insert(cost.params);
    }
    assert_eq!((params, macs, counts.len()), (6_227_406_250, 858_890_156_250, 28));
    eprintln!("15,625 networks built and counted in {:.2} s", start.elapsed().as_secs_f64());
}

#[test]
fn nasbench201_other_datasets() {
    for (dataset, extra, macs) in [
        ("cifar100", 5_850, (7_788_900, 3_932_160, 35_389_440)),
        ("imagenet16-120", 7_150, (1_953_400, 983_040, 8_847_360)),
    ] {
        let space = space(&format!("nasbench201:dataset={dataset}"));
        let text = "|nor_conv_1x1~0|+|nor_conv_3x3~0|none~1|+|nor_conv_3x3~0|skip_connect~1|avg_pool_3x3~2|";
        let cost = cost(&space, &genotype(&space, text), Convention::Nasbench);
        assert_eq!(cost.params, 73_306 + extra + 28_000 + 2 * 243_040);
        assert_eq!(cost.macs, macs.0 + macs.1 + 2 * macs.2);
    }
}

#[test]
fn nasbench101_known_networks() {
    let space = space("nasbench101");
    // The first two rows of the public table in hash order: matrix bits, operations, parameters.
    for (adj, ops, params) in [(1_205_349, [0, 2, 0, 0, 1], 8_555_530), (1_335_845, [1, 1, 0, 1, 0], 5_878_154)] {
        let ops = ops.map(|d| Op101::from_digit(d).expect("a digit"));
        let cell = CellSpec::new(7, adj, &ops).expect("a cell");
        let sample = genotype(&space, &cell.to_string());
        assert_eq!(cost(&space, &sample, Convention::Nasbench).params, params);
        assert_eq!(genotype(&space, &space.genotype(&sample).expect("notation")), sample);
    }
}

#[test]
fn natsbench_size_counts() {
    let space = space("natsbench-size");
    assert_eq!(space.size(), mutators::Size::Exactly(32_768));
    for text in ["64:64:64:64:64", "8:16:24:32:40"] {
        let sample = genotype(&space, text);
        assert_eq!(space.genotype(&sample).as_deref(), Some(text));
        assert!(cost(&space, &sample, Convention::Nasbench).params > 0);
    }
}
