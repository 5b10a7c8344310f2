// SPDX-License-Identifier: BSD-3-Clause
/// Sweeps of a sparse model, site after site, for sixteen rows at once. Any order of sites will do: what is
/// vectorised are the rows.
#pragma once

#include <spinet/kernel/rule.hpp>
#include <spinet/kernel/scan.hpp>
#include <spinet/kernel/spin_lanes.hpp>
#include <spinet/kernel/sweep_draws.hpp>
#include <spinet/model/concepts.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace spinet::detail {

inline constexpr std::size_t lane_rows = rows_side_by_side;

/// Sixteen rows of one visit.
template <class Real>
struct lane_visit {
    Real* spins;
    std::array<Real, lane_rows> fields;
    std::array<Real, lane_rows> draws;
    std::array<Real, lane_rows> gains;  ///< what the flips add to the energies
};

/// Decides one visit. `refine(lane)` gives the further bits of a row.
template <AcceptanceRule Rule, class Real, class Refine>
[[gnu::always_inline]] inline void decide_lanes(lane_visit<Real>& at, Real const* twice_betas, zero_cost zero,
                                                Refine&& refine) noexcept {
    using number = std::conditional_t<PackedRule<Rule>, pack<Real>, Real>;
    constexpr std::size_t width = sizeof(number) / sizeof(Real);
    for (std::size_t lane = 0; lane < lane_rows; lane += width) {
        number s, h, draw, beta;
        std::memcpy(&s, at.spins + lane, sizeof s);
        std::memcpy(&h, at.fields.data() + lane, sizeof h);
        std::memcpy(&draw, at.draws.data() + lane, sizeof draw);
        std::memcpy(&beta, twice_betas + lane, sizeof beta);
        number const x = s * h * beta;
        auto [now, decided] = updated<Rule>(s, x, draw, zero);
        if (!all_positive(decided)) {
            std::array<Real, width> open, cost, old, fresh;
            std::memcpy(open.data(), &decided, sizeof decided);
            std::memcpy(cost.data(), &x, sizeof x);
            std::memcpy(old.data(), &s, sizeof s);
            std::memcpy(fresh.data(), &now, sizeof now);
            for (std::size_t k = 0; k < width; ++k)
                if (!(open[k] > 0))
                    fresh[k] = flips_refined<Rule>(static_cast<double>(cost[k]),
                                                   static_cast<std::uint16_t>(at.draws[lane + k]),
                                                   refine(lane + k), zero)
                                   ? -old[k]
                                   : old[k];
            std::memcpy(&now, fresh.data(), sizeof now);
        }
        std::memcpy(at.spins + lane, &now, sizeof now);
        number gain;
        std::memcpy(&gain, at.gains.data() + lane, sizeof gain);
        gain -= (now - s) * h;
        std::memcpy(at.gains.data() + lane, &gain, sizeof gain);
    }
}

/// E of the sixteen rows of a group, by lanes.
template <SparseModel M>
[[nodiscard]] std::array<double, lane_rows> lane_energies(M const& model,
                                                          typename M::spin_type const* spins) noexcept {
    std::array<double, lane_rows> energies{};
    for (std::size_t i = 0; i < model.size(); ++i) {
        auto const sites = model.neighbours(i);
        auto const couplings = model.neighbour_couplings(i);
        for (std::size_t lane = 0; lane < lane_rows; ++lane) {
            double field = 2.0 * static_cast<double>(model.external_fields()[i]);
            for (std::size_t k = 0; k < sites.size(); ++k)
                field += static_cast<double>(couplings[k]) *
                         static_cast<double>(spins[sites[k] * lane_rows + lane]);
            energies[lane] -= static_cast<double>(spins[i * lane_rows + lane]) * field / 2;
        }
    }
    return energies;
}

/// One sweep of the sixteen rows that start at row 16 g of the tile.
template <AcceptanceRule Rule, class Order, SparseModel M>
void sweep_lanes(M const& model, spin_lanes<typename M::spin_type>& tile, std::size_t g,
                 std::span<double const> betas, sweep_draws const& draws) noexcept {
    using real = typename M::spin_type;
    std::size_t const n = model.size(), first_row = g * lane_rows;
    std::size_t const rows = std::min(lane_rows, tile.rows() - first_row);
    alignas(cache_line) std::array<real, lane_rows> twice_betas;
    for (std::size_t lane = 0; lane < lane_rows; ++lane)
        twice_betas[lane] = static_cast<real>(2 * betas[first_row + std::min(lane, rows - 1)]);
    stream const source = draws.of_row(first_row);
    std::uint32_t* const bits = tile.draws().data();
    for (std::uint32_t chunk = 0; chunk * 128 < n; ++chunk)
        source.fill_16_rows(chunk, bits + chunk * 64 * lane_rows);

    real* const spins = tile.group(g);
    real const* const external = model.external_fields().data();
    constexpr std::size_t batch = 64;  // visits whose gains are added up in single precision
    std::array<std::uint32_t, batch> order;
    alignas(cache_line) lane_visit<real> at;
    for (std::size_t done = 0; done < n; done += batch) {
        std::size_t const count = std::min(batch, n - done);
        if constexpr (std::is_same_v<Order, random_scan>)
            draws.site_order().fill(static_cast<std::uint32_t>(done), {order.data(), count});
        at.gains.fill(0);
        for (std::size_t k = 0; k < count; ++k) {
            std::size_t site = done + k;
            if constexpr (std::is_same_v<Order, random_scan>) site = uniform_index(order[k], n);
            // Visit v takes half v % 2 of word v / 2, of each row.
            std::uint32_t const* const words = bits + (done + k) / 2 * lane_rows;
            unsigned const shift = 16 * ((done + k) % 2);
            for (std::size_t lane = 0; lane < lane_rows; ++lane)
                at.draws[lane] = static_cast<real>(static_cast<std::int32_t>(words[lane] >> shift & 0xffffu));
            at.fields.fill(external[site]);
            auto const sites = model.neighbours(site);
            auto const couplings = model.neighbour_couplings(site);
            for (std::size_t j = 0; j < sites.size(); ++j) {
                real const* const neighbour = spins + sites[j] * lane_rows;
                for (std::size_t lane = 0; lane < lane_rows; ++lane)
                    at.fields[lane] += couplings[j] * neighbour[lane];
            }
            at.spins = spins + site * lane_rows;
            decide_lanes<Rule>(at, twice_betas.data(), Order::free_flips, [&](std::size_t lane) {
                return draws.refinement_of_row(first_row + lane).bits(static_cast<std::uint32_t>(done + k));
            });
        }
        for (std::size_t r = 0; r < rows; ++r)
            tile.energies()[first_row + r] += static_cast<double>(at.gains[r]);
    }
}

}  // namespace spinet::detail
