// SPDX-License-Identifier: BSD-3-Clause
/// The linear maps that a network's weights make, before they become couplings: nothing is converted or
/// copied.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/detail/mean_and_variance.hpp>
#include <spinet/error.hpp>
#include <spinet/model/coupling_block.hpp>
#include <spinet/model/window_block.hpp>
#include <spinet/network/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace spinet {

/// Rows and columns of a tensor of rank 2: y_i = sum_j weight[first_row + i, first_column + j] x_j.
/// Transposed, its columns are the rows of the map: y_i = sum_j weight[first_row + j, first_column + i] x_j.
struct matrix_map {
    tensor weight;
    std::size_t first_row = 0, row_count = 0;  ///< of the tensor
    std::size_t first_column = 0, column_count = 0;
    bool transposed = false;
    /// Columns that are added up, in blocks: column j is the sum over c < copies of the stored ones
    /// ((j / block) copies + c) block + j % block (query heads that share a value head).
    struct column_sums {
        std::size_t copies = 1, block = 1;
    } summed = {};
};

/// The same weights at all positions of feature maps. Without a kernel each channel is read by itself, with
/// the weight `value` at every place of the window: pooling (1 / window), identity (1).
struct window_map {
    window_shape shape;
    std::optional<tensor> kernel = std::nullopt;
    double value = 1;
};

/// y = diag(row_scale) W diag(column_scale) x. The scales of windows are one for each channel; empty: 1.
struct linear_map {
    std::variant<matrix_map, window_map> kind;
    std::vector<double> row_scale = {}, column_scale = {};

    /// Length of y.
    [[nodiscard]] std::size_t rows() const {
        if (auto const* m = std::get_if<matrix_map>(&kind))
            return m->transposed ? m->column_count : m->row_count;
        return std::get<window_map>(kind).shape.to_size();
    }
    /// Length of x.
    [[nodiscard]] std::size_t columns() const {
        if (auto const* m = std::get_if<matrix_map>(&kind))
            return m->transposed ? m->row_count : m->column_count;
        return std::get<window_map>(kind).shape.from_size();
    }
    /// Number of pairs that it couples.
    [[nodiscard]] std::size_t couplings() const {
        if (auto const* m = std::get_if<matrix_map>(&kind)) return m->row_count * m->column_count;
        return std::get<window_map>(kind).shape.couplings();
    }
    /// Whether it holds weights of the network, and is no pooling or identity.
    [[nodiscard]] bool weighted() const {
        auto const* const w = std::get_if<window_map>(&kind);
        return w == nullptr || w->kernel.has_value();
    }
};

