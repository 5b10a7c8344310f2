// expect: spinet: metropolis turns spins round; take glauber{} for spins in [-1, 1]
// SPDX-License-Identifier: BSD-3-Clause
/// There is no other value to propose where a spin may have any.
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/soft_spins.hpp>

int main() {
#ifdef CONTROL
    spinet::glauber const kernel;
#else
    spinet::metropolis const kernel;
#endif
    (void)kernel.make_state(spinet::soft_spins(spinet::sherrington_kirkpatrick<float>(16, 1)), 4);
}
