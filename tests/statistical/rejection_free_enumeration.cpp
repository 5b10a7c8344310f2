// SPDX-License-Identifier: BSD-3-Clause
/// rejection_free on every kind of model, and where costs are 40 temperatures, against enumeration.
#include "small_models.hpp"
#include <spinet/kernel/rejection_free.hpp>

using namespace spinet;

namespace {

template <class M>
void require_invariance_of_both(std::string const& name, M const& model) {
    small_models::require_invariance(name, model, rejection_free{}, small_models::samples);
    small_models::require_invariance(name, model, rejection_free{glauber{}}, small_models::samples);
}

}  // namespace

TEST_CASE("rejection-free sweeps leave networks in equilibrium") {
    require_invariance_of_both("layered", small_models::layered());
    require_invariance_of_both("isolated spin", small_models::with_isolated_spin());
}

TEST_CASE("rejection-free sweeps leave dense and sparse models in equilibrium") {
    require_invariance_of_both("dense", small_models::dense());
    require_invariance_of_both("graph", small_models::graph());
}

TEST_CASE("rejection-free sweeps leave a model in equilibrium whose costs are 40 temperatures, or one") {
    // A stiff chain of four spins, 2 J / T = 40 and more, with four soft ones around it.
    sparse_ising<float> const model(8,
                                    {{0, 1, 2.0f},
                                     {1, 2, -2.0f},
                                     {2, 3, 2.5f},
                                     {0, 4, 0.05f},
                                     {1, 5, -0.1f},
                                     {2, 6, 0.15f},
                                     {4, 7, 0.05f}},
                                    {0.03f, 0, 0, 0, 0.02f, 0, 0.05f, 0});
    ladder const cold({0.1, 0.2});
    auto const check = [&](auto const& kernel) {
        auto const fits =
            spinet::testing::fit_each_move(model, kernel, energy_exchange{}, cold, small_models::samples, 4);
        for (auto const* after : {&fits.swept, &fits.exchanged})
            for (auto const& found : *after) {
                CAPTURE(kernel.name(), found.chi_square, found.degrees_of_freedom);
                CHECK(found.p_value > small_models::threshold);
                CHECK(found.degrees_of_freedom > 20);
            }
    };
    check(rejection_free{});
    check(rejection_free{glauber{}});
}
