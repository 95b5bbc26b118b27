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

/// The networks for ImageNet, as the authors' `NetworkImageNet(48, 1000, 14, auxiliary, genotype)` has them: parameters and
/// operations are those of their code (quark0/darts, cnn/model.py:159 and, for the settings, cnn/train_imagenet.py:29).
/// The paper prints 4.7 M parameters for the second, and 574 M operations without a word of how it counts them.
#[test]
fn darts_networks_for_imagenet() {
    let derived = space("darts:image=3x224x224,auxiliary=false");
    for (text, params, macs) in [(V1, 4_510_432, 505_865_704), (V2, 4_718_752, 529_912_552)] {
        let sample = genotype(&derived, text);
        assert_eq!(cost(&derived, &sample, Convention::Nasbench), Cost { params, macs });
    }
    let with_head = space("darts:image=3x224x224");
    let sample = genotype(&with_head, V2);
    assert_eq!(cost(&with_head, &sample, Convention::Nasbench).params, 5_979_528);
    let program = with_head.program(&sample).expect("a network");
    let main = program.main();
    let outputs: Vec<String> = main.outputs.iter().map(|v| main.types[*v as usize].to_string()).collect();
    assert_eq!(outputs, ["f32[N, 1000]", "f32[N, 1000]"]);
    // What is searched is PC-DARTS' (yuhuixu1993/PC-DARTS, model_search_imagenet.py:103): three times the channels in the stem.
    let search = space("darts:network=search,image=3x224x224");
    let open = |_: &str, _: Option<i64>| None;
    let supernet = Elaboration::supernet(search.base(), &open).run().expect("the supernet has types");
    let main = supernet.main();
    // Of the input, three times convolution and batch norm, and the ReLUs before the second and the third.
    let shape = |value: usize| main.types[value].to_string();
    assert_eq!([2, 5, 8].map(shape), ["f32[N, 24, 112, 112]", "f32[N, 48, 56, 56]", "f32[N, 48, 28, 28]"]);
}

#[test]
fn darts_supernet() {
    let space = space("darts:network=search");
    let open = |_: &str, _: Option<i64>| None;
    let supernet = Elaboration::supernet(space.base(), &open).run().expect("the supernet has types");
    assert_eq!(supernet.cost(Convention::Nasbench), Cost { params: 1_930_618, macs: 300_255_754 });
}

/// What these spaces leave open has one shape under every decision.
#[test]
fn spaces_of_shared_weights_are_supernets() {
    for text in
        ["enas-macro", "enas-micro", "proxyless", "proxyless:image=3x32x32", "recurrent", "recurrent:network=search"]
    {
        let space = space(text);
        let open = |_: &str, _: Option<i64>| None;
        let supernet = Elaboration::supernet(space.base(), &open).run().unwrap_or_else(|e| panic!("{text}: {e}"));
        let sample = space.default_sample().expect("defaults");
        let [all, one] = [supernet.cost(Convention::Nasbench), cost(&space, &sample, Convention::Nasbench)];
        // A recurrent cell has the same matrices whatever its nodes take.
        assert!(all.params >= one.params && all.macs > one.macs, "{text}");
    }
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
    // Counted on `DynamicShapeTinyNet(channels, genotype, 10)` of the authors (D-X-Y/AutoDL-Projects,
    // xautodl/models/shape_infers/InferTinyCellNet.py:11).
    for (text, params, macs) in [
        ("64:64:64:64:64", 713_674, 274_399_882),
        ("8:16:24:32:40", 115_490, 15_339_930),
        ("64:8:64:8:64", 441_226, 230_838_922),
    ] {
        let sample = genotype(&space, text);
        assert_eq!(space.genotype(&sample).as_deref(), Some(text));
        assert_eq!(cost(&space, &sample, Convention::Nasbench), Cost { params, macs }, "{text}");
    }
}

