// SPDX-License-Identifier: BSD-3-Clause
/// Means of recorded numbers over a set of replicas, with each replica left out in turn.
#pragma once

#include <spinet/run/recorder.hpp>
#include <spinet/statistics/jackknife.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

namespace spinet {

/// Which stages of a run to use: first <= stage < last.
struct stage_range {
    std::size_t first = 0;
    std::size_t last = recorder::stages;
};

namespace detail {

/// The number of measurements in some stages. Throws spinet::error where there are none.
[[nodiscard]] inline double measurements_in(recorder const& recorded, stage_range stages) {
    double measurements = 0;
    for (std::size_t s = stages.first; s < stages.last; ++s)
        measurements += static_cast<double>(recorded.count(s));
    if (measurements == 0)
        throw error("estimates: the run has no measurements (it was stopped before the first)");
    return measurements;
}

/// The mean of each component over the measurements in some stages, of one unit.
inline void means_of_unit(recorder const& recorded, std::size_t unit, stage_range stages, double measurements,
                          std::span<double> means) {
    for (std::size_t c = 0; c < means.size(); ++c) {
        means[c] = 0;
        for (std::size_t s = stages.first; s < stages.last; ++s) means[c] += recorded.sum(s, unit, c);
        means[c] /= measurements;
    }
}

}  // namespace detail

/// Sums of what a recorder holds for the replicas in `members` (of units of several replicas: those with all
/// of them in `members`), ready for a jackknife over these replicas. At least 3 members, and at least one
/// measurement in the stages. Replicas of one block stand next to each other in `members` and are left out
/// together; a unit with two replicas of one block is not used. `weights`, if there are any, are those of all
/// replicas; a unit has the product of its own. Throws spinet::error for an observable of whole cohorts.
template <std::same_as<recorder> Recorder>
[[nodiscard]] jackknife_sums sums_over(Recorder const& recorded, std::vector<std::size_t> const& members,
                                       stage_range stages = {}, std::vector<double> const& weights = {}) {
    if (recorded.unit().size == 0)
        throw error("estimates: an observable of whole cohorts has no value for some of the replicas");
    std::size_t const block = recorded.replicas_per_block();
    jackknife_sums sums(members.size() / block, recorded.width());
    double const measurements = detail::measurements_in(recorded, stages);
    std::vector<double> means(recorded.width());
    std::vector<std::size_t> block_of(recorded.replicas(), members.size()), blocks(recorded.unit().size);
    for (std::size_t i = 0; i < members.size(); ++i) block_of[members[i]] = i / block;
    std::size_t unit = 0;
    recorded.unit().for_each(recorded.replicas(), [&](std::span<std::size_t const> replicas) {
        std::size_t const here = unit++;
        double weight = 1;
        for (std::size_t k = 0; k < replicas.size(); ++k) {
            blocks[k] = block_of[replicas[k]];
            bool const again = std::find(blocks.begin(), blocks.begin() + static_cast<std::ptrdiff_t>(k),
                                         blocks[k]) != blocks.begin() + static_cast<std::ptrdiff_t>(k);
            if (blocks[k] == members.size() || again) return;
            if (!weights.empty()) weight *= weights[replicas[k]];
        }
        detail::means_of_unit(recorded, here, stages, measurements, means);
        sums.add(blocks, means, weight);
    });
    return sums;
}

template <std::same_as<recorder> Recorder>
[[nodiscard]] jackknife_sums sums_over_all(Recorder const& recorded, stage_range stages = {},
                                           std::vector<double> const& weights = {}) {
    std::vector<std::size_t> everyone(recorded.replicas());
    std::iota(everyone.begin(), everyone.end(), std::size_t{0});
    return sums_over(recorded, everyone, stages, weights);
}

/// The means of all components over a whole run with each block of replicas left out in turn, for every kind
/// of unit: `mean(left_out, component)`, where left_out == units() leaves none out. Below 3 blocks of
/// replicas none can be left out, and there are no errors.
class recorded_means {
public:
    /// Throws spinet::error without measurements, and for cohorts with weights: what is measured of whole
    /// cohorts has no weight for each replica.
    template <std::same_as<recorder> Recorder>
    recorded_means(Recorder const& recorded, std::vector<double> const& weights)
        : units_(recorded.replicas() / recorded.replicas_per_block()), columns_(recorded.width()) {
        if (recorded.unit().size > 0 && have_errors()) {
            sums_.push_back(sums_over_all(recorded, {}, weights));
            return;
        }
        if (!weights.empty())
            throw error(
                "estimates: an observable of whole cohorts, or of fewer than 3 replicas, has no estimate "
                "where "
                "replicas have weights, as in population annealing");
        double const measurements = detail::measurements_in(recorded, {});
        rows_.resize(recorded.units() * columns_);
        for (std::size_t unit = 0; unit < recorded.units(); ++unit)
            detail::means_of_unit(recorded, unit, {}, measurements,
                                  std::span(rows_).subspan(unit * columns_, columns_));
        if (recorded.unit().size == 0) return;
        for (std::size_t c = 0; c < columns_; ++c) {
            double sum = 0;
            for (std::size_t unit = 0; unit < recorded.units(); ++unit) sum += rows_[unit * columns_ + c];
            rows_[c] = sum / static_cast<double>(recorded.units());
        }
        few_ = true;
    }

    [[nodiscard]] std::size_t units() const noexcept { return units_; }
    [[nodiscard]] bool have_errors() const noexcept { return units_ >= 3; }
    /// Throws spinet::error for a component that the observable does not have.
    [[nodiscard]] double mean(std::size_t left_out, std::size_t component) const {
        if (component >= columns_)
            throw error("estimates: expected a component below ", columns_, ", found ", component);
        if (!sums_.empty()) return sums_[0].mean(left_out, component);
        return rows_[(few_ ? 0 : left_out) * columns_ + component];
    }

private:
    std::size_t units_;
    std::size_t columns_;
    bool few_ = false;
    std::vector<jackknife_sums> sums_;  ///< one, or none of cohorts and of few replicas
    std::vector<double> rows_;          ///< of cohorts: units + 1 rows of columns; of few replicas: one
};

}  // namespace spinet
