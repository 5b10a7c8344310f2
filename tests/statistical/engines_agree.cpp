// SPDX-License-Identifier: BSD-3-Clause
/// Every engine that can sample a trained network finds the same energy and <q^2>, pair by pair.
#include "../catch.hpp"
#include <spinet/readers/load.hpp>
#include <spinet/spinet.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace spinet;

namespace {

struct found {
    std::string engine;
    curve energies, squares;
};

constexpr std::size_t replicas = 12;

template <class Real, class Kernel>
found sampled(Kernel const& kernel, std::string const& engine, std::uint64_t seed) {
    auto const glass = to_spin_glass<Real>(
        load_network(std::string(SPINET_SOURCE_DIR) + "/tests/data/fashion_784-16-10_trained.safetensors"));
    ladder const temperatures({1.4, 1.9, 2.5, 3.2, 4.1, 5.2, 6.6, 8.5});
    run_plan const plan{
        .replicas = replicas, .warmup = 200, .sweeps = 1000, .measure_every = 5, .seed = seed};
    auto const run =
        sample(glass, parallel_tempering(kernel, temperatures), observables{energy{}, overlap{}}, plan);
    return {engine, mean_energy(run), mean_square_overlap(run)};
}

/// Of two means of 12 independent ladders each.
double p_of_difference(curve_point const& a, curve_point const& b) {
    double const t = std::abs(a.value - b.value) / std::hypot(a.error, b.error);
    return 2 * (1 - student_t_cdf(t, 2 * (replicas - 1)));
}

}  // namespace

TEST_CASE("all engines find the same energy and overlaps on a trained network") {
    std::vector<found> const all{sampled<float>(glauber{}, "layer blocks", 1),
                                 sampled<double>(glauber{}, "layer blocks, double", 2),
                                 sampled<float>(metropolis{}, "layer blocks, metropolis", 3),
                                 sampled<float>(glauber{sequential_scan{}}, "sequential", 4),
                                 sampled<float>(metropolis{sequential_scan{}}, "sequential, metropolis", 5),
                                 sampled<float>(glauber{random_scan{}}, "random", 6)};
    std::array<std::size_t, 3> const temperatures{0, 3, 6};
    // 15 pairs of engines x 3 temperatures x 2 means.
    double const threshold = 0.001 / 90;
    for (std::size_t a = 0; a < all.size(); ++a)
        for (std::size_t b = a + 1; b < all.size(); ++b)
            for (std::size_t const k : temperatures) {
                CAPTURE(all[a].engine, all[b].engine, all[a].energies[k].temperature);
                CAPTURE(all[a].energies[k].value, all[b].energies[k].value, all[a].energies[k].error);
                CAPTURE(all[a].squares[k].value, all[b].squares[k].value, all[a].squares[k].error);
                CHECK(p_of_difference(all[a].energies[k], all[b].energies[k]) > threshold);
                CHECK(p_of_difference(all[a].squares[k], all[b].squares[k]) > threshold);
            }
    // Small enough for that to mean something.
    for (auto const& each : all) {
        CHECK(each.energies[3].error < 2e-3);
        CHECK(each.squares[3].error < 0.1 * each.squares[3].value);
    }
}
