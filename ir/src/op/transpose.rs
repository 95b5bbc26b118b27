//! `transpose`: axes in another order.

use super::{AttrType, OpDef, OpError, Types};
use crate::prim::{Emit, EmitError, Prim, Var, Vars};
use crate::ty::TensorType;
use smallvec::{SmallVec, smallvec};

crate::op! {
    /// The axes in another order: axis `i` of the result is axis `perm[i]` of the input; PyTorch's `permute`.
    ///
    /// A whole permutation, never a pair of axes to swap, so that one reordering has one spelling: `[0, 2, 1]` is
    /// PyTorch's `transpose(1, 2)` of a rank-3 tensor.
    Transpose = "transpose" {
        /// A permutation of the axes, each counted from 0.
        perm: Vec<u32>,
    }
}

impl OpDef for Transpose {
    const SUMMARY: &'static str = "axes in another order, by a permutation";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        let x = x[0];
        let mut seen: SmallVec<[bool; 8]> = smallvec![false; x.rank()];
        let fresh = |a: &u32| seen.get_mut(*a as usize).is_some_and(|s| !std::mem::replace(s, true));
        if self.perm.len() != x.rank() || !self.perm.iter().all(fresh) {
            let expected = format!("expects a permutation of the {} axes of {x}", x.rank());
            return Err(OpError::Attr { attr: "perm".into(), expected, found: self.perm.to_value().to_string() });
        }
        Ok(smallvec![x.with_shape(self.perm.iter().map(|a| x.shape[*a as usize]))])
    }

    fn emit(&self, e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![e.prim(Prim::Permute { perm: self.perm.iter().copied().collect() }, x)?])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, list, macs, op, weights};

    #[test]
    fn permutes() {
        let transpose = op("transpose", &[("perm", list(&[0, 2, 3, 1]))]);
        assert_eq!(transpose.to_string(), "transpose {perm=[0, 2, 3, 1]}");
        assert_eq!(infer(&transpose, &["f32[N, 3, 8, 9]"]), "f32[N, 8, 9, 3]");
        assert_eq!(weights(&transpose, &["f32[N, 3, 8, 9]"]), "");
        assert_eq!(macs(&transpose, &["f32[N, 3, 8, 9]"]), [0, 0, 0]);
    }

    #[test]
    fn refuses_what_is_no_permutation() {
        let twice = op("transpose", &[("perm", list(&[0, 1, 1]))]);
        let text = "attribute `perm` expects a permutation of the 3 axes of f32[N, 3, 8], not `[0, 1, 1]`";
        assert_eq!(infer(&twice, &["f32[N, 3, 8]"]), text);
        let text = "attribute `perm` expects a permutation of the 2 axes of f32[N, 3], not `[0, 1, 1]`";
        assert_eq!(infer(&twice, &["f32[N, 3]"]), text);
    }
}
