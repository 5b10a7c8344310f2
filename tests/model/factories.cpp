// SPDX-License-Identifier: BSD-3-Clause
/// Hopfield models and Boltzmann machines against their definitions; bonds with a mean.
#include "../catch.hpp"
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>

#include <cmath>
#include <vector>

using namespace spinet;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

double sum_of_bonds(sparse_ising<float> const& lattice) {
    return -lattice.energy(std::vector<float>(lattice.size(), 1.0f));
}

}  // namespace

TEST_CASE("Hopfield: the energy is that of the overlaps with the patterns", "[model]") {
    for (std::size_t const count : {1u, 3u, 60u}) {
        std::size_t const n = 40;
        auto const patterns = random_patterns<double>(count, n, 5);
        auto const model = hopfield(patterns);
        std::vector<double> s(n);
        stream(1, 0, 0, purpose::testing).fill_signs(std::span(s));
        // E = -N/2 sum of m_mu^2 + P / 2
        double expected = static_cast<double>(count) / 2;
        for (std::size_t mu = 0; mu < count; ++mu) {
            double m = 0;
            for (std::size_t i = 0; i < n; ++i) m += patterns(mu, i) * s[i] / static_cast<double>(n);
            expected -= static_cast<double>(n) / 2 * m * m;
        }
        CHECK(model.energy(s) == Approx(expected).margin(1e-12));
        for (std::size_t k = 0; k < patterns.size(); ++k) REQUIRE(std::abs(patterns.data()[k]) == 1);
    }
    auto broken = random_patterns<float>(2, 3, 1);
    broken(1, 2) = std::nanf("");
    CHECK_THROWS_WITH(hopfield(broken), ContainsSubstring("component 2 of pattern 1 is not finite"));
    CHECK_THROWS_WITH(random_patterns(0, 3, 1), ContainsSubstring("no patterns"));
}

TEST_CASE("Boltzmann machines: units +-1, and units 0 and 1 up to a constant", "[model]") {
    xt::xtensor<double, 2> weights{{0.5, -1.0, 2.0}, {1.5, 0.25, -0.75}};
    xt::xtensor<double, 1> a{0.1, -0.2, 0.3}, c{-0.4, 0.6};
    auto const energy = [&](std::vector<double> const& units) {
        double e = 0;
        for (std::size_t j = 0; j < 3; ++j) e -= a(j) * units[j];
        for (std::size_t i = 0; i < 2; ++i) {
            e -= c(i) * units[3 + i];
            for (std::size_t j = 0; j < 3; ++j) e -= weights(i, j) * units[3 + i] * units[j];
        }
        return e;
    };
    auto const spins_model = boltzmann_machine(weights, a, c);
    auto const units_model = boltzmann_machine(weights, a, c, unit_values::zero_one);
    CHECK(spins_model.groups()[1].name == "hidden");
    for (int state = 0; state < 32; ++state) {
        std::vector<double> s, units;
        for (int i = 0; i < 5; ++i) {
            s.push_back(state >> i & 1 ? 1 : -1);
            units.push_back(state >> i & 1 ? 1 : 0);
        }
        CHECK(spins_model.energy(s) == Approx(energy(s)).margin(1e-13));
        CHECK(units_model.energy(s) ==
              Approx(energy(units) - energy(std::vector<double>(5, 0.5))).margin(1e-13));
    }
    CHECK(boltzmann_machine(weights).external_fields()[4] == 0);
    CHECK_THROWS_WITH(boltzmann_machine(weights, c), ContainsSubstring("3 visible units, but 2 biases"));
}

TEST_CASE("Edwards-Anderson: fractions and means of the bonds", "[model]") {
    std::vector<std::size_t> const edges{16, 16, 16};
    double const bonds = 3 * 4096;
    // 4.5 errors each: a false alarm in 3e-5 of all seeds.
    double const p = 0.8;
    CHECK(std::abs(sum_of_bonds(edwards_anderson(edges, plus_minus_bonds{p}, 3)) / bonds - (2 * p - 1)) <
          4.5 * std::sqrt(4 * p * (1 - p) / bonds));
    CHECK(sum_of_bonds(edwards_anderson(edges, plus_minus_bonds{1}, 3)) == bonds);
    CHECK(sum_of_bonds(edwards_anderson(edges, plus_minus_bonds{0}, 3)) == -bonds);
    gaussian_bonds const shifted{.mean = 0.5, .deviation = 2};
    double const mean = sum_of_bonds(edwards_anderson(edges, shifted, 3)) / bonds;
    CHECK(std::abs(mean - 0.5) < 4.5 * 2 / std::sqrt(bonds));
    CHECK(std::abs(mean - 0.5) > 1e-9);
    CHECK_THROWS_WITH(edwards_anderson(edges, plus_minus_bonds{1.5}, 3), ContainsSubstring("1.5"));
    CHECK_THROWS_WITH(edwards_anderson(edges, plus_minus_bonds{std::nan("")}, 3), ContainsSubstring("nan"));
    CHECK_THROWS_WITH(edwards_anderson(edges, gaussian_bonds{0, -1}, 3), ContainsSubstring("deviation -1"));
}
