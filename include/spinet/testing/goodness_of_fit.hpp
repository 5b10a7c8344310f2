// SPDX-License-Identifier: BSD-3-Clause
/// Pearson's chi-square test of counts against an exact distribution.
#pragma once

#include <spinet/error.hpp>
#include <spinet/statistics/distributions.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace spinet::testing {

struct fit {
    double chi_square = 0;
    std::size_t degrees_of_freedom = 0;
    double p_value = 1;
};

/// Tests independent samples, counted per state, against probabilities of the same states. States are pooled,
/// rarest first, until every bin expects at least `least_expected` counts. The samples must be independent:
/// successive states of a Markov chain are not, and void the test. Throws spinet::error if fewer than two
/// bins are left.
[[nodiscard]] inline fit goodness_of_fit(std::span<std::uint64_t const> counts,
                                         std::span<double const> probabilities, double least_expected = 10) {
    if (counts.size() != probabilities.size())
        throw error("goodness_of_fit: ", counts.size(), " counts for ", probabilities.size(),
                    " probabilities");
    double const total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
    std::vector<std::size_t> order(counts.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return probabilities[a] < probabilities[b]; });
    std::vector<double> expected, seen;
    double e = 0, n = 0;
    for (std::size_t const k : order) {
        e += total * probabilities[k];
        n += static_cast<double>(counts[k]);
        if (e < least_expected) continue;
        expected.push_back(e);
        seen.push_back(n);
        e = n = 0;
    }
    if (expected.size() < 2) throw error("goodness_of_fit: too few samples for two bins");
    expected.back() += e;  // impossible states left over at the end would be lost otherwise
    seen.back() += n;
    fit result;
    for (std::size_t k = 0; k < seen.size(); ++k)
        result.chi_square += (seen[k] - expected[k]) * (seen[k] - expected[k]) / expected[k];
    result.degrees_of_freedom = seen.size() - 1;
    result.p_value = chi_square_survival(result.chi_square, static_cast<double>(result.degrees_of_freedom));
    return result;
}

}  // namespace spinet::testing
