//! `softmax`: normalised exponentials along an axis.

use super::shape::{axis, floating, place};
use super::{OpDef, OpError, Types};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// `exp(x) / sum(exp(x))` along one axis; PyTorch's `Softmax`.
    Softmax = "softmax" {
        /// The axis that sums to one; negative counts from the end.
        axis: i64 = -1,
    }
}

impl OpDef for Softmax {
    const SUMMARY: &'static str = "exp(x) / sum(exp(x)) along an axis";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        floating(x[0])?;
        axis("axis", self.axis, x[0])?;
        Ok(smallvec![x[0].clone()])
    }

    /// `thop`: an exponential and a division per element, and the additions of each sum; `ptflops`: one per element.
    fn macs(&self, convention: Convention, x: &[&TensorType], _y: &[TensorType]) -> u64 {
        let n = x[0].numel();
        match convention {
            Convention::Nasbench => 0,
            Convention::Thop => {
                let along = axis("axis", self.axis, x[0]).map_or(1, |a| x[0].shape[a].per_example());
                n.saturating_mul(3).saturating_sub(n / along.max(1))
            }
            Convention::Ptflops => n,
        }
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let at = place(self.axis, e.type_of(x[0]));
        Ok(smallvec![e.prim(Prim::Softmax { axis: at, log: false }, x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn keeps_the_shape() {
        let softmax = op("softmax", &[]);
        assert_eq!(softmax.to_string(), "softmax");
        assert_eq!(infer(&softmax, &["f32[N, 10]"]), "f32[N, 10]");
        assert_eq!(weights(&softmax, &["f32[N, 10]"]), "");
        assert_eq!(macs(&softmax, &["f32[N, 10]"]), [0, 29, 10]);
    }

    #[test]
    fn refuses_a_missing_axis_and_integers() {
        let softmax = op("softmax", &[("axis", 2.into())]);
        assert_eq!(softmax.to_string(), "softmax {axis=2}");
        assert_eq!(infer(&softmax, &["f32[N, 10]"]), "attribute `axis` expects an axis of f32[N, 10], not `2`");
        assert_eq!(infer(&softmax, &["i32[N, 4, 4]"]), "expects floating-point elements, got i32[N, 4, 4]");
    }
}
