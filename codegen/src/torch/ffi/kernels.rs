//! The CPU's fused kernels. What they compute is said in `bridge/kernels/kernels.h`.

use super::{call, maybe, one, raw};
use std::ffi::{c_char, c_int};
use tch::{TchError, Tensor};
use torch_sys::C_tensor;

unsafe extern "C" {
    fn lanista_depthwise(
        x: *const C_tensor,
        w: *const C_tensor,
        window: *const i64,
        scale: *const C_tensor,
        shift: *const C_tensor,
        relu: c_int,
        out: *mut *mut C_tensor,
    ) -> *const c_char;
    fn lanista_depthwise_backward(
        g: *const C_tensor,
        x: *const C_tensor,
        w: *const C_tensor,
        window: *const i64,
        scale: *const C_tensor,
        shift: *const C_tensor,
        relu: c_int,
        want_x: c_int,
        want_w: c_int,
        out: *mut *mut C_tensor,
    ) -> *const c_char;
    fn lanista_batch_norm_stats(
        z: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
        running_mean: *const C_tensor,
        running_var: *const C_tensor,
        momentum: f64,
        eps: f64,
        out: *mut *mut C_tensor,
    ) -> *const c_char;
    fn lanista_affine_sum(
        x: *const *const C_tensor,
        scale: *const *const C_tensor,
        shift: *const *const C_tensor,
        terms: c_int,
        relu: c_int,
        out: *mut *mut C_tensor,
    ) -> *const c_char;
    fn lanista_batch_norm_reduce(
        g: *const C_tensor,
        z: *const C_tensor,
        weight: *const C_tensor,
        mean: *const C_tensor,
        invstd: *const C_tensor,
        out: *mut *mut C_tensor,
    ) -> *const c_char;
    fn lanista_batch_norm_backward_apply(
        g: *const C_tensor,
        z: *const C_tensor,
        factors: *const C_tensor,
        out: *mut *mut C_tensor,
    ) -> *const c_char;
    fn lanista_pointwise(
        x: *const C_tensor,
        w: *const C_tensor,
        stride: *const i64,
        scale: *const C_tensor,
        shift: *const C_tensor,
        relu: c_int,
        out: *mut *mut C_tensor,
    ) -> *const c_char;
    fn lanista_pointwise_backward(
        g: *const C_tensor,
        z: *const C_tensor,
        factors: *const C_tensor,
        x: *const C_tensor,
        w: *const C_tensor,
        stride: *const i64,
        scale: *const C_tensor,
        shift: *const C_tensor,
        relu: c_int,
        want_x: c_int,
        want_w: c_int,
        out: *mut *mut C_tensor,
    ) -> *const c_char;
}

/// Scale and shift, `[C]`, and whether a ReLU follows: what a fused kernel does to its input.
#[derive(Clone, Copy)]
pub struct Folded<'a> {
    pub norm: Option<(&'a Tensor, &'a Tensor)>,
    pub relu: bool,
}

impl Folded<'_> {
    fn raw(self) -> (*const C_tensor, *const C_tensor, c_int) {
        let (scale, shift) = self.norm.unzip();
        (maybe(scale), maybe(shift), c_int::from(self.relu))
    }
}

pub fn depthwise(x: &Tensor, w: &Tensor, window: &[i64; 8], f: Folded<'_>) -> Result<Tensor, TchError> {
    let (scale, shift, relu) = f.raw();
    // SAFETY: live tensors or null, eight numbers, room for one result.
    one(|out| unsafe { lanista_depthwise(raw(x), raw(w), window.as_ptr(), scale, shift, relu, out) })
}

pub fn depthwise_backward(
    g: &Tensor,
    x: &Tensor,
    w: &Tensor,
    window: &[i64; 8],
    f: Folded<'_>,
    want: [bool; 2],
) -> Result<[Option<Tensor>; 2], TchError> {
    let ((scale, shift, relu), [wx, ww]) = (f.raw(), want.map(c_int::from));
    // SAFETY: live tensors or null, eight numbers, room for two results.
    call(|out| unsafe {
        lanista_depthwise_backward(raw(g), raw(x), raw(w), window.as_ptr(), scale, shift, relu, wx, ww, out)
    })
}

