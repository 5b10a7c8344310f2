// SPDX-License-Identifier: BSD-3-Clause
/// Other libraries declare the functions of BLAS, LAPACK, OpenBLAS and OpenMP each in its own way. These are
/// the ways of f2c (results of int), of Eigen (no const) and of <omp.h> (noexcept).
extern "C" {
int sgemm_(char*, char*, long*, long*, long*, float*, float*, long*, float*, long*, float*, float*, long*);
int dgemm_(const char*, const char*, const int*, const int*, const int*, const double*, const double*,
           const int*, const double*, const int*, const double*, double*, const int*);
int ssyrk_(...);
int dsyrk_(...);
int dsteqr_(...);
int dsyev_(...);
void omp_set_num_threads(int) noexcept;
int omp_get_max_threads() noexcept;
void openblas_set_num_threads(int num_threads) noexcept;
char const* openblas_get_corename() noexcept;
}

#include "../catch.hpp"
#include <spinet/detail/blas.hpp>
#include <spinet/execution/blas_threads.hpp>
#include <spinet/spectrum/symmetric_eigenvalues.hpp>

using namespace spinet;

TEST_CASE("foreign declarations of BLAS stand beside ours", "[detail]") {
    float const a[4] = {1, 2, 3, 4};
    float c[4] = {};
    detail::gemm(false, 2, 2, 2, 1.0f, a, 2, a, 2, 0.0f, c, 2);
    CHECK(c[0] == 7);
    CHECK(c[3] == 22);
}