/// Parameters of a path of the authors' macro network with shared weights, counted over their variables (melodyguan/enas,
/// src/cifar10/general_child.py, `_model`, `_enas_layer`, `_conv_branch`, `_pool_branch` and `_factorized_reduction`): those
/// that lead to the logits. `layers` are the operation and the skips of each.
fn enas_macro_params(c: u64, layers: &[(usize, Vec<bool>)]) -> u64 {
    let batch_norm = 2 * c;
    let project = c * c + batch_norm;
    let halved = c * c + batch_norm;
    // conv 3, sep 3, conv 5, sep 5, avg, max; each behind a projection.
    let ops = [9 * c * c, 9 * c + c * c, 25 * c * c, 25 * c + c * c];
    let op = |op: usize| project + ops.get(op).map_or(0, |weights| weights + batch_norm);
    let n = layers.len();
    // Values are the stem and the layers' outputs. No bias in the classifier.
    let (mut total, mut needed) = (10 * c, vec![false; n + 1]);
    needed[n] = true;
    for (i, (number, skips)) in layers.iter().enumerate().rev() {
        if [n / 3, 2 * (n / 3)].contains(&(i + 1)) {
            total += halved * needed[..=i + 1].iter().filter(|v| **v).count() as u64;
        }
        if std::mem::take(&mut needed[i + 1]) {
            total += op(*number) + if i > 0 { batch_norm } else { 0 };
            needed[i] = true;
            skips.iter().enumerate().for_each(|(from, skip)| needed[from] |= skip);
            // The sum of no skip has the shape of the first that there could be.
            needed[0] |= i > 0 && !skips.contains(&true);
        }
    }
    assert_eq!(needed.iter().position(|v| *v), Some(0));
    total + 27 * c + batch_norm
}

/// An arc as the authors write it: of each layer its operation and its skips.
fn enas_macro_layers(text: &str) -> Vec<(usize, Vec<bool>)> {
    let mut numbers = text.split_whitespace().map(|n| n.parse::<usize>().expect("a number"));
    let mut layers = Vec::new();
    while let Some(op) = numbers.next() {
        let skips = numbers.by_ref().take(layers.len()).map(|n| n == 1).collect();
        layers.push((op, skips));
    }
    layers
}

/// All variables of the authors' search (scripts/cifar10_macro_search.sh: 12 layers of 36 channels, six branches).
#[test]
fn enas_macro_supernet() {
    let space = space("enas-macro");
    let open = |_: &str, _: Option<i64>| None;
    let supernet = Elaboration::supernet(space.base(), &open).run().expect("the supernet has types");
    let c = 36u64;
    let branches = 6 * (c * c + 2 * c) + (9 + 1 + 25 + 1) * c * c + (9 + 25) * c + 4 * 2 * c;
    // Halved are the stem and four layers, then the stem and eight.
    let variables = 27 * c + 2 * c + 12 * branches + 11 * 2 * c + (5 + 9) * (c * c + 2 * c) + 10 * c;
    assert_eq!(variables, 697_860);
    assert_eq!(supernet.cost(Convention::Nasbench).params, variables);
}

/// 12 layers of 6 operations, and a bit for each of the 66 pairs of a layer and an output before its input.
#[test]
fn enas_macro_counts() {
    let macro_space = space("enas-macro");
    assert_eq!(macro_space.size(), mutators::Size::Exactly(6u128.pow(12) << 66));
    let text = "0 3 0 0 1 0 2 0 0 1 2 0 0 0 0 3 1 1 0 1 0 2 0 0 0 0 0 1 2 0 1 1 0 1 1 1 1 0 1 1 1 0 1 0 1 0 0 0 0 0 \
        0 0 0 0 0 5 0 0 0 0 0 1 0 0 0 0 4 1 0 0 1 1 0 0 0 0 1 1";
    let sample = genotype(&macro_space, text);
    assert_eq!(macro_space.genotype(&sample).as_deref(), Some(text));
    assert_eq!(sample.get("skip_2"), Some(ir::Value::List(vec![0.into()])));
}

