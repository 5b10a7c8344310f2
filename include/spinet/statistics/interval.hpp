// SPDX-License-Identifier: BSD-3-Clause
/// Intervals of a stated confidence, from a value, its error and the number of independent units behind both.
#pragma once

#include <spinet/error.hpp>
#include <spinet/statistics/distributions.hpp>

#include <concepts>
#include <cstddef>

namespace spinet {

/// Bounds between which the truth lies with some confidence.
struct interval {
    double low, high;

    [[nodiscard]] bool contains(double x) const noexcept { return low <= x && x <= high; }
};

namespace detail {

/// Half the width of the interval in errors as spinet states them, which cover 68.27 %: a ratio of quantiles
/// of Student's t with units - 1 degrees of freedom; of the normal distribution where `units` is 0.
[[nodiscard]] inline double errors_to_confidence(std::size_t units, double confidence) {
    if (!(confidence > 0 && confidence < 1))
        throw error("interval: expected a confidence in (0, 1), found ", confidence);
    if (units == 1) throw error("interval: one unit has no error");
    double const p = (1 + confidence) / 2;
    if (units == 0) return normal_quantile(p);
    auto const freedom = static_cast<double>(units - 1);
    return student_t_quantile(p, freedom) / student_t_quantile(normal_cdf(1.0), freedom);
}

/// Symmetric about the value.
[[nodiscard]] inline interval interval_about(double value, double error, std::size_t units,
                                             double confidence) {
    double const half = error * errors_to_confidence(units, confidence);
    return {value - half, value + half};
}

/// Of entry i of arrays of values and errors. Throws spinet::error for an entry that is not there.
template <class Array, std::integral Index>
[[nodiscard]] interval interval_about_entry(char const* who, Array const& values, Array const& errors,
                                            Index i, std::size_t units, double confidence) {
    auto const entry = static_cast<std::size_t>(i);
    if (entry >= values.size())
        throw error(who, ": expected an entry below ", values.size(), ", found ", entry);
    return interval_about(values(entry), errors(entry), units, confidence);
}

}  // namespace detail
}  // namespace spinet
