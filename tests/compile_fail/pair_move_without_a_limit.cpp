// expect: spinet: a pair move has name(), highest()
// SPDX-License-Identifier: BSD-3-Clause
/// A pair move that does not say up to which temperature it is made.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>
#include <spinet/testing/archetypes.hpp>

namespace arch = spinet::testing::archetypes;

struct mine : arch::pair_move {
#ifndef CONTROL
    double highest() const = delete;
#endif
};

int main() {
    auto const run = spinet::sample(
        arch::model(),
        spinet::parallel_tempering(arch::kernel{}, spinet::ladder({1.0}), spinet::energy_exchange{}, mine{}),
        spinet::observables{spinet::energy{}}, {.replicas = 8, .sweeps = 10});
    return static_cast<int>(run.sites);
}
