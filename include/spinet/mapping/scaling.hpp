// SPDX-License-Identifier: BSD-3-Clause
/// Scales of the couplings, and the layered parts of a model before it is put together.
#pragma once

#include <spinet/detail/xtensor.hpp>
#include <spinet/error.hpp>
#include <spinet/mean_field/bond_matrix.hpp>
#include <spinet/mean_field/measured_variances.hpp>
#include <spinet/model/network_glass.hpp>

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// none: couplings are the weights. layer_unit_variance: the weights of each layer, and its biases with them,
/// are divided by the standard deviation of these weights. t_formula: everything is divided by the T_formula
/// of the network's sizes and variances, so that T = 1 is where independent random weights of these variances
/// would freeze (trained weights freeze elsewhere: docs/concepts.md).
enum class scale { none, layer_unit_variance, t_formula };

[[nodiscard]] constexpr char const* to_string(scale kind) noexcept {
    return kind == scale::none                  ? "none"
           : kind == scale::layer_unit_variance ? "layer_unit_variance"
                                                : "t_formula";
}

namespace detail {

/// A number with all the digits that a double prints well with.
[[nodiscard]] inline std::string short_text(double x) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.9g", x);
    return buffer;
}

/// Variance of all entries about their mean.
template <class Real>
[[nodiscard]] double weight_variance(xt::xtensor<Real, 2> const& weights) {
    return variance_of(weights.data(), weights.size()).variance;
}

/// Groups in a row, weights[l] between group l and group l + 1.
template <class Real>
struct layered_parts {
    std::vector<spin_group> groups;
    std::vector<std::vector<Real>> fields;
    std::vector<xt::xtensor<Real, 2>> weights;

    void add_group(std::string name, std::vector<Real> its_fields) {
        groups.push_back({std::move(name), 0, its_fields.size()});
        fields.push_back(std::move(its_fields));
    }

    [[nodiscard]] std::vector<Real> all_fields() const {
        std::vector<Real> all;
        for (auto const& part : fields) all.insert(all.end(), part.begin(), part.end());
        return all;
    }

    [[nodiscard]] std::vector<coupling_block<Real>> blocks() const {
        std::vector<coupling_block<Real>> all;
        for (std::size_t l = 0; l < weights.size(); ++l)
            all.push_back(dense_block<Real>(l, l + 1, weights[l]));
        return all;
    }
};

/// Multiplies a layer's couplings, and the fields of the layer they lead to.
template <class Real>
void multiply_layer(layered_parts<Real>& parts, std::size_t l, double factor) {
    for (std::size_t k = 0; k < parts.weights[l].size(); ++k)
        parts.weights[l].data()[k] =
            static_cast<Real>(static_cast<double>(parts.weights[l].data()[k]) * factor);
    for (Real& field : parts.fields[l + 1]) field = static_cast<Real>(static_cast<double>(field) * factor);
}

/// Applies a scale; returns the factor of each layer of couplings.
template <class Real>
std::vector<double> scale_layers(scale kind, layered_parts<Real>& parts) {
    std::vector<double> factors(parts.weights.size(), 1.0);
    if (kind == scale::none) return factors;
    std::vector<double> variances;
    for (std::size_t l = 0; l < parts.weights.size(); ++l) {
        variances.push_back(weight_variance(parts.weights[l]));
        if (!(variances[l] > 0))
            throw error("scale: the weights into layer " + parts.groups[l + 1].name +
                        " are all equal, so they cannot be scaled");
    }
    if (variances.empty()) throw error("scale: no couplings are left that could set the scale");
    std::vector<std::size_t> sizes;
    for (auto const& group : parts.groups) sizes.push_back(group.size);
    for (std::size_t l = 0; l < factors.size(); ++l) {
        factors[l] = 1.0 / (kind == scale::t_formula ? t_formula(sizes, variances) : std::sqrt(variances[l]));
        multiply_layer(parts, l, factors[l]);
    }
    // The first group's fields (of clamped inputs, say) belong to no layer of couplings: they take the first
    // factor.
    for (Real& field : parts.fields[0]) field = static_cast<Real>(static_cast<double>(field) * factors[0]);
    return factors;
}

}  // namespace detail
}  // namespace spinet
