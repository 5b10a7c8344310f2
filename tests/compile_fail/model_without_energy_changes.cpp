// expect: spinet: the first argument of sample is no Model
// SPDX-License-Identifier: BSD-3-Clause
/// A model that does not say what a flip costs.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>
#include <spinet/testing/archetypes.hpp>

namespace arch = spinet::testing::archetypes;

struct mine : arch::model {
#ifndef CONTROL
    double energy_change(std::span<float const>, std::size_t, float) const = delete;
#endif
};

int main() {
    auto const run = spinet::sample(mine(), spinet::fixed_temperatures(arch::kernel{}, spinet::ladder({1.0})),
                                    spinet::observables{spinet::energy{}}, {.replicas = 4, .sweeps = 10});
    return static_cast<int>(run.sites);
}
