// SPDX-License-Identifier: BSD-3-Clause
/// Exact single-spin sweeps of a dense model. Sites are visited one after the other, in blocks: inside a
/// block a flip reaches the fields of the rest of the block at once, and all other fields when the block is
/// done. Two engines bring the fields up to date, with the same result up to rounding.
#pragma once

#include <spinet/concepts.hpp>
#include <spinet/detail/blas.hpp>
#include <spinet/kernel/rule.hpp>
#include <spinet/kernel/scan.hpp>
#include <spinet/kernel/spin_rows.hpp>
#include <spinet/kernel/sweep_draws.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace spinet::detail {

/// The visits of a block: different sites, so that each has one field and is visited once.
struct visited_sites {
    std::uint32_t first_visit = 0;
    std::size_t count = 0;
    std::array<std::uint32_t, flips_of_row::most> sites{};
};

/// The next visits from number `first` on, in the order of the scan.
template <class Order>
[[nodiscard]] visited_sites next_visits(std::size_t n, std::size_t first, sweep_draws const& draws) noexcept {
    visited_sites next;
    next.first_visit = static_cast<std::uint32_t>(first);
    std::size_t const most = std::min(n - first, next.sites.size());
    if constexpr (std::is_same_v<Order, random_scan>) {
        std::array<std::uint32_t, flips_of_row::most> places{};
        draws.site_order().fill(next.first_visit, {places.data(), most});
        for (; next.count < most; ++next.count) {
            auto const site = static_cast<std::uint32_t>(uniform_index(places[next.count], n));
            auto const end = next.sites.begin() + static_cast<std::ptrdiff_t>(next.count);
            if (std::find(next.sites.begin(), end, site) != end) break;
            next.sites[next.count] = site;
        }
    } else {
        for (; next.count < most; ++next.count)
            next.sites[next.count] = static_cast<std::uint32_t>(first + next.count);
    }
    return next;
}

/// `Packs` packs of columns of one row: fields += 2 (sum of the coupling rows that went up - sum of those that
/// went down). `couplings` points at the first of the columns.
template <std::size_t Packs, class Real>
void add_flipped_rows(Real* fields, Real const* couplings, std::size_t stride, visited_sites const& block,
                      flips_of_row const& flips) noexcept {
    constexpr std::size_t lanes = pack_lanes<Real>;
    pack<Real> sum[Packs];
    for (std::size_t v = 0; v < Packs; ++v) sum[v] = load(fields + v * lanes);
    for (std::size_t k = 0; k < flips.ups; ++k) {
        Real const* const row = couplings + block.sites[flips.places[k]] * stride;
        for (std::size_t v = 0; v < Packs; ++v) sum[v] += load(row + v * lanes) * Real{2};
    }
    for (std::size_t k = flips.places.size() - flips.downs; k < flips.places.size(); ++k) {
        Real const* const row = couplings + block.sites[flips.places[k]] * stride;
        for (std::size_t v = 0; v < Packs; ++v) sum[v] -= load(row + v * lanes) * Real{2};
    }
    for (std::size_t v = 0; v < Packs; ++v) store(fields + v * lanes, sum[v]);
}

/// One panel of columns after the other, so that the couplings of the block stay in the first cache. Returns
/// the first column left over.
template <std::size_t Packs, class Real>
[[nodiscard]] std::size_t add_panels(rows_view<Real> fields, rows_view<Real const> couplings,
                                     visited_sites const& block, std::span<flips_of_row const> flips,
                                     std::size_t column) noexcept {
    constexpr std::size_t width = Packs * pack_lanes<Real>;
    for (; column + width <= fields.sites; column += width)
        for (std::size_t r = 0; r < fields.rows; ++r)
            if (flips[r].ups + flips[r].downs != 0)
                add_flipped_rows<Packs>(fields.row(r).data() + column, couplings.data + column,
                                        couplings.stride, block, flips[r]);
    return column;
}

