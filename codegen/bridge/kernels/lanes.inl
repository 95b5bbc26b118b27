// Vectors of numbers, for the code that is compiled once per kind of processor. Included inside its namespace.

template <class T> struct Pack;
template <> struct Pack<float> {
    using V = float __attribute__((vector_size(32)));
    using Unaligned = float __attribute__((vector_size(32), aligned(4), may_alias));
    static constexpr int64_t width = 8;
    static LANISTA_INLINE V splat(float v) { return V{v, v, v, v, v, v, v, v}; }
};
template <> struct Pack<double> {
    using V = double __attribute__((vector_size(32)));
    using Unaligned = double __attribute__((vector_size(32), aligned(8), may_alias));
    static constexpr int64_t width = 4;
    static LANISTA_INLINE V splat(double v) { return V{v, v, v, v}; }
};

// A single number, for the channels that fill no vector.
template <class T> struct Single {
    using V = T;
    using Unaligned = T;
    static constexpr int64_t width = 1;
    static LANISTA_INLINE V splat(T v) { return v; }
};

// Two vectors, a cache line: what streams through memory should take whole lines.
template <class T> struct Pair {
    using P = typename Pack<T>::V;
    struct V {
        P a, b;
        friend LANISTA_INLINE V operator+(V x, V y) { return {x.a + y.a, x.b + y.b}; }
        friend LANISTA_INLINE V operator-(V x, V y) { return {x.a - y.a, x.b - y.b}; }
        friend LANISTA_INLINE V operator*(V x, V y) { return {x.a * y.a, x.b * y.b}; }
        friend LANISTA_INLINE V operator/(V x, V y) { return {x.a / y.a, x.b / y.b}; }
        LANISTA_INLINE V& operator+=(V y) { return *this = *this + y; }
    };
    static constexpr int64_t width = 2 * Pack<T>::width;
    static LANISTA_INLINE V splat(T v) { return {Pack<T>::splat(v), Pack<T>::splat(v)}; }
};

template <class L> struct Access {
    template <class T> static LANISTA_INLINE typename L::V load(const T* p) {
        return *reinterpret_cast<const typename L::Unaligned*>(p);
    }
    template <class T> static LANISTA_INLINE void store(T* p, typename L::V v) {
        *reinterpret_cast<typename L::Unaligned*>(p) = v;
    }
};
template <class T> struct Access<Pair<T>> {
    using Half = Access<Pack<T>>;
    static LANISTA_INLINE typename Pair<T>::V load(const T* p) {
        return {Half::load(p), Half::load(p + Pack<T>::width)};
    }
    static LANISTA_INLINE void store(T* p, typename Pair<T>::V v) {
        Half::store(p, v.a);
        Half::store(p + Pack<T>::width, v.b);
    }
};
template <class L, class T> LANISTA_INLINE typename L::V load(const T* p) { return Access<L>::load(p); }
template <class L, class T> LANISTA_INLINE void store(T* p, typename L::V v) { Access<L>::store(p, v); }

// body(lanes, c) for every group of channels: vectors, then single channels.
template <class T, class F> LANISTA_INLINE void over_vectors(int64_t from, int64_t channels, F body) {
    int64_t c = from;
    for (; c + Pack<T>::width <= channels; c += Pack<T>::width) body(Pack<T>{}, c);
    for (; c < channels; ++c) body(Single<T>{}, c);
}
// The same with pairs of vectors first.
template <class T, class F> LANISTA_INLINE void over_lines(int64_t channels, F body) {
    int64_t c = 0;
    for (; c + Pair<T>::width <= channels; c += Pair<T>::width) body(Pair<T>{}, c);
    over_vectors<T>(c, channels, body);
}

// body(lanes, c, from, until) over a few pixels at a time: memory is then read nearly in order, however many channels.
template <class T, class F> LANISTA_INLINE void over_blocks(int64_t pixels, int64_t channels, F body) {
    const int64_t block = channels <= Pair<T>::width ? pixels : 16;
    for (int64_t from = 0; from < pixels; from += block) {
        const int64_t until = std::min(from + block, pixels);
        over_lines<T>(channels, [&](auto lane, int64_t at) LANISTA_LAMBDA { body(lane, at, from, until); });
    }
}

// As clamp_min(v, 0) and threshold_backward in libtorch: NaN stays NaN.
template <class V> LANISTA_INLINE V relu_of(V v) { return v < V{} ? V{} : v; }
template <class V> LANISTA_INLINE V relu_mask(V pre, V grad) { return pre <= V{} ? V{} : grad; }
template <class L> struct Rectify {
    using V = typename L::V;
    static LANISTA_INLINE V forward(V v) { return relu_of(v); }
    static LANISTA_INLINE V backward(V pre, V grad) { return relu_mask(pre, grad); }
};
template <class T> struct Rectify<Pair<T>> {
    using V = typename Pair<T>::V;
    static LANISTA_INLINE V forward(V v) { return {relu_of(v.a), relu_of(v.b)}; }
    static LANISTA_INLINE V backward(V pre, V grad) { return {relu_mask(pre.a, grad.a), relu_mask(pre.b, grad.b)}; }
};

// The activation of the channels of one group, in registers.
template <class L> struct Activated {
    using V = typename L::V;
    V scale, shift;
    bool linear, relu;

    LANISTA_INLINE V before_relu(V x) const { return linear ? scale * x + shift : x; }
    LANISTA_INLINE V apply(V x) const {
        V v = before_relu(x);
        return relu ? Rectify<L>::forward(v) : v;
    }
    // The gradient of what the ReLU is applied to, from that of the activation.
    LANISTA_INLINE V mask(V grad, V x) const { return relu ? Rectify<L>::backward(before_relu(x), grad) : grad; }
};

template <class L, class T> LANISTA_INLINE Activated<L> activated(const Activation<T>& a, int64_t c) {
    using V = typename L::V;
    return {a.scale ? load<L>(a.scale + c) : V{}, a.scale ? load<L>(a.shift + c) : V{}, a.scale != nullptr, a.relu};
}
