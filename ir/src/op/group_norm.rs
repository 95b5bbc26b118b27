//! `group_norm`: normalisation over groups of channels.

use super::count::each;
use super::shape::{channels, epsilon, floating};
use super::{Init, OpDef, OpError, Types, WeightSpec};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::TensorType;
use crate::value::Real;
use smallvec::{SmallVec, smallvec};

crate::op! {
    /// Normalises each of `groups` groups of channels of `[N, C, ...]` within each example; PyTorch's `GroupNorm`.
    /// Wu and He 2018, "Group Normalization".
    GroupNorm = "group_norm" {
        /// Number of groups; it must divide the channels.
        groups: u32,
        /// Added to the variance.
        eps: Real = Real::new(1e-5),
        /// Whether a learned scale and shift per channel follow.
        affine: bool = true,
    }
}

impl OpDef for GroupNorm {
    const SUMMARY: &'static str = "normalisation over groups of channels of each example";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        floating(x[0])?;
        epsilon(self.eps)?;
        let c = channels(x[0], 2)?;
        if !c.is_multiple_of(self.groups) {
            return Err(OpError::Shape(format!("groups={} must divide the {c} channels of {}", self.groups, x[0])));
        }
        Ok(smallvec![x[0].clone()])
    }

    fn weights(&self, x: &[&TensorType]) -> SmallVec<[WeightSpec; 2]> {
        if !self.affine {
            return SmallVec::new();
        }
        let c = x[0].shape[1].known().unwrap_or(0);
        smallvec![
            WeightSpec::parameter("weight", [c], Init::Ones),
            WeightSpec::parameter("bias", [c], Init::Zeros)
        ]
    }

    /// `thop` has no rule for it; `ptflops`: as a batch norm.
    fn macs(&self, convention: Convention, x: &[&TensorType], _y: &[TensorType]) -> u64 {
        match convention {
            Convention::Nasbench | Convention::Thop => 0,
            Convention::Ptflops => each(1 + u64::from(self.affine), x[0]),
        }
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], w: &[Var]) -> Result<Vars, EmitError> {
        let operands: Vars = x.iter().chain(w).copied().collect();
        Ok(smallvec![e.prim(Prim::GroupNorm { groups: self.groups, eps: self.eps }, &operands)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn keeps_the_shape() {
        let norm = op("group_norm", &[("groups", 4.into())]);
        assert_eq!(norm.to_string(), "group_norm {groups=4}");
        assert_eq!(infer(&norm, &["f32[N, 16, 8, 8]"]), "f32[N, 16, 8, 8]");
        assert_eq!(weights(&norm, &["f32[N, 16, 8, 8]"]), "weight[16] ones, bias[16] zeros");
        assert_eq!(macs(&norm, &["f32[N, 16, 8, 8]"]), [0, 0, 2048]);
        let plain = op("group_norm", &[("groups", 4.into()), ("affine", false.into())]);
        assert_eq!(weights(&plain, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&plain, &["f32[N, 16, 8, 8]"]), [0, 0, 1024]);
    }

    #[test]
    fn refuses_groups_that_do_not_divide() {
        let norm = op("group_norm", &[("groups", 5.into())]);
        assert_eq!(infer(&norm, &["f32[N, 16, 8, 8]"]), "groups=5 must divide the 16 channels of f32[N, 16, 8, 8]");
        let none = op("group_norm", &[("groups", 0.into())]);
        assert_eq!(infer(&none, &["f32[N, 16]"]), "groups=0 must divide the 16 channels of f32[N, 16]");
    }
}
