// SPDX-License-Identifier: BSD-3-Clause
/// Products by tiles, where this machine has them, against sums in double: every remainder of rows, columns
/// and depth, nothing written beyond the edge.
#include "../catch.hpp"
#include <spinet/detail/split_matrix.hpp>
#include <spinet/random/streams.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace spinet;

TEST_CASE("couplings too small for tiles are left to others", "[detail]") {
    std::vector<float> const tiny(32 * 16, 1e-36f), mixed = [] {
        std::vector<float> b(32 * 16, 1e-36f);
        b[7] = 1e-20f;
        return b;
    }();
    CHECK(!detail::split_matrix(tiny.data(), 32, 16, 16, 1));
    CHECK(static_cast<bool>(detail::split_matrix(mixed.data(), 32, 16, 16, 1)) ==
          detail::split_matrix::available());
}

TEST_CASE("products by tiles are as accurate as single precision, at every edge", "[detail]") {
    std::uint32_t seed = 0;
    for (std::size_t const rows : {1u, 15u, 16u, 17u, 32u, 33u, 50u})
        for (std::size_t const columns : {1u, 10u, 16u, 31u, 32u, 48u, 70u})
            for (std::size_t const depth : {1u, 10u, 31u, 32u, 33u, 64u, 200u}) {
                stream const draws(91, seed++, 0, purpose::testing);
                std::size_t const a_stride = depth + 3, c_stride = columns + 5;
                std::vector<float> a(rows * a_stride, 1e30f), b(depth * columns),
                    c((rows + 1) * c_stride, 0.25f);
                std::vector<double> exact(rows * columns, 0.25), size(rows * columns, 0.25);
                for (std::size_t r = 0; r < rows; ++r)
                    for (std::size_t i = 0; i < depth; ++i)
                        a[r * a_stride + i] = static_cast<float>(
                            static_cast<int>(draws.bits(static_cast<std::uint32_t>(r * depth + i)) % 5) - 2);
                // Couplings of all sizes: all 24 bits count.
                for (std::size_t k = 0; k < b.size(); ++k)
                    b[k] =
                        static_cast<float>(std::exp(3 * normal(draws, static_cast<std::uint32_t>(9000 + k))) *
                                           (k % 3 == 0 ? -1 : 1));
                detail::split_matrix const split(b.data(), depth, columns, columns, 1);
                if (!split) continue;  // no such machine; benchmarks say which way they went
                split.multiply_add({a.data(), rows, depth, a_stride}, 0, {c.data(), rows, columns, c_stride});
                for (std::size_t r = 0; r < rows; ++r)
                    for (std::size_t j = 0; j < columns; ++j)
                        for (std::size_t i = 0; i < depth; ++i) {
                            double const term = static_cast<double>(a[r * a_stride + i]) * b[i * columns + j];
                            exact[r * columns + j] += term;
                            size[r * columns + j] += std::abs(term);
                        }
                double worst = 0;
                bool outside = true;
                for (std::size_t k = 0; k < c.size(); ++k) {
                    std::size_t const r = k / c_stride, j = k % c_stride;
                    if (r < rows && j < columns)
                        worst =
                            std::max(worst, std::abs(c[k] - exact[r * columns + j]) / size[r * columns + j]);
                    else
                        outside = outside && c[k] == 0.25f;
                }
                CAPTURE(rows, columns, depth);
                // One rounding of 2^-24 a term at most, as in any order of a sum in single precision.
                CHECK(worst < 0x1p-24 * static_cast<double>(3 * depth + 1));
                CHECK(outside);
                // Rows of B from a multiple of 32 on, and B by columns.
                if (depth > 32) {
                    std::vector<float> part(rows * columns, 0.0f), whole(rows * columns, 0.0f);
                    std::vector<float> transposed(depth * columns);
                    for (std::size_t i = 0; i < depth; ++i)
                        for (std::size_t j = 0; j < columns; ++j)
                            transposed[j * depth + i] = b[i * columns + j];
                    detail::split_matrix const by_columns(transposed.data(), depth, columns, 1, depth),
                        end(b.data() + 32 * columns, depth - 32, columns, columns, 1);
                    rows_view<float const> const right{a.data() + 32, rows, depth - 32, a_stride};
                    by_columns.multiply_add(right, 32, {part.data(), rows, columns, columns});
                    end.multiply_add(right, 0, {whole.data(), rows, columns, columns});
                    CHECK(part == whole);
                }
            }
}
