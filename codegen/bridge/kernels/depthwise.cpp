// Depthwise convolution on images whose channels lie next to each other.
//
// A tile of rows is copied, activated and padded with zeros, into a buffer that stays in a first-level cache; the
// convolution itself then knows no borders. The gradient of the input is a correlation of the padded gradient of the
// output, one class of columns at a time: columns with the same remainder by the stride have the same taps.

#include "common.h"
#include "kernels.h"
#include "window.h"

namespace lanista {
namespace {

// Rows [row, row + rows) and columns [column, column + columns) of an image, activated; outside of it zeros.
template <class T> struct Patch {
    Image<T> x;
    Activation<T> act;
    int64_t n, row, rows, column, columns;
    T* to;
};

// out[j] = sum over taps of weight[tap] * src[offset[tap] + j * src_step], for `count` columns and all channels. The
// taps form a grid, rows first, with equal steps along each of its sides.
template <class T> struct Line {
    const T* src;
    int64_t src_step;
    const int64_t* offsets;
    const T* const* weights;
    int64_t tap_rows, tap_columns, count, channels;
    T* out;
    int64_t out_step;
    // Of a gradient: where the activation's input is, beside each output.
    Activation<T> act;
    const T* x;
    int64_t x_step;
};

// sum[tap] += grad * src at the tap, over rows and columns of a tile, for every channel.
template <class T> struct WeightTile {
    Image<T> grad;
    int64_t n, row, rows;
    const T* src;
    int64_t src_row_step, src_step; // per row and per column of the gradient
    int64_t tap_rows, tap_columns, tap_row_step, tap_step;
    T* sum; // [taps, C]
};

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
#include "lanes.inl"
#include "depthwise.inl"
}
#pragma GCC pop_options
namespace baseline {
#include "lanes.inl"
#include "depthwise.inl"
}

LANISTA_KERNEL(fill, Patch)
LANISTA_KERNEL(line, Line)
LANISTA_KERNEL(weight, WeightTile)

// Weights as [tap, C], so that the channels of a tap lie next to each other.
Tensor by_tap(const Tensor& w) { return w.reshape({w.size(0), w.size(2) * w.size(3)}).t().contiguous(); }

// How many rows a tile has, if each takes `step` rows of `line` bytes more.
int64_t tile_rows(int64_t rows, int64_t step, int64_t halo, int64_t line) {
    int64_t fit = (TILE_BYTES / std::max<int64_t>(line, 1) - halo) / step;
    // A halo that outweighs the tile would be copied over and over.
    return std::clamp<int64_t>(std::max(fit, halo), 1, std::max<int64_t>(rows, 1));
}

void check(const Tensor& x, const Tensor& w, const Window& k) {
    TORCH_CHECK(w.dim() == 4 && w.size(0) == x.size(1) && w.size(1) == 1 && w.size(2) == k.kh && w.size(3) == k.kw,
        "weight: expected [", x.size(1), ", 1, ", k.kh, ", ", k.kw, "], found ", w.sizes());
    same_type(x, w, "weight");
    TORCH_CHECK(k.kh > 0 && k.kw > 0 && k.sh > 0 && k.sw > 0 && k.dh > 0 && k.dw > 0 && k.ph >= 0 && k.pw >= 0,
        "kernel, stride and dilation must be positive, padding not negative");
    TORCH_CHECK(k.out_h(x.size(2)) > 0 && k.out_w(x.size(3)) > 0,
        "the window is larger than the padded input ", x.sizes());
}

template <class T> struct Taps {
    std::vector<int64_t> offsets;
    std::vector<const T*> weights;

    void clear() { offsets.clear(), weights.clear(); }
    void push(int64_t offset, const T* weight) { offsets.push_back(offset), weights.push_back(weight); }
};

template <class T> void all_taps(const Window& k, int64_t line, int64_t c, const T* w, Taps<T>& taps) {
    for (int64_t i = 0; i < k.kh; ++i) {
        for (int64_t j = 0; j < k.kw; ++j) taps.push(i * k.dh * line + j * k.dw * c, w + (i * k.kw + j) * c);
    }
}

template <class T> void forward(Image<T> x, Image<T> y, const T* w, const Window& k, Activation<T> act) {
    const int64_t columns = (y.w - 1) * k.sw + k.reach_w() + 1, line_length = columns * x.c;
    const int64_t rows = tile_rows(y.h, k.sh, k.reach_h() + 1, line_length * static_cast<int64_t>(sizeof(T)));
    const int64_t tiles = (y.h + rows - 1) / rows;
    Taps<T> taps;
    all_taps(k, line_length, x.c, w, taps);
    in_parts(x.n * tiles, [&](int64_t, Range range) {
        for (int64_t i = range.begin; i < range.end; ++i) {
            const int64_t n = i / tiles, from = i % tiles * rows, until = std::min(from + rows, y.h);
            const int64_t needed = (until - from - 1) * k.sh + k.reach_h() + 1;
            T* buffer = scratch<T, 0>(needed * line_length);
            fill<T>({x, act, n, from * k.sh - k.ph, needed, -k.pw, columns, buffer});
            for (int64_t o = from; o < until; ++o) {
                line<T>({buffer + (o - from) * k.sh * line_length, k.sw * x.c, taps.offsets.data(), taps.weights.data(),
                    k.kh, k.kw, y.w, y.c, y.at(n, o, 0), y.step_w, {}, nullptr, 0});
            }
        }
    });
}

template <class T> struct Backward {
    Image<T> grad, x, gx;
    const T* w;
    Window k;
    Activation<T> act;

    int64_t first_column() const { return floor_div(k.pw - k.reach_w(), k.sw); }
    int64_t columns() const { return floor_div(x.w - 1 + k.pw, k.sw) - first_column() + 1; }

    // Rows [from, until) of the gradient of the input of image n.
    void input_rows(int64_t n, int64_t from, int64_t until, Taps<T>& taps) const {
        const int64_t top = floor_div(from + k.ph - k.reach_h(), k.sh), line_length = columns() * x.c;
        const int64_t rows = floor_div(until - 1 + k.ph, k.sh) - top + 1;
        T* buffer = scratch<T, 0>(rows * line_length);
        fill<T>({grad, {}, n, top, rows, first_column(), columns(), buffer});
        for (int64_t ih = from; ih < until; ++ih) {
            for (int64_t r = 0; r < std::min(k.sw, x.w); ++r) {
                taps.clear();
                int64_t tap_rows = 0;
                for (int64_t i = 0; i < k.kh; ++i) {
                    const int64_t oh = ih + k.ph - i * k.dh;
                    if (oh - floor_div(oh, k.sh) * k.sh != 0) continue;
                    ++tap_rows;
                    for (int64_t j = 0; j < k.kw; ++j) {
                        const int64_t ow = r + k.pw - j * k.dw;
                        if (ow - floor_div(ow, k.sw) * k.sw != 0) continue;
                        const int64_t above = floor_div(oh, k.sh) - top, before = floor_div(ow, k.sw) - first_column();
                        taps.push(above * line_length + before * x.c, w + (i * k.kw + j) * x.c);
                    }
                }
                const int64_t count = static_cast<int64_t>(taps.offsets.size());
                line<T>({buffer, x.c, taps.offsets.data(), taps.weights.data(), tap_rows,
                    count / std::max<int64_t>(tap_rows, 1), (x.w - r + k.sw - 1) / k.sw, x.c, gx.at(n, ih, r),
                    k.sw * gx.step_w, act, x.at(n, ih, r), k.sw * x.step_w});
            }
        }
    }

    // Adds what rows [from, until) of the gradient contribute to the weights' gradient [taps, C].
    void weight_rows(int64_t n, int64_t from, int64_t until, T* sum) const {
        if (from == until) return;
        const int64_t width = (grad.w - 1) * k.sw + k.reach_w() + 1, line_length = width * x.c;
        const int64_t rows = (until - from - 1) * k.sh + k.reach_h() + 1;
        T* buffer = scratch<T, 1>(rows * line_length);
        fill<T>({x, act, n, from * k.sh - k.ph, rows, -k.pw, width, buffer});
        weight<T>({grad, n, from, until - from, buffer, k.sh * line_length, k.sw * x.c, k.kh, k.kw, k.dh * line_length,
            k.dw * x.c, sum});
    }

    // The weights' gradient [taps, C] goes to gw where it is wanted.
    void run(bool want_x, T* gw) const {
        const int64_t line = std::max(columns(), x.w) * x.c * static_cast<int64_t>(sizeof(T));
        const int64_t rows = tile_rows(x.h, 1, k.reach_h() + 1, line);
        const int64_t tiles = (x.h + rows - 1) / rows, items = x.n * tiles, count = k.taps() * x.c;
        std::vector<T> partial(static_cast<size_t>(gw ? parts_of(items) * count : 0));
        in_parts(items, [&](int64_t p, Range range) {
            Taps<T> taps;
            for (int64_t i = range.begin; i < range.end; ++i) {
                const int64_t n = i / tiles, t = i % tiles;
                // Both gradients of a place are computed together: its rows are in the cache.
                if (want_x) input_rows(n, x.h * t / tiles, x.h * (t + 1) / tiles, taps);
                if (gw) weight_rows(n, grad.h * t / tiles, grad.h * (t + 1) / tiles, partial.data() + p * count);
            }
        });
        for (int64_t i = 0; gw && i < count; ++i) {
            T sum = 0;
            for (int64_t p = 0; p < parts_of(items); ++p) sum += partial[static_cast<size_t>(p * count + i)];
            gw[i] = sum;
        }
    }
};

} // namespace
} // namespace lanista

