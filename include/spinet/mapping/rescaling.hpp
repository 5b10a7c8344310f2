// SPDX-License-Identifier: BSD-3-Clause
/// Rescaling of hidden ReLU neurons, which changes the weights of a network but not its function.
#pragma once

#include <spinet/error.hpp>
#include <spinet/mapping/null_models.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/random/streams.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

namespace detail {

/// A layer's weights [out][in] and biases (none, or one for each neuron), as numbers.
struct layer_values {
    std::size_t out, in;
    std::vector<double> weights, biases;

    /// Sum of squares of the weights to neuron i, and of its bias.
    [[nodiscard]] double norm_to(std::size_t i) const {
        double sum = biases.empty() ? 0.0 : biases[i] * biases[i];
        for (std::size_t j = 0; j < in; ++j) sum += weights[i * in + j] * weights[i * in + j];
        return sum;
    }
    /// Sum of squares of the weights from neuron j of the layer below.
    [[nodiscard]] double norm_from(std::size_t j) const {
        double sum = 0;
        for (std::size_t i = 0; i < out; ++i) sum += weights[i * in + j] * weights[i * in + j];
        return sum;
    }
};

/// A chain of layers in which hidden neurons can be rescaled.
template <std::same_as<network> Network>
class rescalable {
public:
    explicit rescalable(Network const& from) : source_(from), chain_(dense_chain(from)) {
        for (std::size_t l = 0; l < chain_.size(); ++l) {
            auto const& layer = chain_[l];
            if (l + 1 < chain_.size() && layer.activation != activation_kind::relu &&
                layer.activation != activation_kind::identity &&
                layer.activation != activation_kind::unspecified)
                throw error("rescaling: layer ", in_quotes(layer.name), " has the activation ",
                            to_string(layer.activation),
                            "; only with relu and identity does a neuron's factor pass through");
            layers_.push_back({layer.weight.shape()[0], layer.weight.shape()[1], numbers_of(layer.weight),
                               layer.bias ? numbers_of(*layer.bias) : std::vector<double>{}});
        }
    }

    /// Of layers; the last one has no hidden neurons.
    [[nodiscard]] std::size_t hidden_layers() const noexcept { return layers_.size() - 1; }
    [[nodiscard]] layer_values const& layer(std::size_t l) const noexcept { return layers_[l]; }

    void rescale(std::size_t l, std::size_t i, double factor) {
        auto& own = layers_[l];
        auto& next = layers_[l + 1];
        for (std::size_t j = 0; j < own.in; ++j) own.weights[i * own.in + j] *= factor;
        if (!own.biases.empty()) own.biases[i] *= factor;
        for (std::size_t k = 0; k < next.out; ++k) next.weights[k * next.in + i] /= factor;
    }

    [[nodiscard]] Network made(std::string note) const {
        auto chain = chain_;
        for (std::size_t l = 0; l < chain.size(); ++l) {
            chain[l].weight = chain[l].weight.with_values(layers_[l].weights);
            if (chain[l].bias) chain[l].bias = chain[l].bias->with_values(layers_[l].biases);
        }
        return with_notes_of(source_, dense_network(chain, source_.source()), std::move(note));
    }

private:
    Network source_;
    std::vector<dense_layer> chain_;
    std::vector<layer_values> layers_;
};

}  // namespace detail

/// Rescales hidden neurons: multiplies the weights into neuron i of layer l, and its bias, by factors[l][i] >
/// 0, and divides the weights out of it by the same factor. The function stays exactly the same for ReLU (and
/// identity); the couplings of the spin model change. An unspecified activation is taken for relu. Throws
/// `error` for another activation, a network that is no chain of dense layers, or factors that do not fit or
/// are not positive.
template <std::same_as<network> Network>
[[nodiscard]] network rescaled(Network const& net, std::vector<std::vector<double>> const& factors) {
    detail::rescalable<Network> chain(net);
    if (factors.size() != chain.hidden_layers())
        throw error("rescaling: factors for ", factors.size(), " layers, but there are hidden neurons in ",
                    chain.hidden_layers());
    for (std::size_t l = 0; l < factors.size(); ++l) {
        if (factors[l].size() != chain.layer(l).out)
            throw error("rescaling: ", factors[l].size(), " factors for layer ", l, " of ",
                        chain.layer(l).out, " neurons");
        for (std::size_t i = 0; i < factors[l].size(); ++i) {
            if (!(factors[l][i] > 0) || !std::isfinite(factors[l][i]))
                throw error("rescaling: the factor of neuron ", i, " of layer ", l,
                            " is not positive and finite");
            chain.rescale(l, i, factors[l][i]);
        }
    }
    return chain.made("hidden neurons rescaled; the function is unchanged if they are ReLU");
}

/// Rescales hidden neurons by random factors exp(spread x), where x is standard normal.
template <std::same_as<network> Network>
[[nodiscard]] network randomly_rescaled(Network const& net, std::uint64_t seed = 1, double spread = 0.5) {
    if (!(spread >= 0) || !std::isfinite(spread))
        throw error("rescaling: the spread is negative or not finite");
    detail::rescalable<Network> const chain(net);
    std::vector<std::vector<double>> factors(chain.hidden_layers());
    for (std::size_t l = 0; l < factors.size(); ++l)
        for (std::size_t i = 0; i < chain.layer(l).out; ++i)
            factors[l].push_back(std::exp(
                spread * normal(stream(seed, null_model_draw::rescaling, static_cast<std::uint32_t>(l)),
                                static_cast<std::uint32_t>(i))));
    return rescaled(net, factors);
}

/// Rescales hidden neurons so that the sum of squared weights and biases is least. All rescaled versions of a
/// network have the same balanced one, so that what is measured on it is a property of the function and not
/// of how its neurons happen to be scaled. The weights into each hidden neuron, with its bias, then have the
/// same norm as the weights out of it; neurons with no weights on one side stay as they are. The sum is
/// convex in the logarithms of the factors and is minimised neuron by neuron until no factor changes by more
/// than 1e-9. Throws `error` as `rescaled` does. Source: Neyshabur, Salakhutdinov, Srebro, arXiv:1506.02617
/// (the invariance).
template <std::same_as<network> Network>
[[nodiscard]] network balanced(Network const& net) {
    detail::rescalable<Network> chain(net);
    double worst = 1;
    for (int turn = 0; worst > 1e-9; ++turn) {
        if (turn == 10'000) throw error("balanced: factors still change by ", worst);
        worst = 0;
        for (std::size_t l = 0; l < chain.hidden_layers(); ++l)
            for (std::size_t i = 0; i < chain.layer(l).out; ++i) {
                double const to = chain.layer(l).norm_to(i), from = chain.layer(l + 1).norm_from(i);
                if (!(to > 0 && from > 0)) continue;
                double const factor = std::pow(from / to, 0.25);
                chain.rescale(l, i, factor);
                worst = std::max(worst, std::abs(std::log(factor)));
            }
    }
    return chain.made(
        "hidden neurons rescaled to the least norm; the function is unchanged if they are ReLU");
}

}  // namespace spinet
