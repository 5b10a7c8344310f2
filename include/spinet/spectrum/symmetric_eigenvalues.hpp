// SPDX-License-Identifier: BSD-3-Clause
/// Eigenvalues and eigenvectors of small symmetric matrices, by LAPACK.
#pragma once

#include <spinet/detail/blas.hpp>
#include <spinet/error.hpp>

#include <cstddef>
#include <vector>

namespace spinet::detail {

/// LAPACK's dsyev: overwrites the n x n doubles at matrix.data() by eigenvectors, number i of eigenvector k
/// at k * n + i, if they are asked for.
template <class Matrix>
[[nodiscard]] std::vector<double> symmetric_eigen(Matrix& matrix, std::size_t n, bool with_vectors) {
    std::vector<double> values(n), work(1);
    auto const size = static_cast<blas_int>(n);
    char const wanted = with_vectors ? 'V' : 'N', triangle = 'U';
    blas_int info = 0, length = -1;
    lapack_dsyev(&wanted, &triangle, &size, matrix.data(), &size, values.data(), work.data(), &length, &info);
    length = static_cast<blas_int>(work[0]);
    work.resize(static_cast<std::size_t>(length));
    lapack_dsyev(&wanted, &triangle, &size, matrix.data(), &size, values.data(), work.data(), &length, &info);
    if (info != 0) throw error("eigenvalues: LAPACK's dsyev did not converge");
    return values;
}

/// Eigenvalues of a symmetric n x n matrix, from the smallest up.
[[nodiscard]] inline std::vector<double> symmetric_eigenvalues(std::vector<double> matrix, std::size_t n) {
    return symmetric_eigen(matrix, n, false);
}

}  // namespace spinet::detail
