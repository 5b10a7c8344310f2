// SPDX-License-Identifier: BSD-3-Clause
/// Kernels on Ising spins that interact three and four at a time, against enumeration.
#include "small_models.hpp"
#include <spinet/model/p_spin.hpp>

using namespace spinet;

TEST_CASE("glauber and metropolis leave p-spin models in equilibrium") {
    // A flip costs N^(p-1) here: half of the samples.
    constexpr std::uint64_t samples = small_models::samples / 2;
    auto const three = random_ising_p_spin<float>(8, 3, p_spin_scale::auffinger_ben_arous_cerny, 4);
    small_models::require_invariance("3-spin", three, glauber{random_scan{}}, samples);
    small_models::require_invariance("3-spin", three, glauber{}, samples);
    small_models::require_invariance("3-spin", three, metropolis{}, samples);
    auto const four = random_ising_p_spin<float>(8, 4, p_spin_scale::auffinger_ben_arous_cerny, 4);
    small_models::require_invariance("4-spin", four, metropolis{random_scan{}}, samples);
}
