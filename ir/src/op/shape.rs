//! Shape rules that several ops share.

use super::{AttrType, OpError, Pair};
use crate::prim::{Axes, Binary, Drop, Emit, EmitError, Mode, Prim, Var};
use crate::ty::{DType, Dim, Shape, TensorType};
use crate::value::Real;
use smallvec::{SmallVec, smallvec};
use std::ops::RangeInclusive;

/// The four dimensions of an image batch `[N, C, H, W]`, with known channels, height and width.
///
/// # Errors
/// If the rank is not 4, or channels, height or width are symbolic or zero.
pub(super) fn image(x: &TensorType) -> Result<(Dim, u32, u32, u32), OpError> {
    let [n, c, h, w] = x.shape[..] else {
        return Err(OpError::Shape(format!("expects rank 4, [N, C, H, W], got {x}")));
    };
    match (positive(c), positive(h), positive(w)) {
        (Some(c), Some(h), Some(w)) => Ok((n, c, h, w)),
        _ => Err(OpError::Shape(format!("expects [N, C, H, W] with fixed C, H and W above zero, got {x}"))),
    }
}

/// The size of axis 1, the channels of `[N, C, ...]`.
///
/// # Errors
/// If the rank is below `rank`, or the size is symbolic or zero.
pub(super) fn channels(x: &TensorType, rank: usize) -> Result<u32, OpError> {
    let c = x.shape.get(1).copied().filter(|_| x.rank() >= rank).and_then(positive);
    c.ok_or_else(|| {
        let dots = if rank > 2 { ", ..." } else { "" };
        OpError::Shape(format!("expects rank {rank} or more, [N, C{dots}], with a fixed C above zero, got {x}"))
    })
}

/// A size that neither depends on the batch nor is zero.
pub(super) fn positive(d: Dim) -> Option<u32> {
    d.known().filter(|n| *n > 0)
}

/// Refuses elements that are not floating-point.
///
/// # Errors
/// If they are not.
pub(super) fn floating(x: &TensorType) -> Result<(), OpError> {
    if x.dtype.is_float() {
        return Ok(());
    }
    Err(OpError::Shape(format!("expects floating-point elements, got {x}")))
}

/// Refuses booleans.
///
/// # Errors
/// If the elements are booleans.
pub(super) fn numeric(x: &TensorType) -> Result<(), OpError> {
    if x.dtype != DType::Bool {
        return Ok(());
    }
    Err(OpError::Shape(format!("expects numbers, got {x}")))
}

/// The type with `f32` in place of integers and booleans, as true division and `sigmoid` promote them.
pub(super) fn promoted(x: &TensorType) -> TensorType {
    let dtype = if x.dtype.is_float() { x.dtype } else { DType::F32 };
    TensorType::new(dtype, x.shape.iter().copied())
}

/// Refuses a number outside a closed range; `expected` completes "attribute `p` expects ...".
///
/// # Errors
/// If it lies outside, or is no number.
pub(super) fn within(attr: &str, x: Real, range: RangeInclusive<f64>, expected: &str) -> Result<(), OpError> {
    if range.contains(&x.get()) {
        return Ok(());
    }
    let expected = format!("expects {expected}");
    Err(OpError::Attr { attr: attr.to_owned(), expected, found: x.to_string() })
}

/// Refuses an epsilon that is negative or not finite.
///
/// # Errors
/// If it is.
pub(super) fn epsilon(eps: Real) -> Result<(), OpError> {
    within("eps", eps, 0.0..=f64::MAX, "a finite number from 0")
}

fn window_out(size: u32, k: u32, stride: u32, pad: u32, dilation: u32, ceil: bool) -> Option<u32> {
    let (size, k, stride) = (u64::from(size), u64::from(k), u64::from(stride));
    let (pad, dilation) = (u64::from(pad), u64::from(dilation));
    if k == 0 || stride == 0 || dilation == 0 {
        return None;
    }
    let span = (size + 2 * pad).checked_sub(dilation * (k - 1) + 1)?;
    let mut out = if ceil { span.div_ceil(stride) } else { span / stride } + 1;
    // PyTorch's rule: the last window must start inside the image or its left padding.
    if ceil && (out - 1) * stride >= size + pad {
        out -= 1;
    }
    u32::try_from(out).ok()
}

/// Height and width after a convolution.
///
/// # Errors
/// If the kernel does not fit into the padded image, or a kernel, stride or dilation is zero.
pub fn conv_out(
    x: &TensorType,
    hw: (u32, u32),
    k: Pair,
    stride: Pair,
    pad: Pair,
    dilation: Pair,
) -> Result<(u32, u32), OpError> {
    windows(x, hw, k, stride, pad, dilation, false)
}

