//! What tests of supernets share: samples, and the network of a sample beside its path.
#![allow(dead_code, reason = "each test binary uses its part of it")]

use codegen::array::Weights;
use codegen::torch::{Executor, Layout, Params, Turn};
use evaluators::data::Data;
use evaluators::train::{measure, prediction_plan};
use mutators::{Sample, Space};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::sync::Arc;
use strategies::one_shot::Supernet;

pub fn samples(space: &Space, n: usize) -> Vec<Sample> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    (0..n).map(|_| space.sample(&mut rng).expect("legal")).collect()
}

/// What a sample's own network takes over, and nothing else.
pub fn inherited(net: &mut Supernet, data: &Data, sample: &Sample) -> Weights {
    let mut all = net.inherited(sample).expect("the device works");
    let plan = prediction_plan(&net.space().program(sample).expect("a network"), data).expect("lowers");
    let mut own = |w: &codegen::Weight| {
        let array = all.remove(&w.path).unwrap_or_else(|| panic!("{sample}: nothing is inherited for {}", w.path));
        (w.path.clone(), array)
    };
    plan.weights.iter().map(&mut own).collect()
}

/// The loss of a sample's own network on what is held out, with what it inherits.
pub fn alone(net: &mut Supernet, data: &Data, sample: &Sample) -> f64 {
    let (own, recipe) = (inherited(net, data, sample), net.recipe().clone());
    let plan = Arc::new(prediction_plan(&net.space().program(sample).expect("a network"), data).expect("lowers"));
    let _turn = Turn::take(recipe.device, recipe.threads).expect("the processor is there");
    let kind = recipe.precision.kind();
    let mut params = Params::new(&plan, &own, recipe.device, kind).expect("all is inherited");
    let exec = Executor::new(plan, recipe.device, kind, Layout::default());
    let score = measure(&exec, &mut params, &mut net.loaders.valid, None).expect("runs");
    score.expect("something is held out").loss
}
