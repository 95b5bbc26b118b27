// The window of a convolution or a pooling.
#pragma once

#include "common.h"

namespace lanista {

// The taps of a window along one side that lie within the input: the first tap and its place, and how many.
struct Span {
    int64_t tap, first, count;
};

struct Window {
    int64_t kh, kw, sh, sw, ph, pw, dh, dw;

    explicit Window(const int64_t* v)
        : kh(v[0]), kw(v[1]), sh(v[2]), sw(v[3]), ph(v[4]), pw(v[5]), dh(v[6]), dw(v[7]) {}
    int64_t taps() const { return kh * kw; }
    int64_t reach_h() const { return (kh - 1) * dh; }
    int64_t reach_w() const { return (kw - 1) * dw; }
    int64_t out_h(int64_t h) const { return floor_div(h + 2 * ph - reach_h() - 1, sh) + 1; }
    int64_t out_w(int64_t w) const { return floor_div(w + 2 * pw - reach_w() - 1, sw) + 1; }
    Span rows(int64_t o, int64_t h) const { return within(o * sh - ph, kh, dh, h); }
    Span columns(int64_t o, int64_t w) const { return within(o * sw - pw, kw, dw, w); }
    // Rounded up, but no window may start beyond the input and its left padding.
    int64_t out_h_ceil(int64_t h) const { return ceiled(h, ph, reach_h(), sh); }
    int64_t out_w_ceil(int64_t w) const { return ceiled(w, pw, reach_w(), sw); }

  private:
    static LANISTA_INLINE Span within(int64_t from, int64_t k, int64_t dilation, int64_t size) {
        const int64_t skipped = from < 0 ? (-from + dilation - 1) / dilation : 0;
        const int64_t first = from + skipped * dilation;
        const int64_t fit = first < size ? (size - 1 - first) / dilation + 1 : 0;
        return {skipped, first, std::min(k - skipped, fit)};
    }
    static int64_t ceiled(int64_t size, int64_t pad, int64_t reach, int64_t stride) {
        const int64_t out = floor_div(size + 2 * pad - reach - 1 + stride - 1, stride) + 1;
        return (out - 1) * stride >= size + pad ? out - 1 : out;
    }
};

} // namespace lanista
