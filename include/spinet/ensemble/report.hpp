// SPDX-License-Identifier: BSD-3-Clause
/// What an ensemble reports beside the measurements: exchanges, round trips, populations.
#pragma once

#include <spinet/kernel/concepts.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace spinet {

/// Exchange counts for each link of the graph of rungs (the first ones join neighbouring temperatures of the
/// ladder), and round trips for each ladder.
struct exchange_counts {
    std::vector<std::uint64_t> attempted;
    std::vector<std::uint64_t> accepted;
    std::vector<std::uint64_t> round_trips;
};

/// What population annealing reports of its populations, at each temperature of the ladder.
struct population_record {
    std::size_t members = 0;  ///< of each population
    std::size_t steps = 0;    ///< from infinite temperature down to the lowest, those between rungs included
    std::size_t populations = 0;
    /// ln Z of each population, number rung * populations + population; NaN where it is not yet reached.
    std::vector<double> log_partition;
    /// The family statistic rho_t = members x the sum over families of (their share of the population)^2, in
    /// the same order: members / rho_t is the number of independent families. Source: Wang, Machta,
    /// Katzgraber, Phys. Rev. E 92, 013303 (2015).
    std::vector<double> family_size;
};

struct ensemble_report {
    std::size_t rows_per_replica = 0;  ///< those of capped models included
    exchange_counts exchange = {};     ///< since the end of the warm-up
    std::optional<population_record> populations = {};
    engine_counts engine = {};
};

}  // namespace spinet
