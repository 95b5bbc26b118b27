//! `linear`: fully connected layer.

use super::count::products;
use super::shape::{floating, positive};
use super::{Init, OpDef, OpError, Types, WeightSpec};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::TensorType;
use smallvec::{SmallVec, smallvec};

crate::op! {
    /// `x W^T + b` over the last axis, `[..., in]` to `[..., out]`; PyTorch's `Linear`.
    Linear = "linear" {
        /// Number of output features.
        out: u32,
        /// Whether a bias per output feature is added.
        bias: bool = true,
    }
}

impl OpDef for Linear {
    const SUMMARY: &'static str = "fully connected layer over the last axis";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        floating(x[0])?;
        if self.out == 0 {
            return Err(OpError::Shape("linear needs at least one output feature (out=0)".into()));
        }
        if x[0].shape.last().copied().and_then(positive).is_none() {
            return Err(OpError::Shape(format!("expects [..., features] with fixed features above zero, got {}", x[0])));
        }
        let mut y = x[0].clone();
        y.shape.pop();
        y.shape.push(self.out.into());
        Ok(smallvec![y])
    }

    fn weights(&self, x: &[&TensorType]) -> SmallVec<[WeightSpec; 2]> {
        let features = x[0].shape.last().and_then(|d| d.known()).unwrap_or(0);
        let init = Init::FanInUniform { fan_in: u64::from(features) };
        let mut out = smallvec![WeightSpec::parameter("weight", [self.out, features], init)];
        if self.bias {
            out.push(WeightSpec::parameter("bias", [self.out], init));
        }
        out
    }

    fn macs(&self, convention: Convention, x: &[&TensorType], y: &[TensorType]) -> u64 {
        let features = x[0].shape.last().map_or(0, |d| d.per_example());
        products(convention, features, self.bias, &y[0])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], w: &[Var]) -> Result<Vars, EmitError> {
        let operands: Vars = x.iter().chain(w).copied().collect();
        Ok(smallvec![e.prim(Prim::Linear, &operands)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn maps_the_last_axis() {
        let linear = op("linear", &[("out", 2.into())]);
        assert_eq!(linear.to_string(), "linear {out=2}");
        assert_eq!(infer(&linear, &["f32[N, 3]"]), "f32[N, 2]");
        assert_eq!(infer(&linear, &["f32[N, 7, 3]"]), "f32[N, 7, 2]");
        assert_eq!(weights(&linear, &["f32[N, 3]"]), "weight[2, 3] fan_in 3, bias[2] fan_in 3");
        assert_eq!(macs(&linear, &["f32[N, 3]"]), [8, 6, 8]);
        assert_eq!(macs(&linear, &["f32[N, 7, 3]"]), [56, 42, 56]);
    }

    #[test]
    fn can_lack_the_bias() {
        let linear = op("linear", &[("out", 2.into()), ("bias", false.into())]);
        assert_eq!(linear.to_string(), "linear {out=2, bias=false}");
        assert_eq!(weights(&linear, &["f32[N, 3]"]), "weight[2, 3] fan_in 3");
        assert_eq!(macs(&linear, &["f32[N, 3]"]), [6, 6, 6]);
    }

    #[test]
    fn refuses_features_that_are_not_fixed() {
        let linear = op("linear", &[("out", 2.into())]);
        assert_eq!(infer(&linear, &["f32[3, N]"]), "expects [..., features] with fixed features above zero, got f32[3, N]");
        assert_eq!(infer(&linear, &["f32[]"]), "expects [..., features] with fixed features above zero, got f32[]");
        let none = op("linear", &[("out", 0.into())]);
        assert_eq!(infer(&none, &["f32[N, 3]"]), "linear needs at least one output feature (out=0)");
    }
}
