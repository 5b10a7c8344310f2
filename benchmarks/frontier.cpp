// SPDX-License-Identifier: BSD-3-Clause
/// How far down each sampler equilibrates in a given time, and how many effective samples a second it makes
/// on the way: `frontier [seconds] [only rows that contain this] [further networks...]`, on all cores.
///
/// The frontier is the lowest temperature at which hot and cold starts agree, there and at every higher rung
/// (all that the verdict asks for, but for the number of round trips); of population annealing, down to which
/// its families suffice. Effective samples are var(|q|) / error^2, from the scatter of replicas. Every
/// sampler of a subject has the same ladder, the same 16 replicas (24 where they move in pairs) and the same
/// time, its own annealing included.
#include "common.hpp"
#include <spinet/readers/load.hpp>
#include <spinet/spinet.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using namespace spinet;
using seconds = std::chrono::duration<double>;

struct options {
    double budget = 20;
    std::string only;
};

double now() { return seconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

template <class M>
class table {
public:
    table(std::string name, M const& model, double lowest, options const& chosen)
        : name_(std::move(name)),
          model_(model),
          chosen_(chosen),
          ladder_(suggested_temperatures(model, {.lowest = lowest, .count = 16}, threads{})) {
        double const top = ladder_.highest();
        std::printf("\n%s: %zu spins, %zu temperatures from %.3g to %.3g, %.0f s each\n\n", name_.c_str(),
                    model.size(), ladder_.size(), ladder_.lowest(), top, chosen.budget);
        std::printf("| sampler | sweeps or members | frontier | round trips a ladder (a second) |");
        for (double const part : {1.0, 0.5, 0.25, 0.12, 0.06, 0.0}) {
            std::size_t k = 0;
            while (ladder_[k] < part * top * (1 - 1e-9)) ++k;
            shown_.push_back(k);
            std::printf(" T = %.3g |", ladder_[k]);
        }
        std::printf("\n|---|---|---|---|---|---|---|---|---|---|\n");
    }

    [[nodiscard]] ladder const& temperatures() const noexcept { return ladder_; }

    /// Ladders: as many sweeps as fit in, a fifth of them warm-up.
    template <class Method>
    void add(std::string const& sampler, Method const& method) const {
        if (left_out(sampler)) return;
        std::size_t replicas = 16;
        if constexpr (requires { requires Method::joins_pairs; }) replicas = 24;
        run_plan plan{
            .replicas = replicas, .warmup = 8, .sweeps = 24, .measure_every = 8, .from = start::hot};
        double const began = now();
        (void)sample(model_, method, observables{energy{}, overlap{}}, plan, threads{});
        double const of_sweep = (now() - began) / 32;
        auto const sweeps = static_cast<std::uint64_t>(chosen_.budget / of_sweep);
        plan = {.replicas = replicas,
                .warmup = sweeps / 5,
                .sweeps = sweeps - sweeps / 5,
                .measure_every = std::max<std::uint64_t>(2, sweeps / 2000)};
        print(sampler, plan.sweeps, method, plan);
    }

    /// Populations: as many members as fit in.
    template <class K>
    void add_populations(std::string const& sampler, K const& kernel) const {
        if (left_out(sampler)) return;
        run_plan const plan{.replicas = 16, .warmup = 0, .sweeps = 10, .measure_every = 10};
        double const began = now();
        (void)sample(model_, population_annealing(kernel, ladder_, {.members = 50}),
                     observables{energy{}, overlap{}}, plan, threads{});
        auto const members = static_cast<std::size_t>(50 * chosen_.budget / (now() - began));
        print(sampler, members, population_annealing(kernel, ladder_, {.members = members}), plan);
    }

private:
    [[nodiscard]] bool left_out(std::string const& sampler) const {
        return (name_ + " " + sampler).find(chosen_.only) == std::string::npos;
    }

    template <class Method>
    void print(std::string const& sampler, std::uint64_t effort, Method const& method,
               run_plan const& plan) const {
        double const began = now();
        auto const seen = sample(model_, method, observables{energy{}, overlap{}}, plan, threads{},
                                 progress_bar(name_ + ", " + sampler));
        double const took = now() - began;
        auto const verdicts = equilibration(seen, {.round_trips = 0});
        auto const points = mean_abs_overlap(seen);
        std::size_t frontier = ladder_.size();
        while (frontier > 0 && verdicts[frontier - 1].equilibrated) --frontier;
        std::printf("| %s | %llu | ", sampler.c_str(), static_cast<unsigned long long>(effort));
        if (frontier < ladder_.size())
            std::printf("%.3g | ", ladder_[frontier]);
        else
            std::printf("- | ");
        if (seen.exchanges)
            std::printf("%.1f (%.2g) |", seen.round_trips_per_ladder(), seen.round_trips_per_ladder() / took);
        else
            std::printf("- |");
        for (std::size_t const k : shown_)
            if (k >= frontier)
                std::printf(" %.3g |", points[k].effective_samples / took);
            else
                std::printf(" - |");
        std::printf("\n");
        std::fflush(stdout);
    }

    std::string name_;
    M const& model_;
    options chosen_;
    ladder ladder_;
    std::vector<std::size_t> shown_;
};

void network_samplers(std::string const& name, network_glass<float> const& model, options const& chosen) {
    table const of(name, model, largest_coupling_eigenvalue(model) / 48, chosen);
    auto const& t = of.temperatures();
    of.add("glauber, alone", fixed_temperatures(glauber{}, t));
    of.add("metropolis, alone", fixed_temperatures(metropolis{}, t));
    of.add("glauber, tempering by energies", parallel_tempering(glauber{}, t, energy_exchange{}));
    of.add("metropolis, tempering by energies", parallel_tempering(metropolis{}, t));
    of.add("glauber, tempering by marginal weights", parallel_tempering(glauber{}, t));
    of.add("mirrored glauber, marginal weights", parallel_tempering(mirrored{glauber{}}, t));
    of.add("mirrored glauber, suggested capped models",
           parallel_tempering(mirrored{glauber{}}, t, suggested_capped_models(model)));
    of.add("glauber, sequential, energies", parallel_tempering(glauber{sequential_scan{}}, t));
    of.add("metropolis, sequential, energies", parallel_tempering(metropolis{sequential_scan{}}, t));
    of.add("rejection-free glauber, energies", parallel_tempering(rejection_free{glauber{}}, t));
    of.add_populations("glauber, populations", glauber{});
    of.add_populations("mirrored glauber, populations", mirrored{glauber{}});
}

void dense_samplers(options const& chosen) {
    auto const model = sherrington_kirkpatrick<float>(256, 1);
    table const of("Sherrington-Kirkpatrick", model, 0.1, chosen);
    auto const& t = of.temperatures();
    of.add("glauber, alone", fixed_temperatures(glauber{}, t));
    of.add("glauber, tempering", parallel_tempering(glauber{}, t));
    of.add("metropolis, tempering", parallel_tempering(metropolis{}, t));
    of.add("mirrored metropolis, tempering", parallel_tempering(mirrored{metropolis{}}, t));
    of.add("metropolis, random order, tempering", parallel_tempering(metropolis{random_scan{}}, t));
    of.add("rejection-free glauber, tempering", parallel_tempering(rejection_free{glauber{}}, t));
    of.add_populations("metropolis, populations", metropolis{});
}

void lattice_samplers(std::string const& name, std::vector<std::size_t> const& sides, options const& chosen) {
    auto const model = edwards_anderson<float>(sides, plus_minus_bonds{}, 1);
    table const of(name, model, 0.3, chosen);
    auto const& t = of.temperatures();
    isoenergetic_clusters const everywhere, below{.below = sides.size() == 2 ? 1.5 : 1.2};
    of.add("metropolis, alone", fixed_temperatures(metropolis{}, t));
    of.add("metropolis, tempering", parallel_tempering(metropolis{}, t));
    of.add("metropolis, tempering, clusters",
           parallel_tempering(metropolis{}, t, energy_exchange{}, everywhere));
    of.add("metropolis, tempering, clusters where cold",
           parallel_tempering(metropolis{}, t, energy_exchange{}, below));
    of.add("multi-spin metropolis, tempering", parallel_tempering(multi_spin{}, t));
    of.add("multi-spin metropolis, tempering, clusters where cold",
           parallel_tempering(multi_spin{}, t, energy_exchange{}, below));
    of.add("wolff around metropolis, tempering", parallel_tempering(wolff{metropolis{}}, t));
    of.add("rejection-free glauber, tempering", parallel_tempering(rejection_free{glauber{}}, t));
    of.add_populations("multi-spin metropolis, populations", multi_spin{});
}

}  // namespace

