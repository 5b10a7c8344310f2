// SPDX-License-Identifier: BSD-3-Clause
/// Multi-spin coding: the energy of every replica, its own temperature, and what is refused.
#include "../catch.hpp"
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/statistics/distributions.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

template <class M, class K>
auto started(M const& model, K const& kernel, std::size_t rows) {
    auto tile = kernel.make_state(model, rows);
    std::vector<float> spins(model.size());
    for (std::uint32_t r = 0; r < rows; ++r) {
        for (std::uint32_t i = 0; i < spins.size(); ++i)
            spins[i] = (stream(4, 0, r, purpose::start).bits(i) >> 31) != 0 ? 1.0f : -1.0f;
        tile.set_row(r, spins);
    }
    kernel.prepare(model, tile);
    return tile;
}

/// Mean energies of the rows over `sweeps` sweeps.
template <class M, class K>
std::vector<double> mean_energies(M const& model, K const& kernel, std::vector<double> const& betas,
                                  std::uint32_t sweeps) {
    auto tile = started(model, kernel, betas.size());
    std::vector<double> mean(betas.size());
    for (std::uint32_t s = 0; s < sweeps + 200; ++s) {
        kernel.sweep(model, tile, betas, {12, s, 0, purpose::spins});
        if (s < 200) continue;
        for (std::size_t r = 0; r < mean.size(); ++r) mean[r] += tile.energies()[r] / sweeps;
    }
    return mean;
}

template <class K>
void every_replica(K const& kernel) {
    // Periodic 4 x 4 Ising model at T = 2: e = -1.755380 (shared/ORACLES.md, section 4).
    auto const model = ising_lattice({4, 4});
    double const exact = -1.755380 * 16;
    std::size_t const rows = 600;
    auto const mean = mean_energies(model, kernel, std::vector<double>(rows, 0.5), 4000);
    double sum = 0, squares = 0;
    for (double const e : mean) sum += e;
    for (double const e : mean) squares += (e - sum / rows) * (e - sum / rows);
    double const deviation = std::sqrt(squares / (rows - 1));  // of one replica's mean
    CAPTURE(kernel.name(), deviation, sum / rows);
    CHECK(deviation < 0.2);  // of 28: enough to see bits that are not independent
    // p = 0.001, shared among the replicas and their mean: 4.9 standard deviations of a normal distribution.
    CHECK(std::abs(sum / rows - exact) < 4.9 * deviation / std::sqrt(rows));
    for (std::size_t r = 0; r < rows; ++r) {
        CAPTURE(r);
        CHECK(std::abs(mean[r] - exact) < 4.9 * deviation);
    }
}

}  // namespace

TEST_CASE("multi-spin coding: every replica has the exact energy", "[kernel][slow]") {
    every_replica(multi_spin{});
    every_replica(multi_spin{glauber{}});
}

TEST_CASE("multi-spin coding: every row keeps to its own temperature", "[kernel]") {
    // 2D Ising, high temperatures: u = -2 tanh(beta) (1 + 2 t^2 + ...) is monotone; rows with equal beta
    // agree.
    auto const model = ising_lattice({8, 8});
    std::vector<double> betas;
    for (std::size_t r = 0; r < 130; ++r) betas.push_back(r % 2 == 0 ? 0.1 : 0.3);
    auto const mean = mean_energies(model, multi_spin{}, betas, 400);
    double cold = 0, hot = 0;
    for (std::size_t r = 0; r < 130; ++r) (r % 2 == 0 ? hot : cold) += mean[r] / 65 / 64;
    // Series of the square lattice, t = tanh beta: u = -2 t - 4 t^3 - 8 t^5 + O(t^7) (Onsager).
    auto const series = [](double beta) {
        double const t = std::tanh(beta);
        return -2 * t - 4 * std::pow(t, 3) - 8 * std::pow(t, 5);
    };
    CHECK(std::abs(hot - series(0.1)) < 0.003);
    CHECK(std::abs(cold - series(0.3)) < 0.03);
    for (std::size_t r = 0; r < 130; ++r) CHECK((mean[r] / 64 < -0.4) == (r % 2 == 1));
}

TEST_CASE("multi-spin coding: energies are those of the spins, for any number of rows", "[kernel]") {
    auto const model = edwards_anderson({3, 4, 5}, disorder::plus_minus, 9);
    for (std::size_t const rows : {1u, 63u, 64u, 65u, 513u}) {
        multi_spin const kernel;
        auto tile = started(model, kernel, rows);
        std::vector<double> const betas(rows, 0.7);
        for (std::uint32_t s = 0; s < 3; ++s) kernel.sweep(model, tile, betas, {2, s, 0, purpose::spins});
        std::vector<float> spins(model.size());
        for (std::size_t r = 0; r < rows; ++r) {
            tile.copy_row(r, spins);
            CAPTURE(rows, r);
            REQUIRE(tile.energies()[r] == model.energy(spins));
        }
    }
}

TEST_CASE("multi-spin coding refuses what it cannot code", "[kernel]") {
    multi_spin const kernel;
    CHECK_THROWS_WITH(kernel.make_state(edwards_anderson({3, 3}, disorder::gaussian, 1), 64),
                      ContainsSubstring("multi_spin: spin 0") && ContainsSubstring("+J and -J only"));
    CHECK_THROWS_WITH(kernel.make_state(sparse_ising<float>(3, {{0, 1, 1.0f}}, {0, 0, 0.5f}), 64),
                      ContainsSubstring("multi_spin: spin 2 has a field"));
    std::vector<bond<float>> star;
    for (std::uint32_t k = 1; k < 18; ++k) star.push_back({0, k, 1.0f});
    CHECK_THROWS_WITH(kernel.make_state(sparse_ising<float>(18, star), 64),
                      ContainsSubstring("spin 0 has more than 15 neighbours"));
}