/// The final macro network of the authors' scripts has 24 layers and four operations.
#[test]
fn enas_macro_published() {
    let text = "0 3 0 0 1 0 2 0 0 1 2 0 0 0 0 3 1 1 0 1 0 2 0 0 0 0 0 1 2 0 1 1 0 1 1 1 1 0 1 1 1 0 1 0 1 0 0 0 0 0 0 0 0 \
        0 0 2 0 0 0 0 0 1 0 0 0 0 0 1 0 0 1 1 0 0 0 0 1 1 2 0 1 0 0 0 0 0 1 0 1 1 0 1 0 0 1 0 0 0 1 1 1 0 1 0 1 0 \
        1 1 0 1 0 1 0 0 0 0 0 1 0 0 2 0 0 1 0 0 0 0 0 0 0 1 0 1 0 1 2 0 1 0 0 0 1 0 0 1 1 1 1 0 0 1 0 2 0 0 0 0 1 \
        0 1 0 1 0 0 1 0 1 0 0 1 3 0 1 1 0 1 0 0 0 0 0 1 0 1 0 1 0 0 0 3 0 1 1 0 0 0 0 0 0 0 0 0 1 1 0 0 0 0 1 0 1 \
        0 0 1 0 1 1 0 0 0 1 0 0 0 0 0 1 1 0 0 3 0 1 0 1 1 0 0 1 0 1 1 0 1 1 0 1 0 0 1 0 0 0 1 0 1 0 1 0 0 0 0 0 0 \
        0 0 1 0 1 0 0 1 0 0 0 0 1 1 0 0 0 1 1 1 0 1 0 0 0 1 0 1 0 0 1 1 0 0 0";
    let space = space("enas-macro:layers=24");
    let sample = genotype(&space, text);
    assert_eq!(space.genotype(&sample).as_deref(), Some(text));
    assert_eq!(sample.get("op_23"), Some(ir::Value::label("conv_3x3")));
    let params = enas_macro_params(36, &enas_macro_layers(text));
    assert_eq!(cost(&space, &sample, Convention::Nasbench).params, params);
}

/// The parameters of a chain of 3x3 convolutions without skips, by hand. A sum of nothing has the shape of its first
/// operand, the stem, so that the halves of the stem count too.
#[test]
fn enas_macro_counts_a_chain() {
    let space = space("enas-macro:channels=8");
    let zeros = vec!["0"; 78].join(" ");
    let batch_norm = 2 * 8;
    let (stem, layer) = (3 * 8 * 9 + batch_norm, 8 * 8 + 8 * 8 * 9 + 2 * batch_norm);
    let halves = 2 * 2 * (8 * 8 + batch_norm);
    // A batch norm follows the sum of every layer but the first.
    let network = stem + 12 * layer + 11 * batch_norm + halves + 8 * 10;
    assert_eq!(enas_macro_params(8, &enas_macro_layers(&zeros)), network);
    assert_eq!(cost(&space, &genotype(&space, &zeros), Convention::Nasbench).params, network);
}

#[test]
fn enas_micro_counts() {
    let space = space("enas-micro");
    let cell = 5u128.pow(10) * 720u128.pow(2);
    assert_eq!(space.size(), mutators::Size::Exactly(cell * cell));
    // The cells of the authors' final micro network.
    let text = "0 2 0 0 0 4 0 1 0 4 1 1 1 0 0 1 0 2 1 1 1 0 1 0 0 3 0 2 1 1 3 1 1 0 0 4 0 3 1 1";
    let sample = genotype(&space, text);
    assert_eq!(space.genotype(&sample).as_deref(), Some(text));
    assert_eq!(sample.get("reduce_in_4_0"), Some(1.into()));
    assert_eq!(sample.get("reduce_in_5_0"), Some(1.into()));
}

