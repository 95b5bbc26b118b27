//! `mul`: element-wise product.

use super::{Arity, OpDef, OpError, Types, broadcast};
use crate::prim::{Binary, Emit, EmitError, Prim, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// The product of one or more tensors, with broadcasting; PyTorch's `mul`. No convention counts it: the tools see
    /// modules, and a product is none.
    Mul = "mul" {}
}

impl OpDef for Mul {
    const SUMMARY: &'static str = "element-wise product of one or more tensors, with broadcasting";
    const COMMUTATIVE: bool = true;

    fn arity(&self) -> Arity {
        Arity::AtLeast(1)
    }

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        Ok(smallvec![broadcast(x)?])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let mut product = x[0];
        for v in &x[1..] {
            product = e.prim(Prim::Binary(Binary::Mul), &[product, *v])?;
        }
        Ok(smallvec![product])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn broadcasts_a_gate_per_channel() {
        let mul = op("mul", &[]);
        assert_eq!(mul.to_string(), "mul");
        assert!(mul.is_commutative());
        let x = ["f32[N, 16, 8, 8]", "f32[N, 16, 1, 1]"];
        assert_eq!(infer(&mul, &x), "f32[N, 16, 8, 8]");
        assert_eq!(weights(&mul, &x), "");
        assert_eq!(macs(&mul, &x), [0, 0, 0]);
    }

    #[test]
    fn refuses_what_does_not_match() {
        let mul = op("mul", &[]);
        let text = "shapes do not match: f32[N, 16, 8, 8] and f32[N, 16]";
        assert_eq!(infer(&mul, &["f32[N, 16, 8, 8]", "f32[N, 16]"]), text);
    }
}
