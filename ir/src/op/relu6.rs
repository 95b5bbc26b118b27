//! `relu6`: rectified linear unit, capped.

use super::count::activation;
use super::shape::numeric;
use super::{OpDef, OpError, Types};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Prim, Unary, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// `min(max(x, 0), 6)`, element by element; PyTorch's `ReLU6`. Krizhevsky 2010, "Convolutional Deep Belief Networks
    /// on CIFAR-10".
    Relu6 = "relu6" {}
}

impl OpDef for Relu6 {
    const SUMMARY: &'static str = "min(max(x, 0), 6)";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        numeric(x[0])?;
        Ok(smallvec![x[0].clone()])
    }

    fn macs(&self, convention: Convention, x: &[&TensorType], _y: &[TensorType]) -> u64 {
        activation(convention, x[0])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![e.prim(Prim::Unary(Unary::Relu6), x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn keeps_the_shape_and_has_no_weights() {
        let relu6 = op("relu6", &[]);
        assert_eq!(relu6.to_string(), "relu6");
        assert_eq!(infer(&relu6, &["f16[N, 16, 8, 8]"]), "f16[N, 16, 8, 8]");
        assert_eq!(weights(&relu6, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&relu6, &["f32[N, 16, 8, 8]"]), [0, 0, 1024]);
    }

    #[test]
    fn refuses_booleans() {
        assert_eq!(infer(&op("relu6", &[]), &["i64[N, 3]"]), "i64[N, 3]");
        assert_eq!(infer(&op("relu6", &[]), &["bool[N, 3]"]), "expects numbers, got bool[N, 3]");
    }
}
