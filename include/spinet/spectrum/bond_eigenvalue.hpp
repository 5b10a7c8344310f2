// SPDX-License-Identifier: BSD-3-Clause
/// The largest eigenvalue of the bond matrix of a glass of parts.
#pragma once

#include <spinet/spectrum/symmetric_eigenvalues.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace spinet::detail {

/// T_formula, the freezing temperature of independent couplings of mean zero: sqrt of the largest eigenvalue
/// of B_gh = variance_gh N_h. Part g has size_of_part(g) spins; each of `bonds` has the parts `from` and `to`
/// that it couples, and the `variance` of their couplings.
template <class Bonds, class Size>
[[nodiscard]] double t_formula_of(std::size_t parts, Size&& size_of_part, Bonds const& bonds) {
    std::vector<double> matrix(parts * parts, 0.0);  // symmetric, similar to B
    for (auto const& each : bonds) {
        double const bond = each.variance * std::sqrt(static_cast<double>(size_of_part(each.from))) *
                            std::sqrt(static_cast<double>(size_of_part(each.to)));
        matrix[each.from * parts + each.to] += bond;
        matrix[each.to * parts + each.from] += bond;
    }
    return std::sqrt(std::max(0.0, symmetric_eigenvalues(std::move(matrix), parts).back()));
}

}  // namespace spinet::detail
