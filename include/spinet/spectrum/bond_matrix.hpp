// SPDX-License-Identifier: BSD-3-Clause
/// The bond matrix of a network of independent random couplings, and the temperature at which it freezes.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/spectrum/symmetric_eigenvalues.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace spinet {

/// B_{gh} = variance_gh N_h for parts g and h of N_g and N_h spins, where the couplings between two parts are
/// independent with mean zero. It is kept in its symmetric form, variance_gh sqrt(N_g N_h), which has the
/// same eigenvalues.
class bond_matrix {
public:
    /// One size for each part.
    explicit bond_matrix(std::vector<double> sizes) : sizes_(std::move(sizes)) {
        symmetric_.resize({sizes_.size(), sizes_.size()});
        symmetric_.fill(0);
    }

    /// Couples all spins of one part to all spins of another.
    void add(std::size_t from, std::size_t to, double variance) {
        double const bond = variance * std::sqrt(sizes_[from]) * std::sqrt(sizes_[to]);
        symmetric_(from, to) += bond;
        symmetric_(to, from) += bond;
    }

    [[nodiscard]] row_major_array<double, 2> const& symmetric() const noexcept { return symmetric_; }

    /// The square root of the largest eigenvalue: see t_formula.
    [[nodiscard]] double t_formula() const {
        auto matrix = symmetric_;
        return std::sqrt(std::max(0.0, detail::symmetric_eigen(matrix, sizes_.size(), false).back()));
    }

private:
    std::vector<double> sizes_;
    row_major_array<double, 2> symmetric_;
};

}  // namespace spinet
