// SPDX-License-Identifier: BSD-3-Clause
/// Which sampler gives the most? Effective samples of |q| per second, over temperature, for every kernel on a
/// trained network, the Sherrington-Kirkpatrick model and a lattice; each alone and under parallel tempering.
///
/// `T=...` counts replicas x sweeps / (2 tau) at that temperature, over the time that the sweeps of that
/// temperature take (a share of the run, equal for all). tau is the integrated autocorrelation time of |q|,
/// in sweeps. No figure is better than a wrong one: 0 stands where hot and cold starts disagree, there or at
/// a higher temperature, and where the run is shorter than 50 tau.
#include "common.hpp"
#include "subjects.hpp"
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/network/load.hpp>
#include <spinet/spinet.hpp>

#include <cstdio>
#include <type_traits>

namespace {

using namespace spinet;

template <class M, class Method>
void effective_samples(benchmark::State& state, M const& model, Method const& method, std::uint64_t length) {
    constexpr std::size_t replicas = 16, timed_sweeps = 500;
    auto const rungs = static_cast<double>(method.temperatures().size());
    std::vector<double> seconds;
    for (auto _ : state) {
        seconds.push_back(seconds_of_sweeps(model, method, replicas, timed_sweeps, serial{}));
        state.SetIterationTime(seconds.back());
    }
    run_plan const measured{.replicas = replicas, .warmup = length / 4, .sweeps = length, .seed = 1};
    auto const seen = sample(model, method, observables{energy{}, overlap{}}, measured, threads{});
    auto const verdicts = equilibration(seen, {.overlap_tolerance = 0.02});
    double const rows_per_second = replicas * rungs * timed_sweeps / timing::median(seconds);
    for (std::size_t k = 0; k < seen.temperatures.size(); ++k) {
        auto const& series = seen.template of<overlap>()[k].series();
        auto const tau =
            integrated_autocorrelation_time(series.block_means(), series.block_length(), series.variance());
        char name[32];
        std::snprintf(name, sizeof name, "T=%.2f", seen.temperatures[k]);
        bool const known = verdicts[k].equilibrated && tau.reliable && tau.tau > 0;
        state.counters[name] = known ? rows_per_second / (2 * std::max(tau.tau, 0.5)) : 0.0;
    }
    state.counters["updates_per_second"] = rows_per_second * static_cast<double>(model.size());
}

template <class M, class K>
void add(std::string const& name, M const& model, K const& kernel, ladder const& temperatures,
         std::uint64_t length) {
    auto const run = [&](char const* how, auto const& method) {
        std::string const full = name + " " + kernel.name() + how;
        benchmark::RegisterBenchmark(
            full.c_str(), [=](benchmark::State& state) { effective_samples(state, model, method, length); })
            ->UseManualTime()
            ->Unit(benchmark::kSecond)
            ->Iterations(5);
    };
    run(", alone", fixed_temperatures(kernel, temperatures));
    run(", tempering", parallel_tempering(kernel, temperatures, energy_exchange{}));
    if constexpr (std::is_same_v<exchange_for<natural_exchange, K, M>, marginal_exchange>)
        run(", marginal", parallel_tempering(kernel, temperatures));
}

[[maybe_unused]] bool const added = [] {
    auto const network = to_spin_glass(
        load_network(SPINET_SOURCE_DIR "/docs/networks/fashion_784-128-64-10_trained.safetensors"));
    auto const of_network = geometric_temperatures(0.8, 11.0, 32);
    add("network 784-128-64-10", network, glauber{}, of_network, 8000);
    add("network 784-128-64-10", network, metropolis{}, of_network, 8000);
    add("network 784-128-64-10", network, glauber{sequential_scan{}}, of_network, 4000);
    add("network 784-128-64-10", network, metropolis{sequential_scan{}}, of_network, 4000);
    add("network 784-128-64-10", network, glauber{random_scan{}}, of_network, 4000);

    auto const dense = sherrington_kirkpatrick<float>(256, 1);
    auto const of_dense = geometric_temperatures(0.2, 2.2, 16);
    add("SK 256", dense, glauber{}, of_dense, 16'000);
    add("SK 256", dense, metropolis{}, of_dense, 16'000);
    add("SK 256", dense, glauber{random_scan{}}, of_dense, 16'000);
    add("SK 256", dense, metropolis{random_scan{}}, of_dense, 16'000);

    auto const lattice = edwards_anderson<float>({8, 8, 8}, disorder::plus_minus, 1);
    auto const of_lattice = geometric_temperatures(0.6, 5.4, 24);
    add("+-J 8 x 8 x 8", lattice, glauber{}, of_lattice, 16'000);
    add("+-J 8 x 8 x 8", lattice, metropolis{}, of_lattice, 16'000);
    add("+-J 8 x 8 x 8", lattice, metropolis{random_scan{}}, of_lattice, 16'000);
    add("+-J 8 x 8 x 8", lattice, multi_spin{glauber{}}, of_lattice, 16'000);
    add("+-J 8 x 8 x 8", lattice, multi_spin{}, of_lattice, 16'000);
    return true;
}();

}  // namespace
