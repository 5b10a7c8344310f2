// SPDX-License-Identifier: BSD-3-Clause
/// The largest eigenvalues of a symmetric operator, with their eigenvectors.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>
#include <spinet/spectrum/lanczos_basis.hpp>
#include <spinet/spectrum/largest_eigenvalue.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

namespace spinet {

/// Eigenvalues from the largest down, and eigenvectors of length 1, orthogonal to each other.
struct eigenpairs {
    row_major_array<double, 1> values;
    row_major_array<double, 2> vectors;  ///< (eigenpairs, n): a row each

    [[nodiscard]] std::size_t size() const noexcept { return values.size(); }
    [[nodiscard]] std::span<double const> vector(std::size_t k) const noexcept {
        return {vectors.data() + k * vectors.shape()[1], vectors.shape()[1]};
    }
};

/// The `count` largest (most positive) eigenvalues of a real symmetric n x n operator with their
/// eigenvectors, by Lanczos with full reorthogonalisation from a fixed start vector; fewer where the operator
/// has fewer different ones (of an eigenvalue that several eigenvectors share, one is found). Residuals are
/// as largest_eigenvalue has them. Memory: a vector of length n for each of some 10 * count to 1000
/// applications. Throws spinet::error for n = 0, bad options, values that are not finite, and no convergence.
template <SymmetricOperator Apply>
[[nodiscard]] eigenpairs leading_eigenpairs(std::size_t n, std::size_t count, Apply&& apply,
                                            lanczos_options const& options = {}) {
    detail::require_lanczos_arguments(n, options);
    if (count == 0) throw error("leading_eigenpairs: 0 eigenpairs asked for");
    double const tolerance = std::max(options.tolerance, 1e-13);
    std::size_t const most = std::min({n, options.max_iterations, std::size_t{2000}});
    detail::lanczos_basis basis(detail::lanczos_start(n));
    for (;;) {
        basis.advance(apply);
        std::size_t const m = basis.size();
        bool const complete = basis.complete(), last = complete || m == most;
        if (!last && (m < 2 * count || m < 20 || m % 10 != 0)) continue;
        auto const [values, small] = basis.eigenpairs();
        std::size_t const found = std::min(count, m);
        double residual = 0;
        bool enough = true;
        for (std::size_t k = m - found; k < m; ++k) {
            double const each = basis.coupling() * std::abs(small[k * m + m - 1]);
            residual = std::max(residual, each);
            enough = enough && each <= std::max(tolerance * std::abs(values[k]),
                                                std::min(tolerance, 1e-7) * basis.norm());
        }
        if (complete || enough) {
            eigenpairs pairs{row_major_array<double, 1>::from_shape({found}),
                             row_major_array<double, 2>(std::array<std::size_t, 2>{found, n}, 0.0)};
            for (std::size_t p = 0; p < found; ++p) {
                std::size_t const k = m - 1 - p;
                pairs.values(p) = values[k];
                for (std::size_t i = 0; i < m; ++i)
                    detail::add_multiple({pairs.vectors.data() + p * n, n}, small[k * m + i],
                                         basis.vectors()[i]);
            }
            return pairs;
        }
        if (last)
            throw error("leading_eigenpairs: not converged after ", m, " applications, residual ", residual);
    }
}

}  // namespace spinet
