// SPDX-License-Identifier: BSD-3-Clause
/// How the rows of a run are cut into tiles: by nothing but their number, so that results never depend on the
/// number of workers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace spinet {

/// How `replicas` ladders of `temperatures` rungs are cut into tiles. About `rows_wanted` rows a tile; an
/// even number of tiles or one; at least two ladders to a tile from four ladders on; sizes equal to within
/// one.
[[nodiscard]] inline std::vector<std::size_t> ladders_per_tile(std::size_t replicas, std::size_t temperatures,
                                                               std::size_t rows_wanted = 128) {
    std::size_t tiles = (replicas * temperatures + rows_wanted - 1) / rows_wanted;
    tiles = std::min(tiles + tiles % 2, replicas / 2);
    tiles = std::max<std::size_t>(tiles - tiles % 2, 1);
    std::vector<std::size_t> sizes(tiles, replicas / tiles);
    for (std::size_t t = 0; t < replicas % tiles; ++t) ++sizes[t];
    return sizes;
}

}  // namespace spinet
