// SPDX-License-Identifier: BSD-3-Clause
/// The exact finite-size identity of the Sherrington-Kirkpatrick model, measured:
/// [u] = -(beta/2) (1 - [<q^2>]) at any temperature and size (average over disorder).
#pragma once

#include <spinet/spinet.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>

/// Averages over disorder, each with its standard error over the samples.
struct identity_check {
    std::size_t samples = 0;
    double energy = 0, energy_error = 0;
    double prediction = 0;
    double difference = 0, difference_error = 0;
};

/// Runs `go_on(n)` before sample n; stops early where it says no.
template <class GoOn>
identity_check check_sk_identity(std::size_t spins, double temperature, std::size_t samples,
                                 std::uint64_t seed, GoOn&& go_on) {
    using namespace spinet;
    ladder const temperatures({temperature, 1.35 * temperature, 1.8 * temperature, 2.4 * temperature});
    run_plan plan{.replicas = 4, .warmup = 300, .sweeps = 700, .measure_every = 5, .from = start::hot};
    double u = 0, uu = 0, p = 0, d = 0, dd = 0;
    std::size_t n = 0;
    for (; n < samples && go_on(n); ++n) {
        // Every sample gets its own seed. With one seed for all, the samples share their thermal noise, and
        // an average over disorder does not reduce it (docs/pitfalls.md).
        plan.seed = child_seed(seed, purpose::couplings, static_cast<std::uint32_t>(n));
        auto const model = sherrington_kirkpatrick<float>(spins, plan.seed);
        auto const run = sample(model, parallel_tempering(glauber{}, temperatures),
                                observables{energy{}, overlap{}}, plan);
        double const own = sums_over_all(run.of<energy>()[0]).mean(plan.replicas, 0);
        double const square = sums_over_all(run.of<overlap>()[0]).mean(plan.replicas, moments::square);
        double const predicted = -(1 - square) / (2 * temperature);
        u += own, uu += own * own, p += predicted, d += own - predicted,
            dd += (own - predicted) * (own - predicted);
    }
    auto const count = static_cast<double>(n);
    auto const error_of_mean = [&](double sum, double squares) {
        return std::sqrt((squares / count - sum * sum / count / count) / (count - 1));
    };
    return {n, u / count, error_of_mean(u, uu), p / count, d / count, error_of_mean(d, dd)};
}
