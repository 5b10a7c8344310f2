// expect: spinet: this needs a PairModel
// SPDX-License-Identifier: BSD-3-Clause
/// A model that shows its couplings and not its fields.
#include <spinet/ensemble/suggested_temperatures.hpp>
#include <spinet/testing/archetypes.hpp>

namespace arch = spinet::testing::archetypes;

struct mine : arch::pair_model {
#ifndef CONTROL
    std::span<float const> external_fields() const = delete;
#endif
};

int main() { return static_cast<int>(spinet::suggested_temperatures(mine()).size()); }
