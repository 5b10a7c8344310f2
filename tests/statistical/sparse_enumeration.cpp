// SPDX-License-Identifier: BSD-3-Clause
/// Sparse models: sixteen rows side by side in every scan, and multi-spin coding, against enumeration.
#include "small_models.hpp"
#include <spinet/kernel/multi_spin.hpp>

using namespace spinet;

TEST_CASE("kernels leave a graph with fields in equilibrium") {
    auto const model = small_models::graph();
    small_models::require_invariance("graph", model, glauber{random_scan{}});
    small_models::require_invariance("graph", model, glauber{sequential_scan{}});
    small_models::require_invariance("graph", model, metropolis{random_scan{}});
    small_models::require_invariance("graph", model, metropolis{sequential_scan{}});
}

TEST_CASE("multi-spin coding leaves a graph of +J and -J in equilibrium") {
    auto const model = small_models::plus_minus_graph();
    small_models::require_invariance("+-J graph", model, multi_spin{});
    small_models::require_invariance("+-J graph", model, multi_spin{glauber{}});
}
