// SPDX-License-Identifier: BSD-3-Clause
/// Bootstrap over independent units: standard errors and intervals of any estimate.
#pragma once

#include <spinet/error.hpp>
#include <spinet/random/streams.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace spinet {

struct bootstrap_options {
    std::size_t resamples = 1000;  ///< at least 2; the standard error is then known to 1 / sqrt(2 resamples)
    std::uint64_t seed = 1;
    double coverage = 0.6827;  ///< of the interval
};

/// `value` is the estimate from all units, without bias correction.
struct bootstrap_estimate {
    double value = 0;
    double error = 0;  ///< standard deviation of the estimate over resamples
    double low = 0;    ///< percentile interval: this share of resamples is below `low` as is above `high`
    double high = 0;   ///<
    std::size_t units = 0;
    std::size_t resamples = 0;
};

/// What a bootstrap asks for: the estimate from units chosen[0], chosen[1], ..., as many as there are units,
/// some more than once.
template <class Estimate>
concept ResampledEstimate = requires(Estimate& estimate, std::span<std::size_t const> chosen) {
    { estimate(chosen) } -> std::convertible_to<double>;
};

namespace detail {

/// Quantile p of sorted numbers, between neighbours on a straight line.
[[nodiscard]] inline double quantile_of(std::vector<double> const& sorted, double p) noexcept {
    double const place = p * static_cast<double>(sorted.size() - 1);
    auto const below = std::min(static_cast<std::size_t>(place), sorted.size() - 2);
    return sorted[below] + (place - static_cast<double>(below)) * (sorted[below + 1] - sorted[below]);
}

}  // namespace detail

/// The bootstrap (Efron, Ann. Stat. 7, 1, 1979): units are drawn with replacement, as many as there are, and
/// the estimate is made anew from each such resample. Beside the jackknife it serves estimates that are not
/// smooth (a median, a peak) and asymmetric errors. For a mean of n units its error is that of s / sqrt(n)
/// with the divisor n, low by sqrt((n - 1) / n), and it knows no Student's factor, so that for few units
/// (below 20 or so) the jackknife is the honest one. Deterministic for a given seed: resample r takes the
/// stream of row r. Throws spinet::error below 2 units or resamples, for a coverage outside (0, 1), and where
/// an estimate is not finite.
template <class Estimate>
[[nodiscard]] bootstrap_estimate bootstrap(std::size_t units, Estimate&& estimate,
                                           bootstrap_options const& options = {}) {
    static_assert(
        ResampledEstimate<Estimate>,
        "spinet: bootstrap takes an estimate(chosen) of a span of unit numbers that returns a number");
    constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
    if (units < 2 || units > most)
        throw error("bootstrap: expected 2 to 2^32 - 1 independent units, found ", units);
    if (options.resamples < 2 || options.resamples > most)
        throw error("bootstrap: expected 2 to 2^32 - 1 resamples, found ", options.resamples);
    if (!(options.coverage > 0 && options.coverage < 1))
        throw error("bootstrap: expected a coverage in (0, 1), found ", options.coverage);
    std::vector<std::size_t> chosen(units);
    auto const from_chosen = [&] {
        auto const found = static_cast<double>(estimate(std::span<std::size_t const>(chosen)));
        if (!std::isfinite(found)) throw error("bootstrap: an estimate is not finite");
        return found;
    };
    std::iota(chosen.begin(), chosen.end(), std::size_t{0});
    double const value = from_chosen();
    std::vector<double> found;
    std::vector<std::uint32_t> bits(units);
    for (std::size_t r = 0; r < options.resamples; ++r) {
        stream(options.seed, 0, static_cast<std::uint32_t>(r), purpose::bootstrap).fill(0, bits);
        for (std::size_t u = 0; u < units; ++u) chosen[u] = uniform_index(bits[u], units);
        found.push_back(from_chosen());
    }
    double const n = static_cast<double>(options.resamples);
    double shift = 0, squares = 0;
    for (double const x : found) shift += (x - value) / n;
    for (double const x : found) squares += (x - value - shift) * (x - value - shift);
    std::sort(found.begin(), found.end());
    return {value,
            std::sqrt(squares / (n - 1)),
            detail::quantile_of(found, (1 - options.coverage) / 2),
            detail::quantile_of(found, (1 + options.coverage) / 2),
            units,
            options.resamples};
}

}  // namespace spinet
