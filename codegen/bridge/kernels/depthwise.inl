// Loops of depthwise.cpp, compiled once per kind of processor. Included inside its namespace, after lanes.inl.

template <class T> LANISTA_INLINE void fill_row(const Patch<T>& p, const T* x, T* to, int64_t count) {
    const int64_t c = p.x.c;
    over_lines<T>(c, [&](auto lane, int64_t at) LANISTA_LAMBDA {
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

// Masks and stores COLUMNS results of a line.
template <class L, int COLUMNS, class T>
LANISTA_INLINE void finish_columns(
    const Line<T>& a, const Activated<L>& act, typename L::V* sum, int64_t at, int64_t j) {
    const int64_t out_step = a.out_step, x_step = a.x_step;
    T* out = a.out + j * out_step + at;
    if (a.x && act.relu) {
        const T* x = a.x + j * x_step + at;
#pragma GCC unroll 8
        for (int i = 0; i < COLUMNS; ++i) sum[i] = act.mask(sum[i], load<L>(x + i * x_step));
    }
#pragma GCC unroll 8
    for (int i = 0; i < COLUMNS; ++i) store<L>(out + i * out_step, sum[i]);
}

template <class L, int COLUMNS, class T>
LANISTA_INLINE void line_block(const Line<T>& a, const Activated<L>& act, int64_t at, int64_t j) {
    using V = typename L::V;
    const int64_t step = a.src_step, step_3 = 3 * step, taps = a.tap_rows * a.tap_columns;
    const T* src = a.src + j * step + at;
    V sum[COLUMNS] = {};
    for (int64_t t = 0; t < taps; ++t) {
        const V w = load<L>(a.weights[t] + at);
        const T* s = src + a.offsets[t];
        if constexpr (COLUMNS == 8) {
            const T* r = s + 4 * step;
            sum[0] += w * load<L>(s), sum[1] += w * load<L>(s + step);
            sum[2] += w * load<L>(s + 2 * step), sum[3] += w * load<L>(s + step_3);
            sum[4] += w * load<L>(r), sum[5] += w * load<L>(r + step);
            sum[6] += w * load<L>(r + 2 * step), sum[7] += w * load<L>(r + step_3);
        } else {
            static_assert(COLUMNS == 1);
            sum[0] += w * load<L>(s);
        }
    }
    finish_columns<L, COLUMNS>(a, act, sum, at, j);
}

// Eight columns where neighbouring taps lie DILATION columns apart: each number of the source is loaded once per row of
// taps and serves all of them.
template <class L, int TAPS, int DILATION, class T>
LANISTA_INLINE void sliding_block(const Line<T>& a, const Activated<L>& act, int64_t at, int64_t j) {
    using V = typename L::V;
    const int64_t step = a.src_step, rows = a.tap_rows;
    const bool backwards = a.offsets[1] < a.offsets[0];
    const T* src = a.src + j * step + at;
    V sum[8] = {};
    for (int64_t r = 0; r < rows; ++r) {
        const T* const* weights = a.weights + r * TAPS;
        V w[TAPS];
#pragma GCC unroll 5
        for (int t = 0; t < TAPS; ++t) w[t] = load<L>(weights[backwards ? TAPS - 1 - t : t] + at);
        const T* s = src + a.offsets[r * TAPS + (backwards ? TAPS - 1 : 0)];
#pragma GCC unroll 16
        for (int i = 0; i < 8 + (TAPS - 1) * DILATION; ++i, s += step) {
            const V x = load<L>(s);
#pragma GCC unroll 5
            for (int t = 0; t < TAPS; ++t) {
                if (i >= t * DILATION && i - t * DILATION < 8) sum[i - t * DILATION] += w[t] * x;
            }
        }
    }
    finish_columns<L, 8>(a, act, sum, at, j);
}

template <class L, int TAPS, int DILATION, class T>
LANISTA_INLINE int64_t slide(const Line<T>& a, const Activated<L>& act, int64_t at) {
    int64_t j = 0;
    for (; j + 8 <= a.count; j += 8) sliding_block<L, TAPS, DILATION>(a, act, at, j);
    return j;
}

template <class T> void line(const Line<T>& a) {
    const int64_t apart = a.tap_columns > 1 ? std::abs(a.offsets[1] - a.offsets[0]) : 0;
    over_vectors<T>(0, a.channels, [&](auto lane, int64_t at) LANISTA_LAMBDA {
        using L = decltype(lane);
        const Activated<L> act = activated<L>(a.act, at);
        int64_t j = 0;
        if (a.tap_columns == 3 && apart == a.src_step) {
            j = slide<L, 3, 1>(a, act, at);
        } else if (a.tap_columns == 3 && apart == 2 * a.src_step) {
            j = slide<L, 3, 2>(a, act, at);
        } else if (a.tap_columns == 5 && apart == a.src_step) {
            j = slide<L, 5, 1>(a, act, at);
        } else if (a.tap_columns == 5 && apart == 2 * a.src_step) {
            j = slide<L, 5, 2>(a, act, at);
        }
        for (; j + 8 <= a.count; j += 8) line_block<L, 8>(a, act, at, j);
        for (; j < a.count; ++j) line_block<L, 1>(a, act, at, j);
    });
}

// The gradients of ROWS times COLUMNS neighbouring taps, from `row` and `column` on, in registers.
template <class L, int ROWS, int COLUMNS, class T>
LANISTA_INLINE void weight_taps(const WeightTile<T>& a, int64_t row, int64_t column, int64_t at) {
    using V = typename L::V;
    const int64_t channels = a.grad.c, width = a.grad.w, grad_step = a.grad.step_w, src_step = a.src_step;
    const int64_t apart = a.tap_step;
    T* to = a.sum + (row * a.tap_columns + column) * channels + at;
    V sum[ROWS][COLUMNS] = {};
    for (int64_t r = 0; r < a.rows; ++r) {
        const T* g = a.grad.at(a.n, a.row + r, 0) + at;
        const T* s[ROWS];
#pragma GCC unroll 3
        for (int i = 0; i < ROWS; ++i) {
            s[i] = a.src + r * a.src_row_step + (row + i) * a.tap_row_step + column * apart + at;
        }
        for (int64_t j = 0; j < width; ++j, g += grad_step) {
            const V v = load<L>(g);
#pragma GCC unroll 3
            for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 5
                for (int t = 0; t < COLUMNS; ++t) sum[i][t] += v * load<L>(s[i] + t * apart);
                s[i] += src_step;
            }
        }
    }
#pragma GCC unroll 3
    for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 5
        for (int t = 0; t < COLUMNS; ++t) {
            T* p = to + (i * a.tap_columns + t) * channels;
            store<L>(p, load<L>(p) + sum[i][t]);
        }
    }
}

template <class T> void weight(const WeightTile<T>& a) {
    over_vectors<T>(0, a.grad.c, [&](auto lane, int64_t at) LANISTA_LAMBDA {
        using L = decltype(lane);
        if (a.tap_rows == 3 && a.tap_columns == 3) return weight_taps<L, 3, 3>(a, 0, 0, at);
        int64_t row = 0;
        for (; a.tap_columns == 5 && row + 2 <= a.tap_rows; row += 2) weight_taps<L, 2, 5>(a, row, 0, at);
        for (; row < a.tap_rows; ++row) {
            int64_t t = 0;
            for (; t + 5 <= a.tap_columns; t += 5) weight_taps<L, 1, 5>(a, row, t, at);
            for (; t + 3 <= a.tap_columns; t += 3) weight_taps<L, 1, 3>(a, row, t, at);
            for (; t < a.tap_columns; ++t) weight_taps<L, 1, 1>(a, row, t, at);
        }
    });
}

template void fill<float>(const Patch<float>&);
template void fill<double>(const Patch<double>&);
template void line<float>(const Line<float>&);
template void line<double>(const Line<double>&);
template void weight<float>(const WeightTile<float>&);
template void weight<double>(const WeightTile<double>&);
