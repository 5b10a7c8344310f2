// SPDX-License-Identifier: BSD-3-Clause
/// The largest eigenvalues of a symmetric operator, with their eigenvectors.
#pragma once

#include <spinet/detail/blas.hpp>
#include <spinet/error.hpp>
#include <spinet/mean_field/largest_eigenvalue.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// Eigenvalues from the largest down, and eigenvectors of length 1, orthogonal to each other.
struct eigenpairs {
    std::vector<double> values;
    std::vector<std::vector<double>> vectors;
};

namespace detail {

/// Eigenvalues of a symmetric tridiagonal matrix, from the smallest up, and the eigenvectors: number i of
/// eigenvector k at k * n + i.
inline std::pair<std::vector<double>, std::vector<double>> tridiagonal_eigenpairs(
    std::vector<double> diagonal, std::vector<double> off_diagonal) {
    std::size_t const n = diagonal.size();
    auto const size = static_cast<blas_int>(n);
    std::vector<double> vectors(n * n), work(2 * n + 1);
    off_diagonal.resize(n);
    char const with_vectors = 'I';
    blas_int info = 0;
    dsteqr_(&with_vectors, &size, diagonal.data(), off_diagonal.data(), vectors.data(), &size, work.data(),
            &info);
    if (info != 0) throw error("leading_eigenpairs: LAPACK's dsteqr did not converge");
    return {std::move(diagonal), std::move(vectors)};
}

}  // namespace detail

/// The `count` largest (most positive) eigenvalues of a real symmetric n x n operator with their
/// eigenvectors, by Lanczos with full reorthogonalisation from a fixed start vector; fewer where the operator
/// has fewer different ones (of an eigenvalue that several eigenvectors share, one is found). Residuals are
/// at most tolerance * norm. Memory: a vector of length n for each of some 10 * count to 1000 applications.
/// Throws spinet::error for n = 0, bad options, values that are not finite, and no convergence.
template <SymmetricOperator Apply>
[[nodiscard]] eigenpairs leading_eigenpairs(std::size_t n, std::size_t count, Apply&& apply,
                                            lanczos_options const& options = {}) {
    detail::require_lanczos_arguments(n, options);
    if (count == 0) throw error("leading_eigenpairs: 0 eigenpairs asked for");
    double const tolerance = std::max(options.tolerance, 1e-13);
    std::size_t const most = std::min({n, options.max_iterations, std::size_t{2000}});
    std::vector<std::vector<double>> basis{detail::lanczos_start(n)};
    std::vector<double> diagonal, off_diagonal, next(n);
    double norm = 0;
    for (;;) {
        detail::apply_checked(apply, basis.back(), next);
        norm = std::max(norm, detail::vector_length(next));
        diagonal.push_back(detail::dot_product(basis.back(), next));
        for (int pass = 0; pass < 2; ++pass)  // twice is enough (Parlett)
            for (auto const& earlier : basis)
                detail::add_multiple(next, -detail::dot_product(earlier, next), earlier);
        double const coupling = detail::vector_length(next);
        std::size_t const m = diagonal.size();
        bool const complete = m == n || coupling <= 1e-14 * norm, last = complete || m == most;
        if (last || (m >= 2 * count && m % 10 == 0)) {
            auto const [values, small] = detail::tridiagonal_eigenpairs(diagonal, off_diagonal);
            std::size_t const found = std::min(count, m);
            double residual = 0;
            for (std::size_t k = m - found; k < m; ++k)
                residual = std::max(residual, coupling * std::abs(small[k * m + m - 1]));
            if (complete || residual <= tolerance * norm) {
                eigenpairs pairs;
                for (std::size_t k = m; k-- > m - found;) {
                    pairs.values.push_back(values[k]);
                    pairs.vectors.emplace_back(n, 0.0);
                    for (std::size_t i = 0; i < m; ++i)
                        detail::add_multiple(pairs.vectors.back(), small[k * m + i], basis[i]);
                }
                return pairs;
            }
            if (last)
                throw error("leading_eigenpairs: not converged after " + std::to_string(m) +
                            " applications, residual " + std::to_string(residual));
        }
        off_diagonal.push_back(coupling);
        basis.push_back(next);
        for (double& x : basis.back()) x /= coupling;
    }
}

}  // namespace spinet
