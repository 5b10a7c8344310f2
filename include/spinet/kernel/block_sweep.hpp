// SPDX-License-Identifier: BSD-3-Clause
/// Sweeps of a whole colour at once: the fields of a layer for all rows of a tile by matrix products, then
/// every spin of it, independently of the others.
#pragma once

#include <spinet/kernel/rule.hpp>
#include <spinet/kernel/scan.hpp>
#include <spinet/kernel/spin_rows.hpp>
#include <spinet/kernel/sweep_draws.hpp>
#include <spinet/model/concepts.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace spinet::detail {

/// Updates at most 1024 spins of one row from fields that are up to date; spin k takes draws[k]. `refine(k)`
/// gives its further bits.
template <AcceptanceRule Rule, class Real, class Refine>
void update_spins(std::span<Real> spins, Real const* fields, std::uint16_t const* draws, Real twice_beta,
                  Refine&& refine) noexcept {
    constexpr std::size_t most = 1024, lanes = pack_lanes<Real>;
    alignas(pack_bytes) Real before[most], decided[most];
    Real least_decided = 1;
    if constexpr (PackedRule<Rule>) {
        auto least = all(Real{1});
        auto const step = [&](Real* s, Real const* h, std::uint16_t const* d, std::size_t k) {
            auto const old = load(s);
            auto const now = updated<Rule>(old, old * load(h) * twice_beta, load_halves<Real>(d),
                                           layer_blocks::free_flips);
            store(s, now.spin);
            store(before + k, old);
            store(decided + k, now.decided);
            least = smaller(least, now.decided);
        };
        std::size_t k = 0;
        for (; k + lanes <= spins.size(); k += lanes) step(spins.data() + k, fields + k, draws + k, k);
        if (std::size_t const rest = spins.size() - k; rest > 0) {
            Real s[lanes] = {}, h[lanes] = {};
            std::uint16_t d[lanes] = {};
            std::copy_n(spins.data() + k, rest, s);
            std::copy_n(fields + k, rest, h);
            std::copy_n(draws + k, rest, d);
            step(s, h, d, k);
            std::copy_n(s, rest, spins.data() + k);
        }
        for (std::size_t lane = 0; lane < lanes; ++lane)
            least_decided = std::min(least_decided, static_cast<Real>(least[lane]));
    } else {
        for (std::size_t k = 0; k < spins.size(); ++k) {
            before[k] = spins[k];
            auto const now = updated<Rule>(spins[k], spins[k] * fields[k] * twice_beta,
                                           static_cast<Real>(draws[k]), layer_blocks::free_flips);
            spins[k] = now.spin;
            decided[k] = now.decided;
            least_decided = std::min(least_decided, decided[k]);
        }
    }
    if (least_decided > 0) return;
    for (std::size_t k = 0; k < spins.size(); ++k)
        if (!(decided[k] > 0))
            spins[k] = flips_refined<Rule>(static_cast<double>(before[k] * fields[k] * twice_beta), draws[k],
                                           refine(k), layer_blocks::free_flips)
                           ? -before[k]
                           : before[k];
}

/// Updates the sites of a colour in row r. Visit n of the sweep takes 16-bit draw n.
///
/// With `reset`, the external fields take the place of the fields, for the next product to add to: now, while
/// the fields are in the first cache.
template <AcceptanceRule Rule, class Real>
void update_colour(spin_rows<Real>& tile, std::size_t r, std::span<site_range const> ranges,
                   std::size_t visit, double beta, sweep_draws const& draws, std::span<Real const> external,
                   bool reset) noexcept {
    constexpr std::size_t most = 1024;
    std::uint16_t bits[most];
    std::size_t filled = visit;  // draws up to this visit are in `bits`, the first of them at `start`
    std::size_t start = visit, end = visit;
    for (site_range const range : ranges) end += range.size;
    stream const source = draws.of_row(r), refinement = draws.refinement_of_row(r);
    for (site_range const range : ranges)
        for (std::size_t done = 0; done < range.size;) {
            if (visit == filled) {
                start = visit;
                filled =
                    std::min(end, visit + most - visit % 128);  // up to where a chunk of the generator ends
                source.fill_halves(static_cast<std::uint32_t>(visit), {bits, filled - visit});
            }
            std::size_t const count = std::min(range.size - done, filled - visit), at = range.first + done;
            Real* const fields = tile.fields().row(r).data() + at;
            update_spins<Rule>(tile.spins().row(r).subspan(at, count), fields, bits + (visit - start),
                               static_cast<Real>(2 * beta), [&](std::size_t k) {
                                   return refinement.bits(static_cast<std::uint32_t>(visit + k));
                               });
            if (reset) std::copy_n(external.data() + at, count, fields);
            done += count;
            visit += count;
        }
}

