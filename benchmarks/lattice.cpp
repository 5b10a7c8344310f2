// SPDX-License-Identifier: BSD-3-Clause
/// Three-dimensional Edwards-Anderson glasses, L = 16: multi-spin coding (+-J) and sixteen rows side by side
/// (Gaussian) beside the textbook code with cached fields, in turns in one process.
#include "common.hpp"
#include "subjects.hpp"
#include "textbook.hpp"
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/model/lattices.hpp>

namespace {

using namespace spinet;

template <class Coupling, class Bonds, class Kernel>
void sweeps(benchmark::State& state, Bonds const& of, std::size_t rows, Kernel const& kernel) {
    double const temperature = static_cast<double>(state.range(0)) / 100;
    auto const model = edwards_anderson({16, 16, 16}, of, 1);
    swept_tile own(model, kernel, rows, temperature);

    textbook::cubic_couplings<Coupling> couplings;
    for (std::size_t i = 0; i < model.size(); ++i) {
        couplings.neighbours.emplace_back();
        couplings.couplings.emplace_back();
        for (std::size_t k = 0; k < 6; ++k) {
            couplings.neighbours[i][k] = model.neighbours(i)[k];
            couplings.couplings[i][k] = static_cast<Coupling>(model.neighbour_couplings(i)[k]);
        }
    }
    std::vector<textbook::cubic_replica<Coupling>> replicas;
    for (std::size_t r = 0; r < 8; ++r) replicas.emplace_back(couplings, r);

    auto const book = [&] {
        for (auto& replica : replicas) replica.sweep(static_cast<float>(1 / temperature));
    };
    for (int k = 0; k < 50; ++k) own(), book();
    timing::pair_of_times times;
    for (auto _ : state) {
        times.add(own, book);
        state.SetIterationTime(times.subject.back());
    }
    auto const book_updates = static_cast<double>(replicas.size() * model.size());
    state.counters["updates_per_second"] = own.updates() / timing::median(times.subject);
    state.counters["textbook_updates_per_second"] = book_updates / timing::median(times.baseline);
    state.counters["speedup"] = timing::median(times.ratio) * own.updates() / book_updates;
}

template <class Coupling, class Bonds, class Kernel>
void add(std::string const& name, Bonds const& of, std::size_t rows, Kernel const& kernel) {
    auto* const added = benchmark::RegisterBenchmark(
        name.c_str(), [=](benchmark::State& state) { sweeps<Coupling>(state, of, rows, kernel); });
    for (int const t : {50, 100, 200}) added->Arg(t);
    added->ArgName("100T")->UseManualTime();
}

[[maybe_unused]] bool const added = [] {
    add<int>("+-J 512 rows multi_spin metropolis", plus_minus_bonds{}, 512, multi_spin{});
    add<int>("+-J 64 rows multi_spin metropolis", plus_minus_bonds{}, 64, multi_spin{});
    add<int>("+-J 128 rows metropolis", plus_minus_bonds{}, 128, metropolis{});
    add<float>("Gaussian 128 rows metropolis", gaussian_bonds{}, 128, metropolis{});
    add<float>("Gaussian 128 rows glauber", gaussian_bonds{}, 128, glauber{});
    return true;
}();

}  // namespace
