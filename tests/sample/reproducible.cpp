// SPDX-License-Identifier: BSD-3-Clause
/// One seed, one result: whatever the executor, the stops in between and the number of watchers.
#include "../catch.hpp"
#include <spinet/spinet.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

using namespace spinet;

namespace {

network_glass<float> glass() { return random_layered_glass<float>({36, 20, 12}, {1.0 / 36, 1.0 / 20}, 3); }

run_plan plan(std::uint64_t seed = 7) {
    return {.replicas = 6, .warmup = 50, .sweeps = 203, .measure_every = 4, .seed = seed, .annealing = 60};
}

ladder temperatures() { return geometric_temperatures(0.2, 3.0, 5); }

auto const measured = observables{energy{}, magnetisation{}, overlap{}};

/// All recorded sums, as bytes.
template <class Run>
std::vector<std::byte> bytes_of(Run const& of) {
    archive_writer out;
    for (auto const& each : of.recorders)
        for (auto const& at : each) at.save(out);
    out.put(of.exchange.accepted);
    out.put(of.exchange.round_trips);
    if (of.populations) {
        out.put(of.populations->log_partition);
        out.put(of.populations->family_size);
    }
    return std::move(out).take();
}

template <class Method>
void require_same_on_all_executors(Method const& method) {
    auto const alone = sample(glass(), method, measured, plan());
    REQUIRE(alone.complete());
    for (std::size_t const n : {1u, 2u, 3u, 8u}) {
        CAPTURE(method.name(), n);
        CHECK(bytes_of(sample(glass(), method, measured, plan(), threads{n})) == bytes_of(alone));
    }
    CHECK_FALSE(bytes_of(sample(glass(), method, measured, plan(8))) == bytes_of(alone));
}

/// Stops at the given number of sweeps, keeping a checkpoint.
struct stop_at {
    std::uint64_t sweeps;
    std::optional<checkpoint>* kept;
    bool operator()(progress const& now) const {
        if (!now.save || now.sweeps_done < sweeps) return true;
        *kept = now.save();
        return false;
    }
};

template <class Method, class M = network_glass<float>>
void require_bitwise_resume(Method const& method, M const& model = glass()) {
    auto const whole = sample(model, method, measured, plan(), threads{1});
    // 253 sweeps are all of a ladder, and the first temperature of an annealing.
    for (std::uint64_t const sweeps : {1u, 50u, 54u, 250u, 253u, 1000u}) {
        if (sweeps >= whole.sweeps_total) continue;
        CAPTURE(method.name(), sweeps);
        std::optional<checkpoint> kept;
        auto const part = sample(model, method, measured, plan(), threads{2}, stop_at{sweeps, &kept});
        CHECK_FALSE(part.complete());
        REQUIRE(kept);
        auto const rest = resume(*kept, model, method, measured, plan(), threads{3});
        CHECK(rest.complete());
        CHECK(bytes_of(rest) == bytes_of(whole));
    }
}

}  // namespace

TEST_CASE("any executor gives bitwise the same run", "[slow]") {
    require_same_on_all_executors(parallel_tempering(glauber{}, temperatures()));
    require_same_on_all_executors(parallel_tempering(metropolis{random_scan{}}, temperatures()));
    require_same_on_all_executors(fixed_temperatures(metropolis{sequential_scan{}}, temperatures()));
    require_same_on_all_executors(annealing(glauber{}, temperatures()));
    require_same_on_all_executors(
        population_annealing(metropolis{}, temperatures(), {.members = 30, .step = 2}));
    require_same_on_all_executors(parallel_tempering(rejection_free{}, temperatures()));
}

TEST_CASE("a resumed run is bitwise the run that never stopped") {
    require_bitwise_resume(parallel_tempering(glauber{}, temperatures()));
    require_bitwise_resume(annealing(glauber{}, temperatures()));
    // Spins that are not +-1 are archived as they are.
    require_bitwise_resume(parallel_tempering(glauber{}, temperatures()), soft_spins(glass()));
}

