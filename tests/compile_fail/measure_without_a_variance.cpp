// expect: spinet: this is no SpinMeasure
// SPDX-License-Identifier: BSD-3-Clause
/// A measure without a variance.
#include <spinet/model/factories.hpp>
#include <spinet/model/soft_spins.hpp>
#include <spinet/testing/archetypes.hpp>

namespace arch = spinet::testing::archetypes;

struct mine : arch::measure {
#ifndef CONTROL
    double variance() const = delete;
#endif
};

int main() {
    return static_cast<int>(spinet::soft_spins(spinet::sherrington_kirkpatrick(8, 1), mine{}).size());
}
