//! The proxies that are read off the gradient of the loss: one run gives them all.

use super::network::{Layer, Network, Ready, run};
use super::{Proxy, ZeroCostError};
use crate::data::Batch;
use codegen::Wrt;
use codegen::init::{Scheme, initialise_by};
use ir::Program;
use ir::prim::Var;
use tch::{Kind, TchError, Tensor};

/// Those proxies.
pub(super) const SALIENCIES: [Proxy; 4] = [Proxy::Snip, Proxy::GradNorm, Proxy::Fisher, Proxy::Plain];

/// See [`Proxy::Snip`], [`Proxy::GradNorm`], [`Proxy::Fisher`] and [`Proxy::Plain`]; the scores in the order of `asked`.
pub(super) fn saliencies(
    program: &Program,
    asked: &[Proxy],
    batch: &Batch,
    seed: u64,
) -> Result<Vec<f64>, ZeroCostError> {
    let mut network = Network::of(program)?;
    let loss = network.cross_entropy()?;
    let matrices = network.matrices();
    let layers = if asked.contains(&Proxy::Fisher) { network.layers() } else { Vec::new() };
    let outs: Vec<Var> = layers.iter().map(|l| l.out).collect();
    network.lowering.set_outputs(outs.iter().copied());
    let wrt = Wrt { weights: true, values: outs, ..Wrt::default() };
    let plan = network.lowering.differentiate(loss, &wrt)?.finish();
    let mut ready = Ready::new(plan, Scheme::Default, seed, Kind::Float)?;
    let inputs = [batch.inputs.shallow_clone(), batch.labels.shallow_clone()];
    let outcome = ready.exec.run(&mut ready.params, &inputs, &run(seed))?;
    let _guard = tch::no_grad_guard();
    let over_weights = |f: &dyn Fn(&Tensor, &Tensor) -> Result<Tensor, TchError>| -> Result<f64, ZeroCostError> {
        let mut total = 0.0;
        for w in &matrices {
            if let (Some(g), Some(_)) = (ready.params.grad_of(*w), ready.exec.plan().weight_grads[*w]) {
                total += f(ready.params.get(*w), g)?.f_double_value(&[])?;
            }
        }
        Ok(total)
    };
    let score = |proxy: &Proxy| match proxy {
        Proxy::Snip => over_weights(&|w, g| w.f_mul(g)?.f_abs_()?.f_sum(Kind::Double)),
        Proxy::GradNorm => over_weights(&|_, g| g.f_norm()),
        Proxy::Plain => over_weights(&|w, g| w.f_mul(g)?.f_sum(Kind::Double)),
        Proxy::Fisher => {
            let mut total = 0.0;
            for (layer, (y, g)) in layers.iter().zip(outcome.outputs.iter().zip(&outcome.value_grads)) {
                if let Some(g) = g {
                    total += fisher(layer, y, g, ready.params.get(layer.weight))?;
                }
            }
            Ok(total)
        }
        _ => unreachable!("invariant: only these are asked for"),
    };
    asked.iter().map(score).collect()
}

/// One layer's share: with `y` of `[N, .., C, ..]` and `g` its gradient.
fn fisher(layer: &Layer, y: &Tensor, g: &Tensor, weight: &Tensor) -> Result<f64, TchError> {
    let inner: Vec<i64> = (1..y.dim() as i64).filter(|a| *a != layer.axis).collect();
    let products = y.f_mul(g)?;
    let by_image = if inner.is_empty() { products } else { products.f_sum_dim_intlist(&inner[..], false, None)? };
    let channels = by_image.f_square()?.f_mean_dim([0_i64].as_slice(), false, None)?;
    let fan = weight.numel() as f64 / weight.size()[0] as f64;
    Ok(0.5 * fan * channels.f_sum(Kind::Double)?.f_double_value(&[])?)
}

/// See [`Proxy::L2Norm`].
pub(super) fn l2_norm(program: &Program, seed: u64) -> Result<f64, ZeroCostError> {
    let network = Network::of(program)?;
    let matrices = network.matrices();
    let plan = network.lowering.finish();
    let weights = initialise_by(&plan, Scheme::Default, seed);
    let norm = |w: &usize| weights[&plan.weights[*w].path].to_f64().iter().map(|x| x * x).sum::<f64>().sqrt();
    Ok(matrices.iter().map(norm).sum())
}
