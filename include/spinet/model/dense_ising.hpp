// SPDX-License-Identifier: BSD-3-Clause
/// Ising spins with a full coupling matrix.
#pragma once

#include <spinet/detail/aligned.hpp>
#include <spinet/detail/arrays.hpp>
#include <spinet/detail/blas.hpp>
#include <spinet/detail/split_matrix.hpp>
#include <spinet/detail/vector_math.hpp>
#include <spinet/error.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/model/magnitude.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

namespace spinet {

/// H(s) = -sum_{i<j} J_ij s_i s_j - sum_i b_i s_i, each coupling counted once. J is N x N, symmetric with a
/// zero diagonal; b has N entries or is empty (no fields). Both are xtensor expressions of any kind, layout
/// and number type; b may also be a std::vector. Throws spinet::error naming the first entry that is not
/// finite, not symmetric or on the diagonal.
template <class Real = float>
class dense_ising {
public:
    using spin_type = detail::checked_spin_type<Real>;

    template <class J = row_major_array<Real, 2>, class B = std::vector<Real>>
    explicit dense_ising(J const& couplings, B const& fields = {}) {
        auto const& j = detail::as_row_major<Real, 2>(couplings, "dense_ising: couplings");
        fields_ = detail::fields_or_zeros<Real>(fields, j.shape()[0], "dense_ising: fields");
        stride_ = detail::padded_stride<Real>(j.shape()[1]);
        check_shape(j.shape()[0], j.shape()[1]);
        couplings_.resize(size() * stride_);
        for (std::size_t i = 0; i < size(); ++i)
            std::copy_n(j.data() + i * size(), size(), couplings_.data() + i * stride_);
        check_entries();
        if constexpr (std::is_same_v<Real, float>)
            split_ = detail::split_matrix(couplings_.data(), size(), size(), stride_, 1);
    }

    /// From now on, `fields` takes spins of any value as they are, and not only +-1. It then never uses
    /// AMX tiles.
    void take_any_spins() { split_ = {}; }

    [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }

    [[nodiscard]] double energy(std::span<Real const> spins) const {
        double twice = 0;
        for (std::size_t i = 0; i < size(); ++i)
            twice += static_cast<double>(spins[i]) * detail::dot(row(i), spins.data(), size());
        return -twice / 2 - detail::dot(fields_.data(), spins.data(), size());
    }

    [[nodiscard]] double energy_change(std::span<Real const> spins, std::size_t site,
                                       Real value) const noexcept {
        double const field =
            detail::dot(row(site), spins.data(), size()) + static_cast<double>(fields_.data()[site]);
        return -(static_cast<double>(value) - static_cast<double>(spins[site])) * field;
    }

    void fields(rows_view<Real const> spins, rows_view<Real> out) const noexcept {
        for (std::size_t r = 0; r < out.rows; ++r) std::copy_n(fields_.data(), size(), out.row(r).data());
        if constexpr (std::is_same_v<Real, float>)
            if (split_) return split_.multiply_add(spins, 0, out);
        detail::gemm(false, spins.rows, size(), size(), Real{1}, spins.data, spins.stride, couplings_.data(),
                     stride_, Real{1}, out.data, out.stride);
    }

    template <class Visit>
    void for_each_coupling(std::size_t site, Visit&& visit) const {
        visit(std::size_t{0}, std::span<Real const>(row(site), size()));
    }

    [[nodiscard]] std::span<Real const> external_fields() const noexcept { return {fields_.data(), size()}; }

    /// J; its rows start at cache lines.
    [[nodiscard]] rows_view<Real const> couplings() const noexcept {
        return {couplings_.data(), size(), size(), stride_};
    }

    /// J again, for products with spins; empty where the machine has no tiles.
    [[nodiscard]] detail::split_matrix const& split_couplings() const noexcept { return split_; }

private:
    [[nodiscard]] Real const* row(std::size_t i) const noexcept { return couplings_.data() + i * stride_; }

    void check_shape(std::size_t rows, std::size_t columns) const {
        std::size_t const n = fields_.size();
        if (n == 0) throw error("dense_ising: no spins");
        auto const shape = detail::text("couplings of shape ", rows, " x ", columns);
        if (rows != columns) throw error("dense_ising: ", shape, " are not square");
        if (rows != n) throw error("dense_ising: ", n, " fields, but ", shape);
        if (stride_ > detail::blas_limit) throw error("dense_ising: more spins than BLAS can index");
    }

    void check_entries() const {
        std::size_t const n = size();
        auto const at = [](std::size_t i, std::size_t j) {
            return detail::text("coupling (", i, ", ", j, ")");
        };
        for (std::size_t i = 0; i < n; ++i) {
            if (!std::isfinite(fields_.data()[i])) throw error("dense_ising: field ", i, " is not finite");
            if (row(i)[i] != Real{0})
                throw error("dense_ising: ", at(i, i), " is on the diagonal and must be 0");
            for (std::size_t j = 0; j < i; ++j) {
                if (!std::isfinite(row(i)[j])) throw error("dense_ising: ", at(i, j), " is not finite");
                if (row(i)[j] != row(j)[i])
                    throw error("dense_ising: ", at(i, j), " is ", static_cast<double>(row(i)[j]), ", but ",
                                at(j, i), " is ", static_cast<double>(row(j)[i]),
                                "; (J + xt::transpose(J)) / 2 is symmetric");
            }
        }
        detail::require_fields_fit(
            *this, [](std::size_t i) { return detail::text("dense_ising: the field of spin ", i); });
    }

    std::size_t stride_ = 0;
    detail::aligned_vector<Real> couplings_;
    detail::split_matrix split_;
    std::vector<Real> fields_;
};

/// The spins are float or double as the couplings are; of other numbers, float.
template <detail::xtensor_expression J, class B = std::vector<double>>
dense_ising(J const&, B const& = {}) -> dense_ising<detail::spin_type_for<J>>;

}  // namespace spinet