/// The engine for few flips: each adds its row of couplings.
template <class Real>
void add_increments(rows_view<Real> fields, rows_view<Real const> couplings, visited_sites const& block,
                    std::span<flips_of_row const> flips) noexcept {
    std::size_t column = add_panels<8>(fields, couplings, block, flips, 0);
    column = add_panels<2>(fields, couplings, block, flips, column);
    column = add_panels<1>(fields, couplings, block, flips, column);
    for (std::size_t r = 0; r < fields.rows; ++r) {
        auto const add = [&](std::size_t place, Real change) {
            auto const row = couplings.row(block.sites[place]);
            for (std::size_t c = column; c < fields.sites; ++c) fields.row(r)[c] += change * row[c];
        };
        for (std::size_t k = 0; k < flips[r].ups; ++k) add(flips[r].places[k], 2);
        for (std::size_t k = flips_of_row::most - flips[r].downs; k < flips_of_row::most; ++k)
            add(flips[r].places[k], -2);
    }
}

/// Decides the visits of a block in one row. The fields outside the block are left for later.
template <ThresholdRule Rule, class Order, class Real>
void visit_block(visited_sites const& block, Real const* inner, std::span<Real> spins,
                 std::span<Real const> fields, double beta, stream const& source, double& energy,
                 flips_of_row& flips) noexcept {
    constexpr std::size_t most = flips_of_row::most;
    alignas(64) std::uint32_t bits[most];
    alignas(64) Real limits[most], local[most];
    auto const half_temperature = static_cast<Real>(0.5 / beta);
    source.fill(block.first_visit, bits);
    for (std::size_t k = 0; k < most; ++k) {
        limits[k] = uniform<Real>(bits[k]);
        local[k] = uniform<Real>(~bits[k]);
    }
    constexpr std::size_t lanes = takes_packs<Rule> ? pack_lanes<Real> : 1;
    for (std::size_t k = 0; k < most; k += lanes)
        if constexpr (takes_packs<Rule>)
            store(limits + k, Rule::threshold(load(limits + k), load(local + k)) * half_temperature);
        else
            limits[k] = Rule::threshold(limits[k], local[k]) * half_temperature;
    for (std::size_t k = 0; k < most; ++k) local[k] = 0;
    for (std::size_t k = 0; k < block.count; ++k) local[k] = fields[block.sites[k]];
    Real const free = half_temperature * static_cast<Real>(no_cost);
    Real const middle = half_temperature * Rule::threshold(Real{0.5}, Real{0.5});
    flips.ups = flips.downs = 0;
    for (std::size_t k = 0; k < block.count; ++k) {
        Real const s = spins[block.sites[k]], cost = s * local[k];
        if (!(cost < limits[k])) continue;
        if (Order::free_flips == zero_cost::accept_half && std::abs(cost) < free && limits[k] <= middle)
            continue;
        energy += 2.0 * static_cast<double>(cost);
        spins[block.sites[k]] = -s;
        if (s < 0)
            flips.places[flips.ups++] = static_cast<std::uint8_t>(k);
        else
            flips.places[most - ++flips.downs] = static_cast<std::uint8_t>(k);
        Real const change = -2 * s;
        for (std::size_t j = k & ~std::size_t{15}; j < most; ++j) local[j] += change * inner[k * most + j];
    }
}

template <ThresholdRule Rule, class Order, DenseModel M>
void sweep_dense(M const& model, spin_rows<typename M::spin_type>& tile, std::span<double const> betas,
                 sweep_draws const& draws) noexcept {
    using real = typename M::spin_type;
    constexpr std::size_t most = flips_of_row::most;
    auto const couplings = model.couplings();
    std::size_t const n = model.size();
    alignas(64) real inner[most * most];
    for (std::size_t first = 0; first < n;) {
        auto const block = next_visits<Order>(n, first, draws);
        for (std::size_t k = 0; k < block.count; ++k)
            for (std::size_t j = 0; j < most; ++j)
                inner[k * most + j] =
                    j < block.count ? couplings.row(block.sites[k])[block.sites[j]] : real{0};
        for (std::size_t r = 0; r < tile.rows(); ++r)
            visit_block<Rule, Order>(block, inner, tile.spins().row(r),
                                     std::span<real const>(tile.fields().row(r)), betas[r], draws.of_row(r),
                                     tile.energies()[r], tile.flips()[r]);
        add_increments(tile.fields(), couplings, block, std::span<flips_of_row const>(tile.flips()));
        first += block.count;
    }
}

}  // namespace spinet::detail
