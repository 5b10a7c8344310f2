// SPDX-License-Identifier: BSD-3-Clause
/// What fuzz targets of whole networks share: a network that is small is wired, or refused by spinet::error.
#pragma once

#include "fuzz.hpp"
#include <spinet/mapping/wire_network.hpp>
#include <spinet/network/shapes.hpp>

#include <cmath>
#include <cstddef>

namespace fuzz {

/// Whether a test can hold what the network makes of one input. A file of a hundred bytes may ask for 2^60
/// numbers.
[[nodiscard]] inline bool is_small(spinet::network const& net) {
    constexpr std::size_t most_values = 100'000, most_steps = 100;
    std::size_t all = 0;
    for (auto const& shape : result_shapes(net)) {
        std::size_t size = 1;
        for (auto const n : shape) {
            if (n > most_values) return false;
            size *= n;
            if (size > most_values) return false;
        }
        all += size;
        if (all > most_values || (shape.size() == 2 && shape[0] > most_steps)) return false;
    }
    return true;
}

inline void check(spinet::wiring const& made) {
    require(!made.parts.empty(), "a wiring without parts");
    for (auto const& each : made.wires) {
        require(each.from < made.parts.size() && each.to < made.parts.size(), "a wire to nowhere");
        require(each.map->columns() == made.parts[each.from].size() &&
                    each.map->rows() == made.parts[each.to].size(),
                "a wire that does not fit its parts");
    }
}

/// Wires the network, where it is small. Anything but a wiring that fits or a spinet::error ends the program.
inline void wire(spinet::network const& net) {
    if (!is_small(net)) return;
    for (auto const layout : {spinet::recurrence::unrolled, spinet::recurrence::ring}) {
        try {
            memory_bound const bound(std::size_t{512} << 20);
            check(wire_network(net, layout));
        } catch (spinet::error const&) {
        }
    }
}

}  // namespace fuzz
