// 1x1 convolution as products of matrices, a tile of pixels at a time.
//
// All three products (result, gradient of the input, gradient of the weight) are C += A B with B's rows dense and A
// walked with two free steps, so one kernel serves them. What stands before and after the convolution (an activation
// of its input, the gradient of a batch norm of its result) is worked out on the tile while the cache holds it.

#include "common.h"
#include "kernels.h"

namespace lanista {
namespace {

// The right factor of a product lies in panels of this many columns, each [inner, PANEL], the last one partly used: a
// panel is read in order, whatever the power of two between two rows of the matrix.
template <class T> constexpr int64_t PANEL = 64 / static_cast<int64_t>(sizeof(T));
template <class T> int64_t panels_size(int64_t inner, int64_t columns) {
    return (columns + PANEL<T> - 1) / PANEL<T> * PANEL<T> * inner;
}

// c[i, j] (+)= sum over k of a(i, k) * b[k, j]
template <class T> struct Product {
    const T* a;
    int64_t a_row, a_step; // a(i, k) = a[i * a_row + k * a_step]
    const T* b; // in panels
    T* c;
    int64_t c_row;
    int64_t rows, inner, columns;
    bool add;
};

// `count` pixels `step` apart, activated, to dense rows of channels or to panels.
template <class T> struct Gather {
    const T* x;
    int64_t step, count, channels;
    Activation<T> act;
    T* to;
    bool panels;
};

// The gradient of a batch norm's input, to dense rows.
template <class T> struct NormGradient {
    const T* grad;
    const T* z;
    int64_t grad_step, z_step, count, channels;
    const T* factors; // [3, C]
    T* to;
};

// Dense rows of gradients to pixels `step` apart, masked by the activation of x.
template <class T> struct Scatter {
    const T* from;
    int64_t count, channels;
    Activation<T> act;
    const T* x;
    int64_t x_step;
    T* to;
    int64_t step;
};

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
#include "lanes.inl"
#include "pointwise.inl"
}
#pragma GCC pop_options
namespace baseline {
#include "lanes.inl"
#include "pointwise.inl"
}

LANISTA_KERNEL(product, Product)
LANISTA_KERNEL(gather, Gather)
LANISTA_KERNEL(norm_gradient, NormGradient)
LANISTA_KERNEL(scatter, Scatter)

// The pixels that the convolution reads: every stride-th of x.
template <class T> Image<T> sampled(Image<T> x, const int64_t* stride) {
    x.h = (x.h - 1) / stride[0] + 1;
    x.w = (x.w - 1) / stride[1] + 1;
    x.step_h *= stride[0];
    x.step_w *= stride[1];
    return x;
}

// Tiles of pixels: of several rows where the rows of every image concerned follow each other, else within a row.
struct Tiles {
    int64_t h, w, pixels, tile, per_row, count;
    bool uniform;

    Tiles(int64_t n, int64_t h_, int64_t w_, bool uniform_, int64_t bytes_per_pixel)
        : h(h_), w(w_), pixels(n * h_ * w_), uniform(uniform_) {
        // At least as many that a block of the weights' gradient is worth its loading and storing.
        tile = std::clamp<int64_t>(TILE_BYTES / std::max<int64_t>(bytes_per_pixel, 1) / 12 * 12, 72, 192);
        if (!uniform) tile = std::min(tile, w);
        per_row = (w + tile - 1) / tile;
        count = uniform ? (pixels + tile - 1) / tile : n * h * per_row;
    }

