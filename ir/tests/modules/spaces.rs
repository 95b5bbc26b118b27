//! The published spaces: costs as models, and types in the text.

use ir::cost::CostModel;
use ir::text::typed_text;
use ir::{Convention, Module, Value};

const NASBENCH201: &str = include_str!("../golden/spaces/nasbench201.lir");
const DARTS: &str = include_str!("../golden/spaces/darts.lir");
const DARTS_V2: &str = include_str!("../golden/spaces/darts_v2.lir");

#[test]
fn nasbench201_has_six_small_tables() {
    let module: Module = NASBENCH201.parse().expect("parses");
    let model = CostModel::of(&module, Convention::Nasbench).expect("a model");
    assert_eq!(model.factors().len(), 7);
    assert_eq!(model.factors()[0].table[0].map(|c| (c.params, c.macs)), Some((73_306, 7_783_050)));
    for factor in &model.factors()[1..] {
        let costs: Vec<_> = factor.table.iter().map(|c| c.map(|c| (c.params, c.macs))).collect();
        assert_eq!(costs[2..4], [Some((28_000, 3_932_160)), Some((243_040, 35_389_440))]);
    }
    // Over the whole space the mean times 15,625 is the published sum.
    let mean = model.expectation(&|_, _| 0.2);
    assert!((mean.params * 15_625.0 - 6_227_406_250.0).abs() < 1.0, "{mean:?}");
    assert!((mean.macs * 15_625.0 - 858_890_156_250.0).abs() < 100.0, "{mean:?}");
}

#[test]
fn darts_counts_the_edges_that_are_kept() {
    let module: Module = DARTS.parse().expect("parses");
    let model = CostModel::of(&module, Convention::Nasbench).expect("a model");
    let normal = [
        ("sep_conv_3x3", 0),
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 0),
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 1),
        ("skip_connect", 0),
        ("skip_connect", 0),
        ("dil_conv_3x3", 2),
    ];
    let reduce = [
        ("max_pool_3x3", 0),
        ("max_pool_3x3", 1),
        ("skip_connect", 2),
        ("max_pool_3x3", 1),
        ("max_pool_3x3", 0),
        ("skip_connect", 2),
        ("skip_connect", 2),
        ("max_pool_3x3", 1),
    ];
    let decide = |label: &str, _: Option<i64>| {
        let (cell, rest) = label.split_once('_')?;
        let edges = if cell == "normal" { normal } else { reduce };
        let numbers: Vec<usize> = rest.split('_').filter_map(|n| n.parse().ok()).collect();
        let pair = &edges[2 * (numbers[0] - 2)..][..2];
        match numbers[..] {
            [_] => {
                let mut inputs: Vec<i64> = pair.iter().map(|(_, from)| *from).collect();
                inputs.sort_unstable();
                Some(Value::List(inputs.into_iter().map(Value::Int).collect()))
            }
            // An edge that is not kept may be anything.
            _ => pair.iter().find(|(_, from)| *from as usize == numbers[1]).map(|(op, _)| Value::label(op)),
        }
    };
    let cost = model.cost(&decide).expect("a cost");
    // Without the auxiliary head of 476,426 parameters.
    assert_eq!(cost.params - 476_426, 3_349_342);
    let network: Module = DARTS_V2.parse().expect("parses");
    assert_eq!(ir::verify(&network).expect("verifies").cost(Convention::Nasbench), cost);
}

#[test]
fn typed_text_verifies_and_is_stable() {
    for text in [NASBENCH201, DARTS_V2, DARTS] {
        let module: Module = text.parse().expect("parses");
        let typed = typed_text(&module).expect("verifies");
        let again: Module = typed.parse().expect("what is printed parses");
        assert!(ir::verify(&again).is_ok());
        assert_eq!(typed_text(&again).expect("verifies"), typed);
        assert!(typed.contains("%logits = linear %flat {out=10} : f32[N, 10]"));
    }
    let typed = typed_text(&NASBENCH201.parse().expect("parses")).expect("verifies");
    assert!(typed.contains("%stage2 = repeat 5 @cell<32>(%reduction1) : f32[N, 32, 16, 16]"), "{typed}");
    // A cell that is called with several widths has no single type.
    assert!(typed.contains("    %x1 = add %e01\n"), "{typed}");
}

#[test]
fn typed_text_of_random_modules_verifies() {
    let mut good = 0;
    for seed in 0..600 {
        let module = crate::random::module(seed);
        let Ok(typed) = typed_text(&module) else { continue };
        let again: Module = typed.parse().unwrap_or_else(|e| panic!("{e}\n{typed}"));
        assert!(ir::verify(&again).is_ok(), "{typed}");
        good += 1;
    }
    assert!(good > 200, "{good}");
}
