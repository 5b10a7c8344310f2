// SPDX-License-Identifier: BSD-3-Clause
/// Lanczos against operators whose spectrum is known.
#include "../catch.hpp"
#include <spinet/spectrum/largest_eigenvalue.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <random>
#include <span>
#include <stdexcept>
#include <vector>

using namespace spinet;

namespace {

using input = std::span<double const>;
using output = std::span<double>;

auto diagonal_operator(std::vector<double> const& values) {
    return [values](input x, output y) {
        for (std::size_t i = 0; i < x.size(); ++i) y[i] = values[i] * x[i];
    };
}

auto scaled_path(double scale) {
    return [scale](input x, output y) {
        for (std::size_t i = 0; i < x.size(); ++i) {
            y[i] = scale * ((i > 0 ? x[i - 1] : 0.0) + (i + 1 < x.size() ? x[i + 1] : 0.0));
        }
    };
}

double path_eigenvalue(std::size_t n) {
    return 2.0 * std::cos(std::numbers::pi / static_cast<double>(n + 1));
}

/// A dense matrix, row after row.
struct dense_operator {
    std::size_t n;
    std::vector<double> entries;

    void operator()(input x, output y) const {
        for (std::size_t i = 0; i < n; ++i) {
            y[i] = 0.0;
            for (std::size_t j = 0; j < n; ++j) y[i] += entries[i * n + j] * x[j];
        }
    }

    /// How many eigenvalues lie above x: by Sylvester's law, positive pivots of the matrix minus x (no
    /// pivoting; an unlucky small pivot costs digits, not signs, at the x used here).
    [[nodiscard]] std::size_t eigenvalues_above(double x) const {
        std::vector<double> a = entries;
        for (std::size_t i = 0; i < n; ++i) a[i * n + i] -= x;
        std::size_t count = 0;
        for (std::size_t k = 0; k < n; ++k) {
            double const pivot = a[k * n + k];
            count += pivot > 0.0 ? 1 : 0;
            for (std::size_t i = k + 1; i < n; ++i) {
                double const factor = a[i * n + k] / pivot;
                for (std::size_t j = k; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
            }
        }
        return count;
    }
};

dense_operator random_symmetric(std::size_t n, std::mt19937_64& generator) {
    std::normal_distribution<double> normal(0.0, 1.0 / std::sqrt(static_cast<double>(n)));
    dense_operator result{n, std::vector<double>(n * n)};
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = i; j < n; ++j)
            result.entries[i * n + j] = result.entries[j * n + i] = normal(generator);
    }
    return result;
}

}  // namespace

TEST_CASE("known spectra: paths, complete graphs, diagonals", "[largest_eigenvalue]") {
    CHECK(largest_eigenvalue(1, scaled_path(1.0)) == 0.0);
    for (std::size_t const n :
         {std::size_t{2}, std::size_t{3}, std::size_t{10}, std::size_t{100}, std::size_t{1000}}) {
        CAPTURE(n);
        double const found = largest_eigenvalue(n, scaled_path(1.0));
        CHECK(std::abs(found - path_eigenvalue(n)) < 1e-7);
        auto const complete = [](input x, output y) {
            double sum = 0.0;
            for (double const value : x) sum += value;
            for (std::size_t i = 0; i < x.size(); ++i) y[i] = sum - x[i];
        };
        double const size = static_cast<double>(n);
        CHECK(std::abs(largest_eigenvalue(n, complete) / (size - 1.0) - 1.0) < 1e-12);
        std::vector<double> values(n);
        for (std::size_t i = 0; i < n; ++i) values[i] = std::sin(12.9898 * static_cast<double>(i));
        double const largest = *std::max_element(values.begin(), values.end());
        CHECK(std::abs(largest_eigenvalue(n, diagonal_operator(values)) - largest) < 1e-6);
        CHECK(std::abs(largest_eigenvalue(n, diagonal_operator(values), {.tolerance = 1e-10}) - largest) <
              1e-10);
    }
}

