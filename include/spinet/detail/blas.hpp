// SPDX-License-Identifier: BSD-3-Clause
/// The few routines of BLAS and LAPACK that spinet calls, by their Fortran names: <cblas.h> and xtensor-blas
/// cannot be included together.
#pragma once

#include <cstddef>
#include <limits>
#include <type_traits>

#ifndef SPINET_BLAS_INT
#define SPINET_BLAS_INT int
#endif

extern "C" {
// The trailing underscore is the calling convention of every BLAS that Debian, conda and MKL ship.
void sgemm_(char const*, char const*, SPINET_BLAS_INT const*, SPINET_BLAS_INT const*, SPINET_BLAS_INT const*,
            float const*, float const*, SPINET_BLAS_INT const*, float const*, SPINET_BLAS_INT const*,
            float const*, float*, SPINET_BLAS_INT const*);
void dgemm_(char const*, char const*, SPINET_BLAS_INT const*, SPINET_BLAS_INT const*, SPINET_BLAS_INT const*,
            double const*, double const*, SPINET_BLAS_INT const*, double const*, SPINET_BLAS_INT const*,
            double const*, double*, SPINET_BLAS_INT const*);
void ssyrk_(char const*, char const*, SPINET_BLAS_INT const*, SPINET_BLAS_INT const*, float const*,
            float const*, SPINET_BLAS_INT const*, float const*, float*, SPINET_BLAS_INT const*);
void dsyrk_(char const*, char const*, SPINET_BLAS_INT const*, SPINET_BLAS_INT const*, double const*,
            double const*, SPINET_BLAS_INT const*, double const*, double*, SPINET_BLAS_INT const*);
// Of LAPACK: eigenvalues and eigenvectors of a symmetric matrix, tridiagonal or full.
void dsteqr_(char const*, SPINET_BLAS_INT const*, double*, double*, double*, SPINET_BLAS_INT const*, double*,
             SPINET_BLAS_INT*);
void dsyev_(char const*, char const*, SPINET_BLAS_INT const*, double*, SPINET_BLAS_INT const*, double*,
            double*, SPINET_BLAS_INT const*, SPINET_BLAS_INT*);
}

namespace spinet::detail {

using blas_int = SPINET_BLAS_INT;

/// The largest matrix dimension BLAS can be told of.
inline constexpr std::size_t blas_limit = static_cast<std::size_t>(std::numeric_limits<blas_int>::max());

/// Row-major C (m x n) = alpha A (m x k) op(B) + beta C, with op(B) = B (k x n) or, if `transposed`, the
/// transpose of a row-major n x k matrix. Dimensions above blas_limit are the caller's to refuse.
template <class Real>
void gemm(bool transposed, std::size_t m, std::size_t n, std::size_t k, Real alpha, Real const* a,
          std::size_t stride_a, Real const* b, std::size_t stride_b, Real beta, Real* c,
          std::size_t stride_c) noexcept {
    static_assert(std::is_same_v<Real, float> || std::is_same_v<Real, double>, "BLAS knows float and double");
    if (m == 0 || n == 0) return;
    // Column-major BLAS sees every row-major matrix transposed, so it is asked for C^T = op(B)^T A^T.
    char const no = 'N';
    char const op = transposed ? 'T' : 'N';
    auto const bm = static_cast<blas_int>(m), bn = static_cast<blas_int>(n), bk = static_cast<blas_int>(k);
    auto const lda = static_cast<blas_int>(stride_a), ldb = static_cast<blas_int>(stride_b),
               ldc = static_cast<blas_int>(stride_c);
    if constexpr (std::is_same_v<Real, float>)
        sgemm_(&op, &no, &bn, &bm, &bk, &alpha, b, &ldb, a, &lda, &beta, c, &ldc);
    else
        dgemm_(&op, &no, &bn, &bm, &bk, &alpha, b, &ldb, a, &lda, &beta, c, &ldc);
}

/// Row-major C (m x m), entries (i, j) with i <= j only, = A A^T for row-major A (m x k).
template <class Real>
void gram(std::size_t m, std::size_t k, Real const* a, std::size_t stride_a, Real* c,
          std::size_t stride_c) noexcept {
    static_assert(std::is_same_v<Real, float> || std::is_same_v<Real, double>, "BLAS knows float and double");
    if (m == 0) return;
    char const lower = 'L';  // column-major lower = row-major upper
    char const op = 'T';
    Real const one = 1, zero = 0;
    auto const bm = static_cast<blas_int>(m), bk = static_cast<blas_int>(k);
    auto const lda = static_cast<blas_int>(stride_a), ldc = static_cast<blas_int>(stride_c);
    if constexpr (std::is_same_v<Real, float>)
        ssyrk_(&lower, &op, &bm, &bk, &one, a, &lda, &zero, c, &ldc);
    else
        dsyrk_(&lower, &op, &bm, &bk, &one, a, &lda, &zero, c, &ldc);
}

}  // namespace spinet::detail
