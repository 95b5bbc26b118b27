// Batch norm in training, in passes over pixels whose channels lie next to each other.

#include "common.h"
#include "kernels.h"

#include <cmath>

namespace lanista {
namespace {

// Calls body(n, h, w, count) for stretches of pixels that lie `step_w` apart in every image, none longer than `limit`.
// The pixels are [begin, end), counted over images, rows and columns; `uniform` says that rows follow each other.
template <class F> void stretches(int64_t h, int64_t w, bool uniform, Range range, int64_t limit, F body) {
    for (int64_t p = range.begin; p < range.end;) {
        const int64_t row = p / w, rest = uniform ? limit : std::min(limit, w - p % w);
        const int64_t count = std::min(rest, range.end - p);
        body(row / h, row % h, p % w, count);
        p += count;
    }
}

template <class T> int64_t tile_pixels(int64_t channels, int64_t images) {
    // Images without channels have pixels too.
    return std::max<int64_t>(8, TILE_BYTES / std::max<int64_t>(channels * images * static_cast<int64_t>(sizeof(T)), 1));
}

// Mean and sum of squared deviations of `count` pixels, per channel; gathered tile by tile, joined without
// cancellation.
struct Moments {
    double count = 0;
    std::vector<double> mean, m2;

    explicit Moments(int64_t channels)
        : mean(static_cast<size_t>(channels), 0.0), m2(static_cast<size_t>(channels), 0.0) {}

    // Chan, Golub and LeVeque (1979): the moments of a union from those of two disjoint sets.
    template <class T> void join(double n, const T* other_mean, const T* other_m2) {
        if (n == 0) return;
        const double total = count + n, share = n / total, cross = count * share;
        for (size_t c = 0; c < mean.size(); ++c) {
            const double delta = static_cast<double>(other_mean[c]) - mean[c];
            mean[c] += delta * share;
            m2[c] += static_cast<double>(other_m2[c]) + delta * delta * cross;
        }
        count = total;
    }
};

template <class T> struct MomentsTile {
    const T* z;
    int64_t step, pixels, channels;
    T* mean;
    T* m2;
};

constexpr int MOST_TERMS = 8;

template <class T> struct SumTile {
    const T* x[MOST_TERMS];
    int64_t step[MOST_TERMS];
    Activation<T> act[MOST_TERMS];
    int terms;
    T* y;
    int64_t y_step, pixels, channels;
    bool relu;
};

template <class T> struct ReduceTile {
    const T* grad;
    const T* z;
    int64_t grad_step, z_step, pixels, channels;
    const T* mean;
    T* sum;     // of grad
    T* product; // of grad * (z - mean)
};

template <class T> struct ApplyTile {
    const T* grad;
    const T* z;
    int64_t grad_step, z_step, pixels, channels;
    const T* factors; // [3, C]
    T* y;
    int64_t y_step;
};

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
#include "lanes.inl"
#include "batch_norm.inl"
}
#pragma GCC pop_options
namespace baseline {
#include "lanes.inl"
#include "batch_norm.inl"
}

LANISTA_KERNEL(moments, MomentsTile)
LANISTA_KERNEL(sum, SumTile)
LANISTA_KERNEL(reduce, ReduceTile)
LANISTA_KERNEL(apply, ApplyTile)

template <class T> Moments moments_of(Image<T> z) {
    const int64_t pixels = z.pixels();
    std::vector<Moments> parts(static_cast<size_t>(parts_of(pixels)), Moments(z.c));
    in_parts(pixels, [&](int64_t p, Range range) {
        T* tile = scratch<T, 0>(2 * z.c);
        const int64_t limit = tile_pixels<T>(z.c, 1);
        stretches(z.h, z.w, z.uniform(), range, limit, [&](int64_t n, int64_t h, int64_t w, int64_t count) {
            moments<T>({z.at(n, h, w), z.step_w, count, z.c, tile, tile + z.c});
            parts[static_cast<size_t>(p)].join(static_cast<double>(count), tile, tile + z.c);
        });
    });
    Moments all(z.c);
    for (const Moments& m : parts) all.join(m.count, m.mean.data(), m.m2.data());
    return all;
}

struct NormParameters {
    const Tensor* weight;
    const Tensor* bias;
    Tensor* running_mean;
    Tensor* running_var;
    double momentum, eps;
};

// Writes mean, invstd, scale and shift to out[0..4] and updates the running statistics.
void finish_batch_norm(const Moments& m, const Tensor& like, const NormParameters& p, Tensor** out) {
    const int64_t channels = static_cast<int64_t>(m.mean.size());
    auto weight = per_channel(p.weight, channels, like, "weight"), bias = per_channel(p.bias, channels, like, "bias");
    TORCH_CHECK(!p.running_mean == !p.running_var, "running mean and variance: give both or none");
    if (p.running_mean) {
        for (Tensor* t : {p.running_mean, p.running_var}) {
            same_sizes(*t, {channels}, "running statistic");
            same_type(like, *t, "running statistic");
        }
    }
    Tensor result[LANISTA_BATCH_NORM_OUTPUTS];
    for (Tensor& t : result) t = at::empty({channels}, like.options());
    typed(like, [&](auto zero) {
        using T = decltype(zero);
        const T* w = pointer<T>(weight);
        const T* b = pointer<T>(bias);
        for (int64_t c = 0; c < channels; ++c) {
            const double mean = m.mean[static_cast<size_t>(c)], m2 = m.m2[static_cast<size_t>(c)];
            const double invstd = 1 / std::sqrt(m2 / m.count + p.eps);
            const double scale = (w ? static_cast<double>(w[c]) : 1) * invstd;
            const double values[LANISTA_BATCH_NORM_OUTPUTS] = {
                mean, invstd, scale, (b ? static_cast<double>(b[c]) : 0) - mean * scale};
            for (int i = 0; i < LANISTA_BATCH_NORM_OUTPUTS; ++i) result[i].data_ptr<T>()[c] = static_cast<T>(values[i]);
            if (p.running_mean) {
                auto update = [&](const Tensor& t, double value) {
                    T& r = t.data_ptr<T>()[c * t.stride(0)];
                    r = static_cast<T>(p.momentum * value + (1 - p.momentum) * static_cast<double>(r));
                };
                update(*p.running_mean, mean);
                update(*p.running_var, m2 / (m.count - 1));
            }
        }
    });
    for (int i = 0; i < LANISTA_BATCH_NORM_OUTPUTS; ++i) out[i] = give(result[i]);
}

} // namespace
} // namespace lanista

