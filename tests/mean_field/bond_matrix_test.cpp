// SPDX-License-Identifier: BSD-3-Clause
/// Bond matrix of layered random networks against closed forms.
#include "../catch.hpp"
#include <spinet/mean_field/bond_matrix.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <vector>

using namespace spinet;

namespace {

using layer_sizes = std::vector<std::size_t>;
using layer_variances = std::vector<double>;

}  // namespace

TEST_CASE("t_formula of equal layers is sqrt(2 C cos(pi / (L + 2)))", "[bond_matrix]") {
    std::vector<double> const known{1.0, 1.18921, 1.27202, 1.31607};  // C = 1, L = 1 ... 4
    for (std::size_t l = 1; l <= 30; ++l) {
        for (double const c : {1.0, 0.37}) {
            CAPTURE(l, c);
            double const found = t_formula(layer_sizes(l + 1, 50), layer_variances(l, c / 50.0));
            double const expected =
                std::sqrt(2.0 * c * std::cos(std::numbers::pi / static_cast<double>(l + 2)));
            CHECK(std::abs(found / expected - 1.0) < 1e-14);
            if (c == 1.0 && l <= 4) CHECK(std::abs(found - known[l - 1]) < 5e-6);
        }
    }
}

TEST_CASE("t_formula of unequal layers", "[bond_matrix]") {
    // Variance 1 / fan-in. Three layers: T^4 = N1 (N0 v0^2 + N2 v1^2).
    CHECK(std::abs(t_formula(layer_sizes{800, 200, 100}, layer_variances{1.0 / 800, 1.0 / 200}) - 0.9306) <
          5e-5);
    CHECK(std::abs(t_formula(layer_sizes{800, 200, 100}, layer_variances{1.0 / 800, 1.0 / 200}) -
                   std::pow(0.75, 0.25)) < 1e-14);
    // Bipartite: (N1 N2 sigma^4)^(1/4).
    CHECK(std::abs(t_formula(layer_sizes{784, 10}, layer_variances{0.3}) / std::pow(7840.0 * 0.09, 0.25) -
                   1.0) < 1e-14);
    // Two bipartite networks side by side: the larger of the two.
    double const split = t_formula(layer_sizes{10, 10, 20, 20}, layer_variances{0.1, 0.0, 0.1});
    CHECK(std::abs(split - std::sqrt(2.0)) < 1e-14);
    CHECK(t_formula(layer_sizes{100}, layer_variances{}) == 0.0);
    CHECK(t_formula(layer_sizes{10, 10}, layer_variances{0.0}) == 0.0);
    double const wide = t_formula(layer_sizes{4'000'000'000, 4'000'000'000}, layer_variances{1.0});
    CHECK(std::abs(wide / std::sqrt(4e9) - 1.0) < 1e-14);  // no overflow of integers
}

TEST_CASE("the paramagnet of two layers is known", "[bond_matrix]") {
    // With u = beta^2 sigma^2: N <q^2> = (N1 + N2 + 2 u N1 N2) / (N1 + N2) / (1 - u^2 N1 N2).
    double const n1 = 30.0;
    double const n2 = 50.0;
    double const variance = 0.02;
    layer_sizes const sizes{30, 50};
    layer_variances const variances{variance};
    double const critical = std::sqrt(variance * std::sqrt(n1 * n2));
    for (double const ratio : {1.0001, 1.1, 2.0, 30.0}) {
        double const temperature = ratio * critical;
        double const u = variance / (temperature * temperature);
        double const expected = (n1 + n2 + 2.0 * u * n1 * n2) / (n1 + n2) / (1.0 - u * u * n1 * n2);
        CAPTURE(ratio);
        CHECK(std::abs(paramagnet_overlap_variance(sizes, variances, temperature) / expected - 1.0) < 1e-10);
    }
    CHECK_THROWS_AS(paramagnet_overlap_variance(sizes, variances, 0.999 * critical), error);
}

TEST_CASE("the paramagnet of three layers sums the series of B", "[bond_matrix]") {
    // (1 - B / T^2)^-1 = 1 + B / T^2 + ... with B as defined, not symmetrised: an independent way to the same
    // number.
    layer_sizes const sizes{800, 200, 100};
    layer_variances const variances{1.0 / 800, 1.0 / 200};
    std::vector<std::vector<double>> const bonds{{0.0, 0.25, 0.0}, {1.0, 0.0, 0.5}, {0.0, 1.0, 0.0}};
    double const temperature = 1.3;
    std::vector<double> term(3, 1.0);
    double expected = 0.0;
    for (int order = 0; order < 200; ++order) {
        std::vector<double> next(3, 0.0);
        for (std::size_t l = 0; l < 3; ++l) {
            expected += static_cast<double>(sizes[l]) / 1100.0 * term[l];
            for (std::size_t k = 0; k < 3; ++k)
                next[l] += bonds[l][k] * term[k] / (temperature * temperature);
        }
        term = next;
    }
    CHECK(std::abs(paramagnet_overlap_variance(sizes, variances, temperature) / expected - 1.0) < 1e-13);
    CHECK(std::abs(paramagnet_overlap_variance(sizes, variances, 1e6) - 1.0) < 1e-11);
    CHECK(std::abs(paramagnet_overlap_variance(layer_sizes{7}, layer_variances{}, 0.1) - 1.0) < 1e-14);
    CHECK(std::abs(paramagnet_overlap_variance(layer_sizes{7, 7}, layer_variances{0.0}, 0.1) - 1.0) < 1e-14);
}

TEST_CASE("the bond matrix refuses what is no layered network", "[bond_matrix]") {
    double const not_a_number = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(t_formula(layer_sizes{}, layer_variances{}), error);
    CHECK_THROWS_AS(t_formula(layer_sizes{3, 3}, layer_variances{}), error);
    CHECK_THROWS_AS(t_formula(layer_sizes{3, 3}, layer_variances{1.0, 1.0}), error);
    CHECK_THROWS_WITH(t_formula(layer_sizes{3, 0}, layer_variances{1.0}), "bond matrix: layer 1 is empty");
    CHECK_THROWS_AS(t_formula(layer_sizes{3, 3}, layer_variances{-1.0}), error);
    CHECK_THROWS_AS(t_formula(layer_sizes{3, 3}, layer_variances{not_a_number}), error);
    CHECK_THROWS_AS(paramagnet_overlap_variance(layer_sizes{3, 3}, layer_variances{1.0}, not_a_number),
                    error);
    CHECK_THROWS_AS(paramagnet_overlap_variance(layer_sizes{3}, layer_variances{}, 0.0), error);
}
