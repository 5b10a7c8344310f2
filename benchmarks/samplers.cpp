// SPDX-License-Identifier: BSD-3-Clause
/// Which sampler gives the most? Effective samples of |q| per second, over temperature, for every kernel on a
/// trained network, the Sherrington-Kirkpatrick model and a lattice; each alone and under parallel tempering.
///
/// `T=...` counts replicas x sweeps / (2 tau) at that temperature, over the time that the sweeps of that
/// temperature take (a share of the run, equal for all). tau is the integrated autocorrelation time of |q|,
/// in sweeps. 0 stands where the series is shorter than 50 tau: no figure is better than a wrong one.
#include "common.hpp"
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/network/load.hpp>
#include <spinet/spinet.hpp>

#include <cstdio>

namespace {

using namespace spinet;

template <class M, class Method>
void effective_samples(benchmark::State& state, M const& model, Method const& method, std::size_t replicas,
                       std::uint64_t length) {
    auto const plan = [&](std::uint64_t every) {
        return run_plan{.replicas = replicas,
                        .warmup = length / 4,
                        .sweeps = length,
                        .measure_every = every,
                        .seed = 1,
                        .from = start::hot};
    };
    std::size_t const rungs = method.temperatures().size();
    std::vector<double> seconds;
    std::vector<double> per_second(rungs);
    for (auto _ : state) {
        // Warm-up and measurements of tau are not what is timed: sweeps are.
        auto const timed = plan(length);
        seconds.push_back(timing::seconds(
            [&] { benchmark::DoNotOptimize(sample(model, method, observables{energy{}}, timed)); }));
        state.SetIterationTime(seconds.back());
    }
    auto const seen = sample(model, method, observables{overlap{}}, plan(1), threads{});
    double const sweeps = 1.25 * static_cast<double>(length);
    double const rate = static_cast<double>(replicas * rungs) * sweeps / timing::median(seconds);
    for (std::size_t k = 0; k < rungs; ++k) {
        auto const& series = seen.template of<overlap>()[k].series();
        auto const tau =
            integrated_autocorrelation_time(series.block_means(), series.block_length(), series.variance());
        char name[32];
        std::snprintf(name, sizeof name, "T=%.2f", method.temperatures()[k]);
        // Of pairs of independent replicas; a sample is one row.
        state.counters[name] = tau.reliable && tau.tau > 0 ? rate / (2 * std::max(tau.tau, 0.5)) : 0.0;
    }
    state.counters["updates_per_second"] = rate * static_cast<double>(model.size());
}

template <class M, class K>
void add(std::string const& name, M const& model, K const& kernel, ladder const& temperatures,
         std::size_t replicas, std::uint64_t length) {
    auto const run = [&](char const* how, auto const& method) {
        std::string const full = name + " " + kernel.name() + how;
        benchmark::RegisterBenchmark(
            full.c_str(),
            [=](benchmark::State& state) { effective_samples(state, model, method, replicas, length); })
            ->UseManualTime()
            ->Unit(benchmark::kSecond)
            ->Iterations(3);
    };
    run(", alone", fixed_temperatures(kernel, temperatures));
    run(", tempering", parallel_tempering(kernel, temperatures));
}

[[maybe_unused]] bool const added = [] {
    auto const network = to_spin_glass(
        load_network(SPINET_SOURCE_DIR "/docs/networks/fashion_784-128-64-10_trained.safetensors"));
    auto const of_network = geometric_temperatures(0.5, 12.0, 24);
    add("network 784-128-64-10", network, glauber{}, of_network, 16, 4000);
    add("network 784-128-64-10", network, metropolis{}, of_network, 16, 4000);
    add("network 784-128-64-10", network, glauber{sequential_scan{}}, of_network, 16, 2000);
    add("network 784-128-64-10", network, metropolis{sequential_scan{}}, of_network, 16, 2000);
    add("network 784-128-64-10", network, glauber{random_scan{}}, of_network, 16, 2000);

    auto const dense = sherrington_kirkpatrick<float>(256, 1);
    auto const of_dense = geometric_temperatures(0.2, 2.0, 16);
    add("SK 256", dense, glauber{}, of_dense, 16, 16'000);
    add("SK 256", dense, metropolis{}, of_dense, 16, 16'000);
    add("SK 256", dense, glauber{random_scan{}}, of_dense, 16, 16'000);
    add("SK 256", dense, metropolis{random_scan{}}, of_dense, 16, 16'000);

    auto const lattice = edwards_anderson<float>({8, 8, 8}, disorder::plus_minus, 1);
    auto const of_lattice = geometric_temperatures(0.6, 2.4, 16);
    add("+-J 8 x 8 x 8", lattice, glauber{}, of_lattice, 32, 16'000);
    add("+-J 8 x 8 x 8", lattice, metropolis{}, of_lattice, 32, 16'000);
    add("+-J 8 x 8 x 8", lattice, metropolis{random_scan{}}, of_lattice, 32, 16'000);
    add("+-J 8 x 8 x 8", lattice, multi_spin{glauber{}}, of_lattice, 32, 16'000);
    add("+-J 8 x 8 x 8", lattice, multi_spin{}, of_lattice, 32, 16'000);
    return true;
}();

}  // namespace
