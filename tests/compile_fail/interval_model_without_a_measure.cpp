// expect: spinet: a model of spins in [-1, 1] needs measure()
// SPDX-License-Identifier: BSD-3-Clause
/// Spins in [-1, 1] by no measure.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>
#include <spinet/testing/archetypes.hpp>

namespace arch = spinet::testing::archetypes;

struct mine : arch::pair_model {
    static constexpr spinet::spin_space space = spinet::spin_space::interval;
#ifdef CONTROL
    arch::measure measure() const { return {}; }
#endif
};

int main() {
    auto const run =
        spinet::sample(mine(), spinet::fixed_temperatures(spinet::glauber{}, spinet::ladder({1.0})),
                       spinet::observables{spinet::energy{}}, {.replicas = 4, .sweeps = 10});
    return static_cast<int>(run.sites);
}