namespace detail {

/// The values of a tensor in row-major order, from the one at `first` on.
template <class Real>
void read_values(tensor const& of, std::size_t first, std::span<Real> out) {
    with_element(of.type(), [&]<class Element>(Element) {
        static_cast<void>(convert_elements<Element>(of.bytes().data() + first * size_of(of.type()),
                                                    out.size(), out.data()));
    });
}

/// Stored row r of a matrix map, without scales; `out` has column_count places.
template <class Real>
void read_row(matrix_map const& map, std::size_t r, std::span<Real> out) {
    std::size_t const start = (map.first_row + r) * map.weight.shape()[1] + map.first_column;
    auto const [copies, block] = map.summed;
    if (copies == 1) return read_values(map.weight, start, out);
    std::vector<Real> stored(copies * map.column_count);
    read_values(map.weight, start, std::span<Real>(stored));
    for (std::size_t j = 0; j < out.size(); ++j) {
        Real const* const first = stored.data() + (j / block * copies) * block + j % block;
        out[j] = 0;
        for (std::size_t c = 0; c < copies; ++c) out[j] += first[c * block];
    }
}

[[nodiscard]] inline double scale_at(std::vector<double> const& scale, std::size_t i) {
    return scale.empty() ? 1.0 : scale[i];
}

/// visit(r, values) for the stored rows of a matrix map, as doubles without scales.
template <class Visit>
void for_each_stored_row(matrix_map const& map, Visit&& visit) {
    std::vector<double> row(map.column_count);
    std::size_t const stride = map.weight.shape()[1], batch = std::max<std::size_t>(1, (1 << 20) / stride);
    for (std::size_t r = 0; r < map.row_count; ++r) {
        if (r % batch == 0 && r > 0) map.weight.release((map.first_row + r - batch) * stride, batch * stride);
        read_row(map, r, std::span<double>(row));
        visit(r, std::span<double const>(row));
    }
}

/// The kernel with the scales of its channels.
template <std::same_as<linear_map> Map>
[[nodiscard]] std::vector<double> kernel_values(Map const& map) {
    auto const& w = std::get<window_map>(map.kind);
    std::vector<double> taps(w.shape.kernel_size(), w.value);
    if (w.kernel) w.kernel->copy_to(taps);
    std::size_t const window = w.shape.y.kernel * w.shape.x.kernel;
    for (std::size_t k = 0; k < taps.size(); ++k) {
        std::size_t const o = k / window / w.shape.channels_read(), c = k / window % w.shape.channels_read();
        taps[k] *= scale_at(map.row_scale, o) *
                   scale_at(map.column_scale, o / w.shape.channels_made() * w.shape.channels_read() + c);
    }
    return taps;
}

/// y += factor W x.
template <std::same_as<linear_map> Map>
void add_product(Map const& map, double factor, std::span<double const> x, std::span<double> y) {
    if (auto const* matrix = std::get_if<matrix_map>(&map.kind)) {
        for_each_stored_row(*matrix, [&](std::size_t r, std::span<double const> row) {
            double const own = matrix->transposed ? scale_at(map.column_scale, r) * x[r] : 0;
            double sum = 0;
            for (std::size_t k = 0; k < row.size(); ++k) {
                if (matrix->transposed)
                    y[k] += factor * scale_at(map.row_scale, k) * row[k] * own;
                else
                    sum += row[k] * scale_at(map.column_scale, k) * x[k];
            }
            if (!matrix->transposed) y[r] += factor * scale_at(map.row_scale, r) * sum;
        });
        return;
    }
    auto const kernel = kernel_values(map);
    for (std::size_t i = 0; i < y.size(); ++i) {
        double sum = 0;
        for_each_read(std::get<window_map>(map.kind).shape, kernel.data(), i, 0,
                      [&](std::size_t first, std::span<double const> couplings) {
                          for (std::size_t k = 0; k < couplings.size(); ++k)
                              sum += couplings[k] * x[first + k];
                      });
        y[i] += factor * sum;
    }
}

/// visit(row, column, value) for all couplings.
template <class Visit>
void for_each_entry(linear_map const& map, Visit&& visit) {
    if (auto const* matrix = std::get_if<matrix_map>(&map.kind)) {
        for_each_stored_row(*matrix, [&](std::size_t r, std::span<double const> row) {
            for (std::size_t k = 0; k < row.size(); ++k) {
                std::size_t const i = matrix->transposed ? k : r, j = matrix->transposed ? r : k;
                visit(i, j, row[k] * scale_at(map.row_scale, i) * scale_at(map.column_scale, j));
            }
        });
        return;
    }
    auto const kernel = kernel_values(map);
    for (std::size_t i = 0; i < map.rows(); ++i)
        for_each_read(std::get<window_map>(map.kind).shape, kernel.data(), i, 0,
                      [&](std::size_t first, std::span<double const> couplings) {
                          for (std::size_t k = 0; k < couplings.size(); ++k)
                              visit(i, first + k, couplings[k]);
                      });
}

/// The same of windows, each number of the kernel as often as it is at a place inside.
template <std::same_as<linear_map> Map>
[[nodiscard]] mean_and_variance moments_of_windows(Map const& map, double pairs) {
    auto const& shape = std::get<window_map>(map.kind).shape;
    auto const kernel = kernel_values(map);
    std::size_t const window = shape.y.kernel * shape.x.kernel;
    std::vector<double> places(window);
    for (std::size_t k = 0; k < window; ++k) {
        auto const y = shape.y.inside(k / shape.x.kernel), x = shape.x.inside(k % shape.x.kernel);
        places[k] = static_cast<double>((y.second - y.first) * (x.second - x.first));
    }
    double sum = 0, squares = 0, visited = 0;
    for (std::size_t k = 0; k < kernel.size(); ++k) sum += places[k % window] * kernel[k];
    double const mean = sum / pairs;
    for (std::size_t k = 0; k < kernel.size(); ++k) {
        squares += places[k % window] * (kernel[k] - mean) * (kernel[k] - mean);
        visited += places[k % window];
    }
    return {mean, (squares + (pairs - visited) * mean * mean) / pairs};
}

/// Over all pairs of a row and a column, 0 where they are not coupled.
template <std::same_as<linear_map> Map>
[[nodiscard]] mean_and_variance moments_of(Map const& map) {
    double const pairs = static_cast<double>(map.rows()) * static_cast<double>(map.columns());
    if (std::holds_alternative<window_map>(map.kind)) return moments_of_windows(map, pairs);
    return moments_of(
        pairs, [&](auto&& f) { for_each_entry(map, [&](std::size_t, std::size_t, double w) { f(w); }); });
}

/// The number as a coupling or field. Throws spinet::error where it is finite only in double precision.
template <class Real>
[[nodiscard]] Real rounded_to(double x) {
    auto const result = static_cast<Real>(x);
    if (!std::isfinite(result))
        throw error(number_text(x), " is too large for ", (sizeof(Real) == 4 ? "float" : "double"));
    return result;
}

/// factor W as an array (rows, columns).
template <class Real>
[[nodiscard]] row_major_array<Real, 2> matrix_of(linear_map const& map, double factor) {
    if (map.rows() > blas_limit / map.columns())
        throw error("a matrix of ", map.rows(), " x ", map.columns(),
                    " couplings is larger than BLAS can index: sub-sample the network");
    row_major_array<Real, 2> values = xt::zeros<Real>({map.rows(), map.columns()});
    for_each_entry(map, [&](std::size_t i, std::size_t j, double w) {
        values.data()[i * map.columns() + j] = rounded_to<Real>(w * factor);
    });
    return values;
}

/// factor W as a block.
template <class Real>
[[nodiscard]] coupling_block<Real> block_of(linear_map const& map, double factor) {
    if (std::holds_alternative<matrix_map>(map.kind))
        return dense_block<Real>(0, 1, matrix_of<Real>(map, factor));
    std::vector<Real> taps;
    for (double const w : kernel_values(map)) taps.push_back(rounded_to<Real>(w * factor));
    return window_block<Real>(0, 1, std::get<window_map>(map.kind).shape, std::move(taps));
}

}  // namespace detail
}  // namespace spinet
