// expect: spinet: wolff needs a model with few couplings to a spin (SparseModel)
// expect: clusters percolate
// SPDX-License-Identifier: BSD-3-Clause
/// The same of a network, in a run.
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/wolff.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>

int main() {
    auto const model = spinet::random_layered_glass({4, 3}, {0.1}, 1);
#ifdef CONTROL
    spinet::glauber const kernel;
#else
    spinet::wolff const kernel{spinet::glauber{}};
#endif
    auto const run = spinet::sample(model, spinet::fixed_temperatures(kernel, spinet::ladder({1.0})),
                                    spinet::observables{spinet::energy{}}, {});
    return run.complete() ? 0 : 1;
}
