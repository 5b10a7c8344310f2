// SPDX-License-Identifier: BSD-3-Clause
/// Multi-spin coding: the energy of every replica, its own temperature, and what is refused.
#include "../catch.hpp"
#include "../started.hpp"
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
    // Periodic 4 x 4 Ising model at T = 2: e = -1.755380 (docs/validation.md).
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

namespace {

/// <q^2> of the periodic 4 x 4 Ising model by enumeration: sum over pairs of sites of <s_i s_j>^2 / N^2.
double exact_square_overlap(double beta) {
    auto const model = ising_lattice({4, 4});
    constexpr std::size_t n = 16;
    std::vector<float> spins(n);
    std::vector<double> together(n * n, 0.0);
    double total = 0;
    for (std::uint32_t state = 0; state < 1u << n; ++state) {
        for (std::size_t i = 0; i < n; ++i) spins[i] = (state >> i & 1u) != 0 ? 1.0f : -1.0f;
        double const weight = std::exp(-beta * (model.energy(spins) + 32));
        total += weight;
        // The lattice is the same seen from every site.
        for (std::size_t j = 0; j < n; ++j) together[j] += weight * static_cast<double>(spins[0] * spins[j]);
    }
    double sum = 0;
    for (std::size_t j = 0; j < n; ++j) sum += together[j] * together[j] / (total * total);
    return sum / n;
}

}  // namespace

TEST_CASE("multi-spin coding: rows that start alike become independent, as far apart as they stand",
          "[kernel]") {
    // 600 rows in two octets, all spins up. Bits shared between rows, between words or between octets would
    // leave q^2 of those pairs above its exact value.
    auto const model = ising_lattice({4, 4});
    double const beta = 0.25, exact = exact_square_overlap(beta);
    constexpr std::size_t rows = 600, sites = 16, times = 400;
    multi_spin const kernel;
    auto tile = kernel.make_state(model, rows);
    for (std::size_t r = 0; r < rows; ++r) tile.set_row(r, std::vector<float>(sites, 1.0f));
    kernel.prepare(model, tile);
    std::vector<double> const betas(rows, beta);
    std::vector<float> spins(rows * sites);
    std::vector<std::size_t> const distances{1, 2, 8, 32, 63, 64, 65, 128, 256, 448, 511, 512, 513};
    std::vector<double> sums(distances.size()), squares(distances.size());
    for (std::uint32_t s = 0; s < 100 + 10 * times; ++s) {
        kernel.sweep(model, tile, betas, {21, s, 0, purpose::spins});
        if (s < 100 || s % 10 != 0) continue;
        for (std::size_t r = 0; r < rows; ++r) tile.copy_row(r, std::span(spins).subspan(r * sites, sites));
        for (std::size_t d = 0; d < distances.size(); ++d) {
            double mean = 0;  // over pairs that share no row
            std::size_t pairs = 0;
            for (std::size_t r = 0; r + distances[d] < rows; ++r) {
                if (r / distances[d] % 2 != 0) continue;
                double q = 0;
                for (std::size_t i = 0; i < sites; ++i)
                    q += static_cast<double>(spins[r * sites + i] * spins[(r + distances[d]) * sites + i]) /
                         sites;
                mean += q * q;
                ++pairs;
            }
            mean /= static_cast<double>(pairs);
            sums[d] += mean;
            squares[d] += mean * mean;
        }
    }
    for (std::size_t d = 0; d < distances.size(); ++d) {
        double const mean = sums[d] / times;
        double const error = std::sqrt((squares[d] / times - mean * mean) / (times - 1));
        CAPTURE(distances[d], mean, exact, error);
        // tau of q^2 is about a sweep at this temperature. p = 0.001 / 13: 4 errors.
        CHECK(std::abs(mean - exact) < 4 * error);
        CHECK(error < 0.05 * exact);
    }
}

