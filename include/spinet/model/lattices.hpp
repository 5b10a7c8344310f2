// SPDX-License-Identifier: BSD-3-Clause
/// Regular lattices: ferromagnets and Edwards-Anderson glasses.
#pragma once

#include <spinet/error.hpp>
#include <spinet/model/sparse_ising.hpp>
#include <spinet/random/streams.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace spinet {

/// Gaussian couplings. With a mean of 1 / T, deviation 1, T is on the Nishimori line.
struct gaussian_bonds {
    double mean = 0;
    double deviation = 1;
};

/// +1 with probability `ferromagnetic`, else -1. T = 2 / ln(p / (1 - p)) is on the Nishimori line.
struct plus_minus_bonds {
    double ferromagnetic = 0.5;
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
            throw error("lattice: edge ", d, " is ", edges[d], "; periodic lattices have edges of 3 or more");
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

/// The Edwards-Anderson spin glass, in two, three or any number of dimensions. Source: Edwards and Anderson,
/// J. Phys. F 5, 965 (1975). Throws spinet::error for a mean or deviation that is not finite, a negative
/// deviation, and what periodic_lattice refuses.
template <class Real = float>
[[nodiscard]] sparse_ising<Real> edwards_anderson(std::vector<std::size_t> const& edges,
                                                  gaussian_bonds const& of, std::uint64_t seed) {
    if (!std::isfinite(of.mean) || !(of.deviation >= 0) || !std::isfinite(of.deviation))
        throw error("edwards_anderson: bonds of mean ", of.mean, " and deviation ", of.deviation);
    stream const draws(seed, 0, 0, purpose::couplings);
    return periodic_lattice<Real>(edges, [&](std::size_t k) {
        return of.mean + of.deviation * normal(draws, static_cast<std::uint32_t>(k));
    });
}

/// The Edwards-Anderson spin glass with bonds +1 and -1. Also throws spinet::error for a fraction outside [0,
/// 1].
template <class Real = float>
[[nodiscard]] sparse_ising<Real> edwards_anderson(std::vector<std::size_t> const& edges,
                                                  plus_minus_bonds const& of, std::uint64_t seed) {
    if (!(of.ferromagnetic >= 0 && of.ferromagnetic <= 1))
        throw error("edwards_anderson: a fraction ", of.ferromagnetic, " of ferromagnetic bonds");
    stream const draws(seed, 0, 0, purpose::couplings);
    return periodic_lattice<Real>(edges, [&](std::size_t k) {
        return uniform<double>(draws.bits(static_cast<std::uint32_t>(k))) > 1 - of.ferromagnetic ? 1.0 : -1.0;
    });
}

}  // namespace spinet
