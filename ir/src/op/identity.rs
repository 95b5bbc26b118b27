//! `identity`: the input itself.

use super::{OpDef, OpError, Types};
use crate::prim::{Emit, EmitError, Var, Vars};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// The input, unchanged; PyTorch's `Identity`, the search spaces' `skip_connect`.
    Identity = "identity" {}
}

impl OpDef for Identity {
    const SUMMARY: &'static str = "the input, unchanged";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        Ok(smallvec![x[0].clone()])
    }

    fn emit(&self, _e: &mut dyn Emit, x: &[Var], _w: &[Var]) -> Result<Vars, EmitError> {
        Ok(smallvec![x[0]])
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{infer, macs, op, weights};

    #[test]
    fn changes_nothing() {
        let identity = op("identity", &[]);
        assert_eq!(identity.to_string(), "identity");
        assert_eq!(infer(&identity, &["bool[4N]"]), "bool[4N]");
        assert_eq!(infer(&identity, &["f32[N]", "f32[N]"]), "expects 1 input, got 2");
        assert_eq!(weights(&identity, &["f32[N, 16, 8, 8]"]), "");
        assert_eq!(macs(&identity, &["f32[N, 16, 8, 8]"]), [0, 0, 0]);
    }
}