/// Height and width after a pooling, rounding up if `ceil`.
///
/// # Errors
/// As [`conv_out`], and if the padding exceeds half the kernel.
pub fn pool_out(
    x: &TensorType,
    hw: (u32, u32),
    k: Pair,
    stride: Pair,
    pad: Pair,
    ceil: bool,
) -> Result<(u32, u32), OpError> {
    if 2 * u64::from(pad.h) > u64::from(k.h) || 2 * u64::from(pad.w) > u64::from(k.w) {
        let text = format!("padding {}x{} exceeds half the window {}x{}", pad.h, pad.w, k.h, k.w);
        return Err(OpError::Shape(text));
    }
    windows(x, hw, k, stride, pad, Pair::both(1), ceil)
}

fn windows(
    x: &TensorType,
    (h, w): (u32, u32),
    k: Pair,
    stride: Pair,
    pad: Pair,
    dilation: Pair,
    ceil: bool,
) -> Result<(u32, u32), OpError> {
    let out =
        (window_out(h, k.h, stride.h, pad.h, dilation.h, ceil), window_out(w, k.w, stride.w, pad.w, dilation.w, ceil));
    match out {
        (Some(h), Some(w)) if h > 0 && w > 0 => Ok((h, w)),
        _ => Err(OpError::Shape(format!(
            "a window of {}x{} (stride {}x{}, padding {}x{}, dilation {}x{}) does not fit {x}",
            k.h, k.w, stride.h, stride.w, pad.h, pad.w, dilation.h, dilation.w
        ))),
    }
}

/// The common shape of element-wise operands by the usual broadcasting rule.
///
/// # Errors
/// If two dimensions differ and neither is 1; the message names both types.
pub fn broadcast(x: &[&TensorType]) -> Result<TensorType, OpError> {
    let mut out = x[0].clone();
    for y in &x[1..] {
        let clash = || OpError::Shape(format!("shapes do not match: {out} and {y}"));
        if y.dtype != out.dtype {
            return Err(OpError::Shape(format!("element types do not match: {out} and {y}")));
        }
        if y.shape == out.shape {
            continue;
        }
        let rank = out.rank().max(y.rank());
        let at = |s: &Shape, i: usize| (i + s.len()).checked_sub(rank).map_or(Dim::fixed(1), |j| s[j]);
        let mut shape = Shape::new();
        for i in 0..rank {
            let (a, b) = (at(&out.shape, i), at(&y.shape, i));
            shape.push(match (a.known(), b.known()) {
                _ if a == b => a,
                (Some(1), _) => b,
                (_, Some(1)) => a,
                _ => return Err(clash()),
            });
        }
        out.shape = shape;
    }
    Ok(out)
}

/// An axis counted from the end if negative; `attr` is the attribute that holds it.
///
/// # Errors
/// If it lies outside the rank.
pub(super) fn axis(attr: &str, axis: i64, x: &TensorType) -> Result<usize, OpError> {
    let rank = x.rank() as i64;
    let a = if axis < 0 { axis + rank } else { axis };
    if (0..rank).contains(&a) {
        return Ok(a as usize);
    }
    Err(OpError::Attr { attr: attr.into(), expected: format!("expects an axis of {x}"), found: axis.to_string() })
}

/// The shape that is left when some axes are reduced (all of them if none is named).
///
/// # Errors
/// If an axis lies outside the rank or is named twice.
pub(super) fn reduced(axes: &[i64], keepdim: bool, x: &TensorType) -> Result<Shape, OpError> {
    let mut gone: SmallVec<[bool; 8]> = smallvec![axes.is_empty(); x.rank()];
    for a in axes {
        if std::mem::replace(&mut gone[axis("axes", *a, x)?], true) {
            let expected = format!("expects each axis of {x} once");
            return Err(OpError::Attr { attr: "axes".into(), expected, found: axes.to_vec().to_value().to_string() });
        }
    }
    let kept = x.shape.iter().zip(gone).map(|(d, gone)| if gone { keepdim.then_some(Dim::fixed(1)) } else { Some(*d) });
    Ok(kept.flatten().collect())
}

/// An axis that [`axis`] has accepted, counted from 0.
pub(super) fn place(axis: i64, x: &TensorType) -> u32 {
    let rank = x.rank() as i64;
    u32::try_from(if axis < 0 { axis + rank } else { axis }).expect("invariant: the axis was checked")
}

/// Axes that [`reduced`] has accepted, counted from 0; all of them if none is given.
pub(super) fn places(axes: &[i64], x: &TensorType) -> Axes {
    if axes.is_empty() { (0..x.rank() as u32).collect() } else { axes.iter().map(|a| place(*a, x)).collect() }
}

/// The value with parts of it dropped at random, in training.
pub(super) fn dropped(e: &mut dyn Emit, x: Var, drop: Drop, p: Real) -> Result<Var, EmitError> {
    if e.mode() == Mode::Eval || p.get() == 0.0 {
        return Ok(x);
    }
    let mut ty = e.type_of(x).clone();
    if drop == Drop::Path {
        ty.shape.iter_mut().skip(1).for_each(|d| *d = Dim::fixed(1));
    }
    let mask = e.prim(Prim::Mask { drop, ty, p }, &[])?;
    e.prim(Prim::Binary(Binary::Mul), &[x, mask])
}
