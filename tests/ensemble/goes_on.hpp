// SPDX-License-Identifier: BSD-3-Clause
/// A tile that is saved, loaded into a fresh one, and goes on.
#pragma once

#include "../catch.hpp"
#include <spinet/archive.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

/// Both tiles were made alike. After an archive half-way they stay bitwise the same; all exchanges happen.
template <class Tile>
void require_goes_on(Tile& going, Tile& fresh, std::size_t sites) {
    auto const frozen = [](Tile const& part) {
        spinet::archive_writer out;
        part.save(out);
        return std::move(out).take();
    };
    std::vector<typename Tile::real> const up(sites, 1);
    going.start([&](std::size_t) { return std::span(up); });
    for (std::uint32_t s = 0; s < 9; ++s) going.advance(s);
    auto const half_way = frozen(going);
    spinet::archive_reader in(half_way);
    fresh.load(in);
    for (std::uint32_t s = 9; s < 30; ++s) going.advance(s), fresh.advance(s);
    CHECK(frozen(going) == frozen(fresh));
    CHECK(frozen(going) != half_way);
    for (auto const n : going.counts().accepted) CHECK(n > 0);
}
