//! The bridge to what tch has no binding for; the only unsafe code of the crate.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use tch::{TchError, Tensor};
use torch_sys::C_tensor;

unsafe extern "C" {
    fn lanista_free(text: *mut c_char);
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
    ) -> *mut c_char;
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
    ) -> *mut c_char;
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
    ) -> *mut c_char;
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
    ) -> *mut c_char;
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
    ) -> *mut c_char;
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
    ) -> *mut c_char;
    fn lanista_adaptive_avg_pool_backward(
        g: *const C_tensor,
        sizes: *const i64,
        rank: c_int,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
    fn lanista_channels_last(x: *const C_tensor, out: *mut *mut C_tensor) -> *mut c_char;
    fn lanista_depthwise(
        x: *const C_tensor,
        w: *const C_tensor,
        window: *const i64,
        scale: *const C_tensor,
        shift: *const C_tensor,
        relu: c_int,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
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
    ) -> *mut c_char;
    fn lanista_batch_norm_stats(
        z: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
        running_mean: *const C_tensor,
        running_var: *const C_tensor,
        momentum: f64,
        eps: f64,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
    fn lanista_affine_sum(
        x: *const *const C_tensor,
        scale: *const *const C_tensor,
        shift: *const *const C_tensor,
        terms: c_int,
        relu: c_int,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
    fn lanista_batch_norm_reduce(
        g: *const C_tensor,
        z: *const C_tensor,
        weight: *const C_tensor,
        mean: *const C_tensor,
        invstd: *const C_tensor,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
    fn lanista_batch_norm_backward_apply(
        g: *const C_tensor,
        z: *const C_tensor,
        factors: *const C_tensor,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
    fn lanista_pointwise(
        x: *const C_tensor,
        w: *const C_tensor,
        stride: *const i64,
        scale: *const C_tensor,
        shift: *const C_tensor,
        relu: c_int,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
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
    ) -> *mut c_char;
    fn lanista_install_allocator();
    fn lanista_peak_bytes() -> u64;
    fn lanista_reset_peak();
    fn lanista_axpy(y: *const C_tensor, x: *const C_tensor, factor: f64) -> *mut c_char;
}

fn raw(t: &Tensor) -> *const C_tensor {
    t.as_ptr()
}

fn maybe(t: Option<&Tensor>) -> *const C_tensor {
    t.map_or(ptr::null(), Tensor::as_ptr)
}

fn check(text: *mut c_char) -> Result<(), TchError> {
    if text.is_null() {
        return Ok(());
    }
    // SAFETY: the bridge returns null or a string of its own, which is freed once, here.
    let message = unsafe {
        let message = CStr::from_ptr(text).to_string_lossy().into_owned();
        lanista_free(text);
        message
    };
    Err(TchError::Torch(message))
}

fn take(p: *mut C_tensor) -> Option<Tensor> {
    // SAFETY: the bridge hands over a tensor that nobody else owns, or null.
    (!p.is_null()).then(|| unsafe { Tensor::from_ptr(p) })
}

/// Calls the bridge with room for `N` results.
fn call<const N: usize>(f: impl FnOnce(*mut *mut C_tensor) -> *mut c_char) -> Result<[Option<Tensor>; N], TchError> {
    let mut out = [ptr::null_mut(); N];
    check(f(out.as_mut_ptr()))?;
    Ok(out.map(take))
}

fn one(f: impl FnOnce(*mut *mut C_tensor) -> *mut c_char) -> Result<Tensor, TchError> {
    let [t] = call::<1>(f)?;
    t.ok_or_else(|| TchError::Kind("the bridge gave no tensor".into()))
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

/// Takes the host's memory over from libtorch's own allocator.
pub fn install_allocator() {
    // SAFETY: libtorch keeps a pointer to an allocator that is never destroyed.
    unsafe { lanista_install_allocator() }
}

/// The greatest number of bytes that tensors of 64 KiB and more held at a time.
pub fn peak_bytes() -> u64 {
    // SAFETY: a counter under a lock.
    unsafe { lanista_peak_bytes() }
}

/// Counts that peak anew from now.
pub fn reset_peak() {
    // SAFETY: as above.
    unsafe { lanista_reset_peak() }
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
