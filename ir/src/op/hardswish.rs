//! `hardswish`: piecewise swish.

use super::shape::floating;
use super::{OpDef, OpError, Types};
use crate::prim::{Emit, EmitError, Prim, Unary, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// `x * min(max(x + 3, 0), 6) / 6`, element by element; PyTorch's `Hardswish`. Howard et al. 2019, "Searching for
    /// MobileNetV3". No tool has a counting rule for it.
    Hardswish = "hardswish" {}
}

impl OpDef for Hardswish {
    const SUMMARY: &'static str = "x * relu6(x + 3) / 6";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        floating(x[0])?;
        Ok(smallvec![x[0].clone()])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![e.prim(Prim::Unary(Unary::Hardswish), x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn keeps_the_shape_and_has_no_weights() {
        let hardswish = op("hardswish", &[]);
        assert_eq!(hardswish.to_string(), "hardswish");
        assert_eq!(infer(&hardswish, &["f16[N, 16, 8, 8]"]), "f16[N, 16, 8, 8]");
        assert_eq!(weights(&hardswish, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&hardswish, &["f32[N, 16, 8, 8]"]), [0, 0, 0]);
    }

    #[test]
    fn refuses_integers() {
        assert_eq!(infer(&op("hardswish", &[]), &["i64[N, 3]"]), "expects floating-point elements, got i64[N, 3]");
    }
}
