//! `constant`: a filled tensor.

use super::{Arity, OpDef, OpError, Types};
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::{DType, Dim, TensorType};
use crate::value::Real;
use smallvec::smallvec;
use std::ops::RangeInclusive;

crate::op! {
    /// A tensor without inputs, filled with one value; PyTorch's `full`.
    Constant = "constant" {
        /// The sizes; empty for a scalar.
        shape: Vec<u32>,
        /// What fills it; the element type must have it.
        value: Real = Real::new(0.0),
        /// Element type.
        dtype: DType = DType::F32,
    }
}

/// The whole numbers of a type that is not floating-point (and that an `f64` can hold).
fn whole(dtype: DType) -> Option<RangeInclusive<f64>> {
    match dtype {
        DType::Bool => Some(0.0..=1.0),
        DType::U8 => Some(0.0..=255.0),
        DType::I32 => Some(f64::from(i32::MIN)..=f64::from(i32::MAX)),
        DType::I64 => Some(-9_007_199_254_740_992.0..=9_007_199_254_740_992.0),
        DType::F16 | DType::BF16 | DType::F32 | DType::F64 => None,
    }
}

impl OpDef for Constant {
    const SUMMARY: &'static str = "a tensor filled with one value, without inputs";

    fn arity(&self) -> Arity {
        Arity::Exactly(0)
    }

    fn infer(&self, _x: &[&TensorType]) -> Result<Types, OpError> {
        let (fits, expected) = match whole(self.dtype) {
            None => (self.value.get().is_finite(), "expects a finite number".to_owned()),
            Some(range) => {
                let fits = range.contains(&self.value.get()) && self.value.get().fract() == 0.0;
                (fits, format!("expects a whole number that {} holds", self.dtype))
            }
        };
        if !fits {
            return Err(OpError::Attr { attr: "value".into(), expected, found: self.value.to_string() });
        }
        Ok(smallvec![TensorType::new(self.dtype, self.shape.iter().map(|n| Dim::fixed(*n)))])
    }

    fn emit(&self, e: &mut dyn Emit, _x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let ty = TensorType::new(self.dtype, self.shape.iter().map(|n| Dim::fixed(*n)));
        Ok(smallvec![e.prim(Prim::Full { ty, value: self.value }, &[])?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, list, macs, op, weights};

    #[test]
    fn takes_no_inputs() {
        let one = op("constant", &[("shape", list(&[16, 1, 1])), ("value", 1.into())]);
        assert_eq!(one.to_string(), "constant {shape=[16, 1, 1], value=1.0}");
        assert_eq!(infer(&one, &[]), "f32[16, 1, 1]");
        assert_eq!(infer(&one, &["f32[N]"]), "expects 0 inputs, got 1");
        assert_eq!(weights(&one, &[]), "");
        assert_eq!(macs(&one, &[]), [0, 0, 0]);
        let flag = op("constant", &[("shape", list(&[])), ("dtype", "bool".into())]);
        assert_eq!(flag.to_string(), "constant {shape=[], dtype=bool}");
        assert_eq!(infer(&flag, &[]), "bool[]");
    }

    #[test]
    fn refuses_values_that_the_type_lacks() {
        let byte = op("constant", &[("shape", list(&[2])), ("value", 256.into()), ("dtype", "u8".into())]);
        assert_eq!(infer(&byte, &[]), "attribute `value` expects a whole number that u8 holds, not `256.0`");
        let half = op("constant", &[("shape", list(&[2])), ("value", 0.5.into()), ("dtype", "i64".into())]);
        assert_eq!(infer(&half, &[]), "attribute `value` expects a whole number that i64 holds, not `0.5`");
        let endless = op("constant", &[("shape", list(&[2])), ("value", f64::INFINITY.into())]);
        assert_eq!(infer(&endless, &[]), "attribute `value` expects a finite number, not `inf`");
    }
}
