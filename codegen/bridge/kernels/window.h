// The window of a convolution.
#pragma once

#include "common.h"

namespace lanista {

struct Window {
    int64_t kh, kw, sh, sw, ph, pw, dh, dw;

    explicit Window(const int64_t* v)
        : kh(v[0]), kw(v[1]), sh(v[2]), sw(v[3]), ph(v[4]), pw(v[5]), dh(v[6]), dw(v[7]) {}
    int64_t taps() const { return kh * kw; }
    int64_t reach_h() const { return (kh - 1) * dh; }
    int64_t reach_w() const { return (kw - 1) * dw; }
    int64_t out_h(int64_t h) const { return floor_div(h + 2 * ph - reach_h() - 1, sh) + 1; }
    int64_t out_w(int64_t w) const { return floor_div(w + 2 * pw - reach_w() - 1, sw) + 1; }
};

} // namespace lanista
