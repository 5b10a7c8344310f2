// SPDX-License-Identifier: BSD-3-Clause
/// check_model: does a model of your own keep the laws of the concepts it satisfies?
#pragma once

#include <spinet/model/concepts.hpp>
#include <spinet/model/laws.hpp>
#include <spinet/random/streams.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

namespace detail {

/// (i, j) -> J_ij, as for_each_coupling shows them. Adds what is wrong with them to `broken`.
template <PairModel M>
[[nodiscard]] std::map<std::pair<std::size_t, std::size_t>, double> couplings_by_pair(
    M const& model, std::vector<std::string>& broken) {
    std::map<std::pair<std::size_t, std::size_t>, double> all;
    for (std::size_t i = 0; i < model.size(); ++i)
        model.for_each_coupling(i, [&](std::size_t first, std::span<spin_of<M> const> couplings) {
            for (std::size_t k = 0; k < couplings.size(); ++k) {
                if (couplings[k] == 0) continue;
                if (first + k >= model.size())
                    broken.push_back(detail::text("for_each_coupling: spin ", i, " is coupled to spin ",
                                                  first + k, ", which does not exist"));
                else if (first + k == i)
                    broken.push_back(detail::text("for_each_coupling: spin ", i, " is coupled to itself"));
                else if (!all.try_emplace({i, first + k}, static_cast<double>(couplings[k])).second)
                    broken.push_back(
                        detail::text("for_each_coupling: spin ", i, " meets spin ", first + k, " twice"));
            }
        });
    for (auto const& [pair, j] : all) {
        auto const mirrored = all.find({pair.second, pair.first});
        double const other = mirrored == all.end() ? 0.0 : mirrored->second;
        if (other != j && pair.first < pair.second)
            broken.push_back(detail::text("couplings: J(", pair.first, ", ", pair.second, ") is ", j, ", J(",
                                          pair.second, ", ", pair.first, ") is ", other));
    }
    return all;
}

/// Neighbours and their couplings are those of for_each_coupling.
template <SparseModel M>
void check_neighbours(M const& model, std::map<std::pair<std::size_t, std::size_t>, double> const& couplings,
                      std::vector<std::string>& broken) {
    std::map<std::pair<std::size_t, std::size_t>, double> listed;
    for (std::size_t i = 0; i < model.size(); ++i) {
        auto const neighbours = model.neighbours(i);
        auto const strengths = model.neighbour_couplings(i);
        for (std::size_t k = 0; k < std::min(neighbours.size(), strengths.size()); ++k)
            if (strengths[k] != 0) listed[{i, neighbours[k]}] = static_cast<double>(strengths[k]);
        if (neighbours.size() != strengths.size())
            broken.push_back(detail::text("neighbours: spin ", i, " has ", neighbours.size(), ", but ",
                                          strengths.size(), " couplings"));
    }
    if (listed != couplings) broken.push_back("neighbours: they are not those of for_each_coupling");
}

/// Colours share the sites out among them, and no two sites of one are coupled.
template <BlockModel M>
void check_colours(M const& model, std::map<std::pair<std::size_t, std::size_t>, double> const& couplings,
                   std::vector<std::string>& broken) {
    std::vector<std::size_t> colour_of(model.size(), static_cast<std::size_t>(model.colours()));
    for (std::size_t c = 0; c < static_cast<std::size_t>(model.colours()); ++c)
        for (site_range const range : std::span<site_range const>(model.colour(c)))
            for (std::size_t i = range.first; i < range.first + range.size && i < model.size(); ++i) {
                if (colour_of[i] != static_cast<std::size_t>(model.colours()))
                    broken.push_back(detail::text("colours: spin ", i, " has two"));
                colour_of[i] = c;
            }
    for (std::size_t i = 0; i < model.size(); ++i)
        if (colour_of[i] == static_cast<std::size_t>(model.colours()))
            broken.push_back(detail::text("colours: spin ", i, " has none"));
    for (auto const& [pair, j] : couplings)
        if (pair.first < pair.second && colour_of[pair.first] == colour_of[pair.second])
            broken.push_back(detail::text("colours: spins ", pair.first, " and ", pair.second,
                                          " have the same one, and are coupled"));
}

}  // namespace detail

