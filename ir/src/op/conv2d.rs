//! `conv2d`: two-dimensional convolution.

use super::count::products;
use super::shape::{conv_out, floating, image};
use super::{Init, OpDef, OpError, Pair, Types, WeightSpec};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::TensorType;
use smallvec::{SmallVec, smallvec};

crate::op! {
    /// Convolution of `[N, C, H, W]` with `out` filters, as PyTorch's `Conv2d` (cross-correlation, zero padding).
    Conv2d = "conv2d" {
        /// Number of output channels.
        out: u32,
        /// Kernel size.
        k: Pair,
        /// Step of the window.
        stride: Pair = Pair::both(1),
        /// Zeros added at each side.
        pad: Pair = Pair::both(0),
        /// Distance of the kernel's taps.
        dilation: Pair = Pair::both(1),
        /// Groups of channels that do not see each other.
        groups: u32 = 1,
        /// Whether a bias per output channel is added.
        bias: bool = true,
    }
}

impl OpDef for Conv2d {
    const SUMMARY: &'static str = "2-D convolution (groups, dilation, stride, padding)";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        floating(x[0])?;
        let (n, c, h, w) = image(x[0])?;
        if self.out == 0 {
            return Err(OpError::Shape("conv2d needs at least one output channel (out=0)".into()));
        }
        if !c.is_multiple_of(self.groups) || !self.out.is_multiple_of(self.groups) {
            return Err(OpError::Shape(format!(
                "groups={} must divide both the {c} input channels of {} and out={}",
                self.groups, x[0], self.out
            )));
        }
        let (h, w) = conv_out(x[0], (h, w), self.k, self.stride, self.pad, self.dilation)?;
        Ok(smallvec![x[0].with_shape([n, self.out.into(), h.into(), w.into()])])
    }

    fn weights(&self, x: &[&TensorType]) -> SmallVec<[WeightSpec; 2]> {
        let per_group = x[0].shape[1].per_example() as u32 / self.groups;
        let init = Init::FanInUniform { fan_in: u64::from(per_group).saturating_mul(self.k.area()) };
        let mut out = smallvec![WeightSpec::parameter("weight", [self.out, per_group, self.k.h, self.k.w], init)];
        if self.bias {
            out.push(WeightSpec::parameter("bias", [self.out], init));
        }
        out
    }

    fn macs(&self, convention: Convention, x: &[&TensorType], y: &[TensorType]) -> u64 {
        let taps = (x[0].shape[1].per_example() / u64::from(self.groups)).saturating_mul(self.k.area());
        products(convention, taps, self.bias, &y[0])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], w: &[Var]) -> Result<Vars, EmitError> {
        let Self { stride, pad, dilation, groups, .. } = *self;
        let operands: Vars = x.iter().chain(w).copied().collect();
        Ok(smallvec![e.prim(Prim::Conv2d { stride, pad, dilation, groups }, &operands)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, list, macs, op, weights};

    #[test]
    fn counts_the_textbook_example() {
        let conv = op("conv2d", &[("out", 2.into()), ("k", 3.into())]);
        assert_eq!(conv.to_string(), "conv2d {out=2, k=3}");
        let x = ["f32[N, 3, 224, 224]"];
        assert_eq!(infer(&conv, &x), "f32[N, 2, 222, 222]");
        assert_eq!(weights(&conv, &x), "weight[2, 3, 3, 3] fan_in 27, bias[2] fan_in 27");
        assert_eq!(macs(&conv, &x), [2_759_904, 2_661_336, 2_759_904]);
    }

    #[test]
    fn groups_divide_weights_and_work() {
        let attrs = [("out", 16.into()), ("k", list(&[1, 7])), ("pad", list(&[0, 3])), ("groups", 16.into()), ("bias", false.into())];
        let conv = op("conv2d", &attrs);
        assert_eq!(conv.to_string(), "conv2d {out=16, k=[1, 7], pad=[0, 3], groups=16, bias=false}");
        assert_eq!(infer(&conv, &["f32[N, 16, 8, 8]"]), "f32[N, 16, 8, 8]");
        assert_eq!(weights(&conv, &["f32[N, 16, 8, 8]"]), "weight[16, 1, 1, 7] fan_in 7");
        assert_eq!(macs(&conv, &["f32[N, 16, 8, 8]"]), [7168, 7168, 7168]);
    }

    #[test]
    fn dilates() {
        let conv = op("conv2d", &[("out", 1.into()), ("k", 3.into()), ("stride", 2.into()), ("pad", 2.into()), ("dilation", 2.into())]);
        assert_eq!(infer(&conv, &["f32[N, 3, 32, 32]"]), "f32[N, 1, 16, 16]");
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let conv = op("conv2d", &[("out", 4.into()), ("k", 3.into())]);
        assert_eq!(infer(&conv, &["f32[N, 10]"]), "expects rank 4, [N, C, H, W], got f32[N, 10]");
        assert_eq!(infer(&conv, &["u8[N, 3, 8, 8]"]), "expects floating-point elements, got u8[N, 3, 8, 8]");
        let text = "a window of 3x3 (stride 1x1, padding 0x0, dilation 1x1) does not fit f32[N, 3, 2, 8]";
        assert_eq!(infer(&conv, &["f32[N, 3, 2, 8]"]), text);
        let grouped = op("conv2d", &[("out", 4.into()), ("k", 3.into()), ("groups", 2.into())]);
        let text = "groups=2 must divide both the 3 input channels of f32[N, 3, 8, 8] and out=4";
        assert_eq!(infer(&grouped, &["f32[N, 3, 8, 8]"]), text);
        let none = op("conv2d", &[("out", 0.into()), ("k", 1.into())]);
        assert_eq!(infer(&none, &["f32[N, 3, 8, 8]"]), "conv2d needs at least one output channel (out=0)");
    }
}
