// SPDX-License-Identifier: BSD-3-Clause
/// Critical temperature and paramagnet of a layered glass of independent random weights (bond matrix).
#pragma once

#include <spinet/error.hpp>
#include <spinet/spectrum/bond_matrix.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

// Everything here holds for INDEPENDENT, ZERO-MEAN weights only, without fields, in the limit of wide layers.
// Trained weights carry a few dominant modes and order far above t_formula: 784-128-64-10 networks trained on
// Fashion-MNIST have t_formula about 2 and order at 9 to 10. It is not lambda_max(J) either
// (largest_eigenvalue.hpp), the naive mean-field T_c: for [800, 200, 100] with variance 1 / fan-in,
// lambda_max(J) / 2 = 0.9949 and t_formula = 0.9306.

namespace spinet {
namespace detail {

/// The bond matrix of a chain of layers.
[[nodiscard]] inline bond_matrix layer_bonds(std::span<std::size_t const> sizes,
                                             std::span<double const> variances) {
    if (sizes.empty() || variances.size() + 1 != sizes.size())
        throw error("bond matrix: expected one variance between each two neighbouring layers, found ",
                    sizes.size(), " layers and ", variances.size(), " variances");
    for (std::size_t l = 0; l < sizes.size(); ++l)
        if (sizes[l] == 0) throw error("bond matrix: layer ", l, " is empty");
    for (std::size_t l = 0; l < variances.size(); ++l)
        if (!(variances[l] >= 0.0 && std::isfinite(variances[l])))
            throw error("bond matrix: expected a finite variance >= 0 between layers ", l, " and ", l + 1,
                        ", found ", variances[l]);
    bond_matrix bonds(std::vector<double>(sizes.begin(), sizes.end()));
    for (std::size_t l = 0; l < variances.size(); ++l) bonds.add(l, l + 1, variances[l]);
    return bonds;
}

}  // namespace detail

/// The spin-glass temperature of a layered network whose weights are independent with mean zero: sqrt(largest
/// eigenvalue of B), B_{l,l+1} = sigma^2_l N_{l+1} and B_{l+1,l} = sigma^2_l N_l, all else zero (the layered
/// Sherrington-Kirkpatrick model of Barney, Winer and Galitski, arXiv 2408.06421). In units of the weights
/// (k_B = 1).
///
/// sizes: spins per layer, N_0 ... N_L. variances: variances[l] is the variance of the couplings between
/// layers l and l + 1; L of them. One layer, or no variance, gives 0. Throws spinet::error for an empty list
/// or layer, another number of variances, or one that is negative or not finite, naming the layer.
inline double t_formula(std::span<std::size_t const> sizes, std::span<double const> variances) {
    return detail::layer_bonds(sizes, variances).t_formula();
}

/// N <q^2>, the variance of sqrt(N) q, for the overlap q of two replicas of such a network above t_formula:
/// sum over l of (N_l / N) sum over l' of [(1 - B / T^2)^-1]_{ll'}, N = sum of N_l. It is 1 at infinite T and
/// diverges at t_formula. Arguments as for t_formula; throws spinet::error at or below that temperature too.
inline double paramagnet_overlap_variance(std::span<std::size_t const> sizes,
                                          std::span<double const> variances, double temperature) {
    bond_matrix const bonds = detail::layer_bonds(sizes, variances);
    double const critical = bonds.t_formula();
    if (!(temperature > critical))
        throw error("paramagnet_overlap_variance: expected a temperature above t_formula = ", critical,
                    ", found ", temperature);
    // With D = diag(sqrt(N_l)) and S = D B D^-1 symmetric: N N<q^2> = d^T (1 - S / T^2)^-1 d, d_l =
    // sqrt(N_l). The pivots of 1 - S / T^2 are positive above t_formula, and d^T M^-1 d is a sum over pivots.
    double pivot = 1.0;
    double forward = std::sqrt(static_cast<double>(sizes[0]));
    double spins = static_cast<double>(sizes[0]);
    double sum = forward * forward;
    for (std::size_t l = 1; l < sizes.size(); ++l) {
        double const bond = bonds.symmetric()(l - 1, l) / temperature / temperature;
        forward = std::sqrt(static_cast<double>(sizes[l])) + bond / pivot * forward;
        pivot = 1.0 - bond * (bond / pivot);
        spins += static_cast<double>(sizes[l]);
        sum += forward * forward / pivot;
    }
    return sum / spins;
}

}  // namespace spinet
