//! `relu`: rectified linear unit.

use super::count::activation;
use super::shape::numeric;
use super::{OpDef, OpError, Types};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Prim, Unary, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// `max(x, 0)`, element by element; PyTorch's `ReLU`. Nair and Hinton 2010, "Rectified Linear Units Improve
    /// Restricted Boltzmann Machines".
    Relu = "relu" {}
}

impl OpDef for Relu {
    const SUMMARY: &'static str = "max(x, 0)";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        numeric(x[0])?;
        Ok(smallvec![x[0].clone()])
    }

    fn macs(&self, convention: Convention, x: &[&TensorType], _y: &[TensorType]) -> u64 {
        activation(convention, x[0])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![e.prim(Prim::Unary(Unary::Relu), x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn keeps_the_shape_and_has_no_weights() {
        let relu = op("relu", &[]);
        assert_eq!(relu.to_string(), "relu");
        assert_eq!(infer(&relu, &["f16[N, 16, 8, 8]"]), "f16[N, 16, 8, 8]");
        assert_eq!(weights(&relu, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&relu, &["f32[N, 16, 8, 8]"]), [0, 0, 1024]);
    }

    #[test]
    fn refuses_booleans() {
        assert_eq!(infer(&op("relu", &[]), &["i64[N, 3]"]), "i64[N, 3]");
        assert_eq!(infer(&op("relu", &[]), &["bool[N, 3]"]), "expects numbers, got bool[N, 3]");
    }
}
