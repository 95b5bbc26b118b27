//! `sub`: element-wise difference.

use super::shape::numeric;
use super::{Arity, OpDef, OpError, Types, broadcast};
use crate::prim::{Binary, Emit, EmitError, Prim, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// The first tensor less the second, with broadcasting; PyTorch's `sub`, which refuses booleans. No convention counts
    /// it.
    Sub = "sub" {}
}

impl OpDef for Sub {
    const SUMMARY: &'static str = "element-wise difference of two tensors, with broadcasting";

    fn arity(&self) -> Arity {
        Arity::Exactly(2)
    }

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        let y = broadcast(x)?;
        numeric(x[0])?;
        Ok(smallvec![y])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![e.prim(Prim::Binary(Binary::Sub), x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn broadcasts_and_keeps_the_order() {
        let sub = op("sub", &[]);
        assert_eq!(sub.to_string(), "sub");
        assert!(!sub.is_commutative());
        let x = ["f32[1]", "f32[N, 16]"];
        assert_eq!(infer(&sub, &x), "f32[N, 16]");
        assert_eq!(weights(&sub, &x), "");
        assert_eq!(macs(&sub, &x), [0, 0, 0]);
    }

    #[test]
    fn refuses_booleans_and_a_third() {
        let sub = op("sub", &[]);
        assert_eq!(infer(&sub, &["bool[N]", "bool[N]"]), "expects numbers, got bool[N]");
        assert_eq!(infer(&sub, &["f32[N]", "f32[N]", "f32[N]"]), "expects 2 inputs, got 3");
        assert_eq!(infer(&sub, &["f32[N, 3]", "f32[N, 4]"]), "shapes do not match: f32[N, 3] and f32[N, 4]");
    }
}
