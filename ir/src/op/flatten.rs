//! `flatten`: neighbouring axes as one.

use super::shape::axis;
use super::{Attrs, OpDef, OpError, Types};
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::{Dim, TensorType};
use smallvec::smallvec;

crate::op! {
    /// The axes from `start` to `end`, inclusive, as one; PyTorch's `Flatten`. All but the batch unless told.
    Flatten = "flatten" {
        /// The first axis; negative counts from the end.
        start: i64 = 1,
        /// The last axis; negative counts from the end.
        end: i64 = -1,
    }
}

impl OpDef for Flatten {
    const SUMMARY: &'static str = "neighbouring axes as one; all but the first unless told";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        let (start, end) = (axis("start", self.start, x[0])?, axis("end", self.end, x[0])?);
        if start > end {
            let text = format!("cannot flatten {}: start={} comes after end={}", x[0], self.start, self.end);
            return Err(OpError::Shape(text));
        }
        let dims = &x[0].shape[..];
        let flat = dims[start..=end].iter().try_fold(Dim::fixed(1), |a, b| a.times(*b));
        let flat = flat.ok_or_else(|| OpError::Shape(format!("cannot flatten {}: the size is too large", x[0])))?;
        let shape = dims[..start].iter().copied().chain([flat]).chain(dims[end + 1..].iter().copied());
        Ok(smallvec![x[0].with_shape(shape)])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let shape = self.infer(&[e.type_of(x[0])]).map(|t| t[0].shape.clone());
        let shape = shape.map_err(|source| EmitError::Prim { prim: Self::NAME.into(), source })?;
        Ok(smallvec![e.prim(Prim::Reshape { shape }, x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn keeps_the_batch_unless_told() {
        let flatten = op("flatten", &[]);
        assert_eq!(flatten.to_string(), "flatten");
        assert_eq!(infer(&flatten, &["f32[N, 16, 4, 4]"]), "f32[N, 256]");
        assert_eq!(infer(&flatten, &["f32[N, 16]"]), "f32[N, 16]");
        assert_eq!(weights(&flatten, &["f32[N, 16, 4, 4]"]), "");
        assert_eq!(macs(&flatten, &["f32[N, 16, 4, 4]"]), [0, 0, 0]);
        let front = op("flatten", &[("start", 0.into()), ("end", 1.into())]);
        assert_eq!(front.to_string(), "flatten {start=0, end=1}");
        assert_eq!(infer(&front, &["f32[N, 16, 4, 4]"]), "f32[16N, 4, 4]");
    }

    #[test]
    fn refuses_senseless_axes() {
        let back = op("flatten", &[("start", 2.into()), ("end", 1.into())]);
        assert_eq!(infer(&back, &["f32[N, 3, 4]"]), "cannot flatten f32[N, 3, 4]: start=2 comes after end=1");
        assert_eq!(infer(&op("flatten", &[]), &["f32[N]"]), "attribute `start` expects an axis of f32[N], not `1`");
        let text = "cannot flatten f32[N, 65536, 65536]: the size is too large";
        assert_eq!(infer(&op("flatten", &[]), &["f32[N, 65536, 65536]"]), text);
    }
}
