// SPDX-License-Identifier: BSD-3-Clause
/// Branch-free exp and sums in plain loops that compilers vectorise, the same on every engine.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace spinet::detail {

/// exp(x), relative error below 2e-7 on [-87, 88]; outside, x is clamped to that interval.
[[nodiscard]] inline float exp_clamped(float x) noexcept {
    x = std::min(std::max(x, -87.0f), 88.0f);
    constexpr float rounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
    float const shifted = x * 1.44269504088896341f + rounder;
    float const n = shifted - rounder;
    // ln 2 in two parts, so that the reduced argument keeps its last bits.
    float const r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    // Minimax polynomial of exp on [-ln2/2, ln2/2] (coefficients of Cephes expf, S. Moshier).
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    auto const exponent = static_cast<std::uint32_t>(std::bit_cast<std::int32_t>(shifted)) -
                          std::bit_cast<std::uint32_t>(rounder) + 127u;
    return p * std::bit_cast<float>(exponent << 23);
}

/// exp(x), relative error below 1e-15 on [-708, 709]; outside, x is clamped to that interval.
[[nodiscard]] inline double exp_clamped(double x) noexcept {
    x = std::min(std::max(x, -708.0), 709.0);
    constexpr double rounder = 6755399441055744.0;  // 1.5 * 2^52
    double const shifted = x * 1.4426950408889634074 + rounder;
    double const n = shifted - rounder;
    double const r = (x - n * 6.93145751953125e-1) - n * 1.42860682030941723212e-6;
    // Taylor series: |r| <= 0.3466, so the first term left out is below 1e-17.
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r * r + r + 1.0;
    auto const exponent =
        std::bit_cast<std::uint64_t>(shifted) - std::bit_cast<std::uint64_t>(rounder) + 1023u;
    return p * std::bit_cast<double>(exponent << 52);
}

/// sum_i a_i b_i in double, in eight interleaved partial sums: a fixed order, whatever the compiler does.
template <class Real>
[[nodiscard]] double dot(Real const* a, Real const* b, std::size_t n) noexcept {
    constexpr std::size_t lanes = 8;
    double partial[lanes] = {};
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes)
        for (std::size_t lane = 0; lane < lanes; ++lane)
            partial[lane] += static_cast<double>(a[i + lane]) * static_cast<double>(b[i + lane]);
    for (; i < n; ++i) partial[i % lanes] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return ((partial[0] + partial[4]) + (partial[2] + partial[6])) +
           ((partial[1] + partial[5]) + (partial[3] + partial[7]));
}

}  // namespace spinet::detail
