//! `tanh`: hyperbolic tangent.

use super::shape::promoted;
use super::{OpDef, OpError, Types};
use crate::prim::{Emit, EmitError, Prim, Unary, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// `tanh(x)`, element by element; PyTorch's `Tanh`, which makes `f32` of integers. No tool has a counting rule for it.
    Tanh = "tanh" {}
}

impl OpDef for Tanh {
    const SUMMARY: &'static str = "tanh(x)";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        Ok(smallvec![promoted(x[0])])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![e.prim(Prim::Unary(Unary::Tanh), x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn keeps_the_shape_and_has_no_weights() {
        let tanh = op("tanh", &[]);
        assert_eq!(tanh.to_string(), "tanh");
        assert_eq!(infer(&tanh, &["f16[N, 16, 8, 8]"]), "f16[N, 16, 8, 8]");
        assert_eq!(weights(&tanh, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&tanh, &["f32[N, 16, 8, 8]"]), [0, 0, 0]);
    }

    #[test]
    fn promotes_integers() {
        assert_eq!(infer(&op("tanh", &[]), &["i64[N, 3]"]), "f32[N, 3]");
        assert_eq!(infer(&op("tanh", &[]), &["bool[N, 3]"]), "f32[N, 3]");
    }
}
