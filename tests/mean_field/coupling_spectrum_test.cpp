// SPDX-License-Identifier: BSD-3-Clause
/// Spectra of coupling matrices, whole and as densities, and measured variances, against closed forms.
#include "../catch.hpp"
#include <spinet/mean_field/bond_matrix.hpp>
#include <spinet/mean_field/characteristic_temperatures.hpp>
#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/mean_field/measured_variances.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/spectrum/spectral_density.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

sparse_ising<double> path(std::size_t n) {
    std::vector<bond<double>> all;
    for (std::uint32_t i = 0; i + 1 < n; ++i) all.push_back({i, i + 1, 1.0});
    return sparse_ising<double>(n, all);
}

/// Eigenvalues of a path, from the smallest up.
std::vector<double> path_eigenvalues(std::size_t n) {
    std::vector<double> all;
    for (std::size_t k = n; k > 0; --k)
        all.push_back(2 * std::cos(static_cast<double>(k) * std::numbers::pi / static_cast<double>(n + 1)));
    return all;
}

/// A matrix of +a and -a in equal numbers, about a mean.
xt::xtensor<double, 2> balanced(std::size_t rows, std::size_t columns, double a, double mean = 0) {
    xt::xtensor<double, 2> matrix;
    matrix.resize({rows, columns});
    for (std::size_t k = 0; k < matrix.size(); ++k) matrix.data()[k] = mean + (k % 2 == 0 ? a : -a);
    return matrix;
}

}  // namespace

