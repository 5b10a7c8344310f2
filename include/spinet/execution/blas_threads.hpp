// SPDX-License-Identifier: BSD-3-Clause
/// Keeps BLAS on one thread while spinet samples: spinet runs tiles in parallel, and another
/// number of BLAS threads changes the last bits of its products.
#pragma once

#include <spinet/detail/external_name.hpp>

#include <mutex>

namespace spinet {
namespace detail {

// Weak: present if the linked BLAS has them, null otherwise.
extern "C" {
[[gnu::weak]] void openblas_set_threads(int) SPINET_EXTERNAL_NAME(openblas_set_num_threads);
[[gnu::weak]] int openblas_get_threads() SPINET_EXTERNAL_NAME(openblas_get_num_threads);
[[gnu::weak]] int openblas_parallelism() SPINET_EXTERNAL_NAME(openblas_get_parallel);
[[gnu::weak]] char* openblas_corename() SPINET_EXTERNAL_NAME(openblas_get_corename);
[[gnu::weak]] void blis_set_threads(long) SPINET_EXTERNAL_NAME(bli_thread_set_num_threads);
[[gnu::weak]] long blis_get_threads() SPINET_EXTERNAL_NAME(bli_thread_get_num_threads);
[[gnu::weak]] void mkl_set_threads(int) SPINET_EXTERNAL_NAME(MKL_Set_Num_Threads);
[[gnu::weak]] int mkl_get_threads() SPINET_EXTERNAL_NAME(MKL_Get_Max_Threads);
[[gnu::weak]] void openmp_set_threads(int) SPINET_EXTERNAL_NAME(omp_set_num_threads);
[[gnu::weak]] int openmp_get_threads() SPINET_EXTERNAL_NAME(omp_get_max_threads);
}

/// Is this OpenBLAS built on OpenMP? It then takes as many threads as OpenMP allows the thread that calls it.
[[nodiscard]] inline bool openblas_is_openmp() noexcept {
    return openblas_parallelism != nullptr && openblas_parallelism() == 2 && openmp_set_threads != nullptr &&
           openmp_get_threads != nullptr;
}

}  // namespace detail

/// The processor that OpenBLAS took its kernels for; null with another BLAS. "Prescott" on a recent processor
/// means that OpenBLAS is too old to know it, and five times slower than it could be (docs/pitfalls.md).
[[nodiscard]] inline char const* blas_core_name() noexcept {
    return detail::openblas_corename != nullptr ? detail::openblas_corename() : nullptr;
}

/// While any of them lives, in any thread, OpenBLAS, BLIS or MKL use one thread; the earlier number comes
/// back when the last goes. An OpenBLAS built on OpenMP goes by the thread that calls it: there, each of them
/// holds for its own thread, which has to be the one that ends its life.
class single_threaded_blas {
public:
    single_threaded_blas() {
        if (detail::openblas_is_openmp()) {
            openmp_ = detail::openmp_get_threads();
            detail::openmp_set_threads(1);
        }
        auto& now = state();
        std::lock_guard const alone(now.guard);
        if (now.alive++ > 0) return;
        if (openmp_ == 0 && detail::openblas_set_threads != nullptr &&
            detail::openblas_get_threads != nullptr) {
            now.openblas = detail::openblas_get_threads();
            detail::openblas_set_threads(1);
        }
        if (detail::blis_set_threads != nullptr && detail::blis_get_threads != nullptr) {
            now.blis = detail::blis_get_threads();
            detail::blis_set_threads(1);
        }
        if (detail::mkl_set_threads != nullptr && detail::mkl_get_threads != nullptr) {
            now.mkl = detail::mkl_get_threads();
            detail::mkl_set_threads(1);
        }
    }
    ~single_threaded_blas() {
        if (openmp_ > 0) detail::openmp_set_threads(openmp_);
        auto& now = state();
        std::lock_guard const alone(now.guard);
        if (--now.alive > 0) return;
        if (now.openblas > 0) detail::openblas_set_threads(now.openblas);
        if (now.blis > 0) detail::blis_set_threads(now.blis);
        if (now.mkl > 0) detail::mkl_set_threads(now.mkl);
    }
    single_threaded_blas(single_threaded_blas const&) = delete;
    single_threaded_blas& operator=(single_threaded_blas const&) = delete;

private:
    struct shared {
        std::mutex guard;
        int alive = 0;
        int openblas = 0;
        long blis = 0;
        int mkl = 0;
    };
    static shared& state() {
        static shared one;
        return one;
    }

    int openmp_ = 0;  ///< threads that OpenMP allowed this thread before
};

}  // namespace spinet
