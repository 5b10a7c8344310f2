// SPDX-License-Identifier: BSD-3-Clause
/// A multilayer perceptron from arrays: `mlp({{W1, b1}, {W2, b2}}, activation_kind::relu)`.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/tensor.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace spinet {

/// A weight of shape (out, in) and, if there is one, a bias of shape (out): tensors, or xtensor expressions
/// of any kind, layout and type of real numbers.
struct mlp_layer {
    template <std::convertible_to<tensor> Weight>
    mlp_layer(Weight const& w) : weight(w) {}  // NOLINT: implicit, so that mlp({W1, W2}) works

    template <std::convertible_to<tensor> Weight, std::convertible_to<tensor> Bias>
    mlp_layer(Weight const& w, Bias const& b) : weight(w), bias(tensor(b)) {}

    tensor weight;
    std::optional<tensor> bias;
};

/// The layers in order, input to output: `hidden` after each but the last, `output` after the last.
/// Throws `error` where there is no layer, a rank is wrong, a size is zero, shapes do not chain, a bias has
/// another length than its layer or a value is not finite; the message gives the layer's index, from 0.
[[nodiscard]] inline network mlp(std::vector<mlp_layer> const& layers, activation_kind hidden,
                                 activation_kind output = activation_kind::identity) {
    std::vector<dense_layer> chain;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        auto const name = detail::text("layer ", i);
        std::optional<tensor> bias;
        if (layers[i].bias) bias = layers[i].bias->renamed(name + " bias");
        chain.push_back({name, layers[i].weight.renamed(name + " weight"), std::move(bias),
                         i + 1 < layers.size() ? hidden : output});
    }
    return dense_network(chain);
}

/// The same with all activations unspecified.
[[nodiscard]] inline network mlp(std::vector<mlp_layer> const& layers) {
    return mlp(layers, activation_kind::unspecified, activation_kind::unspecified);
}

}  // namespace spinet
