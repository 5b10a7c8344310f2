// SPDX-License-Identifier: BSD-3-Clause
/// Mean and variance of many numbers, of which zeros need not be listed.
#pragma once

#include <spinet/detail/language.hpp>

namespace spinet::detail {

/// Mean, and variance about it.
struct mean_and_variance {
    double mean = 0, variance = 0;
};

/// Of `count` numbers: those that visit(f) passes to f, in the same order each time, and zeros.
template <class Visit>
[[nodiscard]] mean_and_variance moments_of(double count, Visit&& visit) {
    double sum = 0, squares = 0, visited = 0;
    visit([&](double x) { sum += x; });
    double const mean = sum / count;
    visit([&](double x) {
        squares += (x - mean) * (x - mean);
        ++visited;
    });
    return {mean, (squares + (count - visited) * mean * mean) / count};
}

}  // namespace spinet::detail
