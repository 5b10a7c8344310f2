// SPDX-License-Identifier: BSD-3-Clause
/// Scans: the order in which a sweep visits the sites.
#pragma once

#include <spinet/kernel/rule.hpp>
#include <spinet/model/concepts.hpp>

#include <type_traits>

namespace spinet {

/// N sites drawn at random, with replacement, the same for all rows of a run. Ergodic with every rule here:
/// any site may be left out of a sweep.
struct random_scan {
    static constexpr char const* name() noexcept { return "random"; }
    static constexpr zero_cost free_flips = zero_cost::accept;
};

/// Sites 0, 1, ..., N - 1. Ergodic with heat bath; with Metropolis because flips that cost nothing are taken
/// with probability 1/2 only.
struct sequential_scan {
    static constexpr char const* name() noexcept { return "sequential"; }
    static constexpr zero_cost free_flips = zero_cost::accept_half;
};

/// Colour after colour, a whole colour at once: for models with independent sets (BlockModel), such as the
/// even and odd layers of a network. Ergodic as sequential_scan is.
struct layer_blocks {
    static constexpr char const* name() noexcept { return "layer_blocks"; }
    static constexpr zero_cost free_flips = zero_cost::accept_half;
};

/// The default: layer_blocks where the model has colours, else sequential_scan.
struct natural_scan {
    static constexpr char const* name() noexcept { return "natural"; }
};

template <class Scan, class M>
using scan_for = std::conditional_t<std::is_same_v<Scan, natural_scan>,
                                    std::conditional_t<BlockModel<M>, layer_blocks, sequential_scan>, Scan>;

}  // namespace spinet