/// A sample of `proxyless` that has these candidates, `5x3` for kernel 5 and expansion 3, and `-` for none.
fn proxyless(space: &Space, blocks: &str) -> Sample {
    let value = |(i, block): (usize, &str)| match block.split_once('x') {
        Some((k, e)) => format!("block_{}=mbconv{e}_{k}x{k}", i + 1),
        None => format!("block_{}=skip", i + 1),
    };
    let text = blocks.split_whitespace().enumerate().map(value).collect::<Vec<_>>().join(",");
    space.bind(&text.parse().expect("syntax")).unwrap_or_else(|e| panic!("{e}"))
}

/// The released networks for GPU, CPU and mobile phones. Sources: the authors' models; parameters as imgclsmob counts them.
#[test]
fn proxyless_released_networks() {
    let gpu = "5x3 - - - 7x3 - - 3x3 7x6 - - 5x3 5x6 - 3x3 5x3 7x6 7x6 7x6 5x6 7x6";
    let cpu = "3x6 3x3 3x3 3x3 3x6 3x3 3x3 5x3 3x6 - - 3x3 5x6 3x3 3x3 3x3 5x6 5x3 5x3 3x3 5x6";
    let mobile = "5x3 3x3 - - 7x3 3x3 5x3 5x3 7x6 5x3 5x3 5x3 5x6 5x3 5x3 5x3 7x6 7x6 7x3 7x3 7x6";
    for (text, blocks, params) in [
        ("proxyless:width=1.35", gpu, 7_119_848),
        ("proxyless:width=1.12", cpu, 4_361_648),
        ("proxyless:widths=32:40:80:96:192:320", mobile, 4_080_512),
    ] {
        let space = space(text);
        assert_eq!(cost(&space, &proxyless(&space, blocks), Convention::Nasbench).params, params, "{text}");
    }
}

/// With its widths and depths the space holds MobileNetV2 (Sandler et al. 2018); the figures are torchvision's.
#[test]
fn proxyless_holds_mobilenet_v2() {
    let space = space("proxyless:widths=24:32:64:96:160:320");
    let blocks = "3x6 3x6 - - 3x6 3x6 3x6 - 3x6 3x6 3x6 3x6 3x6 3x6 3x6 - 3x6 3x6 3x6 - 3x6";
    let expected = Cost { params: 3_504_872, macs: 300_774_272 + 1_000 };
    assert_eq!(cost(&space, &proxyless(&space, blocks), Convention::Nasbench), expected);
}

/// Six blocks change the shape and have 6 candidates; the 15 others may be left out.
#[test]
fn proxyless_counts() {
    assert_eq!(space("proxyless").size(), mutators::Size::Exactly(6u128.pow(6) * 7u128.pow(15)));
}

#[test]
fn recurrent_counts() {
    // Node i takes one of i earlier states with one of four activations.
    let factorial = 40_320u128;
    assert_eq!(space("recurrent").size(), mutators::Size::Exactly(factorial * 4u128.pow(8)));
}

/// The published cells on Penn Treebank: 23 million parameters, of which the table of words is used twice.
#[test]
fn recurrent_published_cells() {
    let space = space("recurrent");
    let (words, hidden, steps) = (10_000, 850, 35);
    for (name, text) in [
        (
            V1,
            "Genotype(recurrent=[('relu', 0), ('relu', 1), ('tanh', 2), ('relu', 3), ('relu', 4), ('identity', 1), \
             ('relu', 5), ('relu', 1)], concat=range(1, 9))",
        ),
        (
            V2,
            "Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), ('identity', 1), ('tanh', 2), ('sigmoid', 5), \
             ('tanh', 3), ('relu', 5)], concat=range(1, 9))",
        ),
    ] {
        let sample = genotype(&space, name);
        assert_eq!(genotype(&space, text), sample);
        assert_eq!(space.genotype(&sample).as_deref(), Some(text));
        // The first matrix takes word and state, the other eight a state; each makes a gate and a change.
        let matrices = (2 + 8) * hidden * 2 * hidden;
        let params = words * hidden + words + matrices;
        assert_eq!(params, 22_960_000);
        let macs = steps * (matrices + words * hidden);
        assert_eq!(cost(&space, &sample, Convention::Nasbench), Cost { params, macs });
    }
}
