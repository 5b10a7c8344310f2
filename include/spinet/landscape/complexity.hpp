// SPDX-License-Identifier: BSD-3-Clause
/// Number and index of the critical points of the energy of spherical p-spin models, for N to infinity.
#pragma once

#include <spinet/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

namespace spinet {

namespace detail {

inline void require_p(std::size_t p) {
    if (p < 3)
        throw error("p-spin landscape: p = ", p,
                    "; with less than 3 there are 2 N critical points and no complexity");
}

}  // namespace detail

/// Energies per spin here are u = H / N in the normalisation of Auffinger, Ben Arous and Cerny (covariance N
/// q^p); by Crisanti and Sommers they are smaller by sqrt 2. Above -E_inf nearly all critical points have an
/// index that grows with N, below it a finite one. E_inf = 2 sqrt((p - 1) / p). Source: arXiv 1003.1129.
/// Throws spinet::error for p < 3.
[[nodiscard]] inline double threshold_energy(std::size_t p) {
    detail::require_p(p);
    auto const order = static_cast<double>(p);
    return 2 * std::sqrt((order - 1) / order);
}

/// The complexity of critical points of index k (a fixed number, 0 for minima) at the energy u: ln of how
/// many there are on average below u, over N,
///
///     Theta_k(u) = ln(p - 1) / 2 - (p - 2) u^2 / (4 (p - 1)) - (k + 1) I1(u),
///     I1(u) = -u sqrt(u^2 - E_inf^2) / E_inf^2 - ln(-u + sqrt(u^2 - E_inf^2)) + ln E_inf,
///
/// up to -E_inf, and its value there above. Negative below -E_k: there are none.
[[nodiscard]] inline double complexity(std::size_t p, std::size_t k, double u) {
    double const threshold = threshold_energy(p);
    auto const order = static_cast<double>(p);
    if (u < -1e100) return -std::numeric_limits<double>::infinity();
    double const at = std::min(u, -threshold),
                 root = std::sqrt(std::max(0.0, at * at - threshold * threshold));
    double const i1 = -at * root / (threshold * threshold) - std::log((root - at) / threshold);
    return std::log(order - 1) / 2 - (order - 2) * at * at / (4 * (order - 1)) -
           (static_cast<double>(k) + 1) * i1;
}

/// The complexity of critical points of any index: ln of how many there are on average below u, over N.
/// ln(p - 1) / 2 in all.
[[nodiscard]] inline double total_complexity(std::size_t p, double u) {
    if (u < -threshold_energy(p)) return complexity(p, 0, u);
    auto const order = static_cast<double>(p);
    double const at = std::min(u, 0.0);
    return std::log(order - 1) / 2 - (order - 2) * at * at / (4 * (order - 1));
}

/// E_k: critical points of index k lie between -E_k and -E_inf, minima from the ground state -E_0 on.
[[nodiscard]] inline double band_edge(std::size_t p, std::size_t k) {
    double low = threshold_energy(p), high = 2 * low;
    while (complexity(p, k, -high) > 0) high *= 2;
    for (int step = 0; step < 200 && low < high; ++step) {
        double const middle = (low + high) / 2;
        if (middle == low || middle == high) break;
        (complexity(p, k, -middle) > 0 ? low : high) = middle;
    }
    return (low + high) / 2;
}

/// ln of how many critical points the energy has over complex spins, counted up to a common factor: that of
/// ((p - 1)^N - 1) / (p - 2), for almost every coupling tensor. Complex, so no more than a bound for the
/// real ones: on the sphere there are at most twice as many, x and -x. Source: Cartwright, Sturmfels, Linear
/// Algebra Appl. 438, 942 (2013).
[[nodiscard]] inline double log_complex_critical_points(std::size_t p, std::size_t n) {
    detail::require_p(p);
    if (n == 0) throw error("log_complex_critical_points: no spins");
    auto const order = static_cast<double>(p);
    double const power = static_cast<double>(n) * std::log(order - 1);
    return power + std::log1p(-std::exp(-power)) - std::log(order - 2);
}

/// The growth rate of the mean number of real critical points on the sphere: ln of it over N, which is ln(p -
/// 1) / 2 for N to infinity. It is half of the rate of the complex points: most critical points are not real.
/// Source: arXiv 1003.1129.
[[nodiscard]] inline double real_critical_points_rate(std::size_t p) {
    detail::require_p(p);
    return std::log(static_cast<double>(p) - 1) / 2;
}

/// The fraction of negative eigenvalues of the Hessian at critical points of energy u:
/// 1/2 + (y sqrt(1 - y^2) + arcsin y) / pi with y = u / E_inf; 0 below -E_inf, 1 above E_inf.
[[nodiscard]] inline double index_fraction(std::size_t p, double u) {
    double const y = u / threshold_energy(p);
    if (y <= -1) return 0;
    if (y >= 1) return 1;
    return 0.5 + (y * std::sqrt(1 - y * y) + std::asin(y)) / std::numbers::pi;
}

}  // namespace spinet
