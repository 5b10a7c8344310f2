// SPDX-License-Identifier: BSD-3-Clause
/// Ladders, what they refuse, and ladders made for a model.
#include "../files.hpp"
#include <spinet/ensemble/capped_models.hpp>
#include <spinet/ensemble/ladder.hpp>
#include <spinet/ensemble/suggested_temperatures.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/mean_field/characteristic_temperatures.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/run/run_plan.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Acceptance of every pair over `sweeps` sweeps of 8 ladders that started at random, with its standard error
/// from the scatter between the ladders.
struct measured {
    double acceptance, error;
};

std::vector<measured> acceptance_of(network_glass<float> const& model, ladder const& temperatures,
                                    std::uint64_t seed, std::uint32_t sweeps) {
    constexpr std::size_t ladders = 8;
    single_threaded_blas const one_thread;
    std::vector<std::vector<double>> of(temperatures.size() - 1);
    std::vector<float> spins(model.size());
    for (std::size_t l = 0; l < ladders; ++l) {
        tile<network_glass<float>, glauber<>, energy_exchange> part(model, {}, {}, temperatures, l, 1, seed);
        part.start([&](std::size_t row) -> std::span<float const> {
            stream(seed, 0, static_cast<std::uint32_t>(l * temperatures.size() + row), purpose::start)
                .fill_signs(std::span(spins));
            return spins;
        });
        for (std::uint32_t s = 0; s < 200; ++s) part.advance(s);
        part.reset_counts();
        for (std::uint32_t s = 200; s < 200 + sweeps; ++s) part.advance(s);
        for (std::size_t k = 0; k < of.size(); ++k)
            of[k].push_back(static_cast<double>(part.counts().accepted[k]) /
                            static_cast<double>(part.counts().attempted[k]));
    }
    std::vector<measured> result;
    for (auto const& each : of) {
        double mean = 0, squares = 0;
        for (double const a : each) mean += a / ladders;
        for (double const a : each) squares += (a - mean) * (a - mean);
        result.push_back({mean, std::sqrt(squares / (ladders * (ladders - 1)))});
    }
    return result;
}

}  // namespace

TEST_CASE("ladders refuse what is no increasing list of temperatures", "[ensemble]") {
    CHECK(error_of([] { return ladder({}); }) == "ladder: no temperatures");
    CHECK_THAT(error_of([] { return ladder({1.0, 0.0}); }), ContainsSubstring("temperature 1 is 0;"));
    CHECK_THAT(error_of([] { return ladder({0.0}); }), ContainsSubstring("ladder: temperature 0 is 0;"));
    CHECK_THAT(error_of([] {
                   return ladder({-1.0, 1.0});
               }),
               ContainsSubstring("ladder: temperature 0 is -1;"));
    CHECK_THAT(error_of([] {
                   return ladder({1.0, not_a_number, 2.0});
               }),
               ContainsSubstring("ladder: temperature 1 is") && ContainsSubstring("finite"));
    CHECK_THAT(error_of([] {
                   return ladder({1.0, infinity});
               }),
               ContainsSubstring("ladder: temperature 1 is inf"));
    CHECK_THAT(error_of([] {
                   return ladder({1.0, 3.0, 2.0});
               }),
               ContainsSubstring("ladder: temperature 2 (2)") &&
                   ContainsSubstring("not above the one before it (3)"));
    CHECK_THAT(error_of([] { return ladder({1.0, 1.0}); }), ContainsSubstring("temperature 1"));
    ladder const good({0.5, 1.0, 4.0});
    CHECK(good.size() == 3);
    CHECK(good[1] == 1.0);
    CHECK(good.lowest() == 0.5);
    CHECK(good.highest() == 4.0);
    CHECK(good.temperatures() == std::vector<double>{0.5, 1.0, 4.0});
    CHECK(ladder({2.0}).size() == 1);
}

