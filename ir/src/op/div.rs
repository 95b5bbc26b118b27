//! `div`: element-wise quotient.

use super::shape::promoted;
use super::{Arity, OpDef, OpError, Types, broadcast};
use crate::prim::{Binary, Emit, EmitError, Prim, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// The first tensor over the second, with broadcasting; PyTorch's `div`, a true division that makes `f32` of
    /// integers. No convention counts it.
    Div = "div" {}
}

impl OpDef for Div {
    const SUMMARY: &'static str = "element-wise quotient of two tensors, with broadcasting";

    fn arity(&self) -> Arity {
        Arity::Exactly(2)
    }

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        Ok(smallvec![promoted(&broadcast(x)?)])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![e.prim(Prim::Binary(Binary::Div), x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn broadcasts_and_promotes() {
        let div = op("div", &[]);
        assert_eq!(div.to_string(), "div");
        assert!(!div.is_commutative());
        let x = ["f64[N, 16]", "f64[N, 1]"];
        assert_eq!(infer(&div, &x), "f64[N, 16]");
        assert_eq!(infer(&div, &["i64[N, 16]", "i64[16]"]), "f32[N, 16]");
        assert_eq!(weights(&div, &x), "");
        assert_eq!(macs(&div, &x), [0, 0, 0]);
    }

    #[test]
    fn refuses_what_does_not_match() {
        let div = op("div", &[]);
        assert_eq!(infer(&div, &["f32[N, 3]", "f32[N, 4]"]), "shapes do not match: f32[N, 3] and f32[N, 4]");
        assert_eq!(infer(&div, &["f32[N, 3]"]), "expects 2 inputs, got 1");
    }
}
