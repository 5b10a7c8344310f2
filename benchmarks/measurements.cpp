// SPDX-License-Identifier: BSD-3-Clause
/// What does a run cost beside its sweeps? The same run with and without measurements, in turns; and the
/// whole main job, from the file to the curve, beside its sweeps alone. `share` is what is not sweeps.
#include "common.hpp"
#include <spinet/io/curve.hpp>
#include <spinet/network/load.hpp>
#include <spinet/spinet.hpp>

#include <cstdio>
#include <filesystem>

namespace {

using namespace spinet;

run_plan plan(std::size_t replicas, std::uint64_t sweeps, std::uint64_t every) {
    return {.replicas = replicas,
            .warmup = 10,
            .sweeps = sweeps,
            .measure_every = every,
            .seed = 1,
            .from = start::hot};
}

void report(benchmark::State& state, timing::pair_of_times const& times) {
    state.counters["seconds"] = timing::median(times.subject);
    state.counters["sweeps_alone"] = timing::median(times.baseline);
    state.counters["share"] = 1 - timing::median(times.ratio);
}

/// Overlaps of all pairs of 64 replicas at 24 temperatures every 10 sweeps.
void overlaps(benchmark::State& state, std::vector<std::size_t> const& widths) {
    std::vector<double> variances;
    for (std::size_t l = 0; l + 1 < widths.size(); ++l)
        variances.push_back(1.0 / static_cast<double>(widths[l]));
    auto const model = random_layered_glass<float>(widths, variances, 1);
    auto const method = parallel_tempering(glauber{}, geometric_temperatures(0.2, 4.0, 24));
    auto const go = [&](std::uint64_t every, auto const& measured) {
        benchmark::DoNotOptimize(sample(model, method, measured, plan(64, 200, every)));
    };
    timing::pair_of_times times;
    for (auto _ : state) {
        times.add([&] { go(10, observables{overlap{}}); }, [&] { go(200, observables{energy{}}); });
        state.SetIterationTime(times.subject.back());
    }
    report(state, times);
}

/// File, mapping, sampling with the three observables, estimates with errors and verdicts, CSV.
void main_job(benchmark::State& state) {
    std::string const network = SPINET_SOURCE_DIR "/docs/networks/fashion_784-128-64-10_trained.safetensors";
    auto const temperatures = geometric_temperatures(0.8, 12.0, 24);
    auto const csv = std::filesystem::temp_directory_path() / "spinet_benchmark_main_job.csv";
    auto const all = [&] {
        auto const model = to_spin_glass(load_network(network));
        auto const run = sample(model, parallel_tempering(glauber{}, temperatures),
                                observables{energy{}, magnetisation{}, overlap{}}, plan(16, 5000, 10));
        write_curves(csv, {describe(run, "network")});
    };
    auto const model = to_spin_glass(load_network(network));
    auto const sweeps = [&] {
        benchmark::DoNotOptimize(sample(model, parallel_tempering(glauber{}, temperatures),
                                        observables{energy{}}, plan(16, 5000, 5000)));
    };
    timing::pair_of_times times;
    for (auto _ : state) {
        times.add(all, sweeps);
        state.SetIterationTime(times.subject.back());
    }
    std::filesystem::remove(csv);
    report(state, times);
}

/// Two threads beside one.
void two_threads(benchmark::State& state, std::vector<std::size_t> const& widths) {
    std::vector<double> variances;
    for (std::size_t l = 0; l + 1 < widths.size(); ++l)
        variances.push_back(1.0 / static_cast<double>(widths[l]));
    auto const model = random_layered_glass<float>(widths, variances, 1);
    auto const method = parallel_tempering(glauber{}, geometric_temperatures(0.3, 2.0, 16));
    auto const go = [&](auto const& executor) {
        benchmark::DoNotOptimize(sample(model, method, observables{overlap{}}, plan(32, 200, 20), executor));
    };
    timing::pair_of_times times;
    for (auto _ : state) {
        times.add([&] { go(threads(2)); }, [&] { go(serial{}); });
        state.SetIterationTime(times.subject.back());
    }
    state.counters["speedup"] = timing::median(times.ratio);
}

[[maybe_unused]] bool const added = [] {
    auto const settle = [](benchmark::internal::Benchmark* of) {
        of->UseManualTime()->Iterations(7)->Unit(benchmark::kMillisecond);
    };
    settle(benchmark::RegisterBenchmark("main job", main_job));
    for (auto const& [name, widths] :
         {std::pair{"784-128-128-10", std::vector<std::size_t>{784, 128, 128, 10}},
          std::pair{"784-512-512-512-10", std::vector<std::size_t>{784, 512, 512, 512, 10}},
          std::pair{"3072-1024-1024-10", std::vector<std::size_t>{3072, 1024, 1024, 10}}}) {
        auto const layers = widths;
        settle(benchmark::RegisterBenchmark((std::string("overlaps ") + name).c_str(),
                                            [=](benchmark::State& state) { overlaps(state, layers); }));
        settle(benchmark::RegisterBenchmark((std::string("two threads ") + name).c_str(),
                                            [=](benchmark::State& state) { two_threads(state, layers); }));
    }
    return true;
}();

}  // namespace
