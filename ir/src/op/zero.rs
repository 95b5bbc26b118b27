//! `zero`: no connection.

use super::shape::image;
use super::{Attrs, OpDef, OpError, Pair, Types};
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::TensorType;
use crate::value::Real;
use smallvec::smallvec;

crate::op! {
    /// Zeros of the input's shape, or of every `stride`-th pixel of it, optionally with other channels: the operation
    /// `none` of DARTS (Liu, Simonyan and Yang 2019) and NAS-Bench-201 (Dong and Yang 2020), which cuts an edge.
    /// PyTorch's `zeros_like`; with a stride or other channels the input must be `[N, C, H, W]`.
    Zero = "zero" {
        /// Distance of the pixels that are kept; sizes are rounded up.
        stride: Pair = Pair::both(1),
        /// Number of output channels; the input's unless given.
        out: Option<u32> = None,
    }
}

impl OpDef for Zero {
    const SUMMARY: &'static str = "zeros of the input's shape (strided, other channels): no connection";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        if self.stride == Pair::both(1) && self.out.is_none() {
            return Ok(smallvec![x[0].clone()]);
        }
        let (n, c, h, w) = image(x[0])?;
        let out = self.out.unwrap_or(c);
        if self.stride.area() == 0 || out == 0 {
            let text = format!("zero needs a stride and channels above zero (stride={}x{}, out={out})", self.stride.h, self.stride.w);
            return Err(OpError::Shape(text));
        }
        let (h, w) = (h.div_ceil(self.stride.h), w.div_ceil(self.stride.w));
        Ok(smallvec![x[0].with_shape([n, out.into(), h.into(), w.into()])])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let ty = self.infer(&[e.type_of(x[0])]).map(|mut t| t.swap_remove(0));
        let ty = ty.map_err(|source| EmitError::Prim { prim: Self::NAME.into(), source })?;
        Ok(smallvec![e.prim(Prim::Full { ty, value: Real::new(0.0) }, &[])?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn keeps_any_shape_by_itself() {
        let zero = op("zero", &[]);
        assert_eq!(zero.to_string(), "zero");
        assert_eq!(infer(&zero, &["f32[N, 10]"]), "f32[N, 10]");
        assert_eq!(weights(&zero, &["f32[N, 10]"]), "");
        assert_eq!(macs(&zero, &["f32[N, 10]"]), [0, 0, 0]);
    }

    #[test]
    fn strides_and_changes_the_channels() {
        let zero = op("zero", &[("stride", 2.into())]);
        assert_eq!(zero.to_string(), "zero {stride=2}");
        assert_eq!(infer(&zero, &["f32[N, 16, 9, 8]"]), "f32[N, 16, 5, 4]");
        let wide = op("zero", &[("stride", 2.into()), ("out", 32.into())]);
        assert_eq!(wide.to_string(), "zero {stride=2, out=32}");
        assert_eq!(infer(&wide, &["f32[N, 16, 9, 8]"]), "f32[N, 32, 5, 4]");
    }

    #[test]
    fn refuses_to_stride_what_is_no_image() {
        let zero = op("zero", &[("stride", 2.into())]);
        assert_eq!(infer(&zero, &["f32[N, 10]"]), "expects rank 4, [N, C, H, W], got f32[N, 10]");
        let still = op("zero", &[("stride", 0.into())]);
        let text = "zero needs a stride and channels above zero (stride=0x0, out=16)";
        assert_eq!(infer(&still, &["f32[N, 16, 9, 8]"]), text);
    }
}
