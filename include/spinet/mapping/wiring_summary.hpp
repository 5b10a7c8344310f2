// SPDX-License-Identifier: BSD-3-Clause
/// What is known of a network's spin glass before it is built: sizes, singular values, memory.
#pragma once

#include <spinet/mapping/linear_map.hpp>
#include <spinet/mapping/outlier_modes.hpp>
#include <spinet/mapping/wiring.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace spinet {

/// Couplings made by one set of weights, between two groups of spins.
struct layer_summary {
    std::string from, to;
    double couplings = 0;  ///< over all steps of a sequence
    double deviation = 0;  ///< of the couplings
    double largest_singular =
        0;                     ///< of the stored matrix; of windows, of the kernel (channels made, the rest)
    double bulk_edge = 0;      ///< where a bulk of independent entries would end
    std::size_t outliers = 0;  ///< singular values above it
};

struct wiring_summary {
    std::vector<layer_summary> layers;  ///< those with weights
    /// Where independent zero-mean couplings of the same variances would freeze.
    double t_formula = 0;
};

/// Reads all weights a few times; memory as outlier_modes.
[[nodiscard]] inline wiring_summary summary_of(wiring const& of) {
    wiring_summary result;
    auto const variances = detail::wire_variances(of);
    result.t_formula = detail::t_formula_of(of, variances);
    std::map<linear_map const*, std::size_t> places;
    for (std::size_t w = 0; w < of.wires.size(); ++w) {
        auto const& each = of.wires[w];
        if (!each.map->weighted()) continue;
        auto const [place, is_new] = places.try_emplace(each.map.get(), result.layers.size());
        if (is_new) {
            auto const modes = outlier_modes(*each.map);
            layer_summary layer{of.parts[each.from].name, of.parts[each.to].name};
            layer.deviation = std::sqrt(variances[w]);
            layer.largest_singular = std::abs(each.factor) * modes.largest;
            layer.bulk_edge = std::abs(each.factor) * modes.bulk_edge;
            layer.outliers = modes.count();
            result.layers.push_back(layer);
        }
        result.layers[place->second].couplings += static_cast<double>(each.map->couplings());
    }
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
        else  // both ways round, and where there are bf16 tiles three of those for each
            bytes += static_cast<double>(each.map->couplings()) * (2 * sizeof(float) + 6 * 2);
    }
    return bytes;
}

}  // namespace spinet
