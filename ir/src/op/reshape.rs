//! `reshape`: the same elements in another shape.

use super::{Attrs, AttrType, OpDef, OpError, Types};
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::{Dim, Shape, TensorType};
use smallvec::smallvec;

crate::op! {
    /// The same elements, in the same order, in another shape; PyTorch's `reshape`. As the batch size has no number,
    /// a `0` keeps the input's size at that place (ONNX's rule): `[0, -1]` is `[N, C, H, W]` to `[N, C*H*W]`.
    Reshape = "reshape" {
        /// The sizes; `0` keeps the input's size at that place, and one `-1` stands for what is left.
        shape: Vec<i64>,
    }
}

/// A product of sizes: a number, and how often the batch size is a factor.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Count {
    size: u128,
    batches: u32,
}

impl Count {
    fn of<'a>(dims: impl IntoIterator<Item = &'a Dim>) -> Option<Self> {
        dims.into_iter().try_fold(Self { size: 1, batches: 0 }, |n, d| {
            let size = n.size.checked_mul(u128::from(d.per_example()))?;
            Some(Self { size, batches: n.batches + u32::from(d.is_batch()) })
        })
    }

    /// The one size that makes `self` out of `other`.
    fn over(self, other: Self) -> Option<Dim> {
        if other.size == 0 || !self.size.is_multiple_of(other.size) {
            return None;
        }
        let size = u32::try_from(self.size / other.size).ok()?;
        match self.batches.checked_sub(other.batches)? {
            0 => Some(Dim::fixed(size)),
            1 => Some(Dim::batches(size)),
            _ => None,
        }
    }
}

impl OpDef for Reshape {
    const SUMMARY: &'static str = "the same elements in another shape; 0 keeps a size, one -1 is worked out";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        let x = x[0];
        let fail = |why: &str| OpError::Shape(format!("cannot reshape {x} to {}: {why}", self.shape.to_value()));
        let mut shape = Shape::new();
        let mut open = None;
        for (i, size) in self.shape.iter().enumerate() {
            shape.push(match size {
                0 => *x.shape.get(i).ok_or_else(|| fail("a 0 stands where the input has no axis"))?,
                -1 if open.replace(i).is_some() => return Err(fail("more than one -1")),
                -1 => Dim::fixed(1),
                n => Dim::fixed(u32::try_from(*n).map_err(|_| fail("a size is out of range"))?),
            });
        }
        let (Some(have), Some(want)) = (Count::of(&x.shape), Count::of(&shape)) else {
            return Err(fail("too many elements"));
        };
        match open {
            Some(i) => shape[i] = have.over(want).ok_or_else(|| fail("no size fits -1"))?,
            None if have != want => return Err(fail("the numbers of elements differ")),
            None => {}
        }
        Ok(smallvec![x.with_shape(shape)])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let shape = self.infer(&[e.type_of(x[0])]).map(|t| t[0].shape.clone());
        let shape = shape.map_err(|source| EmitError::Prim { prim: Self::NAME.into(), source })?;
        Ok(smallvec![e.prim(Prim::Reshape { shape }, x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, list, macs, op, weights};

    fn reshape(shape: &[i64], x: &str) -> String {
        infer(&op("reshape", &[("shape", list(shape))]), &[x])
    }

    #[test]
    fn keeps_the_batch_and_works_one_size_out() {
        let op = op("reshape", &[("shape", list(&[0, 4, -1]))]);
        assert_eq!(op.to_string(), "reshape {shape=[0, 4, -1]}");
        assert_eq!(infer(&op, &["f32[N, 16, 2, 2]"]), "f32[N, 4, 16]");
        assert_eq!(weights(&op, &["f32[N, 16, 2, 2]"]), "");
        assert_eq!(macs(&op, &["f32[N, 16, 2, 2]"]), [0, 0, 0]);
        assert_eq!(reshape(&[-1, 8], "f32[N, 16, 2, 2]"), "f32[8N, 8]");
        assert_eq!(reshape(&[-1, 64], "f32[N, 16, 2, 2]"), "f32[N, 64]");
        assert_eq!(reshape(&[], "f32[1, 1]"), "f32[]");
        assert_eq!(reshape(&[65536, -1], "f32[65536, 65536, 3]"), "f32[65536, 196608]");
    }

    #[test]
    fn refuses_another_number_of_elements() {
        let x = "f32[N, 6]";
        assert_eq!(reshape(&[0, 4], x), "cannot reshape f32[N, 6] to [0, 4]: the numbers of elements differ");
        assert_eq!(reshape(&[0, 4, -1], x), "cannot reshape f32[N, 6] to [0, 4, -1]: no size fits -1");
        assert_eq!(reshape(&[-1, -1], x), "cannot reshape f32[N, 6] to [-1, -1]: more than one -1");
        assert_eq!(reshape(&[6, -2], x), "cannot reshape f32[N, 6] to [6, -2]: a size is out of range");
        let text = "cannot reshape f32[N, 6] to [-1, 6, 0]: a 0 stands where the input has no axis";
        assert_eq!(reshape(&[-1, 6, 0], x), text);
    }
}
