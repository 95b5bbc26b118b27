//! `silu`: sigmoid linear unit (swish).

use super::count::activation;
use super::shape::floating;
use super::{OpDef, OpError, Types};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Prim, Unary, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// `x * sigmoid(x)`, element by element, also called swish; PyTorch's `SiLU`. Elfwing, Uchibe and Doya 2018,
    /// "Sigmoid-Weighted Linear Units for Neural Network Function Approximation in Reinforcement Learning".
    Silu = "silu" {}
}

impl OpDef for Silu {
    const SUMMARY: &'static str = "x * sigmoid(x)";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        floating(x[0])?;
        Ok(smallvec![x[0].clone()])
    }

    fn macs(&self, convention: Convention, x: &[&TensorType], _y: &[TensorType]) -> u64 {
        activation(convention, x[0])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![e.prim(Prim::Unary(Unary::Silu), x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn keeps_the_shape_and_has_no_weights() {
        let silu = op("silu", &[]);
        assert_eq!(silu.to_string(), "silu");
        assert_eq!(infer(&silu, &["f16[N, 16, 8, 8]"]), "f16[N, 16, 8, 8]");
        assert_eq!(weights(&silu, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&silu, &["f32[N, 16, 8, 8]"]), [0, 0, 1024]);
    }

    #[test]
    fn refuses_integers() {
        assert_eq!(infer(&op("silu", &[]), &["i64[N, 3]"]), "expects floating-point elements, got i64[N, 3]");
    }
}
