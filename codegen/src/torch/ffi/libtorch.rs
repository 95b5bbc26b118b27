//! Functions of libtorch that tch lacks: backward passes, a memory format, arithmetic with a factor.

use super::{call, check, maybe, one, raw};
use std::ffi::{c_char, c_int};
use tch::{TchError, Tensor};
use torch_sys::C_tensor;

unsafe extern "C" {
    fn lanista_convolution_backward(
        g: *const C_tensor,
        x: *const C_tensor,
        w: *const C_tensor,
        stride: *const i64,
        pad: *const i64,
        dilation: *const i64,
        groups: i64,
        has_bias: c_int,
        want_x: c_int,
        want_w: c_int,
        want_b: c_int,
        out: *mut *mut C_tensor,
    ) -> *const c_char;
    fn lanista_batch_norm_backward(
        g: *const C_tensor,
        x: *const C_tensor,
        weight: *const C_tensor,
        running_mean: *const C_tensor,
        running_var: *const C_tensor,
        mean: *const C_tensor,
        invstd: *const C_tensor,
        train: c_int,
        eps: f64,
        want_x: c_int,
        want_w: c_int,
        want_b: c_int,
        out: *mut *mut C_tensor,
    ) -> *const c_char;
    fn lanista_layer_norm_backward(
        g: *const C_tensor,
        x: *const C_tensor,
        shape: *const i64,
        rank: c_int,
        mean: *const C_tensor,
        rstd: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
        want_x: c_int,
        want_w: c_int,
        want_b: c_int,
        out: *mut *mut C_tensor,
    ) -> *const c_char;
    fn lanista_group_norm_backward(
        g: *const C_tensor,
        x: *const C_tensor,
        mean: *const C_tensor,
        rstd: *const C_tensor,
        weight: *const C_tensor,
        groups: i64,
        want_x: c_int,
        want_w: c_int,
        want_b: c_int,
        out: *mut *mut C_tensor,
    ) -> *const c_char;
    fn lanista_max_pool_backward(
        g: *const C_tensor,
        indices: *const C_tensor,
        sizes: *const i64,
        rank: c_int,
        k: *const i64,
        stride: *const i64,
        pad: *const i64,
        ceil: c_int,
        out: *mut *mut C_tensor,
    ) -> *const c_char;
    fn lanista_avg_pool_backward(
        g: *const C_tensor,
        sizes: *const i64,
        rank: c_int,
        k: *const i64,
        stride: *const i64,
        pad: *const i64,
        ceil: c_int,
        count_include_pad: c_int,
        out: *mut *mut C_tensor,
    ) -> *const c_char;
    fn lanista_adaptive_avg_pool_backward(
        g: *const C_tensor,
        sizes: *const i64,
        rank: c_int,
        out: *mut *mut C_tensor,
    ) -> *const c_char;
    fn lanista_channels_last(x: *const C_tensor, out: *mut *mut C_tensor) -> *const c_char;
    fn lanista_axpy(y: *const C_tensor, x: *const C_tensor, factor: f64) -> *const c_char;
}

/// Which of three gradients are wanted.
pub type Want = [bool; 3];

/// Up to three gradients.
pub type Three = [Option<Tensor>; 3];

/// A window's numbers as libtorch takes them.
pub struct Conv<'a> {
    pub stride: &'a [i64; 2],
    pub pad: &'a [i64; 2],
    pub dilation: &'a [i64; 2],
    pub groups: i64,
}

pub fn convolution_backward(g: &Tensor, x: &Tensor, w: &Tensor, c: &Conv<'_>, want: Want) -> Result<Three, TchError> {
    let [wx, ww, wb] = want.map(c_int::from);
    // SAFETY: live tensors, arrays of the lengths that the bridge reads, room for three results.
    call(|out| unsafe {
        lanista_convolution_backward(
            raw(g),
            raw(x),
            raw(w),
            c.stride.as_ptr(),
            c.pad.as_ptr(),
            c.dilation.as_ptr(),
            c.groups,
            wb,
            wx,
            ww,
            wb,
            out,
        )
    })
}

/// Mean and inverse deviation of the batch (or running mean and variance) with a scale.
#[derive(Clone, Copy)]
pub struct Norm<'a> {
    pub weight: Option<&'a Tensor>,
    pub running: Option<(&'a Tensor, &'a Tensor)>,
    pub saved: Option<(&'a Tensor, &'a Tensor)>,
    pub batch: bool,
    pub eps: f64,
}

