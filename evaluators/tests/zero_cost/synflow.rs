//! Synflow on NAS-Bench-201.

use crate::published::{Published, accuracy_and_params, is_connected, network};
use codegen::torch::{Device, Runtime};
use evaluators::spearman;
use evaluators::table::ARCHITECTURES;
use evaluators::zero_cost::{Classifier, Proxy, random_batch, score};
use mutators::Space;
use rayon::prelude::*;

/// Synflow of each architecture, one at a time on each thread.
fn synflow(space: &Space, archs: &[usize]) -> Vec<f64> {
    let one = |arch: &usize| {
        Runtime::init(Device::Cpu, Some(1)).expect("the CPU");
        let program = network(space, *arch);
        let batch = random_batch(&Classifier::of(&program).expect("a classifier"), 2, 0).expect("a batch");
        score(&program, &[Proxy::Synflow], &batch, 0).expect("a score")[0]
    };
    archs.par_iter().map(one).collect()
}

#[test]
fn it_orders_500_networks_as_published() {
    let space = mutators::spaces::build("nasbench201").expect("the space");
    let published = Published::read();
    let archs = published.draw("synflow", 500, 0);
    let ours = synflow(&space, &archs);
    let theirs: Vec<f64> = archs.iter().map(|i| published.get("synflow", *i)).collect();
    let agreement = spearman(&ours, &theirs).expect("an order");
    assert!(agreement >= 0.98, "rank agreement {agreement}");
    let [accuracy, params] = accuracy_and_params(&archs);
    let [ours_acc, theirs_acc, params_acc] =
        [&ours, &theirs, &params].map(|s| spearman(s, &accuracy).expect("an order"));
    assert!((ours_acc - theirs_acc).abs() <= 0.03, "{ours_acc} against accuracy, the table's {theirs_acc}");
    assert!(params_acc > 0.5, "the baseline, params: {params_acc}");
    for (arch, score) in archs.iter().zip(&ours) {
        assert_eq!(*score == 0.0, !is_connected(*arch), "architecture {arch}: {score}");
    }
}

#[test]
fn it_is_zero_for_exactly_the_cells_without_a_path() {
    let space = mutators::spaces::build("nasbench201:dataset=imagenet16-120,channels=1,cells=1").expect("the space");
    let all: Vec<usize> = (0..ARCHITECTURES).collect();
    let scores = synflow(&space, &all);
    assert_eq!(scores.iter().filter(|s| **s == 0.0).count(), 341);
    for (arch, score) in all.iter().zip(&scores) {
        assert!(score.is_finite() && *score >= 0.0);
        assert_eq!(*score == 0.0, !is_connected(*arch), "architecture {arch}: {score}");
    }
}
