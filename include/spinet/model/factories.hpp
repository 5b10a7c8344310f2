// SPDX-License-Identifier: BSD-3-Clause
/// Models with known physics: random layered networks, Sherrington-Kirkpatrick.
#pragma once

#include <spinet/model/dense_ising.hpp>
#include <spinet/model/network_glass.hpp>
#include <spinet/random/streams.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace spinet {

/// A layered network without fields whose couplings between layers l and l + 1 are drawn from
/// N(0, variances[l]). Its transition temperature is t_formula(sizes, variances).
template <class Real = float>
[[nodiscard]] network_glass<Real> random_layered_glass(std::vector<std::size_t> const& sizes,
                                                       std::vector<double> const& variances,
                                                       std::uint64_t seed) {
    if (sizes.size() < 2 || variances.size() + 1 != sizes.size())
        throw error("random_layered_glass: " + std::to_string(sizes.size()) +
                    " layers need one variance less, got " + std::to_string(variances.size()));
    std::vector<xt::xtensor<Real, 2>> weights;
    for (std::size_t l = 0; l < variances.size(); ++l) {
        if (!(variances[l] >= 0) || !std::isfinite(variances[l]))
            throw error("random_layered_glass: variance " + std::to_string(l) + " is negative or not finite");
        xt::xtensor<Real, 2> matrix;
        matrix.resize({sizes[l + 1], sizes[l]});
        stream const draws(seed, 0, static_cast<std::uint32_t>(l), purpose::couplings);
        double const deviation = std::sqrt(variances[l]);
        for (std::size_t k = 0; k < matrix.size(); ++k)
            matrix.data()[k] = static_cast<Real>(deviation * normal(draws, static_cast<std::uint32_t>(k)));
        weights.push_back(std::move(matrix));
    }
    return layered_glass<Real>(std::move(weights));
}

/// The Sherrington-Kirkpatrick model: H = -sum_{i<j} J_ij s_i s_j with J_ij from N(0, 1/N); T_c = 1.
/// Source: Sherrington and Kirkpatrick, Phys. Rev. Lett. 35, 1792 (1975).
template <class Real = float>
[[nodiscard]] dense_ising<Real> sherrington_kirkpatrick(std::size_t spins, std::uint64_t seed) {
    xt::xtensor<Real, 2> couplings;
    couplings.resize({spins, spins});
    double const deviation = 1.0 / std::sqrt(static_cast<double>(spins));
    for (std::size_t i = 0; i < spins; ++i) {
        stream const draws(seed, 0, static_cast<std::uint32_t>(i), purpose::couplings);
        couplings(i, i) = Real{0};
        for (std::size_t j = 0; j < i; ++j)
            couplings(i, j) = couplings(j, i) =
                static_cast<Real>(deviation * normal(draws, static_cast<std::uint32_t>(j)));
    }
    return dense_ising<Real>(std::move(couplings));
}

}  // namespace spinet
