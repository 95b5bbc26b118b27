// The moments of a tile, compiled once per kind of processor. Included inside its namespace, after lanes.inl.

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

template void moments<float>(const MomentsTile<float>&);
template void moments<double>(const MomentsTile<double>&);
