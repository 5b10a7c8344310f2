// SPDX-License-Identifier: BSD-3-Clause
/// The few singular modes of a layer's weights that stand out of the bulk, found by reading the weights a few
/// times.
#pragma once

#include <spinet/detail/blas.hpp>
#include <spinet/execution/blas_threads.hpp>
#include <spinet/mapping/linear_map.hpp>
#include <spinet/mapping/wiring.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/spectrum/symmetric_eigenvalues.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace spinet {

/// W = sum over k of values[k] left_k right_k^T, and the bulk: left_k[i] is left[i * count() + k].
struct singular_modes {
    std::vector<double> values;  ///< from the largest down
    std::vector<double> left;    ///< (rows, count)
    std::vector<double> right;   ///< (columns, count)
    /// Where a bulk of independent entries with the variance of what is left would end (Marchenko-Pastur).
    double bulk_edge = 0;
    double largest = 0;           ///< singular value, in the bulk or above it
    double sum = 0, squares = 0;  ///< of all entries

    [[nodiscard]] std::size_t count() const noexcept { return values.size(); }
    /// Entry (i, j) of the modes' part of W.
    [[nodiscard]] double entry(std::size_t i, std::size_t j) const noexcept {
        double of_modes = 0;
        for (std::size_t k = 0; k < count(); ++k)
            of_modes += values[k] * left[i * count() + k] * right[j * count() + k];
        return of_modes;
    }
};

namespace detail {

/// A map's numbers as rows that can be read one by one, scales included: of a matrix its tensor's rows (which
/// are the map's columns where it is transposed), of windows the kernel of each channel that they make.
class stored_rows {
public:
    explicit stored_rows(linear_map const& map) : map_(&map) {
        if (auto const* m = std::get_if<matrix_map>(&map.kind)) {
            matrix_ = m;
            rows_ = m->row_count, columns_ = m->column_count;
        } else {
            auto const& shape = std::get<window_map>(map.kind).shape;
            kernel_ = kernel_values(map);
            rows_ = shape.channels_to, columns_ = kernel_.size() / rows_;
        }
    }
    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::size_t columns() const noexcept { return columns_; }

