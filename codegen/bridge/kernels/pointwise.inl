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
    const T* b = p.b + j / PANEL<T> * PANEL<T> * p.inner + j % PANEL<T>;
    const int64_t a_row = p.a_row, a_step = p.a_step, inner = p.inner;
    for (int64_t k = 0; k < inner; ++k, a += a_step, b += PANEL<T>) {
        V right[VECTORS];
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) right[v] = load<L>(b + v * L::width);
#pragma GCC unroll 6
        for (int r = 0; r < ROWS; ++r) {
            const V left = L::splat(a[r * a_row]);
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
    over_blocks<T>(a.count, a.channels, [&](auto lane, int64_t at, int64_t from, int64_t until) LANISTA_LAMBDA {
        using L = decltype(lane);
        const Activated<L> act = activated<L>(a.act, at);
        const int64_t step = a.step, to_step = a.panels ? PANEL<T> : a.channels;
        const T* x = a.x + at;
        T* to = a.to + (a.panels ? at / PANEL<T> * PANEL<T> * a.count + at % PANEL<T> : at);
        for (int64_t i = from; i < until; ++i) store<L>(to + i * to_step, act.apply(load<L>(x + i * step)));
    });
}

template <class T> void norm_gradient(const NormGradient<T>& a) {
    over_blocks<T>(a.count, a.channels, [&](auto lane, int64_t at, int64_t from, int64_t until) LANISTA_LAMBDA {
        using L = decltype(lane);
        const auto fg = load<L>(a.factors + at), fz = load<L>(a.factors + a.channels + at);
        const auto f1 = load<L>(a.factors + 2 * a.channels + at);
        const int64_t channels = a.channels, grad_step = a.grad_step, z_step = a.z_step;
        const T *grad = a.grad + at, *z = a.z + at;
        T* to = a.to + at;
        for (int64_t i = from; i < until; ++i) {
            store<L>(to + i * channels, fg * load<L>(grad + i * grad_step) + (fz * load<L>(z + i * z_step) + f1));
        }
    });
}

template <class T> void scatter(const Scatter<T>& a) {
    over_blocks<T>(a.count, a.channels, [&](auto lane, int64_t at, int64_t from, int64_t until) LANISTA_LAMBDA {
        using L = decltype(lane);
        const Activated<L> act = activated<L>(a.act, at);
        const int64_t channels = a.channels, x_step = a.x_step, step = a.step;
        const T *grads = a.from + at, *x = a.x + at;
        T* to = a.to + at;
        for (int64_t i = from; i < until; ++i) {
            auto v = load<L>(grads + i * channels);
            if (act.relu) v = act.mask(v, load<L>(x + i * x_step));
            store<L>(to + i * step, v);
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
