//! `mean`: the mean along axes.

use super::shape::{floating, places, reduced};
use super::{OpDef, OpError, Types};
use crate::prim::{Emit, EmitError, Fold, Prim, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// The mean along axes; PyTorch's `mean`. No convention counts it: the tools see modules, and a mean is none.
    Mean = "mean" {
        /// The axes, negative from the end; all of them if none is given.
        axes: Vec<i64> = Vec::new(),
        /// Whether the axes stay, with size 1.
        keepdim: bool = false,
    }
}

impl OpDef for Mean {
    const SUMMARY: &'static str = "mean along axes";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        floating(x[0])?;
        Ok(smallvec![x[0].with_shape(reduced(&self.axes, self.keepdim, x[0])?)])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let axes = places(&self.axes, e.type_of(x[0]));
        Ok(smallvec![e.prim(Prim::Reduce { fold: Fold::Mean, axes, keep: self.keepdim }, x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, list, macs, op, weights};

    #[test]
    fn reduces_the_axes() {
        let mean = op("mean", &[("axes", list(&[2, -1]))]);
        assert_eq!(mean.to_string(), "mean {axes=[2, -1]}");
        assert_eq!(infer(&mean, &["f32[N, 16, 8, 9]"]), "f32[N, 16]");
        assert_eq!(weights(&mean, &["f32[N, 16, 8, 9]"]), "");
        assert_eq!(macs(&mean, &["f32[N, 16, 8, 9]"]), [0, 0, 0]);
        let kept = op("mean", &[("axes", list(&[2, 3])), ("keepdim", true.into())]);
        assert_eq!(kept.to_string(), "mean {axes=[2, 3], keepdim=true}");
        assert_eq!(infer(&kept, &["f32[N, 16, 8, 9]"]), "f32[N, 16, 1, 1]");
        assert_eq!(infer(&op("mean", &[]), &["f32[N, 16]"]), "f32[]");
    }

    #[test]
    fn refuses_an_axis_that_is_missing_or_named_twice() {
        let mean = op("mean", &[("axes", list(&[3]))]);
        assert_eq!(infer(&mean, &["f32[N, 16]"]), "attribute `axes` expects an axis of f32[N, 16], not `3`");
        let mean = op("mean", &[("axes", list(&[1, -1]))]);
        assert_eq!(infer(&mean, &["f32[N, 16]"]), "attribute `axes` expects each axis of f32[N, 16] once, not `[1, -1]`");
    }

    #[test]
    fn refuses_integers() {
        assert_eq!(infer(&op("mean", &[]), &["i64[N]"]), "expects floating-point elements, got i64[N]");
    }
}
