// SPDX-License-Identifier: BSD-3-Clause
/// The random numbers of one sweep of one tile.
#pragma once

#include <spinet/random/streams.hpp>

#include <cstddef>
#include <cstdint>

namespace spinet {

/// Row r of the tile is row `first_row + r` of the run, and site i takes draw i of that row's stream (in a
/// random order of sites: visit i).
struct sweep_draws {
    std::uint64_t seed = 0;
    std::uint32_t sweep = 0;
    std::uint32_t first_row = 0;
    purpose use = purpose::spins;

    [[nodiscard]] stream of_row(std::size_t row) const noexcept {
        return {seed, sweep, first_row + static_cast<std::uint32_t>(row), use};
    }

    /// Further bits for the sites whose 16 bits do not decide.
    [[nodiscard]] stream refinement_of_row(std::size_t row) const noexcept {
        return {seed, sweep, first_row + static_cast<std::uint32_t>(row), purpose::refinement,
                static_cast<std::uint16_t>(use)};
    }

    /// Multi-spin coding: octet o of the tile takes draws 64 i, ..., 64 i + 63 at site i, in each round. An
    /// octet holds 512 rows, so first_row + o is a row of this tile and of no other.
    [[nodiscard]] stream of_octet(std::size_t o, std::uint16_t round) const noexcept {
        return {seed, sweep, first_row + static_cast<std::uint32_t>(o), use,
                static_cast<std::uint16_t>(round + 1)};
    }

    /// Whether a whole row is turned.
    [[nodiscard]] stream mirror_of_row(std::size_t row) const noexcept {
        return {seed, sweep, first_row + static_cast<std::uint32_t>(row), purpose::mirror,
                static_cast<std::uint16_t>(use)};
    }

    /// Cluster moves take their numbers in the order of their use.
    [[nodiscard]] stream clusters_of_row(std::size_t row) const noexcept {
        return {seed, sweep, first_row + static_cast<std::uint32_t>(row), purpose::cluster,
                static_cast<std::uint16_t>(use)};
    }

    /// The order of the sites in a random scan: one for all rows of the run.
    [[nodiscard]] stream site_order() const noexcept {
        // The attempt field keeps the site orders of different purposes apart.
        return {seed, sweep, 0, purpose::scan, static_cast<std::uint16_t>(use)};
    }
};

}  // namespace spinet