    // body(n, h, w, pixels) of tile i
    template <class F> void at(int64_t i, F body) const {
        if (uniform) {
            const int64_t p = i * tile, row = p / w;
            body(row / h, row % h, p % w, std::min(tile, pixels - p));
        } else {
            const int64_t row = i / per_row, from = i % per_row * tile;
            body(row / h, row % h, from, std::min(tile, w - from));
        }
    }
};

void check(const Tensor& x, const Tensor& w, const int64_t* stride) {
    TORCH_CHECK(w.dim() == 4 && w.size(1) == x.size(1) && w.size(2) == 1 && w.size(3) == 1,
        "weight: expected [.., ", x.size(1), ", 1, 1], found ", w.sizes());
    same_type(x, w, "weight");
    TORCH_CHECK(stride[0] > 0 && stride[1] > 0, "the stride must be positive");
    TORCH_CHECK(x.size(2) > 0 && x.size(3) > 0, "input: expected pixels, found ", x.sizes());
}

// A matrix [inner, columns] as panels.
template <class T> std::vector<T> in_panels(const Tensor& m) {
    std::vector<T> to(static_cast<size_t>(panels_size<T>(m.size(0), m.size(1))));
    gather<T>({m.data_ptr<T>(), m.size(1), m.size(0), m.size(1), {}, to.data(), true});
    return to;
}

template <class T> struct Forward {
    Image<T> x, y;
    const T* w; // [CI, CO] in panels
    Activation<T> act;

    void run(const Tiles& tiles) const {
        in_parts(tiles.count, [&](int64_t, Range range) {
            T* buffer = scratch<T, 0>(tiles.tile * x.c);
            for (int64_t i = range.begin; i < range.end; ++i) {
                tiles.at(i, [&](int64_t n, int64_t h, int64_t column, int64_t count) {
                    const T* rows = x.at(n, h, column);
                    int64_t step = x.step_w;
                    if (!act.trivial()) {
                        gather<T>({rows, step, count, x.c, act, buffer, false});
                        rows = buffer, step = x.c;
                    }
                    product<T>({rows, step, 1, w, y.at(n, h, column), y.step_w, count, x.c, y.c, false});
                });
            }
        });
    }
};

template <class T> struct Backward {
    Image<T> grad, z, x, gx; // x and gx at the pixels that were read
    const T* factors;        // null where no batch norm follows
    const T* w;              // [CO, CI] in panels
    Activation<T> act;
    bool want_x;

    // The weights' gradient [CO, CI] goes to gw where it is wanted.
    void run(T* gw, const Tiles& tiles) const {
        const int64_t ci = x.c, co = grad.c, count = ci * co;
        // A part clears and hands over a gradient of the size of the weights: worth it for some hundred pixels.
        const int64_t parts = std::clamp<int64_t>(tiles.pixels / 256, 1, parts_of(tiles.count));
        T* partial = scratch<T, 2>(gw ? parts * count : 0);
        in_parts(tiles.count, parts, [&](int64_t p, Range range) {
            T* sum = gw ? partial + p * count : nullptr;
            if (sum) std::memset(sum, 0, sizeof(T) * static_cast<size_t>(count));
            T* grads = scratch<T, 0>(tiles.tile * co);
            T* inputs = scratch<T, 1>(panels_size<T>(tiles.tile, ci));
            for (int64_t i = range.begin; i < range.end; ++i) {
                tiles.at(i, [&](int64_t n, int64_t h, int64_t column, int64_t pixels) {
                    tile(n, h, column, pixels, grads, inputs, sum);
                });
            }
        });
        if (!gw) return;
        std::memcpy(gw, partial, sizeof(T) * static_cast<size_t>(count));
        for (int64_t p = 1; p < parts; ++p) {
            for (int64_t i = 0; i < count; ++i) gw[i] += partial[p * count + i];
        }
    }

    void tile(int64_t n, int64_t h, int64_t column, int64_t pixels, T* grads, T* inputs, T* sum) const {
        const int64_t ci = x.c, co = grad.c;
        const T* g = grad.at(n, h, column);
        int64_t g_step = grad.step_w;
        if (factors) {
            norm_gradient<T>({g, z.at(n, h, column), g_step, z.step_w, pixels, co, factors, grads});
            g = grads, g_step = co;
        }
        const T* in = x.at(n, h, column);
        if (sum) {
            gather<T>({in, x.step_w, pixels, ci, act, inputs, true});
            product<T>({g, 1, g_step, inputs, sum, ci, co, pixels, ci, true});
        }
        if (!want_x) return;
        T* to = gx.at(n, h, column);
        if (!act.relu) {
            product<T>({g, g_step, 1, w, to, gx.step_w, pixels, co, ci, false});
            return;
        }
        product<T>({g, g_step, 1, w, inputs, ci, pixels, co, ci, false});
        scatter<T>({inputs, pixels, ci, act, in, x.step_w, to, gx.step_w});
    }
};

} // namespace
} // namespace lanista

