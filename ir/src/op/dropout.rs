//! `dropout`: elements dropped at random.

use super::shape::{dropped, floating, within};
use super::{OpDef, OpError, Types};
use crate::prim::{Drop, Emit, EmitError, Var, Vars};
use crate::ty::TensorType;
use crate::value::Real;
use smallvec::smallvec;

crate::op! {
    /// While training, each element becomes zero with probability `p`, and the others grow by `1 / (1 - p)`; in evaluation
    /// nothing changes. PyTorch's `Dropout`. Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks
    /// from Overfitting".
    Dropout = "dropout" {
        /// Probability that an element is dropped.
        p: Real = Real::new(0.5),
    }
}

impl OpDef for Dropout {
    const SUMMARY: &'static str = "elements dropped at random while training";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        floating(x[0])?;
        within("p", self.p, 0.0..=1.0, "a probability from 0 to 1")?;
        Ok(smallvec![x[0].clone()])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![dropped(e, x[0], Drop::Element, self.p)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn keeps_the_shape() {
        let drop = op("dropout", &[]);
        assert_eq!(drop.to_string(), "dropout");
        assert_eq!(infer(&drop, &["f32[N, 16, 8, 8]"]), "f32[N, 16, 8, 8]");
        assert_eq!(weights(&drop, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&drop, &["f32[N, 16, 8, 8]"]), [0, 0, 0]);
    }

    #[test]
    fn refuses_what_is_no_probability() {
        let drop = op("dropout", &[("p", 1.5.into())]);
        assert_eq!(drop.to_string(), "dropout {p=1.5}");
        assert_eq!(infer(&drop, &["f32[N, 16]"]), "attribute `p` expects a probability from 0 to 1, not `1.5`");
        assert_eq!(infer(&drop, &["i64[N]"]), "expects floating-point elements, got i64[N]");
    }
}
