// SPDX-License-Identifier: BSD-3-Clause
/// The order of dense layers of which a file gives only names and shapes.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/tensor.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet {

namespace detail {

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// The run of equal kind (digits, or one other character) at the start of `text`, taken off it.
[[nodiscard]] inline std::string_view take_chunk(std::string_view& text) {
    std::size_t length = 1;
    if (is_digit(text.front()))
        while (length < text.size() && is_digit(text[length])) ++length;
    auto const chunk = text.substr(0, length);
    text.remove_prefix(length);
    return chunk;
}

/// The name with each number replaced by 0: layers of one pattern are counted, so their numbers give their
/// order. The two layers of GPT-2's blocks, c_fc and c_proj, are of one pattern.
[[nodiscard]] inline std::string name_pattern(std::string_view name) {
    std::string pattern;
    for (std::string_view const layer : {"mlp.c_fc", "mlp.c_proj"})
        if (name.ends_with(layer)) name.remove_suffix(layer.size() - std::string_view("mlp").size());
    while (!name.empty()) {
        auto const chunk = take_chunk(name);
        pattern += is_digit(chunk.front()) ? '0' : chunk.front();
    }
    return pattern;
}

}  // namespace detail

/// Natural order, numbers by value: "fc2" before "fc10". A strict total order; "fc02" and "fc2" differ.
[[nodiscard, gnu::noinline]] inline bool natural_less(std::string_view a, std::string_view b) {
    auto const strip = [](std::string_view digits) {
        return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
    };
    auto const whole_a = a;
    auto const whole_b = b;
    while (!a.empty() && !b.empty()) {
        auto const x = detail::take_chunk(a);
        auto const y = detail::take_chunk(b);
        if (!detail::is_digit(x.front()) || !detail::is_digit(y.front())) {
            if (x.front() != y.front())
                return static_cast<unsigned char>(x.front()) < static_cast<unsigned char>(y.front());
            continue;
        }
        auto const m = strip(x);
        auto const n = strip(y);
        if (m.size() != n.size()) return m.size() < n.size();
        if (m != n) return m < n;
    }
    if (a.empty() != b.empty()) return a.empty();
    return whole_a < whole_b;
}

namespace detail {

using layer_indices = std::vector<std::size_t>;
/// Layers by name; sorting pointers takes a tenth of the code that sorting layers does.
using layer_pointers = std::vector<dense_layer const*>;

/// What the order of layers depends on.
struct layer_ends {
    std::string_view name;
    std::uint64_t inputs = 0, outputs = 0;
};

/// At most two chains through all layers, each group in its own order, and whether the search was complete.
struct found_chains {
    std::vector<layer_indices> chains;
    bool complete = true;

    [[nodiscard]] bool unique() const noexcept { return complete && chains.size() == 1; }
};

/// Depth-first search with an explicit stack: a file may name many layers. `budget` bounds the steps.
[[nodiscard]] inline found_chains find_chains(std::vector<layer_ends> const& layers,
                                              std::vector<layer_indices> const& groups, std::size_t& budget) {
    found_chains result;
    layer_indices taken(groups.size(), 0);  // how many layers of each group are in the chain
    layer_indices chain;
    layer_indices choice{0};  // the next group to try at each depth
    while (!choice.empty()) {
        if (budget == 0) {
            result.complete = false;
            return result;
        }
        --budget;
        auto const group = choice.back()++;
        if (group == groups.size()) {
            choice.pop_back();
            if (choice.empty()) break;
            --taken[choice.back() - 1];
            chain.pop_back();
            continue;
        }
        if (taken[group] == groups[group].size()) continue;
        auto const next = groups[group][taken[group]];
        if (!chain.empty() && layers[chain.back()].outputs != layers[next].inputs) continue;
        ++taken[group];
        chain.push_back(next);
        choice.push_back(0);
        if (chain.size() < layers.size()) continue;
        result.chains.push_back(chain);
        if (result.chains.size() == 2) return result;
    }
    return result;
}

/// The chains through all layers, which are given in their natural order. Layers whose names differ only in
/// numbers keep the order of the numbers, if shapes allow it at all. What it takes is taken off `budget`.
[[nodiscard]] inline found_chains chains_through(std::vector<layer_ends> const& layers, std::size_t& budget) {
    std::map<std::string, layer_indices> counted;
    std::vector<layer_indices> single;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        counted[name_pattern(layers[i].name)].push_back(i);
        single.push_back({i});
    }
    std::vector<layer_indices> groups;
    groups.reserve(counted.size());
    for (auto const& entry : counted) groups.push_back(entry.second);
    auto found = find_chains(layers, groups, budget);
    if (found.complete && found.chains.empty()) found = find_chains(layers, single, budget);
    return found;
}

[[nodiscard]] inline std::string order_text(layer_pointers const& layers, layer_indices const& order) {
    constexpr std::size_t longest = 8;
    std::string result;
    for (std::size_t i = 0; i < order.size() && i < longest; ++i)
        result += (i == 0 ? "" : ", ") + in_quotes(layers[order[i]]->name);
    return result + (order.size() > longest ? ", ..." : "");
}

[[noreturn]] inline void refuse_order(layer_pointers const& layers, found_chains const& found) {
    auto const advice = std::string("; give their order in the option 'layers' (--layers NAME,NAME,...)");
    if (!found.complete)
        throw error("the order of the ", layers.size(),
                    " layers is ambiguous: there are too many to try, and their names do not settle it",
                    advice);
    if (found.chains.size() > 1)
        throw error("the order of the layers is ambiguous: their shapes allow ",
                    order_text(layers, found.chains[0]), " as well as ", order_text(layers, found.chains[1]),
                    ", and their names do not settle it", advice);
    for (std::size_t i = 1; i < layers.size(); ++i)
        if (layers[i - 1]->outputs() != layers[i]->inputs())
            throw error("shapes do not chain in any order of the layers; by name, ",
                        layers[i - 1]->weight.described(), " gives ", layers[i - 1]->outputs(), ", but ",
                        layers[i]->weight.described(), " takes ", layers[i]->inputs());
    throw error("shapes do not chain in any order of the layers");
}

}  // namespace detail

/// The layers from input to output, each taking what the one before gives, and whether that is their natural
/// order of names. Layers whose names differ only in numbers keep the order of the numbers, if shapes allow
/// it at all; otherwise shapes alone decide. Names such as "encoder" and "decoder" never do: their
/// alphabetical order is an accident. Throws `error` where no order, or more than one, is left, or a shape is
/// wrong.
[[nodiscard]] inline std::pair<std::vector<dense_layer>, bool> ordered_layers(
    std::vector<dense_layer> const& given) {
    if (given.empty()) throw error("there are no layers to order");
    detail::layer_pointers layers;
    for (auto const& layer : given) {
        detail::check_shapes({layer.weight, layer.bias}, "node " + detail::in_quotes(layer.name));
        layers.push_back(&layer);
    }
    std::sort(layers.begin(), layers.end(),
              [](auto const* a, auto const* b) { return natural_less(a->name, b->name); });
    std::vector<detail::layer_ends> ends;
    for (auto const* layer : layers) ends.push_back({layer->name, layer->inputs(), layer->outputs()});
    std::size_t budget = 20'000'000;
    auto const found = detail::chains_through(ends, budget);
    if (!found.unique()) detail::refuse_order(layers, found);
    auto const& order = found.chains.front();
    std::vector<dense_layer> result;
    result.reserve(order.size());
    for (auto const i : order) result.push_back(*layers[i]);
    return {std::move(result), std::is_sorted(order.begin(), order.end())};
}

}  // namespace spinet
