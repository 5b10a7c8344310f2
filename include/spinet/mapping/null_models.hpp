// SPDX-License-Identifier: BSD-3-Clause
/// Null models of a network: the same architecture with its weights shuffled or drawn anew.
#pragma once

#include <spinet/detail/xtensor.hpp>
#include <spinet/mapping/scaling.hpp>
#include <spinet/network/network.hpp>
#include <spinet/random/streams.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// Which weights change places: those of one layer among themselves, or all weights of the network.
enum class shuffle { within_layers, across_layers };

namespace detail {

using weight_matrix = xt::xtensor<double, 2>;

/// The network with other weights; biases, names and activations as they were.
[[nodiscard]] inline network with_weights(network const& net, std::vector<dense_layer> layers,
                                          std::vector<weight_matrix> const& weights, std::string note) {
    for (std::size_t l = 0; l < layers.size(); ++l)
        layers[l].weight = tensor(weights[l]).renamed(layers[l].weight.name());
    auto result = dense_network(layers, net.source());
    for (auto const& earlier : net.notes()) result.add_note(earlier);
    result.add_note(std::move(note));
    return result;
}

[[nodiscard]] inline std::vector<weight_matrix> weights_of(std::vector<dense_layer> const& layers) {
    std::vector<weight_matrix> all;
    for (auto const& layer : layers) all.push_back(layer.weight.as<double, 2>());
    return all;
}

/// Fisher-Yates shuffle by stream `row`.
inline void shuffle_values(std::vector<double>& values, std::uint64_t seed, std::uint32_t row) {
    stream const draws(seed, 0, row, purpose::null_model);
    for (std::size_t k = values.size(); k > 1; --k)
        std::swap(values[k - 1], values[uniform_index(draws.bits(static_cast<std::uint32_t>(k)), k)]);
}

}  // namespace detail

/// The same weights in random places (biases stay). Keeps every layer's distribution of weights (or, across
/// layers, the network's); discards all correlations between them. Source: Stosic et al., arXiv:2209.08678.
[[nodiscard]] inline network shuffled(network const& net, shuffle how = shuffle::within_layers,
                                      std::uint64_t seed = 1) {
    auto const layers = dense_chain(net);
    auto weights = detail::weights_of(layers);
    std::vector<double> pool;
    std::uint32_t row = 0;
    auto first = weights.begin();
    for (auto last = weights.begin(); last != weights.end();) {
        pool.insert(pool.end(), last->begin(), last->end());
        ++last;
        if (how == shuffle::across_layers && last != weights.end()) continue;
        detail::shuffle_values(pool, seed, row++);
        auto source = pool.begin();
        for (; first != last; ++first)
            for (double& weight : *first) weight = *source++;
        pool.clear();
    }
    std::string const scope = how == shuffle::within_layers ? "within each layer" : "across all layers";
    return detail::with_weights(net, layers, weights,
                                "null model: weights shuffled " + scope + ", seed " + std::to_string(seed) +
                                    "; discarded: correlations between weights");
}

/// Weights drawn anew from N(0, variance of the layer's weights) (biases stay). Discards the distribution of
/// weights beyond its variance, its mean included, and all correlations.
[[nodiscard]] inline network redrawn(network const& net, std::uint64_t seed = 1) {
    auto const layers = dense_chain(net);
    auto weights = detail::weights_of(layers);
    for (std::size_t l = 0; l < weights.size(); ++l) {
        double const deviation = std::sqrt(detail::weight_variance(weights[l]));
        stream const draws(seed, 1, static_cast<std::uint32_t>(l), purpose::null_model);
        std::uint32_t k = 0;
        for (double& w : weights[l]) w = deviation * normal(draws, k++);
    }
    return detail::with_weights(net, layers, weights,
                                "null model: weights drawn anew from N(0, layer variance), seed " +
                                    std::to_string(seed) +
                                    "; discarded: the weights themselves, beyond each layer's variance");
}

}  // namespace spinet
