//! `add`: element-wise sum.

use super::{Arity, OpDef, OpError, Types, broadcast};
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// The sum of one or more tensors, with broadcasting.
    Add = "add" {}
}

impl OpDef for Add {
    const SUMMARY: &'static str = "element-wise sum of one or more tensors, with broadcasting";
    const COMMUTATIVE: bool = true;

    fn arity(&self) -> Arity {
        Arity::AtLeast(1)
    }

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        Ok(smallvec![broadcast(x)?])
    }
}
