//! Supernets beside the same supernets in plain PyTorch (`benches/peers/supernet`): loss and every gradient.
#![cfg(feature = "torch")]

use codegen::array::{Array, Weights};
use codegen::checkpoint::Checkpoint;
use codegen::init::{normal, stream};
use codegen::torch::{Device, to_array};
use evaluators::data::{Batch, Data, Text, digits};
use evaluators::train::{Dataset, Precision, Preset, Recipe};
use ir::Name;
use mutators::Sample;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use strategies::one_shot::{Choice, Drawn, Kind, Mixture, Supernet};

/// What the script prints of a batch.
#[derive(Deserialize)]
struct Peer {
    loss: f64,
    weights: BTreeMap<String, Vec<f64>>,
    factors: BTreeMap<String, Vec<f64>>,
}

/// What becomes of each decision; every input of one that is left alone goes on.
type Draw = Vec<Option<Drawn>>;

/// `max |a - b| / max |b|`.
fn distance(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let gap = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let size = theirs.iter().map(|b| b.abs()).fold(0.0, f64::max);
    if gap == 0.0 { 0.0 } else { gap / size }
}

/// A supernet with the batch that it is given. With a `share` layer choices see one channel of so many.
struct Case {
    net: Supernet,
    batch: Batch,
    script: &'static str,
    share: u32,
}

impl Case {
    fn new(space: &str, share: u32) -> Self {
        Self::on(digits().expect("embedded"), space, share)
    }

    fn on(data: impl Into<Data>, space: &str, share: u32) -> Self {
        let script = mutators::spaces::SPACES.iter().map(|s| s.name).find(|n| Some(*n) == space.split(':').next());
        let space = mutators::spaces::build(space).expect("it is in the hub");
        // On a GPU too, see `benches/gpu.sh`.
        let device = std::env::var("LANISTA_TEST_DEVICE").map_or(Device::Cpu, |d| d.parse().expect("a device"));
        let recipe =
            Recipe { batch: 16, precision: Precision::F64, seed: 5, device, ..Recipe::preset(Preset::DartsSearch) };
        let dataset = Dataset::new(data, recipe.device).expect("fits");
        let mut net = Supernet::partial("test", &space, share, &dataset, &recipe).expect("a supernet");
        let batch = net.loaders.weights.batch(0, 0).expect("a batch");
        Self { net, batch, script: script.expect("it is in the hub"), share }
    }

    /// A softmax of random numbers for each of some decisions.
    fn mixture(&self, of: impl Fn(&Choice) -> bool) -> Draw {
        let alpha = |c: &Choice| -> Vec<f64> {
            let mut rng = stream(1, &[b"alpha", c.label.as_bytes()]);
            c.arms.iter().map(|_| f64::from(normal(&mut rng).0)).collect()
        };
        let draw = |c: &Choice| of(c).then(|| Mixture::Softmax.draw(&alpha(c), 1.0, &mut stream(0, &[])));
        self.net.choices().iter().map(draw).collect()
    }

    /// What a sample takes; where a decision plays no part in it, anything.
    fn path(&self, sample: &Sample) -> Draw {
        let taken = |c: &Choice| c.taken(sample).map_or(vec![0], |arms| arms.iter().map(|a| *a as usize).collect());
        self.net.choices().iter().map(|c| Some(Drawn::taken(&taken(c)))).collect()
    }

    /// Random paths.
    fn paths(&self, n: u64) -> Vec<Draw> {
        let sample = |i: u64| self.net.space().sample(&mut stream(i, &[b"sample"])).expect("legal");
        (0..n).map(|i| self.path(&sample(i))).collect()
    }

    /// The learned weights, by place.
    fn learned(&self) -> Vec<usize> {
        (0..self.net.params.paths().len()).filter(|w| self.net.params.grad_of(*w).is_some()).collect()
    }

    /// Writes what the script is given.
    fn write(&self, drawn: &Draw, file: &Path) {
        let mut arrays = Weights::new();
        arrays.insert(Name::new("inputs"), to_array(&self.batch.inputs).expect("on the host"));
        arrays.insert(Name::new("labels"), to_array(&self.batch.labels).expect("on the host"));
        for w in self.learned() {
            let name = Name::new(format!("weight:{}", self.net.params.paths()[w]));
            arrays.insert(name, to_array(self.net.params.get(w)).expect("on the host"));
        }
        for (c, d) in self.net.choices().iter().zip(drawn) {
            let Some(d) = d else { continue };
            let taken = |arm| f64::from(u8::from(d.arms.as_ref().is_some_and(|arms| arms.contains(&arm))));
            let (what, numbers) = match d.weights.is_empty() {
                true => ("taken", (0..c.arms.len()).map(taken).collect()),
                false => ("factor", d.weights.clone()),
            };
            arrays.insert(Name::new(format!("{what}:{}", c.label)), Array::f64(vec![numbers.len()], numbers));
        }
        Checkpoint { arrays, metadata: BTreeMap::new() }.save(file).expect("is written");
    }

