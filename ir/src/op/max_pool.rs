//! `max_pool`: the largest element of each window.

use super::shape::{image, numeric, pool_out};
use super::{OpDef, OpError, Pair, Types};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Prim, Var, Vars, Window};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// The maximum over windows of `[N, C, H, W]`; PyTorch's `MaxPool2d`. Padding never wins.
    MaxPool = "max_pool" {
        /// Window size.
        k: Pair,
        /// Step of the window.
        stride: Pair = k,
        /// Padding at each side, at most half the window.
        pad: Pair = Pair::both(0),
        /// Whether a last, partial window counts.
        ceil: bool = false,
    }
}

impl OpDef for MaxPool {
    const SUMMARY: &'static str = "2-D maximum over windows";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        numeric(x[0])?;
        let (n, c, h, w) = image(x[0])?;
        let (h, w) = pool_out(x[0], (h, w), self.k, self.stride, self.pad, self.ceil)?;
        Ok(smallvec![x[0].with_shape([n, c.into(), h.into(), w.into()])])
    }

    /// `thop`: free; `ptflops`: one per input element.
    fn macs(&self, convention: Convention, x: &[&TensorType], _y: &[TensorType]) -> u64 {
        if convention == Convention::Ptflops { x[0].numel() } else { 0 }
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let Self { k, stride, pad, ceil } = *self;
        Ok(smallvec![e.prim(Prim::MaxPool(Window { k, stride, pad, ceil }), x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, list, macs, op, weights};

    #[test]
    fn steps_by_the_window_unless_told() {
        let pool = op("max_pool", &[("k", 2.into())]);
        assert_eq!(pool.to_string(), "max_pool {k=2}");
        assert_eq!(pool, op("max_pool", &[("k", 2.into()), ("stride", 2.into())]));
        assert_eq!(infer(&pool, &["f32[N, 16, 9, 8]"]), "f32[N, 16, 4, 4]");
        assert_eq!(weights(&pool, &["f32[N, 16, 9, 8]"]), "");
        assert_eq!(macs(&pool, &["f32[N, 16, 8, 8]"]), [0, 0, 1024]);
    }

    #[test]
    fn keeps_a_partial_window_if_it_starts_inside() {
        let attrs = [("k", 2.into()), ("ceil", true.into())];
        assert_eq!(infer(&op("max_pool", &attrs), &["f32[N, 1, 9, 8]"]), "f32[N, 1, 5, 4]");
        // The window after the last would lie in the padding alone.
        let attrs = [("k", 3.into()), ("stride", 3.into()), ("pad", 1.into()), ("ceil", true.into())];
        assert_eq!(infer(&op("max_pool", &attrs), &["f32[N, 1, 5, 6]"]), "f32[N, 1, 2, 3]");
    }

    #[test]
    fn refuses_windows_that_do_not_fit() {
        let pool = op("max_pool", &[("k", list(&[9, 3])), ("stride", 1.into())]);
        assert_eq!(pool.to_string(), "max_pool {k=[9, 3], stride=1}");
        let text = "a window of 9x3 (stride 1x1, padding 0x0, dilation 1x1) does not fit f32[N, 16, 8, 8]";
        assert_eq!(infer(&pool, &["f32[N, 16, 8, 8]"]), text);
        assert_eq!(infer(&pool, &["f32[N, 16]"]), "expects rank 4, [N, C, H, W], got f32[N, 16]");
        assert_eq!(infer(&pool, &["bool[N, 3, 9, 9]"]), "expects numbers, got bool[N, 3, 9, 9]");
        let padded = op("max_pool", &[("k", 3.into()), ("pad", 2.into())]);
        assert_eq!(infer(&padded, &["f32[N, 16, 8, 8]"]), "padding 2x2 exceeds half the window 3x3");
    }
}