namespace {

double probability(metropolis_rule, double x) { return x == 0 ? 0.5 : x < 0 ? 1.0 : std::exp(-x); }
double probability(heat_bath_rule, double x) { return 1 / (1 + std::exp(x)); }

/// Rows decided one by one, from the same draws: bit `row % 64` of word `row / 64 % 8` of each octet of bits.
template <class K, class M>
void compare(K const& kernel, M const& model, std::size_t rows) {
    std::vector<double> betas;
    for (std::size_t r = 0; r < rows; ++r) betas.push_back(0.3 + 0.002 * static_cast<double>(r));
    auto tile = started(model, kernel, rows);
    auto plain = rows_of(model, tile, rows);
    std::size_t repeated = 0;
    for (std::uint32_t s = 0; s < 10; ++s) {
        sweep_draws const draws{31, s, 7, purpose::spins};
        kernel.sweep(model, tile, betas, draws);
        for (std::size_t r = 0; r < rows; ++r) {
            // Four bits of the uniform number, drawn in round `round` for site `site`.
            auto const four = [&](std::uint16_t round, std::size_t site) {
                std::uint64_t bits = 0;
                for (std::size_t k = 0; k < 4; ++k) {
                    auto const word = static_cast<std::uint32_t>(64 * site + 16 * k + r % 512 / 32);
                    bits = 2 * bits + (draws.of_octet(r / 512, round).bits(word) >> r % 32 & 1u);
                }
                return bits;
            };
            bool used = false;
            for (std::size_t site = 0; site < model.size(); ++site) {
                if (site % 16 == 0) used = false;
                double const x = betas[r] * model.energy_change(plain[r], site, -plain[r][site]);
                auto const p =
                    static_cast<std::uint64_t>(std::llround(probability(typename K::rule{}, x) * 0x1p32));
                std::uint64_t u = 16 * four(0, site) + four(1, site);
                if (u == p >> 24) {
                    u = 16 * u + (used ? four(3, site) : four(2, site / 16 * 16));
                    repeated += used ? 1 : 0;
                    used = true;
                } else {
                    u = 16 * u;
                }
                for (std::uint16_t round = 4; round < 9; ++round) u = 16 * u + four(round, site);
                if (u < p) plain[r][site] = -plain[r][site];
            }
        }
    }
    CAPTURE(kernel.name(), rows);
    bool agree = true;
    std::vector<float> spins(model.size());
    for (std::size_t r = 0; r < rows; ++r) {
        tile.copy_row(r, spins);
        agree = agree && spins == plain[r];
    }
    CHECK(agree);
    CHECK(repeated > 0);  // or nothing was seen of draws that are not taken twice
}

}  // namespace

TEST_CASE("multi-spin coding takes the decisions of a plain loop", "[kernel]") {
    auto const lattice = edwards_anderson({4, 3, 5}, plus_minus_bonds{}, 9);
    compare(multi_spin{}, lattice, 600);
    compare(multi_spin{glauber{}}, lattice, 60);
    // A star and its leaves: spins of one neighbour and of ten, costs of either parity.
    std::vector<bond<float>> star;
    for (std::uint32_t k = 1; k < 11; ++k) star.push_back({0, k, k % 3 == 0 ? -0.7f : 0.7f});
    compare(multi_spin{}, sparse_ising<float>(11, star), 600);
}

TEST_CASE("multi-spin coding: a tile that two rules sweep in turn obeys both", "[kernel]") {
    auto const model = ising_lattice({8, 8});
    std::vector<double> const betas(64, 0.2);
    auto fresh = started(model, multi_spin{}, 64), used = started(model, multi_spin{}, 64);
    multi_spin{}.sweep(model, used, betas, {1, 0, 0, purpose::spins});
    std::vector<float> spins(model.size()), others(model.size());
    for (std::size_t r = 0; r < 64; ++r) {
        used.copy_row(r, spins);
        fresh.set_row(r, spins);
    }
    multi_spin const heat_bath{glauber{}};
    for (auto* tile : {&fresh, &used}) {
        heat_bath.prepare(model, *tile);
        heat_bath.sweep(model, *tile, betas, {1, 1, 0, purpose::spins});
    }
    bool agree = true;
    for (std::size_t r = 0; r < 64; ++r) {
        used.copy_row(r, spins);
        fresh.copy_row(r, others);
        agree = agree && spins == others;
    }
    CHECK(agree);
}

TEST_CASE("multi-spin coding: energies are those of the spins, for any number of rows", "[kernel]") {
    auto const model = edwards_anderson({3, 4, 5}, plus_minus_bonds{}, 9);
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
    CHECK_THROWS_WITH(kernel.make_state(edwards_anderson({3, 3}, gaussian_bonds{}, 1), 64),
                      ContainsSubstring("multi_spin: spin 0") && ContainsSubstring("+J and -J only"));
    CHECK_THROWS_WITH(kernel.make_state(sparse_ising<float>(3, {{0, 1, 1.0f}}, {0, 0, 0.5f}), 64),
                      ContainsSubstring("multi_spin: spin 2 has a field"));
    std::vector<bond<float>> star;
    for (std::uint32_t k = 1; k < 18; ++k) star.push_back({0, k, 1.0f});
    CHECK_THROWS_WITH(kernel.make_state(sparse_ising<float>(18, star), 64),
                      ContainsSubstring("spin 0 has more than 15 neighbours"));
}
