//! Zen-score.

use super::batch::noise;
use super::network::{Classifier, Network, Ready, run};
use super::{Proxy, ZeroCostError};
use codegen::init::stream;
use codegen::{Kernel, Plan, Source};
use ir::Program;
use ir::prim::{Prim, Var};
use tch::{Kind, Tensor};

/// Size of the disturbance.
const GAMMA: f64 = 0.01;

/// See [`Proxy::Zen`].
pub(super) fn zen(program: &Program, classifier: &Classifier, size: usize, seed: u64) -> Result<f64, ZeroCostError> {
    let mut network = Network::of(program)?;
    let features = features(network.lowering.plan(), network.logits);
    network.lowering.set_outputs([features]);
    let plan = network.lowering.finish();
    let variances: Vec<usize> = plan.steps.iter().filter_map(|s| running_variance(&plan, s)).collect();
    let mut ready = Ready::new(plan, Proxy::Zen.scheme(), seed, Kind::Float)?;
    let images = noise(classifier, size, &mut stream(seed, &[b"zen", b"x"]))?;
    let moved = images.f_add(&noise(classifier, size, &mut stream(seed, &[b"zen", b"e"]))?.f_mul_scalar(GAMMA)?)?;
    let mut pass = |x: Tensor| -> Result<Tensor, ZeroCostError> {
        Ok(ready.exec.run(&mut ready.params, &[x], &run(seed))?.outputs.swap_remove(0))
    };
    let (y, z) = (pass(images)?, pass(moved)?);
    let distance = y.f_sub(&z)?.f_abs()?.f_sum(Kind::Double)?.f_double_value(&[])? / size as f64;
    let mut score = distance.ln();
    for w in variances {
        score += 0.5 * ready.params.get(w).f_mean(Kind::Double)?.f_double_value(&[])?.ln();
    }
    if score.is_finite() {
        return Ok(score);
    }
    let why = "a disturbed image gives the same features".to_owned();
    Err(ZeroCostError::Undefined { proxy: Proxy::Zen, why })
}

/// The weight that holds the running variance of a batch normalisation that keeps one.
fn running_variance(plan: &Plan, step: &codegen::Step) -> Option<usize> {
    match (&step.kernel, step.operands.last()) {
        (Kernel::Prim(Prim::BatchNorm { track: true, .. }), Some(v)) => match plan.values[v.index()].source {
            Source::Weight(w) => Some(w as usize),
            _ => None,
        },
        _ => None,
    }
}

/// The value whose image is folded last on the way to the logits: a batch of images that becomes pixels or rows. The
/// logits themselves, if no image gets so far.
fn features(plan: &Plan, logits: Var) -> Var {
    let is_image = |v: &Var| {
        let ty = plan.type_of(*v);
        ty.rank() == 4 && ty.shape[2..].iter().map(|d| d.per_example()).product::<u64>() > 1
    };
    let mut needed = vec![false; plan.values.len()];
    needed[logits.index()] = true;
    for step in plan.steps.iter().rev() {
        if !step.results().any(|v| needed[v.index()]) {
            continue;
        }
        if let Some(image) = step.operands.first().filter(|v| is_image(v) && !is_image(&step.first)) {
            return *image;
        }
        step.operands.iter().for_each(|v| needed[v.index()] = true);
    }
    logits
}