TEST_CASE("geometric and linear ladders", "[ensemble]") {
    auto const g = geometric_temperatures(0.5, 8.0, 5);
    std::vector<double> const powers{0.5, 1, 2, 4, 8};
    for (std::size_t k = 0; k < 5; ++k) CHECK(g[k] == Approx(powers[k]).epsilon(1e-14));
    auto const l = linear_temperatures(0.5, 2.5, 5);
    for (std::size_t k = 0; k < 5; ++k)
        CHECK(l[k] == Approx(0.5 + 0.5 * static_cast<double>(k)).epsilon(1e-14));
    for (std::size_t count : {2u, 3u, 24u, 1000u}) {
        for (auto const& made :
             {geometric_temperatures(0.2, 3.7, count), linear_temperatures(0.2, 3.7, count)}) {
            CHECK(made.size() == count);
            CHECK(made.lowest() == 0.2);  // the ends are exact
            CHECK(made.highest() == 3.7);
        }
    }
    auto const refusals = [](auto make, std::string const& name) {
        CHECK_THAT(error_of([&] { return make(0.0, 1.0, 5); }),
                   ContainsSubstring(name) && ContainsSubstring("must be positive"));
        CHECK_THAT(error_of([&] { return make(-1.0, 1.0, 5); }),
                   ContainsSubstring(name) && ContainsSubstring("must be positive"));
        CHECK_THAT(error_of([&] { return make(not_a_number, 1.0, 5); }),
                   ContainsSubstring("must be positive"));
        CHECK_THAT(error_of([&] { return make(1.0, not_a_number, 5); }), ContainsSubstring("must be above"));
        CHECK_THAT(error_of([&] { return make(1.0, infinity, 5); }), ContainsSubstring("must be above"));
        CHECK_THAT(error_of([&] { return make(1.0, 1.0, 5); }), ContainsSubstring("must be above"));
        CHECK_THAT(error_of([&] { return make(2.0, 1.0, 5); }),
                   ContainsSubstring("(1)") && ContainsSubstring("(2)"));
        CHECK_THAT(error_of([&] { return make(1.0, 2.0, 0); }),
                   ContainsSubstring("at least 2 temperatures, got 0"));
        CHECK_THAT(error_of([&] { return make(1.0, 2.0, 1); }),
                   ContainsSubstring("at least 2 temperatures, got 1"));
        CHECK_THAT(error_of([&] { return make(1.0, 2.0, std::numeric_limits<std::size_t>::max()); }),
                   ContainsSubstring("more than 100000"));
        // So tight that neighbours coincide.
        CHECK_THAT(error_of([&] { return make(1.0, 1.0 + 1e-15, 100); }),
                   ContainsSubstring("ladder: temperature"));
    };
    refusals([](double a, double b, std::size_t n) { return geometric_temperatures(a, b, n); },
             "geometric_temperatures");
    refusals([](double a, double b, std::size_t n) { return linear_temperatures(a, b, n); },
             "linear_temperatures");
}

TEST_CASE("run plans that cannot be carried out are refused", "[ensemble]") {
    run_plan const good;
    CHECK_NOTHROW(good.check(24, 1000));
    CHECK(good.measurements() == 2000);
    auto const refusal = [&](auto change, std::size_t rungs = 24, std::size_t sites = 1000) {
        auto plan = good;
        change(plan);
        return error_of([&] { plan.check(rungs, sites); });
    };
    CHECK_THAT(refusal([](run_plan& p) { p.replicas = 0; }), ContainsSubstring("no replicas"));
    CHECK_THAT(refusal([](run_plan& p) { p.measure_every = 0; }), ContainsSubstring("measure_every is 0"));
    CHECK_THAT(refusal([](run_plan& p) { p.sweeps = 9; }), ContainsSubstring("give no measurement"));
    CHECK_THAT(refusal([](run_plan& p) { p.sweeps = 0; }), ContainsSubstring("give no measurement"));
    CHECK_THAT(refusal([](run_plan& p) { p.sweeps = std::uint64_t{1} << 32; }),
               ContainsSubstring("more than 2^32 - 1 sweeps"));
    CHECK_THAT(refusal([](run_plan& p) { p.warmup = std::numeric_limits<std::uint64_t>::max(); }),
               ContainsSubstring("more than 2^32 - 1 sweeps"));
    CHECK_THAT(refusal([](run_plan& p) { p.annealing = std::uint64_t{1} << 32; }),
               ContainsSubstring("more than 2^32 - 1 sweeps"));
    CHECK_THAT(refusal([](run_plan& p) { p.replicas = std::numeric_limits<std::size_t>::max(); }),
               ContainsSubstring("more than 2^32 - 1 rows"));
    CHECK_THAT(refusal([](run_plan&) {}, 24, std::size_t{1} << 40),
               ContainsSubstring("more than 2^40 spins"));
    CHECK_THAT(refusal([](run_plan&) {}, 24, std::numeric_limits<std::size_t>::max()),
               ContainsSubstring("more than 2^40 spins"));
}

