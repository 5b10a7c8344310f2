// SPDX-License-Identifier: BSD-3-Clause
/// The few routines of BLAS and LAPACK that spinet calls, by their Fortran names: <cblas.h> and xtensor-blas
/// cannot be included together.
#pragma once

#include <spinet/detail/external_name.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

// The integers of the BLAS: std::int64_t where it was built for those (CMake: BLA_SIZEOF_INTEGER=8).
#ifndef SPINET_BLAS_INT
#define SPINET_BLAS_INT int
#endif

namespace spinet::detail {

using blas_int = SPINET_BLAS_INT;

// The trailing underscore is the calling convention of every BLAS that Debian, conda and MKL ship. Declared
// under names of our own, because other libraries (Eigen, LAPACKE, f2c's headers) declare the same functions
// otherwise.
extern "C" {
void blas_sgemm(char const*, char const*, blas_int const*, blas_int const*, blas_int const*, float const*,
                float const*, blas_int const*, float const*, blas_int const*, float const*, float*,
                blas_int const*) SPINET_EXTERNAL_NAME(sgemm_);
void blas_dgemm(char const*, char const*, blas_int const*, blas_int const*, blas_int const*, double const*,
                double const*, blas_int const*, double const*, blas_int const*, double const*, double*,
                blas_int const*) SPINET_EXTERNAL_NAME(dgemm_);
void blas_ssyrk(char const*, char const*, blas_int const*, blas_int const*, float const*, float const*,
                blas_int const*, float const*, float*, blas_int const*) SPINET_EXTERNAL_NAME(ssyrk_);
void blas_dsyrk(char const*, char const*, blas_int const*, blas_int const*, double const*, double const*,
                blas_int const*, double const*, double*, blas_int const*) SPINET_EXTERNAL_NAME(dsyrk_);
// Of LAPACK: eigenvalues and eigenvectors of a symmetric matrix, tridiagonal or full.
void lapack_dsteqr(char const*, blas_int const*, double*, double*, double*, blas_int const*, double*,
                   blas_int*) SPINET_EXTERNAL_NAME(dsteqr_);
void lapack_dsyev(char const*, char const*, blas_int const*, double*, blas_int const*, double*, double*,
                  blas_int const*, blas_int*) SPINET_EXTERNAL_NAME(dsyev_);
}

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
        blas_sgemm(&op, &no, &bn, &bm, &bk, &alpha, b, &ldb, a, &lda, &beta, c, &ldc);
    else
        blas_dgemm(&op, &no, &bn, &bm, &bk, &alpha, b, &ldb, a, &lda, &beta, c, &ldc);
}

/// Row-major C (n x p) += A^T B for row-major A (k x n) and B (k x p).
template <class Real>
void add_transposed_product(std::size_t n, std::size_t p, std::size_t k, Real const* a, Real const* b,
                            Real* c) noexcept {
    char const no = 'N', yes = 'T';
    auto const bn = static_cast<blas_int>(n), bp = static_cast<blas_int>(p), bk = static_cast<blas_int>(k);
    Real const one = 1;
    if constexpr (std::is_same_v<Real, float>)
        blas_sgemm(&no, &yes, &bp, &bn, &bk, &one, b, &bp, a, &bn, &one, c, &bp);
    else
        blas_dgemm(&no, &yes, &bp, &bn, &bk, &one, b, &bp, a, &bn, &one, c, &bp);
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
        blas_ssyrk(&lower, &op, &bm, &bk, &one, a, &lda, &zero, c, &ldc);
    else
        blas_dsyrk(&lower, &op, &bm, &bk, &one, a, &lda, &zero, c, &ldc);
}

}  // namespace spinet::detail
