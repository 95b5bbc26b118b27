//! `sigmoid`: logistic function.

use super::shape::promoted;
use super::{OpDef, OpError, Types};
use crate::prim::{Emit, EmitError, Prim, Unary, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// `1 / (1 + exp(-x))`, element by element; PyTorch's `Sigmoid`, which makes `f32` of integers. No tool has a counting
    /// rule for it.
    Sigmoid = "sigmoid" {}
}

impl OpDef for Sigmoid {
    const SUMMARY: &'static str = "1 / (1 + exp(-x))";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        Ok(smallvec![promoted(x[0])])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![e.prim(Prim::Unary(Unary::Sigmoid), x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn keeps_the_shape_and_has_no_weights() {
        let sigmoid = op("sigmoid", &[]);
        assert_eq!(sigmoid.to_string(), "sigmoid");
        assert_eq!(infer(&sigmoid, &["f16[N, 16, 8, 8]"]), "f16[N, 16, 8, 8]");
        assert_eq!(weights(&sigmoid, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&sigmoid, &["f32[N, 16, 8, 8]"]), [0, 0, 0]);
    }

    #[test]
    fn promotes_integers() {
        assert_eq!(infer(&op("sigmoid", &[]), &["i64[N, 3]"]), "f32[N, 3]");
        assert_eq!(infer(&op("sigmoid", &[]), &["bool[N, 3]"]), "f32[N, 3]");
    }
}
