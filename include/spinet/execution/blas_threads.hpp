// SPDX-License-Identifier: BSD-3-Clause
/// Keeps BLAS on one thread while spinet samples: spinet runs tiles in parallel, and another
/// number of BLAS threads changes the last bits of its products.
#pragma once

#include <mutex>

// Weak: present if the linked BLAS has them, null otherwise.
extern "C" {
[[gnu::weak]] void openblas_set_num_threads(int);
[[gnu::weak]] int openblas_get_num_threads();
[[gnu::weak]] char* openblas_get_corename();
[[gnu::weak]] void bli_thread_set_num_threads(long);
[[gnu::weak]] long bli_thread_get_num_threads();
[[gnu::weak]] void MKL_Set_Num_Threads(int);
[[gnu::weak]] int MKL_Get_Max_Threads();
}

namespace spinet {

/// The processor that OpenBLAS took its kernels for; null with another BLAS. "Prescott" on a recent processor
/// means that OpenBLAS is too old to know it, and five times slower than it could be (docs/pitfalls.md).
[[nodiscard]] inline char const* blas_core_name() noexcept {
    return openblas_get_corename != nullptr ? openblas_get_corename() : nullptr;
}

/// While any of them lives, in any thread, OpenBLAS, BLIS or MKL use one thread; the earlier number comes
/// back when the last goes.
class single_threaded_blas {
public:
    single_threaded_blas() {
        auto& now = state();
        std::lock_guard const alone(now.guard);
        if (now.alive++ > 0) return;
        if (openblas_set_num_threads != nullptr && openblas_get_num_threads != nullptr) {
            now.openblas = openblas_get_num_threads();
            openblas_set_num_threads(1);
        }
        if (bli_thread_set_num_threads != nullptr && bli_thread_get_num_threads != nullptr) {
            now.blis = bli_thread_get_num_threads();
            bli_thread_set_num_threads(1);
        }
        if (MKL_Set_Num_Threads != nullptr && MKL_Get_Max_Threads != nullptr) {
            now.mkl = MKL_Get_Max_Threads();
            MKL_Set_Num_Threads(1);
        }
    }
    ~single_threaded_blas() {
        auto& now = state();
        std::lock_guard const alone(now.guard);
        if (--now.alive > 0) return;
        if (now.openblas > 0) openblas_set_num_threads(now.openblas);
        if (now.blis > 0) bli_thread_set_num_threads(now.blis);
        if (now.mkl > 0) MKL_Set_Num_Threads(now.mkl);
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
};

}  // namespace spinet