using namespace lanista;

LANISTA_API const char* lanista_depthwise(
    const Tensor* x_, const Tensor* w_, const int64_t* window, const Tensor* scale, const Tensor* shift, int relu,
    Tensor** out) {
    return guarded([&] {
        const Tensor x = as_image(*x_, "input");
        const Window k(window);
        check(x, *w_, k);
        Tensor y = at::empty({x.size(0), x.size(1), k.out_h(x.size(2)), k.out_w(x.size(3))}, x.options(),
            at::MemoryFormat::ChannelsLast);
        typed(x, [&](auto zero) {
            using T = decltype(zero);
            HeldActivation<T> act(scale, shift, relu, x);
            Tensor w = by_tap(*w_);
            forward<T>(image<T>(x), image<T>(y), w.data_ptr<T>(), k, act.act);
        });
        out[0] = give(y);
    });
}

LANISTA_API const char* lanista_depthwise_backward(
    const Tensor* grad_, const Tensor* x_, const Tensor* w_, const int64_t* window, const Tensor* scale,
    const Tensor* shift, int relu, int want_x, int want_w, Tensor** out) {
    return guarded([&] {
        const Tensor x = as_image(*x_, "input"), grad = as_image(*grad_, "gradient");
        const Window k(window);
        check(x, *w_, k);
        same_sizes(grad, {x.size(0), x.size(1), k.out_h(x.size(2)), k.out_w(x.size(3))}, "gradient");
        same_type(x, grad, "gradient");
        Tensor gx = want_x ? at::empty(x.sizes(), x.options(), at::MemoryFormat::ChannelsLast) : Tensor();
        Tensor gw = want_w ? at::empty({k.taps(), x.size(1)}, x.options()) : Tensor();
        typed(x, [&](auto zero) {
            using T = decltype(zero);
            HeldActivation<T> act(scale, shift, relu, x);
            Tensor w = by_tap(*w_);
            Backward<T> b{image<T>(grad), image<T>(x), want_x ? image<T>(gx) : Image<T>{}, w.data_ptr<T>(), k,
                act.act};
            b.run(want_x != 0, want_w ? gw.data_ptr<T>() : nullptr);
        });
        out[0] = want_x ? give(gx) : nullptr;
        out[1] = want_w ? give(gw.t().reshape(w_->sizes()).contiguous()) : nullptr;
    });
}
