// SPDX-License-Identifier: BSD-3-Clause
/// What the twin Hopfield mapping makes of a network before any coupling is converted: parts, fields, wires.
#pragma once

#include <spinet/error.hpp>
#include <spinet/mapping/linear_map.hpp>
#include <spinet/model/network_glass.hpp>
#include <spinet/network/tensor.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace spinet {

/// Couplings between two parts: factor * map, rows being spins of `to` and columns spins of `from`.
struct wire {
    std::size_t from, to;
    std::shared_ptr<linear_map const> map;
    double factor = 1;
};

/// A part of the glass to be: a layer, or one step of a layer of a sequence.
struct wired_part {
    std::string name;
    std::vector<double> fields;  ///< one per spin
    std::size_t group = 0;       ///< steps of one layer have the same, and follow each other
    bool is_input = false, is_output = false;
    bool is_token = false;      ///< an input of which one spin stands for each word
    std::size_t positions = 1;  ///< of each channel, where the part is a set of feature maps

    [[nodiscard]] std::size_t size() const noexcept { return fields.size(); }
};

/// Parts and wires, with what was left out on the way. Weights are handles on the network's tensors.
struct wiring {
    std::vector<wired_part> parts;
    std::vector<wire> wires;
    std::vector<std::string> activations;  ///< sorted; kinds of functions, which have no counterpart
    std::vector<std::string> discarded;    ///< what else has none
    bool any_bias = false;

    [[nodiscard]] std::size_t spins() const noexcept {
        std::size_t n = 0;
        for (auto const& part : parts) n += part.size();
        return n;
    }
    /// Coupled pairs of spins, parallel wires counted each.
    [[nodiscard]] double couplings() const {
        double n = 0;
        for (auto const& each : wires) n += static_cast<double>(each.map->couplings());
        return n;
    }
};

namespace detail {

/// Takes away the parts for which gone(part), and their wires. `held`, where it is not empty, has values of
/// all spins of these parts, in order: they turn into fields on what they are wired to.
template <class Gone>
void remove_parts(wiring& of, Gone gone, std::span<double const> held = {}) {
    std::vector<std::size_t> new_place(of.parts.size()), first_held(of.parts.size());
    std::size_t kept = 0, at = 0;
    for (std::size_t p = 0; p < of.parts.size(); ++p) {
        new_place[p] = kept;
        first_held[p] = at;
        if (gone(of.parts[p]))
            at += of.parts[p].size();
        else
            ++kept;
    }
    std::vector<wire> wires;
    for (auto& each : of.wires) {
        bool const from = gone(of.parts[each.from]), to = gone(of.parts[each.to]);
        if (from && !to && !held.empty())
            add_product(*each.map, each.factor,
                        held.subspan(first_held[each.from], of.parts[each.from].size()),
                        of.parts[each.to].fields);
        if (to && !from && !held.empty()) {
            auto& fields = of.parts[each.from].fields;
            for_each_entry(*each.map, [&](std::size_t i, std::size_t j, double w) {
                fields[j] += each.factor * w * held[first_held[each.to] + i];
            });
        }
        if (from || to) continue;
        each.from = new_place[each.from];
        each.to = new_place[each.to];
        wires.push_back(std::move(each));
    }
    of.wires = std::move(wires);
    of.parts.erase(std::remove_if(of.parts.begin(), of.parts.end(), gone), of.parts.end());
}

/// A glass of all or some spins of a wiring: `fields_of(part)` are those of the spins of a part,
/// `block_of(wire)` the couplings, which wires with one map and factor share. A spin that is kept stands for
/// the others.
template <class Real, class FieldsOf, class BlockOf>
[[nodiscard]] network_glass<Real> glass_with(wiring const& of, provenance made_from, FieldsOf&& fields_of,
                                             BlockOf&& block_of) {
    std::vector<spin_group> parts;
    std::vector<std::size_t> groups;
    std::vector<Real> fields;
    for (std::size_t p = 0; p < of.parts.size(); ++p) {
        auto const& part = of.parts[p];
        std::size_t const before = fields.size();
        with_place([&] { return "the fields of " + in_quotes(part.name); },
                   [&] {
                       for (double const b : fields_of(p)) fields.push_back(rounded_to<Real>(b));
                   });
        std::size_t const kept = fields.size() - before;
        parts.push_back({part.name, 0, kept, static_cast<double>(part.size()) / static_cast<double>(kept)});
        if (p > 0 && part.group == of.parts[p - 1].group)
            ++groups.back();
        else
            groups.push_back(1);
    }
    std::map<std::pair<linear_map const*, double>, coupling_block<Real>> made;
    std::vector<coupling_block<Real>> blocks;
    for (auto const& each : of.wires) {
        auto const place = [&] {
            return text("the couplings of ", in_quotes(of.parts[each.from].name), " and ",
                        in_quotes(of.parts[each.to].name));
        };
        with_place(place, [&] {
            auto found = made.find({each.map.get(), each.factor});
            if (found == made.end())
                found = made.emplace(std::pair(each.map.get(), each.factor), block_of(each)).first;
            blocks.push_back(found->second);
        });
        std::visit([&](block_ends& ends) { ends = {each.from, each.to}; }, blocks.back());
    }
    return network_glass<Real>(std::move(parts), std::move(fields), std::move(blocks), std::move(made_from),
                               groups);
}

/// The glass of a wiring. Throws spinet::error where a coupling exceeds Real or a matrix what BLAS can index.
template <class Real>
[[nodiscard]] network_glass<Real> glass_of(wiring const& of, provenance made_from) {
    return glass_with<Real>(
        of, std::move(made_from),
        [&](std::size_t p) -> std::vector<double> const& { return of.parts[p].fields; },
        [](wire const& each) { return block_of<Real>(*each.map, each.factor); });
}

}  // namespace detail
}  // namespace spinet
