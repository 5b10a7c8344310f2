// expect: spinet: what is measured has to be an Observable
// SPDX-License-Identifier: BSD-3-Clause
/// An observable whose unit does not say how many there are.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>
#include <spinet/testing/archetypes.hpp>

namespace arch = spinet::testing::archetypes;

struct unit_of_mine : arch::unit {
#ifndef CONTROL
    static std::size_t count(std::size_t) = delete;
#endif
};
struct mine : arch::observable {
    using unit = unit_of_mine;
};

int main() {
    auto const run =
        spinet::sample(arch::model(), spinet::fixed_temperatures(arch::kernel{}, spinet::ladder({1.0})),
                       spinet::observables{mine{}}, {.replicas = 4, .sweeps = 10});
    return static_cast<int>(run.sites);
}
