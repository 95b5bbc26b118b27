//! Synaptic flow.

use super::network::{Classifier, Network, Ready, run};
use super::{Proxy, ZeroCostError};
use codegen::Wrt;
use ir::op::Identity;
use ir::{Op, Program};
use tch::{Kind, Tensor};

/// See [`Proxy::Synflow`].
pub(super) fn synflow(program: &Program, classifier: &Classifier, seed: u64) -> Result<f64, ZeroCostError> {
    let bypassed = program
        .replace_ops(|op| matches!(op, Op::BatchNorm(_)).then(|| Op::Identity(Identity {})))
        .expect("invariant: batch normalisation keeps its operand's type");
    let mut network = Network::of(&bypassed)?;
    let sum = network.sum()?;
    network.lowering.set_outputs([]);
    let matrices = network.matrices();
    let plan = network.lowering.differentiate(sum, &Wrt::weights())?.finish();
    let mut ready = Ready::new(plan, Proxy::Synflow.scheme(), seed, Kind::Double)?;
    let _guard = tch::no_grad_guard();
    let _ = ready.params.flat.f_abs_()?;
    let ones = Tensor::f_ones(classifier.sizes(1), tch::kind::DOUBLE_CPU)?;
    ready.exec.run(&mut ready.params, &[ones], &run(seed))?;
    let mut score = 0.0;
    for w in matrices {
        let Some(g) = ready.params.grad_of(w).filter(|_| ready.exec.plan().weight_grads[w].is_some()) else { continue };
        score += ready.params.get(w).f_mul(g)?.f_abs_()?.f_sum(None)?.f_double_value(&[])?;
    }
    Ok(score)
}