namespace testing {

/// Puts the laws of docs/concepts.md to the test in `states` random states of +1 and -1, at every site:
/// energies against changes of energy, fields, couplings, gradient, groups and colours, as far as the model
/// has them. Returns a sentence for each law that is broken; an empty list if none is. The cost is `states`
/// times N energies, so take a small instance of your model. Call it in a test of your own:
///
///     for (auto const& law : spinet::testing::check_model(model)) std::puts(law.c_str());
template <Model M>
[[nodiscard]] std::vector<std::string> check_model(M const& model, std::size_t states = 3,
                                                   std::uint64_t seed = 1) {
    using real = spin_of<M>;
    using detail::text;
    std::size_t const n = model.size();
    std::vector<std::string> broken;
    std::vector<std::size_t> sites(n);
    std::iota(sites.begin(), sites.end(), std::size_t{0});
    std::vector<real> spins(n);
    for (std::uint32_t state = 0; state < states; ++state) {
        stream(seed, state, 0, purpose::testing).fill_signs(std::span(spins));
        if (auto law = detail::broken_law(model, spins, sites); !law.empty()) {
            broken.push_back(std::move(law));
            continue;
        }
        double const energy = static_cast<double>(model.energy(std::span<real const>(spins)));
        double const rounding = 64 * static_cast<double>(std::numeric_limits<real>::epsilon()) *
                                std::sqrt(static_cast<double>(n));
        for (std::size_t i = 0; i < n; ++i) {
            auto moved = spins;
            moved[i] = -moved[i];
            double const change = static_cast<double>(
                             model.energy_change(std::span<real const>(spins), i, moved[i])),
                         difference =
                             static_cast<double>(model.energy(std::span<real const>(moved))) - energy;
            if (!(std::abs(change - difference) <=
                  1e-3 * std::abs(difference) + rounding * (1 + std::abs(energy)))) {
                broken.push_back(text("energy_change: to flip spin ", i, " takes ", change,
                                      ", but the energy changes by ", difference));
                break;
            }
        }
        if constexpr (DifferentiableModel<M>) {
            std::vector<real> slope(n);
            double const again =
                static_cast<double>(model.gradient(std::span<real const>(spins), std::span<real>(slope)));
            if (!(std::abs(again - energy) <= rounding * (1 + std::abs(energy))))
                broken.push_back(text("gradient: it returns ", again, " where the energy is ", energy));
            for (std::size_t i = 0; i < n; ++i) {
                real const step = std::sqrt(std::sqrt(std::numeric_limits<real>::epsilon())) / 4;
                auto const by = [&](real change) {
                    return static_cast<double>(
                        model.energy_change(std::span<real const>(spins), i, spins[i] + change));
                };
                double const difference = (by(step) - by(-step)) / (2 * static_cast<double>(step)),
                             given = static_cast<double>(slope[i]);
                if (!(std::abs(given - difference) <=
                      1e-2 * (std::abs(given) + std::abs(difference)) + 1e-3)) {
                    broken.push_back(text("gradient: for spin ", i, " it is ", given,
                                          ", differences of the energy give ", difference));
                    break;
                }
            }
        }
    }
    if constexpr (PairModel<M>) {
        auto const couplings = detail::couplings_by_pair(model, broken);
        if constexpr (SparseModel<M>) detail::check_neighbours(model, couplings, broken);
        if constexpr (BlockModel<M>) detail::check_colours(model, couplings, broken);
    }
    if constexpr (GroupedModel<M>) {
        std::size_t at = 0;
        for (spin_group const& group : std::span<spin_group const>(model.groups())) {
            if (group.first != at)
                broken.push_back(text("groups: ", group.name, " begins at spin ", group.first, ", not ", at));
            at = group.first + group.size;
        }
        if (at != n) broken.push_back(text("groups: they hold ", at, " spins of ", n));
    }
    return broken;
}

}  // namespace testing
}  // namespace spinet
