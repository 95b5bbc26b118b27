//! `slice`: a range of indices along an axis.

use super::shape::{axis, place};
use super::{OpDef, OpError, Types};
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::{Dim, TensorType};
use smallvec::smallvec;

crate::op! {
    /// The indices `start`, `start + step`, ... below `end` along an axis; Python's `x[start:end:step]` in PyTorch.
    /// Negative ends count from the end, ends outside are cut to the tensor, and an empty range is refused.
    Slice = "slice" {
        /// The axis; negative counts from the end.
        axis: i64,
        /// The first index.
        start: i64 = 0,
        /// The index after the last; the end of the axis unless given.
        end: Option<i64> = None,
        /// Distance of the indices.
        step: u32 = 1,
    }
}

impl Slice {
    /// The first index and the number of indices, of an axis of this size; the step is above zero.
    fn range(&self, size: i64) -> (u32, u32) {
        let place = |i: i64| if i < 0 { i.saturating_add(size).max(0) } else { i.min(size) };
        let (start, end) = (place(self.start), self.end.map_or(size, place));
        (u32::try_from(start).unwrap_or(0), u32::try_from(end - start).unwrap_or(0).div_ceil(self.step))
    }
}

impl OpDef for Slice {
    const SUMMARY: &'static str = "a range of indices along an axis, start:end:step";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        let at = axis("axis", self.axis, x[0])?;
        let Some(size) = x[0].shape[at].known() else {
            return Err(OpError::Shape(format!("cannot slice the batch axis {at} of {}", x[0])));
        };
        if self.step == 0 {
            return Err(OpError::Attr { attr: "step".into(), expected: "expects 1 or more".into(), found: "0".into() });
        }
        let (_, length) = self.range(i64::from(size));
        if length == 0 {
            let end = self.end.map(|e| e.to_string()).unwrap_or_default();
            let text = format!("the range {}:{end} along axis {at} of {} is empty", self.start, x[0]);
            return Err(OpError::Shape(text));
        }
        let mut y = x[0].clone();
        y.shape[at] = Dim::fixed(length);
        Ok(smallvec![y])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let at = place(self.axis, e.type_of(x[0]));
        let size = e.type_of(x[0]).shape[at as usize].per_example() as i64;
        let (start, len) = self.range(size);
        Ok(smallvec![e.prim(Prim::Slice { axis: at, start, len, step: self.step }, x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn follows_python() {
        let slice = op("slice", &[("axis", 2.into()), ("start", 1.into())]);
        assert_eq!(slice.to_string(), "slice {axis=2, start=1}");
        assert_eq!(infer(&slice, &["f32[N, 16, 8, 8]"]), "f32[N, 16, 7, 8]");
        assert_eq!(weights(&slice, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&slice, &["f32[N, 16, 8, 8]"]), [0, 0, 0]);
        let slice = op("slice", &[("axis", (-1).into()), ("start", (-5).into()), ("end", (-1).into()), ("step", 3.into())]);
        assert_eq!(slice.to_string(), "slice {axis=-1, start=-5, end=-1, step=3}");
        assert_eq!(infer(&slice, &["f32[N, 8]"]), "f32[N, 2]");
        assert_eq!(infer(&slice, &["f32[N, 2]"]), "f32[N, 1]");
        let far = op("slice", &[("axis", 1.into()), ("end", 99.into())]);
        assert_eq!(infer(&far, &["f32[N, 8]"]), "f32[N, 8]");
    }

    #[test]
    fn refuses_empty_ranges_and_the_batch() {
        let slice = op("slice", &[("axis", 1.into()), ("start", 8.into())]);
        assert_eq!(infer(&slice, &["f32[N, 8]"]), "the range 8: along axis 1 of f32[N, 8] is empty");
        let batch = op("slice", &[("axis", 0.into()), ("end", 1.into())]);
        assert_eq!(infer(&batch, &["f32[N, 8]"]), "cannot slice the batch axis 0 of f32[N, 8]");
        let still = op("slice", &[("axis", 1.into()), ("step", 0.into())]);
        assert_eq!(infer(&still, &["f32[N, 8]"]), "attribute `step` expects 1 or more, not `0`");
    }
}