TEST_CASE("tight clusters converge to the stated residual", "[largest_eigenvalue]") {
    // Path of 5000 sites: the two largest eigenvalues are 1e-6 apart.
    CHECK(std::abs(largest_eigenvalue(5000, scaled_path(1.0)) - path_eigenvalue(5000)) < 2e-6);
    CHECK(std::abs(largest_eigenvalue(1000, scaled_path(1.0), {.tolerance = 1e-13}) - path_eigenvalue(1000)) <
          1e-12);
}

TEST_CASE("a small largest eigenvalue beyond a large bulk is not taken for the bulk",
          "[largest_eigenvalue]") {
    // As the smallest eigenvalue of a network's Hessian: the others are 20 below, or near 0.
    std::vector<double> values(3000);
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = -1e-3 * std::abs(std::sin(12.9898 * static_cast<double>(i)));
    values[7] = -20;
    values[70] = -19;
    values[700] = 0.0945;
    for (double const tolerance : {1e-2, 1e-3, 1e-6})
        CHECK(largest_eigenvalue(values.size(), diagonal_operator(values), {.tolerance = tolerance}) ==
              Approx(0.0945).epsilon(tolerance));
}

TEST_CASE("a bulk far from 0 does not hide the end of a spectrum at a loose tolerance",
          "[largest_eigenvalue]") {
    for (double const end : {1.5, 1.05}) {
        std::vector<double> values(10'000, 1.0);
        values[123] = end;
        for (double const tolerance : {0.1, 1e-2, 1e-3})
            CHECK(largest_eigenvalue(values.size(), diagonal_operator(values), {.tolerance = tolerance}) ==
                  Approx(end).epsilon(tolerance / 10));
    }
    CHECK(std::isnan(detail::vector_length(std::vector<double>{0, std::nan("")})));
    CHECK(std::isinf(detail::vector_length(std::vector<double>{0, HUGE_VAL})));
}

TEST_CASE("the largest eigenvalue is not the largest in size", "[largest_eigenvalue]") {
    std::vector<double> values(300);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = -1.0 - static_cast<double>(i);
    CHECK(std::abs(largest_eigenvalue(300, diagonal_operator(values)) + 1.0) <
          3e-4);  // 1e-6 of the norm, 300
    CHECK(std::abs(largest_eigenvalue(300, diagonal_operator(values), {.tolerance = 1e-12}) + 1.0) < 1e-9);
    CHECK(largest_eigenvalue(100, diagonal_operator(std::vector<double>(100, -3.0))) ==
          Approx(-3.0).epsilon(1e-14));
    values.assign(300, -5.0);
    values[77] = 0.0;  // negative semidefinite
    CHECK(std::abs(largest_eigenvalue(300, diagonal_operator(values))) < 1e-5);
}

TEST_CASE("zero operators and degenerate eigenvalues", "[largest_eigenvalue]") {
    for (std::size_t const n : {std::size_t{1}, std::size_t{2}, std::size_t{500}}) {
        CHECK(largest_eigenvalue(n, diagonal_operator(std::vector<double>(n, 0.0))) == 0.0);
    }
    std::vector<double> values(200);
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = i < 50 ? 7.0 : std::cos(static_cast<double>(i));
    CHECK(std::abs(largest_eigenvalue(200, diagonal_operator(values)) - 7.0) < 1e-9);
}

TEST_CASE("bipartite couplings: the spectrum is symmetric, the answer is the largest singular value",
          "[largest_eigenvalue]") {
    // W = sum over k of s_k u_k v_k^T with cosine vectors (DCT-II, orthogonal): singular values s_k by
    // construction.
    constexpr std::size_t rows = 40;
    constexpr std::size_t columns = 90;
    std::vector<double> const singular{3.0, 2.9, 1.0, 0.2};
    auto const cosine = [](std::size_t k, std::size_t i, std::size_t n) {
        double const size = static_cast<double>(n);
        return std::sqrt(2.0 / size) * std::cos(std::numbers::pi * static_cast<double>(k + 1) *
                                                (static_cast<double>(i) + 0.5) / size);
    };
    std::vector<double> weights(rows * columns);
    for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
            for (std::size_t k = 0; k < 4; ++k)
                weights[i * columns + j] += singular[k] * cosine(k, i, rows) * cosine(k, j, columns);
        }
    }
    auto const apply = [&](input x, output y) {
        std::fill(y.begin(), y.end(), 0.0);
        for (std::size_t i = 0; i < rows; ++i) {
            for (std::size_t j = 0; j < columns; ++j) {
                y[i] += weights[i * columns + j] * x[rows + j];
                y[rows + j] += weights[i * columns + j] * x[i];
            }
        }
    };
    CHECK(std::abs(largest_eigenvalue(rows + columns, apply) - 3.0) < 1e-6);
}

