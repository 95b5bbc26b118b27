// Loops of batch_norm.cpp, compiled once per kind of processor. Included inside its namespace, after lanes.inl.

// Two passes over a tile, which is in the cache: exact where the mean is large against the deviation.
template <class T> void moments(const MomentsTile<T>& a) {
    over_lines<T>(a.channels, [&](auto lane, int64_t at) LANISTA_LAMBDA {
        using L = decltype(lane);
        using V = typename L::V;
        // Four sums, so that the additions need not wait for each other.
        V sum[4] = {}, square[4] = {};
        int64_t i = 0;
        for (; i + 4 <= a.pixels; i += 4) {
#pragma GCC unroll 4
            for (int k = 0; k < 4; ++k) sum[k] += load<L>(a.z + (i + k) * a.step + at);
        }
        for (; i < a.pixels; ++i) sum[0] += load<L>(a.z + i * a.step + at);
        const V mean = ((sum[0] + sum[1]) + (sum[2] + sum[3])) / L::splat(static_cast<T>(a.pixels));
        for (i = 0; i + 4 <= a.pixels; i += 4) {
#pragma GCC unroll 4
            for (int k = 0; k < 4; ++k) {
                const V d = load<L>(a.z + (i + k) * a.step + at) - mean;
                square[k] += d * d;
            }
        }
        for (; i < a.pixels; ++i) {
            const V d = load<L>(a.z + i * a.step + at) - mean;
            square[0] += d * d;
        }
        store<L>(a.mean + at, mean);
        store<L>(a.m2 + at, (square[0] + square[1]) + (square[2] + square[3]));
    });
}

template <int TERMS, class L, class T>
LANISTA_INLINE void sum_terms(const SumTile<T>& a, int64_t at, int64_t from, int64_t until) {
    using V = typename L::V;
    Activated<L> act[TERMS];
#pragma GCC unroll 3
    for (int t = 0; t < TERMS; ++t) act[t] = activated<L>(a.act[t], at);
    const bool relu = a.relu;
    const int64_t y_step = a.y_step;
    const T* x[TERMS];
    int64_t step[TERMS];
#pragma GCC unroll 3
    for (int t = 0; t < TERMS; ++t) x[t] = a.x[t] + at, step[t] = a.step[t];
    T* y = a.y + at;
    for (int64_t i = from; i < until; ++i) {
        V v = act[0].apply(load<L>(x[0] + i * step[0]));
#pragma GCC unroll 3
        for (int t = 1; t < TERMS; ++t) v += act[t].apply(load<L>(x[t] + i * step[t]));
        if (relu) v = Rectify<L>::forward(v);
        store<L>(y + i * y_step, v);
    }
}

template <class T> void sum(const SumTile<T>& a) {
    over_blocks<T>(a.pixels, a.channels, [&](auto lane, int64_t at, int64_t from, int64_t until) LANISTA_LAMBDA {
        using L = decltype(lane);
        using V = typename L::V;
        if (a.terms == 1) return sum_terms<1, L>(a, at, from, until);
        if (a.terms == 2) return sum_terms<2, L>(a, at, from, until);
        for (int64_t i = from; i < until; ++i) {
            V v = {};
            for (int t = 0; t < a.terms; ++t) {
                v += activated<L>(a.act[t], at).apply(load<L>(a.x[t] + i * a.step[t] + at));
            }
            if (a.relu) v = Rectify<L>::forward(v);
            store<L>(a.y + i * a.y_step + at, v);
        }
    });
}

template <class T> void reduce(const ReduceTile<T>& a) {
    over_lines<T>(a.channels, [&](auto lane, int64_t at) LANISTA_LAMBDA {
        using L = decltype(lane);
        using V = typename L::V;
        const V mean = load<L>(a.mean + at);
        const T *grads = a.grad + at, *zs = a.z + at;
        const int64_t grad_step = a.grad_step, z_step = a.z_step;
        V sum[4] = {}, product[4] = {};
        auto add = [&](int k, int64_t i) LANISTA_LAMBDA {
            const V z = load<L>(zs + i * z_step);
            const V g = load<L>(grads + i * grad_step);
            sum[k] += g;
            product[k] += g * (z - mean);
        };
        int64_t i = 0;
        for (; i + 4 <= a.pixels; i += 4) {
#pragma GCC unroll 4
            for (int k = 0; k < 4; ++k) add(k, i + k);
        }
        for (; i < a.pixels; ++i) add(0, i);
        store<L>(a.sum + at, (sum[0] + sum[1]) + (sum[2] + sum[3]));
        store<L>(a.product + at, (product[0] + product[1]) + (product[2] + product[3]));
    });
}

template <class T> void apply(const ApplyTile<T>& a) {
    over_blocks<T>(a.pixels, a.channels, [&](auto lane, int64_t at, int64_t from, int64_t until) LANISTA_LAMBDA {
        using L = decltype(lane);
        using V = typename L::V;
        const V fg = load<L>(a.factors + at), fz = load<L>(a.factors + a.channels + at);
        const V f1 = load<L>(a.factors + 2 * a.channels + at);
        const int64_t grad_step = a.grad_step, z_step = a.z_step, y_step = a.y_step;
        const T *grads = a.grad + at, *zs = a.z + at;
        T* y = a.y + at;
        for (int64_t i = from; i < until; ++i) {
            const V z = load<L>(zs + i * z_step);
            store<L>(y + i * y_step, fg * load<L>(grads + i * grad_step) + (fz * z + f1));
        }
    });
}

template void moments<float>(const MomentsTile<float>&);
template void moments<double>(const MomentsTile<double>&);
template void sum<float>(const SumTile<float>&);
template void sum<double>(const SumTile<double>&);
template void reduce<float>(const ReduceTile<float>&);
template void reduce<double>(const ReduceTile<double>&);
template void apply<float>(const ApplyTile<float>&);
template void apply<double>(const ApplyTile<double>&);