TEST_CASE("a resumed run is bitwise the same by every method", "[slow]") {
    require_bitwise_resume(parallel_tempering(metropolis{sequential_scan{}}, temperatures()));
    require_bitwise_resume(fixed_temperatures(glauber{random_scan{}}, temperatures()));
    require_bitwise_resume(population_annealing(glauber{}, temperatures(), {.members = 20, .step = 2}));
    require_bitwise_resume(parallel_tempering(rejection_free{glauber{}}, temperatures()));
    require_bitwise_resume(parallel_tempering(langevin{}, temperatures()),
                           random_spherical_p_spin<float>(12, 3, p_spin_scale::crisanti_sommers, 1));
    require_bitwise_resume(parallel_tempering(metropolis{}, temperatures()),
                           random_ising_p_spin<float>(12, 3, p_spin_scale::crisanti_sommers, 1));
}

TEST_CASE("pair moves join replicas: in tiles, starts and errors") {
    auto const lattice = edwards_anderson<float>({4, 4}, plus_minus_bonds{}, 1);
    auto const method =
        parallel_tempering(glauber{}, temperatures(), energy_exchange{}, isoenergetic_clusters{.below = 2});
    CHECK(method.name() == "glauber (natural scan), energy exchange, isoenergetic clusters up to T = 2");
    run_plan pairs = plan();
    pairs.replicas = 14;
    auto const alone = sample(lattice, method, measured, pairs);
    CHECK(bytes_of(sample(lattice, method, measured, pairs, threads{3})) == bytes_of(alone));
    std::optional<checkpoint> kept;
    (void)sample(lattice, method, measured, pairs, serial{}, stop_at{101, &kept});
    REQUIRE(kept);
    CHECK(bytes_of(resume(*kept, lattice, method, measured, pairs)) == bytes_of(alone));
    CHECK(alone.replicas_per_block == 2);
    CHECK(alone.of<overlap>()[0].replicas_per_block() == 2);
    pairs.replicas = 10;
    auto const reasons = equilibration(sample(lattice, method, measured, pairs))[0].reasons;
    CHECK(std::find(reasons.begin(), reasons.end(),
                    "fewer than 12 replicas: no error bars for hot and cold starts apart") != reasons.end());
    CHECK_THROWS_WITH(
        parallel_tempering(glauber{}, temperatures(), energy_exchange{}, isoenergetic_clusters{.below = -1}),
        Catch::Matchers::ContainsSubstring("would never be made"));
    pairs.replicas = 1;
    CHECK_THROWS_WITH(sample(lattice, method, measured, pairs),
                      Catch::Matchers::ContainsSubstring("1 replicas in blocks of 2"));
    pairs.replicas = 11;
    CHECK_THROWS_WITH(
        sample(lattice, method, measured, pairs),
        Catch::Matchers::ContainsSubstring("isoenergetic clusters take replicas in pairs, but there are 11"));
}

TEST_CASE("joined replicas start both hot or both cold, and are compared so") {
    // Too cold to move: random starts freeze above the state of the annealing. Halves that mixed the two
    // would agree.
    auto const frozen = edwards_anderson<float>({10, 10}, gaussian_bonds{}, 1);
    run_plan pairs = plan();
    pairs.replicas = 24;
    auto const seen = sample(frozen,
                             parallel_tempering(glauber{}, ladder({0.05, 0.06}), no_exchange{},
                                                isoenergetic_clusters{.below = 0.01}),
                             measured, pairs);
    auto const verdicts = equilibration(seen);
    CHECK(std::any_of(verdicts[1].reasons.begin(), verdicts[1].reasons.end(), [](std::string const& reason) {
        return reason.find("hot and cold starts disagree in the energy") == 0;
    }));
}

