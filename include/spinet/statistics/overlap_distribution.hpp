// SPDX-License-Identifier: BSD-3-Clause
/// P(q) over temperature, with errors from independent replicas.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/observable/overlap_histogram.hpp>
#include <spinet/run/run.hpp>
#include <spinet/statistics/equilibration.hpp>
#include <spinet/statistics/ladder_means.hpp>

#include <concepts>
#include <cstddef>
#include <vector>

namespace spinet {

/// P(q) at one temperature: bin b is from -1 + b width to -1 + (b + 1) width, and its density is its share of
/// the pairs over `covers`: where spins are +-1, 2 / (N + 1) for each of the N + 1 possible overlaps in it,
/// so that a bin does not stand out because it holds one more; else the width of the bin. Densities times
/// `covers` add up to 1; NaN where no overlap is possible. `error` is the jackknife error of each over
/// replicas.
struct distribution_of_overlaps {
    double temperature = 0;
    double width = 0;
    row_major_array<double, 1> covers;
    row_major_array<double, 1> density;
    row_major_array<double, 1> error;
    bool equilibrated = false;
    std::size_t units = 0;  ///< independent units behind the errors

    /// Of the density in bin b, by Student's t (see jackknife_estimate). Throws spinet::error for a bin that
    /// is not there.
    template <std::integral Index>
    [[nodiscard]] interval confidence_interval(Index b, double confidence = 0.95) const {
        return detail::interval_about_entry("overlap_distribution", density, error, b, units, confidence);
    }
    /// The middle of bin b.
    [[nodiscard]] double overlap(std::size_t b) const noexcept {
        return -1 + (static_cast<double>(b) + 0.5) * width;
    }
    /// The middles of all bins.
    [[nodiscard]] row_major_array<double, 1> overlaps() const {
        row_major_array<double, 1> q(covers);
        for (std::size_t b = 0; b < q.size(); ++b) q(b) = overlap(b);
        return q;
    }
};

namespace detail {

/// Of N spins +-1; sites = 0: of others.
[[nodiscard]] inline row_major_array<double, 1> covered_by_bins(std::size_t bins, std::size_t sites) {
    row_major_array<double, 1> covers({bins}, 2.0 / static_cast<double>(bins));
    if (sites == 0) return covers;
    auto const levels = overlap_histogram(bins).levels(sites);
    for (std::size_t b = 0; b < bins; ++b) covers(b) = levels[b] * (2 / static_cast<double>(sites + 1));
    return covers;
}

}  // namespace detail

/// One distribution for each temperature of the run, lowest first; densities are empty at temperatures that
/// an annealing has not yet reached. The run must have recorded overlap_histogram{}.
template <class... Os>
[[nodiscard]] std::vector<distribution_of_overlaps> overlap_distribution(run<Os...> const& of) {
    static_assert(run<Os...>::template has<overlap_histogram>,
                  "spinet: P(q) needs overlap_histogram{} among the observables{...} of the run");
    auto const verdicts = equilibration(of);
    std::vector<distribution_of_overlaps> all;
    std::size_t const bins = of.template of<overlap_histogram>()[0].width() - 1;
    auto const covers = detail::covered_by_bins(bins, of.ising ? of.sites : 0);
    for (std::size_t k = 0; k < of.temperatures.size(); ++k) {
        recorder const& recorded = of.template of<overlap_histogram>()[k];
        all.push_back({of.temperatures[k],
                       2.0 / static_cast<double>(bins),
                       covers,
                       {},
                       {},
                       verdicts[k].equilibrated,
                       0});
        if (of.anneals && recorded.count() == 0) continue;
        auto const sums = sums_over_all(recorded, {}, of.weights_at(k));
        all.back().units = sums.units();
        all.back().density.resize({bins});
        all.back().error.resize({bins});
        for (std::size_t b = 0; b < bins; ++b) {
            auto const share = jackknife(sums, 1 + b);
            all.back().density(b) = share.value / covers(b);
            all.back().error(b) = share.error / covers(b);
        }
    }
    return all;
}

}  // namespace spinet
