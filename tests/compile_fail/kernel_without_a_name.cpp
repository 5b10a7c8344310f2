// expect: spinet: this is no Kernel for this model
// SPDX-License-Identifier: BSD-3-Clause
/// A kernel without a name.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>
#include <spinet/testing/archetypes.hpp>

namespace arch = spinet::testing::archetypes;

struct mine : arch::kernel {
#ifndef CONTROL
    std::string name() const = delete;
#endif
};

int main() {
    auto const best = spinet::anneal(arch::model(), mine{}, spinet::ladder({0.5, 1.0}));
    return static_cast<int>(best.energy());
}
