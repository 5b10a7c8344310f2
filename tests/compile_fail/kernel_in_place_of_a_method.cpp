// expect: spinet: the second argument of sample must be a method
// SPDX-License-Identifier: BSD-3-Clause
/// A kernel where a method is wanted.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>
#include <spinet/testing/archetypes.hpp>

int main() {
#ifdef CONTROL
    auto const method = spinet::fixed_temperatures(spinet::glauber{}, spinet::ladder({1.0}));
#else
    auto const method = spinet::glauber{};
#endif
    auto const run = spinet::sample(spinet::sherrington_kirkpatrick(8, 1), method,
                                    spinet::observables{spinet::energy{}}, {.replicas = 4, .sweeps = 10});
    return static_cast<int>(run.sites);
}
