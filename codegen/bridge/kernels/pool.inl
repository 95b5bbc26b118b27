// Loops of pool.cpp, compiled once per kind of processor. Included inside its namespace, after lanes.inl.

// Tap numbers beside the numbers of a group: as wide as those for comparing, bytes in memory.
template <class L> struct TapOf;
template <> struct TapOf<Pack<float>> {
    using Number = int32_t;
    using I = int32_t __attribute__((vector_size(32)));
    using Plain = uint8_t __attribute__((vector_size(8)));
    using Bytes = uint8_t __attribute__((vector_size(8), aligned(1), may_alias));
};
template <> struct TapOf<Pack<double>> {
    using Number = int64_t;
    using I = int64_t __attribute__((vector_size(32)));
    using Plain = uint8_t __attribute__((vector_size(4)));
    using Bytes = uint8_t __attribute__((vector_size(4), aligned(1), may_alias));
};

template <class T> LANISTA_INLINE void max_lane(const MaxRow<T>& a, int64_t j, int64_t at, Pack<T>) {
    using L = Pack<T>;
    using V = typename L::V;
    using I = typename TapOf<L>::I;
    using Number = typename TapOf<L>::Number;
    const Span rows = a.k.rows(a.row, a.x.h), columns = a.k.columns(j, a.x.w);
    V best = load<L>(a.x.at(a.n, rows.first, columns.first) + at);
    I tap = I{} + static_cast<Number>(rows.tap * a.k.kw + columns.tap);
    for (int64_t r = 0; r < rows.count; ++r) {
        const T* x = a.x.at(a.n, rows.first + r * a.k.dh, columns.first) + at;
        const int64_t first = (rows.tap + r) * a.k.kw + columns.tap;
        for (int64_t c = 0; c < columns.count; ++c) {
            const V v = load<L>(x + c * a.k.dw * a.x.step_w);
            const auto wins = (v > best) | (v != v);
            best = wins ? v : best;
            tap = wins ? I{} + static_cast<Number>(first + c) : tap;
        }
    }
    store<L>(a.y.at(a.n, a.row, j) + at, best);
    using Bytes = typename TapOf<L>::Bytes;
    using Plain = typename TapOf<L>::Plain;
    *reinterpret_cast<Bytes*>(a.taps + j * a.x.c + at) = __builtin_convertvector(tap, Plain);
}

template <class T> LANISTA_INLINE void max_lane(const MaxRow<T>& a, int64_t j, int64_t at, Single<T>) {
    const Span rows = a.k.rows(a.row, a.x.h), columns = a.k.columns(j, a.x.w);
    T best = a.x.at(a.n, rows.first, columns.first)[at];
    int64_t tap = rows.tap * a.k.kw + columns.tap;
    for (int64_t r = 0; r < rows.count; ++r) {
        for (int64_t c = 0; c < columns.count; ++c) {
            const T v = a.x.at(a.n, rows.first + r * a.k.dh, columns.first + c * a.k.dw)[at];
            if (v > best || v != v) best = v, tap = (rows.tap + r) * a.k.kw + columns.tap + c;
        }
    }
    a.y.at(a.n, a.row, j)[at] = best;
    a.taps[j * a.x.c + at] = static_cast<uint8_t>(tap);
}

template <class T> void max_row(const MaxRow<T>& a) {
    for (int64_t j = 0; j < a.y.w; ++j) {
        over_vectors<T>(0, a.x.c, [&](auto lane, int64_t at) LANISTA_LAMBDA { max_lane<T>(a, j, at, lane); });
    }
}

// The gradient where `tap` won, else zero.
template <class T> LANISTA_INLINE typename Pack<T>::V won(const T* grad, const uint8_t* taps, int64_t tap, Pack<T>) {
    using L = Pack<T>;
    using I = typename TapOf<L>::I;
    using Number = typename TapOf<L>::Number;
    using Bytes = typename TapOf<L>::Bytes;
    using Plain = typename TapOf<L>::Plain;
    const Plain bytes = *reinterpret_cast<const Bytes*>(taps);
    const I winner = __builtin_convertvector(bytes, I);
    return winner == I{} + static_cast<Number>(tap) ? load<L>(grad) : typename L::V{};
}
template <class T> LANISTA_INLINE T won(const T* grad, const uint8_t* taps, int64_t tap, Single<T>) {
    return *taps == tap ? *grad : T{};
}

// Calls body(kernel row or column, output row or column) for every window that a row or column of the input lies in.
template <class F>
LANISTA_INLINE void windows(int64_t i, int64_t k, int64_t stride, int64_t pad, int64_t dilation, int64_t out, F body) {
    for (int64_t t = 0; t < k; ++t) {
        const int64_t o = i + pad - t * dilation;
        if (o < 0) break;
        if (o % stride == 0 && o / stride < out) body(t, o / stride);
    }
}

template <class T> void pool_backward_row(const PoolBackwardRow<T>& a) {
    const Window& k = a.k;
    for (int64_t iw = 0; iw < a.gx.w; ++iw) {
        over_vectors<T>(0, a.gx.c, [&](auto lane, int64_t at) LANISTA_LAMBDA {
            using L = decltype(lane);
            T* to = a.gx.at(a.n, a.row, iw) + at;
            typename L::V sum = a.accumulate ? load<L>(to) : typename L::V{};
            windows(a.row, k.kh, k.sh, k.ph, k.dh, a.grad.h, [&](int64_t r, int64_t oh) LANISTA_LAMBDA {
                windows(iw, k.kw, k.sw, k.pw, k.dw, a.grad.w, [&](int64_t c, int64_t ow) LANISTA_LAMBDA {
                    const T* grad = a.grad.at(a.n, oh, ow) + at;
                    if (a.taps) {
                        const uint8_t* taps = a.taps + ((a.n * a.grad.h + oh) * a.grad.w + ow) * a.gx.c + at;
                        sum += won<T>(grad, taps, r * k.kw + c, lane);
                    } else {
                        sum += load<L>(grad) * L::splat(a.share[oh * a.grad.w + ow]);
                    }
                });
            });
            store<L>(to, sum);
        });
    }
}

template <class T> void avg_row(const AvgRow<T>& a) {
    const Span rows = a.k.rows(a.row, a.x.h);
    for (int64_t j = 0; j < a.y.w; ++j) {
        const Span columns = a.k.columns(j, a.x.w);
        over_vectors<T>(0, a.x.c, [&](auto lane, int64_t at) LANISTA_LAMBDA {
            using L = decltype(lane);
            typename L::V sum = {};
            for (int64_t r = 0; r < rows.count; ++r) {
                const T* x = a.x.at(a.n, rows.first + r, columns.first) + at;
                for (int64_t c = 0; c < columns.count; ++c) sum += load<L>(x + c * a.x.step_w);
            }
            store<L>(a.y.at(a.n, a.row, j) + at, sum * L::splat(a.share[a.row * a.y.w + j]));
        });
    }
}

template void max_row<float>(const MaxRow<float>&);
template void max_row<double>(const MaxRow<double>&);
template void pool_backward_row<float>(const PoolBackwardRow<float>&);
template void pool_backward_row<double>(const PoolBackwardRow<double>&);
template void avg_row<float>(const AvgRow<float>&);
template void avg_row<double>(const AvgRow<double>&);
