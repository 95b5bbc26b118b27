//! `avg_pool`: the mean of each window.

use super::shape::{floating, image, pool_out};
use super::{OpDef, OpError, Pair, Types};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Prim, Var, Vars, Window};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// The mean over windows of `[N, C, H, W]`; PyTorch's `AvgPool2d`.
    AvgPool = "avg_pool" {
        /// Window size.
        k: Pair,
        /// Step of the window.
        stride: Pair = k,
        /// Padding at each side, at most half the window.
        pad: Pair = Pair::both(0),
        /// Whether a last, partial window counts.
        ceil: bool = false,
        /// Whether the padding's zeros are among the elements divided by. DARTS and NAS-Bench-201 set it to false.
        count_include_pad: bool = true,
    }
}

impl OpDef for AvgPool {
    const SUMMARY: &'static str = "2-D mean over windows (with or without the padding)";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        floating(x[0])?;
        let (n, c, h, w) = image(x[0])?;
        let (h, w) = pool_out(x[0], (h, w), self.k, self.stride, self.pad, self.ceil)?;
        Ok(smallvec![x[0].with_shape([n, c.into(), h.into(), w.into()])])
    }

    /// `thop`: one per output element; `ptflops`: one per input element.
    fn macs(&self, convention: Convention, x: &[&TensorType], y: &[TensorType]) -> u64 {
        match convention {
            Convention::Nasbench => 0,
            Convention::Thop => y[0].numel(),
            Convention::Ptflops => x[0].numel(),
        }
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let Self { k, stride, pad, ceil, count_include_pad } = *self;
        let window = Window { k, stride, pad, ceil };
        Ok(smallvec![e.prim(Prim::AvgPool { window, count_include_pad }, x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn is_nas_bench_201s() {
        let attrs = [("k", 3.into()), ("stride", 1.into()), ("pad", 1.into()), ("count_include_pad", false.into())];
        let pool = op("avg_pool", &attrs);
        assert_eq!(pool.to_string(), "avg_pool {k=3, stride=1, pad=1, count_include_pad=false}");
        assert_eq!(infer(&pool, &["f32[N, 16, 32, 32]"]), "f32[N, 16, 32, 32]");
        assert_eq!(weights(&pool, &["f32[N, 16, 32, 32]"]), "");
    }

    #[test]
    fn counts_outputs_or_inputs() {
        let pool = op("avg_pool", &[("k", 2.into())]);
        assert_eq!(pool.to_string(), "avg_pool {k=2}");
        assert_eq!(infer(&pool, &["f32[N, 16, 32, 32]"]), "f32[N, 16, 16, 16]");
        assert_eq!(macs(&pool, &["f32[N, 16, 32, 32]"]), [0, 4096, 16384]);
    }

    #[test]
    fn refuses_windows_that_do_not_fit_and_integers() {
        let pool = op("avg_pool", &[("k", 9.into()), ("stride", 0.into())]);
        let text = "a window of 9x9 (stride 0x0, padding 0x0, dilation 1x1) does not fit f32[N, 16, 32, 32]";
        assert_eq!(infer(&pool, &["f32[N, 16, 32, 32]"]), text);
        assert_eq!(infer(&pool, &["u8[N, 3, 32, 32]"]), "expects floating-point elements, got u8[N, 3, 32, 32]");
    }
}