/// Puts the external fields where a sweep by colours adds its products to them: everywhere but in the last
/// colour, whose fields are those of the energy.
template <BlockModel M>
void reset_fields(M const& model, spin_rows<typename M::spin_type>& tile, std::size_t first_colour,
                  std::size_t last_colour) noexcept {
    for (std::size_t c = first_colour; c < last_colour; ++c)
        for (site_range const range : model.colour(c))
            for (std::size_t r = 0; r < tile.rows(); ++r)
                std::copy_n(model.external_fields().data() + range.first, range.size,
                            tile.fields().row(r).data() + range.first);
}

/// The energies after a sweep by colours; leaves `fields` as reset_fields does. They cost no further product:
/// with two colours every coupling ends in the last one, whose fields are up to date.
template <BlockModel M>
void energies_after_blocks(M const& model, spin_rows<typename M::spin_type>& tile) noexcept {
    using real = typename M::spin_type;
    std::size_t const colours = model.colours();
    std::span<real const> const external = model.external_fields();
    if (colours > 2) {
        model.fields(std::as_const(tile).spins(), tile.fields());
        for (std::size_t r = 0; r < tile.rows(); ++r) tile.energies()[r] = energy_from_fields(model, tile, r);
        reset_fields(model, tile, 0, colours - 1);
        return;
    }
    bool const without_fields = std::all_of(external.begin(), external.end(), [](real b) { return b == 0; });
    for (std::size_t r = 0; r < tile.rows(); ++r) {
        auto const spins = std::as_const(tile).spins().row(r);
        double energy = 0;
        for (std::size_t c = 0; c < colours; ++c) {
            bool const last = c + 1 == colours;
            if (!last && without_fields) continue;
            auto const* const source = last ? tile.fields().row(r).data() : external.data();
            for (site_range const range : model.colour(c))
                energy -= dot(source + range.first, spins.data() + range.first, range.size);
        }
        tile.energies()[r] = energy;
    }
}

/// One sweep by colours; between sweeps, `fields` is as reset_fields leaves it.
///
/// Colour `redrawn`, if there is one, is updated by heat bath, after a call of `pause`.
template <AcceptanceRule Rule, BlockModel M, class Pause>
void sweep_blocks(M const& model, spin_rows<typename M::spin_type>& tile, std::span<double const> betas,
                  sweep_draws const& draws, std::size_t redrawn, Pause&& pause) noexcept(noexcept(pause())) {
    using real = typename M::spin_type;
    std::size_t const colours = model.colours();
    std::span<real const> const external = model.external_fields();
    reset_fields(model, tile, colours - 1, colours);
    std::size_t visit = 0;
    for (std::size_t c = 0; c < colours; ++c) {
        model.add_block_fields(c, std::as_const(tile).spins(), tile.fields());
        if (c == redrawn) pause();
        for (std::size_t r = 0; r < tile.rows(); ++r)
            if (c == redrawn)
                update_colour<heat_bath_rule>(tile, r, model.colour(c), visit, betas[r], draws, external,
                                              c + 1 < colours);
            else
                update_colour<Rule>(tile, r, model.colour(c), visit, betas[r], draws, external,
                                    c + 1 < colours);
        for (site_range const range : model.colour(c)) visit += range.size;
    }
    energies_after_blocks(model, tile);
}

}  // namespace spinet::detail
