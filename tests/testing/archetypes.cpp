// SPDX-License-Identifier: BSD-3-Clause
/// The least type of each concept, put through every function of the core that takes the concept. What a
/// function asks beyond the concept would not compile; what it computes is compared with enumeration.
#include "archetype_runs.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>

// Each is what it says, and no more.
static_assert(Model<arch::model> && !MultilinearModel<arch::model> && !DifferentiableModel<arch::model> &&
              !GroupedModel<arch::model> && !HasParamagnet<arch::model> && !HasProvenance<arch::model> &&
              !HasInfiniteTemperatureVariance<arch::model>);
static_assert(MultilinearModel<arch::multilinear_model> && !IncrementalModel<arch::multilinear_model> &&
              !PairModel<arch::multilinear_model>);
static_assert(IncrementalModel<arch::incremental_model> && !PairModel<arch::incremental_model>);
static_assert(DifferentiableModel<arch::spherical_model> && !MultilinearModel<arch::spherical_model>);
static_assert(PairModel<arch::pair_model> && !DenseModel<arch::pair_model> &&
              !SparseModel<arch::pair_model> && !BlockModel<arch::pair_model> &&
              !HasCouplingBlocks<arch::pair_model>);
static_assert(DenseModel<arch::dense_model> && SparseModel<arch::sparse_model> &&
              BlockModel<arch::block_model>);
static_assert(GroupedModel<arch::grouped_model> && !MultilinearModel<arch::grouped_model>);
static_assert(IntervalModel<arch::interval_model> && SpinMeasure<arch::measure> &&
              !BatchMeasure<arch::measure>);
static_assert(Mapping<arch::mapping>);
static_assert(AcceptanceRule<arch::rule> && !ThresholdRule<arch::rule> && !PackedRule<arch::rule>);
static_assert(ThresholdRule<arch::threshold_rule>);
static_assert(Kernel<arch::kernel, arch::model> && !PausingKernel<arch::kernel, arch::block_model>);
static_assert(KernelState<arch::kernel_state<float>, float> && !PackedState<arch::kernel_state<float>> &&
              !SpinsOnlyState<arch::kernel_state<float>> && !EngineState<arch::kernel_state<float>>);
static_assert(ExchangePolicy<arch::exchange, arch::model, arch::kernel_state<float>> &&
              !SummingExchange<arch::exchange, arch::model> && !GraphExchange<arch::exchange> &&
              !CappedExchange<arch::exchange, arch::model, arch::kernel_state<float>> &&
              !ModelExchange<arch::exchange, arch::model>);
static_assert(PairMove<arch::pair_move, arch::model>);
static_assert(Ensemble<arch::ensemble<arch::model>, float> && !PackedEnsemble<arch::ensemble<arch::model>>);
static_assert(SamplingMethod<arch::method, arch::model>);
static_assert(ObservableUnit<arch::unit> && Observable<arch::observable>);
static_assert(Executor<arch::executor> && Callback<arch::callback> && Watcher<arch::callback>);

TEST_CASE("kernels and exchanges that ask for a refinement take its archetype", "[archetypes]") {
    arch::sparse_model const sparse;
    require_exact(sparse, sampled(sparse, parallel_tempering(wolff{glauber{}}, three)));
    require_exact(sparse, sampled(sparse, parallel_tempering(wolff{arch::kernel{}}, three)));
    require_exact(sparse, sampled(sparse, parallel_tempering(metropolis{}, three, energy_exchange{},
                                                             isoenergetic_clusters{})));
    // Its couplings differ in size, which multi-spin coding refuses: by a message, not by a compiler.
    CHECK_THROWS_AS(sampled(sparse, parallel_tempering(multi_spin{}, three)), error);
    arch::block_model const block;
    require_exact(block, sampled(block, parallel_tempering(glauber{}, three, marginal_exchange{})));
    require_exact(block, sampled(block, parallel_tempering(metropolis{}, three, marginal_exchange{})));
    double const largest = largest_coupling_eigenvalue(block);
    require_exact(block, sampled(block, parallel_tempering(glauber{}, three,
                                                           capped_models({{0.8 * largest, 0.6, 2.5}}))));
    CHECK_FALSE(suggested_capped_models(block).models().empty());
    arch::interval_model const soft;
    auto const run = sampled(soft, parallel_tempering(glauber{}, three));
    CHECK(mean_energy(run)[0].value < 0);
    arch::spherical_model const sphere;
    auto const moved = sampled(sphere, parallel_tempering(langevin{}, three));
    CHECK(mean_energy(moved)[0].value < mean_energy(moved)[2].value);
}

