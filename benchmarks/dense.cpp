// SPDX-License-Identifier: BSD-3-Clause
/// Single-spin sweeps of the Sherrington-Kirkpatrick model: spinet beside the textbook code with cached
/// fields and the naive code, at the same temperature, in turns in one process.
#include "common.hpp"
#include "textbook.hpp"
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/model/factories.hpp>

namespace {

using namespace spinet;

struct settings {
    std::size_t spins = 1024;
    std::size_t rows = 128;
    bool naive = false;
};

template <class Kernel>
void sweeps(benchmark::State& state, settings const& with, Kernel const& kernel) {
    single_threaded_blas const one_thread;
    double const temperature = static_cast<double>(state.range(0)) / 100;
    auto const model = sherrington_kirkpatrick<float>(with.spins, 1);
    auto tile = kernel.make_state(model, with.rows);
    std::vector<double> const betas(with.rows, 1 / temperature);
    for (std::uint32_t r = 0; r < with.rows; ++r)
        stream(3, 0, r, purpose::start).fill_signs(tile.spins().row(r));
    kernel.prepare(model, tile);
    std::vector<float> couplings;
    for (std::size_t i = 0; i < with.spins; ++i) {
        auto const row = model.couplings().row(i);
        couplings.insert(couplings.end(), row.begin(), row.end());
    }
    std::vector<textbook::dense_replica> replicas;
    for (std::size_t r = 0; r < 8; ++r) replicas.emplace_back(couplings, with.spins, r);

    std::uint32_t sweep = 0;
    auto const own = [&] { kernel.sweep(model, tile, betas, {1, sweep++, 0, purpose::spins}); };
    auto const beta = static_cast<float>(1 / temperature);
    auto const book = [&] {
        for (auto& replica : replicas) with.naive ? replica.sweep_naive(beta) : replica.sweep_cached(beta);
    };
    for (int k = 0; k < 100; ++k) own();
    for (int k = 0; k < 100; ++k)
        for (auto& replica : replicas) replica.sweep_cached(beta);
    timing::pair_of_times times;
    for (auto _ : state) {
        times.add(own, book);
        state.SetIterationTime(times.subject.back());
    }
    auto const updates = [&](std::size_t rows, double seconds) {
        return static_cast<double>(rows * with.spins) / seconds;
    };
    state.counters["updates_per_second"] = updates(with.rows, timing::median(times.subject));
    state.counters["textbook_updates_per_second"] = updates(replicas.size(), timing::median(times.baseline));
    state.counters["speedup"] =
        timing::median(times.ratio) * static_cast<double>(with.rows) / static_cast<double>(replicas.size());
}

template <class Kernel>
void add(std::string const& name, settings const& with, Kernel const& kernel,
         std::vector<int> const& hundredths) {
    auto* const added = benchmark::RegisterBenchmark(
        name.c_str(), [=](benchmark::State& state) { sweeps(state, with, kernel); });
    for (int const t : hundredths) added->Arg(t);
    added->ArgName("100T")->UseManualTime();
}

[[maybe_unused]] bool const added = [] {
    std::vector<int> const temperatures{10, 20, 30, 50, 70, 100, 150, 200, 300};
    add("SK 1024 metropolis sequential", {}, metropolis{sequential_scan{}}, temperatures);
    add("SK 1024 glauber sequential", {}, glauber{sequential_scan{}}, temperatures);
    add("SK 1024 metropolis random", {}, metropolis{random_scan{}}, {30, 100, 200});
    add("SK 1024 metropolis sequential over naive", {.naive = true}, metropolis{sequential_scan{}},
        {30, 100, 200});
    add("SK 256 metropolis sequential", {.spins = 256}, metropolis{sequential_scan{}}, {30, 100, 200});
    add("SK 4096 metropolis sequential", {.spins = 4096}, metropolis{sequential_scan{}}, {30, 100, 200});
    return true;
}();

}  // namespace
