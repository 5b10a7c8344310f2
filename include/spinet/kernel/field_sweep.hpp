// SPDX-License-Identifier: BSD-3-Clause
/// Sweeps of one row, site after site: with cached fields where the model shows its couplings, by its energy
/// differences where it does not.
#pragma once

#include <spinet/concepts.hpp>
#include <spinet/kernel/rule.hpp>
#include <spinet/kernel/scan.hpp>
#include <spinet/kernel/spin_rows.hpp>
#include <spinet/kernel/sweep_draws.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace spinet::detail {

/// Calls visit(site, u) for the N updates of a row, in the order of the scan.
template <class Order, class Visit>
void visit_sites(std::size_t n, std::size_t row, sweep_draws const& draws, Visit&& visit) {
    constexpr std::size_t batch = 256;
    std::uint32_t bits[batch], places[batch];
    for (std::size_t done = 0; done < n; done += batch) {
        std::size_t const count = std::min(batch, n - done);
        auto const first = static_cast<std::uint32_t>(done);
        draws.of_row(row).fill(first, {bits, count});
        if constexpr (std::is_same_v<Order, random_scan>) draws.site_order().fill(first, {places, count});
        for (std::size_t k = 0; k < count; ++k) {
            std::size_t site = done + k;
            if constexpr (std::is_same_v<Order, random_scan>) site = uniform_index(places[k], n);
            visit(site, uniform<double>(bits[k]));
        }
    }
}

template <AcceptanceRule Rule, class Order, PairModel M>
void sweep_row_by_fields(M const& model, spin_rows<typename M::spin_type>& tile, std::size_t r, double beta,
                         sweep_draws const& draws) {
    using real = typename M::spin_type;
    real* const spins = tile.spins().row(r).data();
    real* const fields = tile.fields().row(r).data();
    double energy = tile.energies()[r];
    visit_sites<Order>(model.size(), r, draws, [&](std::size_t site, double u) {
        double const cost = 2.0 * static_cast<double>(spins[site]) * static_cast<double>(fields[site]);
        if (!flips<Rule>(beta * cost, u, Order::free_flips)) return;
        energy += cost;
        real const change = -2 * spins[site];
        spins[site] = -spins[site];
        model.for_each_coupling(site, [&](std::size_t first, std::span<real const> couplings) {
            real* const target = fields + first;
            for (std::size_t j = 0; j < couplings.size(); ++j) target[j] += change * couplings[j];
        });
    });
    tile.energies()[r] = energy;
}

template <AcceptanceRule Rule, class Order, Model M>
void sweep_row_by_energies(M const& model, spin_rows<typename M::spin_type>& tile, std::size_t r, double beta,
                           sweep_draws const& draws) {
    auto const spins = tile.spins().row(r);
    double energy = tile.energies()[r];
    visit_sites<Order>(model.size(), r, draws, [&](std::size_t site, double u) {
        double const cost = model.energy_change(spins, site, -spins[site]);
        if (!flips<Rule>(beta * cost, u, Order::free_flips)) return;
        spins[site] = -spins[site];
        energy += cost;
    });
    tile.energies()[r] = energy;
}

}  // namespace spinet::detail
