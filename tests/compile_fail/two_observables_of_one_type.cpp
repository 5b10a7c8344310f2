// expect: two observables of one type share a recorder
// SPDX-License-Identifier: BSD-3-Clause
/// The second would be recorded in the place of the first.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/observable/overlap.hpp>
#include <spinet/sample.hpp>

int main() {
    auto const model = spinet::random_layered_glass({4, 3}, {0.1}, 1);
    auto const method = spinet::fixed_temperatures(spinet::glauber{}, spinet::ladder({1.0}));
#ifdef CONTROL
    spinet::observables const measured{spinet::energy{}, spinet::overlap{}};
#else
    spinet::observables const measured{spinet::energy{}, spinet::energy{}};
#endif
    auto const run = spinet::sample(model, method, measured, {});
    return run.complete() ? 0 : 1;
}
