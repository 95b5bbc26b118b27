//! The bridge to what tch has no binding for: the C++ of `codegen/bridge`. But for loading CUDA's library, the only
//! unsafe code of the crate.

mod allocator;
mod kernels;
mod libtorch;
#[cfg(test)]
mod tests;

pub use allocator::{install_allocator, peak_bytes, reset_peak};
pub use kernels::{
    Folded, affine_sum, batch_norm_apply, batch_norm_reduce, batch_norm_stats, depthwise, depthwise_backward,
    pointwise, pointwise_backward,
};
pub use libtorch::{
    Conv, Norm, Pool, adaptive_avg_pool_backward, avg_pool_backward, axpy, batch_norm_backward, channels_last,
    convolution_backward, group_norm_backward, layer_norm_backward, max_pool_backward,
};

use std::ffi::{CStr, c_char};
use std::ptr;
use tch::{TchError, Tensor};
use torch_sys::C_tensor;

fn raw(t: &Tensor) -> *const C_tensor {
    t.as_ptr()
}

fn maybe(t: Option<&Tensor>) -> *const C_tensor {
    t.map_or(ptr::null(), Tensor::as_ptr)
}

fn check(text: *const c_char) -> Result<(), TchError> {
    if text.is_null() {
        return Ok(());
    }
    // SAFETY: the bridge returns null or a text that stays until this thread calls it again.
    let message = unsafe { CStr::from_ptr(text) };
    Err(TchError::Torch(message.to_string_lossy().into_owned()))
}

fn take(p: *mut C_tensor) -> Option<Tensor> {
    // SAFETY: the bridge hands over a tensor that nobody else owns, or null.
    (!p.is_null()).then(|| unsafe { Tensor::from_ptr(p) })
}

/// Calls the bridge with room for `N` results. What it gave before it failed is dropped.
fn call<const N: usize>(f: impl FnOnce(*mut *mut C_tensor) -> *const c_char) -> Result<[Option<Tensor>; N], TchError> {
    let mut out = [ptr::null_mut(); N];
    let text = f(out.as_mut_ptr());
    let out = out.map(take);
    check(text)?;
    Ok(out)
}

fn one(f: impl FnOnce(*mut *mut C_tensor) -> *const c_char) -> Result<Tensor, TchError> {
    let [t] = call::<1>(f)?;
    t.ok_or_else(|| TchError::Kind("the bridge gave no tensor".into()))
}
