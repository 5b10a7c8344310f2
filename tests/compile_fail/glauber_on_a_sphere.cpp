// expect: spinet: single spins cannot move on a sphere; take langevin{}
// SPDX-License-Identifier: BSD-3-Clause
/// A single spin cannot change while the length of the state stays.
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/langevin.hpp>
#include <spinet/model/p_spin.hpp>

int main() {
#ifdef CONTROL
    spinet::langevin const kernel;
#else
    spinet::glauber const kernel;
#endif
    (void)kernel.make_state(spinet::random_spherical_p_spin(8, 3, spinet::p_spin_scale::crisanti_sommers, 1),
                            4);
}
