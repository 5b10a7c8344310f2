// SPDX-License-Identifier: BSD-3-Clause
/// Annealing and population annealing: schedules, resampling, families, refusals.
#include "../files.hpp"
#include <spinet/ensemble/annealing.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/run/anneal.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

/// Every population starts from random spins.
constexpr auto hot = [](std::size_t) { return std::span<float const>(); };

/// Free spins in fields of 1: E = -sum of s_i.
sparse_ising<float> in_fields(std::size_t spins) { return {spins, {}, std::vector<float>(spins, 1.0f)}; }

/// A kernel that moves nothing, so that resampling is seen alone.
struct frozen : glauber<> {
    template <class M>
    void sweep(M const&, state<M>&, std::span<double const>, sweep_draws const&) const {}
};

ladder const three({0.5, 1.0, 2.0});

}  // namespace

TEST_CASE("population annealing refuses what it cannot do", "[ensemble]") {
    CHECK_THAT(error_of([] { return population_annealing(glauber{}, three, {.members = 1}); }),
               ContainsSubstring("1 members"));
    for (double const step : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()})
        CHECK_THAT(error_of([&] { return population_annealing(glauber{}, three, {.step = step}); }),
                   ContainsSubstring("the step is"));
    auto const model = in_fields(64);
    serial team;
    CHECK_THAT(error_of([&] {
                   population_annealing(glauber{}, three, {.members = 4, .step = 1e-9})
                       .make_ensemble(model, 4, 1)
                       .start(team, hot);
                   return 0;
               }),
               ContainsSubstring("more than 100000 steps"));
}

TEST_CASE("a schedule leads from infinite temperature down the ladder, in steps as small as asked",
          "[ensemble]") {
    auto const model = in_fields(100);  // deviation of E at beta: 10 / cosh(beta)
    serial team;
    auto ensemble =
        population_annealing(glauber{}, three, {.members = 3, .step = 0.5}).make_ensemble(model, 4, 1);
    ensemble.start(team, hot);
    double before = 0;
    std::vector<std::size_t> rungs;
    for (std::size_t s = 0; s < ensemble.steps(); ++s) {
        auto const& now = ensemble.step(s);
        // Deviations from 256 rows, at the warm end of the step: right to 5 %, four of their errors 20 %.
        CHECK((now.beta - before) * 10 / std::cosh(before) < 0.6);
        CHECK(now.beta > before);
        if (now.rung) {
            rungs.push_back(*now.rung);
            CHECK(now.beta == 1 / three[*now.rung]);
        }
        before = now.beta;
    }
    CHECK(rungs == std::vector<std::size_t>{2, 1, 0});
    // The integral of the deviation over beta is 10 (2 atan(e^2) - pi / 2) = 13.0, in steps of 0.5.
    CHECK(ensemble.steps() >= 26);
    CHECK(ensemble.steps() < 40);
    CHECK(ensemble.report().populations->steps == ensemble.steps());

    auto alone = annealing(glauber{}, three).make_ensemble(model, 4, 1);
    alone.start(team, hot);
    REQUIRE(alone.steps() == 3);
    CHECK(alone.step(0).rung == 2u);
}

TEST_CASE("resampling takes each row as often as its weight asks for", "[ensemble]") {
    // Nothing moves: the weights of the first step are known from the first energies, and copies are exact.
    auto const model = in_fields(12);
    constexpr std::size_t members = 300, populations = 4;
    double const beta = 0.4;
    serial team;
    std::vector<double> counts(13, 0), expected(13, 0);
    double log_z = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        auto ensemble = population_annealing(frozen{}, ladder({1 / beta}), {.members = members, .step = 1e9})
                            .make_ensemble(model, populations, seed);
        ensemble.start(team, hot);
        REQUIRE(ensemble.steps() == 1);
        auto const energies = [&] {
            std::vector<std::vector<double>> all(populations);
            std::vector<double> of(populations);
            for (std::size_t m = 0; m < members; ++m) {
                ensemble.gather_energies(m, of);
                for (std::size_t p = 0; p < populations; ++p) all[p].push_back(of[p]);
            }
            return all;
        };
        auto const before = energies();
        ensemble.begin_step(team, 0);
        auto const after = energies();
        for (std::size_t p = 0; p < populations; ++p) {
            double total = 0;
            for (double const e : before[p]) total += std::exp(-beta * e);
            std::vector<double> wanted(13, 0), found(13, 0);
            std::vector<std::size_t> rows(13, 0);
            for (std::size_t m = 0; m < members; ++m) {
                auto const up = [](double e) { return static_cast<std::size_t>(std::lround((12 - e) / 2)); };
                wanted[up(before[p][m])] += members * std::exp(-beta * before[p][m]) / total;
                ++rows[up(before[p][m])];
                ++found[up(after[p][m])];
            }
            for (std::size_t k = 0; k < 13; ++k) {
                // Each row as often as its share, rounded up or down.
                CHECK(std::abs(found[k] - wanted[k]) <= static_cast<double>(rows[k]));
                counts[k] += found[k];
                expected[k] += wanted[k];
            }
            CHECK(ensemble.report().populations->log_partition[p] ==
                  Approx(12 * std::numbers::ln2 + std::log(total / members)).epsilon(1e-12));
            double const family = ensemble.report().populations->family_size[p];
            CHECK(family > 1);
            CHECK(family < members);
            log_z += ensemble.report().populations->log_partition[p] / (20 * populations);
        }
    }
    // 80 populations. A row's count scatters by less than 1/2, and rows hardly know of each other: a class of
    // n rows by less than sqrt(n) / 2, of which five are allowed (13 comparisons, p < 1e-5).
    for (std::size_t k = 0; k < 13; ++k) {
        double const rows = 80.0 * members *
                            std::exp(std::lgamma(13.0) - std::lgamma(static_cast<double>(k) + 1.0) -
                                     std::lgamma(13.0 - static_cast<double>(k))) /
                            4096;
        CHECK(std::abs(counts[k] - expected[k]) < 5 * 0.5 * std::sqrt(rows) + 1);
    }
    // Z = (2 cosh beta)^12; weights have a relative variance of cosh(2 beta)^12 / cosh(beta)^24 - 1 = 5.0.
    CHECK(log_z == Approx(12 * std::log(2 * std::cosh(beta)))
                       .margin(5 * std::sqrt(5.0 / (80 * members)) + 5.0 / members));
}