    /// Row r, `out` having columns() places.
    void read(std::size_t r, std::span<double> out) const {
        if (matrix_ == nullptr) {
            std::copy_n(kernel_.begin() + static_cast<std::ptrdiff_t>(r * columns_), columns_, out.begin());
            return;
        }
        auto const& m = *matrix_;
        read_values(m.weight, (m.first_row + r) * m.weight.shape()[1] + m.first_column, out);
        auto const& own = m.transposed ? map_->column_scale : map_->row_scale;
        auto const& across = m.transposed ? map_->row_scale : map_->column_scale;
        if (own.empty() && across.empty()) return;
        for (std::size_t k = 0; k < out.size(); ++k) out[k] *= scale_at(own, r) * scale_at(across, k);
    }

private:
    linear_map const* map_;
    matrix_map const* matrix_ = nullptr;
    std::vector<double> kernel_;
    std::size_t rows_ = 0, columns_ = 0;
};

/// Makes the columns of a row-major n x p matrix orthonormal, twice through Gram-Schmidt; columns that the
/// others span become 0.
inline void orthonormalise(std::vector<double>& of, std::size_t n, std::size_t p) {
    for (std::size_t k = 0; k < p; ++k) {
        double before = 0;
        for (std::size_t i = 0; i < n; ++i) before += of[i * p + k] * of[i * p + k];
        for (int pass = 0; pass < 2; ++pass)
            for (std::size_t l = 0; l < k; ++l) {
                double dot = 0;
                for (std::size_t i = 0; i < n; ++i) dot += of[i * p + l] * of[i * p + k];
                for (std::size_t i = 0; i < n; ++i) of[i * p + k] -= dot * of[i * p + l];
            }
        double square = 0;
        for (std::size_t i = 0; i < n; ++i) square += of[i * p + k] * of[i * p + k];
        double const factor = square > 1e-24 * before && square > 0 ? 1 / std::sqrt(square) : 0;
        for (std::size_t i = 0; i < n; ++i) of[i * p + k] *= factor;
    }
}

/// One reading of the matrix A: Y = A X, and Z = A^T Y where it is asked for. Returns the sum of the entries,
/// and that of their squares.
inline std::pair<double, double> read_once(stored_rows const& a, std::vector<double> const& x, std::size_t p,
                                           std::vector<double>& y, std::vector<double>* z) {
    std::size_t const n = a.columns();
    std::size_t const chunk = std::clamp<std::size_t>(2'000'000 / n, 1, a.rows());
    std::vector<double> rows(chunk * n), turned(z != nullptr ? chunk * n : 0);
    double sum = 0, squares = 0;
    if (z != nullptr) z->assign(n * p, 0.0);
    for (std::size_t first = 0; first < a.rows(); first += chunk) {
        std::size_t const count = std::min(chunk, a.rows() - first);
        for (std::size_t r = 0; r < count; ++r) a.read(first + r, std::span(rows).subspan(r * n, n));
        for (std::size_t k = 0; k < count * n; ++k) {
            sum += rows[k];
            squares += rows[k] * rows[k];
        }
        gemm(false, count, p, n, 1.0, rows.data(), n, x.data(), p, 0.0, y.data() + first * p, p);
        if (z == nullptr) continue;
        for (std::size_t r = 0; r < count; ++r)
            for (std::size_t k = 0; k < n; ++k) turned[k * count + r] = rows[r * n + k];
        gemm(false, n, p, count, 1.0, turned.data(), count, y.data() + first * p, p, 1.0, z->data(), p);
    }
    return {sum, squares};
}

/// How many of the values, from the largest down, lie above the edge of the bulk that the others are.
[[nodiscard]] inline std::pair<std::size_t, double> outliers_of(std::vector<double> const& values,
                                                                double squares, std::size_t rows,
                                                                std::size_t columns) {
    double const m = static_cast<double>(rows), n = static_cast<double>(columns);
    std::size_t count = 0;
    double edge = 0;
    for (;;) {
        double left = squares;
        for (std::size_t k = 0; k < count; ++k) left -= values[k] * values[k];
        double const free =
            std::max(1.0, (m - static_cast<double>(count)) * (n - static_cast<double>(count)));
        edge = std::sqrt(std::max(0.0, left) / free) * (std::sqrt(m) + std::sqrt(n));
        std::size_t above = count;
        while (above < values.size() && values[above] > edge) ++above;
        if (above == count || above == std::min(rows, columns)) return {count, edge};
        count = above;
    }
}

/// The modes of A = stored_rows by block power iteration with `p` vectors.
[[nodiscard]] inline singular_modes leading_modes(stored_rows const& a, std::size_t p) {
    std::size_t const m = a.rows(), n = a.columns();
    std::vector<double> x(n * p), y(m * p), z;
    stream const draws(1, 0, 0, purpose::mean_field);
    for (std::size_t k = 0; k < x.size(); ++k) x[k] = normal(draws, static_cast<std::uint32_t>(k));
    orthonormalise(x, n, p);
    for (int pass = 0; pass < 4; ++pass) {
        read_once(a, x, p, y, &z);
        x.swap(z);
        orthonormalise(x, n, p);
    }
    auto const [sum, squares] = read_once(a, x, p, y, nullptr);
    std::vector<double> gram(p * p, 0.0);
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t k = 0; k < p; ++k)
            for (std::size_t l = 0; l < p; ++l) gram[k * p + l] += y[i * p + k] * y[i * p + l];
    auto const squared = symmetric_eigen(gram, p, true);
    singular_modes modes;
    modes.sum = sum;
    modes.squares = squares;
    for (std::size_t k = p; k-- > 0;)
        if (squared[k] > 0) modes.values.push_back(std::sqrt(squared[k]));
    std::size_t const count = modes.count();
    modes.left.assign(m * count, 0.0);
    modes.right.assign(n * count, 0.0);
    for (std::size_t k = 0; k < count; ++k) {
        double const* const vector = gram.data() + (p - 1 - k) * p;
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t l = 0; l < p; ++l)
                modes.left[i * count + k] += y[i * p + l] * vector[l] / modes.values[k];
        for (std::size_t j = 0; j < n; ++j)
            for (std::size_t l = 0; l < p; ++l) modes.right[j * count + k] += x[j * p + l] * vector[l];
    }
    return modes;
}

/// The first `count` modes only.
inline void keep_first(singular_modes& modes, std::size_t count) {
    std::size_t const all = modes.count();
    auto const cut = [&](std::vector<double>& of) {
        std::vector<double> kept;
        for (std::size_t i = 0; i < of.size() / std::max<std::size_t>(1, all); ++i)
            for (std::size_t k = 0; k < count; ++k) kept.push_back(of[i * all + k]);
        of = std::move(kept);
    };
    cut(modes.left);
    cut(modes.right);
    modes.values.resize(count);
}

}  // namespace detail

/// The modes of a map above the edge of its bulk, in the orientation of detail::stored_rows. Reads the
/// weights five times (more where more than 24 modes stand out); memory: 32 numbers per row and column.
[[nodiscard]] inline singular_modes outlier_modes(linear_map const& map) {
    single_threaded_blas const one_blas_thread;  // more of them change last digits, and so sub-samples
    detail::stored_rows const a(map);
    std::size_t const most = std::min(a.rows(), a.columns());
    for (std::size_t p = std::min<std::size_t>(32, most);; p = std::min(4 * p, most)) {
        auto modes = detail::leading_modes(a, p);
        auto const [count, edge] = detail::outliers_of(modes.values, modes.squares, a.rows(), a.columns());
        if (4 * count > 3 * p && p < most && p < 512) continue;
        modes.largest = modes.values.empty() ? 0 : modes.values[0];
        detail::keep_first(modes, count);
        modes.bulk_edge = edge;
        return modes;
    }
}

/// Of each map of a wiring that holds weights.
using modes_by_map = std::map<linear_map const*, singular_modes>;
[[nodiscard]] inline modes_by_map outlier_modes(wiring const& of) {
    modes_by_map all;
    for (auto const& each : of.wires)
        if (each.map->weighted() && all.count(each.map.get()) == 0)
            all.emplace(each.map.get(), outlier_modes(*each.map));
    return all;
}

}  // namespace spinet
