// SPDX-License-Identifier: BSD-3-Clause
/// Rejection-free sweeps: exact transition probabilities, numbers of flips, choices among the smallest rates.
#include "../catch.hpp"
#include "started.hpp"
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/rejection_free.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/statistics/distributions.hpp>
#include <spinet/testing/goodness_of_fit.hpp>
#include <spinet/testing/transition_matrix.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

using namespace spinet;

namespace {

/// Spins without couplings.
template <class Real>
sparse_ising<Real> free_spins(std::vector<Real> const& fields) {
    return {fields.size(), {}, fields};
}

double probability(heat_bath_rule, double x) { return 1 / (1 + std::exp(x)); }
double probability(metropolis_rule, double x) { return std::min(1.0, std::exp(-x)); }

/// A sweep is a number of updates at random sites that has a Poisson distribution of mean N.
template <class K>
void require_exact_transitions(K const& kernel) {
    sparse_ising<float> const model(4, {{0, 1, 0.7f}, {1, 2, -0.5f}, {2, 0, 0.6f}, {2, 3, 0.4f}},
                                    {0.2f, 0, -0.1f, 0});
    constexpr std::size_t n = 4, states = 1u << n, rows = 2048, sweeps = 30;
    double const temperature = 0.6;
    auto const update = spinet::testing::exact_sweep<typename K::rule, random_scan>(model, 1 / temperature,
                                                                                    zero_cost::accept);
    auto tile = kernel.make_state(model, rows);
    std::vector<float> spins(n);
    for (std::uint64_t from = 0; from < states; ++from) {
        std::vector<double> now(states, 0.0), expected(states, 0.0);
        now[from] = 1;
        double weight = std::exp(-double{n});  // Poisson
        for (std::size_t k = 0; k < 60; weight *= double{n} / static_cast<double>(++k)) {
            std::vector<double> next(states, 0.0);
            for (std::size_t a = 0; a < states; ++a) {
                expected[a] += weight * now[a];
                for (std::size_t b = 0; b < states; ++b) next[b] += now[a] * update.at(a, b);
            }
            now = next;
        }
        std::vector<std::uint64_t> counts(states, 0);
        for (std::uint32_t s = 0; s < sweeps; ++s) {
            spinet::testing::spins_of_state(from, std::span(spins));
            for (std::size_t r = 0; r < rows; ++r) tile.set_row(r, spins);
            kernel.prepare(model, tile);
            auto const sweep = static_cast<std::uint32_t>(from * sweeps + s);
            kernel.sweep(model, tile, std::vector<double>(rows, 1 / temperature),
                         {41, sweep, 0, purpose::spins});
            for (std::size_t r = 0; r < rows; ++r) {
                tile.copy_row(r, std::span(spins));
                ++counts[spinet::testing::state_of_spins(std::span<float const>(spins))];
            }
        }
        auto const fit = spinet::testing::goodness_of_fit(counts, expected);
        CAPTURE(kernel.name(), from, fit.chi_square, fit.degrees_of_freedom);
        CHECK(fit.p_value > 0.001 / (2 * states));  // two rules
        // That would see a time that is 5 % too long.
        if (from != 0) continue;
        auto longer = expected;
        for (std::size_t b = 0; b < states; ++b) {
            double flow = -expected[b];
            for (std::size_t a = 0; a < states; ++a) flow += expected[a] * update.at(a, b);
            longer[b] += 0.05 * n * flow;
        }
        CHECK(spinet::testing::goodness_of_fit(counts, longer).p_value < 0.001 / (2 * states));
    }
}

/// Flips in a sweep of free spins at equilibrium: 2 P(up) p(x_up) for each.
template <class K>
void require_exact_numbers_of_flips(K const& kernel) {
    std::vector<float> fields;
    for (std::size_t i = 0; i < 50; ++i) fields.push_back(0.12f * static_cast<float>(i));
    auto const model = free_spins(fields);
    constexpr std::size_t rows = 1000, sweeps = 400;
    double const beta = 1;
    double expected = 0, flips_of_last_ten = 0;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        double const x = 2 * beta * static_cast<double>(fields[i]);
        double const flips = 2 / (1 + std::exp(-x)) * probability(typename K::rule{}, x);
        expected += sweeps * flips;
        if (i >= 40) flips_of_last_ten += flips;
    }
    CHECK(flips_of_last_ten < 1e-3);  // rare ones are among them
    auto tile = kernel.make_state(model, rows);
    std::vector<float> spins(model.size());
    for (std::uint32_t r = 0; r < rows; ++r) {
        for (std::uint32_t i = 0; i < spins.size(); ++i) {
            double const up = probability(heat_bath_rule{}, -2 * beta * static_cast<double>(fields[i]));
            spins[i] = uniform<double>(stream(3, 0, r, purpose::testing).bits(i)) < up ? 1.0f : -1.0f;
        }
        tile.set_row(r, spins);
    }
    kernel.prepare(model, tile);
    std::vector<double> const betas(rows, beta);
    for (std::uint32_t s = 0; s < sweeps; ++s) kernel.sweep(model, tile, betas, {42, s, 0, purpose::spins});
    double sum = 0, squares = 0;
    for (auto const n : tile.events()) sum += static_cast<double>(n);
    for (auto const n : tile.events()) squares += std::pow(static_cast<double>(n) - sum / rows, 2);
    double const error = std::sqrt(squares / (rows - 1) / rows);
    CAPTURE(kernel.name(), sum / rows, expected, error);
    CHECK(std::abs(sum / rows - expected) < 3.5 * error);  // normal, p = 0.001 / 2 rules
    CHECK(error < 0.01 * expected);
}

}  // namespace

