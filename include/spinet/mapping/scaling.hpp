// SPDX-License-Identifier: BSD-3-Clause
/// Scales of the couplings, applied to a wiring before it becomes a model.
#pragma once

#include <spinet/error.hpp>
#include <spinet/mapping/linear_map.hpp>
#include <spinet/mapping/wiring.hpp>
#include <spinet/spectrum/bond_matrix.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet {

/// none: couplings are the weights. layer_unit_variance: the weights of each layer, and its biases with them,
/// are divided by the standard deviation of these weights; identities and pooling, which hold none, stay.
/// t_formula: everything is divided by the T_formula of the network's sizes and variances, so that T = 1 is
/// where independent random weights of these variances would freeze (trained weights freeze elsewhere:
/// docs/concepts.md).
enum class scale { none, layer_unit_variance, t_formula };

[[nodiscard]] constexpr std::string_view to_string(scale value) {
    return detail::name_of(value, "scale", {"none", "layer_unit_variance", "t_formula"});
}

namespace detail {

/// A number with all the digits that a double prints well with.
[[nodiscard]] inline std::string short_text(double x) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.9g", x);
    return buffer;
}

/// The variance of each wire's couplings, measured once for each map.
template <std::same_as<wiring> Wiring>
[[nodiscard]] std::vector<double> wire_variances(Wiring const& of) {
    std::vector<double> variances;
    linear_map const* last = nullptr;
    double variance = 0;
    for (auto const& each : of.wires) {
        if (each.map.get() != last) variance = moments_of(*each.map).variance;
        last = each.map.get();
        variances.push_back(variance * each.factor * each.factor);
    }
    return variances;
}

/// T_formula of the parts; variances are those of the wires.
template <std::same_as<wiring> Wiring>
[[nodiscard]] double t_formula_of(Wiring const& of, std::vector<double> const& variances) {
    std::vector<double> sizes;
    for (auto const& part : of.parts) sizes.push_back(static_cast<double>(part.size()));
    bond_matrix bonds(std::move(sizes));
    for (std::size_t w = 0; w < of.wires.size(); ++w)
        bonds.add(of.wires[w].from, of.wires[w].to, variances[w]);
    return bonds.t_formula();
}

/// The factor of each map with weights, in the order of the wires.
template <std::same_as<wiring> Wiring>
[[nodiscard]] std::vector<double> layer_factors(Wiring const& of, scale kind,
                                                std::map<linear_map const*, double>& by_map) {
    auto const variances = wire_variances(of);
    double const common = kind == scale::t_formula ? 1 / t_formula_of(of, variances) : 0;
    std::vector<double> factors;
    for (std::size_t w = 0; w < of.wires.size(); ++w) {
        auto const& each = of.wires[w];
        if (!each.map->weighted() || by_map.count(each.map.get()) != 0) continue;
        if (!(variances[w] > 0))
            throw error("scale: the weights into layer ", of.parts[each.to].name,
                        " are all equal, so they cannot be scaled");
        factors.push_back(kind == scale::t_formula ? common
                                                   : std::abs(each.factor) / std::sqrt(variances[w]));
        by_map.emplace(each.map.get(), factors.back());
    }
    return factors;
}

/// Applies a scale; returns the factor of each layer of couplings.
template <std::same_as<wiring> Wiring>
std::vector<double> scale_wires(scale kind, Wiring& of) {
    std::map<linear_map const*, double> by_map;
    if (kind == scale::none) {
        for (auto const& each : of.wires) by_map.emplace(each.map.get(), 1.0);
        return std::vector<double>(by_map.size(), 1.0);
    }
    auto const factors = layer_factors(of, kind, by_map);
    if (factors.empty()) throw error("scale: no couplings are left that could set the scale");
    auto const factor_of = [&](wire const& each) {
        auto const found = by_map.find(each.map.get());
        return found != by_map.end() ? found->second : kind == scale::t_formula ? factors[0] : 1.0;
    };
    // A part's fields scale with the first weights into it; where there are none (behind held inputs,
    // say), with the first that leave it.
    for (std::size_t p = 0; p < of.parts.size(); ++p) {
        double factor = kind == scale::t_formula ? factors[0] : 1.0;
        for (bool const into : {false, true})
            for (std::size_t w = of.wires.size(); w-- > 0;)
                if ((into ? of.wires[w].to : of.wires[w].from) == p && of.wires[w].map->weighted())
                    factor = factor_of(of.wires[w]);
        for (double& field : of.parts[p].fields) field *= factor;
    }
    for (auto& each : of.wires) each.factor *= factor_of(each);
    return factors;
}

}  // namespace detail
}  // namespace spinet
