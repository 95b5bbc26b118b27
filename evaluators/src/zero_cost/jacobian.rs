//! The two scores of "Neural Architecture Search without Training": correlations of input gradients, and of the states of
//! rectifiers.

use super::batch::images_in;
use super::network::{Network, Ready, run};
use super::{Proxy, ZeroCostError};
use crate::data::Batch;
use codegen::init::Scheme;
use codegen::{Kernel, Wrt};
use ir::Program;
use ir::prim::{Prim, Unary, Var};
use tch::{Kind, Tensor};

/// Added to each eigenvalue.
const K: f64 = 1e-5;

fn undefined(proxy: Proxy, why: impl Into<String>) -> ZeroCostError {
    ZeroCostError::Undefined { proxy, why: why.into() }
}

/// See [`Proxy::JacobCov`].
pub(super) fn jacob_cov(program: &Program, batch: &Batch, seed: u64) -> Result<f64, ZeroCostError> {
    let mut network = Network::of(program)?;
    let sum = network.sum()?;
    network.lowering.set_outputs([]);
    let wrt = Wrt { inputs: true, ..Wrt::default() };
    let plan = network.lowering.differentiate(sum, &wrt)?.finish();
    let mut ready = Ready::new(plan, Scheme::Default, seed, Kind::Float)?;
    let outcome = ready.exec.run(&mut ready.params, &[batch.inputs.shallow_clone()], &run(seed))?;
    let blind = || undefined(Proxy::JacobCov, "the logits do not depend on every image");
    let jacobian = outcome.input_grads.into_iter().next().flatten().ok_or_else(blind)?;
    let rows = jacobian.f_reshape([images_in(batch) as i64, -1])?.f_to_kind(Kind::Double)?;
    let centred = rows.f_sub(&rows.f_mean_dim([1_i64].as_slice(), true, None)?)?;
    let norms = centred.f_norm_scalaropt_dim(2.0, [1_i64], true)?;
    if norms.f_min()?.f_double_value(&[])? == 0.0 {
        return Err(blind());
    }
    let unit = centred.f_div(&norms)?;
    let values = unit.f_matmul(&unit.f_transpose(0, 1)?)?.f_linalg_eigvalsh("L")?.f_add_scalar(K)?;
    let terms = values.f_log()?.f_add(&values.f_reciprocal()?)?;
    Ok(-terms.f_sum(None)?.f_double_value(&[])?)
}

/// See [`Proxy::Naswot`].
pub(super) fn naswot(program: &Program, batch: &Batch, seed: u64) -> Result<f64, ZeroCostError> {
    let mut network = Network::of(program)?;
    let steps = network.lowering.steps().iter().enumerate();
    let rectifiers: Vec<(Var, f64)> = steps
        .filter(|(_, s)| matches!(s.kernel, Kernel::Prim(Prim::Unary(Unary::Relu | Unary::Relu6))))
        .map(|(i, s)| (s.first, f64::from(network.lowering.times_asked(i))))
        .collect();
    if rectifiers.is_empty() {
        return Err(undefined(Proxy::Naswot, "it has no rectifier, `relu` or `relu6`"));
    }
    network.lowering.set_outputs(rectifiers.iter().map(|(v, _)| *v));
    let mut ready = Ready::new(network.lowering.finish(), Scheme::Default, seed, Kind::Float)?;
    let outcome = ready.exec.run(&mut ready.params, &[batch.inputs.shallow_clone()], &run(seed))?;
    let _guard = tch::no_grad_guard();
    let n = images_in(batch) as i64;
    let mut kernel = Tensor::f_zeros([n, n], tch::kind::DOUBLE_CPU)?;
    for (y, (_, times)) in outcome.outputs.iter().zip(&rectifiers) {
        let on = y.f_gt(0.0)?.f_reshape([n, -1])?.f_to_kind(Kind::Float)?;
        // Both on: x_i x_j. Both off: (1 - x_i)(1 - x_j) = 1 - x_i - x_j + x_i x_j. Summed over all.
        let both = on.f_matmul(&on.f_transpose(0, 1)?)?.f_to_kind(Kind::Double)?;
        let each = on.f_sum_dim_intlist([1_i64].as_slice(), true, Kind::Double)?;
        let same = both.f_mul_scalar(2.0)?.f_sub(&each)?.f_sub(&each.f_transpose(0, 1)?)?;
        kernel = kernel.f_add(&same.f_add_scalar(on.size()[1] as f64)?.f_mul_scalar(*times)?)?;
    }
    let (_, log) = Tensor::f_linalg_slogdet(&kernel)?;
    let log = log.f_double_value(&[])?;
    if log.is_finite() { Ok(log) } else { Err(undefined(Proxy::Naswot, "its rectifiers do not tell all images apart")) }
}
