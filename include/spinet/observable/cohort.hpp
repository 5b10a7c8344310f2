// SPDX-License-Identifier: BSD-3-Clause
/// What an observable sees: all replicas of a run that are now at one temperature.
#pragma once

#include <spinet/model/concepts.hpp>
#include <spinet/rows.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spinet {

/// Row r is replica r. `energies` are total energies; `groups` are the model's layers (one group of all sites
/// where the model has none).
///
/// `bits`, where there are any, are the same spins: set for +1, 64 sites to a word, a new word for each group
/// and 0 beyond its end; there are none of spins that are not +-1. What no observable of a run reads is left
/// out: `bits` is empty, `spins` has no data.
template <class Real>
struct cohort {
    rows_view<Real const> spins;
    std::span<double const> energies;
    std::span<spin_group const> groups;
    double temperature = 0;
    std::span<std::uint64_t const* const> bits = {};
    spin_space space = spin_space::ising;  ///< what values spins take

    [[nodiscard]] std::size_t replicas() const noexcept { return spins.rows; }
    [[nodiscard]] std::size_t sites() const noexcept { return spins.sites; }
};

namespace detail {

/// The groups of a model; one group of all sites where it has none.
template <Model M>
[[nodiscard]] std::vector<spin_group> groups_of(M const& model) {
    if constexpr (GroupedModel<M>) {
        auto const groups = std::span<spin_group const>(model.groups());
        return {groups.begin(), groups.end()};
    } else {
        return {{"all", 0, static_cast<std::size_t>(model.size())}};
    }
}

}  // namespace detail
}  // namespace spinet