/// A pair of tensors, or none.
type Maybe2<'a> = Option<(&'a Tensor, &'a Tensor)>;

/// Mean, inverse deviation, scale, shift; the running mean and variance are updated.
pub fn batch_norm_stats(
    z: &Tensor,
    affine: Maybe2<'_>,
    running: Maybe2<'_>,
    momentum: f64,
    eps: f64,
) -> Result<[Tensor; 4], TchError> {
    let ((weight, bias), (mean, var)) = (affine.unzip(), running.unzip());
    // SAFETY: live tensors or null, room for four results.
    let out = call::<4>(|out| unsafe {
        lanista_batch_norm_stats(raw(z), maybe(weight), maybe(bias), maybe(mean), maybe(var), momentum, eps, out)
    })?;
    Ok(out.map(|t| t.expect("invariant: the bridge gives all four")))
}

/// `relu?(sum of scale * x + shift)` over up to eight images.
pub fn affine_sum(terms: &[(&Tensor, Maybe2<'_>)], relu: bool) -> Result<Tensor, TchError> {
    let x: Vec<_> = terms.iter().map(|(x, _)| raw(x)).collect();
    let scale: Vec<_> = terms.iter().map(|(_, n)| maybe(n.map(|n| n.0))).collect();
    let shift: Vec<_> = terms.iter().map(|(_, n)| maybe(n.map(|n| n.1))).collect();
    // SAFETY: three arrays of live tensors or null, as long as said; room for one result.
    one(|out| unsafe {
        lanista_affine_sum(x.as_ptr(), scale.as_ptr(), shift.as_ptr(), x.len() as c_int, c_int::from(relu), out)
    })
}

/// The gradients of weight and bias, and the factors of the input's gradient.
pub fn batch_norm_reduce(
    g: &Tensor,
    z: &Tensor,
    weight: Option<&Tensor>,
    stat: (&Tensor, &Tensor),
) -> Result<[Tensor; 3], TchError> {
    // SAFETY: live tensors or null, room for three results.
    let out = call::<3>(|out| unsafe {
        lanista_batch_norm_reduce(raw(g), raw(z), maybe(weight), raw(stat.0), raw(stat.1), out)
    })?;
    Ok(out.map(|t| t.expect("invariant: the bridge gives all three")))
}

pub fn batch_norm_apply(g: &Tensor, z: &Tensor, factors: &Tensor) -> Result<Tensor, TchError> {
    // SAFETY: live tensors, room for one result.
    one(|out| unsafe { lanista_batch_norm_backward_apply(raw(g), raw(z), raw(factors), out) })
}

pub fn pointwise(x: &Tensor, w: &Tensor, stride: &[i64; 2], f: Folded<'_>) -> Result<Tensor, TchError> {
    let (scale, shift, relu) = f.raw();
    // SAFETY: live tensors or null, two numbers, room for one result.
    one(|out| unsafe { lanista_pointwise(raw(x), raw(w), stride.as_ptr(), scale, shift, relu, out) })
}

/// The gradients of activation and kernel; `through` holds the convolution's result and the batch norm's factors.
pub fn pointwise_backward(
    g: &Tensor,
    through: Maybe2<'_>,
    x: &Tensor,
    w: &Tensor,
    stride: &[i64; 2],
    f: Folded<'_>,
    want: [bool; 2],
) -> Result<[Option<Tensor>; 2], TchError> {
    let ((scale, shift, relu), (z, factors), [wx, ww]) = (f.raw(), through.unzip(), want.map(c_int::from));
    // SAFETY: live tensors or null, two numbers, room for two results.
    call(|out| unsafe {
        lanista_pointwise_backward(
            raw(g),
            maybe(z),
            maybe(factors),
            raw(x),
            raw(w),
            stride.as_ptr(),
            scale,
            shift,
            relu,
            wx,
            ww,
            out,
        )
    })
}