TEST_CASE("a finished run goes on with twice and eight times the sweeps") {
    auto const method = parallel_tempering(glauber{}, temperatures());
    run_plan of{.replicas = 6,
                .warmup = 40,
                .sweeps = 160,
                .measure_every = 4,
                .seed = 7,
                .annealing = 60,
                .keep_spins = true};
    std::optional<checkpoint> kept;
    (void)sample(glass(), method, measured, of, serial{}, [&](progress const& now) {
        if (now.last && now.save) kept = now.save();
        return true;
    });
    REQUIRE(kept);
    for (std::uint64_t const times : {1u, 2u, 8u}) {
        auto longer = of;
        longer.sweeps *= times;
        auto const whole = sample(glass(), method, measured, longer),
                   resumed = resume(*kept, glass(), method, measured, longer);
        CAPTURE(times);
        REQUIRE(resumed.complete());
        CHECK(resumed.exchange.accepted == whole.exchange.accepted);
        for (std::size_t k = 0; k < 5; ++k) {
            auto const &one = resumed.of<overlap>()[k], &other = whole.of<overlap>()[k];
            for (std::size_t s = 0; s < recorder::stages; ++s) {
                CHECK(one.count(s) == other.count(s));
                CHECK(one.sum(s, 3, 1) == Catch::Approx(other.sum(s, 3, 1)).epsilon(1e-12));
            }
            for (std::size_t r = 0; r < 6; ++r) {
                std::vector<float> here(68), there(68);
                resumed.spins[k].copy_row(r, std::span(here));
                whole.spins[k].copy_row(r, std::span(there));
                CHECK(here == there);
            }
        }
    }
    for (std::uint64_t const sweeps : {240u, 80u, 0u}) {
        auto other = of;
        other.sweeps = sweeps;
        CHECK_THROWS_AS(resume(*kept, glass(), method, measured, other), error);
    }
    auto warmer = of;
    warmer.sweeps *= 2;
    warmer.warmup *= 2;
    CHECK_THROWS_AS(resume(*kept, glass(), method, measured, warmer), error);
}

TEST_CASE("a checkpoint of another run is refused") {
    auto const method = parallel_tempering(glauber{}, temperatures());
    std::optional<checkpoint> kept;
    (void)sample(glass(), method, measured, plan(), serial{}, stop_at{60, &kept});
    REQUIRE(kept);
    auto const other_model = random_layered_glass<float>({36, 20, 12}, {1.0 / 36, 1.0 / 20}, 4);
    CHECK_THROWS_WITH(resume(*kept, other_model, method, measured, plan()),
                      Catch::Matchers::ContainsSubstring("another model"));
    CHECK_THROWS_WITH(resume(*kept, glass(), method, measured, plan(8)),
                      Catch::Matchers::ContainsSubstring("plan"));
    CHECK_THROWS_WITH(
        resume(*kept, glass(), parallel_tempering(metropolis{}, temperatures()), measured, plan()),
        Catch::Matchers::ContainsSubstring("method"));
    CHECK_THROWS_WITH(resume(*kept, glass(), fixed_temperatures(glauber{}, temperatures()), measured, plan()),
                      Catch::Matchers::ContainsSubstring("method"));
    CHECK_THROWS_WITH(resume(*kept, glass(), method, observables{energy{}}, plan()),
                      Catch::Matchers::ContainsSubstring("observables"));
    auto old = *kept;
    old.version = "0.0.1";
    CHECK_THROWS_WITH(resume(old, glass(), method, measured, plan()),
                      Catch::Matchers::ContainsSubstring("0.0.1"));
    auto cut = *kept;
    cut.state.resize(cut.state.size() / 2);
    CHECK_THROWS_AS(resume(cut, glass(), method, measured, plan()), error);
}

namespace {

/// Counts by adding to what it finds.
struct adds_one {
    using unit = each_pair;
    static constexpr std::size_t lead = 0;
    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const>) const { return {"one"}; }
    template <class Real>
    void measure(cohort<Real> const&, std::span<double> out) const {
        for (double& number : out) number += 1;
    }
};

}  // namespace

