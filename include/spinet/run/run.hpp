// SPDX-License-Identifier: BSD-3-Clause
/// What sampling returns: recorders per observable and temperature, and everything needed to judge them.
#pragma once

#include <spinet/ensemble/ladder.hpp>
#include <spinet/ensemble/report.hpp>
#include <spinet/observable/concepts.hpp>
#include <spinet/observable/stored_spins.hpp>
#include <spinet/run/recorder.hpp>
#include <spinet/run/run_plan.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace spinet {

/// Everything that does not depend on which observables were asked for; exchanges, round trips and
/// populations are those of its ensemble.
struct run_record : ensemble_report {
    ladder temperatures;
    run_plan plan;
    std::size_t sites = 0;
    std::vector<spin_group> groups;
    bool exchanges = false;              ///< the method moves replicas between temperatures
    std::size_t replicas_per_block = 1;  ///< consecutive replicas that depend on each other
    /// The states that cold replicas take in turn, by name; one may come several times. None where all
    /// started hot.
    std::vector<std::string> cold_states = {};
    static constexpr char const* best_annealed = "the annealing";
    bool anneals = false;            ///< the temperature falls: each has all the sweeps of the plan
    std::uint64_t sweeps_done = 0;   ///< of warm-up and measurement together
    std::uint64_t sweeps_total = 0;  ///< likewise, of the whole plan
    double paramagnet_above =
        std::numeric_limits<double>::quiet_NaN();  ///< lambda_max(J); NaN if the model cannot tell
    /// The variance of E over all states, sum of J^2 + sum of b^2; NaN if the model does not show them.
    double variance_at_infinite_temperature = std::numeric_limits<double>::quiet_NaN();
    bool ising = true;  ///< spins are +-1
    /// Of a spin, at beta = 0: ln 2, or 0 for spins whose single-site measure has the total weight 1.
    double entropy_at_infinite_temperature = std::numbers::ln2;
    std::vector<std::pair<std::string, std::string>> metadata = {};
    /// The last spins of every replica at each temperature, where the plan says `keep_spins`.
    std::vector<stored_spins> spins = {};

    /// How a replica started: 0 is hot, 1 + k the cold state k. Every second block of replicas is cold.
    [[nodiscard]] std::size_t start_of(std::size_t replica) const noexcept {
        std::size_t const block = replica / replicas_per_block;
        return cold_states.empty() || block % 2 == 0 ? 0 : 1 + block / 2 % cold_states.size();
    }

    /// How much each replica counts at temperature k: all alike (empty), or populations by their Z over the
    /// largest, without which means of small populations lean to where they all lost weight. Source: Machta,
    /// Phys. Rev. E 82, 026704 (2010).
    [[nodiscard]] std::vector<double> weights_at(std::size_t k) const {
        constexpr double least = 1e-12;  // so that something is left without the largest
        std::vector<double> weights;
        if (!populations) return weights;
        auto const& of = *populations;
        double const* const log_z = of.log_partition.data() + k * of.populations;
        double const largest = *std::max_element(log_z, log_z + of.populations);
        for (std::size_t p = 0; p < of.populations; ++p)
            weights.push_back(std::max(least, std::exp(log_z[p] - largest)));
        return weights;
    }

    /// Share of the sweeps whose fields came from matrix products; NaN where the kernel has one engine only
    /// (it has two on dense models).
    [[nodiscard]] double sweeps_by_products() const noexcept {
        return engine.sweeps == 0
                   ? std::numeric_limits<double>::quiet_NaN()
                   : static_cast<double>(engine.sweeps_by_products) / static_cast<double>(engine.sweeps);
    }

    /// Measurements made so far; where the temperature falls, those of the current step.
    [[nodiscard]] std::uint64_t measurements() const noexcept {
        std::uint64_t const of_step =
            anneals && sweeps_done > 0 ? (sweeps_done - 1) % (plan.warmup + plan.sweeps) + 1 : sweeps_done;
        return of_step <= plan.warmup ? 0 : (of_step - plan.warmup) / plan.measure_every;
    }

    [[nodiscard]] bool complete() const noexcept { return sweeps_done == sweeps_total; }

    /// Accepted exchanges between temperatures k and k + 1, as a fraction; 0 if none was tried.
    [[nodiscard]] double exchange_acceptance(std::size_t k) const noexcept {
        auto const tried = exchange.attempted[k];
        return tried == 0 ? 0.0 : static_cast<double>(exchange.accepted[k]) / static_cast<double>(tried);
    }

    /// Round trips (bottom, top, bottom) per ladder, averaged over the ladders.
    [[nodiscard]] double round_trips_per_ladder() const noexcept {
        double total = 0;
        auto const& trips = exchange.round_trips;
        for (auto const n : trips) total += static_cast<double>(n);
        return trips.empty() ? 0.0 : total / static_cast<double>(trips.size());
    }
};

/// A run of `observables{Os...}`.
template <class... Os>
struct run : run_record {
    /// recorders[o][k]: observable o at temperature k.
    std::vector<std::vector<recorder>> recorders;

    template <class O>
    static constexpr bool has = (std::is_same_v<O, Os> || ...);

    /// The recorders of an observable, one per temperature.
    template <class O>
    [[nodiscard]] std::vector<recorder> const& of() const {
        static_assert(has<O>, "spinet: this observable was not among the observables{...} of the run");
        std::size_t place = 0, found = 0;
        ((found = std::is_same_v<O, Os> ? place : found, ++place), ...);
        return recorders[found];
    }
};

}  // namespace spinet