TEST_CASE("random symmetric matrices: nothing lies above, one eigenvalue just below",
          "[largest_eigenvalue]") {
    std::mt19937_64 generator(20240521);
    for (std::size_t const n : {std::size_t{2}, std::size_t{5}, std::size_t{60}, std::size_t{150}}) {
        CAPTURE(n);
        dense_operator const matrix = random_symmetric(n, generator);
        double const found = largest_eigenvalue(n, matrix, {.tolerance = 1e-9});
        CHECK(matrix.eigenvalues_above(found + 1e-8) == 0);
        CHECK(matrix.eigenvalues_above(found - 1e-8) == 1);
        CHECK(largest_eigenvalue(n, matrix, {.tolerance = 1e-9}) == found);  // bitwise
        CHECK(std::abs(largest_eigenvalue(n, matrix) - found) < 3e-6);
    }
}

TEST_CASE("scales far from 1", "[largest_eigenvalue]") {
    for (double const scale : {1e-300, 1e-200, 1e200, 1e300}) {
        CAPTURE(scale);
        CHECK(std::abs(largest_eigenvalue(100, scaled_path(scale)) / scale - path_eigenvalue(100)) < 1e-6);
    }
}

TEST_CASE("failures are reported, not returned", "[largest_eigenvalue]") {
    CHECK_THROWS_AS(largest_eigenvalue(0, scaled_path(1.0)), error);
    CHECK_THROWS_AS(largest_eigenvalue(3, scaled_path(1.0), {.tolerance = 0.0}), error);
    CHECK_THROWS_AS(largest_eigenvalue(3, scaled_path(1.0), {.max_iterations = 0}), error);
    CHECK_THROWS_WITH(largest_eigenvalue(5,
                                         [](input, output y) {
                                             std::fill(y.begin(), y.end(), 0.0);
                                             y[3] = std::numeric_limits<double>::quiet_NaN();
                                         }),
                      "largest_eigenvalue: the operator gave a value that is not finite at index 3");
    using Catch::Matchers::ContainsSubstring;
    CHECK_THROWS_WITH(
        largest_eigenvalue(1000, scaled_path(1.0), {.tolerance = 1e-10, .max_iterations = 20}),
        ContainsSubstring("not converged after 20 applications") && ContainsSubstring("residual"));
    struct own_exception : std::runtime_error {
        using std::runtime_error::runtime_error;
    };
    CHECK_THROWS_AS(largest_eigenvalue(3, [](input, output) { throw own_exception("mine"); }), own_exception);
}

TEST_CASE("tridiagonal matrices: the two largest eigenvalues of Wilkinson's W21+ agree to 15 digits",
          "[largest_eigenvalue]") {
    std::vector<double> diagonal;
    for (int i = -10; i <= 10; ++i) diagonal.push_back(std::abs(static_cast<double>(i)));
    std::vector<double> const off_diagonal(20, 1.0);
    double const found = detail::largest_tridiagonal_eigenvalue(diagonal, off_diagonal);
    CHECK(std::abs(found - 10.746194182903393) <
          1e-13);  // Wilkinson, The Algebraic Eigenvalue Problem (1965)
    auto const x = detail::largest_tridiagonal_eigenvector(diagonal, off_diagonal, found);
    double residual = 0.0;
    for (std::size_t i = 0; i < 21; ++i) {
        double const y = diagonal[i] * x[i] + (i > 0 ? x[i - 1] : 0.0) + (i < 20 ? x[i + 1] : 0.0);
        residual = std::max(residual, std::abs(y - found * x[i]));
    }
    CHECK(residual < 1e-13);
}
