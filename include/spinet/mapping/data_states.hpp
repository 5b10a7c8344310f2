// SPDX-License-Identifier: BSD-3-Clause
/// States of a network's glass from its data: what the network computes for a sample, as spins.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>
#include <spinet/network/network.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

namespace detail {

/// The activation of a whole layer, in place. Throws spinet::error for `unspecified`.
inline void activate(activation_kind kind, std::vector<double>& values) {
    auto const each = [&](auto&& f) { std::transform(values.begin(), values.end(), values.begin(), f); };
    switch (kind) {
        case activation_kind::identity:
            return;
        case activation_kind::relu:
            return each([](double x) { return std::max(x, 0.0); });
        case activation_kind::gelu:
            return each([](double x) { return x / 2 * std::erfc(-x / std::numbers::sqrt2); });
        case activation_kind::gelu_tanh:
            return each([](double x) {
                return x / 2 * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
            });
        case activation_kind::silu:
            return each([](double x) { return x / (1 + std::exp(-x)); });
        case activation_kind::tanh:
            return each([](double x) { return std::tanh(x); });
        case activation_kind::sigmoid:
            return each([](double x) { return 1 / (1 + std::exp(-x)); });
        case activation_kind::softplus:
            return each([](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); });
        case activation_kind::softmax:
        case activation_kind::log_softmax: {
            double const largest = *std::max_element(values.begin(), values.end());
            double sum = 0;
            for (double const x : values) sum += std::exp(x - largest);
            return each([&](double x) {
                double const log_share = x - largest - std::log(sum);
                return kind == activation_kind::softmax ? std::exp(log_share) : log_share;
            });
        }
        case activation_kind::unspecified:
            break;
    }
    throw error("the network does not say which activation it has");
}

}  // namespace detail

/// A state for each sample, (samples, neurons), for run_plan::starts: the spin of an input is +1 where it is
/// above the middle of the range of all inputs, that of a neuron +1 where its pre-activation is positive, and
/// -1 otherwise. The spins stand in the order of the groups of to_spin_glass(network): inputs first, then
/// layer by layer. `inputs` has a row for each sample, scaled as in training; `unspecified` is the activation
/// of hidden layers whose file does not say it. Throws spinet::error where the network is no chain of dense
/// layers, for rows of another length than its input, and for numbers that are not finite.
template <class A>
[[nodiscard]] row_major_array<float, 2> data_states(network const& net, A const& inputs,
                                                    activation_kind unspecified = activation_kind::relu) {
    auto const layers = dense_chain(net);
    auto const& x = detail::as_row_major<double, 2>(inputs, "data_states: inputs");
    std::size_t const samples = x.shape()[0], in = layers.front().inputs();
    if (x.shape()[1] != in)
        throw error("data_states: samples of ", x.shape()[1], " numbers for a network of ", in, " inputs");
    if (samples == 0) throw error("data_states: no samples");
    for (std::size_t k = 0; k < x.size(); ++k)
        if (!std::isfinite(x.data()[k]))
            throw error("data_states: number ", k % in, " of sample ", k / in, " is not finite");
    auto const [low, high] = std::minmax_element(x.data(), x.data() + x.size());
    double const middle = *low / 2 + *high / 2;
    std::size_t neurons = in;
    for (auto const& layer : layers) neurons += layer.outputs();
    auto states = row_major_array<float, 2>::from_shape({samples, neurons});
    std::vector<row_major_array<double, 2>> weights;
    std::vector<row_major_array<double, 1>> biases;
    for (auto const& layer : layers) {
        weights.push_back(layer.weight.as<double, 2>());
        biases.push_back(layer.bias ? layer.bias->as<double, 1>()
                                    : row_major_array<double, 1>({layer.outputs()}, 0.0));
    }
    for (std::size_t s = 0; s < samples; ++s) {
        std::vector<double> values(x.data() + s * in, x.data() + (s + 1) * in);
        float* to = states.data() + s * neurons;
        for (double const v : values) *to++ = v > middle ? 1.0f : -1.0f;
        for (std::size_t l = 0; l < layers.size(); ++l) {
            std::vector<double> next(biases[l].begin(), biases[l].end());
            for (std::size_t i = 0; i < next.size(); ++i)
                for (std::size_t j = 0; j < values.size(); ++j)
                    next[i] += weights[l].data()[i * values.size() + j] * values[j];
            for (double const v : next) *to++ = v > 0 ? 1.0f : -1.0f;
            if (l + 1 == layers.size()) break;
            auto const kind = layers[l].activation;
            detail::activate(kind == activation_kind::unspecified ? unspecified : kind, next);
            values = std::move(next);
        }
    }
    return states;
}

}  // namespace spinet
