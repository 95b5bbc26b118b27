// The kernels of the CPU that beat libtorch's at the shapes of searched cells, with the C ABI of the bridge.
//
// Common to all:
// * Tensors are float32 or float64, all of one type, [N, C, H, W] with channels next to each other (anything else is
//   copied first); results are new tensors in the channels-last order, owned by the caller, in `out`. Null stands for
//   an absent tensor. Each function returns null or an error text, see `text_of`.
// * An activation is relu(scale * x + shift): `scale` and `shift` [C] come together or not at all, `relu` is 0 or 1.
//   A backward function computes it again from x, so that neither the normalised nor the rectified tensor need be kept,
//   and returns the gradient with respect to scale * x + shift, the result of a batch norm.
// * Results depend on the shapes and the values, not on the number of threads.
#pragma once

#include "../abi.h"

#include <ATen/ATen.h>

#include <cstdint>

// A depthwise convolution of the activation of x [N, C, H, W] with w [C, 1, KH, KW].
// window: kernel, stride, padding, dilation, each (h, w). out[0]: [N, C, OH, OW].
LANISTA_API const char* lanista_depthwise(
    const at::Tensor* x, const at::Tensor* w, const int64_t* window, const at::Tensor* scale, const at::Tensor* shift,
    int relu, at::Tensor** out);

// Its gradients from that of its result. out[0]: of scale * x + shift [N, C, H, W], if want_x. out[1]: of w, if want_w.
LANISTA_API const char* lanista_depthwise_backward(
    const at::Tensor* grad, const at::Tensor* x, const at::Tensor* w, const int64_t* window, const at::Tensor* scale,
    const at::Tensor* shift, int relu, int want_x, int want_w, at::Tensor** out);

// The batch norm of a channel as numbers, [C] each, in this order:
//   mean, invstd      of the batch (invstd = 1 / sqrt(biased variance + eps)), kept for the backward pass
//   scale, shift      weight * invstd and bias - mean * scale: the batch norm of z is scale * z + shift
// The running statistics, if given, are updated in place (with the unbiased variance, as libtorch does).
constexpr int LANISTA_BATCH_NORM_OUTPUTS = 4;

// Statistics of z [N, C, H, W]. out[0..4] as above.
LANISTA_API const char* lanista_batch_norm_stats(
    const at::Tensor* z, const at::Tensor* weight, const at::Tensor* bias, at::Tensor* running_mean,
    at::Tensor* running_var, double momentum, double eps, at::Tensor** out);

// The sum of `terms` activations, which share sizes: y = relu?(sum of scale_i * x_i + shift_i). With one term, a
// batch norm applied. `scale` and `shift` hold a null for a term taken as it is. out[0]: [N, C, H, W].
LANISTA_API const char* lanista_affine_sum(
    const at::Tensor* const* x, const at::Tensor* const* scale, const at::Tensor* const* shift, int terms, int relu,
    at::Tensor** out);

// What the backward pass of a batch norm of z needs of all pixels, from the gradient of its result. out[0], out[1]: the
// gradients of weight and bias [C]. out[2]: [3, C], with which the gradient of z is row 0 * grad + row 1 * z + row 2.
LANISTA_API const char* lanista_batch_norm_reduce(
    const at::Tensor* grad, const at::Tensor* z, const at::Tensor* weight, const at::Tensor* mean,
    const at::Tensor* invstd, at::Tensor** out);

// The gradient of z by the [3, C] of `lanista_batch_norm_reduce`. out[0]: as z.
LANISTA_API const char* lanista_batch_norm_backward_apply(
    const at::Tensor* grad, const at::Tensor* z, const at::Tensor* factors, at::Tensor** out);

// A 1x1 convolution without padding and groups, of the activation of x [N, CI, H, W] with w [CO, CI, 1, 1].
// stride: (h, w). out[0]: [N, CO, OH, OW].
LANISTA_API const char* lanista_pointwise(
    const at::Tensor* x, const at::Tensor* w, const int64_t* stride, const at::Tensor* scale, const at::Tensor* shift,
    int relu, at::Tensor** out);

// Its gradients. Where a batch norm follows, `grad` is the gradient of the batch norm's result, `z` the convolution's
// result and `factors` the [3, C] of `lanista_batch_norm_reduce`: the gradient in between is never stored. out[0]: of
// scale * x + shift [N, CI, H, W], if want_x; with a stride, the pixels in between get zero. out[1]: of w, if want_w.
LANISTA_API const char* lanista_pointwise_backward(
    const at::Tensor* grad, const at::Tensor* z, const at::Tensor* factors, const at::Tensor* x, const at::Tensor* w,
    const int64_t* stride, const at::Tensor* scale, const at::Tensor* shift, int relu, int want_x, int want_w,
    at::Tensor** out);