    /// Compares each draw with what the script makes of it.
    fn compare(mut self, draws: &[Draw]) {
        let Some(python) = testing::require_python(&[]) else { return };
        let folder = tempfile::tempdir().expect("a folder");
        let files: Vec<_> = (0..draws.len()).map(|i| folder.path().join(format!("{i}.safetensors"))).collect();
        draws.iter().zip(&files).for_each(|(drawn, file)| self.write(drawn, file));
        let source = testing::repository().join("benches/peers/supernet");
        let output = Command::new(python).arg(source).args([self.script, &self.share.to_string()]).args(files).output();
        let output = output.expect("Python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines: Vec<Peer> = output
            .stdout
            .split_inclusive(|b| *b == b'\n')
            .map(|line| serde_json::from_slice(line).expect("JSON"))
            .collect();
        assert_eq!(lines.len(), draws.len());
        for (drawn, peer) in draws.iter().zip(lines) {
            self.check(drawn, &peer);
        }
    }

    fn check(&mut self, drawn: &Draw, peer: &Peer) {
        let mixes = |d: &Option<Drawn>| d.as_ref().is_some_and(|d| !d.weights.is_empty());
        let mixed = drawn.iter().any(mixes);
        let selection = self.net.selection(drawn).expect("fits");
        let (pass, factors) = self.net.pass(&self.batch, &selection, (true, mixed), 0.0).expect("runs");
        assert!((pass.loss - peer.loss).abs() <= 1e-9 * peer.loss.abs(), "{} {}", pass.loss, peer.loss);
        let params = &self.net.params;
        // A gradient that is nothing but rounding has no relative error: a norm follows, or all of its candidates are zero.
        let scale = peer.weights.values().flatten().map(|g| g.abs()).fold(0.0, f64::max);
        let (mut used, learned) = (0, self.learned());
        for w in &learned {
            let path = params.paths()[*w].as_str();
            let ours = to_array(params.grad_of(*w).expect("it is learned")).expect("on the host").to_f64();
            let Some(theirs) = peer.weights.get(path) else {
                assert!(!mixed, "nothing leads from {path} to the loss");
                assert!(ours.iter().all(|g| *g == 0.0), "{path} is on no path");
                continue;
            };
            used += 1;
            if theirs.iter().all(|g| g.abs() < 1e-12 * scale) {
                assert!(ours.iter().all(|g| g.abs() < 1e-11 * scale), "{path}");
                continue;
            }
            let gap = distance(&ours, theirs);
            assert!(gap <= 1e-9, "{path}: {gap}");
        }
        assert_eq!(used, peer.weights.len());
        let mut compared = 0;
        for ((c, grad), _) in self.net.choices().iter().zip(&factors).zip(drawn).filter(|(_, d)| mixes(d)) {
            let gap = distance(grad.as_ref().expect("it plays a part"), &peer.factors[c.label.as_str()]);
            assert!(gap <= 1e-9, "?{}: {gap}", c.label);
            compared += 1;
        }
        assert_eq!(compared, peer.factors.len());
    }
}

/// A mixture of layer choices alone, so that all inputs go on.
fn compare_layers(space: &str) {
    let case = Case::new(space, 1);
    let mixture = case.mixture(|c| c.kind == Kind::Layer);
    case.compare(&[mixture]);
}

/// A mixture of everything, and some paths.
fn compare_all(space: &str, share: u32, paths: u64) {
    let case = Case::new(space, share);
    let mut draws = vec![case.mixture(|_| true)];
    draws.extend(case.paths(paths));
    case.compare(&draws);
}

#[test]
fn nasbench201() {
    compare_layers("nasbench201:image=1x8x8,channels=4,cells=2");
}

#[test]
fn darts() {
    compare_layers("darts:network=search,image=1x8x8,channels=4,layers=4");
}

/// Partial channels and edge normalisation: a quarter of the channels is mixed, and a node's inputs are weighed.
#[test]
fn pc_darts() {
    compare_all("darts:network=search,image=1x8x8,channels=8,layers=4", 4, 0);
}

/// Skips of a layer are weighed as its operations are; a path has any number of them.
#[test]
fn enas_macro() {
    compare_all("enas-macro:image=1x8x8,channels=4,layers=6", 1, 3);
}

#[test]
fn enas_micro() {
    compare_all("enas-micro:image=1x8x8,channels=4,layers=3", 1, 2);
}

/// Blocks that are residual, and may be left out, and blocks that change stride or width.
#[test]
fn proxyless() {
    compare_all("proxyless:image=1x8x8,classes=10,width=0.25,widths=8:8:8:64:8:8", 1, 2);
}

/// Widths by paths alone: whether a skip is projected depends on them, so that no mixture is one of networks.
#[test]
fn natsbench_size() {
    let case = Case::new("natsbench-size:image=1x8x8", 1);
    let mut draws = case.paths(2);
    let equal = "c0=24,c1=40,c2=40,c3=16,c4=64".parse::<Sample>().expect("a sample");
    draws.push(case.path(&case.net.space().bind(&equal).expect("it is in the space")));
    case.compare(&draws);
}

/// A mixture of widths, within one of operations and of inputs.
#[test]
fn toy() {
    compare_all("toy:image=1x8x8", 1, 0);
}

/// Three steps of a cell on words: every call and every input of a node has the same matrices.
#[test]
fn recurrent() {
    let words = |n: u32| (0..n).map(|w| (w * w + w / 3) % 9).collect();
    let vocabulary = (0..9).map(|w: u32| w.to_string()).collect();
    let text = Text { name: "words".to_owned(), vocabulary, train: words(200), valid: words(100), test: words(100) };
    let case = Case::on(Arc::new(text), "recurrent:network=search,vocab=9,hidden=5,steps=3", 1);
    let mut draws = vec![case.mixture(|c| c.kind == Kind::Layer), case.mixture(|_| true)];
    draws.extend(case.paths(3));
    case.compare(&draws);
}