TEST_CASE("the archetype of a mapping makes a model", "[archetypes]") {
    auto const glass = to_spin_glass(network(), arch::mapping());
    CHECK(glass.size() == 6);
}

TEST_CASE("soft spins take the archetypes of pair models and measures", "[archetypes]") {
    // Two values, +1 and -1: Ising spins again. A model that can be copied is asked for here.
    auto const ising = sherrington_kirkpatrick(6, 4);
    auto const soft = soft_spins(ising, arch::measure{});
    auto const run =
        sample(soft, parallel_tempering(glauber{}, three), observables{energy{}, overlap{}}, plan);
    require_exact(ising, run);
}

TEST_CASE("archetypes of kernels, exchanges, pair moves, methods and ensembles sample what they should",
          "[archetypes]") {
    arch::model const model;
    require_exact(model, sampled(model, parallel_tempering(arch::kernel{}, three, arch::exchange{})));
    require_exact(model, sampled(model, parallel_tempering(arch::kernel{}, three, arch::exchange{},
                                                           arch::pair_move{})));
    require_exact(model, sampled(model, arch::method(three)));
    auto const fits = testing::fit_each_move(model, arch::kernel{}, arch::exchange{}, three, 20'000, 3, 1.0,
                                             arch::pair_move{});
    for (auto const& fit : fits.exchanged) CHECK(fit.p_value > 0.001 / 3);
    auto const annealed = sampled(model, annealing(arch::kernel{}, three));
    CHECK(mean_energy(annealed).size() == 3);
    auto const populations = sample(model, population_annealing(arch::kernel{}, three, {.members = 200}),
                                    observables{energy{}, overlap{}},
                                    run_plan{.replicas = 16, .warmup = 5, .sweeps = 10, .measure_every = 5});
    require_exact(model, populations);
    CHECK(evenly_accepted(model, parallel_tempering(arch::kernel{}, three, arch::exchange{})).size() == 3);
    auto const kept =
        sample(model, parallel_tempering(arch::kernel{}, three), observables{energy{}, overlap{}},
               run_plan{.replicas = 8, .warmup = 10, .sweeps = 20, .measure_every = 2, .keep_spins = true});
    CHECK(relaxation(model, arch::kernel{}, states_of(kept), {.longest = 20}).size() == 3);
    CHECK(ageing(model, arch::kernel{}, three, {.replicas = 4, .waiting = {2}, .longest = 20}).size() == 3);
}

TEST_CASE("runs of archetypes go on from a checkpoint to the last bit", "[archetypes]") {
    arch::model const model;
    arch::method const method(three);
    observables const measured{energy{}, overlap{}, arch::observable{}};
    run_plan const brief{.replicas = 8, .warmup = 20, .sweeps = 200, .measure_every = 2, .seed = 9};
    auto const whole = sample(model, method, measured, brief);
    std::optional<checkpoint> frozen;
    (void)sample(model, method, measured, brief, arch::executor{}, [&](progress const& now) {
        if (now.save) frozen = now.save();
        return now.phase == run_phase::annealing || now.sweeps_done < 100;
    });
    REQUIRE(frozen);
    CHECK(frozen->sweeps_done < 220);
    auto const resumed = resume(*frozen, model, method, measured, brief);
    for (std::size_t k = 0; k < 3; ++k) {
        CHECK(mean_energy(resumed)[k].value == mean_energy(whole)[k].value);
        CHECK(mean_of(resumed, arch::observable{})[k].error == mean_of(whole, arch::observable{})[k].error);
    }
}

TEST_CASE("a unit of one's own has the jackknife of its replicas", "[archetypes]") {
    arch::model const model;
    auto const run = sampled(model, parallel_tempering(arch::kernel{}, three));
    auto const points = mean_of(run, arch::observable{});
    for (std::size_t k = 0; k < 3; ++k) {
        // Replicas are independent: <s s'> = <s>^2. Three comparisons share p = 0.001; Student's t, 15
        // degrees.
        testing::exact_distribution const exact(model, three[k]);
        double const m = exact.average([](std::uint64_t state) { return (state & 1u) != 0 ? 1.0 : -1.0; });
        CHECK(std::abs(points[k].value - m * m) < 4.53 * points[k].error / detail::one_error_factor(16));
        CHECK(points[k].error > 0);
    }
}
