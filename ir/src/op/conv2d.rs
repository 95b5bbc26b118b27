//! `conv2d`: two-dimensional convolution.

use super::shape::{conv_out, image};
use super::{Init, OpDef, OpError, Pair, Types, WeightSpec};
use crate::cost::Convention;
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
        let (n, c, h, w) = image(x[0])?;
        if self.out == 0 {
            return Err(OpError::Shape("conv2d needs at least one output channel (out=0)".into()));
        }
        if self.groups == 0 || c % self.groups != 0 || self.out % self.groups != 0 {
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
        let init = Init::FanInUniform { fan_in: u64::from(per_group) * self.k.area() };
        let mut out = smallvec![WeightSpec::parameter("weight", [self.out, per_group, self.k.h, self.k.w], init)];
        if self.bias {
            out.push(WeightSpec::parameter("bias", [self.out], init));
        }
        out
    }

    fn macs(&self, convention: Convention, x: &[&TensorType], y: &[TensorType]) -> u64 {
        let taps = x[0].shape[1].per_example() / u64::from(self.groups) * self.k.area();
        let bias = self.bias && convention != Convention::Thop;
        y[0].numel() * (taps + u64::from(bias))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Op;

    #[test]
    fn counts_the_textbook_example() {
        let conv = Conv2d {
            out: 2,
            k: Pair::both(3),
            stride: Pair::both(1),
            pad: Pair::both(0),
            dilation: Pair::both(1),
            groups: 1,
            bias: true,
        };
        let (op, x) = (Op::from(conv), TensorType::image(3, 224, 224));
        let y = op.infer(&[&x]).expect("fits");
        assert_eq!(y[0].to_string(), "f32[N, 2, 222, 222]");
        assert_eq!(op.macs(Convention::Nasbench, &[&x], &y), 2_759_904);
        assert_eq!(op.weights(&[&x]).iter().map(WeightSpec::numel).sum::<u64>(), 2 * (27 + 1));
        assert_eq!(op.to_string(), "conv2d {out=2, k=3}");
    }
}
