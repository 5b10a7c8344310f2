// SPDX-License-Identifier: BSD-3-Clause
/// Modes above the bulk: planted ones are found, noise has none.
#include "../files.hpp"
#include <spinet/mapping/outlier_modes.hpp>
#include <spinet/random/streams.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

using namespace spinet;

namespace {

using numbers = std::vector<double>;

numbers gaussian(std::size_t count, std::uint32_t row) {
    stream const draws(41, 0, row, purpose::testing);
    numbers values(count);
    for (std::size_t k = 0; k < count; ++k) values[k] = normal(draws, static_cast<std::uint32_t>(k));
    return values;
}

tensor tensor_of(std::vector<std::size_t> shape, numbers const& values) {
    auto bytes = std::make_shared<std::vector<std::byte>>(values.size() * sizeof(double));
    std::memcpy(bytes->data(), values.data(), bytes->size());
    return {"w", dtype::f64, std::move(shape), std::move(bytes)};
}

/// A rows x columns matrix with singular values 7 and 5 on known vectors, and noise of deviation 1 /
/// sqrt(columns).
struct planted {
    std::size_t rows, columns;
    numbers left, right, matrix;

    planted(std::size_t m, std::size_t n, double noise) : rows(m), columns(n) {
        left = gaussian(2 * m, 1), right = gaussian(2 * n, 2), matrix = gaussian(m * n, 3);
        detail::orthonormalise(left, m, 2);
        detail::orthonormalise(right, n, 2);
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t j = 0; j < n; ++j)
                matrix[i * n + j] = noise * matrix[i * n + j] / std::sqrt(static_cast<double>(n)) +
                                    7 * left[2 * i] * right[2 * j] + 5 * left[2 * i + 1] * right[2 * j + 1];
    }
};

}  // namespace

TEST_CASE("outlier_modes: planted modes without noise are exact", "[mapping]") {
    for (auto const& shape : std::vector<std::vector<std::size_t>>{{60, 40}, {40, 300}, {30, 8}}) {
        std::size_t const m = shape[0], n = shape[1];
        planted const of(m, n, 0);
        auto const modes = outlier_modes(linear_map{matrix_map{tensor_of({m, n}, of.matrix), 0, m, 0, n}});
        REQUIRE(modes.count() >= 2);
        CHECK(modes.values[0] == Approx(7).epsilon(1e-10));
        CHECK(modes.values[1] == Approx(5).epsilon(1e-10));
        CHECK(modes.largest == modes.values[0]);
        double sum = 0, squares = 0, worst = 0;
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t j = 0; j < n; ++j) {
                double const w = of.matrix[i * n + j];
                worst = std::max(worst, std::abs(modes.entry(i, j) - w));
                sum += w, squares += w * w;
            }
        CHECK(worst < 1e-9);
        CHECK(modes.sum == Approx(sum).margin(1e-9));
        CHECK(modes.squares == Approx(squares));
    }
}

TEST_CASE("outlier_modes: above noise, and of noise none", "[mapping]") {
    // The bulk of 200 x 100 entries of variance 1/100 ends at (sqrt(200) + 10) / 10 = 2.414.
    planted const of(200, 100, 1);
    linear_map const map{matrix_map{tensor_of({200, 100}, of.matrix), 0, 200, 0, 100}};
    auto const modes = outlier_modes(map);
    REQUIRE(modes.count() == 2);
    CHECK(modes.bulk_edge == Approx(2.414).epsilon(0.02));
    // A mode of strength s comes out at sqrt((s^2 + 1)(s^2 + 2)) / s (Benaych-Georges and Nadakuditi, 2012).
    CHECK(modes.values[0] == Approx(std::sqrt(50.0 * 51.0) / 7).epsilon(0.02));
    CHECK(modes.values[1] == Approx(std::sqrt(26.0 * 27.0) / 5).epsilon(0.02));
    // Vectors of length 1, singular pairs: A right = value * left.
    for (std::size_t k = 0; k < 2; ++k) {
        double worst = 0, length = 0;
        for (std::size_t i = 0; i < 200; ++i) {
            double image = 0;
            for (std::size_t j = 0; j < 100; ++j) image += of.matrix[i * 100 + j] * modes.right[2 * j + k];
            worst = std::max(worst, std::abs(image - modes.values[k] * modes.left[2 * i + k]));
            length += modes.left[2 * i + k] * modes.left[2 * i + k];
        }
        CHECK(worst < 1e-6);
        CHECK(length == Approx(1).epsilon(1e-9));
    }
    // Finite matrices reach over the edge by a few parts in a thousand at most times: at most one value here.
    for (std::uint32_t seed = 10; seed < 20; ++seed)
        CHECK(outlier_modes(
                  linear_map{matrix_map{tensor_of({200, 100}, gaussian(20'000, seed)), 0, 200, 0, 100}})
                  .count() <= 1);
}

TEST_CASE("outlier_modes: scales, windows, turned matrices and many modes", "[mapping]") {
    planted const of(30, 20, 0);
    // Rows 10 to 19 and columns 5 to 14, rows scaled by 2 and columns by 3: six times the part's values.
    linear_map part{matrix_map{tensor_of({30, 20}, of.matrix), 10, 10, 5, 10}};
    auto const plain = outlier_modes(part);
    part.row_scale.assign(10, 2);
    part.column_scale.assign(10, 3);
    auto const scaled = outlier_modes(part);
    CHECK(scaled.largest == Approx(6 * plain.largest));
    CHECK(scaled.entry(3, 4) == Approx(6 * of.matrix[13 * 20 + 9]).margin(1e-8));
    // A transposed map stores its rows as columns: scales change places.
    linear_map turned{matrix_map{tensor_of({30, 20}, of.matrix), 0, 30, 0, 20, true}};
    turned.row_scale.assign(20, 2);
    turned.row_scale[4] = 10;
    auto const modes = outlier_modes(turned);
    CHECK(modes.left.size() == 30 * modes.count());
    CHECK(modes.entry(3, 4) == Approx(10 * of.matrix[3 * 20 + 4]).margin(1e-8));
    CHECK(modes.entry(3, 5) == Approx(2 * of.matrix[3 * 20 + 5]).margin(1e-8));
    // A convolution is the matrix of its kernel: channels made by all they read.
    window_shape const shape{5, 30, 1, {8, 7, 2, 1, 0, 1}, {8, 7, 2, 1, 0, 1}};
    auto const kernel = outlier_modes(linear_map{window_map{shape, tensor_of({30, 5, 2, 2}, of.matrix)}});
    CHECK(kernel.values[0] == Approx(7).epsilon(1e-10));
    CHECK(kernel.right.size() == 20 * kernel.count());
    // More modes than one pass looks for: 60 of strengths 100, 99, ... above noise.
    std::size_t const n = 200;
    auto left = gaussian(60 * n, 5), right = gaussian(60 * n, 6), matrix = gaussian(n * n, 7);
    detail::orthonormalise(left, n, 60);
    detail::orthonormalise(right, n, 60);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) {
            matrix[i * n + j] /= std::sqrt(static_cast<double>(n));
            for (std::size_t k = 0; k < 60; ++k)
                matrix[i * n + j] += (100.0 - static_cast<double>(k)) * left[i * 60 + k] * right[j * 60 + k];
        }
    CHECK(outlier_modes(linear_map{matrix_map{tensor_of({n, n}, matrix), 0, n, 0, n}}).count() == 60);
}
