// What tch has no binding for: backward kernels, memory formats, arithmetic with a factor.
//
// * Every function takes tensors as tch holds them (`at::Tensor*`, null for an absent one), runs without autograd, and
//   returns null or an error message, see `text_of`.
// * Results are written to `out` as new `at::Tensor*`, owned by the caller.

#include "abi.h"

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>

using namespace lanista;

namespace {

std::optional<Tensor> maybe(const Tensor* t) { return t ? std::optional<Tensor>(*t) : std::nullopt; }

at::IntArrayRef ints(const int64_t* data, int n) { return at::IntArrayRef(data, static_cast<size_t>(n)); }

// A tensor that only lends its sizes: backward kernels of pooling ask for the input, but read none of it. It is as
// dense as `like`, so that they choose the same layout; its pages are never touched.
Tensor sizes_only(const Tensor& like, const int64_t* sizes, int rank) {
    return at::empty(ints(sizes, rank), like.options(), like.suggest_memory_format());
}

} // namespace

LANISTA_API const char* lanista_convolution_backward(
    const Tensor* grad, const Tensor* x, const Tensor* w, const int64_t* stride, const int64_t* pad,
    const int64_t* dilation, int64_t groups, int has_bias, int want_x, int want_w, int want_b, Tensor** out) {
    return guarded([&] {
        const int64_t channels[1] = {w->size(0)};
        const int64_t none[2] = {0, 0};
        auto bias = has_bias ? at::OptionalIntArrayRef(ints(channels, 1)) : at::OptionalIntArrayRef();
        auto r = at::convolution_backward(
            *grad, *x, *w, bias, ints(stride, 2), ints(pad, 2), ints(dilation, 2), false, ints(none, 2), groups,
            {want_x != 0, want_w != 0, want_b != 0});
        out[0] = give(std::get<0>(r));
        out[1] = give(std::get<1>(r));
        out[2] = give(std::get<2>(r));
    });
}

LANISTA_API const char* lanista_batch_norm_backward(
    const Tensor* grad, const Tensor* x, const Tensor* weight, const Tensor* running_mean, const Tensor* running_var,
    const Tensor* mean, const Tensor* invstd, int train, double eps, int want_x, int want_w, int want_b, Tensor** out) {
    return guarded([&] {
        // The kernel of the CPU wants both in one layout; the gradient of an expanded scalar has none.
        Tensor g = grad->contiguous(x->suggest_memory_format());
        // In evaluation nothing was saved: the CPU's kernel does not look, the GPU's wants something without elements.
        auto saved = [&](const Tensor* t) { return t ? *t : at::empty({0}, x->options()); };
        auto r = at::native_batch_norm_backward(
            g, *x, maybe(weight), maybe(running_mean), maybe(running_var), saved(mean), saved(invstd), train != 0, eps,
            {want_x != 0, want_w != 0, want_b != 0});
        out[0] = give(std::get<0>(r));
        out[1] = give(std::get<1>(r));
        out[2] = give(std::get<2>(r));
    });
}

LANISTA_API const char* lanista_layer_norm_backward(
    const Tensor* grad, const Tensor* x, const int64_t* shape, int rank, const Tensor* mean, const Tensor* rstd,
    const Tensor* weight, const Tensor* bias, int want_x, int want_w, int want_b, Tensor** out) {
    return guarded([&] {
        auto r = at::native_layer_norm_backward(
            grad->contiguous(), x->contiguous(), ints(shape, rank), *mean, *rstd, maybe(weight), maybe(bias),
            {want_x != 0, want_w != 0, want_b != 0});
        out[0] = give(std::get<0>(r));
        out[1] = give(std::get<1>(r));
        out[2] = give(std::get<2>(r));
    });
}

LANISTA_API const char* lanista_group_norm_backward(
    const Tensor* grad, const Tensor* x, const Tensor* mean, const Tensor* rstd, const Tensor* weight, int64_t groups,
    int want_x, int want_w, int want_b, Tensor** out) {
    return guarded([&] {
        Tensor dense = x->contiguous();
        int64_t n = dense.size(0), c = dense.size(1), inner = n * c == 0 ? 0 : dense.numel() / (n * c);
        auto r = at::native_group_norm_backward(
            grad->contiguous(), dense, *mean, *rstd, maybe(weight), n, c, inner, groups,
            {want_x != 0, want_w != 0, want_b != 0});
        out[0] = give(std::get<0>(r));
        out[1] = give(std::get<1>(r));
        out[2] = give(std::get<2>(r));
    });
}

LANISTA_API const char* lanista_max_pool_backward(
    const Tensor* grad, const Tensor* indices, const int64_t* sizes, int rank, const int64_t* k, const int64_t* stride,
    const int64_t* pad, int ceil, Tensor** out) {
    return guarded([&] {
        const int64_t dilation[2] = {1, 1};
        Tensor x = at::empty(ints(sizes, rank), grad->options(), indices->suggest_memory_format());
        out[0] = give(at::max_pool2d_with_indices_backward(
            *grad, x, ints(k, 2), ints(stride, 2), ints(pad, 2), ints(dilation, 2), ceil != 0, *indices));
    });
}

LANISTA_API const char* lanista_avg_pool_backward(
    const Tensor* grad, const int64_t* sizes, int rank, const int64_t* k, const int64_t* stride, const int64_t* pad,
    int ceil, int count_include_pad, Tensor** out) {
    return guarded([&] {
        out[0] = give(at::avg_pool2d_backward(
            *grad, sizes_only(*grad, sizes, rank), ints(k, 2), ints(stride, 2), ints(pad, 2), ceil != 0,
            count_include_pad != 0, std::nullopt));
    });
}

LANISTA_API const char* lanista_adaptive_avg_pool_backward(const Tensor* grad, const int64_t* sizes, int rank, Tensor** out) {
    return guarded([&] { out[0] = give(at::_adaptive_avg_pool2d_backward(*grad, sizes_only(*grad, sizes, rank))); });
}

// A contiguous copy in the channels-last order, or the tensor itself where it already is.
LANISTA_API const char* lanista_channels_last(const Tensor* x, Tensor** out) {
    return guarded([&] { out[0] = give(x->contiguous(at::MemoryFormat::ChannelsLast)); });
}

// y += factor * x
LANISTA_API const char* lanista_axpy(Tensor* y, const Tensor* x, double factor) {
    return guarded([&] { y->add_(*x, factor); });
}
