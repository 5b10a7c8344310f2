// SPDX-License-Identifier: BSD-3-Clause
/// Cluster moves: exact transition probabilities, exact values, faster decay of the magnetisation.
#include "../catch.hpp"
#include "started.hpp"
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/kernel/rejection_free.hpp>
#include <spinet/kernel/wolff.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/statistics/autocorrelation.hpp>
#include <spinet/testing/goodness_of_fit.hpp>
#include <spinet/testing/transition_matrix.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<bond<float>> const frustrated{{0, 1, 0.7f}, {1, 2, -0.5f}, {2, 0, 0.6f},
                                          {2, 3, 0.4f}, {3, 4, -0.9f}, {4, 1, 0.3f}};

/// The matrix of one cluster move by its definition: all sets of bonds, each with its probability; the spins
/// that they connect with each seed; the fields.
spinet::testing::transition_matrix by_definition(sparse_ising<float> const& model,
                                                 std::vector<bond<float>> const& bonds, double beta) {
    std::size_t const n = model.size();
    spinet::testing::transition_matrix moves(n);
    for (std::uint32_t state = 0; state < moves.states(); ++state) {
        moves.at(state, state) = 0;
        auto const spin = [&](std::size_t i) { return (state >> i & 1u) != 0 ? 1.0 : -1.0; };
        for (std::uint32_t set = 0; set < 1u << bonds.size(); ++set) {
            double weight = 1;
            for (std::size_t k = 0; k < bonds.size(); ++k) {
                double const x = 2 * beta * static_cast<double>(bonds[k].coupling) * spin(bonds[k].first) *
                                 spin(bonds[k].second);
                double const p = x > 0 ? 1 - std::exp(-x) : 0;
                weight *= (set >> k & 1u) != 0 ? p : 1 - p;
            }
            for (std::size_t seed = 0; seed < n; ++seed) {
                std::uint32_t cluster = 1u << seed;
                for (std::size_t again = 0; again < n; ++again)
                    for (std::size_t k = 0; k < bonds.size(); ++k) {
                        std::uint32_t const ends = 1u << bonds[k].first | 1u << bonds[k].second;
                        if ((set >> k & 1u) != 0 && (cluster & ends) != 0) cluster |= ends;
                    }
                double field = 0;
                for (std::size_t i = 0; i < n; ++i)
                    if ((cluster >> i & 1u) != 0)
                        field += static_cast<double>(model.external_fields()[i]) * spin(i);
                double const accepted = std::min(1.0, std::exp(-2 * beta * field));
                double const share = weight / static_cast<double>(n);
                moves.at(state, state ^ cluster) += share * accepted;
                moves.at(state, state) += share * (1 - accepted);
            }
        }
    }
    return moves;
}

}  // namespace

TEST_CASE("wolff: one move has the probabilities of its definition, which are invariant", "[kernel]") {
    sparse_ising<float> const model(5, frustrated, {0.3f, 0, -0.4f, 0, 0.2f});
    double const beta = 0.9;
    auto const exact = by_definition(model, frustrated, beta);
    CHECK(exact.invariance_error(spinet::testing::exact_distribution(model, 1 / beta).probabilities()) <
          1e-14);
    CHECK(exact.irreducible());
    detail::cluster_space<float> space(5);
    draw_sequence draws(stream(51, 0, 0, purpose::testing));
    std::size_t const states = exact.states();
    for (std::uint32_t from = 0; from < states; ++from) {
        std::vector<std::uint64_t> counts(states, 0);
        for (std::size_t k = 0; k < 50'000; ++k) {
            spinet::testing::spins_of_state(from, std::span(space.spins));
            detail::flip_cluster(model, space, beta, draws);
            ++counts[spinet::testing::state_of_spins(std::span<float const>(space.spins))];
        }
        std::vector<double> expected;
        for (std::uint32_t to = 0; to < states; ++to) expected.push_back(exact.at(from, to));
        CAPTURE(from);
        CHECK(spinet::testing::goodness_of_fit(counts, expected).p_value > 0.001 / 32);
        bool impossible = false;
        for (std::uint32_t to = 0; to < states; ++to)
            impossible = impossible || (counts[to] > 0 && !(expected[to] > 0));
        CHECK_FALSE(impossible);
    }
}

