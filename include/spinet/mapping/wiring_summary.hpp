// SPDX-License-Identifier: BSD-3-Clause
/// What is known of a network's spin glass before it is built: sizes, singular values, memory.
#pragma once

#include <spinet/mapping/linear_map.hpp>
#include <spinet/mapping/outlier_modes.hpp>
#include <spinet/mapping/scaling.hpp>
#include <spinet/mapping/wiring.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace spinet {

/// Couplings made by one set of weights, between two groups of spins.
struct layer_summary {
    std::string from, to;
    double couplings = 0;         ///< over all steps of a sequence
    double deviation = 0;         ///< of the weights: of windows those of the kernel, once each
    double largest_singular = 0;  ///< of the stored matrix; of windows, the kernel (channels made, the rest)
    double bulk_edge = 0;         ///< where a bulk of independent entries would end
    std::size_t outliers = 0;     ///< singular values above it
};

struct wiring_summary {
    std::vector<layer_summary> layers;  ///< those with weights
    /// Where independent zero-mean couplings of the same variances would freeze.
    double t_formula = 0;
};

namespace detail {

/// The standard deviation of the numbers that a map stores.
[[nodiscard]] inline double deviation_of(singular_modes const& modes, linear_map const& map) {
    stored_rows const stored(map);
    double const count = static_cast<double>(stored.rows()) * static_cast<double>(stored.columns()),
                 mean = modes.sum / count;
    return std::sqrt(std::max(0.0, modes.squares / count - mean * mean));
}

}  // namespace detail

/// `modes` are those of outlier_modes(of).
[[nodiscard]] inline wiring_summary summary_of(wiring const& of, modes_by_map const& modes) {
    wiring_summary result;
    std::vector<double> variances;
    std::map<linear_map const*, std::size_t> places;
    for (auto const& each : of.wires) {
        auto const found = modes.find(each.map.get());
        double const pairs = static_cast<double>(each.map->rows()) * static_cast<double>(each.map->columns());
        double variance = 0;
        if (found != modes.end() && std::holds_alternative<matrix_map>(each.map->kind)) {
            double const mean = found->second.sum / pairs;
            variance = std::max(0.0, found->second.squares / pairs - mean * mean);
        } else if (places.count(each.map.get()) == 0) {
            variance = detail::moments_of(*each.map).variance;
        }
        variances.push_back(each.factor * each.factor * variance);
        if (found == modes.end()) continue;
        auto const [place, is_new] = places.try_emplace(each.map.get(), result.layers.size());
        if (is_new)
            result.layers.push_back({of.parts[each.from].name, of.parts[each.to].name, 0,
                                     std::abs(each.factor) * detail::deviation_of(found->second, *each.map),
                                     std::abs(each.factor) * found->second.largest,
                                     std::abs(each.factor) * found->second.bulk_edge, found->second.count()});
        result.layers[place->second].couplings += static_cast<double>(each.map->couplings());
    }
    result.t_formula = detail::t_formula_of(of, variances);
    return result;
}

/// Bytes of the model of a wiring in single precision. Steps of a sequence share their matrices.
[[nodiscard]] inline double model_bytes(wiring const& of) {
    double bytes = static_cast<double>(of.spins()) * sizeof(float);
    std::map<linear_map const*, bool> seen;
    for (auto const& each : of.wires) {
        if (!seen.emplace(each.map.get(), true).second) continue;
        if (auto const* w = std::get_if<window_map>(&each.map->kind))
            bytes += 3.0 * static_cast<double>(w->shape.kernel_size()) * sizeof(float);
        else  // both ways round, and where there are AMX tiles three of those for each
            bytes += static_cast<double>(each.map->couplings()) * (2 * sizeof(float) + 6 * 2);
    }
    return bytes;
}

}  // namespace spinet
