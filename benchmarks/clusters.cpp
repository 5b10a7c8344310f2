// SPDX-License-Identifier: BSD-3-Clause
/// What isoenergetic cluster moves do to the autocorrelation time of |q| on +-J lattices, at fixed
/// temperatures: tau with and without them, from runs without exchange, where the series of |q| shows what
/// replicas do.
#include "common.hpp"
#include <spinet/spinet.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace spinet;

struct times {
    std::vector<integrated_time> tau;
    double of_sweep;  ///< seconds
};

template <class M, class Pairs>
times measured(M const& model, ladder const& temperatures, Pairs const& pairs, std::uint64_t sweeps) {
    auto const began = std::chrono::steady_clock::now();
    auto const seen = sample(
        model, parallel_tempering(metropolis{}, temperatures, no_exchange{}, pairs),
        observables{energy{}, overlap{}},
        {.replicas = 16, .warmup = sweeps / 4, .sweeps = sweeps, .measure_every = 1, .from = start::hot},
        serial{}, progress_bar(pairs.name()));
    times result{{},
                 std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count() /
                     static_cast<double>(sweeps + sweeps / 4)};
    for (auto const& recorded : seen.template of<overlap>()) {
        auto const& series = recorded.series();
        result.tau.push_back(
            integrated_autocorrelation_time(series.block_means(), series.block_length(), series.variance()));
    }
    return result;
}

void compare(std::string const& name, std::vector<std::size_t> const& sides, ladder const& temperatures,
             std::uint64_t sweeps) {
    auto const model = edwards_anderson<float>(sides, plus_minus_bonds{}, 1);
    auto const plain = measured(model, temperatures, no_pair_move{}, sweeps),
               with = measured(model, temperatures, isoenergetic_clusters{}, sweeps);
    double const cost = with.of_sweep / plain.of_sweep;
    std::printf(
        "\n%s, %llu sweeps; a sweep with clusters takes %.1f times the time\n\n"
        "| T | tau | tau with clusters | factor | factor in time |\n|---|---|---|---|---|\n",
        name.c_str(), static_cast<unsigned long long>(sweeps), cost);
    for (std::size_t k = 0; k < temperatures.size(); ++k) {
        auto const &a = plain.tau[k], &b = with.tau[k];
        // A run that is too short for tau finds less than it is.
        std::printf("| %.2f | %s%.1f +- %.1f | %s%.1f +- %.1f | %s%.1f | %.1f |\n", temperatures[k],
                    a.reliable ? "" : "> ", a.tau, a.error, b.reliable ? "" : "> ", b.tau, b.error,
                    a.reliable ? "" : "> ", a.tau / b.tau, a.tau / b.tau / cost);
    }
}

}  // namespace

int main(int argc, char** argv) {
    auto const sweeps = static_cast<std::uint64_t>(argc > 1 ? std::strtod(argv[1], nullptr) : 20'000);
    std::printf("compiled by %s\n", SPINET_BENCHMARK_FLAGS);
    ladder const two({0.6, 0.8, 1.0, 1.2, 1.5, 2.0}), three({0.9, 1.1, 1.3, 1.6, 2.0, 3.0});
    compare("+-J, 16 x 16", {16, 16}, two, sweeps);
    compare("+-J, 32 x 32", {32, 32}, two, sweeps);
    compare("+-J, 8 x 8 x 8", {8, 8, 8}, three, sweeps);
}
