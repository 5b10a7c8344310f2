// SPDX-License-Identifier: BSD-3-Clause
/// How does the cost of a sweep grow with width, depth, rows, temperature and threads? plot_scaling.py draws
/// it.
#include "common.hpp"
#include "subjects.hpp"
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/spinet.hpp>

#include <thread>

namespace {

using namespace spinet;

network_glass<float> layers(std::size_t width, std::size_t depth) {
    return random_network(std::vector<std::size_t>(depth, width));
}

/// Sweeps of one tile at one temperature.
template <class M, class Kernel>
void sweeps(benchmark::State& state, M const& model, Kernel const& kernel, std::size_t rows,
            double temperature) {
    single_threaded_blas const one_thread;
    swept_tile tile(model, kernel, rows, temperature);
    tile(50);
    std::vector<double> seconds;
    for (auto _ : state) {
        seconds.push_back(timing::seconds(tile));
        state.SetIterationTime(seconds.back());
    }
    state.counters["updates_per_second"] = tile.updates() / timing::median(seconds);
}

void with_threads(benchmark::State& state) {
    auto const model = layers(512, 4);
    auto const method = parallel_tempering(glauber{}, geometric_temperatures(0.3, 2.0, 16));
    threads const executor(static_cast<std::size_t>(state.range(0)));
    std::vector<double> seconds;
    for (auto _ : state) {
        seconds.push_back(seconds_of_sweeps(model, method, 32, 100, executor));
        state.SetIterationTime(seconds.back());
    }
    state.counters["updates_per_second"] =
        32 * 16 * 100 * static_cast<double>(model.size()) / timing::median(seconds);
}

template <class Run>
void add(std::string const& name, Run const& run) {
    benchmark::RegisterBenchmark(name.c_str(), run)->UseManualTime();
}

[[maybe_unused]] bool const added = [] {
    for (std::size_t const width : {16u, 32u, 64u, 128u, 256u, 512u, 1024u, 2048u})
        add("width/" + std::to_string(width),
            [=](benchmark::State& state) { sweeps(state, layers(width, 3), glauber{}, 128, 1.0); });
    for (std::size_t const depth : {2u, 3u, 4u, 8u, 16u, 32u})
        add("depth/" + std::to_string(depth),
            [=](benchmark::State& state) { sweeps(state, layers(256, depth), glauber{}, 128, 1.0); });
    for (std::size_t const rows : {1u, 4u, 16u, 32u, 64u, 128u, 256u, 512u, 1024u, 4096u})
        add("rows/" + std::to_string(rows),
            [=](benchmark::State& state) { sweeps(state, layers(256, 4), glauber{}, rows, 1.0); });
    auto const lattice = edwards_anderson<float>({16, 16, 16}, plus_minus_bonds{}, 1);
    for (int const t : {10, 20, 30, 50, 70, 100, 150, 200, 300}) {
        std::string const at = "/" + std::to_string(t);
        double const temperature = t / 100.0;
        add("temperature layers" + at,
            [=](benchmark::State& state) { sweeps(state, layers(256, 4), glauber{}, 128, temperature); });
        add("temperature SK" + at, [=](benchmark::State& state) {
            sweeps(state, sherrington_kirkpatrick<float>(1024, 1), metropolis{}, 128, temperature);
        });
        add("temperature lattice" + at,
            [=](benchmark::State& state) { sweeps(state, lattice, multi_spin{}, 512, temperature); });
    }
    auto* const of_threads = benchmark::RegisterBenchmark("threads", with_threads);
    for (unsigned n = 1; n <= std::max(1u, std::thread::hardware_concurrency()); n *= 2)
        of_threads->Arg(static_cast<int>(n));
    of_threads->UseManualTime()->Iterations(7);
    return true;
}();

}  // namespace
