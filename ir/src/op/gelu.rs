//! `gelu`: Gaussian error linear unit.

use super::count::activation;
use super::shape::floating;
use super::{OpDef, OpError, Types};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Prim, Unary, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// `x * Phi(x)`, with the standard normal distribution's `Phi`; PyTorch's `GELU`. Hendrycks and Gimpel 2016,
    /// "Gaussian Error Linear Units".
    Gelu = "gelu" {
        /// Whether `Phi` is approximated by a tanh.
        tanh: bool = false,
    }
}

impl OpDef for Gelu {
    const SUMMARY: &'static str = "x * Phi(x), exact or by the tanh approximation";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        floating(x[0])?;
        Ok(smallvec![x[0].clone()])
    }

    fn macs(&self, convention: Convention, x: &[&TensorType], _y: &[TensorType]) -> u64 {
        activation(convention, x[0])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let f = if self.tanh { Unary::GeluTanh } else { Unary::Gelu };
        Ok(smallvec![e.prim(Prim::Unary(f), x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn keeps_the_shape_and_has_no_weights() {
        let gelu = op("gelu", &[]);
        assert_eq!(gelu.to_string(), "gelu");
        assert_eq!(infer(&gelu, &["f16[N, 16, 8, 8]"]), "f16[N, 16, 8, 8]");
        assert_eq!(weights(&gelu, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&gelu, &["f32[N, 16, 8, 8]"]), [0, 0, 1024]);
    }

    #[test]
    fn prints_the_approximation() {
        assert_eq!(op("gelu", &[("tanh", true.into())]).to_string(), "gelu {tanh=true}");
        assert_eq!(op("gelu", &[("tanh", false.into())]).to_string(), "gelu");
    }

    #[test]
    fn refuses_integers() {
        assert_eq!(infer(&op("gelu", &[]), &["i64[N, 3]"]), "expects floating-point elements, got i64[N, 3]");
    }
}
