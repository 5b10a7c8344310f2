// SPDX-License-Identifier: BSD-3-Clause
/// The twin Hopfield mapping: neurons become Ising spins, weights couplings, biases fields.
#pragma once

#include <spinet/error.hpp>
#include <spinet/mapping/concepts.hpp>
#include <spinet/mapping/scaling.hpp>
#include <spinet/mapping/wire_network.hpp>
#include <spinet/mapping/wiring.hpp>
#include <spinet/model/network_glass.hpp>
#include <spinet/network/network.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet {

/// What becomes of the biases: local fields on their neurons' spins, or nothing.
enum class biases { as_fields, dropped };

[[nodiscard]] constexpr std::string_view to_string(biases value) {
    return detail::name_of(value, "biases", {"as_fields", "dropped"});
}

/// What becomes of the input layer: free spins; nothing (the first weights are not used); or numbers held
/// fixed at `twin_hopfield::inputs_held_at`, which the first weights turn into fields on the next layer.
enum class inputs { free, left_out, held };

[[nodiscard]] constexpr std::string_view to_string(inputs value) {
    return detail::name_of(value, "inputs", {"free", "left_out", "held"});
}

/// What becomes of the output layer: free spins; nothing (the last weights and biases are not used); or
/// numbers held fixed at `twin_hopfield::outputs_held_at`, which the last weights turn into fields on the
/// layer before.
/// (`held` of conditioning.hpp does the same to any layer of a glass, and knows the energy of the held
/// spins.)
enum class outputs { free, left_out, held };

[[nodiscard]] constexpr std::string_view to_string(outputs value) {
    return detail::name_of(value, "outputs", {"free", "left_out", "held"});
}

/// Maps each neuron to an Ising spin: H(s) = -sum_l sum_ij W^l_ij s^l_i s^{l-1}_j - sum_l sum_i b^l_i s^l_i,
/// each coupling counted once. Source: Jun Li, arXiv:2508.07397. The paper leaves open what the options below
/// decide, so that no set of options is "Li's choice". Activation functions have no counterpart in the model
/// and are always discarded. docs/mapping.md says how convolutions, residual connections, recurrent layers
/// and attention are mapped, which the paper does not cover.
struct twin_hopfield {
    spinet::biases biases = spinet::biases::as_fields;
    spinet::inputs inputs = spinet::inputs::free;
    spinet::outputs outputs = spinet::outputs::free;
    spinet::scale scale = spinet::scale::none;
    /// One number per input neuron, or per token the number of its word; used with inputs::held only.
    std::vector<double> inputs_held_at = {};
    /// One number per output neuron: +1 for a class and -1 for all others, say; used with outputs::held only.
    std::vector<double> outputs_held_at = {};
    spinet::recurrence recurrence = spinet::recurrence::unrolled;

    /// Returns the model of a network. Throws spinet::error where shapes do not fit, an operation cannot be
    /// mapped, or an option does not fit the network.
    template <class Real>
    [[nodiscard]] network_glass<Real> map(network const& net) const {
        auto const wired = wire(net);
        return detail::glass_of<Real>(wired.wires, wired.made_from);
    }

    /// The parts and wires of the model with their provenance, before any coupling is converted.
    struct wired_network {
        wiring wires;
        provenance made_from;
    };
    template <std::same_as<network> Network>
    [[nodiscard]] wired_network wire(Network const& net) const {
        auto wired = wire_network(net, recurrence);
        check(wired);
        bool const any_bias = wired.any_bias;
        if (biases == spinet::biases::dropped)
            for (auto& part : wired.parts) std::fill(part.fields.begin(), part.fields.end(), 0.0);
        auto const is_input = [](wired_part const& part) { return part.is_input; };
        auto const is_output = [](wired_part const& part) { return part.is_output; };
        if (inputs == spinet::inputs::held) detail::remove_parts(wired, is_input, held_values(wired));
        if (inputs == spinet::inputs::left_out) detail::remove_parts(wired, is_input);
        if (outputs == spinet::outputs::held) detail::remove_parts(wired, is_output, outputs_held_at);
        if (outputs == spinet::outputs::left_out) detail::remove_parts(wired, is_output);
        auto const factors = detail::scale_wires(scale, wired);
        auto lines = describe(net, wired, any_bias, factors);
        return {std::move(wired), std::move(lines)};
    }

private:
    void check(wiring const& wired) const {
        std::size_t of_inputs = 0, of_outputs = 0, left = 0;
        for (auto const& part : wired.parts) {
            if (part.is_input) of_inputs += part.is_token ? 1 : part.size();
            if (part.is_output) of_outputs += part.size();
            bool const gone = (part.is_input && inputs != spinet::inputs::free) ||
                              (part.is_output && outputs != spinet::outputs::free);
            left += gone ? 0 : 1;
        }
        check_held("inputs", inputs == spinet::inputs::held, inputs_held_at, of_inputs);
        check_held("outputs", outputs == spinet::outputs::held, outputs_held_at, of_outputs);
        if (left == 0)
            throw error("twin_hopfield: without its inputs and outputs, this network has no spins left");
    }

