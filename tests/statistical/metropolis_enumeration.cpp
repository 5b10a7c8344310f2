// SPDX-License-Identifier: BSD-3-Clause
/// metropolis in every scan, alone and under parallel tempering, against enumeration.
#include "small_models.hpp"

using namespace spinet;

TEST_CASE("metropolis leaves a layered network with fields in equilibrium") {
    auto const model = small_models::layered();
    small_models::require_invariance("layered", model, metropolis{random_scan{}});
    small_models::require_invariance("layered", model, metropolis{sequential_scan{}});
    small_models::require_invariance("layered", model, metropolis{layer_blocks{}});
}

TEST_CASE("metropolis leaves a network with an isolated, field-free spin in equilibrium") {
    auto const model = small_models::with_isolated_spin();
    small_models::require_invariance("isolated spin", model, metropolis{random_scan{}});
    small_models::require_invariance("isolated spin", model, metropolis{sequential_scan{}});
    small_models::require_invariance("isolated spin", model, metropolis{layer_blocks{}});
}

TEST_CASE("metropolis and exchanges that sum out a colour leave a network in equilibrium") {
    small_models::require_invariance("isolated spin", small_models::with_isolated_spin(), metropolis{},
                                     small_models::samples, marginal_exchange{});
    small_models::require_invariance("three colours", small_models::three_colours(), metropolis{},
                                     small_models::samples, marginal_exchange{});
    small_models::require_invariance("wide", small_models::wide_in_the_middle(), metropolis{},
                                     small_models::samples, marginal_exchange{});
}

TEST_CASE("metropolis leaves a dense model with fields in equilibrium") {
    auto const model = small_models::dense();
    small_models::require_invariance("dense", model, metropolis{random_scan{}});
    small_models::require_invariance("dense", model, metropolis{sequential_scan{}});
}

TEST_CASE("metropolis leaves a model that knows nothing but its energy in equilibrium") {
    // The slow path of the same kernels: half of the samples.
    small_models::plain const model;
    small_models::require_invariance("plain", model, metropolis{random_scan{}}, small_models::samples / 2);
    small_models::require_invariance("plain", model, metropolis{sequential_scan{}},
                                     small_models::samples / 2);
}

TEST_CASE("metropolis leaves windows over feature maps in equilibrium") {
    auto const model = small_models::windows();
    small_models::require_invariance("windows", model, metropolis{sequential_scan{}});
    small_models::require_invariance("windows", model, metropolis{layer_blocks{}});
}
