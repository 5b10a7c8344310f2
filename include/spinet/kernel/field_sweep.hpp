// SPDX-License-Identifier: BSD-3-Clause
/// Sweeps of one row, site after site: with cached fields where the model shows its couplings, by its energy
/// differences where it does not.
#pragma once

#include <spinet/detail/aligned.hpp>
#include <spinet/kernel/rule.hpp>
#include <spinet/kernel/scan.hpp>
#include <spinet/kernel/spin_rows.hpp>
#include <spinet/kernel/sweep_draws.hpp>
#include <spinet/model/concepts.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace spinet::detail {

/// Calls visit(site, number_of(bits)) for the N updates of a row, in the order of the scan. A batch of
/// numbers is computed at once.
template <class Order, class NumberOf, class Visit>
void visit_sites(std::size_t n, std::size_t row, sweep_draws const& draws, NumberOf&& number_of,
                 Visit&& visit) {
    constexpr std::size_t batch = 256;
    std::uint32_t bits[batch], places[batch];
    alignas(cache_line) double values[batch];
    for (std::size_t done = 0; done < n; done += batch) {
        std::size_t const count = std::min(batch, n - done);
        auto const first = static_cast<std::uint32_t>(done);
        draws.of_row(row).fill(first, {bits, count});
        if constexpr (std::is_same_v<Order, random_scan>) draws.site_order().fill(first, {places, count});
        for (std::size_t k = 0; k < count; ++k) values[k] = number_of(bits[k]);
        for (std::size_t k = 0; k < count; ++k) {
            std::size_t site = done + k;
            if constexpr (std::is_same_v<Order, random_scan>) site = uniform_index(places[k], n);
            visit(site, values[k]);
        }
    }
}

/// The uniform number of one visit; of a ThresholdRule, the x below which it flips: batches of them are
/// computed side by side, a probability after each field is not.
template <AcceptanceRule Rule>
struct visit_number {
    [[nodiscard]] double operator()(std::uint32_t bits) const noexcept {
        if constexpr (ThresholdRule<Rule>)
            return Rule::threshold(uniform<double>(bits), uniform<double>(~bits));
        else
            return uniform<double>(bits);
    }
};

/// Whether a visit with this number flips its spin.
template <AcceptanceRule Rule, class Order>
[[nodiscard]] bool flips_by(double number, double x) noexcept {
    if constexpr (!ThresholdRule<Rule>) return flips<Rule>(x, number, Order::free_flips);
    if constexpr (ThresholdRule<Rule>) {
        if (Order::free_flips == zero_cost::accept_half && std::abs(x) < no_cost)
            return number > Rule::threshold(0.5, 0.5);
        return x < number;
    }
}

/// Brings the fields of a row in line with s_site having grown by `change`.
template <Model M, class Real>
void change_row_fields(M const& model, std::span<Real const> spins, std::size_t site, Real change,
                       Real* fields) {
    if constexpr (IncrementalModel<M>)
        model.change_fields(spins, site, change, std::span(fields, spins.size()));
    else
        model.for_each_coupling(site, [&](std::size_t first, std::span<Real const> couplings) {
            Real* const target = fields + first;
            for (std::size_t j = 0; j < couplings.size(); ++j) target[j] += change * couplings[j];
        });
}

template <AcceptanceRule Rule, class Order, Model M>
    requires keeps_fields<M>
void sweep_row_by_fields(M const& model, spin_rows<typename M::spin_type>& tile, std::size_t r, double beta,
                         sweep_draws const& draws) {
    using real = typename M::spin_type;
    real* const spins = tile.spins().row(r).data();
    real* const fields = tile.fields().row(r).data();
    double energy = tile.energies()[r];
    visit_sites<Order>(model.size(), r, draws, visit_number<Rule>{}, [&](std::size_t site, double number) {
        double const cost = 2.0 * static_cast<double>(spins[site]) * static_cast<double>(fields[site]);
        if (!flips_by<Rule, Order>(number, beta * cost)) return;
        energy += cost;
        real const change = -2 * spins[site];
        spins[site] = -spins[site];
        change_row_fields(model, std::span<real const>(tile.spins().row(r)), site, change, fields);
    });
    tile.energies()[r] = energy;
}

template <AcceptanceRule Rule, class Order, Model M>
void sweep_row_by_energies(M const& model, spin_rows<typename M::spin_type>& tile, std::size_t r, double beta,
                           sweep_draws const& draws) {
    auto const spins = tile.spins().row(r);
    double energy = tile.energies()[r];
    visit_sites<Order>(model.size(), r, draws, visit_number<Rule>{}, [&](std::size_t site, double number) {
        double const cost = model.energy_change(spins, site, -spins[site]);
        if (!flips_by<Rule, Order>(number, beta * cost)) return;
        spins[site] = -spins[site];
        energy += cost;
    });
    tile.energies()[r] = energy;
}

}  // namespace spinet::detail