TEST_CASE("families are counted from the first rows on", "[ensemble]") {
    auto const model = in_fields(40);
    serial team;
    auto const family_of = [&](double beta, std::size_t members) {
        auto ensemble = population_annealing(frozen{}, ladder({1 / beta}), {.members = members, .step = 1e9})
                            .make_ensemble(model, 4, 3);
        ensemble.start(team, hot);
        ensemble.begin_step(team, 0);
        return ensemble.report().populations->family_size[0];
    };
    CHECK(family_of(1e-9, 50) == 1);  // nobody is copied
    // At beta = 50 the best row outweighs all others by e^100, unless another one is as good.
    double const best = family_of(50, 7);
    CHECK((best == Approx(7) || best == Approx((16.0 + 9) / 7)));
}

TEST_CASE("rows of a population stay together, whatever the kernel's tiles", "[ensemble]") {
    auto const lattice = edwards_anderson<float>({4, 4}, plus_minus_bonds{}, 1);
    auto ensemble = population_annealing(multi_spin{}, three, {.members = 1100, .step = 1.0})
                        .make_ensemble(lattice, 4, 1);
    threads three_workers{3};
    auto team = three_workers.team();
    ensemble.start(team, hot);
    for (std::size_t s = 0; s < ensemble.steps(); ++s) {
        ensemble.begin_step(team, s);
        ensemble.advance(team, s, static_cast<std::uint32_t>(s) * 10, 10);
    }
    std::vector<float> spins(4 * 16);
    std::vector<double> energies(4);
    for (std::size_t m = 0; m < 1100; ++m) {
        ensemble.gather_spins(m, spins);
        ensemble.gather_energies(m, energies);
        for (std::size_t p = 0; p < 4; ++p)
            REQUIRE(energies[p] ==
                    Approx(lattice.energy(std::span<float const>(spins).subspan(16 * p, 16))).margin(1e-9));
    }
    auto const populations = ensemble.report().populations;
    for (double const family : populations->family_size) CHECK(family >= 1);
}

TEST_CASE("annealing finds ground states, the same on any executor", "[ensemble]") {
    // A ferromagnet of 36 spins: E = -72, all up or all down.
    auto const model = ising_lattice({6, 6});
    auto const temperatures = geometric_temperatures(0.3, 5, 2);
    auto const found = anneal(model, glauber{}, temperatures, {.sweeps = 200, .rows = 37});
    REQUIRE(found.energies.size() == 37);
    REQUIRE(found.spins.size() == 36);
    CHECK(found.energy() == Approx(-72));
    CHECK(model.energy(std::span<float const>(found.spins)) == Approx(-72));
    for (double const e : found.energies) CHECK(e >= -72.001);
    auto const glass = edwards_anderson<float>({8, 8}, gaussian_bonds{}, 1);
    auto const energies = [&](std::uint64_t seed, auto const& executor) {
        return anneal(glass, glauber{}, temperatures, {.sweeps = 20, .rows = 37, .seed = seed}, executor)
            .energies;
    };
    CHECK(energies(1, threads{3}) == energies(1, serial{}));
    CHECK(energies(2, serial{}) != energies(1, serial{}));
    std::size_t calls = 0;
    auto const stopped =
        anneal(model, glauber{}, temperatures, {.sweeps = 200}, serial{}, [&](progress const& now) {
            CHECK(now.phase == run_phase::annealing);
            return ++calls < 3;
        });
    CHECK(stopped.energies.empty());
    CHECK(calls == 4);  // and once more, for the last time
    CHECK_THAT(error_of([&] { return anneal(model, glauber{}, temperatures, {.sweeps = 0}).energies; }),
               ContainsSubstring("0 sweeps"));
    CHECK_THAT(error_of([&] { return anneal(model, glauber{}, temperatures, {.rows = 0}).energies; }),
               ContainsSubstring("0 rows"));
}
