// SPDX-License-Identifier: BSD-3-Clause
/// The few singular modes of a layer's weights that stand out of the bulk, found by reading the weights a few
/// times.
#pragma once

#include <spinet/detail/blas.hpp>
#include <spinet/execution/blas_threads.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/mapping/linear_map.hpp>
#include <spinet/mapping/wiring.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/spectrum/symmetric_eigenvalues.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <numeric>
#include <span>
#include <type_traits>
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
    template <class Real>
    void read(std::size_t r, std::span<Real> out) const {
        if (matrix_ == nullptr) {
            for (std::size_t k = 0; k < columns_; ++k) out[k] = static_cast<Real>(kernel_[r * columns_ + k]);
            return;
        }
        auto const& m = *matrix_;
        read_row(m, r, out);
        auto const& own = m.transposed ? map_->column_scale : map_->row_scale;
        auto const& across = m.transposed ? map_->row_scale : map_->column_scale;
        if (own.empty() && across.empty()) return;
        double const whole = scale_at(own, r);
        if (across.empty())
            for (Real& each : out) each *= static_cast<Real>(whole);
        else
            for (std::size_t k = 0; k < out.size(); ++k) out[k] *= static_cast<Real>(whole * across[k]);
    }
    /// Says that these rows have been read.
    void release(std::size_t first, std::size_t count) const noexcept {
        if (matrix_ == nullptr) return;
        std::size_t const stride = matrix_->weight.shape()[1];
        matrix_->weight.release((matrix_->first_row + first) * stride, count * stride);
    }
    /// Whether single precision will do: large matrices of float or less. (Sums over a million entries are
    /// far less exact in what they say of the modes than their digits.)
    [[nodiscard]] bool is_large() const noexcept {
        return matrix_ != nullptr && rows_ * columns_ > (std::size_t{1} << 20) &&
               matrix_->weight.type() != dtype::f64;
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

/// The same by Cholesky factors of X^T X, in a tenth of the time; false, and columns as they were, where they
/// are too close to dependent for that.
[[nodiscard]] inline bool orthonormalise_fast(std::vector<double>& of, std::size_t n, std::size_t p) {
    std::vector<double> made = of, next(of.size());
    for (int pass = 0; pass < 2; ++pass) {
        std::vector<double> root(p * p, 0.0), inverse(p * p, 0.0);  // the inverse of R^T
        add_transposed_product(p, p, n, made.data(), made.data(), root.data());
        for (std::size_t k = 0; k < p; ++k) {  // X^T X = R R^T, R in the lower triangle
            double const before = root[k * p + k];
            for (std::size_t l = 0; l < k; ++l) root[k * p + k] -= root[k * p + l] * root[k * p + l];
            if (!(root[k * p + k] > 1e-10 * before)) return false;
            root[k * p + k] = std::sqrt(root[k * p + k]);
            for (std::size_t j = k + 1; j < p; ++j) {
                for (std::size_t l = 0; l < k; ++l) root[j * p + k] -= root[j * p + l] * root[k * p + l];
                root[j * p + k] /= root[k * p + k];
            }
        }
        for (std::size_t k = 0; k < p; ++k)
            for (std::size_t i = 0; i <= k; ++i) {
                double x = i == k ? 1 : 0;
                for (std::size_t l = i; l < k; ++l) x -= root[k * p + l] * inverse[i * p + l];
                inverse[i * p + k] = x / root[k * p + k];
            }
        gemm(false, n, p, p, 1.0, made.data(), p, inverse.data(), p, 0.0, next.data(), p);
        made.swap(next);
    }
    of = std::move(made);
    return true;
}

/// Sum of `count` values and of their squares.
template <class Real>
[[nodiscard]] std::pair<double, double> sums_of(Real const* values, std::size_t count) {
    if constexpr (std::is_same_v<Real, float>) {  // eight sums at a time, which can be vector instructions
        std::array<double, 8> sum{}, squares{};
        std::size_t k = 0;
        for (; k + 8 <= count; k += 8)
            for (std::size_t l = 0; l < 8; ++l) {
                auto const x = static_cast<double>(values[k + l]);
                sum[l] += x;
                squares[l] += x * x;
            }
        for (; k < count; ++k) {
            auto const x = static_cast<double>(values[k]);
            sum[0] += x;
            squares[0] += x * x;
        }
        return {std::accumulate(sum.begin(), sum.end(), 0.0),
                std::accumulate(squares.begin(), squares.end(), 0.0)};
    } else {
        double sum = 0, squares = 0;
        for (std::size_t k = 0; k < count; ++k) {
            sum += values[k];
            squares += values[k] * values[k];
        }
        return {sum, squares};
    }
}

/// One reading of the matrix A: Y = A X, and Z = A^T Y where it is asked for; where it is not, returns the
/// sum of the entries, and that of their squares.
template <class Real>
std::pair<double, double> read_once(stored_rows const& a, std::vector<double> const& x_in, std::size_t p,
                                    std::vector<double>& y_out, std::vector<double>* z_out) {
    constexpr bool in_double = std::is_same_v<Real, double>;
    std::size_t const n = a.columns();
    // In single precision a piece stays in the second cache.
    std::size_t const chunk = std::clamp<std::size_t>((in_double ? 2'000'000 : 250'000) / n, 1, a.rows());
    std::vector<Real> rows(chunk * n), turned(in_double && z_out != nullptr ? chunk * n : 0);
    std::vector<Real> const x(x_in.begin(), x_in.end());
    std::vector<Real> y(a.rows() * p), z(z_out != nullptr ? n * p : 0, Real{0});
    double sum = 0, squares = 0;
    for (std::size_t first = 0; first < a.rows(); first += chunk) {
        std::size_t const count = std::min(chunk, a.rows() - first);
        for (std::size_t r = 0; r < count; ++r) a.read(first + r, std::span(rows).subspan(r * n, n));
        a.release(first, count);
        gemm(false, count, p, n, Real{1}, rows.data(), n, x.data(), p, Real{0}, y.data() + first * p, p);
        if (z_out == nullptr) {
            auto const of_chunk = sums_of(rows.data(), count * n);
            sum += of_chunk.first;
            squares += of_chunk.second;
        } else if constexpr (in_double) {
            for (std::size_t r = 0; r < count; ++r)
                for (std::size_t k = 0; k < n; ++k) turned[k * count + r] = rows[r * n + k];
            gemm(false, n, p, count, 1.0, turned.data(), count, y.data() + first * p, p, 1.0, z.data(), p);
        } else {
            add_transposed_product(n, p, count, rows.data(), y.data() + first * p, z.data());
        }
    }
    y_out.assign(y.begin(), y.end());
    if (z_out != nullptr) z_out->assign(z.begin(), z.end());
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

/// The modes of A = stored_rows by block power iteration with `p` vectors, those above the edge of the bulk
/// with their vectors, and how many they are. Reads A five times.
template <class Real>
[[nodiscard]] std::pair<singular_modes, std::size_t> leading_modes(stored_rows const& a, std::size_t p) {
    std::size_t const m = a.rows(), n = a.columns();
    std::vector<double> x(n * p), y(m * p), z;
    stream const draws(1, 0, 0, purpose::mean_field);
    for (std::size_t k = 0; k < x.size(); ++k) x[k] = normal(draws, static_cast<std::uint32_t>(k));
    orthonormalise(x, n, p);
    for (int pass = 0; pass < 4; ++pass) {
        read_once<Real>(a, x, p, y, &z);
        x.swap(z);
        if (std::is_same_v<Real, double> || !orthonormalise_fast(x, n, p)) orthonormalise(x, n, p);
    }
    auto const [sum, squares] = read_once<Real>(a, x, p, y, nullptr);
    std::vector<double> gram(p * p, 0.0);
    if constexpr (std::is_same_v<Real, float>)
        add_transposed_product(p, p, m, y.data(), y.data(), gram.data());
    else
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t k = 0; k < p; ++k)
                for (std::size_t l = 0; l < p; ++l) gram[k * p + l] += y[i * p + k] * y[i * p + l];
    auto const squared = symmetric_eigen(gram, p, true);
    singular_modes modes;
    modes.sum = sum;
    modes.squares = squares;
    for (std::size_t k = p; k-- > 0;)
        if (squared[k] > 0) modes.values.push_back(std::sqrt(squared[k]));
    auto const [count, edge] = outliers_of(modes.values, modes.squares, m, n);
    modes.bulk_edge = edge;
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
    modes.largest = modes.values.empty() ? 0 : modes.values[0];
    modes.values.resize(count);
    return {std::move(modes), count};
}

}  // namespace detail

/// The modes of a map above the edge of its bulk, in the orientation of detail::stored_rows. Reads the
/// weights five times (more where more than 24 modes stand out), large ones in single precision; memory: 100
/// numbers per row and column.
[[nodiscard]] inline singular_modes outlier_modes(linear_map const& map) {
    single_threaded_blas const one_blas_thread;  // more of them change last digits, and so sub-samples
    detail::stored_rows const a(map);
    std::size_t const most = std::min(a.rows(), a.columns());
    for (std::size_t p = std::min<std::size_t>(32, most);; p = std::min(4 * p, most)) {
        auto found = a.is_large() ? detail::leading_modes<float>(a, p) : detail::leading_modes<double>(a, p);
        if (a.is_large() && !std::isfinite(found.first.largest * found.first.bulk_edge))
            found = detail::leading_modes<double>(a, p);  // beyond the range of float
        if (4 * found.second > 3 * p && p < most && p < 512) continue;
        return std::move(found.first);
    }
}

/// Of each map of a wiring that holds weights.
using modes_by_map = std::map<linear_map const*, singular_modes>;
[[nodiscard]] inline modes_by_map outlier_modes(wiring const& of) {
    modes_by_map all;
    for (auto const& each : of.wires)
        if (each.map->weighted()) all.try_emplace(each.map.get());
    std::vector<modes_by_map::value_type*> order;
    for (auto& each : all) order.push_back(&each);
    // The largest first, so that no thread is left with one of them at the end.
    std::sort(order.begin(), order.end(),
              [](auto const* a, auto const* b) { return a->first->couplings() > b->first->couplings(); });
    single_threaded_blas const one_blas_thread;
    threads(std::clamp<std::size_t>(threads().count(), 1, std::max<std::size_t>(1, order.size())))
        .team()
        .run(order.size(), [&](std::size_t k) { order[k]->second = outlier_modes(*order[k]->first); });
    return all;
}

}  // namespace spinet
