//! `sum`: the sum along axes.

use super::shape::{places, reduced};
use super::{OpDef, OpError, Types};
use crate::prim::{Emit, EmitError, Fold, Prim, Var, Vars};
use crate::ty::{DType, TensorType};
use smallvec::smallvec;

crate::op! {
    /// The sum along axes; PyTorch's `sum`, which makes `i64` of integers and booleans. No convention counts it: the tools
    /// see modules, and a sum is none.
    Sum = "sum" {
        /// The axes, negative from the end; all of them if none is given.
        axes: Vec<i64> = Vec::new(),
        /// Whether the axes stay, with size 1.
        keepdim: bool = false,
    }
}

impl OpDef for Sum {
    const SUMMARY: &'static str = "sum along axes";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        let dtype = if x[0].dtype.is_float() { x[0].dtype } else { DType::I64 };
        Ok(smallvec![TensorType::new(dtype, reduced(&self.axes, self.keepdim, x[0])?)])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let axes = places(&self.axes, e.type_of(x[0]));
        Ok(smallvec![e.prim(Prim::Reduce { fold: Fold::Sum, axes, keep: self.keepdim }, x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, list, macs, op, weights};

    #[test]
    fn reduces_the_axes() {
        let sum = op("sum", &[("axes", list(&[2, -1]))]);
        assert_eq!(sum.to_string(), "sum {axes=[2, -1]}");
        assert_eq!(infer(&sum, &["f32[N, 16, 8, 9]"]), "f32[N, 16]");
        assert_eq!(weights(&sum, &["f32[N, 16, 8, 9]"]), "");
        assert_eq!(macs(&sum, &["f32[N, 16, 8, 9]"]), [0, 0, 0]);
        let kept = op("sum", &[("axes", list(&[2, 3])), ("keepdim", true.into())]);
        assert_eq!(kept.to_string(), "sum {axes=[2, 3], keepdim=true}");
        assert_eq!(infer(&kept, &["f32[N, 16, 8, 9]"]), "f32[N, 16, 1, 1]");
        assert_eq!(infer(&op("sum", &[]), &["f32[N, 16]"]), "f32[]");
    }

    #[test]
    fn refuses_an_axis_that_is_missing_or_named_twice() {
        let sum = op("sum", &[("axes", list(&[3]))]);
        assert_eq!(infer(&sum, &["f32[N, 16]"]), "attribute `axes` expects an axis of f32[N, 16], not `3`");
        let sum = op("sum", &[("axes", list(&[1, -1]))]);
        assert_eq!(infer(&sum, &["f32[N, 16]"]), "attribute `axes` expects each axis of f32[N, 16] once, not `[1, -1]`");
    }

    #[test]
    fn widens_integers() {
        assert_eq!(infer(&op("sum", &[("axes", list(&[1]))]), &["bool[N, 16]"]), "i64[N]");
    }
}
