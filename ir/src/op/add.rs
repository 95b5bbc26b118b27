//! `add`: element-wise sum.

use super::{Arity, OpDef, OpError, Types, broadcast};
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// The sum of one or more tensors, with broadcasting; PyTorch's `add`. No convention counts it: the tools see
    /// modules, and a sum is none.
    Add = "add" {
        /// Whether the sum is divided by the number of inputs.
        mean: bool = false,
    }
}

impl OpDef for Add {
    const SUMMARY: &'static str = "element-wise sum (or mean) of one or more tensors, with broadcasting";
    const COMMUTATIVE: bool = true;

    fn arity(&self) -> Arity {
        Arity::AtLeast(1)
    }

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        Ok(smallvec![broadcast(x)?])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let mut sum = x[0];
        for v in &x[1..] {
            sum = e.prim(Prim::ADD, &[sum, *v])?;
        }
        if self.mean && x.len() > 1 {
            sum = e.prim(Prim::scale(1.0 / x.len() as f64), &[sum])?;
        }
        Ok(smallvec![sum])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn broadcasts() {
        let add = op("add", &[]);
        assert_eq!(add.to_string(), "add");
        assert_eq!(op("add", &[("mean", true.into())]).to_string(), "add {mean=true}");
        assert!(add.is_commutative());
        let x = ["f32[N, 3, 8, 8]", "f32[3, 1, 1]", "f32[]"];
        assert_eq!(infer(&add, &x), "f32[N, 3, 8, 8]");
        assert_eq!(weights(&add, &x), "");
        assert_eq!(macs(&add, &x), [0, 0, 0]);
    }

    #[test]
    fn refuses_what_does_not_match() {
        let add = op("add", &[]);
        let text = "shapes do not match: f32[N, 3, 8, 8] and f32[N, 4, 8, 8]";
        assert_eq!(infer(&add, &["f32[N, 3, 8, 8]", "f32[N, 4, 8, 8]"]), text);
        assert_eq!(infer(&add, &["f32[N, 3]", "f64[N, 3]"]), "element types do not match: f32[N, 3] and f64[N, 3]");
        assert_eq!(infer(&add, &[]), "expects 1 or more inputs, got 0");
    }
}
