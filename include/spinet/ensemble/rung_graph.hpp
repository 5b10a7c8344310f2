// SPDX-License-Identifier: BSD-3-Clause
/// The rungs of a replica in tempering, each a temperature of one variant of the model, and which of them
/// exchange with each other.
#pragma once

#include <spinet/ensemble/ladder.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spinet {

/// Variant 0 is the model itself.
struct rung {
    double temperature;
    std::uint32_t variant;
};

/// Two rungs that exchange: of one variant, or of one temperature. `number` counts all links of the graph.
struct rung_link {
    std::uint32_t a, b;
    std::uint32_t number;
};

/// The first `ladder_size` rungs are those of the ladder, coldest first, and link k joins its rungs k and
/// k + 1. The links of one round have no rung in common. Each sweep takes all rounds in their order, so that
/// a replica can pass as many rungs in a sweep as there are rounds: an exchange costs little beside a sweep.
struct rung_graph {
    std::vector<rung> rungs;
    std::size_t ladder_size = 0;
    std::size_t links = 0;
    std::vector<std::vector<rung_link>> rounds;
};

/// A ladder alone: its even pairs, then its odd ones.
template <class Ladder>
[[nodiscard]] rung_graph ladder_graph(Ladder const& temperatures) {
    rung_graph graph{{}, temperatures.size(), 0, {{}, {}}};
    for (double const t : temperatures.temperatures()) graph.rungs.push_back({t, 0});
    for (std::uint32_t k = 0; k + 1 < graph.ladder_size; ++k)
        graph.rounds[k % 2].push_back({k, k + 1, static_cast<std::uint32_t>(graph.links++)});
    return graph;
}

/// The same with further variants of the model, each over the temperatures of the ladder within its range. A
/// sweep takes the even pairs of all variants, then variants 0 and 1, 2 and 3, ... at equal temperature; then
/// the odd pairs, and variants 1 and 2, 3 and 4, ... `range(variant)` is a pair of temperatures, for variants
/// from 1 on. Throws spinet::error for a variant that shares no temperature with the one before it.
template <class Range>
[[nodiscard]] rung_graph graph_of_variants(ladder const& temperatures, std::size_t variants, Range&& range) {
    rung_graph graph = ladder_graph(temperatures);
    graph.rounds = {graph.rounds[0], {}, graph.rounds[1], {}};
    constexpr std::uint32_t none = ~std::uint32_t{0};
    std::vector<std::uint32_t> before(graph.ladder_size);
    for (std::uint32_t k = 0; k < graph.ladder_size; ++k) before[k] = k;
    for (std::uint32_t variant = 1; variant <= variants; ++variant) {
        auto const [lowest, highest] = range(variant);
        std::vector<std::uint32_t> here(graph.ladder_size, none);
        bool meets = false;
        for (std::size_t k = 0; k < graph.ladder_size; ++k) {
            if (temperatures[k] < lowest || temperatures[k] > highest) continue;
            here[k] = static_cast<std::uint32_t>(graph.rungs.size());
            graph.rungs.push_back({temperatures[k], variant});
            if (k > 0 && here[k - 1] != none)
                graph.rounds[2 * ((k - 1) % 2)].push_back(
                    {here[k - 1], here[k], static_cast<std::uint32_t>(graph.links++)});
            meets = meets || before[k] != none;
            if (before[k] != none)
                graph.rounds[1 + 2 * ((variant - 1) % 2)].push_back(
                    {before[k], here[k], static_cast<std::uint32_t>(graph.links++)});
        }
        if (!meets)
            throw error("capped_models: model ", variant, ", from T = ", lowest, " to ", highest,
                        ", has no temperature of the ladder in common with the model before it");
        before = std::move(here);
    }
    return graph;
}

}  // namespace spinet
