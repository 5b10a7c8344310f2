// SPDX-License-Identifier: BSD-3-Clause
/// Sweeps of a tile by an acceptance rule and a scan; the machinery under glauber and metropolis.
#pragma once

#include <spinet/concepts.hpp>
#include <spinet/detail/vector_math.hpp>
#include <spinet/kernel/rule.hpp>
#include <spinet/kernel/scan.hpp>
#include <spinet/kernel/spin_rows.hpp>
#include <spinet/random/streams.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace spinet {

/// Where the random numbers of one sweep of one tile come from: row r of the tile is row `first_row + r` of
/// the run, and site i takes draw i of that row's stream.
struct sweep_draws {
    std::uint64_t seed = 0;
    std::uint32_t sweep = 0;
    std::uint32_t first_row = 0;
    purpose use = purpose::spins;

    [[nodiscard]] stream of_row(std::size_t row) const noexcept {
        return {seed, sweep, first_row + static_cast<std::uint32_t>(row), use};
    }
    [[nodiscard]] stream scan_of_row(std::size_t row) const noexcept {
        // The attempt field keeps the site orders of different purposes apart.
        return {seed, sweep, first_row + static_cast<std::uint32_t>(row), purpose::scan,
                static_cast<std::uint16_t>(use)};
    }
};

/// A kernel: one call sweeps one tile, each row at its own inverse temperature, and leaves each row's total
/// energy beside it. Law: it leaves the Boltzmann distribution of every row invariant.
template <class K, class M>
concept Kernel = Model<M> &&
    requires(K const& kernel, M const& model, typename K::template state<M>& state,
             std::span<double const> betas, sweep_draws const& draws, std::size_t rows) {
    { kernel.make_state(model, rows) } -> std::same_as<typename K::template state<M>>;
    kernel.prepare(model, state);
    kernel.sweep(model, state, betas, draws);
    { kernel.name() } -> std::convertible_to<std::string>;
};

template <AcceptanceRule Rule, class Scan>
class site_kernel {
public:
    using rule = Rule;
    using scan = Scan;

    template <Model M>
    using state = spin_rows<typename M::spin_type>;

    template <Model M>
    [[nodiscard]] state<M> make_state(M const& model, std::size_t rows) const {
        return {rows, model.size(), PairModel<M>};
    }

    /// To be called after the spins were set from outside: brings fields and energies in line with them.
    template <Model M>
    void prepare(M const& model, state<M>& tile) const {
        if constexpr (PairModel<M>) {
            model.fields(tile.spins(), tile.fields());
            for (std::size_t r = 0; r < tile.rows(); ++r)
                tile.energies()[r] = energy_from_fields(model, tile, r);
        } else {
            for (std::size_t r = 0; r < tile.rows(); ++r)
                tile.energies()[r] = model.energy(tile.spins().row(r));
        }
    }

    /// One sweep: N updates of every row. `betas` has one entry per row.
    template <Model M>
    void sweep(M const& model, state<M>& tile, std::span<double const> betas,
               sweep_draws const& draws) const {
        using order = scan_for<Scan, M>;
        static_assert(
            !std::is_same_v<order, layer_blocks> || BlockModel<M>,
            "spinet: layer_blocks needs a model with colours (BlockModel), such as network_glass; use "
            "random_scan or sequential_scan for this model");
        if constexpr (std::is_same_v<order, layer_blocks>) {
            sweep_blocks(model, tile, betas, draws);
        } else if constexpr (PairModel<M>) {
            // Rounding of the incremental fields must not build up.
            if (draws.sweep % sweeps_between_refreshes == 0) prepare(model, tile);
            for (std::size_t r = 0; r < tile.rows(); ++r)
                sweep_row_by_fields<order>(model, tile, r, betas[r], draws);
        } else {
            for (std::size_t r = 0; r < tile.rows(); ++r)
                sweep_row_by_energies<order>(model, tile, r, betas[r], draws);
        }
    }

    [[nodiscard]] std::string name() const {
        return std::string(Rule::name()) + " (" + Scan::name() + " scan)";
    }

private:
    static constexpr std::uint32_t sweeps_between_refreshes = 64;

    template <class M>
    static double energy_from_fields(M const& model, state<M>& tile, std::size_t r) noexcept {
        auto const spins = tile.spins().row(r);
        auto const fields = tile.fields().row(r);
        return -(detail::dot(fields.data(), spins.data(), spins.size()) +
                 detail::dot(model.external_fields().data(), spins.data(), spins.size())) /
               2;
    }

