// SPDX-License-Identifier: BSD-3-Clause
/// Models with known physics: random layered networks, Sherrington-Kirkpatrick, Hopfield, Boltzmann machines.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/detail/blas.hpp>
#include <spinet/error.hpp>
#include <spinet/model/dense_ising.hpp>
#include <spinet/model/network_glass.hpp>
#include <spinet/random/streams.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// A layered network without fields whose couplings between layers l and l + 1 are drawn from
/// N(0, variances[l]). Its transition temperature is t_formula(sizes, variances).
template <class Real = float>
[[nodiscard]] network_glass<Real> random_layered_glass(std::vector<std::size_t> const& sizes,
                                                       std::vector<double> const& variances,
                                                       std::uint64_t seed) {
    if (sizes.size() < 2 || variances.size() + 1 != sizes.size())
        throw error("random_layered_glass: ", sizes.size(), " layers need one variance less, got ",
                    variances.size());
    std::vector<row_major_array<Real, 2>> weights;
    for (std::size_t l = 0; l < variances.size(); ++l) {
        if (!(variances[l] >= 0) || !std::isfinite(variances[l]))
            throw error("random_layered_glass: variance ", l, " is negative or not finite");
        auto matrix = row_major_array<Real, 2>::from_shape({sizes[l + 1], sizes[l]});
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
    auto couplings = row_major_array<Real, 2>::from_shape({spins, spins});
    double const deviation = 1.0 / std::sqrt(static_cast<double>(spins));
    for (std::size_t i = 0; i < spins; ++i) {
        stream const draws(seed, 0, static_cast<std::uint32_t>(i), purpose::couplings);
        couplings(i, i) = Real{0};
        for (std::size_t j = 0; j < i; ++j)
            couplings(i, j) = couplings(j, i) =
                static_cast<Real>(deviation * normal(draws, static_cast<std::uint32_t>(j)));
    }
    return dense_ising<Real>(couplings);
}

/// Patterns +-1, each component with probability 1/2: (patterns, spins).
template <class Real = float>
[[nodiscard]] row_major_array<Real, 2> random_patterns(std::size_t patterns, std::size_t spins,
                                                       std::uint64_t seed) {
    if (patterns == 0 || spins == 0) throw error("random_patterns: no patterns or no spins");
    auto values = row_major_array<Real, 2>::from_shape({patterns, spins});
    for (std::size_t mu = 0; mu < patterns; ++mu)
        stream(seed, 0, static_cast<std::uint32_t>(mu), purpose::couplings)
            .fill_signs(std::span(values.data() + mu * spins, spins));
    return values;
}

/// The Hopfield model by Hebb's rule: J_ij = sum over patterns of xi_i xi_j / N, no diagonal, no fields.
/// `patterns` is (patterns, spins), of any load P / N: an xtensor expression of any kind. Without noise a
/// pattern is remembered up to a load of 0.138. Source: Hopfield, PNAS 79, 2554 (1982); Amit, Gutfreund and
/// Sompolinsky, Phys. Rev. Lett. 55, 1530 (1985). Throws spinet::error for no patterns or spins, and a
/// component that is not finite.
template <class Real = void, class Patterns = row_major_array<Real, 2>>
[[nodiscard]] auto hopfield(Patterns const& patterns) {
    using real = detail::spin_type_for<Patterns, Real>;
    auto const& values = detail::as_row_major<real, 2>(patterns, "hopfield: patterns");
    std::size_t const count = values.shape()[0], spins = values.shape()[1];
    if (count == 0 || spins == 0) throw error("hopfield: no patterns or no spins");
    if (std::max(count, spins) > detail::blas_limit) throw error("hopfield: more than BLAS can index");
    auto sites = row_major_array<real, 2>::from_shape({spins, count});
    for (std::size_t mu = 0; mu < count; ++mu)
        for (std::size_t i = 0; i < spins; ++i) {
            if (!std::isfinite(values(mu, i)))
                throw error("hopfield: component ", i, " of pattern ", mu, " is not finite");
            sites(i, mu) = values(mu, i);
        }
    auto couplings = row_major_array<real, 2>::from_shape({spins, spins});
    detail::gram(spins, count, sites.data(), count, couplings.data(), spins);  // above the diagonal
    for (std::size_t i = 0; i < spins; ++i) {
        couplings(i, i) = real{0};
        for (std::size_t j = i + 1; j < spins; ++j)
            couplings(j, i) = couplings(i, j) /= static_cast<real>(spins);
    }
    return dense_ising<real>(couplings);
}

/// The values that the units of a Boltzmann machine take.
enum class unit_values {
    plus_minus,  ///< +1 and -1
    zero_one,    ///< 0 and 1
};

/// A restricted Boltzmann machine, E = -sum W_ij h_i v_j - sum a_j v_j - sum c_i h_i, as two layers of spins:
/// "visible", then "hidden". `weights` is (hidden, visible), the biases a and c have as many entries or
/// none: xtensor expressions of any kind, the biases also std::vectors. Units 0 and 1 are (1 + s) / 2, which
/// makes couplings W / 4 and fields a_j / 2 + sum_i W_ij / 4 of them, and the energy E - E(all units at 1/2).
/// Throws spinet::error for shapes that disagree and numbers that are not finite.
template <class Real = void, class W = row_major_array<Real, 2>, class A = std::vector<double>,
          class C = std::vector<double>>
[[nodiscard]] auto boltzmann_machine(W const& weights, A const& visible = {}, C const& hidden = {},
                                     unit_values units = unit_values::plus_minus) {
    using real = detail::spin_type_for<W, Real>;
    auto couplings = detail::row_major_copy<real, 2>(weights, "boltzmann_machine: weights");
    std::size_t const rows = couplings.shape()[0], columns = couplings.shape()[1];
    auto const fields_of = [&](auto const& biases, std::size_t size, std::string const& which) {
        auto fields =
            detail::fields_or_zeros<double>(biases, size, "boltzmann_machine: " + which + " biases");
        if (fields.size() != size)
            throw error("boltzmann_machine: ", size, " ", which, " units, but ", fields.size(), " biases");
        if (units == unit_values::zero_one)
            for (double& field : fields) field *= 0.5;
        return fields;
    };
    auto a = fields_of(visible, columns, "visible"), c = fields_of(hidden, rows, "hidden");
    if (units == unit_values::zero_one)
        for (std::size_t i = 0; i < rows; ++i)
            for (std::size_t j = 0; j < columns; ++j) {
                double const quarter = static_cast<double>(couplings(i, j)) / 4;
                a[j] += quarter;
                c[i] += quarter;
                couplings(i, j) = static_cast<real>(quarter);
            }
    a.insert(a.end(), c.begin(), c.end());
    return network_glass<real>({{"visible", 0, columns}, {"hidden", 0, rows}}, a,
                               {dense_block<real>(0, 1, std::move(couplings))});
}

}  // namespace spinet