using namespace lanista;

LANISTA_API const char* lanista_batch_norm_stats(
    const Tensor* z_, const Tensor* weight, const Tensor* bias, Tensor* running_mean, Tensor* running_var,
    double momentum, double eps, Tensor** out) {
    return guarded([&] {
        const Tensor z = as_image(*z_, "input");
        TORCH_CHECK(z.numel() > z.size(1), "batch norm in training needs more than one value per channel, found ",
            z.sizes());
        typed(z, [&](auto zero) {
            finish_batch_norm(moments_of(image<decltype(zero)>(z)), z,
                {weight, bias, running_mean, running_var, momentum, eps}, out);
        });
    });
}

LANISTA_API const char* lanista_affine_sum(
    const Tensor* const* x, const Tensor* const* scale, const Tensor* const* shift, int terms, int relu, Tensor** out) {
    return guarded([&] {
        TORCH_CHECK(terms >= 1 && terms <= MOST_TERMS, "expected 1 to ", MOST_TERMS, " terms, found ", terms);
        std::vector<Tensor> images;
        for (int t = 0; t < terms; ++t) {
            images.push_back(as_image(*x[t], "term"));
            same_sizes(images[static_cast<size_t>(t)], x[0]->sizes(), "term");
            same_type(*x[0], *x[t], "term");
        }
        Tensor y = at::empty(images[0].sizes(), images[0].options(), at::MemoryFormat::ChannelsLast);
        typed(y, [&](auto zero) {
            using T = decltype(zero);
            const Image<T> to = image<T>(y);
            bool uniform = to.uniform();
            std::vector<HeldActivation<T>> acts;
            std::vector<Image<T>> from;
            for (int t = 0; t < terms; ++t) {
                acts.emplace_back(scale[t], shift[t], 0, y);
                from.push_back(image<T>(images[static_cast<size_t>(t)]));
                uniform = uniform && from.back().uniform();
            }
            in_parts(to.pixels(), [&](int64_t, Range range) {
                const int64_t limit = tile_pixels<T>(to.c, terms + 1);
                stretches(to.h, to.w, uniform, range, limit, [&](int64_t n, int64_t h, int64_t w, int64_t count) {
                    SumTile<T> tile{{}, {}, {}, terms, to.at(n, h, w), to.step_w, count, to.c, relu != 0};
                    for (int t = 0; t < terms; ++t) {
                        tile.x[t] = from[static_cast<size_t>(t)].at(n, h, w);
                        tile.step[t] = from[static_cast<size_t>(t)].step_w;
                        tile.act[t] = acts[static_cast<size_t>(t)].act;
                    }
                    sum<T>(tile);
                });
            });
        });
        out[0] = give(y);
    });
}

