// expect: this observable was not among the observables{...} of the run
// SPDX-License-Identifier: BSD-3-Clause
/// An estimate from an observable that was never measured.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>
#include <spinet/statistics/estimates.hpp>

int main() {
    auto const model = spinet::random_layered_glass({4, 3}, {0.1}, 1);
    auto const method = spinet::fixed_temperatures(spinet::glauber{}, spinet::ladder({1.0}));
    auto const run = spinet::sample(model, method, spinet::observables{spinet::energy{}}, {});
#ifdef CONTROL
    return static_cast<int>(spinet::mean_energy(run).size());
#else
    return static_cast<int>(spinet::mean_abs_overlap(run).size());
#endif
}
