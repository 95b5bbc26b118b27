//! `split`: a tensor in pieces.

use super::shape::{axis, place};
use super::{AttrType, OpDef, OpError, Types};
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::{Dim, TensorType};

/// The most outputs that a node may have.
const MOST: u32 = 256;

crate::op! {
    /// Pieces of a tensor along an axis, one output each: `parts` equal ones, or pieces of the given `sizes`; PyTorch's
    /// `chunk` and `split`.
    Split = "split" {
        /// Sizes of the pieces; none for equal ones.
        sizes: Vec<u32> = Vec::new(),
        /// Number of pieces, 1 to 256; two unless told.
        parts: u32 = if sizes.is_empty() { 2 } else { sizes.len() as u32 },
        /// The axis; negative counts from the end.
        axis: i64 = 1,
    }
}

impl OpDef for Split {
    const SUMMARY: &'static str = "pieces along an axis, equal or of given sizes, one output each";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        let at = axis("axis", self.axis, x[0])?;
        let attr = |attr: &str, expected: String, found: String| OpError::Attr { attr: attr.into(), expected, found };
        if !(1..=MOST).contains(&self.parts) {
            return Err(attr("parts", format!("expects 1 to {MOST} pieces"), self.parts.to_string()));
        }
        let whole = x[0].shape[at];
        if self.sizes.is_empty() {
            let size = whole.per_example() as u32;
            if size == 0 || !size.is_multiple_of(self.parts) {
                let text = format!("axis {at} of {} does not split into {} equal parts", x[0], self.parts);
                return Err(OpError::Shape(text));
            }
            let piece = if whole.is_batch() { Dim::batches } else { Dim::fixed };
            let mut y = x[0].clone();
            y.shape[at] = piece(size / self.parts);
            return Ok((0..self.parts).map(|_| y.clone()).collect());
        }
        if self.sizes.len() != self.parts as usize {
            let expected = format!("expects the number of sizes, {}", self.sizes.len());
            return Err(attr("parts", expected, self.parts.to_string()));
        }
        let sum: u64 = self.sizes.iter().map(|s| u64::from(*s)).sum();
        if self.sizes.contains(&0) || whole.known().map(u64::from) != Some(sum) {
            let sizes = self.sizes.to_value();
            let text = format!("axis {at} of {} does not split into {sizes}, which sum to {sum}", x[0]);
            return Err(OpError::Shape(text));
        }
        let piece = |size: &u32| {
            let mut y = x[0].clone();
            y.shape[at] = Dim::fixed(*size);
            y
        };
        Ok(self.sizes.iter().map(piece).collect())
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let at = place(self.axis, e.type_of(x[0]));
        let whole = e.type_of(x[0]).shape[at as usize].per_example() as u32;
        let mut start = 0;
        (0..self.parts as usize)
            .map(|i| {
                let len = self.sizes.get(i).copied().unwrap_or(whole / self.parts);
                let piece = e.prim(Prim::Slice { axis: at, start, len, step: 1 }, x);
                start += len;
                piece
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, list, macs, op, weights};

    #[test]
    fn halves_the_channels() {
        let split = op("split", &[]);
        assert_eq!(split.to_string(), "split");
        assert_eq!(infer(&split, &["f32[N, 16, 8, 8]"]), "f32[N, 8, 8, 8], f32[N, 8, 8, 8]");
        assert_eq!(weights(&split, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&split, &["f32[N, 16, 8, 8]"]), [0, 0, 0]);
        assert_eq!(infer(&split, &["f32[N, 15]"]), "axis 1 of f32[N, 15] does not split into 2 equal parts");
    }

    #[test]
    fn cuts_given_sizes() {
        let split = op("split", &[("sizes", list(&[1, 5])), ("axis", (-1).into())]);
        assert_eq!(split.to_string(), "split {sizes=[1, 5], axis=-1}");
        assert_eq!(infer(&split, &["f32[N, 6]"]), "f32[N, 1], f32[N, 5]");
        let text = "axis 1 of f32[N, 7] does not split into [1, 5], which sum to 6";
        assert_eq!(infer(&split, &["f32[N, 7]"]), text);
    }

    #[test]
    fn refuses_senseless_numbers() {
        let none = op("split", &[("parts", 0.into())]);
        assert_eq!(infer(&none, &["f32[N, 6]"]), "attribute `parts` expects 1 to 256 pieces, not `0`");
        let both = op("split", &[("sizes", list(&[1, 5])), ("parts", 3.into())]);
        assert_eq!(infer(&both, &["f32[N, 6]"]), "attribute `parts` expects the number of sizes, 2, not `3`");
        let batch = op("split", &[("axis", 0.into())]);
        assert_eq!(infer(&batch, &["f32[N, 6]"]), "axis 0 of f32[N, 6] does not split into 2 equal parts");
        assert_eq!(infer(&batch, &["f32[4N, 6]"]), "f32[2N, 6], f32[2N, 6]");
    }
}
