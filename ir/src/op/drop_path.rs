//! `drop_path`: whole examples dropped at random.

use super::shape::{dropped, floating, within};
use super::{OpDef, OpError, Types};
use crate::prim::{Drop, Emit, EmitError, Var, Vars};
use crate::ty::TensorType;
use crate::value::Real;
use smallvec::smallvec;

crate::op! {
    /// While training, the whole tensor of an example becomes zero with probability `p`, and the others grow by
    /// `1 / (1 - p)`; in evaluation nothing changes. Torchvision's `StochasticDepth` by row. Larsson, Maire and
    /// Shakhnarovich 2016, "FractalNet: Ultra-Deep Neural Networks without Residuals".
    DropPath = "drop_path" {
        /// Probability that an example is dropped.
        p: Real,
    }
}

impl OpDef for DropPath {
    const SUMMARY: &'static str = "whole examples dropped at random while training";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        floating(x[0])?;
        within("p", self.p, 0.0..=1.0, "a probability from 0 to 1")?;
        Ok(smallvec![x[0].clone()])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![dropped(e, x[0], Drop::Path, self.p)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn keeps_the_shape() {
        let drop = op("drop_path", &[("p", 0.2.into())]);
        assert_eq!(drop.to_string(), "drop_path {p=0.2}");
        assert_eq!(infer(&drop, &["f32[N, 16, 8, 8]"]), "f32[N, 16, 8, 8]");
        assert_eq!(weights(&drop, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&drop, &["f32[N, 16, 8, 8]"]), [0, 0, 0]);
    }

    #[test]
    fn refuses_what_is_no_probability() {
        let drop = op("drop_path", &[("p", 1.5.into())]);
        assert_eq!(drop.to_string(), "drop_path {p=1.5}");
        assert_eq!(infer(&drop, &["f32[N, 16]"]), "attribute `p` expects a probability from 0 to 1, not `1.5`");
        assert_eq!(infer(&drop, &["i64[N]"]), "expects floating-point elements, got i64[N]");
    }
}
