// SPDX-License-Identifier: BSD-3-Clause
/// Archetypes of models without pair couplings, put through everything that takes any Model.
#include "archetype_runs.hpp"

TEST_CASE("archetypes of models go through everything that takes them", "[archetypes]") {
    every_model(arch::model());
    every_model(arch::multilinear_model());
    every_model(arch::incremental_model());
    every_model(arch::grouped_model());
}