int main(int argc, char** argv) try {
    options chosen;
    if (argc > 1) chosen.budget = std::strtod(argv[1], nullptr);
    if (argc > 2) chosen.only = argv[2];
    if (!(chosen.budget > 0))
        throw error("usage: frontier [seconds] [only rows that contain this] [networks...]");
    std::printf("compiled by %s\n", SPINET_BENCHMARK_FLAGS);
    std::string const networks = SPINET_SOURCE_DIR "/docs/networks/fashion_784-128-64-10_";
    auto const trained = load_network(networks + "trained.safetensors");
    network_samplers("trained", to_spin_glass(trained), chosen);
    network_samplers("shuffled", to_spin_glass(shuffled(trained)), chosen);
    network_samplers("initial", to_spin_glass(load_network(networks + "initial.safetensors")), chosen);
    dense_samplers(chosen);
    lattice_samplers("+-J, 24 x 24", {24, 24}, chosen);
    lattice_samplers("+-J, 8 x 8 x 8", {8, 8, 8}, chosen);
    for (int k = 3; k < argc; ++k)
        network_samplers(std::filesystem::path(argv[k]).stem().string(), to_spin_glass(load_network(argv[k])),
                         chosen);
} catch (std::exception const& fault) {
    std::fprintf(stderr, "frontier: %s\n", fault.what());
    return 2;
}