using namespace lanista;

LANISTA_API const char* lanista_pointwise(
    const Tensor* x_, const Tensor* w_, const int64_t* stride, const Tensor* scale, const Tensor* shift, int relu,
    Tensor** out) {
    return guarded([&] {
        const Tensor x = as_image(*x_, "input");
        check(x, *w_, stride);
        const int64_t co = w_->size(0), oh = (x.size(2) - 1) / stride[0] + 1, ow = (x.size(3) - 1) / stride[1] + 1;
        Tensor y = at::empty({x.size(0), co, oh, ow}, x.options(), at::MemoryFormat::ChannelsLast);
        typed(x, [&](auto zero) {
            using T = decltype(zero);
            HeldActivation<T> act(scale, shift, relu, x);
            const std::vector<T> w = in_panels<T>(w_->reshape({co, x.size(1)}).t().contiguous());
            Forward<T> f{sampled(image<T>(x), stride), image<T>(y), w.data(), act.act};
            f.run(Tiles(f.y.n, oh, ow, f.x.uniform() && f.y.uniform(),
                std::max(f.x.c, f.y.c) * static_cast<int64_t>(sizeof(T))));
        });
        out[0] = give(y);
    });
}

LANISTA_API const char* lanista_pointwise_backward(
    const Tensor* grad_, const Tensor* z_, const Tensor* factors_, const Tensor* x_, const Tensor* w_,
    const int64_t* stride, const Tensor* scale, const Tensor* shift, int relu, int want_x, int want_w, Tensor** out) {
    return guarded([&] {
        const Tensor x = as_image(*x_, "input"), grad = as_image(*grad_, "gradient");
        check(x, *w_, stride);
        const int64_t co = w_->size(0), oh = (x.size(2) - 1) / stride[0] + 1, ow = (x.size(3) - 1) / stride[1] + 1;
        same_sizes(grad, {x.size(0), co, oh, ow}, "gradient");
        same_type(x, grad, "gradient");
        TORCH_CHECK(!z_ == !factors_, "a batch norm's input and its factors: give both or none");
        Tensor z, factors;
        if (z_) {
            z = as_image(*z_, "batch norm's input");
            factors = factors_->contiguous();
            same_sizes(z, grad.sizes(), "batch norm's input");
            same_type(x, z, "batch norm's input");
            same_sizes(factors, {3, co}, "factors");
            same_type(x, factors, "factors");
        }
        Tensor gx = want_x ? at::empty(x.sizes(), x.options(), at::MemoryFormat::ChannelsLast) : Tensor();
        const bool skips = stride[0] > 1 || stride[1] > 1;
        if (want_x && skips) gx.zero_();
        Tensor gw = want_w ? at::empty({co, x.size(1)}, x.options()) : Tensor();
        typed(x, [&](auto zero) {
            using T = decltype(zero);
            HeldActivation<T> act(scale, shift, relu, x);
            const std::vector<T> w = in_panels<T>(w_->reshape({co, x.size(1)}).contiguous());
            Backward<T> b{image<T>(grad), z_ ? image<T>(z) : Image<T>{}, sampled(image<T>(x), stride),
                want_x ? sampled(image<T>(gx), stride) : Image<T>{}, z_ ? factors.data_ptr<T>() : nullptr,
                w.data(), act.act, want_x != 0};
            const bool uniform = b.grad.uniform() && b.x.uniform() &&
                (!z_ || b.z.uniform()) && (!want_x || b.gx.uniform());
            b.run(want_w ? gw.data_ptr<T>() : nullptr,
                Tiles(b.grad.n, oh, ow, uniform, (b.x.c + co) * static_cast<int64_t>(sizeof(T))));
        });
        out[0] = want_x ? give(gx) : nullptr;
        out[1] = want_w ? give(gw.reshape(w_->sizes())) : nullptr;
    });
}
