//! The proxies on NAS-Bench-201 networks beside published scores of the same networks, on CIFAR-10 photographs.
//!
//! Scores depend on the first weights and on the batch, so two runs of one definition agree to a degree only; what that is
//! the example `zero_cost` prints. Each bound lies below it, and above what another definition reaches: the best of the other
//! published columns, or the number of parameters, stands beside it. Two proxies cannot be told from others so:
//!
//! * `grasp` agrees with itself under another seed to .64 only, and the published gradient norms come nearer to the published
//!   column, .78, than that. The bound tells its sign, and it from what is no gradient's.
//! * `plain` is not compared: with itself it agrees to .3, which is as much as any noise does.

use crate::published::{Published, accuracy_and_params, network};
use codegen::torch::{Device, Runtime};
use evaluators::data::{Batch, Places, Source};
use evaluators::spearman;
use evaluators::zero_cost::{Proxy, draw_batch, score};
use mutators::Space;
use rayon::prelude::*;
use std::sync::Mutex;

/// Networks, and images in their batch.
const NETWORKS: usize = 24;
const BATCH: usize = 16;

/// The proxy, the published column, the bound, and the greatest agreement of that column with another or with parameters.
type Row = (Proxy, &'static str, f64, f64);

/// Snip, gradient norm and Fisher are nearly one order, .96 to .99: each is told from all but those.
const SALIENCIES: [Row; 3] = [
    (Proxy::Snip, "snip", 0.93, 0.78),
    (Proxy::GradNorm, "grad_norm", 0.92, 0.78),
    (Proxy::Fisher, "fisher", 0.88, 0.77),
];

const OTHERS: [Row; 4] = [
    (Proxy::JacobCov, "jacov", 0.78, 0.67),
    (Proxy::Naswot, "nwot", 0.95, 0.92),
    (Proxy::Zen, "zen", 0.92, 0.59),
    (Proxy::Grasp, "grasp", 0.40, 0.78),
];

/// Photographs of CIFAR-10, where they are at hand.
#[track_caller]
fn photographs() -> Option<Batch> {
    let sources = testing::repository().join("../shared/data");
    let files = ["cifar10_jpeg_train10k.tar", "cifar10_jpeg_test2k.tar"].map(|name| sources.join(name));
    if !testing::require("CIFAR-10 as photographs", files.iter().all(|f| f.is_file())) {
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for file in files {
        std::fs::copy(&file, folder.path().join(file.file_name().expect("a name"))).expect("a copy");
    }
    let source: Source = format!("folder:{}", folder.path().display()).parse().expect("a source");
    let images = source.images(&Places::only(vec![])).expect("images");
    Some(draw_batch(&images, BATCH, 0).expect("a batch"))
}

/// The scores of each network by each proxy.
fn scores(space: &Space, archs: &[usize], proxies: &[Proxy], batch: &Mutex<Batch>) -> Vec<Vec<f64>> {
    let one = |arch: &usize| {
        Runtime::init(Device::Cpu, Some(1)).expect("the CPU");
        let batch = {
            // A tensor is sent to other threads, not shared with them.
            let batch = batch.lock().expect("nobody panics with it");
            Batch { inputs: batch.inputs.shallow_clone(), labels: batch.labels.shallow_clone() }
        };
        let program = network(space, *arch);
        score(&program, proxies, &batch, 0).unwrap_or_else(|e| panic!("architecture {arch}: {e}"))
    };
    archs.par_iter().map(one).collect()
}

/// How far some scores order networks as a published column does.
fn agreement(published: &Published, column: &str, archs: &[usize], ours: &[f64]) -> f64 {
    let theirs: Vec<f64> = archs.iter().map(|a| published.get(column, *a)).collect();
    spearman(ours, &theirs).expect("an order")
}

#[test]
fn proxies_order_networks_as_published() {
    Runtime::init(Device::Cpu, Some(1)).expect("the CPU");
    let Some(batch) = photographs() else { return };
    let batch = Mutex::new(batch);
    let space = mutators::spaces::build("nasbench201").expect("the space");
    let published = Published::read();
    // Undefined scores are in no order: cells whose logits see no image, a tenth.
    let archs: Vec<usize> = published.draw("nwot", 2 * NETWORKS, 0);
    let seen = |a: &usize| crate::published::is_connected(*a) && !published.get("jacov", *a).is_nan();
    let archs: Vec<usize> = archs.into_iter().filter(seen).take(NETWORKS).collect();
    let mut failures = Vec::new();
    let mut hold = |rows: &[Row]| {
        let found = scores(&space, &archs, &rows.iter().map(|row| row.0).collect::<Vec<_>>(), &batch);
        for (i, (proxy, column, bound, _)) in rows.iter().enumerate() {
            let ours: Vec<f64> = found.iter().map(|row| row[i]).collect();
            let agreement = agreement(&published, column, &archs, &ours);
            if agreement < *bound {
                failures.push(format!("{proxy}: {agreement:.3} with the published column, which should be {bound}"));
            }
        }
    };
    hold(&SALIENCIES);
    OTHERS.iter().for_each(|row| hold(std::slice::from_ref(row)));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// It needs no batch to speak of, and no time.
#[test]
fn l2_norm_orders_networks_as_published() {
    let space = mutators::spaces::build("nasbench201").expect("the space");
    let published = Published::read();
    let archs = published.draw("l2_norm", 200, 0);
    let classifier = evaluators::zero_cost::Classifier::of(&network(&space, archs[0])).expect("a classifier");
    let batch = Mutex::new(evaluators::zero_cost::random_batch(&classifier, 2, 0).expect("a batch"));
    let ours: Vec<f64> = scores(&space, &archs, &[Proxy::L2Norm], &batch).iter().map(|row| row[0]).collect();
    let found = agreement(&published, "l2_norm", &archs, &ours);
    let params = agreement(&published, "l2_norm", &archs, &accuracy_and_params(&archs)[1]);
    assert!(found > 0.9 && params < 0.85, "{found}, parameters alone {params}");
}

/// The figures of the table above are those of the published columns.
#[test]
fn bounds_tell_columns_apart() {
    let published = Published::read();
    let archs = published.draw("nwot", 725, 0);
    let of = |column: &str| archs.iter().map(|a| published.get(column, *a)).collect::<Vec<f64>>();
    let params = accuracy_and_params(&archs)[1].clone();
    let near = [["snip", "grad_norm", "fisher"]];
    for (proxy, column, bound, nearest) in SALIENCIES.iter().chain(&OTHERS) {
        let kin = |other: &&str| *other == *column || near.iter().any(|n| n.contains(column) && n.contains(other));
        let others = ["synflow", "zen", "nwot", "jacov", "grad_norm", "snip", "fisher", "grasp", "plain", "l2_norm"];
        let others = others.iter().filter(|o| !kin(o)).map(|o| of(o)).chain([params.clone()]);
        let best = others.map(|o| spearman(&of(column), &o).expect("an order")).fold(0.0, f64::max);
        assert!((best - nearest).abs() < 0.01, "{proxy}: {best}, not {nearest}");
        assert!(*proxy == Proxy::Grasp || bound > nearest, "{proxy}");
    }
}
