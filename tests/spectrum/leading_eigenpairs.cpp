// SPDX-License-Identifier: BSD-3-Clause
/// Leading eigenpairs against known spectra.
#include "../catch.hpp"
#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/spectrum/leading_eigenpairs.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

using namespace spinet;

namespace {

double dot(std::span<double const> a, std::span<double const> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

/// J_{i,i+1} = 1: eigenvalues 2 cos(k pi / (n + 1)), eigenvectors sin(i k pi / (n + 1)).
void path(std::span<double const> x, std::span<double> y) {
    for (std::size_t i = 0; i < x.size(); ++i)
        y[i] = (i > 0 ? x[i - 1] : 0) + (i + 1 < x.size() ? x[i + 1] : 0);
}

}  // namespace

TEST_CASE("the leading modes of a path are sines", "[mean_field]") {
    for (std::size_t const n : {1u, 2u, 7u, 60u}) {
        std::size_t const count = std::min<std::size_t>(n, 5);
        auto const found = leading_eigenpairs(n, count, path, {.tolerance = 1e-10});
        REQUIRE(found.values.size() == count);
        for (std::size_t k = 0; k < count; ++k) {
            double const angle = static_cast<double>(k + 1) * std::numbers::pi / static_cast<double>(n + 1);
            CHECK(found.values[k] == Approx(2 * std::cos(angle)).margin(1e-10));
            std::vector<double> expected;
            for (std::size_t i = 1; i <= n; ++i) expected.push_back(std::sin(static_cast<double>(i) * angle));
            double const length = std::sqrt(dot(expected, expected));
            CHECK(std::abs(dot(found.vector(k), expected)) / length == Approx(1).epsilon(1e-9));
        }
    }
    CHECK(leading_eigenpairs(3, 10, path).values.size() == 3);
}

TEST_CASE("leading modes are orthonormal, in order, and modes", "[mean_field]") {
    auto const model = random_layered_glass<float>({50, 40, 30}, {0.02, 0.025}, 3);
    auto const found = leading_modes(model, 8);
    REQUIRE(found.values.size() == 8);
    CHECK(found.values[0] == Approx(largest_coupling_eigenvalue(model)).epsilon(1e-6));
    std::vector<double> y(model.size());
    for (std::size_t k = 0; k < 8; ++k) {
        if (k > 0) CHECK(found.values[k] < found.values[k - 1]);
        for (std::size_t j = 0; j <= k; ++j)
            CHECK(dot(found.vector(k), found.vector(j)) == Approx(j == k ? 1 : 0).margin(1e-9));
        multiply_by_couplings(model, found.vector(k), y);
        double off = 0;
        for (std::size_t i = 0; i < y.size(); ++i)
            off += std::pow(y[i] - found.values[k] * found.vectors(k, i), 2);
        CHECK(std::sqrt(off) < 2e-6 * found.values[0]);
    }
    // None is left out: a matrix without these eight has nothing above the eighth.
    auto const rest =
        leading_eigenpairs(model.size(), 1, [&](std::span<double const> x, std::span<double> out) {
            multiply_by_couplings(model, x, out);
            for (std::size_t k = 0; k < 8; ++k) {
                double overlap = 0;
                for (std::size_t i = 0; i < x.size(); ++i) overlap += x[i] * found.vectors(k, i);
                for (std::size_t i = 0; i < x.size(); ++i)
                    out[i] -= found.values[k] * overlap * found.vectors(k, i);
            }
        });
    CHECK(rest.values[0] < found.values[7]);
}

TEST_CASE("leading eigenpairs: of equal eigenvalues one, and refusals", "[mean_field]") {
    auto const identity = [](std::span<double const> x, std::span<double> y) {
        std::copy(x.begin(), x.end(), y.begin());
    };
    auto const found = leading_eigenpairs(10, 3, identity);
    REQUIRE(found.values.size() == 1);
    CHECK(found.values[0] == Approx(1));
    CHECK_THROWS_AS(leading_eigenpairs(0, 1, identity), error);
    CHECK_THROWS_AS(leading_eigenpairs(10, 0, identity), error);
    CHECK_THROWS_AS(leading_eigenpairs(500, 2, path, {.tolerance = 1e-12, .max_iterations = 9}), error);
    auto const infinite = [](std::span<double const>, std::span<double> y) {
        std::fill(y.begin(), y.end(), 1.0 / 0.0);
    };
    CHECK_THROWS_AS(leading_eigenpairs(4, 1, infinite), error);
}
