// SPDX-License-Identifier: BSD-3-Clause
/// The least type of each concept, put through every function of the core that takes the concept. What a function
/// asks beyond the concept would not compile; what it computes is compared with enumeration.
#include "catch.hpp"
#include <spinet/ensemble/capped_models.hpp>
#include <spinet/kernel/langevin.hpp>
#include <spinet/kernel/mirrored.hpp>
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/kernel/rejection_free.hpp>
#include <spinet/kernel/wolff.hpp>
#include <spinet/spinet.hpp>
#include <spinet/testing/archetypes.hpp>
#include <spinet/testing/exact_start.hpp>
#include <spinet/testing/transition_matrix.hpp>

#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

using namespace spinet;
namespace arch = spinet::testing::archetypes;

// Each is what it says, and no more.
static_assert(Model<arch::model> && !MultilinearModel<arch::model> && !DifferentiableModel<arch::model> &&
              !GroupedModel<arch::model> && !HasParamagnet<arch::model> && !HasProvenance<arch::model> &&
              !HasInfiniteTemperatureVariance<arch::model>);
static_assert(MultilinearModel<arch::multilinear_model> && !IncrementalModel<arch::multilinear_model> &&
              !PairModel<arch::multilinear_model>);
static_assert(IncrementalModel<arch::incremental_model> && !PairModel<arch::incremental_model>);
static_assert(DifferentiableModel<arch::spherical_model> && !MultilinearModel<arch::spherical_model>);
static_assert(PairModel<arch::pair_model> && !DenseModel<arch::pair_model> && !SparseModel<arch::pair_model> &&
              !BlockModel<arch::pair_model> && !HasCouplingBlocks<arch::pair_model>);
static_assert(DenseModel<arch::dense_model> && SparseModel<arch::sparse_model> && BlockModel<arch::block_model>);
static_assert(GroupedModel<arch::grouped_model> && !MultilinearModel<arch::grouped_model>);
static_assert(IntervalModel<arch::interval_model> && SpinMeasure<arch::measure> && !BatchMeasure<arch::measure>);
static_assert(AcceptanceRule<arch::rule> && !ThresholdRule<arch::rule> && !PackedRule<arch::rule>);
static_assert(ThresholdRule<arch::threshold_rule>);
static_assert(Kernel<arch::kernel, arch::model> && !PausingKernel<arch::kernel, arch::block_model>);
static_assert(KernelState<arch::kernel_state<float>, float> && !PackedState<arch::kernel_state<float>> &&
              !SpinsOnlyState<arch::kernel_state<float>> && !EngineState<arch::kernel_state<float>>);
static_assert(ExchangePolicy<arch::exchange, arch::model, arch::kernel_state<float>> &&
              !SummingExchange<arch::exchange, arch::model> && !GraphExchange<arch::exchange> &&
              !ModelExchange<arch::exchange, arch::model>);
static_assert(PairMove<arch::pair_move, arch::model>);
static_assert(Ensemble<arch::ensemble<arch::model>, float> && !PackedEnsemble<arch::ensemble<arch::model>>);
static_assert(SamplingMethod<arch::method, arch::model>);
static_assert(ObservableUnit<arch::unit> && Observable<arch::observable>);
static_assert(Executor<arch::executor> && Callback<arch::callback> && Watcher<arch::callback>);

namespace {

ladder const three({0.6, 1.1, 2.5});
run_plan const plan{
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
    CHECK(anneal(model, arch::kernel{}, three, {.sweeps = 200, .rows = 20}).energy() ==
          Approx(*std::min_element(testing::all_energies(model).begin(), testing::all_energies(model).end())));
    CHECK(std::isnan(paramagnet_above(model)) != PairModel<M>);
    auto const fits = testing::fit_each_move(model, glauber{}, arch::exchange{}, three, 20'000, 3);
    for (auto const& fit : fits.exchanged) CHECK(fit.p_value > 0.001 / 3);
    CHECK(testing::exact_sweep<arch::rule, sequential_scan>(model, 0.7, zero_cost::accept_half)
              .invariance_error(testing::exact_distribution(model, 1 / 0.7).probabilities()) < 1e-6);
}

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
    CHECK(coupling_density(model).temperature_free());
}

}  // namespace
