// SPDX-License-Identifier: BSD-3-Clause
/// Null models of a network: the same architecture with its weights shuffled or drawn anew.
#pragma once

#include <spinet/detail/mean_and_variance.hpp>
#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/random/streams.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace spinet {

/// Which weights change places: those of one layer among themselves, or all weights of the network.
enum class shuffle { within_layers, across_layers };

[[nodiscard]] constexpr std::string_view to_string(shuffle value) {
    return detail::name_of(value, "shuffle", {"within each layer", "across all layers"});
}

namespace detail {

/// The operation with change(tensor) in the place of each tensor that holds couplings; biases and
/// normalisations are none of them.
template <class Change>
[[nodiscard]] operation with_changed_weights(operation const& op, Change&& change) {
    return op.visit([&]<class Op>(Op changed) -> operation {
        if constexpr (std::is_same_v<Op, recurrent>) {
            changed.input_weight = change(changed.input_weight);
            changed.hidden_weight = change(changed.hidden_weight);
        } else if constexpr (std::is_same_v<Op, attention>) {
            for (auto* part : {&changed.query, &changed.key, &changed.value, &changed.output})
                part->weight = change(part->weight);
        } else if constexpr (std::is_same_v<Op, dense> || std::is_same_v<Op, convolution> ||
                             std::is_same_v<Op, embedding>) {
            changed.weight = change(changed.weight);
        }
        return changed;
    });
}

}  // namespace detail

/// Calls visit(tensor) for the weights of an operation: tensors that hold couplings, so neither biases nor
/// normalisations.
template <class Visit>
void for_each_weight(operation const& op, Visit&& visit) {
    static_cast<void>(detail::with_changed_weights(op, [&](tensor const& weight) {
        visit(weight);
        return weight;
    }));
}

namespace detail {

/// In row-major order.
[[nodiscard]] inline std::vector<double> numbers_of(tensor const& of) {
    std::vector<double> numbers(of.size());
    of.copy_to(numbers);
    return numbers;
}

/// What was made from a network, with its notes and one more.
template <std::same_as<network> Network>
[[nodiscard]] network with_notes_of(Network const& source, network made, std::string note) {
    for (auto const& earlier : source.notes()) made.add_note(earlier);
    made.add_note(std::move(note));
    return made;
}

}  // namespace detail

/// All weights of a network, as one list of numbers in row-major order for each tensor, in the order of its
/// nodes: what a null model changes. Throws spinet::error where there are none.
template <std::same_as<network> Network>
[[nodiscard]] std::vector<std::vector<double>> weights_of(Network const& net) {
    std::vector<std::vector<double>> all;
    for (auto const& each : net.nodes())
        for_each_weight(each.op, [&](tensor const& weight) { all.push_back(detail::numbers_of(weight)); });
    if (all.empty()) throw error("the network has no weights to make a null model of");
    return all;
}

/// The network with other weights, in the order of weights_of; biases, names and activations as they were,
/// and one more note, which goes into the metadata of runs. Throws spinet::error for another number of
/// tensors, or of numbers in one.
template <std::same_as<network> Network>
[[nodiscard]] network with_weights(Network const& net, std::vector<std::vector<double>> const& weights,
                                   std::string note) {
    network result(net.source());
    std::size_t next = 0;
    for (auto const& each : net.nodes()) {
        auto op = detail::with_changed_weights(each.op, [&](tensor const& old) {
            if (next == weights.size() || weights[next].size() != old.size())
                throw error("with_weights: expected ", old.size(), " numbers for ", old.described(),
                            ", found ", next == weights.size() ? std::size_t{0} : weights[next].size());
            return old.with_values(weights[next++]);
        });
        result.add({each.name, std::move(op), each.inputs});
    }
    if (next != weights.size())
        throw error("with_weights: the network has ", next, " tensors of weights, found ", weights.size());
    return detail::with_notes_of(net, std::move(result), std::move(note));
}

namespace detail {

/// Fisher-Yates shuffle by stream `row`.
inline void shuffle_values(std::vector<double>& values, std::uint64_t seed, std::uint32_t row) {
    stream const draws(seed, null_model_draw::shuffle, row);
    for (std::size_t k = values.size(); k > 1; --k)
        std::swap(values[k - 1], values[uniform_index(draws.bits(static_cast<std::uint32_t>(k)), k)]);
}

}  // namespace detail

/// Returns the network with its weights shuffled; biases stay. Keeps every layer's distribution of weights
/// (or, across layers, the network's); discards all correlations between them. Source: Stosic et al.,
/// arXiv:2209.08678.
template <std::same_as<network> Network>
[[nodiscard]] network shuffled(Network const& net, shuffle how = shuffle::within_layers,
                               std::uint64_t seed = 1) {
    auto weights = weights_of(net);
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
    return with_weights(net, weights,
                        detail::text("null model: weights shuffled ", to_string(how), ", seed ", seed,
                                     "; discarded: correlations between weights"));
}

/// Returns the network with each weight drawn anew from N(0, variance of its layer's weights); biases stay.
/// Keeps each layer's variance; discards its mean, the shape of its distribution and all correlations.
template <std::same_as<network> Network>
[[nodiscard]] network redrawn(Network const& net, std::uint64_t seed = 1) {
    auto weights = weights_of(net);
    for (std::size_t l = 0; l < weights.size(); ++l) {
        auto const& from = weights[l];
        double const deviation =
            std::sqrt(detail::moments_of(static_cast<double>(from.size()), [&](auto&& f) {
                          for (double const w : from) f(w);
                      }).variance);
        stream const draws(seed, null_model_draw::redraw, static_cast<std::uint32_t>(l));
        std::uint32_t k = 0;
        for (double& w : weights[l]) w = deviation * normal(draws, k++);
    }
    return with_weights(net, weights,
                        detail::text("null model: weights drawn anew from N(0, layer variance), seed ", seed,
                                     "; discarded: the weights themselves, beyond each layer's variance"));
}

}  // namespace spinet
