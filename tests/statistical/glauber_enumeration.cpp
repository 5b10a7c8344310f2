// SPDX-License-Identifier: BSD-3-Clause
/// glauber in every scan, alone and under parallel tempering, against enumeration.
#include "small_models.hpp"

using namespace spinet;

TEST_CASE("glauber leaves a layered network with fields in equilibrium") {
    auto const model = small_models::layered();
    small_models::require_invariance("layered", model, glauber{random_scan{}});
    small_models::require_invariance("layered", model, glauber{sequential_scan{}});
    small_models::require_invariance("layered", model, glauber{layer_blocks{}});
}

TEST_CASE("glauber leaves a network with an isolated, field-free spin in equilibrium") {
    auto const model = small_models::with_isolated_spin();
    small_models::require_invariance("isolated spin", model, glauber{random_scan{}});
    small_models::require_invariance("isolated spin", model, glauber{sequential_scan{}});
    small_models::require_invariance("isolated spin", model, glauber{layer_blocks{}});
}

TEST_CASE("glauber and exchanges that sum out a colour leave a network in equilibrium") {
    small_models::require_invariance("isolated spin", small_models::with_isolated_spin(), glauber{},
                                     small_models::samples, marginal_exchange{});
    small_models::require_invariance("three colours", small_models::three_colours(), glauber{},
                                     small_models::samples, marginal_exchange{});
    small_models::require_invariance("wide", small_models::wide_in_the_middle(), glauber{},
                                     small_models::samples, marginal_exchange{});
}

TEST_CASE("glauber leaves a dense model with fields in equilibrium") {
    auto const model = small_models::dense();
    small_models::require_invariance("dense", model, glauber{random_scan{}});
    small_models::require_invariance("dense", model, glauber{sequential_scan{}});
}

TEST_CASE("glauber leaves a model that knows nothing but its energy in equilibrium") {
    // The slow path of the same kernels: half of the samples.
    small_models::plain const model;
    small_models::require_invariance("plain", model, glauber{random_scan{}}, small_models::samples / 2);
    small_models::require_invariance("plain", model, glauber{sequential_scan{}}, small_models::samples / 2);
}

TEST_CASE("glauber leaves windows over feature maps in equilibrium") {
    auto const model = small_models::windows();
    small_models::require_invariance("windows", model, glauber{sequential_scan{}});
    small_models::require_invariance("windows", model, glauber{layer_blocks{}});
}
