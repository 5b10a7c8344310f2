// SPDX-License-Identifier: BSD-3-Clause
/// The temperatures of the shipped networks, and the branch of solutions that sets in at T_ord.
#include "../catch.hpp"
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/mean_field/characteristic_temperatures.hpp>
#include <spinet/mean_field/tap_branches.hpp>
#include <spinet/readers/load.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

using namespace spinet;

namespace {

network_glass<float> glass_of(std::string const& file) {
    return to_spin_glass(load_network(std::string(SPINET_SOURCE_DIR) + "/" + file),
                         twin_hopfield{.biases = biases::dropped});
}

}  // namespace

TEST_CASE("T_ord, lambda_max and T_formula of trained networks", "[t_ord]") {
    // lambda_max and T_ord: all eigenvalues by numpy.linalg.eigvalsh, T by bisection or ternary search,
    // outside of this library. T_formula: docs/networks/README.md, by train_fashion_mnist.py.
    auto const trained =
        characteristic_temperatures(glass_of("docs/networks/fashion_784-128-64-10_trained.safetensors"));
    CHECK(trained.t_ord.crosses);
    CHECK(trained.t_ord.temperature == Approx(8.953412).epsilon(2e-6));
    CHECK(trained.lambda_max == Approx(9.574948).epsilon(1e-6));
    CHECK(trained.t_formula == Approx(1.7282).epsilon(5e-5));
    auto const small =
        characteristic_temperatures(glass_of("tests/data/fashion_784-16-10_trained.safetensors"));
    CHECK(small.t_ord.crosses);
    CHECK(small.t_ord.temperature == Approx(4.779031).epsilon(2e-6));
    CHECK(small.lambda_max == Approx(7.098951).epsilon(1e-6));
}

TEST_CASE("T_ord of an untrained network is the minimum of the smallest eigenvalue", "[t_ord][slow]") {
    auto const initial =
        characteristic_temperatures(glass_of("docs/networks/fashion_784-128-64-10_initial.safetensors"));
    CHECK_FALSE(initial.t_ord.crosses);
    CHECK(initial.t_ord.temperature == Approx(0.549133).epsilon(3e-4));
    CHECK(initial.t_ord.smallest_eigenvalue == Approx(0.0401725).epsilon(1e-5));
    CHECK(initial.t_formula == Approx(0.5461).epsilon(1e-4));
}

TEST_CASE("the leading mode of a trained network orders at T_ord", "[tap]") {
    auto const glass = glass_of("docs/networks/fashion_784-128-64-10_trained.safetensors");
    auto const start = mode_start(glass);
    std::vector<double> const falling{9.3, 9.0, 8.9, 8.0, 5.0, 2.0, 1.0};
    auto const branch = tap_branch(glass, falling, start);
    REQUIRE(branch.size() == falling.size());
    for (std::size_t k = 0; k < branch.size(); ++k) {
        CAPTURE(falling[k], branch[k].q, branch[k].smallest_eigenvalue, branch[k].plefka);
        CHECK((branch[k].converged && branch[k].physical));
        if (falling[k] > 8.9534) CHECK(branch[k].q < 1e-12);
        if (falling[k] < 8.9534) CHECK(branch[k].q > 1e-4);
        if (k > 0) CHECK(branch[k].q >= branch[k - 1].q - 1e-12);
        auto const& m = branch[k].magnetisation;
        auto const gradient = tap_gradient(glass, falling[k], m);
        for (std::size_t i = 0; i < m.size(); ++i)  // artanh loses its digits near +-1
            if (std::abs(m[i]) < 1 - 1e-7) CHECK(std::abs(gradient[i]) * (1 - m[i] * m[i]) < 1e-8);
    }
    // m = 0 solves the equations at all temperatures, and is stable above T_ord only.
    std::vector<double> const zero(glass.size(), 0.0);
    CHECK(solve_tap(glass, 9.0, zero).stable);
    CHECK_FALSE(solve_tap(glass, 8.9, zero).stable);
    CHECK(branch[3].free_energy < tap_free_energy(glass, 8.0, zero));
    // Naive mean field orders at lambda_max instead.
    tap_options const naive{.theory = mean_field::naive};
    CHECK(solve_tap(glass, 9.5, start, naive).q > 1e-4);
    CHECK(solve_tap(glass, 9.65, start, naive).q < 1e-10);
}
