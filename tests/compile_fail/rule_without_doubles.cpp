// expect: spinet: this is no AcceptanceRule
// SPDX-License-Identifier: BSD-3-Clause
/// A rule for float alone.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>
#include <spinet/testing/archetypes.hpp>

namespace arch = spinet::testing::archetypes;

struct mine : arch::rule {
#ifndef CONTROL
    static spinet::probability_ratio<float> flip_ratio(float, spinet::zero_cost);
#endif
};

int main() {
    auto const run =
        spinet::sample(arch::model(),
                       spinet::fixed_temperatures(spinet::site_kernel<mine, spinet::sequential_scan>{},
                                                  spinet::ladder({1.0})),
                       spinet::observables{spinet::energy{}}, {.replicas = 4, .sweeps = 10});
    return static_cast<int>(run.sites);
}