pub fn batch_norm_backward(g: &Tensor, x: &Tensor, n: Norm<'_>, want: Want) -> Result<Three, TchError> {
    let [wx, ww, wb] = want.map(c_int::from);
    let (running, saved) = (n.running.unzip(), n.saved.unzip());
    // SAFETY: live tensors or null, room for three results.
    call(|out| unsafe {
        lanista_batch_norm_backward(
            raw(g),
            raw(x),
            maybe(n.weight),
            maybe(running.0),
            maybe(running.1),
            maybe(saved.0),
            maybe(saved.1),
            c_int::from(n.batch),
            n.eps,
            wx,
            ww,
            wb,
            out,
        )
    })
}

pub fn layer_norm_backward(
    g: &Tensor,
    x: &Tensor,
    shape: &[i64],
    stat: (&Tensor, &Tensor),
    affine: Option<(&Tensor, &Tensor)>,
    want: Want,
) -> Result<Three, TchError> {
    let [wx, ww, wb] = want.map(c_int::from);
    let affine = affine.unzip();
    // SAFETY: live tensors or null, `shape` with its length, room for three results.
    call(|out| unsafe {
        lanista_layer_norm_backward(
            raw(g),
            raw(x),
            shape.as_ptr(),
            shape.len() as c_int,
            raw(stat.0),
            raw(stat.1),
            maybe(affine.0),
            maybe(affine.1),
            wx,
            ww,
            wb,
            out,
        )
    })
}

pub fn group_norm_backward(
    g: &Tensor,
    x: &Tensor,
    stat: (&Tensor, &Tensor),
    weight: Option<&Tensor>,
    groups: i64,
    want: Want,
) -> Result<Three, TchError> {
    let [wx, ww, wb] = want.map(c_int::from);
    // SAFETY: live tensors or null, room for three results.
    call(|out| unsafe {
        lanista_group_norm_backward(raw(g), raw(x), raw(stat.0), raw(stat.1), maybe(weight), groups, wx, ww, wb, out)
    })
}

/// A pooling window's numbers as libtorch takes them.
pub struct Pool {
    pub k: [i64; 2],
    pub stride: [i64; 2],
    pub pad: [i64; 2],
    pub ceil: bool,
}

pub fn max_pool_backward(g: &Tensor, indices: &Tensor, sizes: &[i64], p: &Pool) -> Result<Tensor, TchError> {
    // SAFETY: live tensors, arrays with their lengths, room for one result.
    one(|out| unsafe {
        lanista_max_pool_backward(
            raw(g),
            raw(indices),
            sizes.as_ptr(),
            sizes.len() as c_int,
            p.k.as_ptr(),
            p.stride.as_ptr(),
            p.pad.as_ptr(),
            c_int::from(p.ceil),
            out,
        )
    })
}

pub fn avg_pool_backward(g: &Tensor, sizes: &[i64], p: &Pool, count_include_pad: bool) -> Result<Tensor, TchError> {
    // SAFETY: as above.
    one(|out| unsafe {
        lanista_avg_pool_backward(
            raw(g),
            sizes.as_ptr(),
            sizes.len() as c_int,
            p.k.as_ptr(),
            p.stride.as_ptr(),
            p.pad.as_ptr(),
            c_int::from(p.ceil),
            c_int::from(count_include_pad),
            out,
        )
    })
}

pub fn adaptive_avg_pool_backward(g: &Tensor, sizes: &[i64]) -> Result<Tensor, TchError> {
    // SAFETY: as above.
    one(|out| unsafe { lanista_adaptive_avg_pool_backward(raw(g), sizes.as_ptr(), sizes.len() as c_int, out) })
}

/// A copy in the channels-last order, or the tensor itself if it has it.
pub fn channels_last(x: &Tensor) -> Result<Tensor, TchError> {
    // SAFETY: a live tensor, room for one result.
    one(|out| unsafe { lanista_channels_last(raw(x), out) })
}

/// `y += factor * x`
pub fn axpy(y: &mut Tensor, x: &Tensor, factor: f64) -> Result<(), TchError> {
    // SAFETY: live tensors; the exclusive borrow lets `y` be written.
    check(unsafe { lanista_axpy(raw(y), raw(x), factor) })
}
