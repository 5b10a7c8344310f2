// expect: spinet: this is an acceptance rule, not a kernel
// SPDX-License-Identifier: BSD-3-Clause
/// A rule where a kernel is wanted.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>
#include <spinet/testing/archetypes.hpp>

#ifdef CONTROL
using kernel = spinet::site_kernel<spinet::heat_bath_rule, spinet::natural_scan>;
#else
using kernel = spinet::heat_bath_rule;
#endif

int main() {
    auto const run = spinet::sample(spinet::sherrington_kirkpatrick(8, 1),
                                    spinet::fixed_temperatures(kernel{}, spinet::ladder({1.0})),
                                    spinet::observables{spinet::energy{}}, {.replicas = 4, .sweeps = 10});
    return static_cast<int>(run.sites);
}
