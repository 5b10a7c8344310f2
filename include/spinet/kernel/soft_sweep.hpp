// SPDX-License-Identifier: BSD-3-Clause
/// Sweeps of spins in [-1, 1]: every update draws the spin from its conditional distribution.
#pragma once

#include <spinet/kernel/block_sweep.hpp>
#include <spinet/kernel/field_sweep.hpp>
#include <spinet/kernel/scan.hpp>
#include <spinet/kernel/spin_rows.hpp>
#include <spinet/kernel/sweep_draws.hpp>
#include <spinet/model/concepts.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace spinet {

/// Rows of spins that are not +-1: no bits of them, and archived as they are.
template <class Real>
class soft_rows : public spin_rows<Real> {
public:
    soft_rows(std::size_t rows, std::size_t sites, row_cache cache) : spin_rows<Real>(rows, sites, cache) {}

    void pack_rows(std::span<site_word const>, std::uint64_t*) const = delete;

    void save(archive_writer& out) const {
        spin_rows<Real>::save(out);
        for (std::size_t r = 0; r < this->rows(); ++r) {
            auto const spins = this->spins().row(r);
            out.put(std::vector<Real>(spins.begin(), spins.end()));
        }
    }
    void load(archive_reader& in) {
        spin_rows<Real>::load(in);
        for (std::size_t r = 0; r < this->rows(); ++r) {
            auto const spins = in.get_exactly<Real>(this->sites());
            this->set_row(r, std::span<Real const>(spins));
        }
    }
};

namespace detail {

template <class Order, PairModel M>
void sweep_soft_row(M const& model, spin_rows<typename M::spin_type>& tile, std::size_t r, double beta,
                    sweep_draws const& draws) {
    using real = typename M::spin_type;
    auto const spins = tile.spins().row(r);
    real* const fields = tile.fields().row(r).data();
    visit_sites<Order>(
        model.size(), r, draws, [](std::uint32_t bits) { return uniform<double>(bits); },
        [&](std::size_t site, double u) {
            auto const now =
                static_cast<real>(model.measure().draw(beta * static_cast<double>(fields[site]), u));
            real const change = now - spins[site];
            spins[site] = now;
            change_row_fields(model, std::span<real const>(spins), site, change, fields);
        });
    tile.energies()[r] = energy_from_fields(model, tile, r);
}

/// x[k], a field over T, becomes a spin drawn in it.
template <class Measure>
void draw_spins(Measure const& measure, std::span<double> x, std::span<double const> u) {
    if constexpr (BatchMeasure<Measure>)
        measure.draw_all(x, u);
    else
        for (std::size_t k = 0; k < x.size(); ++k) x[k] = measure.draw(x[k], u[k]);
}

/// By colours; `fields` is left as sweep_blocks leaves it.
template <BlockModel M>
void sweep_soft_blocks(M const& model, spin_rows<typename M::spin_type>& tile, std::span<double const> betas,
                       sweep_draws const& draws) {
    using real = typename M::spin_type;
    std::size_t const colours = model.colours();
    constexpr std::size_t batch = 256;
    std::uint32_t bits[batch];
    double drawn[batch], numbers[batch];
    reset_fields(model, tile, colours - 1, colours);
    std::size_t visit = 0;
    for (std::size_t c = 0; c < colours; ++c) {
        model.add_block_fields(c, std::as_const(tile).spins(), tile.fields());
        std::size_t after = visit;
        for (std::size_t r = 0; r < tile.rows(); ++r) {
            after = visit;
            for (site_range const range : model.colour(c))
                for (std::size_t done = 0; done < range.size; done += batch) {
                    std::size_t const count = std::min(batch, range.size - done), at = range.first + done;
                    draws.of_row(r).fill(static_cast<std::uint32_t>(after), {bits, count});
                    real* const spins = tile.spins().row(r).data() + at;
                    real const* const fields = tile.fields().row(r).data() + at;
                    for (std::size_t k = 0; k < count; ++k) {
                        drawn[k] = betas[r] * static_cast<double>(fields[k]);
                        numbers[k] = uniform<double>(bits[k]);
                    }
                    draw_spins(model.measure(), {drawn, count}, {numbers, count});
                    for (std::size_t k = 0; k < count; ++k) spins[k] = static_cast<real>(drawn[k]);
                    after += count;
                }
        }
        visit = after;
        if (c + 1 < colours) reset_fields(model, tile, c, c + 1);
    }
    energies_after_blocks(model, tile);
}

}  // namespace detail
}  // namespace spinet
