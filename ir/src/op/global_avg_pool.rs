//! `global_avg_pool`: the mean of each channel.

use super::count::adaptive_average;
use super::shape::{floating, image};
use super::{OpDef, OpError, Types};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Fold, Prim, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// The mean over height and width, `[N, C, H, W]` to `[N, C, 1, 1]`; PyTorch's `AdaptiveAvgPool2d(1)`. Lin, Chen and
    /// Yan 2014, "Network In Network".
    GlobalAvgPool = "global_avg_pool" {}
}

impl OpDef for GlobalAvgPool {
    const SUMMARY: &'static str = "mean over height and width, [N, C, H, W] to [N, C, 1, 1]";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        floating(x[0])?;
        let (n, c, _, _) = image(x[0])?;
        Ok(smallvec![x[0].with_shape([n, c.into(), 1.into(), 1.into()])])
    }

    fn macs(&self, convention: Convention, x: &[&TensorType], y: &[TensorType]) -> u64 {
        adaptive_average(convention, x[0], &y[0])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![e.prim(Prim::Reduce { fold: Fold::Mean, axes: smallvec![2, 3], keep: true }, x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn leaves_one_pixel() {
        let pool = op("global_avg_pool", &[]);
        assert_eq!(pool.to_string(), "global_avg_pool");
        assert_eq!(infer(&pool, &["f32[N, 64, 8, 8]"]), "f32[N, 64, 1, 1]");
        assert_eq!(weights(&pool, &["f32[N, 64, 8, 8]"]), "");
        assert_eq!(macs(&pool, &["f32[N, 64, 8, 8]"]), [0, 64 * (64 + 1), 4096]);
    }

    #[test]
    fn refuses_what_is_no_image() {
        let pool = op("global_avg_pool", &[]);
        assert_eq!(infer(&pool, &["f32[N, 64]"]), "expects rank 4, [N, C, H, W], got f32[N, 64]");
        let text = "expects [N, C, H, W] with fixed C, H and W above zero, got f32[N, 64, 0, 8]";
        assert_eq!(infer(&pool, &["f32[N, 64, 0, 8]"]), text);
    }
}