namespace {

template <class K>
void require_exact_values(K const& kernel) {
    // Periodic 4 x 4 Ising model at T = 2: e = -1.755380, <|m|> = 0.918943 (docs/validation.md).
    auto const model = ising_lattice({4, 4});
    constexpr std::size_t rows = 64, sweeps = 4000;
    auto tile = started(model, kernel, rows);
    std::vector<double> const betas(rows, 0.5);
    std::vector<double> energies(rows), magnetisations(rows);
    std::vector<float> spins(16);
    for (std::uint32_t s = 0; s < 100 + sweeps; ++s) {
        kernel.sweep(model, tile, betas, {52, s, 0, purpose::spins});
        if (s < 100) continue;
        for (std::size_t r = 0; r < rows; ++r) {
            tile.copy_row(r, std::span(spins));
            double m = 0;
            for (float const spin : spins) m += static_cast<double>(spin) / 16;
            energies[r] += tile.energies()[r] / 16 / sweeps;
            magnetisations[r] += std::abs(m) / sweeps;
        }
    }
    auto const compare = [&](std::vector<double> const& found, double exact) {
        double mean = 0, squares = 0;
        for (double const x : found) mean += x / rows;
        for (double const x : found) squares += (x - mean) * (x - mean);
        double const error = std::sqrt(squares / (rows - 1) / rows);
        CAPTURE(kernel.name(), mean, exact, error);
        // Student's t, 63 degrees of freedom, p = 0.001 / 6 comparisons.
        CHECK(std::abs(mean - exact) < 4.0 * error);
        CHECK(error < 1e-3);
    };
    compare(energies, -1.755380);
    compare(magnetisations, 0.918943);
}

/// tau of |m| of the ferromagnet at T_c, in sweeps.
template <class K>
integrated_time decay(K const& kernel) {
    auto const model = ising_lattice({16, 16});
    auto tile = started(model, kernel, 1);
    std::vector<double> const beta{std::log(1 + std::sqrt(2.0)) / 2};
    std::vector<double> series;
    std::vector<float> spins(model.size());
    for (std::uint32_t s = 0; s < 20'000; ++s) {
        kernel.sweep(model, tile, beta, {53, s, 0, purpose::spins});
        tile.copy_row(0, std::span(spins));
        double m = 0;
        for (float const spin : spins) m += static_cast<double>(spin);
        if (s >= 2000) series.push_back(std::abs(m));
    }
    return integrated_autocorrelation_time(series);
}

}  // namespace

TEST_CASE("wolff: the exact energy and magnetisation of the 4 x 4 ferromagnet", "[kernel][slow]") {
    require_exact_values(wolff{glauber{}});
    require_exact_values(wolff{multi_spin{}, {.clusters = 3}});
    require_exact_values(wolff{rejection_free{}});
}

TEST_CASE("wolff: the magnetisation at T_c is forgotten in a few sweeps", "[kernel][slow]") {
    auto const local = decay(glauber{}), with_clusters = decay(wolff{glauber{}, {.clusters = 4}});
    CAPTURE(local.tau, local.error, with_clusters.tau, with_clusters.error);
    CHECK(with_clusters.reliable);
    CHECK(with_clusters.tau < 3);
    CHECK(local.tau > 10 * with_clusters.tau);
}

TEST_CASE("wolff: energies are those of the spins, and an archive goes on bitwise", "[kernel]") {
    sparse_ising<float> const fields(5, frustrated, {0.3f, 0, -0.4f, 0, 0.2f});
    auto const lattice = edwards_anderson({5, 4, 3}, plus_minus_bonds{}, 9);
    auto const check = [](auto const& model, auto const& kernel) {
        constexpr std::size_t rows = 21;
        std::vector<double> const betas(rows, 0.8);
        auto tile = started(model, kernel, rows);
        for (std::uint32_t s = 0; s < 20; ++s) kernel.sweep(model, tile, betas, {54, s, 9, purpose::spins});
        std::vector<float> spins(model.size());
        for (std::size_t r = 0; r < rows; ++r) {
            tile.copy_row(r, std::span(spins));
            CAPTURE(kernel.name(), r);
            CHECK(std::abs(tile.energies()[r] - model.energy(spins)) < 1e-4);
        }
        auto const bytes_of = [](auto const& each) {
            archive_writer out;
            each.save(out);
            return std::move(out).take();
        };
        auto const bytes = bytes_of(tile);
        auto fresh = kernel.make_state(model, rows);
        archive_reader in(bytes);
        fresh.load(in);
        for (std::uint32_t s = 20; s < 100; ++s)
            for (auto* each : {&tile, &fresh}) kernel.sweep(model, *each, betas, {54, s, 9, purpose::spins});
        CHECK(bytes_of(fresh) == bytes_of(tile));
        CHECK_FALSE(bytes_of(tile) == bytes);
    };
    check(fields, wolff{});
    check(fields, wolff{metropolis{random_scan{}}, {.clusters = 3}});
    check(fields, wolff{rejection_free{}});
    check(lattice, wolff{multi_spin{glauber{}}});
}

TEST_CASE("wolff: without clusters it is the kernel inside", "[kernel]") {
    auto const model = edwards_anderson({4, 4, 4}, plus_minus_bonds{}, 2);
    std::vector<double> const betas(20, 1.0);
    multi_spin const inside;
    wolff const around{inside, {.clusters = 0}};
    auto one = started(model, inside, 20);
    auto other = started(model, around, 20);
    inside.sweep(model, one, betas, {55, 0, 0, purpose::spins});
    around.sweep(model, other, betas, {55, 0, 0, purpose::spins});
    CHECK(rows_of(model, one, 20) == rows_of(model, other, 20));
    CHECK(decltype(around)::rows_per_tile == multi_spin<>::rows_per_tile);
    // A cluster has its own random numbers.
    wolff<multi_spin<>>{inside}.sweep(model, other, betas, {55, 1, 0, purpose::spins});
    inside.sweep(model, one, betas, {55, 1, 0, purpose::spins});
    CHECK_FALSE(rows_of(model, one, 20) == rows_of(model, other, 20));
}

TEST_CASE("wolff refuses more clusters than there are random numbers", "[kernel]") {
    auto const model = ising_lattice({4, 4});
    CHECK_THROWS_WITH((wolff{glauber{}, {.clusters = 1'000'000'000}}.make_state(model, 1)),
                      ContainsSubstring("wolff: 1000000000 clusters a sweep; at most 65075262"));
}
