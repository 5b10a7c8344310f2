// SPDX-License-Identifier: BSD-3-Clause
/// Branch-free exp and ln for numbers and packs, and sums in a fixed order.
#pragma once

#include <spinet/detail/pack.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

namespace spinet::detail {

/// exp(x) of a number or of each lane of a pack. float: relative error below 2e-7 on [-87, 88]; double: below
/// 1e-15 on [-708, 709]. Outside, x is clamped to that interval.
template <class Number>
[[nodiscard, gnu::always_inline]] inline Number exp_clamped(Number x) noexcept {
    using real = lane_of<Number>;
    using ints = ints_of<Number>;
    constexpr bool single = sizeof(real) == 4;
    constexpr real least = single ? -87 : -708, most = single ? 88 : 709;
    x = smaller(larger(x, Number{} + least), Number{} + most);
    // Adding it rounds to an integer, which then stands in the low bits: 1.5 * 2^23 or 2^52.
    constexpr real rounder = single ? real(12582912.0) : real(6755399441055744.0);
    Number const shifted = x * real(1.4426950408889634074) + rounder;
    Number const n = shifted - rounder;
    // ln 2 in two parts, so that the reduced argument keeps its last bits.
    constexpr real ln2_high = real(single ? 0.693359375 : 6.93145751953125e-1);
    constexpr real ln2_low = real(single ? -2.12194440e-4 : 1.42860682030941723212e-6);
    Number const r = (x - n * ln2_high) - n * ln2_low;
    Number p;
    if constexpr (single) {
        // Minimax polynomial on [-ln2/2, ln2/2] (coefficients of Cephes expf, S. Moshier).
        p = r * 1.9875691500e-4f + 1.3981999507e-3f;
        p = p * r + 8.3334519073e-3f;
        p = p * r + 4.1665795894e-2f;
        p = p * r + 1.6666665459e-1f;
        p = p * r + 5.0000001201e-1f;
    } else {
        // Taylor series: |r| <= 0.3466, so the first term left out is below 1e-17.
        p = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0;
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
    }
    p = p * (r * r) + r + real{1};
    // Adds n to the exponent. The shift drops all but the low bits of `shifted`. Unsigned: it may wrap.
    constexpr int mantissa = single ? 23 : 52;
    using unsigned_ints = unsigned_of<ints>;
    return same_bits<Number>(same_bits<unsigned_ints>(p) + (same_bits<unsigned_ints>(shifted) << mantissa));
}

/// ln x of positive, normal numbers; absolute error below 1.5e-7 (2 + |ln x|) in float, 1e-15 (2 + |ln x|) in
/// double.
template <class Number>
[[nodiscard, gnu::always_inline]] inline Number log_positive(Number x) noexcept {
    using real = lane_of<Number>;
    using ints = ints_of<Number>;
    constexpr bool single = sizeof(real) == 4;
    constexpr int mantissa = single ? 23 : 52;
    using word = lane_of<ints>;
    // x = m 2^n with m in [sqrt(1/2), sqrt(2)).
    constexpr word root = single ? word(0x3f3504f3) : word(0x3fe6a09e667f3bcd);
    constexpr word low = (word{1} << mantissa) - 1;
    ints const bits = same_bits<ints>(x) - root;
    ints const exponent = bits >> mantissa;
    Number n;
    if constexpr (std::is_arithmetic_v<Number>)
        n = static_cast<Number>(exponent);
    else
        n = __builtin_convertvector(exponent, Number);
    Number const f = same_bits<Number>((bits & low) + root) - real{1};
    Number const square = f * f;
    if constexpr (single) {
        // Coefficients of Cephes logf (S. Moshier).
        Number p = f * 7.0376836292e-2f - 1.1514610310e-1f;
        p = p * f + 1.1676998740e-1f;
        p = p * f - 1.2420140846e-1f;
        p = p * f + 1.4249322787e-1f;
        p = p * f - 1.6668057665e-1f;
        p = p * f + 2.0000714765e-1f;
        p = p * f - 2.4999993993e-1f;
        p = p * f + 3.3333331174e-1f;
        return p * f * square - square * 0.5f + f + n * 0.693147180559945f;
    } else {
        // 2 artanh(f / (2 + f)), as a series: |z| <= 0.1716, so the first term left out is below 1e-15.
        Number const z = f / (f + 2.0), zz = z * z;
        Number p = zz * (1.0 / 17) + 1.0 / 15;
        p = p * zz + 1.0 / 13;
        p = p * zz + 1.0 / 11;
        p = p * zz + 1.0 / 9;
        p = p * zz + 1.0 / 7;
        p = p * zz + 1.0 / 5;
        p = p * zz + 1.0 / 3;
        return z * 2.0 + p * zz * z * 2.0 + n * 0.693147180559945309417;
    }
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

/// sum_i [ln 2 cosh(to h_i) - ln 2 cosh(from h_i)], for `from` and `to` not negative. Relative
/// error about that of the fields themselves.
template <class Real>
[[nodiscard]] double log_2cosh_change(Real const* h, std::size_t n, double from, double to) noexcept {
    // ln 2 cosh x = |x| + ln(1 + exp(-2 |x|)). These factors lie between 1 and 2: so many of them are
    // multiplied up in each lane before one logarithm is taken of all.
    constexpr std::size_t lanes = pack_lanes<Real>, together = 32;
    auto const minus_from = static_cast<Real>(-2 * from), minus_to = static_cast<Real>(-2 * to);
    // Sizes are added up scaled, so that a sum of the largest numbers is one.
    constexpr Real scale = Real{1} / (2 * together);
    double sizes = 0, logs = 0;
    for (std::size_t done = 0; done < n; done += together * lanes) {
        std::size_t const end = std::min(n, done + together * lanes);
        pack<Real> size{}, above = all(Real{1}), below = all(Real{1});
        for (std::size_t k = done; k < end; k += lanes) {
            pack<Real> field;
            if (k + lanes <= n) {
                field = load(h + k);
            } else {
                Real rest[lanes] = {};  // a field of 0 changes nothing
                std::copy(h + k, h + n, rest);
                field = load(rest);
            }
            auto const here = larger(field, -field);
            size += here * scale;
            above *= exp_clamped(here * minus_to) + Real{1};
            below *= exp_clamped(here * minus_from) + Real{1};
        }
        double numerator = 1, denominator = 1;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            sizes += static_cast<double>(size[lane]) * (2 * together);
            numerator *= static_cast<double>(above[lane]);
            denominator *= static_cast<double>(below[lane]);
        }
        logs += std::log(numerator / denominator);
    }
    return (to - from) * sizes + logs;
}

}  // namespace spinet::detail
