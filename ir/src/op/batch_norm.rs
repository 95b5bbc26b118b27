//! `batch_norm`: normalisation over the batch.

use super::count::each;
use super::shape::{channels, epsilon, floating, within};
use super::{Init, OpDef, OpError, Types, WeightSpec};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Mode, Prim, Var, Vars};
use crate::ty::TensorType;
use crate::value::Real;
use smallvec::{SmallVec, smallvec};

crate::op! {
    /// Normalises each channel of `[N, C, ...]` by its mean and variance over the batch and the other axes; PyTorch's
    /// `BatchNorm1d`, `2d` and `3d`. Ioffe and Szegedy 2015, "Batch Normalization".
    BatchNorm = "batch_norm" {
        /// Whether a learned scale and shift per channel follow.
        affine: bool = true,
        /// Added to the variance.
        eps: Real = Real::new(1e-5),
        /// Weight of the new batch in the running statistics.
        momentum: Real = Real::new(0.1),
        /// Whether running statistics are kept and used for evaluation; without them, every batch uses its own.
        track: bool = true,
    }
}

impl OpDef for BatchNorm {
    const SUMMARY: &'static str = "batch normalisation per channel (affine or not, running statistics)";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        floating(x[0])?;
        channels(x[0], 2)?;
        epsilon(self.eps)?;
        within("momentum", self.momentum, 0.0..=1.0, "a number from 0 to 1")?;
        Ok(smallvec![x[0].clone()])
    }

    fn weights(&self, x: &[&TensorType]) -> SmallVec<[WeightSpec; 2]> {
        let c = x[0].shape[1].known().unwrap_or(0);
        let mut out = SmallVec::new();
        if self.affine {
            out.push(WeightSpec::parameter("weight", [c], Init::Ones));
            out.push(WeightSpec::parameter("bias", [c], Init::Zeros));
        }
        if self.track {
            out.push(WeightSpec::buffer("running_mean", [c], Init::Zeros));
            out.push(WeightSpec::buffer("running_var", [c], Init::Ones));
        }
        out
    }

    /// `thop`: a subtraction and a division per element; `ptflops`: two per element, one without the affine part.
    fn macs(&self, convention: Convention, x: &[&TensorType], _y: &[TensorType]) -> u64 {
        match convention {
            Convention::Nasbench => 0,
            Convention::Thop => each(2, x[0]),
            Convention::Ptflops => each(1 + u64::from(self.affine), x[0]),
        }
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], w: &[Var]) -> Result<Vars, EmitError> {
        let Self { affine, eps, momentum, track } = *self;
        let batch = e.mode() == Mode::Train || !track;
        let operands: Vars = x.iter().chain(w).copied().collect();
        Ok(smallvec![e.prim(Prim::BatchNorm { eps, momentum, batch, affine, track }, &operands)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn keeps_the_shape_and_its_statistics() {
        let bn = op("batch_norm", &[]);
        assert_eq!(bn.to_string(), "batch_norm");
        assert_eq!(infer(&bn, &["f32[N, 16, 8, 8]"]), "f32[N, 16, 8, 8]");
        assert_eq!(infer(&bn, &["f32[N, 16]"]), "f32[N, 16]");
        let stats = "buffer running_mean[16] zeros, buffer running_var[16] ones";
        assert_eq!(weights(&bn, &["f32[N, 16, 8, 8]"]), format!("weight[16] ones, bias[16] zeros, {stats}"));
        assert_eq!(macs(&bn, &["f32[N, 16, 8, 8]"]), [0, 2048, 2048]);
    }

    #[test]
    fn can_lack_scale_shift_and_statistics() {
        let bn = op("batch_norm", &[("affine", false.into()), ("track", false.into()), ("eps", 0.001.into())]);
        assert_eq!(bn.to_string(), "batch_norm {affine=false, eps=0.001, track=false}");
        assert_eq!(weights(&bn, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&bn, &["f32[N, 16, 8, 8]"]), [0, 2048, 1024]);
    }

    #[test]
    fn refuses_what_has_no_channels() {
        let bn = op("batch_norm", &[]);
        assert_eq!(infer(&bn, &["f32[N]"]), "expects rank 2 or more, [N, C], with a fixed C above zero, got f32[N]");
        assert_eq!(infer(&bn, &["i64[N, 3]"]), "expects floating-point elements, got i64[N, 3]");
        let wild = op("batch_norm", &[("momentum", 1.5.into())]);
        assert_eq!(infer(&wild, &["f32[N, 3]"]), "attribute `momentum` expects a number from 0 to 1, not `1.5`");
        let negative = op("batch_norm", &[("eps", (-1.0).into())]);
        assert_eq!(infer(&negative, &["f32[N, 3]"]), "attribute `eps` expects a finite number from 0, not `-1.0`");
    }
}