LANISTA_API const char* lanista_batch_norm_reduce(
    const Tensor* grad_, const Tensor* z_, const Tensor* weight_, const Tensor* mean_, const Tensor* invstd_,
    Tensor** out) {
    return guarded([&] {
        const Tensor z = as_image(*z_, "input"), grad = as_image(*grad_, "gradient");
        same_sizes(grad, z.sizes(), "gradient");
        same_type(z, grad, "gradient");
        const int64_t channels = z.size(1);
        Tensor gw = at::empty({channels}, z.options()), gb = at::empty_like(gw);
        Tensor factors = at::empty({3, channels}, z.options());
        auto weight = per_channel(weight_, channels, z, "weight"), mean = per_channel(mean_, channels, z, "mean");
        auto invstd = per_channel(invstd_, channels, z, "invstd");
        TORCH_CHECK(mean && invstd, "the mean and invstd of the forward pass are wanted");
        typed(z, [&](auto zero) {
            using T = decltype(zero);
            const Image<T> g = image<T>(grad), x = image<T>(z);
            const int64_t pixels = x.pixels();
            const size_t numbers = static_cast<size_t>(parts_of(pixels) * channels);
            std::vector<double> sums(numbers, 0.0), products(numbers, 0.0);
            in_parts(pixels, [&](int64_t p, Range range) {
                T* tile = scratch<T, 0>(2 * channels);
                const bool uniform = x.uniform() && g.uniform();
                const int64_t limit = tile_pixels<T>(channels, 2);
                stretches(x.h, x.w, uniform, range, limit, [&](int64_t n, int64_t h, int64_t w, int64_t count) {
                    reduce<T>({g.at(n, h, w), x.at(n, h, w), g.step_w, x.step_w, count, channels, pointer<T>(mean),
                        tile, tile + channels});
                    for (int64_t c = 0; c < channels; ++c) {
                        sums[static_cast<size_t>(p * channels + c)] += static_cast<double>(tile[c]);
                        products[static_cast<size_t>(p * channels + c)] += static_cast<double>(tile[channels + c]);
                    }
                });
            });
            for (int64_t c = 0; c < channels; ++c) {
                double s = 0, q = 0;
                for (int64_t p = 0; p < parts_of(pixels); ++p) {
                    s += sums[static_cast<size_t>(p * channels + c)];
                    q += products[static_cast<size_t>(p * channels + c)];
                }
                const double inv = static_cast<double>(pointer<T>(invstd)[c]);
                const double mu = static_cast<double>(pointer<T>(mean)[c]);
                const double w = weight ? static_cast<double>(pointer<T>(weight)[c]) : 1;
                const double m = static_cast<double>(pixels);
                gw.data_ptr<T>()[c] = static_cast<T>(q * inv);
                gb.data_ptr<T>()[c] = static_cast<T>(s);
                // w * inv * (grad - s/m - (z - mean) * inv^2 * q/m), by powers of grad and z
                const double slope = -w * inv * inv * inv * q / m;
                T* f = factors.data_ptr<T>() + c;
                f[0] = static_cast<T>(w * inv);
                f[channels] = static_cast<T>(slope);
                f[2 * channels] = static_cast<T>(-w * inv * s / m - slope * mu);
            }
        });
        out[0] = give(gw);
        out[1] = give(gb);
        out[2] = give(factors);
    });
}

LANISTA_API const char* lanista_batch_norm_backward_apply(
    const Tensor* grad_, const Tensor* z_, const Tensor* factors_, Tensor** out) {
    return guarded([&] {
        const Tensor z = as_image(*z_, "input"), grad = as_image(*grad_, "gradient");
        same_sizes(grad, z.sizes(), "gradient");
        same_type(z, grad, "gradient");
        same_sizes(*factors_, {3, z.size(1)}, "factors");
        same_type(z, *factors_, "factors");
        const Tensor factors = factors_->contiguous();
        Tensor y = at::empty(z.sizes(), z.options(), at::MemoryFormat::ChannelsLast);
        typed(z, [&](auto zero) {
            using T = decltype(zero);
            const Image<T> g = image<T>(grad), x = image<T>(z), to = image<T>(y);
            in_parts(x.pixels(), [&](int64_t, Range range) {
                const bool uniform = x.uniform() && g.uniform() && to.uniform();
                const int64_t limit = tile_pixels<T>(x.c, 3);
                stretches(x.h, x.w, uniform, range, limit, [&](int64_t n, int64_t h, int64_t w, int64_t count) {
                    apply<T>({g.at(n, h, w), x.at(n, h, w), g.step_w, x.step_w, count, x.c, factors.data_ptr<T>(),
                        to.at(n, h, w), to.step_w});
                });
            });
        });
        out[0] = give(y);
    });
}
