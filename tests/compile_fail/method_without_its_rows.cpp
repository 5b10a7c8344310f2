// expect: spinet: the second argument of sample is no SamplingMethod
// SPDX-License-Identifier: BSD-3-Clause
/// A method that does not say how many rows a replica has.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>
#include <spinet/testing/archetypes.hpp>

namespace arch = spinet::testing::archetypes;

struct mine : arch::method {
    using arch::method::method;
#ifndef CONTROL
    std::size_t rows_per_replica() const = delete;
#endif
};

int main() {
    auto const run = spinet::sample(arch::model(), mine(spinet::ladder({1.0})),
                                    spinet::observables{spinet::energy{}}, {.replicas = 4, .sweeps = 10});
    return static_cast<int>(run.sites);
}
