//! `pad`: a margin around an image.

use super::shape::{image, within};
use super::{OpDef, OpError, Pair, Types};
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::TensorType;
use crate::value::Real;
use smallvec::smallvec;

crate::op! {
    /// `[N, C, H, W]` with a margin of one value; PyTorch's `ConstantPad2d` (and `ZeroPad2d`).
    Pad = "pad" {
        /// Rows above and columns to the left.
        before: Pair,
        /// Rows below and columns to the right.
        after: Pair = before,
        /// What fills the margin.
        value: Real = Real::new(0.0),
    }
}

impl OpDef for Pad {
    const SUMMARY: &'static str = "a margin of one value around an image";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        let (n, c, h, w) = image(x[0])?;
        within("value", self.value, f64::MIN..=f64::MAX, "a finite number")?;
        let grown = |size: u32, before: u32, after: u32| size.checked_add(before)?.checked_add(after);
        match (grown(h, self.before.h, self.after.h), grown(w, self.before.w, self.after.w)) {
            (Some(h), Some(w)) => Ok(smallvec![x[0].with_shape([n, c.into(), h.into(), w.into()])]),
            _ => Err(OpError::Shape(format!(
                "padding {}x{} before and {}x{} after makes {} too large",
                self.before.h, self.before.w, self.after.h, self.after.w, x[0]
            ))),
        }
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let Self { before, after, value } = *self;
        Ok(smallvec![e.prim(Prim::Pad { before, after, value }, x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, list, macs, op, weights};

    #[test]
    fn grows_the_image() {
        let pad = op("pad", &[("before", list(&[1, 2]))]);
        assert_eq!(pad.to_string(), "pad {before=[1, 2]}");
        assert_eq!(infer(&pad, &["f32[N, 16, 8, 8]"]), "f32[N, 16, 10, 12]");
        assert_eq!(weights(&pad, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&pad, &["f32[N, 16, 8, 8]"]), [0, 0, 0]);
        let below = op("pad", &[("before", 0.into()), ("after", 1.into()), ("value", (-1).into())]);
        assert_eq!(below.to_string(), "pad {before=0, after=1, value=-1.0}");
        assert_eq!(infer(&below, &["f32[N, 16, 8, 8]"]), "f32[N, 16, 9, 9]");
    }

    #[test]
    fn refuses_what_is_no_image_or_too_large() {
        let pad = op("pad", &[("before", i64::from(u32::MAX).into())]);
        assert_eq!(infer(&pad, &["f32[N, 16]"]), "expects rank 4, [N, C, H, W], got f32[N, 16]");
        let text = "padding 4294967295x4294967295 before and 4294967295x4294967295 after makes f32[N, 3, 8, 8] too large";
        assert_eq!(infer(&pad, &["f32[N, 3, 8, 8]"]), text);
    }
}
