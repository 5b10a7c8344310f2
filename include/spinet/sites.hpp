// SPDX-License-Identifier: BSD-3-Clause
/// Sets of sites: ranges, named groups such as layers, and the sites of one 64-bit word.
#pragma once

#include <spinet/detail/language.hpp>

#include <cstddef>
#include <string>

namespace spinet {

/// A contiguous range of sites.
struct site_range {
    std::size_t first = 0;
    std::size_t size = 0;
};

/// A named set of contiguous sites, such as a layer of a network.
struct spin_group {
    std::string name;
    std::size_t first = 0;
    std::size_t size = 0;
    /// The number of neurons that each spin represents where only some are simulated: its weight in the
    /// overlap of the whole.
    double weight = 1;
};

/// The sites whose spins one 64-bit word holds, lowest bit first. Bits beyond `count` are 0.
struct site_word {
    std::size_t first = 0;
    std::size_t count = 0;
};

}  // namespace spinet