TEST_CASE("an observable writes over zeros, whoever wrote before it") {
    auto const run = sample(glass(), parallel_tempering(glauber{}, temperatures()),
                            observables{overlap{}, adds_one{}}, plan());
    for (auto const& at : run.of<adds_one>())
        for (std::size_t stage = 0; stage < recorder::stages; ++stage)
            for (std::size_t unit = 0; unit < at.units(); ++unit)
                REQUIRE(at.sum(stage, unit, 0) == static_cast<double>(at.count(stage)));
}

TEST_CASE("a stop token ends a run, which keeps what it has") {
    std::stop_source source;
    auto const stop_later = [&](progress const& now) {
        if (now.phase == run_phase::measuring && now.sweeps_done >= 150) source.request_stop();
        return true;
    };
    auto const part = sample(glass(), parallel_tempering(glauber{}, temperatures()), measured, plan(),
                             serial{}, stop_later, source.get_token());
    CHECK_FALSE(part.complete());
    CHECK(part.measurements() >= 25);
    CHECK(part.measurements() < 30);
    CHECK(mean_abs_overlap(part).size() == 5);
    // Stopped before anything was measured: there is nothing to estimate, and that is said.
    source.request_stop();
    auto const nothing = sample(glass(), parallel_tempering(glauber{}, temperatures()), measured, plan(),
                                serial{}, source.get_token());
    CHECK(nothing.measurements() == 0);
    CHECK_THROWS_WITH(mean_abs_overlap(nothing), Catch::Matchers::ContainsSubstring("no measurements"));
}

TEST_CASE("a run stopped before its first sweep has nothing to save") {
    bool offered = false, told = false;
    auto const stop_at_once = [&](progress const& now) {
        offered = offered || static_cast<bool>(now.save);
        told = told || now.last;
        return false;
    };
    auto const method = parallel_tempering(glauber{}, temperatures());
    auto const stopped = sample(glass(), method, measured, plan(), serial{}, stop_at_once);
    CHECK(stopped.sweeps_done == 0);
    CHECK(told);
    CHECK_FALSE(offered);
}

TEST_CASE("different seeds agree within errors", "[slow]") {
    auto longer = plan(1);
    longer.sweeps = 4000;
    longer.replicas = 12;
    auto const method = parallel_tempering(glauber{}, geometric_temperatures(0.8, 3.0, 4));
    auto const a = mean_abs_overlap(sample(glass(), method, measured, longer, threads{}));
    longer.seed = 2;
    auto const b = mean_abs_overlap(sample(glass(), method, measured, longer, threads{}));
    for (std::size_t k = 0; k < a.size(); ++k) {
        // t with 22 degrees of freedom at p = 0.001 / 4 comparisons.
        double const allowed = student_t_quantile(1 - 0.001 / 4 / 2, 22) * std::hypot(a[k].error, b[k].error);
        CAPTURE(a[k].temperature, a[k].value, b[k].value, allowed);
        CHECK(std::abs(a[k].value - b[k].value) < allowed);
        CHECK(a[k].value != b[k].value);
    }
}

TEST_CASE("plans that cannot be carried out are refused before any work") {
    auto const method = parallel_tempering(glauber{}, temperatures());
    auto const refused = [&](auto change, char const* why) {
        auto bad = plan();
        change(bad);
        CHECK_THROWS_WITH(sample(glass(), method, measured, bad), Catch::Matchers::ContainsSubstring(why));
    };
    refused([](run_plan& p) { p.replicas = 0; }, "no replicas");
    refused([](run_plan& p) { p.measure_every = 0; }, "measure_every");
    refused([](run_plan& p) { p.sweeps = 3; }, "no measurement");
    refused([](run_plan& p) { p.sweeps = std::uint64_t{1} << 33; }, "2^32");
    refused([](run_plan& p) { p.replicas = std::size_t{1} << 31; }, "2^32");
}