TEST_CASE("suggested temperatures: ends, acceptance measured afresh, the same for a seed",
          "[ensemble][slow]") {
    auto const model = random_layered_glass<float>({60, 40, 20}, {1.0 / 60, 1.0 / 40}, 4);
    auto const rungs = suggested_temperatures(model, {.lowest = 0.2, .count = 12});
    CHECK(rungs.lowest() == 0.2);
    CHECK(rungs.highest() == Approx(1.2 * largest_coupling_eigenvalue(model)).epsilon(1e-12));
    CHECK(rungs.size() >= 12);
    // An independent measurement, of other length and seed. One-sided; the threshold of 5 standard errors
    // over some 15 pairs of t-distributed means (7 degrees of freedom) errs in 1 % of all models, and the
    // library's own measurement adds its error, 0.02 for 400 attempts.
    auto const check_acceptance = [&](ladder const& made) {
        auto const found = acceptance_of(model, made, 1234, 1000);
        for (std::size_t k = 0; k < found.size(); ++k) {
            CAPTURE(k, made[k], found[k].acceptance, found[k].error);
            CHECK(found[k].acceptance + 5 * std::hypot(found[k].error, 0.02) > 0.2);
        }
    };
    check_acceptance(rungs);
    // More rungs than asked for where they are needed: this one cannot do with 3.
    auto const few = suggested_temperatures(model, {.lowest = 0.1, .count = 3});
    CHECK(few.size() > 3);
    check_acceptance(few);
    CHECK(suggested_temperatures(model, {.lowest = 0.2, .count = 12}).temperatures() == rungs.temperatures());
    CHECK(suggested_temperatures(model, {.lowest = 0.2, .count = 12}, threads(2)).temperatures() ==
          rungs.temperatures());
    auto const other = suggested_temperatures(model, {.lowest = 0.2, .count = 12, .seed = 2});
    CHECK(other.temperatures() != rungs.temperatures());
    CHECK(suggested_temperatures(model, {.count = 12}).lowest() == Approx(rungs.highest() / 12));
    auto const matter = characteristic_temperatures(model);
    CHECK(suggested_temperatures(model).lowest() == Approx(matter.lowest));
    CHECK(suggested_temperatures(model).highest() == Approx(matter.highest));
    CHECK(suggested_temperatures(model, {.lowest = 0.2, .count = 12, .above = 2}).highest() ==
          Approx(rungs.highest() / 0.6));
}

TEST_CASE("evenly accepted temperatures: the same ends, exchanges alike, for the method at hand",
          "[ensemble][slow]") {
    auto const model = random_layered_glass<float>({60, 40, 20}, {1.0 / 60, 1.0 / 40}, 4);
    auto const uneven = geometric_temperatures(0.1, 4.0, 9);
    auto const spread_of = [&](auto const& method) {
        auto team = serial{}.team();
        auto ensemble = method.make_ensemble(model, 8, 4321);
        ensemble.start(team, [](std::size_t) { return std::span<float const>(); });
        ensemble.advance(team, 0, 0, 300);
        ensemble.end_warmup();
        ensemble.advance(team, 0, 300, 2000);
        auto const counts = ensemble.report().exchange;
        std::vector<double> accepted;
        for (std::size_t k = 0; k + 1 < uneven.size(); ++k)
            accepted.push_back(static_cast<double>(counts.accepted[k]) /
                               static_cast<double>(counts.attempted[k]));
        auto const [least, most] = std::minmax_element(accepted.begin(), accepted.end());
        return *most - *least;
    };
    auto const check = [&](auto const& method) {
        auto const even = evenly_accepted(model, method);
        CHECK(even.size() == uneven.size());
        CHECK(even.lowest() == uneven.lowest());
        CHECK(even.highest() == uneven.highest());
        CAPTURE(method.name(), even.temperatures());
        CHECK(spread_of(method) > 0.3);
        CHECK(spread_of(method.at(even)) < 0.08);
    };
    check(parallel_tempering(glauber{}, uneven));
    check(parallel_tempering(glauber{}, uneven, energy_exchange{}));
    check(parallel_tempering(metropolis{}, uneven));
    double const top = leading_modes(model, 1).values[0];
    check(parallel_tempering(glauber{}, uneven, capped_models({{0.9 * top, 0.3, 3.0}})));
    auto const method = parallel_tempering(glauber{}, uneven);
    tuning_plan const quick{.sweeps = 20, .rounds = 2};
    CHECK(evenly_accepted(model, method, quick, threads(2)).temperatures() ==
          evenly_accepted(model, method, quick).temperatures());
    auto const two = parallel_tempering(glauber{}, ladder({1.0, 2.0}));
    CHECK_THAT(error_of([&] { return evenly_accepted(model, two); }), ContainsSubstring("2 temperatures"));
    auto const three = parallel_tempering(glauber{}, ladder({1.0, 2.0, 3.0}));
    for (tuning_plan const& bad :
         {tuning_plan{.replicas = 0}, tuning_plan{.sweeps = 1}, tuning_plan{.sweeps = 2'000'000},
          tuning_plan{.rounds = 0}, tuning_plan{.rounds = 13}})
        CHECK_THAT(error_of([&] { return evenly_accepted(model, three, bad); }),
                   ContainsSubstring("a plan has"));
}

