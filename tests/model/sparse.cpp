// SPDX-License-Identifier: BSD-3-Clause
/// Sparse models and lattices: energies by definition, structure, and what is refused.
#include "../catch.hpp"
#include <spinet/model/lattices.hpp>
#include <spinet/model/sparse_ising.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace spinet;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a sparse model: energy, energy changes and fields by definition", "[model]") {
    std::vector<bond<double>> const bonds{{0, 1, 0.5}, {3, 1, -2}, {0, 1, 0.25}, {2, 3, 1}};
    std::vector<double> const b{0.1, -0.2, 0.3, 0};
    sparse_ising<double> const model(4, bonds, b);
    static_assert(SparseModel<sparse_ising<double>> && PairModel<sparse_ising<float>>);
    CHECK(model.neighbours(1).size() == 2);
    CHECK(model.neighbour_couplings(1)[0] == 0.75);  // two bonds add up
    for (unsigned state = 0; state < 16; ++state) {
        std::vector<double> s(4);
        for (unsigned i = 0; i < 4; ++i) s[i] = (state >> i & 1u) != 0 ? 1 : -1;
        double energy = 0;
        for (auto const& each : bonds) energy -= each.coupling * s[each.first] * s[each.second];
        for (unsigned i = 0; i < 4; ++i) energy -= b[i] * s[i];
        CHECK(model.energy(s) == Approx(energy).margin(1e-14));
        std::vector<double> h(4);
        model.fields({s.data(), 1, 4, 4}, {h.data(), 1, 4, 4});
        for (unsigned i = 0; i < 4; ++i) {
            auto flipped = s;
            flipped[i] = -s[i];
            CHECK(model.energy_change(s, i, -s[i]) == Approx(model.energy(flipped) - energy).margin(1e-14));
            CHECK(2 * s[i] * h[i] == Approx(model.energy(flipped) - energy).margin(1e-14));
        }
    }
}

TEST_CASE("lattices: every site has two neighbours in each direction", "[model]") {
    auto const model = edwards_anderson({3, 4, 5}, plus_minus_bonds{}, 7);
    REQUIRE(model.size() == 60);
    double sum = 0;
    for (std::size_t i = 0; i < 60; ++i) {
        REQUIRE(model.neighbours(i).size() == 6);
        for (float const j : model.neighbour_couplings(i)) {
            CHECK(std::abs(j) == 1);
            sum += static_cast<double>(j);
        }
    }
    CHECK(std::abs(sum / 2) < 4 * std::sqrt(180.0));
    // Site x + 3 (y + 4 z): the neighbours of (0, 0, 0).
    auto const of_origin = model.neighbours(0);
    CHECK(std::vector<std::uint32_t>(of_origin.begin(), of_origin.end()) ==
          std::vector<std::uint32_t>{1, 2, 3, 9, 12, 48});
    auto const gaussian = edwards_anderson<double>({8, 8, 8}, gaussian_bonds{}, 7);
    double squares = 0;
    for (std::size_t i = 0; i < 512; ++i)
        for (double const j : gaussian.neighbour_couplings(i)) squares += j * j / 2 / (3 * 512);
    CHECK(std::abs(squares - 1) < 4 * std::sqrt(2.0 / (3 * 512)));
    CHECK(ising_lattice({4, 4}).energy(std::vector<float>(16, 1.0f)) == -32);
}

TEST_CASE("sparse models and lattices refuse bad input, naming it", "[model]") {
    using model = sparse_ising<float>;
    CHECK_THROWS_WITH(model(0, {}), ContainsSubstring("no spins"));
    CHECK_THROWS_WITH(model(2, {{0, 2, 1.0f}}),
                      ContainsSubstring("bond 0 (0, 2) names a spin beyond the last, 1"));
    CHECK_THROWS_WITH(model(2, {{0, 1, 1.0f}, {1, 1, 1.0f}}),
                      ContainsSubstring("bond 1 (1, 1) joins a spin to itself"));
    CHECK_THROWS_WITH(model(2, {{0, 1, std::numeric_limits<float>::infinity()}}),
                      ContainsSubstring("bond 0 (0, 1) is not finite"));
    CHECK_THROWS_WITH(model(2, {{0, 1, 3e38f}, {0, 1, 3e38f}}),
                      ContainsSubstring("the field of spin 0 can overflow"));
    CHECK_THROWS_WITH(model(2, {}, {1.0f}), ContainsSubstring("2 spins, but 1 fields"));
    CHECK_THROWS_WITH(model(2, {}, {1.0f, std::nanf("")}), ContainsSubstring("field 1 is not finite"));
    CHECK_THROWS_WITH(ising_lattice({}), ContainsSubstring("no edges"));
    CHECK_THROWS_WITH(ising_lattice({4, 2}), ContainsSubstring("edge 1 is 2"));
    CHECK_THROWS_WITH(ising_lattice({70000, 70000}), ContainsSubstring("too many sites"));
}
