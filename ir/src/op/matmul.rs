//! `matmul`: matrix product.

use super::count::each;
use super::shape::numeric;
use super::{Arity, OpDef, OpError, Types, broadcast};
use crate::cost::Convention;
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::{Dim, TensorType};
use smallvec::smallvec;

crate::op! {
    /// The product of two matrices, `[..., I, K]` by `[..., K, J]` to `[..., I, J]`; PyTorch's `matmul`. Leading axes
    /// broadcast; a vector `[K]` counts as a row on the left and as a column on the right, and its axis of size 1 is
    /// dropped from the result.
    ///
    /// Every convention counts `K` products per output element, as for a linear layer without a bias.
    Matmul = "matmul" {}
}

impl OpDef for Matmul {
    const SUMMARY: &'static str = "matrix product of two tensors, leading axes broadcast";

    fn arity(&self) -> Arity {
        Arity::Exactly(2)
    }

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        let (a, b) = (x[0], x[1]);
        let fail = |why: String| OpError::Shape(format!("cannot multiply {a} by {b}: {why}"));
        if a.dtype != b.dtype {
            return Err(fail("the element types differ".into()));
        }
        numeric(a)?;
        // The last axis of the left, the last but one of the right, and what stands before the matrices.
        let (Some((&inner, a_rest)), Some((&last, _))) = (a.shape.split_last(), b.shape.split_last()) else {
            return Err(fail("both need an axis".into()));
        };
        let (a_lead, rows) = a_rest.split_last().map_or((&[][..], None), |(rows, lead)| (lead, Some(*rows)));
        let (b_lead, b_inner, columns) = match &b.shape[..] {
            [lead @ .., k, _] => (lead, *k, Some(last)),
            _ => (&[][..], last, None),
        };
        if inner != b_inner {
            return Err(fail(format!("the inner sizes {inner} and {b_inner} differ")));
        }
        let lead = [a_lead, b_lead].map(|dims: &[Dim]| a.with_shape(dims.iter().copied()));
        let mut y = broadcast(&[&lead[0], &lead[1]]).map_err(|_| fail("the leading axes do not broadcast".into()))?;
        y.shape.extend(rows.into_iter().chain(columns));
        Ok(smallvec![y])
    }

    fn macs(&self, _convention: Convention, x: &[&TensorType], y: &[TensorType]) -> u64 {
        let inner = x[0].shape.last().map_or(0, |d| d.per_example());
        each(inner, &y[0])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![e.prim(Prim::Matmul, x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn multiplies_matrices_and_vectors() {
        let matmul = op("matmul", &[]);
        assert_eq!(matmul.to_string(), "matmul");
        assert!(!matmul.is_commutative());
        assert_eq!(infer(&matmul, &["f32[N, 3]", "f32[3, 5]"]), "f32[N, 5]");
        assert_eq!(infer(&matmul, &["f32[N, 8, 49, 32]", "f32[N, 1, 32, 49]"]), "f32[N, 8, 49, 49]");
        assert_eq!(infer(&matmul, &["f32[3]", "f32[N, 3, 5]"]), "f32[N, 5]");
        assert_eq!(infer(&matmul, &["f32[N, 4, 3]", "f32[3]"]), "f32[N, 4]");
        assert_eq!(infer(&matmul, &["f32[3]", "f32[3]"]), "f32[]");
        assert_eq!(weights(&matmul, &["f32[N, 3]", "f32[3, 5]"]), "");
        assert_eq!(macs(&matmul, &["f32[N, 3]", "f32[3, 5]"]), [15, 15, 15]);
        assert_eq!(macs(&matmul, &["f32[N, 8, 49, 32]", "f32[N, 8, 32, 49]"]), [8 * 49 * 49 * 32; 3]);
    }

    #[test]
    fn refuses_what_does_not_match() {
        let matmul = op("matmul", &[]);
        let text = "cannot multiply f32[N, 3] by f32[4, 5]: the inner sizes 3 and 4 differ";
        assert_eq!(infer(&matmul, &["f32[N, 3]", "f32[4, 5]"]), text);
        let text = "cannot multiply f32[2, 4, 3] by f32[5, 3, 4]: the leading axes do not broadcast";
        assert_eq!(infer(&matmul, &["f32[2, 4, 3]", "f32[5, 3, 4]"]), text);
        let text = "cannot multiply f32[N, 3] by f64[3, 5]: the element types differ";
        assert_eq!(infer(&matmul, &["f32[N, 3]", "f64[3, 5]"]), text);
        assert_eq!(infer(&matmul, &["f32[]", "f32[3]"]), "cannot multiply f32[] by f32[3]: both need an axis");
    }
}
