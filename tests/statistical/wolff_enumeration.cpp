// SPDX-License-Identifier: BSD-3-Clause
/// Cluster moves around every kind of kernel for sparse models, against enumeration.
#include "small_models.hpp"
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/kernel/rejection_free.hpp>
#include <spinet/kernel/wolff.hpp>

using namespace spinet;

TEST_CASE("cluster moves leave a graph with fields in equilibrium") {
    auto const model = small_models::graph();
    small_models::require_invariance("graph", model, wolff{glauber{}, {.clusters = 3}});
    small_models::require_invariance("graph", model, wolff{metropolis{random_scan{}}});
    small_models::require_invariance("graph", model, wolff{rejection_free{}}, small_models::samples);
}

TEST_CASE("cluster moves leave a graph of +J and -J in equilibrium") {
    auto const model = small_models::plus_minus_graph();
    small_models::require_invariance("+-J graph", model, wolff{glauber{}, {.clusters = 3}});
    small_models::require_invariance("+-J graph", model, wolff{multi_spin{}, {.clusters = 2}},
                                     small_models::samples);
}
