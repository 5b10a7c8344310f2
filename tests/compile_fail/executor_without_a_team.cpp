// expect: spinet: this is no Executor
// SPDX-License-Identifier: BSD-3-Clause
/// An executor without a team.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>
#include <spinet/testing/archetypes.hpp>

namespace arch = spinet::testing::archetypes;

struct mine {
#ifdef CONTROL
    spinet::serial team() const { return {}; }
#endif
};

int main() {
    auto const best = spinet::anneal(arch::model(), arch::kernel{}, spinet::ladder({0.5, 1.0}), {}, mine{});
    return static_cast<int>(best.energy());
}
