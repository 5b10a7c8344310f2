// SPDX-License-Identifier: BSD-3-Clause
/// Single-spin sweeps of the Sherrington-Kirkpatrick model: spinet beside the textbook code with cached
/// fields and the naive code, at the same temperature, in turns in one process.
#include "common.hpp"
#include "subjects.hpp"
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
    swept_tile own(model, kernel, with.rows, temperature);
    std::vector<float> couplings;
    for (std::size_t i = 0; i < with.spins; ++i) {
        auto const row = model.couplings().row(i);
        couplings.insert(couplings.end(), row.begin(), row.end());
    }
    std::vector<textbook::dense_replica> replicas;
    for (std::size_t r = 0; r < 8; ++r) replicas.emplace_back(couplings, with.spins, r);

    auto const beta = static_cast<float>(1 / temperature);
    auto const book = [&] {
        for (auto& replica : replicas) with.naive ? replica.sweep_naive(beta) : replica.sweep_cached(beta);
    };
    own(100);
    for (int k = 0; k < 100; ++k)
        for (auto& replica : replicas) replica.sweep_cached(beta);
    timing::pair_of_times times;
    for (auto _ : state) {
        times.add(own, book);
        state.SetIterationTime(times.subject.back());
    }
    auto const book_updates = static_cast<double>(replicas.size() * with.spins);
    state.counters["updates_per_second"] = own.updates() / timing::median(times.subject);
    state.counters["textbook_updates_per_second"] = book_updates / timing::median(times.baseline);
    state.counters["speedup"] = timing::median(times.ratio) * own.updates() / book_updates;
}

/// Increments always, products always, and the kernel's own choice, in turns from the same state.
void engines(benchmark::State& state, std::size_t spins) {
    single_threaded_blas const one_thread;
    constexpr std::size_t rows = 128;
    auto const model = sherrington_kirkpatrick<float>(spins, 1);
    swept_tile own(model, metropolis{sequential_scan{}}, rows, static_cast<double>(state.range(0)) / 100);
    own(100);
    auto& engine = own.state().engine();
    bool chosen = engine.products;
    std::vector<double> by_increments, by_products, by_choice, against_better;
    for (auto _ : state) {
        double seconds[3];
        for (int choice = 0; choice < 3; ++choice) {
            engine.products = choice == 2 ? chosen : choice == 1;
            seconds[choice] = timing::seconds(own);
        }
        chosen = engine.products;
        by_increments.push_back(seconds[0]);
        by_products.push_back(seconds[1]);
        by_choice.push_back(seconds[2]);
        state.SetIterationTime(seconds[2]);
    }
    double const increments = timing::median(by_increments), products = timing::median(by_products);
    state.counters["flips_per_visit"] = engine.flips_per_visit;
    state.counters["by_increments"] = own.updates() / increments;
    state.counters["by_products"] = own.updates() / products;
    state.counters["chosen"] = own.updates() / timing::median(by_choice);
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
