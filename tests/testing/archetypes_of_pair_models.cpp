// SPDX-License-Identifier: BSD-3-Clause
/// Archetypes of pair models, put through everything that takes any Model or any PairModel.
#include "archetype_runs.hpp"
#include <spinet/observable/state_weights.hpp>

#include <vector>

namespace {

/// Everything that takes any PairModel.
template <class M>
void every_pair_model(M const& model) {
    every_model(model);
    require_exact(model, sampled(model, parallel_tempering(rejection_free{}, three)));
    require_exact(model, sampled(model, parallel_tempering(mirrored{glauber{}}, three)));
    double const largest = largest_coupling_eigenvalue(model);
    CHECK(coupling_eigenvalues(model)(5) == Approx(largest));
    CHECK(leading_modes(model, 1).values(0) == Approx(largest));
    CHECK(paramagnet_above(model) == Approx(largest));
    CHECK(coupling_density(model).highest == Approx(largest));
    CHECK(t_ord(model).temperature > 0);
    CHECK(characteristic_temperatures(model).lambda_max == Approx(largest));
    CHECK(suggested_temperatures(model, {.lowest = 0.3, .count = 4}).lowest() == 0.3);
    CHECK(solve_tap(model, 5.0, std::vector<double>(6, 0.1)).converged);
    CHECK(tap_branch(model, std::vector<double>{5.0, 4.0}, std::vector<double>(6, 0.1)).size() == 2);
    CHECK_FALSE(tap_solutions(model, 5.0).solutions.empty());
    CHECK(couplings_of(model)(0, 3) == Approx(0.4));
    auto const linked = sample(model, parallel_tempering(glauber{}, three), observables{link_overlap(model)},
                               run_plan{.replicas = 8, .warmup = 10, .sweeps = 20, .measure_every = 2});
    CHECK(mean_link_overlap(linked).size() == 3);
    // All six spins are one group, and coupled.
    CHECK_THROWS_AS(state_weights(model, 0, xt::xtensor<double, 2>({1, 6}, 1.0)), error);
}

}  // namespace

TEST_CASE("archetypes of pair models go through everything that takes them", "[archetypes]") {
    every_pair_model(arch::pair_model());
    every_pair_model(arch::dense_model());
    every_pair_model(arch::sparse_model());
    every_pair_model(arch::block_model());
}
