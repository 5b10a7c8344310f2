// SPDX-License-Identifier: BSD-3-Clause
/// Runs of one, two or three replicas: values without errors, and no verdict.
#include "../catch.hpp"
#include <spinet/ensemble/tempering.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/observable/magnetisation.hpp>
#include <spinet/observable/overlap.hpp>
#include <spinet/sample.hpp>
#include <spinet/statistics/equilibration.hpp>
#include <spinet/statistics/estimates.hpp>
#include <spinet/statistics/overlap_estimates.hpp>
#include <spinet/testing/enumeration.hpp>

#include <cmath>
#include <cstddef>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

run_plan plan_of(std::size_t replicas) {
    return {.replicas = replicas, .warmup = 200, .sweeps = 20'000, .measure_every = 2, .seed = 3};
}

}  // namespace

TEST_CASE("a few replicas have values, but neither errors nor verdicts", "[sample]") {
    auto const model = random_layered_glass<double>({5, 4, 3}, {0.5, 0.5}, 4);
    auto const method = parallel_tempering(glauber{}, ladder({0.8, 1.4, 2.5}));
    testing::exact_distribution const exact(model, 0.8);
    // 10,000 measurements a replica, tau a few of them: 0.02 is ten standard errors and more.
    for (std::size_t const replicas : {1u, 2u, 3u}) {
        CAPTURE(replicas);
        auto const check = [&](auto const& run) {
            auto const energy_here = mean_energy(run)[0];
            CHECK(std::abs(energy_here.value - exact.mean_energy() / 12) < 0.02);
            CHECK(std::isnan(energy_here.error) == (replicas < 3));
            CHECK(energy_here.units == (replicas < 3 ? 0 : replicas));
            CHECK_FALSE(energy_here.equilibrated);
            for (auto const& each : equilibration(run)) CHECK_FALSE(each.equilibrated);
        };
        if (replicas == 1) {
            check(sample(model, method, observables{energy{}, magnetisation{}}, plan_of(1)));
            continue;
        }
        auto const run = sample(model, method, observables{energy{}, overlap{}}, plan_of(replicas));
        check(run);
        auto const q2 = mean_square_overlap(run)[0];
        CHECK(std::abs(q2.value - exact.overlap_average([](double q) { return q * q; })) < 0.04);
        CHECK(std::isnan(q2.error) == (replicas < 3));
        CHECK(mean_overlap_matrix(run, 0).shape()[0] == replicas);
    }
    // Hot and cold starts of two, and a run that goes on bitwise.
    checkpoint kept;
    auto const stop = [&](progress const& now) {
        if (now.phase != run_phase::annealing) kept = now.save();
        return now.phase == run_phase::annealing || now.sweeps_done < 700;
    };
    observables const measured{energy{}, overlap{}};
    auto const whole = sample(model, method, measured, plan_of(2));
    static_cast<void>(sample(model, method, measured, plan_of(2), serial{}, stop));
    CHECK(mean_energy(resume(kept, model, method, measured, plan_of(2)))[1].value ==
          mean_energy(whole)[1].value);
    CHECK_THROWS_WITH(sample(model, method, measured, plan_of(1)),
                      ContainsSubstring("takes at least 2 replicas; the plan has 1"));
    CHECK_THROWS_WITH(sample(model, method, measured, plan_of(0)), "run_plan: no replicas");
}
