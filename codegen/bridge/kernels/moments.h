// Means and variances per channel, gathered tile by tile and joined without cancellation.
#pragma once

#include "common.h"

namespace lanista {

// Mean and sum of squared deviations of `count` pixels, per channel.
struct Moments {
    double count = 0;
    std::vector<double> mean, m2;

    explicit Moments(int64_t channels)
        : mean(static_cast<size_t>(channels), 0.0), m2(static_cast<size_t>(channels), 0.0) {}

    // Chan, Golub and LeVeque (1979): the moments of a union from those of two disjoint sets.
    template <class T> void join(double n, const T* other_mean, const T* other_m2) {
        if (n == 0) return;
        const double total = count + n, share = n / total, cross = count * share;
        for (size_t c = 0; c < mean.size(); ++c) {
            const double delta = static_cast<double>(other_mean[c]) - mean[c];
            mean[c] += delta * share;
            m2[c] += static_cast<double>(other_m2[c]) + delta * delta * cross;
        }
        count = total;
    }
};

template <class T> struct MomentsTile {
    const T* z;
    int64_t step, pixels, channels;
    T* mean;
    T* m2;
};

// Gathers the moments of the parts of a tensor, each in its own place.
struct PartMoments {
    std::vector<Moments> parts;

    PartMoments(int64_t count, int64_t channels) : parts(static_cast<size_t>(count), Moments(channels)) {}
    Moments all() const {
        Moments sum(static_cast<int64_t>(parts[0].mean.size()));
        for (const Moments& p : parts) sum.join(p.count, p.mean.data(), p.m2.data());
        return sum;
    }
};

struct NormParameters {
    const Tensor* weight;
    const Tensor* bias;
    Tensor* running_mean;
    Tensor* running_var;
    double momentum, eps;
};

// Writes mean, invstd, scale and shift to out[0..4] and updates the running statistics.
void finish_batch_norm(const Moments& moments, const Tensor& like, const NormParameters& norm, Tensor** out);

} // namespace lanista
