//! `concat`: tensors side by side.

use super::shape::{axis, place};
use super::{Arity, OpDef, OpError, Types};
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::{Dim, TensorType};
use smallvec::smallvec;

crate::op! {
    /// One or more tensors joined along an axis, the channels unless told; PyTorch's `cat`.
    Concat = "concat" {
        /// The axis; negative counts from the end.
        axis: i64 = 1,
    }
}

/// The sum of two sizes; a batch joins only a batch.
fn joined(a: Dim, b: Dim) -> Option<Dim> {
    let size = u32::try_from(a.per_example() + b.per_example()).ok()?;
    match (a.is_batch(), b.is_batch()) {
        (false, false) => Some(Dim::fixed(size)),
        (true, true) => Some(Dim::batches(size)),
        _ => None,
    }
}

impl OpDef for Concat {
    const SUMMARY: &'static str = "tensors joined along an axis";

    fn arity(&self) -> Arity {
        Arity::AtLeast(1)
    }

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        let at = axis("axis", self.axis, x[0])?;
        let mut out = x[0].clone();
        for y in &x[1..] {
            let fail = |why: &str| {
                OpError::Shape(format!("cannot join {} and {y} along axis {at}: {why}", x[0]))
            };
            if y.dtype != out.dtype {
                return Err(fail("the element types differ"));
            }
            let same = |i: usize| i == at || y.shape[i] == out.shape[i];
            if y.rank() != out.rank() || !(0..out.rank()).all(same) {
                return Err(fail("the other axes differ"));
            }
            out.shape[at] = joined(out.shape[at], y.shape[at]).ok_or_else(|| fail("the sizes have no sum"))?;
        }
        Ok(smallvec![out])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        let at = place(self.axis, e.type_of(x[0]));
        Ok(smallvec![e.prim(Prim::Concat { axis: at }, x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn joins_channels() {
        let concat = op("concat", &[]);
        assert_eq!(concat.to_string(), "concat");
        assert!(!concat.is_commutative());
        let x = ["f32[N, 16, 8, 8]", "f32[N, 24, 8, 8]", "f32[N, 8, 8, 8]"];
        assert_eq!(infer(&concat, &x), "f32[N, 48, 8, 8]");
        assert_eq!(weights(&concat, &x), "");
        assert_eq!(macs(&concat, &x), [0, 0, 0]);
    }

    #[test]
    fn joins_batches() {
        let concat = op("concat", &[("axis", 0.into())]);
        assert_eq!(concat.to_string(), "concat {axis=0}");
        assert_eq!(infer(&concat, &["f32[N, 3]", "f32[2N, 3]"]), "f32[3N, 3]");
        let text = "cannot join f32[N, 3] and f32[4, 3] along axis 0: the sizes have no sum";
        assert_eq!(infer(&concat, &["f32[N, 3]", "f32[4, 3]"]), text);
    }

    #[test]
    fn refuses_what_does_not_match() {
        let concat = op("concat", &[]);
        let text = "cannot join f32[N, 16, 8, 8] and f32[N, 16, 4, 4] along axis 1: the other axes differ";
        assert_eq!(infer(&concat, &["f32[N, 16, 8, 8]", "f32[N, 16, 4, 4]"]), text);
        let text = "cannot join f32[N, 16] and f16[N, 16] along axis 1: the element types differ";
        assert_eq!(infer(&concat, &["f32[N, 16]", "f16[N, 16]"]), text);
        assert_eq!(infer(&concat, &["f32[N]"]), "attribute `axis` expects an axis of f32[N], not `1`");
    }
}
