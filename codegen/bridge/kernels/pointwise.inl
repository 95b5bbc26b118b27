// Loops of pointwise.cpp, compiled once per kind of processor. Included inside its namespace, after lanes.inl.

template <class L, int ROWS, int VECTORS, class T>
LANISTA_INLINE void product_block(const Product<T>& p, int64_t i, int64_t j) {
    using V = typename L::V;
    V sum[ROWS][VECTORS];
    T* c = p.c + i * p.c_row + j;
#pragma GCC unroll 6
    for (int r = 0; r < ROWS; ++r) {
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) sum[r][v] = p.add ? load<L>(c + r * p.c_row + v * L::width) : V{};
    }
    const T* a = p.a + i * p.a_row;
    const T* b = p.b + j;
    for (int64_t k = 0; k < p.inner; ++k, a += p.a_step, b += p.b_row) {
        V right[VECTORS];
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) right[v] = load<L>(b + v * L::width);
#pragma GCC unroll 6
        for (int r = 0; r < ROWS; ++r) {
            const V left = L::splat(a[r * p.a_row]);
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; ++v) sum[r][v] += left * right[v];
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < ROWS; ++r) {
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) store<L>(c + r * p.c_row + v * L::width, sum[r][v]);
    }
}

template <class L, int VECTORS, class T> LANISTA_INLINE void product_columns(const Product<T>& p, int64_t j) {
    int64_t i = 0;
    for (; i + 6 <= p.rows; i += 6) product_block<L, 6, VECTORS>(p, i, j);
    for (; i + 2 <= p.rows; i += 2) product_block<L, 2, VECTORS>(p, i, j);
    for (; i < p.rows; ++i) product_block<L, 1, VECTORS>(p, i, j);
}

template <class T> void product(const Product<T>& p) {
    int64_t j = 0;
    for (; j + 2 * Pack<T>::width <= p.columns; j += 2 * Pack<T>::width) product_columns<Pack<T>, 2>(p, j);
    for (; j + Pack<T>::width <= p.columns; j += Pack<T>::width) product_columns<Pack<T>, 1>(p, j);
    for (; j < p.columns; ++j) product_columns<Single<T>, 1>(p, j);
}

template <class T> void gather(const Gather<T>& a) {
    over_lines<T>(a.channels, [&](auto lane, int64_t at) LANISTA_LAMBDA {
        using L = decltype(lane);
        const auto act = activated<L>(a.act, at);
        for (int64_t i = 0; i < a.count; ++i) {
            store<L>(a.to + i * a.channels + at, act.apply(load<L>(a.x + i * a.step + at)));
        }
    });
}

template <class T> void norm_gradient(const NormGradient<T>& a) {
    over_lines<T>(a.channels, [&](auto lane, int64_t at) LANISTA_LAMBDA {
        using L = decltype(lane);
        const auto fg = load<L>(a.factors + at), fz = load<L>(a.factors + a.channels + at);
        const auto f1 = load<L>(a.factors + 2 * a.channels + at);
        for (int64_t i = 0; i < a.count; ++i) {
            const auto z = load<L>(a.z + i * a.z_step + at);
            store<L>(a.to + i * a.channels + at, fg * load<L>(a.grad + i * a.grad_step + at) + (fz * z + f1));
        }
    });
}

template <class T> void scatter(const Scatter<T>& a) {
    over_lines<T>(a.channels, [&](auto lane, int64_t at) LANISTA_LAMBDA {
        using L = decltype(lane);
        const auto act = activated<L>(a.act, at);
        for (int64_t i = 0; i < a.count; ++i) {
            auto v = load<L>(a.from + i * a.channels + at);
            if (act.relu) v = act.mask(v, load<L>(a.x + i * a.x_step + at));
            T* to = a.to + i * a.step + at;
            store<L>(to, a.accumulate ? v + load<L>(to) : v);
        }
    });
}

template void product<float>(const Product<float>&);
template void product<double>(const Product<double>&);
template void gather<float>(const Gather<float>&);
template void gather<double>(const Gather<double>&);
template void norm_gradient<float>(const NormGradient<float>&);
template void norm_gradient<double>(const NormGradient<double>&);
template void scatter<float>(const Scatter<float>&);
template void scatter<double>(const Scatter<double>&);
