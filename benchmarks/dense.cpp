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

/// Increments always, products always, and the kernel's own choice, in turns from the same state.
void engines(benchmark::State& state, std::size_t spins) {
    single_threaded_blas const one_thread;
    constexpr std::size_t rows = 128;
    auto const model = sherrington_kirkpatrick<float>(spins, 1);
    metropolis<sequential_scan> const kernel;
    auto tile = kernel.make_state(model, rows);
    std::vector<double> const betas(rows, 100 / static_cast<double>(state.range(0)));
    for (std::uint32_t r = 0; r < rows; ++r) stream(3, 0, r, purpose::start).fill_signs(tile.spins().row(r));
    kernel.prepare(model, tile);
    std::uint32_t sweep = 0;
    auto const own = [&] { kernel.sweep(model, tile, betas, {1, sweep++, 0, purpose::spins}); };
    for (int k = 0; k < 100; ++k) own();
    bool chosen = tile.engine().products;
    std::vector<double> by_increments, by_products, by_choice, against_better;
    for (auto _ : state) {
        double seconds[3];
        for (int engine = 0; engine < 3; ++engine) {
            tile.engine().products = engine == 2 ? chosen : engine == 1;
            seconds[engine] = timing::seconds(own);
        }
        chosen = tile.engine().products;
        by_increments.push_back(seconds[0]);
        by_products.push_back(seconds[1]);
        by_choice.push_back(seconds[2]);
        state.SetIterationTime(seconds[2]);
    }
    double const updates = static_cast<double>(rows * spins);
    double const increments = timing::median(by_increments), products = timing::median(by_products);
    state.counters["flips_per_visit"] = tile.engine().flips_per_visit;
    state.counters["by_increments"] = updates / increments;
    state.counters["by_products"] = updates / products;
    state.counters["chosen"] = updates / timing::median(by_choice);
    state.counters["of_better"] = std::min(increments, products) / timing::median(by_choice);
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
    for (std::size_t const spins : {256u, 1024u, 4096u}) {
        std::string const name = "SK " + std::to_string(spins) + " engines";
        auto* const added_engines = benchmark::RegisterBenchmark(
            name.c_str(), [=](benchmark::State& state) { engines(state, spins); });
        for (int const t : {10, 20, 30, 40, 50, 60, 70, 80, 100, 150, 200, 300}) added_engines->Arg(t);
        added_engines->ArgName("100T")->UseManualTime();
    }
    return true;
}();

}  // namespace
