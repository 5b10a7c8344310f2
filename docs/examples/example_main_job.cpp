// SPDX-License-Identifier: BSD-3-Clause
/// The main job: from a network file to mean |q| over temperature. Arguments: FILE SWEEPS (default: the
/// network that spinet ships, and a run far too short to equilibrate, which says so in every line).
//! [main job]
#include <spinet/readers/load.hpp>  // the opt-in file reader
#include <spinet/spinet.hpp>

#include <cstdio>

void print_curve(char const* file, std::uint64_t sweeps) {
    auto const network = spinet::load_network(file);
    auto const glass =
        spinet::to_spin_glass(network, spinet::twin_hopfield{.biases = spinet::biases::as_fields});
    auto const ladder = spinet::suggested_temperatures(glass, {.lowest = 0.2, .count = 24});
    auto const method = spinet::parallel_tempering(spinet::glauber{}, ladder);

    auto const run = spinet::sample(
        glass, method, spinet::observables{spinet::energy{}, spinet::overlap{}},
        spinet::run_plan{
            .replicas = 16, .warmup = sweeps / 10, .sweeps = sweeps, .measure_every = 10, .seed = 1},
        spinet::threads{}, spinet::progress_bar{});

    for (auto const& point : spinet::mean_abs_overlap(run))
        std::printf("%g %g %g %s\n", point.temperature, point.value, point.error,
                    point.equilibrated ? "" : "not equilibrated");
}
//! [main job]

#include <cstdlib>

int main(int argc, char** argv) {
    char const* const shipped = SPINET_SOURCE_DIR "/docs/networks/fashion_784-128-64-10_trained.safetensors";
    print_curve(argc > 1 ? argv[1] : shipped, argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100);
}