    /// Calls visit(site, u) for the N updates of a row, in the order of the scan.
    template <class Order, class Real, class Visit>
    static void visit_sites(std::size_t n, std::size_t row, sweep_draws const& draws, Visit&& visit) {
        constexpr std::size_t batch = 256;
        std::uint32_t bits[batch], places[batch];
        for (std::size_t done = 0; done < n; done += batch) {
            std::size_t const count = std::min(batch, n - done);
            auto const first = static_cast<std::uint32_t>(done);
            draws.of_row(row).fill(first, {bits, count});
            if constexpr (std::is_same_v<Order, random_scan>)
                draws.scan_of_row(row).fill(first, {places, count});
            for (std::size_t k = 0; k < count; ++k) {
                std::size_t site = done + k;
                if constexpr (std::is_same_v<Order, random_scan>) site = uniform_index(places[k], n);
                visit(site, uniform<Real>(bits[k]));
            }
        }
    }

    template <class Order, class M>
    static void sweep_row_by_fields(M const& model, state<M>& tile, std::size_t r, double beta,
                                    sweep_draws const& draws) {
        using real = typename M::spin_type;
        real* const spins = tile.spins().row(r).data();
        real* const fields = tile.fields().row(r).data();
        auto const twice_beta = static_cast<real>(2 * beta);
        double energy = tile.energies()[r];
        visit_sites<Order, real>(model.size(), r, draws, [&](std::size_t site, real u) {
            real const old = spins[site];
            real const fresh = Rule::updated(old, twice_beta * old * fields[site], u, Order::free_flips);
            if (fresh == old) return;
            energy += 2.0 * static_cast<double>(old) * static_cast<double>(fields[site]);
            spins[site] = fresh;
            real const change = fresh - old;
            model.for_each_coupling(site, [&](std::size_t first, std::span<real const> couplings) {
                real* const target = fields + first;
                for (std::size_t j = 0; j < couplings.size(); ++j) target[j] += change * couplings[j];
            });
        });
        tile.energies()[r] = energy;
    }

    template <class Order, class M>
    static void sweep_row_by_energies(M const& model, state<M>& tile, std::size_t r, double beta,
                                      sweep_draws const& draws) {
        using real = typename M::spin_type;
        auto const spins = tile.spins().row(r);
        double energy = tile.energies()[r];
        visit_sites<Order, double>(model.size(), r, draws, [&](std::size_t site, double u) {
            auto const old = static_cast<double>(spins[site]);
            double const cost = model.energy_change(spins, site, static_cast<real>(-old));
            if (Rule::updated(old, beta * cost, u, Order::free_flips) == old) return;
            spins[site] = static_cast<real>(-old);
            energy += cost;
        });
        tile.energies()[r] = energy;
    }

    template <class M>
    void sweep_blocks(M const& model, state<M>& tile, std::span<double const> betas,
                      sweep_draws const& draws) const {
        for (std::size_t c = 0; c < model.colours(); ++c) {
            model.block_fields(c, tile.spins(), tile.fields());
            for (std::size_t r = 0; r < tile.rows(); ++r)
                for (site_range const range : model.colour(c))
                    update_range(model, tile, r, range, betas[r], draws);
        }
        if (model.colours() > 2) {
            prepare(model, tile);
            return;
        }
        for (std::size_t r = 0; r < tile.rows(); ++r)
            tile.energies()[r] = energy_from_last_block(model, tile, r);
    }

    template <class M>
    static void update_range(M const&, state<M>& tile, std::size_t r, site_range range, double beta,
                             sweep_draws const& draws) {
        using real = typename M::spin_type;
        constexpr std::size_t batch = 256;
        std::uint32_t bits[batch];
        auto const twice_beta = static_cast<real>(2 * beta);
        for (std::size_t done = 0; done < range.size; done += batch) {
            std::size_t const count = std::min(batch, range.size - done);
            std::size_t const first = range.first + done;
            draws.of_row(r).fill(static_cast<std::uint32_t>(first), {bits, count});
            real* const spins = tile.spins().row(r).data() + first;
            real const* const fields = tile.fields().row(r).data() + first;
            for (std::size_t k = 0; k < count; ++k)
                spins[k] = Rule::updated(spins[k], twice_beta * spins[k] * fields[k], uniform<real>(bits[k]),
                                         layer_blocks::free_flips);
        }
    }

    /// With at most two colours, every coupling ends in the last one, whose fields are up to date: no further
    /// product is needed for the energy.
    template <class M>
    static double energy_from_last_block(M const& model, state<M>& tile, std::size_t r) noexcept {
        auto const spins = tile.spins().row(r);
        auto const fields = tile.fields().row(r);
        double energy = 0;
        for (std::size_t c = 0; c < model.colours(); ++c) {
            bool const last = c + 1 == model.colours();
            auto const* const source = last ? fields.data() : model.external_fields().data();
            for (site_range const range : model.colour(c))
                energy -= detail::dot(source + range.first, spins.data() + range.first, range.size);
        }
        return energy;
    }
};

}  // namespace spinet
