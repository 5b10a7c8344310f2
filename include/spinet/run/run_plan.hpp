// SPDX-License-Identifier: BSD-3-Clause
/// How long a run is and how it starts.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace spinet {

/// Where replicas start. hot: independent random spins. hot_and_cold: every second replica is cold; only then
/// can starts be compared. All temperatures of a cold replica start in one state. Every second cold replica
/// takes the best of an annealing; the others take turns among descents from plus and minus the leading mode
/// of the couplings, another row of the annealing, descents from the second mode, and the plan's own states.
enum class start { hot, hot_and_cold };

/// A sweep is one update per spin of every row. Sweeps during warm-up are not measured.
struct run_plan {
    /// Independent ladders. Estimates have errors from 3 on (pairs of replicas are not independent), and a
    /// verdict can be given from 6 on; of one replica there are no overlaps.
    std::size_t replicas = 16;
    std::uint64_t warmup = 2'000;      ///< sweeps before the first measurement
    std::uint64_t sweeps = 20'000;     ///< sweeps with measurements
    std::uint64_t measure_every = 10;  ///< sweeps from one measurement to the next
    std::uint64_t seed = 1;
    start from = start::hot_and_cold;
    std::uint64_t annealing = 1'000;  ///< sweeps of the annealing that finds the cold start
    /// States of your own for cold replicas, (states, sites): +1 and -1, or what the spins of the model are.
    row_major_array<float, 2> starts = row_major_array<float, 2>::from_shape({0, 0});
    bool keep_spins = false;  ///< the run holds the spins it ended with (run.spins), as bits

    [[nodiscard]] std::uint64_t measurements() const noexcept {
        return measure_every == 0 ? 0 : sweeps / measure_every;
    }

    /// Throws spinet::error where the plan cannot be carried out.
    void check(std::size_t rungs, std::size_t sites) const {
        if (replicas == 0) throw error("run_plan: no replicas");
        if (measure_every == 0) throw error("run_plan: measure_every is 0");
        if (measurements() == 0)
            throw error("run_plan: ", sweeps, " sweeps with a measurement every ", measure_every,
                        " give no measurement");
        constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
        if (sweeps > most || warmup > most - sweeps || annealing > most)
            throw error("run_plan: more than 2^32 - 1 sweeps");
        if (replicas > most / rungs)
            throw error("run_plan: more than 2^32 - 1 rows (replicas x temperatures)");
        if (starts.shape()[0] > 0 && starts.shape()[1] != sites)
            throw error("run_plan: starts of ", starts.shape()[1], " spins for a model of ", sites);
        if (starts.shape()[0] > 0 && from == start::hot)
            throw error("run_plan: starts are for cold replicas, and the plan starts all of them hot");
        if (sites > (std::size_t{1} << 40) / (replicas * rungs))
            throw error("run_plan: ", replicas, " replicas x ", rungs, " temperatures x ", sites,
                        " spins are more than 2^40 spins");
    }
};

}  // namespace spinet