TEST_CASE("all eigenvalues of a coupling matrix", "[mean_field]") {
    for (std::size_t const n : {1u, 2u, 9u, 50u}) {
        auto const found = coupling_eigenvalues(path(n));
        auto const expected = path_eigenvalues(n);
        REQUIRE(found.size() == n);
        for (std::size_t k = 0; k < n; ++k) CHECK(found[k] == Approx(expected[k]).margin(1e-13));
    }
    auto const glass = random_layered_glass<float>({30, 20, 7}, {0.3, 0.1}, 5);
    auto const found = coupling_eigenvalues(glass);
    double squares = 0, expected = 0;
    for (double const x : found) squares += x * x;
    for (std::size_t i = 0; i < glass.size(); ++i)
        glass.for_each_coupling(i, [&](std::size_t, std::span<float const> couplings) {
            for (float const j : couplings) expected += static_cast<double>(j) * static_cast<double>(j);
        });
    CHECK(squares == Approx(expected));
    CHECK(found.back() == Approx(largest_coupling_eigenvalue(glass)).epsilon(1e-9));
    for (std::size_t k = 0; k < found.size(); ++k)  // two colours: a symmetric spectrum
        CHECK(found[k] == Approx(-found[found.size() - 1 - k]).margin(1e-6));
    CHECK_THROWS_WITH(coupling_eigenvalues(path(10'001)), ContainsSubstring("10001"));
}

TEST_CASE("products with the couplings are those of the fields", "[mean_field]") {
    // Segments of 1, 3 and 20 couplings: whole lanes and what is left over.
    auto const glass = random_layered_glass<double>({20, 3, 1}, {0.3, 0.1}, 5);
    std::vector<double> x, y(glass.size()), fields(glass.size());
    for (std::size_t i = 0; i < glass.size(); ++i) x.push_back(std::sin(static_cast<double>(i)));
    multiply_by_couplings(glass, x, y);
    glass.fields({x.data(), 1, x.size(), x.size()}, {fields.data(), 1, x.size(), x.size()});
    for (std::size_t i = 0; i < x.size(); ++i) CHECK(y[i] == Approx(fields[i]).margin(1e-14));
}

TEST_CASE("the density of a path within its errors, and its area", "[mean_field]") {
    std::size_t const n = 150;
    density_options const wanted{.width = 0.08, .points = 101, .vectors = 16, .seed = 3};
    auto const curve = coupling_density(path(n), wanted);
    CHECK(curve.width == 0.08);
    CHECK(curve.highest == Approx(path_eigenvalues(n).back()).epsilon(1e-6));
    CHECK(curve.lowest == Approx(path_eigenvalues(n).front()).epsilon(1e-6));
    double area = 0, chi = 0;
    std::size_t compared = 0;
    for (std::size_t p = 0; p < curve.at.size(); ++p) {
        area += curve.density[p] * (curve.at[1] - curve.at[0]);
        double exact = 0;
        for (double const l : path_eigenvalues(n)) {
            double const d = (curve.at[p] - l) / curve.width;
            exact += std::exp(-d * d / 2) / (curve.width * std::sqrt(2 * std::numbers::pi)) / n;
        }
        // Some 25 independent points, Student's t with 15 degrees of freedom: 5.5 standard errors are missed
        // by 0.2 % of all runs. Beside them the quadrature's own error, below 1e-4 of a Gaussian's height
        // (5).
        CAPTURE(curve.at[p], curve.density[p], curve.error[p], exact);
        CHECK(std::abs(curve.density[p] - exact) < 5.5 * curve.error[p] + 5e-4);
        if (exact < 0.05) continue;
        chi += std::pow((curve.density[p] - exact) / curve.error[p], 2);
        CHECK(curve.error[p] < 0.3 * exact);
        ++compared;
    }
    CHECK(area == Approx(1).epsilon(1e-3));
    // Errors neither a third of what they should be nor three times it (some 25 independent points).
    CHECK(chi / static_cast<double>(compared) < 3);
    CHECK(chi / static_cast<double>(compared) > 0.3);
    CHECK((coupling_density(path(n), wanted).density == curve.density));
    auto other = wanted;
    other.seed = 4;
    CHECK((coupling_density(path(n), other).density != curve.density));
}

TEST_CASE("the density of an SK glass is a semicircle", "[mean_field][slow]") {
    auto const curve =
        coupling_density(sherrington_kirkpatrick<float>(500, 2), {.width = 0.1, .vectors = 32});
    for (std::size_t p = 0; p < curve.at.size(); ++p) {
        double const x = curve.at[p];
        if (std::abs(x) > 1.7) continue;  // the Gaussian rounds the edges
        double const semicircle = std::sqrt(4 - x * x) / (2 * std::numbers::pi);
        // About 20 independent points, Student's t with 31 degrees of freedom: 5 errors are missed by 0.05 %
        // of all runs. The spectrum itself fluctuates by 1 / (N width) / pi = 0.006 at most.
        CHECK(std::abs(curve.density[p] - semicircle) < 5 * curve.error[p] + 0.006);
        CHECK(curve.error[p] < 0.02);
    }
}

TEST_CASE("densities refuse what they cannot do", "[mean_field]") {
    auto const model = path(10);
    double const nan = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_WITH(coupling_density(model, {.width = -1}), ContainsSubstring("width"));
    CHECK_THROWS_WITH(coupling_density(model, {.width = nan}), ContainsSubstring("width"));
    CHECK_THROWS_WITH(coupling_density(model, {.points = 1}), ContainsSubstring("points"));
    CHECK_THROWS_WITH(coupling_density(model, {.vectors = 1}), ContainsSubstring("vectors"));
    CHECK_THROWS_WITH(coupling_density(sparse_ising<double>(4, {})),
                      ContainsSubstring("a width must be given"));
    // All eigenvalues 0, with a width: one Gaussian.
    auto const flat = coupling_density(sparse_ising<double>(4, {}), {.width = 1, .points = 9});
    CHECK(flat.density[4] == Approx(1 / std::sqrt(2 * std::numbers::pi)));
    CHECK_THROWS_AS(spectral_density(0, [](std::span<double const>, std::span<double>) {}), error);
}

TEST_CASE("measured variances are about the mean, block by block", "[mean_field]") {
    auto const glass = layered_glass<double>({balanced(4, 6, 0.5), balanced(2, 4, 0.25, 7.0)});
    auto const found = measured_variances(glass);
    REQUIRE(found.size() == 2);
    CHECK((found[0].from == 0 && found[0].to == 1 && found[1].from == 1 && found[1].to == 2));
    CHECK(found[0].mean == Approx(0).margin(1e-15));
    CHECK(found[0].variance == Approx(0.25));
    CHECK(found[1].mean == Approx(7));
    CHECK(found[1].variance == Approx(0.0625));
}

TEST_CASE("t_formula of a glass: chains, rings of groups, blocks side by side", "[mean_field]") {
    std::vector<std::size_t> const sizes{6, 4, 2};
    std::vector<double> const variances{0.25, 0.0625};
    CHECK(t_formula(layered_glass<double>({balanced(4, 6, 0.5), balanced(2, 4, 0.25)})) ==
          Approx(t_formula(sizes, variances)).epsilon(1e-14));
    // Three groups of 4, all joined by variance v: B has the eigenvalue 2 v 4.
    std::vector<spin_group> const groups{{"a", 0, 4}, {"b", 0, 4}, {"c", 0, 4}};
    auto const glass_of = [&](std::vector<coupling_block<double>> blocks) {
        return network_glass<double>(groups, std::vector<double>(12, 0.0), std::move(blocks));
    };
    auto const block = [](std::size_t from, std::size_t to) {
        return dense_block<double>(from, to, balanced(4, 4, 0.3));
    };
    CHECK(t_formula(glass_of({block(0, 1), block(1, 2), block(2, 0)})) == Approx(std::sqrt(8 * 0.09)));
    CHECK(t_formula(glass_of({block(0, 1), block(1, 0)})) == Approx(std::sqrt(8 * 0.09)));
    CHECK(t_formula(glass_of({})) == 0);
    // [800, 200, 100] with variance 1 / fan-in: 0.9306. The variances of 160,000 and 20,000 draws have errors
    // of 0.35 % and 1 %, so T has one of at most 0.4 %; five of them.
    CHECK(t_formula(random_layered_glass<float>({800, 200, 100}, {1.0 / 800, 1.0 / 200}, 1)) ==
          Approx(0.9306).epsilon(0.02));
}

TEST_CASE("the temperatures that matter, together", "[mean_field]") {
    auto const glass = random_layered_glass<float>({80, 20, 10}, {1.0 / 80, 1.0 / 20}, 1);
    auto const found = characteristic_temperatures(glass);
    CHECK(found.lambda_max == largest_coupling_eigenvalue(glass));
    CHECK(found.t_ord.temperature == t_ord(glass).temperature);
    CHECK(found.t_formula == t_formula(glass));
    CHECK(found.highest == Approx(1.2 * found.lambda_max));
    CHECK(found.lowest == Approx(found.lambda_max / 10));
    CHECK(std::isnan(characteristic_temperatures(ising_lattice({4, 4, 4})).t_formula));
    CHECK_THROWS_AS(characteristic_temperatures(sparse_ising<double>(4, {})), error);
}
