// SPDX-License-Identifier: BSD-3-Clause
/// Runs of archetypes, compared with enumeration: what the files of this room have in common.
#pragma once

#include "catch.hpp"
#include <spinet/spinet.hpp>
#include <spinet/testing/archetypes.hpp>
#include <spinet/testing/exact_start.hpp>
#include <spinet/testing/transition_matrix.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>

using namespace spinet;
namespace arch = spinet::testing::archetypes;

namespace archetype_runs {

inline ladder const three({0.6, 1.1, 2.5});
inline run_plan const plan{
    .replicas = 16, .warmup = 50, .sweeps = 4'000, .measure_every = 2, .seed = 5, .annealing = 20};

/// The energy and |q| of a run against enumeration, at three temperatures: |t| of 6 comparisons, threshold
/// p = 0.001 / 6 for Student's t with 15 degrees of freedom (5.03); errors without their Student factor.
template <class M, class Run>
void require_exact(M const& model, Run const& run) {
    double const factor = detail::one_error_factor(run.plan.replicas / run.replicas_per_block);
    auto const energies = mean_energy(run);
    auto const overlaps = mean_abs_overlap(run);
    for (std::size_t k = 0; k < 3; ++k) {
        testing::exact_distribution const exact(model, three[k]);
        CAPTURE(k, energies[k].value, overlaps[k].value);
        CHECK(std::abs(energies[k].value - exact.mean_energy() / 6) < 5.03 * energies[k].error / factor);
        double const q = exact.overlap_average([](double x) { return std::abs(x); });
        CHECK(std::abs(overlaps[k].value - q) < 5.03 * overlaps[k].error / factor);
    }
}

template <class M, class Method>
auto sampled(M const& model, Method const& method) {
    arch::callback watcher;
    return sample(model, method, observables{energy{}, overlap{}, arch::observable{}}, plan, arch::executor{},
                  watcher);
}

/// Everything that takes any Model.
template <class M>
void every_model(M const& model) {
    require_exact(model, sampled(model, fixed_temperatures(arch::kernel{}, three)));
    require_exact(model, sampled(model, parallel_tempering(glauber{}, three)));
    require_exact(model, sampled(model, parallel_tempering(metropolis<random_scan>{}, three)));
    require_exact(model,
                  sampled(model, parallel_tempering(site_kernel<arch::rule, sequential_scan>{}, three)));
    require_exact(
        model, sampled(model, parallel_tempering(site_kernel<arch::threshold_rule, random_scan>{}, three)));
    auto const all = testing::all_energies(model);
    CHECK(anneal(model, arch::kernel{}, three, {.sweeps = 200, .rows = 20}).energy() ==
          Approx(*std::min_element(all.begin(), all.end())));
    CHECK(std::isnan(paramagnet_above(model)) != PairModel<M>);
    auto const fits = testing::fit_each_move(model, glauber{}, arch::exchange{}, three, 20'000, 3);
    for (auto const& fit : fits.exchanged) CHECK(fit.p_value > 0.001 / 3);
    CHECK(testing::exact_sweep<arch::rule, sequential_scan>(model, 0.7, zero_cost::accept_half)
              .invariance_error(testing::exact_distribution(model, 1 / 0.7).probabilities()) < 1e-6);
}

}  // namespace archetype_runs

using namespace archetype_runs;
