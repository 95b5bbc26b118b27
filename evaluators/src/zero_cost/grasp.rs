//! Gradient signal preservation.

use super::ZeroCostError;
use super::network::{Network, Ready, run};
use crate::data::Batch;
use codegen::Wrt;
use codegen::init::Scheme;
use ir::Program;
use tch::{Kind, Tensor};

/// See [`Proxy::Grasp`](super::Proxy::Grasp). The product of second derivative and gradient is taken by libtorch's
/// autograd, which records our forward pass.
pub(super) fn grasp(program: &Program, batch: &Batch, seed: u64) -> Result<f64, ZeroCostError> {
    let mut network = Network::of(program)?;
    let loss = network.cross_entropy()?;
    network.lowering.set_outputs([loss]);
    let matrices = network.matrices();
    // Differentiated to learn which weights lead to the loss: libtorch refuses the others.
    let plan = network.lowering.differentiate(loss, &Wrt::weights())?.finish();
    let ready = Ready::new(plan, Scheme::Default, seed, Kind::Float)?;
    let plan = ready.exec.plan();
    let used: Vec<usize> = matrices.into_iter().filter(|w| plan.weight_grads[*w].is_some()).collect();
    if used.is_empty() {
        return Ok(0.0);
    }
    let leaf =
        |w: usize| ready.params.get(w).f_detach_copy().map(|t| t.set_requires_grad(used.binary_search(&w).is_ok()));
    let leaves: Vec<Tensor> = (0..plan.weights.len()).map(leaf).collect::<Result<_, _>>()?;
    let wanted: Vec<&Tensor> = used.iter().map(|w| &leaves[*w]).collect();
    let inputs = [batch.inputs.shallow_clone(), batch.labels.shallow_clone()];
    tch::with_grad(|| {
        let outputs = ready.exec.differentiable(&leaves, &inputs, &run(seed))?;
        let first = Tensor::f_run_backward(&outputs[..1], &wanted, true, true)?;
        let mut square = Tensor::f_zeros([] as [i64; 0], (Kind::Float, tch::Device::Cpu))?;
        for g in &first {
            square = square.f_add(&g.f_detach()?.f_mul(g)?.f_sum(None)?)?;
        }
        let second = Tensor::f_run_backward(&[square], &wanted, false, false)?;
        let mut score = 0.0;
        for (w, h) in wanted.iter().zip(&second) {
            if h.defined() {
                score -= w.f_detach()?.f_mul(h)?.f_sum(Kind::Double)?.f_double_value(&[])?;
            }
        }
        Ok(score)
    })
}
