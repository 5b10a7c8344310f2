// SPDX-License-Identifier: BSD-3-Clause
/// Autocorrelation of a series of measurements: how many of them count as one independent sample.
#pragma once

#include <spinet/error.hpp>
#include <spinet/statistics/interval.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace spinet {

/// The integrated autocorrelation time of a series at equilibrium, in units of single measurements:
/// tau = 1/2 + sum over t >= 1 of rho(t), so that independent measurements have tau = 1/2, the variance of
/// the mean of n measurements is 2 tau variance / n, and n / (2 tau) of them are effectively independent.
struct integrated_time {
    double tau;    ///< single measurements
    double error;  ///< one standard error, sqrt(2 (2 window + 1) / n) max(tau, 1/2) (Madras and Sokal, 1988)
    std::size_t window;  ///< the lag M at which the sum stops, in measurements, or in blocks for block means
    bool reliable;  ///< the series is at least 50 tau long (see the functions); if not, tau is a lower guess

    /// Covers the true time with the given confidence, if the series is reliable.
    [[nodiscard]] interval confidence_interval(double confidence = 0.95) const {
        return detail::interval_about(tau, error, 0, confidence);
    }
};

namespace detail {

/// The series minus its mean. Exactly zero for a constant series, since the first value is subtracted first.
inline std::vector<double> centred_series(std::span<double const> series) {
    if (series.size() < 2)
        throw error("autocorrelation: expected at least 2 measurements, found ", series.size());
    std::vector<double> centred(series.begin(), series.end());
    double const first = centred.front();
    double sum = 0.0;
    for (std::size_t i = 0; i < centred.size(); ++i) {
        if (!std::isfinite(centred[i])) throw error("autocorrelation: measurement ", i, " is not finite");
        centred[i] -= first;
        sum += centred[i];
    }
    double const mean = sum / static_cast<double>(centred.size());
    for (double& value : centred) value -= mean;
    return centred;
}

/// Mean product of values `lag` apart, over the n - lag pairs there are.
inline double autocovariance(std::span<double const> centred, std::size_t lag) {
    double sum = 0.0;
    for (std::size_t i = lag; i < centred.size(); ++i) sum += centred[i] * centred[i - lag];
    return sum / static_cast<double>(centred.size() - lag);
}

/// Sokal's window: the smallest M with M >= c tau(M), where tau(M) is taken to be at least 1/2.
struct windowed_sum {
    double variance;  ///< c(0)
    double spectral;  ///< c(0) + 2 (c(1) + ... + c(M)): n times the variance of the mean
    double last;      ///< c(M)
    std::size_t window;
    bool closed;  ///< false: the series ended (M = n / 2) before the window closed
};

inline windowed_sum sum_autocovariances(std::span<double const> centred, double window_factor) {
    double const variance = autocovariance(centred, 0);
    windowed_sum result{variance, variance, variance, 0, false};
    while (variance > 0.0 && result.window < centred.size() / 2) {
        ++result.window;
        result.last = autocovariance(centred, result.window);
        result.spectral += 2.0 * result.last;
        double const tau = std::max(0.5, 0.5 * result.spectral / variance);
        result.closed = static_cast<double>(result.window) >= window_factor * tau;
        if (result.closed) break;
    }
    return result;
}

inline integrated_time integrate(std::span<double const> blocks, double block_length,
                                 double const* single_variance, double window_factor) {
    if (!(window_factor > 0.0 && std::isfinite(window_factor)))
        throw error("autocorrelation: expected a window factor > 0, found ", window_factor);
    std::vector<double> const centred = centred_series(blocks);
    windowed_sum const sum = sum_autocovariances(centred, window_factor);
    double const n = static_cast<double>(centred.size());
    double const variance = single_variance == nullptr ? sum.variance : *single_variance;
    if (!(variance > 0.0)) return {0.5, std::numeric_limits<double>::infinity(), 0, false};
    double const width = 2.0 * static_cast<double>(sum.window) + 1.0;
    double const unit = block_length * sum.variance / variance;  // single measurements per tau of the blocks
    double const block_tau = sum.variance > 0.0 ? 0.5 * sum.spectral / sum.variance : 0.0;
    double const at_least = std::max(0.5, block_tau);  // below, the noise is that of independent values
    bool const reliable = sum.closed && block_tau > 0.0 && n >= 50.0 * at_least;
    double const noise = std::sqrt(2.0 * width / n) * at_least;
    // The alternating rest of an anticorrelated series, beyond a window that is short.
    double const rest =
        block_tau < 0.5 && sum.variance > 0.0 ? std::abs(sum.last) / (2.0 * sum.variance) : 0.0;
    return {block_tau * unit, std::hypot(noise, rest) * unit, sum.window, reliable};
}

}  // namespace detail

/// tau of a series with Sokal's self-consistent window, the smallest M >= window_factor * max(tau(M), 1/2)
/// (Madras and Sokal, J. Stat. Phys. 50, 109, 1988). A window of 6 tau leaves out exp(-6) = 0.25 % of an
/// exponential decay.
///
/// `error` is conservative: measured scatter is 0.82 to 0.94 of it (AR(1) series, tau 1/2 to 9.5). tau is low
/// by 0.4 % at n = 1400 tau, 1 % at 220 tau, 3 % at 110 tau and 11 % at 54 tau: the mean of the series is
/// measured too. (Wolff's correction for that, hep-lat/0306017, overshoots with this window: +4 % at 220 tau,
/// larger scatter.) Where successive values are anticorrelated, so that tau < 1/2, the short window can miss
/// 25 %, however long the series; half the last value of the autocorrelation, which bounds what alternates
/// beyond it, is then in the error. Block means do not have the problem.
///
/// `reliable` is false below 50 tau, or where the window did not close within half the series, or where the
/// sum is not positive (strong anticorrelation). It cannot see what the series is too short to show: of
/// series 10 tau long, 5 % find a tau so small that they pass. A constant series says nothing about its time
/// scale: tau = 1/2, infinite error, not reliable. Direct sums, O(n window): meant for n up to 2^14, longer
/// series as block means below. Throws spinet::error below 2 measurements or if one is not finite.
inline integrated_time integrated_autocorrelation_time(std::span<double const> series,
                                                       double window_factor = 6.0) {
    return detail::integrate(series, 1.0, nullptr, window_factor);
}

/// The same time, in units of single measurements, from the means of consecutive blocks of `block_length` (b)
/// measurements and the variance of single measurements about the mean of the run (which blocks have averaged
/// away):
///
///     tau = b/2 * var(block means) * (1 + 2 sum of rho over blocks) / single_variance.
///
/// `window`, n and the 1/2 of the error count blocks. `reliable` asks for 50 times the tau of the series of
/// blocks, so for at least 25 blocks; with few blocks tau is low (27 % at 32 blocks, 3 % at 256), well inside
/// its error. Zero single_variance is a constant series. Throws spinet::error if block_length is 0, the
/// variance is negative or not finite, and as above.
inline integrated_time integrated_autocorrelation_time(std::span<double const> block_means,
                                                       std::size_t block_length, double single_variance,
                                                       double window_factor = 6.0) {
    if (block_length == 0) throw error("autocorrelation: expected a block length of at least 1, found 0");
    if (!(single_variance >= 0.0 && std::isfinite(single_variance)))
        throw error("autocorrelation: expected a finite variance >= 0, found ", single_variance);
    return detail::integrate(block_means, static_cast<double>(block_length), &single_variance, window_factor);
}

}  // namespace spinet
