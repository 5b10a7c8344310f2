// SPDX-License-Identifier: BSD-3-Clause
/// A user's program: everything it includes comes from the package.
#include <spinet/readers/load.hpp>
#include <spinet/spinet.hpp>

#include <cstdio>

int main() {
    try {
        (void)spinet::load_network("no such file.safetensors");
        return 1;
    } catch (spinet::error const& refused) {
        std::printf("spinet %s refuses: %s\n", spinet::version, refused.what());
    }
    xt::xtensor<float, 2> first({6, 8}), second({4, 6});
    first.fill(0.5f);
    second.fill(-0.5f);
    auto const glass = spinet::to_spin_glass(spinet::mlp({first, second}, spinet::activation_kind::relu));
    auto const method =
        spinet::parallel_tempering(spinet::glauber{}, spinet::geometric_temperatures(1.0, 8.0, 4));
    auto const run = spinet::sample(glass, method, spinet::observables{spinet::energy{}, spinet::overlap{}},
                                    spinet::run_plan{.replicas = 6, .warmup = 50, .sweeps = 500});
    for (auto const& point : spinet::mean_abs_overlap(run))
        std::printf("%g %g %g\n", point.temperature, point.value, point.error);
    return run.complete() ? 0 : 1;
}
