// SPDX-License-Identifier: BSD-3-Clause
/// The twin Hopfield mapping: neurons become Ising spins, weights couplings, biases fields.
#pragma once

#include <spinet/error.hpp>
#include <spinet/mapping/scaling.hpp>
#include <spinet/model/network_glass.hpp>
#include <spinet/network/network.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// What becomes of the biases: local fields on their neurons' spins, or nothing.
enum class biases { as_fields, dropped };

/// What becomes of the input layer: free spins; nothing (the first weights are not used); or numbers held
/// fixed at `twin_hopfield::clamped_to`, which the first weights turn into fields on the next layer.
enum class inputs { free, left_out, clamped };

/// What becomes of the output layer: free spins, or nothing (the last weights and biases are not used).
enum class outputs { free, left_out };

/// H(s) = -sum_l sum_ij W^l_ij s^l_i s^{l-1}_j - sum_l sum_i b^l_i s^l_i, each coupling counted once. After
/// Z. Li, arXiv:2508.07397, which leaves open what the options below decide: none of their values is "Li's
/// choice". Activation functions have no counterpart and are always discarded.
struct twin_hopfield {
    spinet::biases biases = spinet::biases::as_fields;
    spinet::inputs inputs = spinet::inputs::free;
    spinet::outputs outputs = spinet::outputs::free;
    spinet::scale scale = spinet::scale::none;
    std::vector<double> clamped_to = {};  ///< one number per input neuron, used with inputs::clamped only

    /// The model of a chain of dense layers. Throws spinet::error where the network is no such chain or an
    /// option does not fit it.
    template <class Real>
    [[nodiscard]] network_glass<Real> map(network const& net) const {
        auto const layers = dense_chain(net);
        check(layers);
        auto parts = extract<Real>(layers);
        auto const factors = scale_layers(scale, parts);
        return network_glass<Real>(std::move(parts.groups), parts.all_fields(), parts.blocks(),
                                   describe(net, layers, factors));
    }

private:
    void check(std::vector<dense_layer> const& layers) const {
        std::size_t const width = layers.front().inputs();
        if (inputs == spinet::inputs::clamped && clamped_to.size() != width)
            throw error("twin_hopfield: clamped_to has " + std::to_string(clamped_to.size()) +
                        " numbers for " + std::to_string(width) + " inputs");
        if (inputs != spinet::inputs::clamped && !clamped_to.empty())
            throw error("twin_hopfield: clamped_to is given, but inputs are not clamped");
        for (std::size_t j = 0; j < clamped_to.size(); ++j)
            if (!std::isfinite(clamped_to[j]))
                throw error("twin_hopfield: clamped_to[" + std::to_string(j) + "] is not finite");
        std::size_t const left = layers.size() + 1 - (inputs == spinet::inputs::free ? 0 : 1) -
                                 (outputs == spinet::outputs::free ? 0 : 1);
        if (left == 0)
            throw error("twin_hopfield: without its inputs and outputs, this network has no spins left");
    }

    template <class Real>
    [[nodiscard]] detail::layered_parts<Real> extract(std::vector<dense_layer> const& layers) const {
        detail::layered_parts<Real> parts;
        if (inputs == spinet::inputs::free)
            parts.add_group("input", std::vector<Real>(layers.front().inputs(), Real{0}));
        std::size_t const end = layers.size() - (outputs == spinet::outputs::free ? 0 : 1);
        for (std::size_t l = 0; l < end; ++l) {
            auto const& layer = layers[l];
            auto weights = layer.weight.template as<Real, 2>();
            std::vector<Real> fields(layer.outputs(), Real{0});
            if (biases == spinet::biases::as_fields && layer.bias)
                layer.bias->copy_to(std::span<Real>(fields));
            if (l == 0 && inputs == spinet::inputs::clamped) add_clamped(weights, fields);
            bool const coupled = !parts.groups.empty();
            parts.add_group(layer.name, std::move(fields));
            if (coupled) parts.weights.push_back(std::move(weights));
        }
        return parts;
    }

    template <class Real>
    void add_clamped(xt::xtensor<Real, 2> const& weights, std::vector<Real>& fields) const {
        for (std::size_t i = 0; i < fields.size(); ++i) {
            double sum = 0;
            for (std::size_t j = 0; j < clamped_to.size(); ++j)
                sum += static_cast<double>(weights(i, j)) * clamped_to[j];
            fields[i] += static_cast<Real>(sum);
        }
    }

    [[nodiscard]] provenance describe(network const& net, std::vector<dense_layer> const& layers,
                                      std::vector<double> const& factors) const {
        static constexpr char const* bias_names[] = {"as_fields", "dropped"};
        static constexpr char const* input_names[] = {"free", "left_out", "clamped"};
        static constexpr char const* output_names[] = {"free", "left_out"};
        provenance lines;
        if (!net.source().empty()) lines.emplace_back("network", net.source().string());
        for (auto const& note : net.notes()) lines.emplace_back("note", note);
        lines.emplace_back("mapping", "twin_hopfield");
        lines.emplace_back("biases", bias_names[static_cast<int>(biases)]);
        lines.emplace_back("inputs", input_names[static_cast<int>(inputs)]);
        lines.emplace_back("outputs", output_names[static_cast<int>(outputs)]);
        lines.emplace_back("scale", to_string(scale));
        for (std::size_t l = 0; l < factors.size(); ++l)
            if (scale != spinet::scale::none)
                lines.emplace_back("scale factor " + std::to_string(l), detail::short_text(factors[l]));
        if (inputs == spinet::inputs::clamped) lines.emplace_back("clamped_to", clamped_text());
        lines.emplace_back("discarded", discarded(layers));
        return lines;
    }

    [[nodiscard]] std::string clamped_text() const {
        std::string text;
        for (double const x : clamped_to) {
            if (!text.empty()) text += ' ';
            text += detail::short_text(x);
        }
        return text;
    }

    [[nodiscard]] std::string discarded(std::vector<dense_layer> const& layers) const {
        std::set<std::string> kinds;
        for (auto const& layer : layers) kinds.emplace(to_string(layer.activation));
        std::string text = "activation functions (";
        for (auto const& kind : kinds) text += (kind == *kinds.begin() ? "" : ", ") + kind;
        text += ")";
        bool const any_bias = std::any_of(layers.begin(), layers.end(),
                                          [](auto const& layer) { return layer.bias.has_value(); });
        if (biases == spinet::biases::dropped && any_bias) text += "; biases";
        if (inputs == spinet::inputs::left_out) text += "; input neurons and the weights from them";
        if (outputs == spinet::outputs::left_out)
            text += "; output neurons, the weights to them and their biases";
        return text;
    }
};

/// A mapping: network -> model, stating in the model's provenance what it discards.
template <class T>
concept Mapping = requires(T const& mapping, network const& net) {
    mapping.template map<float>(net);
};

/// The spin glass of a network. `to_spin_glass<double>(...)` samples in double precision.
template <class Real = float, Mapping T = twin_hopfield>
[[nodiscard]] auto to_spin_glass(network const& net, T const& mapping = {}) {
    return mapping.template map<Real>(net);
}

}  // namespace spinet
