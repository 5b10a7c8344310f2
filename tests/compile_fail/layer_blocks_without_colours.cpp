// expect: spinet: layer_blocks needs a model with colours
// SPDX-License-Identifier: BSD-3-Clause
/// A block update needs a model that knows its independent sets.
#include <spinet/kernel/glauber.hpp>

struct free_spins {
    using spin_type = float;
    [[nodiscard]] std::size_t size() const { return 4; }
    [[nodiscard]] double energy(std::span<float const>) const { return 0; }
    [[nodiscard]] double energy_change(std::span<float const>, std::size_t, float) const { return 0; }
};

int main() {
#ifdef CONTROL
    auto const kernel = spinet::glauber{spinet::random_scan{}};
#else
    auto const kernel = spinet::glauber{spinet::layer_blocks{}};
#endif
    auto rows = kernel.make_state(free_spins{}, 1);
    double const beta = 1;
    kernel.prepare(free_spins{}, rows);
    kernel.sweep(free_spins{}, rows, {&beta, 1}, {});
}
