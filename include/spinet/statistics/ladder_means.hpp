// SPDX-License-Identifier: BSD-3-Clause
/// Means of recorded numbers over a set of replicas, with each replica left out in turn.
#pragma once

#include <spinet/run/recorder.hpp>
#include <spinet/statistics/jackknife.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace spinet {

/// Which stages of a run to use: first <= stage < last.
struct stage_range {
    std::size_t first = 0;
    std::size_t last = recorder::stages;
};

/// Sums of what a recorder holds for the replicas in `members` (for pairs: both of the pair in `members`),
/// ready for a jackknife over these replicas. At least 3 members, and at least one measurement in the stages.
/// Replicas that pair moves join are one unit, stand next to each other in `members`, and are no pair.
/// `weights`, if there are any, are those of all replicas; a pair has the product of its two.
[[nodiscard]] inline pair_sums sums_over(recorder const& recorded, std::vector<std::size_t> const& members,
                                         stage_range stages = {}, std::vector<double> const& weights = {}) {
    auto const weight = [&](std::size_t replica) { return weights.empty() ? 1.0 : weights[replica]; };
    std::size_t const joined = recorded.joined();
    pair_sums sums(members.size() / joined, recorded.width());
    double measurements = 0;
    for (std::size_t s = stages.first; s < stages.last; ++s)
        measurements += static_cast<double>(recorded.count(s));
    if (measurements == 0)
        throw error("estimates: the run has no measurements (it was stopped before the first)");
    std::vector<double> means(recorded.width());
    auto const collect = [&](std::size_t unit) {
        for (std::size_t c = 0; c < means.size(); ++c) {
            means[c] = 0;
            for (std::size_t s = stages.first; s < stages.last; ++s) means[c] += recorded.sum(s, unit, c);
            means[c] /= measurements;
        }
    };
    std::size_t const n = recorded.replicas();
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (recorded.per() == measured_per::replica) {
            collect(members[i]);
            sums.add_single(i / joined, means, weight(members[i]));
            continue;
        }
        for (std::size_t j = (i / joined + 1) * joined; j < members.size(); ++j) {
            std::size_t const a = std::min(members[i], members[j]), b = std::max(members[i], members[j]);
            collect(a * (2 * n - a - 1) / 2 + (b - a - 1));
            sums.add(i / joined, j / joined, means, weight(a) * weight(b));
        }
    }
    return sums;
}

[[nodiscard]] inline pair_sums sums_over_all(recorder const& recorded, stage_range stages = {},
                                             std::vector<double> const& weights = {}) {
    std::vector<std::size_t> everyone(recorded.replicas());
    std::iota(everyone.begin(), everyone.end(), std::size_t{0});
    return sums_over(recorded, everyone, stages, weights);
}

}  // namespace spinet
