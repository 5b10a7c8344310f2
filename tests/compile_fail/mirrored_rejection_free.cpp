// expect: spinet: mirrored takes glauber or metropolis
// SPDX-License-Identifier: BSD-3-Clause
/// Turning a replica behind the back of a kernel that remembers its rates.
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/mirrored.hpp>
#include <spinet/kernel/rejection_free.hpp>

int main() {
#ifdef CONTROL
    [[maybe_unused]] spinet::mirrored<spinet::glauber<>> const kernel;
#else
    [[maybe_unused]] spinet::mirrored<spinet::rejection_free<spinet::glauber<>>> const kernel;
#endif
}
