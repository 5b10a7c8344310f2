// SPDX-License-Identifier: BSD-3-Clause
/// The kinds of coupling block a network_glass is made of. A new kind is a struct like dense_block, one more
/// alternative of `coupling_block`, and what `sum_of` makes of it.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/detail/blas.hpp>
#include <spinet/detail/split_matrix.hpp>
#include <spinet/detail/vector_math.hpp>
#include <spinet/error.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/model/window_block.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace spinet {

/// What a dense block multiplies with. Blocks between different groups may share one (the steps of a
/// sequence).
template <class Real>
struct coupling_matrix {
    row_major_array<Real, 2> weights;     ///< (to, from)
    row_major_array<Real, 2> transposed;  ///< (from, to): flips read contiguous couplings both ways
    detail::split_matrix split_forward, split_backward;  ///< (from, to) and (to, from), where there are tiles

    explicit coupling_matrix(row_major_array<Real, 2> matrix) : weights(std::move(matrix)) {
        std::size_t const rows = weights.shape()[0], columns = weights.shape()[1];
        transposed.resize({columns, rows});
        for (std::size_t i = 0; i < rows; ++i)
            for (std::size_t j = 0; j < columns; ++j)
                transposed.data()[j * rows + i] = weights.data()[i * columns + j];
        if constexpr (std::is_same_v<Real, float>) {
            split_forward = detail::split_matrix(weights.data(), columns, rows, 1, columns);
            split_backward = detail::split_matrix(weights.data(), rows, columns, columns, 1);
        }
    }
};

/// All spins of group `from` coupled to all spins of group `to` by a matrix of shape (size of to, size of
/// from).
template <class Real>
struct dense_block : block_ends {
    /// The matrix is an xtensor expression of any kind, layout and number type.
    template <detail::xtensor_expression Matrix = row_major_array<Real, 2>>
    dense_block(std::size_t from_group, std::size_t to_group, Matrix&& matrix)
        : dense_block(from_group, to_group,
                      std::make_shared<coupling_matrix<Real> const>(detail::row_major_copy<Real, 2>(
                          std::forward<Matrix>(matrix), "dense_block: couplings"))) {}
    dense_block(std::size_t from_group, std::size_t to_group,
                std::shared_ptr<coupling_matrix<Real> const> matrix)
        : block_ends{from_group, to_group}, matrix_(std::move(matrix)) {}

    [[nodiscard]] row_major_array<Real, 2> const& weights() const noexcept { return matrix_->weights; }
    [[nodiscard]] row_major_array<Real, 2> const& transposed() const noexcept { return matrix_->transposed; }

    /// See network_glass.
    void take_any_spins() noexcept { any_spins_ = true; }

    /// Throws spinet::error, naming block and entry, unless the block fits the groups and is finite.
    void check(std::vector<spin_group> const& groups, std::size_t block) const {
        std::string const name = name_among(groups, block);
        if (weights().shape()[0] != groups[to].size || weights().shape()[1] != groups[from].size)
            throw error(name, " has shape ", weights().shape()[0], " x ", weights().shape()[1],
                        ", but joins ", groups[to].name, " (", groups[to].size, " spins) to ",
                        groups[from].name, " (", groups[from].size, " spins)");
        for (std::size_t k = 0; k < weights().size(); ++k)
            if (!std::isfinite(weights().data()[k]))
                throw error(name, " (", groups[from].name, " to ", groups[to].name, "): coupling (",
                            k / groups[from].size, ", ", k % groups[from].size, ") is not finite");
    }

    [[nodiscard]] double energy(std::vector<spin_group> const& groups,
                                std::span<Real const> spins) const noexcept {
        double sum = 0;
        for (std::size_t i = 0; i < groups[to].size; ++i)
            sum += static_cast<double>(spins[groups[to].first + i]) *
                   detail::dot(weights().data() + i * groups[from].size, spins.data() + groups[from].first,
                               groups[from].size);
        return -sum;
    }

    /// Adds what this block contributes to the fields of the spins of group g (its `to` or its `from`).
    void add_fields(std::vector<spin_group> const& groups, std::size_t g, rows_view<Real const> spins,
                    rows_view<Real> out) const noexcept {
        bool const forward = g == to;
        auto const& source = groups[forward ? from : to];
        if constexpr (std::is_same_v<Real, float>)
            if (auto const& split = forward ? matrix_->split_forward : matrix_->split_backward;
                split && !any_spins_) {
                split.multiply_add({spins.data + source.first, spins.rows, source.size, spins.stride}, 0,
                                   {out.data + groups[g].first, out.rows, groups[g].size, out.stride});
                return;
            }
        detail::gemm(forward, spins.rows, groups[g].size, source.size, Real{1}, spins.data + source.first,
                     spins.stride, weights().data(), groups[from].size, Real{1}, out.data + groups[g].first,
                     out.stride);
    }

    template <class Visit>
    void for_each_coupling(std::vector<spin_group> const& groups, std::size_t g, std::size_t index,
                           Visit&& visit) const {
        bool const forward = g == to;
        auto const& other = groups[forward ? from : to];
        Real const* const matrix = forward ? weights().data() : transposed().data();
        visit(other.first, std::span<Real const>(matrix + index * other.size, other.size));
    }

private:
    std::shared_ptr<coupling_matrix<Real> const> matrix_;
    bool any_spins_ = false;
};

/// The block as a matrix. Throws spinet::error where BLAS could not index its entries.
template <class Real>
[[nodiscard]] dense_block<Real> as_dense(window_block<Real> const& block) {
    auto const& shape = block.shape();
    if (shape.to_size() > detail::blas_limit / shape.from_size())
        throw error("two sets of couplings between the same groups add up to a matrix of ", shape.to_size(),
                    " x ", shape.from_size(), " entries, too large");
    row_major_array<Real, 2> matrix = xt::zeros<Real>({shape.to_size(), shape.from_size()});
    for (std::size_t i = 0; i < shape.to_size(); ++i)
        block.for_each_from(i, 0, [&](std::size_t first, std::span<Real const> couplings) {
            std::copy(couplings.begin(), couplings.end(), matrix.data() + i * shape.from_size() + first);
        });
    return dense_block<Real>(block.from, block.to, std::move(matrix));
}
template <class Real>
[[nodiscard]] dense_block<Real> const& as_dense(dense_block<Real> const& block) {
    return block;
}

template <class Real>
using coupling_block = std::variant<dense_block<Real>, window_block<Real>>;

/// One block for two between the same groups, whichever way round the second is. Shapes must agree.
template <class Real>
[[nodiscard]] coupling_block<Real> sum_of(dense_block<Real> const& a, dense_block<Real> const& b) {
    auto sum = a.weights();
    auto const& other = a.from == b.from ? b.weights() : b.transposed();
    for (std::size_t k = 0; k < sum.size(); ++k) sum.data()[k] += other.data()[k];
    return dense_block<Real>(a.from, a.to, std::move(sum));
}

/// The same for other kinds: windows of one geometry stay windows.
template <class Real, class A, class B>
[[nodiscard]] coupling_block<Real> sum_of(A const& a, B const& b) {
    if constexpr (std::is_same_v<A, window_block<Real>> && std::is_same_v<B, window_block<Real>>)
        if (a.from == b.from)
            if (auto joined = joined_windows(a, b)) return *std::move(joined);
    return sum_of<Real>(as_dense(a), as_dense(b));
}

}  // namespace spinet
