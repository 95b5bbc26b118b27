//! Supernets beside the same supernets in plain PyTorch (`benches/peers/supernet.py`): loss and every gradient.
#![cfg(feature = "torch")]

use codegen::checkpoint::Checkpoint;
use codegen::init::stream;
use codegen::torch::{Device, to_array};
use evaluators::data::digits;
use evaluators::train::{Dataset, Precision, Preset, Recipe};
use ir::Name;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::process::Command;
use strategies::one_shot::{Drawn, Kind, Mixture, Supernet};

/// What the script prints.
#[derive(Deserialize)]
struct Peer {
    loss: f64,
    weights: BTreeMap<String, Vec<f64>>,
    factors: BTreeMap<String, Vec<f64>>,
}

/// `max |a - b| / max |b|`.
fn distance(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let gap = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let size = theirs.iter().map(|b| b.abs()).fold(0.0, f64::max);
    if gap == 0.0 { 0.0 } else { gap / size }
}

/// With a `share` layer choices see one channel of so many, and the inputs of a node have factors, too.
fn compare(space: &str, script: &str, share: u32) {
    let Some(python) = testing::require_python(&[]) else { return };
    // On a GPU too, see `benches/gpu.sh`.
    let device = std::env::var("LANISTA_TEST_DEVICE").map_or(Device::Cpu, |d| d.parse().expect("a device"));
    let recipe =
        Recipe { batch: 16, precision: Precision::F64, seed: 5, device, ..Recipe::preset(Preset::DartsSearch) };
    let dataset = Dataset::new(digits().expect("embedded"), recipe.device).expect("fits");
    let space = mutators::spaces::build(space).expect("it is in the hub");
    let mut net = Supernet::partial("test", &space, share, &dataset, &recipe).expect("a supernet");
    let alpha = |n: usize, label: &str| -> Vec<f64> {
        let mut rng = stream(1, &[b"alpha", label.as_bytes()]);
        (0..n).map(|_| f64::from(codegen::init::normal(&mut rng).0)).collect()
    };
    let is_mixed = |c: &strategies::one_shot::Choice| c.kind == Kind::Layer || share > 1;
    let draw = |c: &strategies::one_shot::Choice| {
        let drawn = || Mixture::Softmax.draw(&alpha(c.arms.len(), &c.label), 1.0, &mut stream(0, &[]));
        is_mixed(c).then(drawn)
    };
    let drawn: Vec<Option<Drawn>> = net.choices().iter().map(draw).collect();
    let batch = net.loaders.weights.batch(0, 0).expect("a batch");

    let mut arrays = codegen::array::Weights::new();
    arrays.insert(Name::new("images"), to_array(&batch.inputs).expect("on the host"));
    arrays.insert(Name::new("labels"), to_array(&batch.labels).expect("on the host"));
    let learned: Vec<usize> = (0..net.params.paths().len()).filter(|w| net.params.grad_of(*w).is_some()).collect();
    for w in &learned {
        let name = Name::new(format!("weight:{}", net.params.paths()[*w]));
        arrays.insert(name, to_array(net.params.get(*w)).expect("on the host"));
    }
    for (c, d) in net.choices().iter().zip(&drawn) {
        if let Some(d) = d {
            let array = codegen::array::Array::f64(vec![d.weights.len()], d.weights.clone());
            arrays.insert(Name::new(format!("factor:{}", c.label)), array);
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("given.safetensors");
    Checkpoint { arrays, metadata: BTreeMap::new() }.save(&file).expect("is written");
    let source = testing::repository().join("benches/peers/supernet.py");
    let output =
        Command::new(python).arg(source).args([script, &share.to_string()]).arg(&file).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let peer: Peer = serde_json::from_slice(&output.stdout).expect("JSON");

    let selection = net.selection(&drawn).expect("fits");
    let (pass, factors) = net.pass(&batch, &selection, (true, true), 0.0).expect("runs");
    assert!((pass.loss - peer.loss).abs() <= 1e-9 * peer.loss.abs(), "{} {}", pass.loss, peer.loss);
    assert_eq!(peer.weights.len(), learned.len());
    // A gradient that is nothing but rounding has no relative error: a norm follows, or all of its candidates are zero.
    let scale = peer.weights.values().flatten().map(|g| g.abs()).fold(0.0, f64::max);
    for w in learned {
        let path = net.params.paths()[w].as_str();
        let ours = to_array(net.params.grad_of(w).expect("it is learned")).expect("on the host").to_f64();
        let theirs = &peer.weights[path];
        if theirs.iter().all(|g| g.abs() < 1e-12 * scale) {
            assert!(ours.iter().all(|g| g.abs() < 1e-11 * scale), "{path}");
            continue;
        }
        let gap = distance(&ours, theirs);
        assert!(gap <= 1e-9, "{path}: {gap}");
    }
    let mut compared = 0;
    for (c, grad) in net.choices().iter().zip(&factors).filter(|(c, _)| is_mixed(c)) {
        let gap = distance(grad.as_ref().expect("it plays a part"), &peer.factors[c.label.as_str()]);
        assert!(gap <= 1e-9, "?{}: {gap}", c.label);
        compared += 1;
    }
    assert_eq!(compared, peer.factors.len());
}

#[test]
fn nasbench201() {
    compare("nasbench201:image=1x8x8,channels=4,cells=2", "nasbench201", 1);
}

#[test]
fn darts() {
    compare("darts:network=search,image=1x8x8,channels=4,layers=4", "darts", 1);
}

/// Partial channels and edge normalisation: a quarter of the channels is mixed, and a node's inputs are weighed.
#[test]
fn pc_darts() {
    compare("darts:network=search,image=1x8x8,channels=8,layers=4", "darts", 4);
}
