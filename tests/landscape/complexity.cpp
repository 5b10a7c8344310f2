// SPDX-License-Identifier: BSD-3-Clause
/// Bands and complexity of the spherical p-spin model, against values that were computed independently.
#include "../catch.hpp"
#include <spinet/landscape/complexity.hpp>
#include <spinet/model/p_spin.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>

using namespace spinet;
using Catch::Approx;

TEST_CASE("the bands of p = 3 and 4", "[landscape]") {
    // Auffinger, Ben Arous and Cerny's formulas, solved elsewhere.
    double const three[] = {1.656998, 1.652873, 1.650253}, four[] = {1.794085, 1.783300, 1.776478};
    CHECK(threshold_energy(3) == Approx(1.632993).epsilon(1e-6));
    CHECK(threshold_energy(4) == Approx(1.732051).epsilon(1e-6));
    for (std::size_t k = 0; k < 3; ++k) {
        CHECK(band_edge(3, k) == Approx(three[k]).epsilon(1e-6));
        CHECK(band_edge(4, k) == Approx(four[k]).epsilon(1e-6));
    }
    // The ground state by Crisanti and Sommers, and the threshold.
    CHECK(band_edge(3, 0) / std::sqrt(2.0) == Approx(1.171675).epsilon(1e-6));
    CHECK(threshold_energy(3) / std::sqrt(2.0) == Approx(1.154701).epsilon(1e-6));
    CHECK_THROWS_WITH(threshold_energy(2), Catch::Matchers::ContainsSubstring("p = 2"));
}

TEST_CASE("complexities meet at the threshold, and count all critical points in the end", "[landscape]") {
    for (std::size_t const p : {3u, 4u, 7u}) {
        double const e = threshold_energy(p), order = static_cast<double>(p);
        for (std::size_t k = 0; k < 3; ++k) {
            CHECK(complexity(p, k, -e) == Approx(std::log(order - 1) / 2 - (order - 2) / order));
            CHECK(complexity(p, k, -e * (1 + 1e-9)) == Approx(complexity(p, k, -e)).epsilon(1e-6));
            CHECK(complexity(p, k, 0) == complexity(p, k, -e));
            CHECK(complexity(p, k, -band_edge(p, k)) == Approx(0).margin(1e-12));
            CHECK(complexity(p, k + 1, -1.02 * e) < complexity(p, k, -1.02 * e));
        }
        CHECK(total_complexity(p, -e) == Approx(complexity(p, 0, -e)));
        CHECK(total_complexity(p, -1.05 * e) == complexity(p, 0, -1.05 * e));
        CHECK(total_complexity(p, 0.5) == Approx(std::log(order - 1) / 2));
    }
    CHECK(complexity(3, 0, -threshold_energy(3)) == Approx(0.013240).epsilon(1e-4));
}

TEST_CASE("the index runs from 0 at the lower threshold to 1 at the upper", "[landscape]") {
    double const e = threshold_energy(3);
    CHECK(index_fraction(3, -e) == 0);
    CHECK(index_fraction(3, -2 * e) == 0);
    CHECK(index_fraction(3, e) == 1);
    CHECK(index_fraction(3, 0) == 0.5);
    // The integral of a semicircle, by the midpoint rule.
    double sum = 0;
    constexpr int steps = 200'000;
    for (int k = 0; k < steps; ++k) {
        double const y = -1 + 0.6 * (k + 0.5) / steps;
        sum += 0.6 / steps * 2 / 3.14159265358979 * std::sqrt(1 - y * y);
    }
    CHECK(index_fraction(3, -0.4 * e) == Approx(sum).epsilon(1e-6));
    CHECK(index_fraction(3, 0.4 * e) == Approx(1 - sum).epsilon(1e-6));
}

TEST_CASE("complex critical points, and the real ones of two spins", "[landscape]") {
    CHECK(std::exp(log_complex_critical_points(3, 4)) == Approx(15));
    CHECK(std::exp(log_complex_critical_points(4, 3)) == Approx(13));
    CHECK(log_complex_critical_points(7, 1) == Approx(0).margin(1e-12));
    CHECK(log_complex_critical_points(3, 10'000) == Approx(10'000 * std::log(2.0)));
    CHECK(real_critical_points_rate(5) == Approx(std::log(2.0)));
    CHECK_THROWS_WITH(log_complex_critical_points(2, 5), Catch::Matchers::ContainsSubstring("p = 2"));
    CHECK_THROWS_WITH(log_complex_critical_points(3, 0), Catch::Matchers::ContainsSubstring("no spins"));
    // On a circle the energy has the covariance 2 cos(t)^3. Rice: its derivative has 2 sqrt(r4 / r2) zeros on
    // average, with r2 = (3 + 9) / 4 and r4 = (3 + 81) / 4 from cos(t)^3 = (3 cos t + cos 3t) / 4; and never
    // more than twice the complex number, 3.
    constexpr int instances = 1000;
    double sum = 0, squares = 0;
    for (std::uint64_t seed = 1; seed <= instances; ++seed) {
        auto const model =
            random_spherical_p_spin<double>(2, 3, p_spin_scale::auffinger_ben_arous_cerny, seed);
        constexpr int steps = 720;
        int count = 0;
        bool rose = false;
        for (int k = 0; k <= steps; ++k) {
            double const t = 2 * std::numbers::pi * (k + 0.37) / steps, root = std::sqrt(2.0);
            std::array<double, 2> const x{root * std::cos(t), root * std::sin(t)};
            std::array<double, 2> slope{};
            (void)model.gradient(std::span<double const>(x), std::span<double>(slope));
            bool const rises = slope[1] * x[0] - slope[0] * x[1] > 0;
            count += k > 0 && rises != rose ? 1 : 0;
            rose = rises;
        }
        REQUIRE(count <= 6);
        sum += count;
        squares += count * count;
    }
    double const mean = sum / instances,
                 error = std::sqrt((squares / instances - mean * mean) / (instances - 1));
    CHECK(std::abs(mean - 2 * std::sqrt(7.0)) < 4.4 * error);  // p = 1e-5
}
