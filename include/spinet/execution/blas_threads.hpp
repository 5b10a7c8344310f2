// SPDX-License-Identifier: BSD-3-Clause
/// Keeps BLAS on one thread while spinet samples: tiles are spinet's unit of parallel work, and another
/// number of BLAS threads changes the last bits of its products.
#pragma once

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

/// While it lives, OpenBLAS, BLIS or MKL use one thread; the earlier number comes back when it goes.
class single_threaded_blas {
public:
    single_threaded_blas() noexcept {
        if (openblas_set_num_threads != nullptr && openblas_get_num_threads != nullptr) {
            openblas_ = openblas_get_num_threads();
            openblas_set_num_threads(1);
        }
        if (bli_thread_set_num_threads != nullptr && bli_thread_get_num_threads != nullptr) {
            blis_ = bli_thread_get_num_threads();
            bli_thread_set_num_threads(1);
        }
        if (MKL_Set_Num_Threads != nullptr && MKL_Get_Max_Threads != nullptr) {
            mkl_ = MKL_Get_Max_Threads();
            MKL_Set_Num_Threads(1);
        }
    }
    ~single_threaded_blas() {
        if (openblas_ > 0) openblas_set_num_threads(openblas_);
        if (blis_ > 0) bli_thread_set_num_threads(blis_);
        if (mkl_ > 0) MKL_Set_Num_Threads(mkl_);
    }
    single_threaded_blas(single_threaded_blas const&) = delete;
    single_threaded_blas& operator=(single_threaded_blas const&) = delete;

private:
    int openblas_ = 0;
    long blis_ = 0;
    int mkl_ = 0;
};

}  // namespace spinet
