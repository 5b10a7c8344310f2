// expect: spinet: an exchange that sums spins out needs a kernel that sweeps whole colours
// SPDX-License-Identifier: BSD-3-Clause
/// A colour is summed out where all of its fields are up to date.
#include <spinet/ensemble/tempering.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>

int main() {
#ifdef CONTROL
    auto const kernel = spinet::glauber{};
#else
    auto const kernel = spinet::glauber{spinet::random_scan{}};
#endif
    auto const method = spinet::parallel_tempering(kernel, spinet::geometric_temperatures(0.5, 2.0, 4),
                                                   spinet::marginal_exchange{});
    auto const model = spinet::random_layered_glass<float>({3, 2}, {1.0}, 1);
    auto ensemble = method.make_ensemble(model, 4, 1);
    spinet::serial executor;
    ensemble.advance(executor, 0, 0, 1);
}