TEST_CASE("suggested temperatures of a lattice", "[ensemble]") {
    // The couplings of the periodic square lattice have the largest eigenvalue 4.
    auto const rungs = suggested_temperatures(ising_lattice({6, 6}), {.lowest = 1.5, .count = 8});
    CHECK(rungs.lowest() == 1.5);
    CHECK(rungs.highest() == Approx(1.2 * 4).epsilon(1e-6));
}

TEST_CASE("suggested temperatures: a bottom in units of T_ord", "[ensemble]") {
    // T + 6 / T = 6 on the cubic lattice.
    auto const model = ising_lattice({4, 4, 4});
    auto const rungs = suggested_temperatures(model, {.of_t_ord = 0.5, .count = 8});
    CHECK(rungs.lowest() == Approx((3 + std::sqrt(3.0)) / 2).epsilon(1e-6));
    CHECK(rungs.highest() == Approx(1.2 * 6).epsilon(1e-6));
    CHECK_THAT(error_of([&] { return suggested_temperatures(model, {.lowest = 1, .of_t_ord = 0.5}); }),
               ContainsSubstring("found both"));
    for (double const bad : {-0.5, not_a_number, infinity})
        CHECK_THAT(error_of([&] { return suggested_temperatures(model, {.of_t_ord = bad}); }),
                   ContainsSubstring("of_t_ord must be positive"));
    CHECK_THAT(error_of([&] { return suggested_temperatures(model, {.of_t_ord = 2}); }),
               ContainsSubstring("must be above the lowest"));
}

TEST_CASE("suggested temperatures: refusals", "[ensemble]") {
    auto const model = random_layered_glass<float>({12, 8}, {0.1}, 4);
    double const top = 1.2 * largest_coupling_eigenvalue(model);
    auto const bare = random_layered_glass<float>({12, 8}, {0.0}, 4);
    CHECK(error_of([&] { return suggested_temperatures(bare); }) ==
          "suggested_temperatures: the model has no couplings, so no temperature is singled out");
    CHECK(error_of([&] {
              return suggested_temperatures(
                  dense_ising<double>(xt::xtensor<double, 2>::from_shape({1, 1}) * 0.0));
          }) == "suggested_temperatures: the model has no couplings, so no temperature is singled out");
    CHECK_THAT(error_of([&] { return suggested_temperatures(model, {.lowest = 2 * top}); }),
               ContainsSubstring("must be above the lowest"));
    CHECK_THAT(error_of([&] { return suggested_temperatures(model, {.lowest = -1}); }),
               ContainsSubstring("must be positive"));
    CHECK_THAT(error_of([&] { return suggested_temperatures(model, {.lowest = not_a_number}); }),
               ContainsSubstring("must be positive"));
    for (double const a : {0.0, -0.1, 0.9, 1.0, not_a_number})
        CHECK_THAT(
            error_of([&] { return suggested_temperatures(model, {.lowest = top / 4, .acceptance = a}); }),
            ContainsSubstring("acceptance"));
    auto const big = random_layered_glass<float>({400, 300}, {1.0 / 400}, 4);
    CHECK_THAT(error_of([&] { return suggested_temperatures(big, {.lowest = 0.05, .count = 2, .most = 4}); }),
               ContainsSubstring("more than 4 temperatures are needed"));
}
