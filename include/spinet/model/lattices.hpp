// SPDX-License-Identifier: BSD-3-Clause
/// Regular lattices: ferromagnets and Edwards-Anderson glasses.
#pragma once

#include <spinet/error.hpp>
#include <spinet/model/sparse_ising.hpp>
#include <spinet/random/streams.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace spinet {

/// Distributions of random couplings of variance 1.
enum class disorder {
    gaussian,    ///< N(0, 1)
    plus_minus,  ///< +1 or -1 with probability 1/2
};

/// The bonds of a hypercubic lattice with periodic boundaries: from each site one in every direction. Site
/// x + edges[0] (y + edges[1] (z + ...)). `coupling(k)` is that of bond k = site * dimensions + direction.
/// Throws spinet::error for no edges, or an edge below 3 (its sites would be their own neighbours, or twice).
template <class Real = float, class Coupling>
[[nodiscard]] sparse_ising<Real> periodic_lattice(std::vector<std::size_t> const& edges,
                                                  Coupling&& coupling) {
    if (edges.empty()) throw error("lattice: no edges");
    std::size_t sites = 1;
    for (std::size_t d = 0; d < edges.size(); ++d) {
        if (edges[d] < 3)
            throw error("lattice: edge " + std::to_string(d) + " is " + std::to_string(edges[d]) +
                        "; periodic lattices have edges of 3 or more");
        if (edges[d] > std::numeric_limits<std::uint32_t>::max() / sites)
            throw error("lattice: too many sites");
        sites *= edges[d];
    }
    std::vector<bond<Real>> bonds;
    for (std::size_t site = 0; site < sites; ++site) {
        std::size_t stride = 1;
        for (std::size_t const edge : edges) {
            bool const at_end = site / stride % edge + 1 == edge;
            std::size_t const next = at_end ? site - (edge - 1) * stride : site + stride;
            bonds.push_back({static_cast<std::uint32_t>(site), static_cast<std::uint32_t>(next),
                             static_cast<Real>(coupling(bonds.size()))});
            stride *= edge;
        }
    }
    return sparse_ising<Real>(sites, bonds);
}

/// The Ising ferromagnet, J = 1. In two dimensions T_c = 2 / ln(1 + sqrt 2) = 2.2691853.
template <class Real = float>
[[nodiscard]] sparse_ising<Real> ising_lattice(std::vector<std::size_t> const& edges) {
    return periodic_lattice<Real>(edges, [](std::size_t) { return 1.0; });
}

/// The Edwards-Anderson spin glass. Source: Edwards and Anderson, J. Phys. F 5, 965 (1975).
template <class Real = float>
[[nodiscard]] sparse_ising<Real> edwards_anderson(std::vector<std::size_t> const& edges, disorder of,
                                                  std::uint64_t seed) {
    stream const draws(seed, 0, 0, purpose::couplings);
    return periodic_lattice<Real>(edges, [&](std::size_t k) {
        auto const n = static_cast<std::uint32_t>(k);
        if (of == disorder::gaussian) return normal(draws, n);
        return (draws.bits(n) >> 31) != 0 ? 1.0 : -1.0;
    });
}

}  // namespace spinet
