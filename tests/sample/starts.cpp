// SPDX-License-Identifier: BSD-3-Clause
/// Where replicas start: hot, in the states that spinet finds, and in the plan's own.
#include "../catch.hpp"
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/dense_ising.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/model/soft_spins.hpp>
#include <spinet/run/cold_starts.hpp>
#include <spinet/spinet.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A ring of 64 spins at temperatures at which nothing moves: after one sweep replicas are where they
/// started.
auto frozen(run_plan plan) {
    plan.sweeps = plan.measure_every = 1;
    plan.warmup = 0;
    plan.annealing = 20;
    return sample(ising_lattice<float>({64}), fixed_temperatures(glauber{}, ladder({1e-3, 2e-3})),
                  observables{energy{}, overlap{}, magnetisation{}}, plan);
}

double magnetisation_of(auto const& run, std::size_t replica) {
    return run.template of<magnetisation>()[0].sum(3, replica, moments::mean);
}

std::vector<std::string> const found{"the annealing", "plus mode 1",       "the annealing", "minus mode 1",
                                     "the annealing", "another annealing", "the annealing", "plus mode 2",
                                     "the annealing", "minus mode 2"};

}  // namespace

TEST_CASE("cold replicas take turns among the states that spinet finds", "[starts]") {
    auto const made = frozen({.replicas = 16});
    CHECK(made.cold_states == std::vector<std::string>(found.begin(), found.begin() + 8));
    CHECK(frozen({.replicas = 24}).cold_states == found);
    for (std::size_t r = 0; r < 16; ++r) CHECK(made.start_of(r) == (r % 2 == 0 ? 0 : 1 + r / 2));
    // The leading mode of a ferromagnetic ring is uniform; an eigenvector's sign means nothing.
    CHECK(std::abs(magnetisation_of(made, 3)) == 1.0);
    CHECK(magnetisation_of(made, 7) == -magnetisation_of(made, 3));
    auto const hot = frozen({.replicas = 8, .from = start::hot});
    CHECK(hot.cold_states.empty());
    CHECK(hot.start_of(3) == 0);
}

TEST_CASE("the plan's own states are among the starts", "[starts]") {
    run_plan plan{.replicas = 16};
    xt::xtensor<double, 2> own = -xt::ones<double>({2, 64});
    for (std::size_t i = 0; i < 32; ++i) own(1, i) = 1;
    plan.starts = own;
    auto const made = frozen(plan);
    REQUIRE(made.cold_states.size() == 8);
    CHECK(made.cold_states[0] == "the annealing");
    CHECK(made.cold_states[1] == "state 0 of the plan");
    CHECK(made.cold_states[3] == "plus mode 1");
    CHECK(made.cold_states[5] == "state 1 of the plan");
    CHECK(magnetisation_of(made, 3) == -1.0);
    // Two walls: their spins feel no field and may move by one.
    CHECK(std::abs(magnetisation_of(made, 11)) <= 4.0 / 64);
}

TEST_CASE("starts that are no states of the model are refused", "[starts]") {
    auto const with = [](xt::xtensor<float, 2> states, start from = start::hot_and_cold) {
        return frozen({.replicas = 8, .from = from, .starts = states});
    };
    CHECK_THROWS_WITH(with(xt::ones<float>({1, 63})),
                      ContainsSubstring("starts of 63 spins for a model of 64"));
    CHECK_THROWS_WITH(with(xt::zeros<float>({1, 64})),
                      ContainsSubstring("spin 0 of state 0 is 0, not +1 or -1"));
    CHECK_THROWS_WITH(with(xt::ones<float>({1, 64}), start::hot),
                      ContainsSubstring("starts are for cold replicas"));
}

TEST_CASE("starts on the sphere have the length of its states, and annealing takes none", "[starts]") {
    auto const sphere = random_spherical_p_spin<float>(12, 3, p_spin_scale::crisanti_sommers, 1);
    run_plan plan{.replicas = 8, .warmup = 5, .sweeps = 20, .measure_every = 5, .annealing = 5};
    auto const method = parallel_tempering(langevin{}, ladder({1.0, 2.0}));
    plan.starts = xt::ones<float>({1, 12});
    CHECK(sample(sphere, method, observables{energy{}}, plan).cold_states.size() == 4);
    plan.starts = xt::zeros<float>({1, 12});
    CHECK_THROWS_WITH(sample(sphere, method, observables{energy{}}, plan),
                      ContainsSubstring("|s|^2 / N = 0, not 1"));
    plan.starts = xt::ones<float>({1, 12});
    CHECK_THROWS_WITH(sample(sherrington_kirkpatrick<float>(12, 1), annealing(glauber{}, ladder({1.0, 2.0})),
                             observables{energy{}}, plan),
                      ContainsSubstring("starts from random spins alone"));
}

TEST_CASE("a run with starts goes on from its checkpoint, and from no other plan's", "[starts]") {
    auto const model = sherrington_kirkpatrick<float>(24, 5);
    auto const method = parallel_tempering(glauber{}, geometric_temperatures(0.5, 3, 4));
    observables const measured{energy{}, overlap{}};
    run_plan plan{.replicas = 8, .warmup = 20, .sweeps = 80, .measure_every = 4, .annealing = 20};
    plan.starts = xt::ones<float>({1, 24});
    auto const whole = sample(model, method, measured, plan);
    std::optional<checkpoint> kept;
    (void)sample(model, method, measured, plan, serial{}, [&](progress const& now) {
        if (!now.save || now.sweeps_done < 40) return true;
        kept = now.save();
        return false;
    });
    REQUIRE(kept);
    auto const resumed = resume(*kept, model, method, measured, plan);
    CHECK(resumed.cold_states == whole.cold_states);
    CHECK(mean_energy(resumed)[0].value == mean_energy(whole)[0].value);
    auto other = plan;
    other.starts(0, 3) = -1;
    CHECK_THROWS_WITH(resume(*kept, model, method, measured, other),
                      ContainsSubstring("another model, method, plan"));
}

TEST_CASE("descents end in states that no single flip lowers", "[starts]") {
    auto const model = sherrington_kirkpatrick<double>(60, 7);
    for (auto const& state : detail::mode_states(model))
        for (std::size_t i = 0; i < 60; ++i)
            CHECK(model.energy_change(std::span<double const>(state.spins), i, -state.spins[i]) >= 0);
    CHECK(detail::mode_states(model).size() == 4);
    // Soft spins have no signs to descend in.
    CHECK(detail::mode_states(soft_spins(model, uniform_measure{})).empty());
}
