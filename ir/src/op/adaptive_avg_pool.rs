//! `adaptive_avg_pool`: means over a grid of a wanted size.

use super::count::adaptive_average;
use super::shape::{floating, image};
use super::{OpDef, OpError, Pair, Types};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// The mean over as many windows as `out` asks for; PyTorch's `AdaptiveAvgPool2d`. Window `i` of `n` over a side `s`
    /// covers `floor(i s / n)` to `ceil((i + 1) s / n)`.
    AdaptiveAvgPool = "adaptive_avg_pool" {
        /// Height and width of the output.
        out: Pair,
    }
}

impl OpDef for AdaptiveAvgPool {
    const SUMMARY: &'static str = "2-D mean over a grid of a wanted size";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        floating(x[0])?;
        let (n, c, _, _) = image(x[0])?;
        if self.out.area() == 0 {
            let text = format!("adaptive_avg_pool needs an output above zero (out={}x{})", self.out.h, self.out.w);
            return Err(OpError::Shape(text));
        }
        Ok(smallvec![x[0].with_shape([n, c.into(), self.out.h.into(), self.out.w.into()])])
    }

    fn macs(&self, convention: Convention, x: &[&TensorType], y: &[TensorType]) -> u64 {
        adaptive_average(convention, x[0], &y[0])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![e.prim(Prim::AdaptiveAvgPool { out: self.out }, x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, list, macs, op, weights};

    #[test]
    fn gives_the_size_asked_for() {
        let pool = op("adaptive_avg_pool", &[("out", list(&[4, 2]))]);
        assert_eq!(pool.to_string(), "adaptive_avg_pool {out=[4, 2]}");
        assert_eq!(infer(&pool, &["f32[N, 16, 8, 8]"]), "f32[N, 16, 4, 2]");
        assert_eq!(weights(&pool, &["f32[N, 16, 8, 8]"]), "");
        // Each of 128 outputs adds a window of 2 x 4 and divides once.
        assert_eq!(macs(&pool, &["f32[N, 16, 8, 8]"]), [0, 128 * (8 + 1), 1024]);
    }

    #[test]
    fn refuses_an_empty_output() {
        let pool = op("adaptive_avg_pool", &[("out", 0.into())]);
        assert_eq!(infer(&pool, &["f32[N, 16, 8, 8]"]), "adaptive_avg_pool needs an output above zero (out=0x0)");
        let pool = op("adaptive_avg_pool", &[("out", 1.into())]);
        assert_eq!(infer(&pool, &["f32[N, 16, 8]"]), "expects rank 4, [N, C, H, W], got f32[N, 16, 8]");
    }
}
