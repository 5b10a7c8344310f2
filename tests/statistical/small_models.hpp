// SPDX-License-Identifier: BSD-3-Clause
/// The models of eight spins on which every kernel is held against enumeration.
#pragma once

#include "../catch.hpp"
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/sparse_ising.hpp>
#include <spinet/testing/exact_start.hpp>
#include <spinet/testing/transition_matrix.hpp>

#include <string>
#include <vector>

namespace small_models {

using namespace spinet;

/// Independent samples of each test: enough for a rule that is wrong by 2 %
/// (tests/statistical/wrong_kernels).
inline constexpr std::uint64_t samples = 1'000'000;

/// 67 choices of kernel, model, exchange and pair move x 3 temperatures x 2 (one and two sweeps), 8 at low
/// temperatures, and 3 joint distributions of two replicas.
inline constexpr double comparisons = 67 * 3 * 2 + 8 + 3;
inline constexpr double threshold = 0.001 / comparisons;

inline ladder temperatures() { return ladder({0.7, 1.2, 2.5}); }

inline std::vector<float> numbers(std::size_t count, double deviation, std::uint32_t row) {
    stream const draws(2026, 0, row, purpose::testing);
    std::vector<float> values(count);
    for (std::size_t k = 0; k < count; ++k)
        values[k] = static_cast<float>(deviation * normal(draws, static_cast<std::uint32_t>(k)));
    return values;
}

inline xt::xtensor<float, 2> matrix(std::size_t rows, std::size_t columns, double deviation,
                                    std::uint32_t row) {
    xt::xtensor<float, 2> m;
    m.resize({rows, columns});
    auto const values = numbers(rows * columns, deviation, row);
    std::copy(values.begin(), values.end(), m.data());
    return m;
}

inline xt::xtensor<float, 1> vector(std::size_t size, double deviation, std::uint32_t row) {
    xt::xtensor<float, 1> v;
    v.resize({size});
    auto const values = numbers(size, deviation, row);
    std::copy(values.begin(), values.end(), v.data());
    return v;
}

/// 3-3-2 with fields on every layer.
inline network_glass<float> layered() {
    return layered_glass<float>({matrix(3, 3, 0.7, 1), matrix(2, 3, 0.7, 2)},
                                {vector(3, 0.4, 3), vector(3, 0.4, 4), vector(2, 0.4, 5)});
}

/// The same with the middle spin of the first layer pruned: no couplings, no field.
inline network_glass<float> with_isolated_spin() {
    auto first = matrix(3, 3, 0.7, 1);
    for (std::size_t i = 0; i < 3; ++i) first(i, 1) = 0;
    auto fields = vector(3, 0.4, 3);
    fields(1) = 0;
    return layered_glass<float>({first, matrix(2, 3, 0.7, 2)},
                                {fields, vector(3, 0.4, 4), vector(2, 0.4, 5)});
}

/// 2-4-2 with fields: the middle layer is the larger colour.
inline network_glass<float> wide_in_the_middle() {
    return layered_glass<float>({matrix(4, 2, 0.7, 12), matrix(2, 4, 0.7, 13)},
                                {vector(2, 0.4, 14), vector(4, 0.4, 15), vector(2, 0.4, 16)});
}

/// Three layers, each coupled to both others: three colours.
inline network_glass<float> three_colours() {
    return network_glass<float>(
        {{"a", 0, 3}, {"b", 0, 3}, {"c", 0, 2}}, numbers(8, 0.4, 17),
        {dense_block<float>(0, 1, matrix(3, 3, 0.6, 18)), dense_block<float>(1, 2, matrix(2, 3, 0.6, 19)),
         dense_block<float>(0, 2, matrix(2, 3, 0.6, 20))});
}

/// A map of 3 spins, a convolution of it (width 3, stride 2, padded on both sides) and an identity.
inline network_glass<float> windows() {
    window_extent const row{1, 1, 1, 1, 0, 1};
    return network_glass<float>(
        {{"map", 0, 3}, {"result", 0, 2}, {"copy", 0, 3}}, numbers(8, 0.4, 60),
        {window_block<float>(0, 1, {1, 1, 1, row, {3, 2, 3, 2, 1, 1}}, numbers(3, 0.8, 61)),
         window_block<float>(0, 2, {1, 1, 1, row, {3, 3, 1, 1, 0, 1}}, numbers(1, 0.8, 62))});
}

inline dense_ising<float> dense() {
    auto const upper = matrix(8, 8, 0.4, 6);
    xt::xtensor<float, 2> couplings;
    couplings.resize({8, 8});
    for (std::size_t i = 0; i < 8; ++i)
        for (std::size_t j = 0; j < 8; ++j)
            couplings(i, j) = i == j ? 0.0f : upper(std::min(i, j), std::max(i, j));
    return dense_ising<float>(couplings, vector(8, 0.4, 7));
}

/// Eight spins in a ring with three chords and a spin of a single neighbour, with fields on every other spin.
inline sparse_ising<float> graph() {
    auto const j = numbers(11, 0.8, 8), b = numbers(8, 0.4, 9);
    std::vector<bond<float>> const bonds{{0, 1, j[0]}, {1, 2, j[1]}, {2, 3, j[2]}, {3, 4, j[3]},
                                         {4, 5, j[4]}, {5, 6, j[5]}, {6, 0, j[6]}, {0, 3, j[7]},
                                         {1, 5, j[8]}, {2, 6, j[9]}, {7, 4, j[10]}};
    return sparse_ising<float>(8, bonds, {b[0], 0, b[2], 0, b[4], 0, b[6], 0});
}

/// A cube with couplings of size 0.8 and mixed signs, and a diagonal of a face: spins of three and four
/// neighbours.
inline sparse_ising<float> plus_minus_graph() {
    float const j = 0.8f;
    return sparse_ising<float>(8, {{0, 1, j},
                                   {2, 3, -j},
                                   {4, 5, j},
                                   {6, 7, j},
                                   {0, 2, -j},
                                   {1, 3, -j},
                                   {4, 6, j},
                                   {5, 7, -j},
                                   {0, 4, j},
                                   {1, 5, j},
                                   {2, 6, -j},
                                   {3, 7, j},
                                   {0, 3, -j}});
}

/// What a user's own model may be: three members, no refinement.
struct plain {
    using spin_type = float;
    dense_ising<float> inner = dense();
    [[nodiscard]] std::size_t size() const { return inner.size(); }
    [[nodiscard]] double energy(std::span<float const> spins) const { return inner.energy(spins); }
    [[nodiscard]] double energy_change(std::span<float const> spins, std::size_t site, float value) const {
        return inner.energy_change(spins, site, value);
    }
};

/// Pass: the distribution after the moves of parallel tempering is the exact one, at all three temperatures;
/// after a sweep (without exchanges, where these come after it), and after two sweeps and all exchanges.
template <class M, class K, class Exchange = energy_exchange, class Pairs = no_pair_move>
void require_invariance(std::string const& name, M const& model, K const& kernel,
                        std::uint64_t count = samples, Exchange const& exchange = {},
                        Pairs const& pairs = {}) {
    auto const fits =
        spinet::testing::fit_each_move(model, kernel, exchange, temperatures(), count, 2, 1.0, pairs);
    for (auto const* after : {&fits.swept, &fits.exchanged})
        for (std::size_t k = 0; k < after->size(); ++k) {
            auto const& found = (*after)[k];
            CAPTURE(name, kernel.name(), exchange.name(), pairs.name(), after == &fits.swept,
                    temperatures()[k], found.chi_square, found.degrees_of_freedom);
            CHECK(found.p_value > threshold);
        }
}

}  // namespace small_models
