//! Counting rules that several ops share. Every count saturates, as sizes up to `u32::MAX` are legal.
//!
//! The rules restate what the tools do, module by module: `thop` 0.0.31 (the release whose counts the field's tables
//! hold; 0.1 doubles an affine norm) and `ptflops` 0.7.5. Where a tool has no rule for an op, the count is 0.

use crate::cost::Convention;
use crate::ty::TensorType;

/// `per` operations for every element of `x`.
pub(super) fn each(per: u64, x: &TensorType) -> u64 {
    x.numel().saturating_mul(per)
}

/// An activation that `ptflops` counts, one per element; it is free by the other conventions.
pub(super) fn activation(convention: Convention, x: &TensorType) -> u64 {
    if convention == Convention::Ptflops { x.numel() } else { 0 }
}

/// Outputs `y` that each take `taps` products and, with `bias`, one addition that `thop` leaves out.
pub(super) fn products(convention: Convention, taps: u64, bias: bool, y: &TensorType) -> u64 {
    each(taps.saturating_add(u64::from(bias && convention != Convention::Thop)), y)
}

/// An average over windows whose place depends on the output size: by `thop` every input is added once and every
/// output divided once (the window's area plus one per output); by `ptflops` one per input.
pub(super) fn adaptive_average(convention: Convention, x: &TensorType, y: &TensorType) -> u64 {
    match convention {
        Convention::Nasbench => 0,
        Convention::Thop => x.numel().saturating_add(y.numel()),
        Convention::Ptflops => x.numel(),
    }
}
