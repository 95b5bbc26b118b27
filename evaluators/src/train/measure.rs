//! What a network costs on the device, measured.

use super::error::TrainError;
use super::network::Network;
use super::recipe::Recipe;
use codegen::init::initialise;
use codegen::torch::{Executor, Layout, Params, Run, Turn};
use std::time::Instant;
use tch::{Kind, Tensor};

/// Runs before the first that counts, and runs that count.
const WARM_UP: usize = 5;
const RUNS: usize = 21;

/// Milliseconds of a prediction for a batch of so many images: the median of 21 runs after a warm-up.
///
/// # Errors
/// If the device is not there, or refuses.
pub fn latency(network: &Network, recipe: &Recipe, batch: usize) -> Result<f64, TrainError> {
    let _turn = Turn::take(recipe.device, recipe.threads)?;
    let (plan, element) = (&network.eval, recipe.precision.kind());
    let mut params = Params::new(plan, &initialise(plan, recipe.seed), recipe.device, element)?;
    let eval = Executor::new(plan.clone(), recipe.device, element, Layout::default());
    let input = plan.type_of(plan.inputs[0]);
    let sizes: Vec<i64> =
        input.shape.iter().map(|d| d.per_example() as i64 * if d.is_batch() { batch as i64 } else { 1 }).collect();
    let kind = if input.dtype.is_float() { element } else { Kind::Int64 };
    let inputs = Tensor::f_zeros(&sizes[..], (kind, recipe.device.into()))?;
    let mut times = Vec::with_capacity(RUNS);
    for run in 0..WARM_UP + RUNS {
        let started = Instant::now();
        let out = eval.run(&mut params, &[inputs.shallow_clone()], &Run::default())?.outputs;
        // A GPU has only been asked for the result; reading a number of it waits.
        out[0].f_view([-1])?.f_double_value(&[0])?;
        if run >= WARM_UP {
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times[RUNS / 2])
}
