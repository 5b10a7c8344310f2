// expect: spinet: what is measured has to be an Observable
// SPDX-License-Identifier: BSD-3-Clause
/// An observable that does not name its numbers.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>
#include <spinet/testing/archetypes.hpp>

namespace arch = spinet::testing::archetypes;

struct mine : arch::observable {
#ifndef CONTROL
    std::vector<std::string> components(std::span<spinet::spin_group const>) const = delete;
#endif
};

int main() {
    auto const run =
        spinet::sample(arch::model(), spinet::fixed_temperatures(arch::kernel{}, spinet::ladder({1.0})),
                       spinet::observables{mine{}}, {.replicas = 4, .sweeps = 10});
    return static_cast<int>(run.sites);
}
