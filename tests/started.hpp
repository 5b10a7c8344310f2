// SPDX-License-Identifier: BSD-3-Clause
/// A tile that is ready to sweep.
#pragma once

#include <spinet/random/streams.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// `rows` rows of random spins, the same for every kernel.
template <class M, class K>
[[nodiscard]] auto started(M const& model, K const& kernel, std::size_t rows) {
    auto tile = kernel.make_state(model, rows);
    std::vector<typename M::spin_type> spins(model.size());
    for (std::uint32_t r = 0; r < rows; ++r) {
        spinet::stream(8, 0, r, spinet::purpose::start).fill_signs(std::span(spins));
        tile.set_row(r, spins);
    }
    kernel.prepare(model, tile);
    return tile;
}

/// The spins of its rows.
template <class M, class Tile>
[[nodiscard]] auto rows_of(M const& model, Tile const& tile, std::size_t rows) {
    std::vector<std::vector<typename M::spin_type>> all(rows,
                                                        std::vector<typename M::spin_type>(model.size()));
    for (std::size_t r = 0; r < rows; ++r) tile.copy_row(r, all[r]);
    return all;
}