TEST_CASE("rejection-free: a sweep is one unit of continuous time, to the transition", "[kernel][slow]") {
    require_exact_transitions(rejection_free{});
    require_exact_transitions(rejection_free{glauber{}});
}

TEST_CASE("rejection-free: free spins flip as often as their rates say", "[kernel][slow]") {
    require_exact_numbers_of_flips(rejection_free{});
    require_exact_numbers_of_flips(rejection_free{glauber{}});
}

TEST_CASE("rejection-free: the smallest rates, and the choice among them", "[kernel]") {
    // Costs of 40 to 50 temperatures.
    std::vector<float> fields;
    for (std::size_t i = 0; i < 100; ++i) fields.push_back(0.2f + 0.0005f * static_cast<float>(i * 37 % 100));
    auto const model = free_spins(fields);
    rejection_free const kernel;
    auto tile = kernel.make_state(model, 1);
    kernel.prepare(model, tile);
    tile.set_beta(0, 100);
    std::vector<double> rates;
    double total = 0;
    for (float const b : fields) {
        rates.push_back(std::exp(-200 * static_cast<double>(b)));
        total += rates.back();
    }
    for (double& p : rates) p /= total;
    CHECK(tile.total(0) == Approx(total).epsilon(1e-5));
    std::vector<std::uint64_t> counts(fields.size(), 0);
    draw_sequence draws(stream(6, 0, 0, purpose::testing));
    for (std::size_t k = 0; k < 200'000; ++k)
        ++counts[tile.site_at(0, uniform_64(draws.next_64()) * tile.total(0))];
    CHECK(spinet::testing::goodness_of_fit(counts, rates).p_value > 0.001);
}

TEST_CASE("rejection-free: sums of rates lead to every site, also past 16 and 256 sums", "[kernel]") {
    for (std::size_t const n : {1u, 2u, 15u, 16u, 17u, 255u, 257u, 4096u, 5000u}) {
        // Rates from exp(-44) to 1/2, the small ones first: the double that is 1e-19 of the total is found.
        std::vector<double> fields;
        for (std::size_t i = 0; i < n; ++i)
            fields.push_back(i == 0 ? 22 : 5.0 - 5.0 * static_cast<double>(i) / static_cast<double>(n));
        auto const model = free_spins(fields);
        rejection_free const kernel{glauber{}};
        auto tile = kernel.make_state(model, 2);
        kernel.prepare(model, tile);
        for (std::size_t const r : {0u, 1u}) {
            tile.set_beta(r, 1);
            double below = 0;
            std::size_t wrong = 0;
            for (std::size_t i = 0; i < n; ++i) {
                double const rate = probability(heat_bath_rule{}, 2 * fields[i]);
                wrong += tile.site_at(r, below + rate / 2) == i ? 0 : 1;
                below += rate;
            }
            CAPTURE(n, r);
            CHECK(wrong == 0);
            CHECK(tile.total(r) == Approx(below).epsilon(1e-12));
            // Rounding past the end of all rates does not leave the spins.
            CHECK(tile.site_at(r, 1.01 * tile.total(r)) == n - 1);
        }
    }
}

namespace {

template <class M>
void require_sums_from_scratch(M const& model, double tolerance) {
    rejection_free const kernel{glauber{}};
    constexpr std::size_t rows = 3;
    std::vector<double> const betas{0.7, 1.0, 2.5};
    auto tile = started(model, kernel, rows), fresh = kernel.make_state(model, rows);
    std::vector<typename M::spin_type> spins(model.size());
    bool same = true;
    for (std::uint32_t s = 1; s < 200; ++s) {
        kernel.sweep(model, tile, betas, {7, s, 5, purpose::spins});
        archive_writer out;
        tile.save(out);
        auto const bytes = std::move(out).take();
        archive_reader in(bytes);
        fresh.load(in);
        for (std::size_t r = 0; r < rows; ++r) {
            fresh.set_beta(r, betas[r]);
            same = same && fresh.total(r) == tile.total(r) &&
                   std::equal(fresh.rates(r).begin(), fresh.rates(r).end(), tile.rates(r).begin());
        }
    }
    CHECK(same);
    for (std::size_t r = 0; r < rows; ++r) {
        tile.copy_row(r, std::span(spins));
        CHECK(std::abs(tile.energies()[r] - model.energy(spins)) < tolerance);
        CHECK(tile.events()[r] > model.size());
    }
    // Both go on alike, over the next refresh, one row at another temperature.
    std::vector<double> const others{0.7, 0.9, 2.5};
    for (std::uint32_t s = 200; s < 300; ++s)
        for (auto* each : {&tile, &fresh}) kernel.sweep(model, *each, others, {7, s, 5, purpose::spins});
    archive_writer one, other;
    tile.save(one);
    fresh.save(other);
    CHECK(std::move(one).take() == std::move(other).take());
}

}  // namespace

TEST_CASE("rejection-free: rates and sums are those from scratch, and an archive goes on bitwise",
          "[kernel]") {
    require_sums_from_scratch(edwards_anderson<float>({7, 5, 9}, gaussian_bonds{}, 3), 1e-3);
    require_sums_from_scratch(edwards_anderson<double>({3, 3, 3}, plus_minus_bonds{}, 3), 1e-10);
    require_sums_from_scratch(sherrington_kirkpatrick<float>(300, 3), 1e-3);
    require_sums_from_scratch(random_layered_glass<float>({50, 33, 21}, {0.02, 0.03}, 3), 1e-3);
}

namespace {

template <class Real>
void require_finite(Real size) {
    // A chain that is cold beyond all numbers, and a spin that costs nothing.
    sparse_ising<Real> const model(4, {{0, 1, size}, {1, 2, -size}}, {size + size / 2, 0, 0, 0});
    rejection_free const kernel{glauber{}};
    constexpr std::size_t rows = 4;
    auto tile = started(model, kernel, rows);
    std::vector<double> const betas{1e-3, 1, 1e30, 1e300};
    std::vector<Real> spins(4);
    for (std::uint32_t s = 0; s < 200; ++s) {
        kernel.sweep(model, tile, betas, {8, s, 0, purpose::spins});
        for (std::size_t r = 0; r < rows; ++r) {
            tile.copy_row(r, std::span(spins));
            for (Real const spin : spins) REQUIRE(std::abs(spin) == 1);
            REQUIRE(std::isfinite(tile.total(r)));
            REQUIRE(tile.energies()[r] == Approx(model.energy(spins)));
        }
    }
    for (std::size_t r = 0; r < rows; ++r) {
        CHECK(tile.energies()[r] == Approx(-3.5 * static_cast<double>(size)));
        CHECK(tile.total(r) == Approx(0.5));  // the free spin
        CHECK(tile.events()[r] > 60);         // 100 +- 10, and those of the start
    }
}

}  // namespace

TEST_CASE("rejection-free: exponents beyond all numbers leave everything finite", "[kernel]") {
    require_finite(1e30f);
    require_finite(1e200);
}
