// Max and average pooling on images whose channels lie next to each other. The gradient is gathered, not scattered: every
// pixel of the input asks the windows that it lies in.

#include "common.h"
#include "kernels.h"
#include "window.h"

namespace lanista {
namespace {

template <class T> struct MaxRow {
    Image<T> x, y;
    Window k;
    int64_t n, row;
    uint8_t* taps; // [OW, C] of the row
};

template <class T> struct AvgRow {
    Image<T> x, y;
    Window k;
    int64_t n, row;
    const T* share; // one by the divisor, [OH, OW]
};

template <class T> struct PoolBackwardRow {
    Image<T> grad, gx;
    Window k;
    int64_t n, row;
    const uint8_t* taps; // [N, OH, OW, C] of a max pooling
    const T* share;      // [OH, OW] of an average pooling
    bool accumulate;
};

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
#include "lanes.inl"
#include "pool.inl"
}
#pragma GCC pop_options
namespace baseline {
#include "lanes.inl"
#include "pool.inl"
}

LANISTA_KERNEL(max_row, MaxRow)
LANISTA_KERNEL(avg_row, AvgRow)
LANISTA_KERNEL(pool_backward_row, PoolBackwardRow)

void check(const Window& k) {
    TORCH_CHECK(k.kh > 0 && k.kw > 0 && k.sh > 0 && k.sw > 0 && k.dh > 0 && k.dw > 0, "kernel, stride and dilation must be positive");
    TORCH_CHECK(k.ph >= 0 && k.pw >= 0 && 2 * k.ph <= k.kh && 2 * k.pw <= k.kw, "padding: at most half of the kernel");
}

std::vector<int64_t> pooled(const Tensor& x, const Window& k, int ceil) {
    const int64_t h = x.size(2), w = x.size(3);
    const int64_t oh = ceil ? k.out_h_ceil(h) : k.out_h(h), ow = ceil ? k.out_w_ceil(w) : k.out_w(w);
    TORCH_CHECK(oh > 0 && ow > 0, "the window is larger than the padded input ", x.sizes());
    return {x.size(0), x.size(1), oh, ow};
}

// One by the number of pixels that each window averages.
template <class T> std::vector<T> shares(const Window& k, int64_t h, int64_t w, int64_t oh, int64_t ow, bool count_pad) {
    std::vector<T> share(static_cast<size_t>(oh * ow));
    auto extent = [&](int64_t o, int64_t size, int64_t kernel, int64_t stride, int64_t pad) {
        const int64_t from = o * stride - pad, until = std::min(from + kernel, size + pad);
        return count_pad ? until - from : std::min(until, size) - std::max<int64_t>(from, 0);
    };
    for (int64_t i = 0; i < oh; ++i) {
        for (int64_t j = 0; j < ow; ++j) {
            const int64_t area = extent(i, h, k.kh, k.sh, k.ph) * extent(j, w, k.kw, k.sw, k.pw);
            share[static_cast<size_t>(i * ow + j)] = T(1) / static_cast<T>(area);
        }
    }
    return share;
}

// body(n, row) for every row of every image
template <class F> void rows_of(int64_t n, int64_t h, F body) {
    in_parts(n * h, [&](int64_t, Range range) {
        for (int64_t i = range.begin; i < range.end; ++i) body(i / h, i % h);
    });
}

} // namespace
} // namespace lanista

using namespace lanista;

LANISTA_API char* lanista_max_pool(const Tensor* x_, const int64_t* window, int ceil, Tensor** out) {
    return guarded([&] {
        const Tensor x = as_image(*x_, "input");
        const Window k(window);
        check(k);
        TORCH_CHECK(k.taps() <= 255, "a max pooling has at most 255 taps, found ", k.taps());
        Tensor y = target(nullptr, pooled(x, k, ceil), x, "result");
        Tensor taps = at::empty({y.size(0), y.size(2), y.size(3), y.size(1)}, x.options().dtype(at::kByte));
        typed(x, [&](auto zero) {
            using T = decltype(zero);
            const Image<T> from = image<T>(x), to = image<T>(y);
            rows_of(to.n, to.h, [&](int64_t n, int64_t row) {
                max_row<T>({from, to, k, n, row, taps.data_ptr<uint8_t>() + (n * to.h + row) * to.w * to.c});
            });
        });
        out[0] = give(y);
        out[1] = give(taps);
    });
}

LANISTA_API char* lanista_max_pool_backward(
    const Tensor* grad_, const Tensor* taps_, const int64_t* size, const int64_t* window, Tensor* into, int accumulate,
    Tensor** out) {
    return guarded([&] {
        const Tensor grad = as_image(*grad_, "gradient"), taps = taps_->contiguous();
        const Window k(window);
        check(k);
        same_sizes(taps, {grad.size(0), grad.size(2), grad.size(3), grad.size(1)}, "winning taps");
        TORCH_CHECK(taps.scalar_type() == at::kByte, "winning taps: expected Byte, found ", taps.scalar_type());
        Tensor gx = target(into, {grad.size(0), grad.size(1), size[0], size[1]}, grad, "gradient of the input");
        typed(grad, [&](auto zero) {
            using T = decltype(zero);
            const Image<T> g = image<T>(grad), to = image<T>(gx);
            rows_of(to.n, to.h, [&](int64_t n, int64_t row) {
                pool_backward_row<T>({g, to, k, n, row, taps.data_ptr<uint8_t>(), nullptr, into && accumulate});
            });
        });
        out[0] = into ? nullptr : give(gx);
    });
}

LANISTA_API char* lanista_avg_pool(const Tensor* x_, const int64_t* window, int ceil, int count_pad, Tensor** out) {
    return guarded([&] {
        const Tensor x = as_image(*x_, "input");
        const Window k(window);
        check(k);
        TORCH_CHECK(k.dh == 1 && k.dw == 1, "an average pooling has no dilation");
        Tensor y = target(nullptr, pooled(x, k, ceil), x, "result");
        typed(x, [&](auto zero) {
            using T = decltype(zero);
            const Image<T> from = image<T>(x), to = image<T>(y);
            const std::vector<T> share = shares<T>(k, from.h, from.w, to.h, to.w, count_pad != 0);
            rows_of(to.n, to.h, [&](int64_t n, int64_t row) { avg_row<T>({from, to, k, n, row, share.data()}); });
        });
        out[0] = give(y);
    });
}

LANISTA_API char* lanista_avg_pool_backward(
    const Tensor* grad_, const int64_t* size, const int64_t* window, int count_pad, Tensor* into, int accumulate,
    Tensor** out) {
    return guarded([&] {
        const Tensor grad = as_image(*grad_, "gradient");
        const Window k(window);
        check(k);
        TORCH_CHECK(k.dh == 1 && k.dw == 1, "an average pooling has no dilation");
        Tensor gx = target(into, {grad.size(0), grad.size(1), size[0], size[1]}, grad, "gradient of the input");
        typed(grad, [&](auto zero) {
            using T = decltype(zero);
            const Image<T> g = image<T>(grad), to = image<T>(gx);
            const std::vector<T> share = shares<T>(k, size[0], size[1], g.h, g.w, count_pad != 0);
            rows_of(to.n, to.h, [&](int64_t n, int64_t row) {
                pool_backward_row<T>({g, to, k, n, row, nullptr, share.data(), into && accumulate});
            });
        });
        out[0] = into ? nullptr : give(gx);
    });
}
