// SPDX-License-Identifier: BSD-3-Clause
// Prints results of runs of every kind to the last bit. tests/bitwise/compare.sh builds it against two
// versions of spinet, whatever their names were, and compares what it prints: a change of structure changes
// no line.
#if __has_include(<spinet/readers/load.hpp>)
#include <spinet/readers/load.hpp>
#else
#include <spinet/network/load.hpp>
#endif
#include <spinet/kernel/langevin.hpp>
#include <spinet/kernel/mirrored.hpp>
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/kernel/rejection_free.hpp>
#include <spinet/kernel/wolff.hpp>
#include <spinet/spinet.hpp>

#if __has_include(<spinet/ensemble/capped_models.hpp>)
#include <spinet/ensemble/capped_models.hpp>
#define SUGGESTED_MODELS spinet::suggested_capped_models
#else
#define SUGGESTED_MODELS spinet::suggested_lanes
#endif

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace {

/// FNV-1a of bytes.
std::uint64_t hash(std::span<std::byte const> bytes) {
    std::uint64_t h = 0xcbf29ce484222325u;
    for (auto const b : bytes) h = (h ^ static_cast<std::uint64_t>(b)) * 0x100000001b3u;
    return h;
}

template <class Points>
void print(char const* of, char const* what, Points const& points) {
    for (auto const& p : points)
        std::printf("%s %s T=%a %a +- %a tau %a n %a %d\n", of, what, p.temperature, p.value, p.error, p.tau,
                    p.effective_samples, p.equilibrated ? 1 : 0);
}

/// Everything that a run with all observables shows, the bytes of its last checkpoint among it.
template <class Model, class Method>
void show(char const* name, Model const& model, Method const& method, spinet::run_plan const& plan) {
    std::optional<spinet::checkpoint> frozen;
    auto const keep = [&](spinet::progress const& now) {
        if (now.save) frozen = now.save();
        return true;
    };
    auto const run = spinet::sample(model, method,
                                    spinet::observables{spinet::energy{}, spinet::overlap{},
                                                        spinet::magnetisation{}, spinet::overlap_histogram{}},
                                    plan, spinet::threads{2}, keep);
    print(name, "u", spinet::mean_energy(run));
    std::size_t const parts = run.groups.size() > 1 ? 1 + run.groups.size() : 1;
    for (std::size_t part = 0; part < parts; ++part) {
        print(name, ("|q| " + std::to_string(part)).c_str(), spinet::mean_abs_overlap(run, part));
        print(name, ("|m| " + std::to_string(part)).c_str(), spinet::mean_abs_magnetisation(run, part));
    }
    print(name, "binder", spinet::binder_parameter(run));
    print(name, "chi", spinet::spin_glass_susceptibility(run));
    for (auto const& at : spinet::overlap_distribution(run))
        for (std::size_t b = 0; b < at.density.size(); b += 5)
            std::printf("%s P %a +- %a\n", name, at.density[b], at.error[b]);
    for (std::size_t k = 0; k < run.exchange.attempted.size(); ++k)
        std::printf("%s exchange %zu of %zu\n", name, static_cast<std::size_t>(run.exchange.accepted[k]),
                    static_cast<std::size_t>(run.exchange.attempted[k]));
    for (auto const n : run.exchange.round_trips)
        std::printf("%s trips %zu\n", name, static_cast<std::size_t>(n));
    if (run.populations)
        for (double const z : run.populations->log_partition) std::printf("%s ln Z %a\n", name, z);
    for (auto const& spins : run.spins)
        for (std::size_t r = 0; r < spins.rows(); ++r)
            std::printf("%s overlap of kept spins %a\n", name, spins.overlap(0, r));
    std::printf("%s checkpoint %016llx at %zu, %zu bytes\n", name,
                static_cast<unsigned long long>(hash(frozen->state)),
                static_cast<std::size_t>(frozen->sweeps_done), frozen->state.size());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: %s TRAINED SMALL (two safetensors files)\n", argv[0]);
        return 2;
    }
    using namespace spinet;
    run_plan const brief{
        .replicas = 8, .warmup = 40, .sweeps = 160, .measure_every = 4, .seed = 7, .annealing = 50};
    auto const network = load_network(argv[1]);
    auto const glass = to_spin_glass(network);
    ladder const temperatures = geometric_temperatures(2, 12, 6);
    show("network", glass, parallel_tempering(glauber{}, temperatures),
         run_plan{.replicas = 8,
                  .warmup = 40,
                  .sweeps = 160,
                  .measure_every = 4,
                  .seed = 7,
                  .annealing = 50,
                  .keep_spins = true});
    auto const small = to_spin_glass(load_network(argv[2]),
                                     twin_hopfield{.biases = biases::dropped, .scale = scale::t_formula});
    show("small metropolis", small, parallel_tempering(metropolis{}, linear_temperatures(0.5, 8, 5)), brief);
    show("small random scan", small, parallel_tempering(glauber{random_scan{}}, temperatures), brief);
    show("small mirrored", small, parallel_tempering(mirrored{glauber{}}, temperatures), brief);
    show("small lanes", small, parallel_tempering(glauber{}, temperatures, SUGGESTED_MODELS(small)), brief);
    show("small population", small,
         population_annealing(glauber{}, temperatures, {.members = 50, .step = 0.7}), brief);
    show("small annealing", small, annealing(glauber{}, temperatures), brief);
    show("shuffled", to_spin_glass(shuffled(load_network(argv[2]), shuffle::across_layers, 3)),
         fixed_temperatures(glauber{}, temperatures), brief);
    show("redrawn", to_spin_glass(redrawn(load_network(argv[2]), 5)),
         parallel_tempering(glauber{}, temperatures), brief);
    auto const sk = sherrington_kirkpatrick(64, 3);
    ladder const cold = geometric_temperatures(0.3, 2, 6);
    show("sk", sk, parallel_tempering(glauber{}, cold), brief);
    show("sk random metropolis", sk, parallel_tempering(metropolis{random_scan{}}, cold), brief);
    show("sk rejection-free", sk, parallel_tempering(rejection_free{}, cold), brief);
    show("sk double", sherrington_kirkpatrick<double>(48, 4), parallel_tempering(glauber{}, cold), brief);
    show("sk population", sk, population_annealing(metropolis{}, cold, {.members = 40}), brief);
    auto const ea = edwards_anderson({6, 6, 6}, plus_minus_bonds(), 5);
    show("ea", ea, parallel_tempering(glauber{}, cold), brief);
    show("ea multi-spin", ea, parallel_tempering(multi_spin{}, cold), brief);
    show("ea clusters", ea,
         parallel_tempering(metropolis{}, cold, energy_exchange{}, isoenergetic_clusters{1.2}), brief);
    show("ea wolff", ea, parallel_tempering(wolff{multi_spin{}}, cold), brief);
    show("ea gaussian", edwards_anderson({8, 8}, gaussian_bonds(), 6),
         parallel_tempering(glauber{random_scan{}}, cold), brief);
    show("soft", soft_spins(small, uniform_measure{}), parallel_tempering(glauber{}, temperatures), brief);
    show("p-spin", random_ising_p_spin(20, 3, p_spin_scale::auffinger_ben_arous_cerny, 9),
         parallel_tempering(glauber{}, cold), brief);
    show("sphere", random_spherical_p_spin(20, 3, p_spin_scale::crisanti_sommers, 9),
         parallel_tempering(langevin{}, cold), brief);
    for (double const t : suggested_temperatures(sk, {.lowest = 0.3, .count = 8}).temperatures())
        std::printf("suggested %a\n", t);
    for (double const t : evenly_accepted(sk, parallel_tempering(glauber{}, cold)).temperatures())
        std::printf("even %a\n", t);
    auto const best = anneal(small, glauber{}, temperatures, {.sweeps = 60, .rows = 20});
    std::printf("anneal %a\n", best.energy());
    return 0;
}
