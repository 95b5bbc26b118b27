// What the kernels share: images, activations, the fixed division of work.
//
// Invariants:
// * An image is [N, C, H, W] whose channels lie next to each other; the steps between pixels, rows and images are free.
//   So a channel slice of a concatenation, a crop and a strided subsample are images too, without a copy.
// * The division of work depends on shapes only, never on the number of threads, and partial sums are added in the
//   order of the parts: results are bit-identical for any number of threads.
// * What loops over numbers stands in an `.inl` file, which is compiled twice: as AVX2 code and as the compiler's
//   baseline. The processor at hand decides which runs, so that one binary serves every x86-64.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>
#include <vector>

#define LANISTA_INLINE inline __attribute__((always_inline))
// After a lambda's parameters: its body is compiled as part of the function that it stands in.
#define LANISTA_LAMBDA __attribute__((always_inline))

// Defines `NAME(const ARGS<T>&)`, which runs the one of `avx2::NAME` and `baseline::NAME` for the processor at hand.
#define LANISTA_KERNEL(NAME, ARGS)                                                                                     \
    template <class T> void NAME(const ARGS<T>& a) { has_avx2() ? avx2::NAME<T>(a) : baseline::NAME<T>(a); }

namespace lanista {

using at::Tensor;

inline bool has_avx2() {
#if defined(__x86_64__)
    static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return has;
#else
    return false;
#endif
}

// relu(scale * x + shift) per channel; every part is optional.
template <class T> struct Activation {
    const T* scale = nullptr;
    const T* shift = nullptr;
    bool relu = false;

    bool trivial() const { return !scale && !relu; }
};

template <class T> struct Image {
    T* data = nullptr;
    int64_t n = 0, c = 0, h = 0, w = 0;
    int64_t step_n = 0, step_h = 0, step_w = 0;

    LANISTA_INLINE T* at(int64_t in, int64_t ih, int64_t iw) const {
        return data + in * step_n + ih * step_h + iw * step_w;
    }
    int64_t pixels() const { return n * h * w; }
    // Whether pixel p (counted over images and rows) lies at data + p * step_w.
    bool uniform() const { return (h == 1 || step_h == w * step_w) && (n == 1 || step_n == h * w * step_w); }
};

// The tensor itself, or a copy in the channels-last order where its channels don't lie next to each other.
inline Tensor as_image(const Tensor& t, const char* name) {
    TORCH_CHECK(t.dim() == 4, name, ": expected [N, C, H, W], found ", t.dim(), " dimensions");
    TORCH_CHECK(t.device().is_cpu(), name, ": expected a tensor on the CPU, found ", t.device().str());
    const bool adjacent = t.size(1) == 1 || t.stride(1) == 1;
    return adjacent ? t : t.contiguous(at::MemoryFormat::ChannelsLast);
}

template <class T> Image<T> image(const Tensor& t) {
    Image<T> i;
    i.data = t.data_ptr<std::remove_const_t<T>>();
    i.n = t.size(0), i.c = t.size(1), i.h = t.size(2), i.w = t.size(3);
    i.step_n = t.stride(0), i.step_h = t.stride(2), i.step_w = t.stride(3);
    return i;
}

// The kernels read numbers of one type from the host's memory: each tensor is compared with one that has been checked.
inline void same_type(const Tensor& a, const Tensor& b, const char* name) {
    TORCH_CHECK(a.scalar_type() == b.scalar_type() && a.device() == b.device(), name, ": expected ", a.scalar_type(),
        " on ", a.device().str(), ", found ", b.scalar_type(), " on ", b.device().str());
}

inline void same_sizes(const Tensor& a, at::IntArrayRef sizes, const char* name) {
    TORCH_CHECK(a.sizes() == sizes, name, ": expected ", sizes, ", found ", a.sizes());
}

// A vector of one number per channel, dense; null for an absent one.
inline std::optional<Tensor> per_channel(const Tensor* t, int64_t channels, const Tensor& like, const char* name) {
    if (!t) return std::nullopt;
    TORCH_CHECK(t->numel() == channels, name, ": expected ", channels, " numbers, found ", t->numel());
    same_type(like, *t, name);
    return t->contiguous();
}

template <class T> const T* pointer(const std::optional<Tensor>& t) { return t ? t->data_ptr<T>() : nullptr; }

// An activation and the dense vectors that it points into.
template <class T> struct HeldActivation {
    std::optional<Tensor> scale, shift;
    Activation<T> act;

    HeldActivation(const Tensor* scale_, const Tensor* shift_, int relu, const Tensor& x) {
        TORCH_CHECK(!scale_ == !shift_, "scale and shift: give both or none");
        scale = per_channel(scale_, x.size(1), x, "scale");
        shift = per_channel(shift_, x.size(1), x, "shift");
        act.scale = pointer<T>(scale);
        act.shift = pointer<T>(shift);
        act.relu = relu != 0;
    }
};

// Work is divided into at most this many parts: a multiple of the usual numbers of threads, few enough that joining
// their sums costs nothing.
constexpr int64_t PARTS = 24;
// What a part works on at a time should stay in a first-level cache.
constexpr int64_t TILE_BYTES = 24 * 1024;

struct Range {
    int64_t begin, end;
};

inline int64_t parts_of(int64_t items) { return std::clamp<int64_t>(items, 1, PARTS); }

inline Range part(int64_t items, int64_t parts, int64_t i) { return {items * i / parts, items * (i + 1) / parts}; }

// body(part, range) for every part of `items`, on libtorch's threads.
template <class F> void in_parts(int64_t items, int64_t parts, F body) {
    at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) body(i, part(items, parts, i));
    });
}
template <class F> void in_parts(int64_t items, F body) { in_parts(items, parts_of(items), body); }

// Buffers of one thread, kept between calls.
template <class T, int SLOT> T* scratch(int64_t count) {
    thread_local std::vector<T> buffer;
    if (static_cast<int64_t>(buffer.size()) < count) buffer.resize(static_cast<size_t>(count));
    return buffer.data();
}

inline int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// body(T{}) with the element type of `like`.
template <class F> void typed(const Tensor& like, F body) {
    if (like.scalar_type() == at::kFloat) return body(float{});
    if (like.scalar_type() == at::kDouble) return body(double{});
    TORCH_CHECK(false, "expected Float or Double, found ", like.scalar_type());
}

} // namespace lanista
