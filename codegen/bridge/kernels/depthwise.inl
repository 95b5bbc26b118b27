// Loops of depthwise.cpp, compiled once per kind of processor. Included inside its namespace, after lanes.inl.

template <class T> LANISTA_INLINE void fill_row(const Patch<T>& p, const T* x, T* to, int64_t count) {
    const int64_t c = p.x.c;
    over_vectors<T>(0, c, [&](auto lane, int64_t at) LANISTA_LAMBDA {
        using L = decltype(lane);
        const auto act = activated<L>(p.act, at);
        T* q = to + at;
        const T* s = x + at;
        for (int64_t i = 0; i < count; ++i, q += c, s += p.x.step_w) store<L>(q, act.apply(load<L>(s)));
    });
}

template <class T> void fill(const Patch<T>& p) {
    const int64_t c = p.x.c, line = p.columns * c;
    const int64_t from = std::clamp<int64_t>(-p.column, 0, p.columns);
    const int64_t until = std::clamp<int64_t>(p.x.w - p.column, from, p.columns);
    const bool dense = p.x.step_w == c && p.act.trivial();
    for (int64_t r = 0; r < p.rows; ++r) {
        T* to = p.to + r * line;
        const int64_t ih = p.row + r;
        if (ih < 0 || ih >= p.x.h || from == until) {
            std::memset(to, 0, sizeof(T) * static_cast<size_t>(line));
            continue;
        }
        std::memset(to, 0, sizeof(T) * static_cast<size_t>(from * c));
        std::memset(to + until * c, 0, sizeof(T) * static_cast<size_t>((p.columns - until) * c));
        const T* x = p.x.at(p.n, ih, p.column + from);
        if (dense) {
            std::memcpy(to + from * c, x, sizeof(T) * static_cast<size_t>((until - from) * c));
        } else {
            fill_row(p, x, to + from * c, until - from);
        }
    }
}

template <class L, int COLUMNS, class T, class A>
LANISTA_INLINE void line_block(const Line<T>& a, int64_t taps, int64_t at, int64_t j, const A& act) {
    using V = typename L::V;
    V sum[COLUMNS] = {};
    for (int64_t t = 0; t < taps; ++t) {
        const V w = load<L>(a.weights[t] + at);
        const T* s = a.src + a.offsets[t] + j * a.src_step + at;
#pragma GCC unroll 8
        for (int i = 0; i < COLUMNS; ++i) sum[i] += w * load<L>(s + i * a.src_step);
    }
    T* out = a.out + j * a.out_step + at;
#pragma GCC unroll 8
    for (int i = 0; i < COLUMNS; ++i) {
        V v = sum[i];
        if (a.x && act.relu) v = act.mask(v, load<L>(a.x + (j + i) * a.x_step + at));
        if (a.accumulate) v += load<L>(out + i * a.out_step);
        store<L>(out + i * a.out_step, v);
    }
}

template <class T> void line(const Line<T>& a) {
    over_vectors<T>(0, a.channels, [&](auto lane, int64_t at) LANISTA_LAMBDA {
        using L = decltype(lane);
        const auto act = activated<L>(a.act, at);
        int64_t j = 0;
        if (a.taps == 9) {
            for (; j + 8 <= a.count; j += 8) line_block<L, 8>(a, 9, at, j, act);
        }
        for (; j + 8 <= a.count; j += 8) line_block<L, 8>(a, a.taps, at, j, act);
        for (; j < a.count; ++j) line_block<L, 1>(a, a.taps, at, j, act);
    });
}

template <class L, int TAPS, class T> LANISTA_INLINE void weight_taps(const WeightTile<T>& a, int64_t tap, int64_t at) {
    using V = typename L::V;
    V sum[TAPS];
#pragma GCC unroll 9
    for (int t = 0; t < TAPS; ++t) sum[t] = load<L>(a.sum + (tap + t) * a.grad.c + at);
    for (int64_t r = 0; r < a.rows; ++r) {
        const T* g = a.grad.at(a.n, a.row + r, 0) + at;
        const T* s = a.src + r * a.src_row_step + at;
        const T* tap_at[TAPS];
#pragma GCC unroll 9
        for (int t = 0; t < TAPS; ++t) tap_at[t] = s + a.offsets[tap + t];
        for (int64_t j = 0; j < a.grad.w; ++j) {
            const V v = load<L>(g + j * a.grad.step_w);
            const int64_t shift = j * a.src_step;
#pragma GCC unroll 9
            for (int t = 0; t < TAPS; ++t) sum[t] += v * load<L>(tap_at[t] + shift);
        }
    }
#pragma GCC unroll 9
    for (int t = 0; t < TAPS; ++t) store<L>(a.sum + (tap + t) * a.grad.c + at, sum[t]);
}

template <class T> void weight(const WeightTile<T>& a) {
    over_vectors<T>(0, a.grad.c, [&](auto lane, int64_t at) LANISTA_LAMBDA {
        using L = decltype(lane);
        int64_t t = 0;
        if (a.taps % 9 == 0) {
            for (; t < a.taps; t += 9) weight_taps<L, 9>(a, t, at);
        }
        for (; t + 5 <= a.taps; t += 5) weight_taps<L, 5>(a, t, at);
        for (; t < a.taps; ++t) weight_taps<L, 1>(a, t, at);
    });
}

template void fill<float>(const Patch<float>&);
template void fill<double>(const Patch<double>&);
template void line<float>(const Line<float>&);
template void line<double>(const Line<double>&);
template void weight<float>(const WeightTile<float>&);
template void weight<double>(const WeightTile<double>&);
