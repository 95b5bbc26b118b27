//! `relu`: rectified linear unit.

use super::{OpDef, OpError, Types};
use crate::cost::Convention;
use crate::ty::TensorType;
use smallvec::smallvec;

crate::op! {
    /// `max(x, 0)`, element by element.
    Relu = "relu" {}
}

impl OpDef for Relu {
    const SUMMARY: &'static str = "max(x, 0)";

    fn infer(&self, x: &[&TensorType]) -> Result<Types, OpError> {
        Ok(smallvec![x[0].clone()])
    }

    fn macs(&self, convention: Convention, _x: &[&TensorType], y: &[TensorType]) -> u64 {
        if convention == Convention::Ptflops { y[0].numel() } else { 0 }
    }
}