    static void check_held(char const* what, bool held, std::vector<double> const& values,
                           std::size_t width) {
        if (held && values.size() != width)
            throw error("twin_hopfield: ", what, "_held_at has ", values.size(), " numbers for ", width, " ",
                        what);
        if (!held && !values.empty())
            throw error("twin_hopfield: ", what, "_held_at is given, but ", what, " are not held");
        for (std::size_t j = 0; j < values.size(); ++j)
            if (!std::isfinite(values[j]))
                throw error("twin_hopfield: ", what, "_held_at[", j, "] is not finite");
    }

    /// The values of all input spins: `inputs_held_at`, a token being 1 for its word and 0 for all others.
    [[nodiscard]] std::vector<double> held_values(wiring const& wired) const {
        std::vector<double> values;
        std::size_t next = 0;
        for (auto const& part : wired.parts) {
            if (!part.is_input) continue;
            if (!part.is_token) {
                for (std::size_t j = 0; j < part.size(); ++j) values.push_back(inputs_held_at[next++]);
                continue;
            }
            double const word = inputs_held_at[next++];
            if (!(word >= 0 && word < static_cast<double>(part.size()) && word == std::floor(word)))
                throw error("twin_hopfield: inputs_held_at[", next - 1, "] is ", detail::short_text(word),
                            ", not the number of one of the ", part.size(), " words");
            values.resize(values.size() + part.size(), 0.0);
            values[values.size() - part.size() + static_cast<std::size_t>(word)] = 1;
        }
        return values;
    }

    template <std::same_as<network> Network>
    [[nodiscard]] provenance describe(Network const& net, wiring const& wired, bool any_bias,
                                      std::vector<double> const& factors) const {
        provenance lines;
        auto const add = [&](std::string_view key, std::string_view value) {
            lines.emplace_back(key, value);
        };
        if (!net.source().empty()) add("network", net.source());
        for (auto const& note : net.notes()) add("note", note);
        add("mapping", "twin_hopfield");
        add("biases", to_string(biases));
        add("inputs", to_string(inputs));
        add("outputs", to_string(outputs));
        add("scale", to_string(scale));
        for (std::size_t l = 0; l < factors.size(); ++l)
            if (scale != spinet::scale::none)
                add("scale factor " + std::to_string(l), detail::short_text(factors[l]));
        if (inputs == spinet::inputs::held) add("inputs_held_at", text_of(inputs_held_at));
        if (outputs == spinet::outputs::held) add("outputs_held_at", text_of(outputs_held_at));
        bool recurs = false;
        for (auto const& each : net.nodes()) recurs = recurs || each.op.template is<recurrent>();
        if (recurs) add("recurrence", to_string(recurrence));
        add("discarded", discarded(wired, any_bias));
        return lines;
    }

    [[nodiscard]] static std::string text_of(std::vector<double> const& values) {
        std::string text;
        for (double const x : values) text.append(text.empty() ? "" : " ").append(detail::short_text(x));
        return text;
    }

    [[nodiscard]] std::string discarded(wiring const& wired, bool any_bias) const {
        std::string kinds;
        for (auto const& kind : wired.activations) kinds.append(kinds.empty() ? "" : ", ").append(kind);
        auto text = detail::text("activation functions (", kinds, ")");
        for (auto const& each : wired.discarded) text.append("; ").append(each);
        if (biases == spinet::biases::dropped && any_bias) text += "; biases";
        if (inputs == spinet::inputs::left_out) text += "; input neurons and the weights from them";
        if (outputs == spinet::outputs::left_out)
            text += "; output neurons, the weights to them and their biases";
        return text;
    }
};

/// The spin glass of a network. `to_spin_glass<double>(...)` samples in double precision. `T` has to satisfy
/// Mapping. Throws what the mapping throws.
template <class Real = float, class T = twin_hopfield>
[[nodiscard]] auto to_spin_glass(network const& net, T const& mapping = {}) {
    static_assert(Mapping<T, Real>,
                  "to_spin_glass takes a mapping after the network: a type whose const member template "
                  "map<Real>(network) returns a model by value (see Mapping and Model)");
    if constexpr (Mapping<T, Real>) return mapping.template map<Real>(net);
}

}  // namespace spinet
