//! The same run in PyTorch: same network, first weights, images, order and rates.

use crate::common::{program, trainer};
use evaluators::train::{Algorithm, Annealing, Cadence, Measured, Recipe};
use serde::Deserialize;
use std::process::Command;

/// Two heads, a residual sum, and nothing that is random.
const NETWORK: &str = "module @m {
  entry @main
  graph @block<c>(%x) {
    %v = conv2d %x {out=c, k=3, pad=1, bias=false}
    %n = batch_norm %v
    %r = relu %n
    return %r
  }
  graph @main(%x: f32[N, 1, 8, 8]) {
    %a = @block<16>(%x)
    %b = @block<16>(%a)
    %s = add %a, %b
    %p = max_pool %s {k=2, stride=2}
    %c = @block<32>(%p)
    %f = flatten %c
    %logits = linear %f {out=10}
    %g = global_avg_pool %a
    %h = flatten %g
    %auxiliary = linear %h {out=10}
    return %logits, %auxiliary
  }
}";

/// What the script prints.
#[derive(Deserialize)]
struct Peer {
    losses: Vec<f64>,
    accuracy: Option<f64>,
}

/// The same run there, or its first steps.
fn peer(python: &std::path::Path, recipe: &Recipe, steps: Option<usize>) -> Peer {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ours = trainer(NETWORK, recipe).expect("a trainer");
    ours.hand_over(&program(NETWORK), folder.path()).expect("is handed over");
    let mut command = Command::new(python);
    command.arg(folder.path().join("train.py")).arg(folder.path()).args(steps.map(|n| n.to_string()));
    let output = command.output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn recipe() -> Recipe {
    Recipe { epochs: 3, batch: 64, valid: 0, threads: 2, ..Recipe::default() }
}

#[test]
fn the_first_twenty_losses_agree() {
    const STEPS: usize = 20;
    let Some(python) = testing::require_python(&[]) else { return };
    for recipe in [
        Recipe { clip: 1.0, label_smoothing: 0.1, epochs: 1, ..recipe() },
        Recipe { nesterov: false, valid: 4, auxiliary: 0.0, anneal: Cadence::Epoch, ..recipe() },
        Recipe { optimizer: Algorithm::Adam, lr: 1e-3, schedule: Annealing::Linear, ..recipe() },
        Recipe { optimizer: Algorithm::AdamW, lr: 1e-3, weight_decay: 0.05, batch: 200, images: 900, ..recipe() },
    ] {
        let theirs = peer(python, &recipe, Some(STEPS)).losses;
        let mut ours = trainer(NETWORK, &recipe).expect("a trainer");
        let steps = theirs.len();
        assert!(steps >= 15, "{recipe}: {steps} steps");
        for (step, theirs) in theirs.into_iter().enumerate() {
            let loss = ours.step().expect("a step").loss.expect("read at once");
            assert!((loss - theirs).abs() < 1e-4, "{recipe}: step {step}: {loss} here, {theirs} in PyTorch");
        }
    }
}

#[test]
fn the_mean_accuracy_of_five_seeds_agrees() {
    let Some(python) = testing::require_python(&[]) else { return };
    let mut means = [0.0; 2];
    for seed in 0..5 {
        let recipe = Recipe { seed, ..recipe() };
        let mut ours = trainer(NETWORK, &recipe).expect("a trainer");
        while !ours.is_done() {
            ours.epoch().expect("an epoch");
        }
        let test = ours.evaluate(Measured::Test).expect("measures").expect("there are test images");
        means[0] += test.accuracy / 5.0;
        means[1] += peer(python, &recipe, None).accuracy.expect("a whole run has one") / 5.0;
    }
    let [ours, theirs] = means;
    assert!(ours > 90.0, "{ours}");
    assert!((ours - theirs).abs() < 0.4, "{ours} % here, {theirs} % in PyTorch");
}

#[test]
fn what_only_we_can_repeat_is_not_handed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut flipped = trainer(NETWORK, &Recipe { flip: true, ..recipe() }).expect("a trainer");
    let error = flipped.hand_over(&program(NETWORK), folder.path()).expect_err("refused").to_string();
    assert!(error.contains("flip"), "{error}");
    let mut begun = trainer(NETWORK, &recipe()).expect("a trainer");
    begun.step().expect("a step");
    begun.hand_over(&program(NETWORK), folder.path()).expect_err("refused");
    assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 0);
}
