// expect: spinet: bootstrap takes an estimate(chosen)
// SPDX-License-Identifier: BSD-3-Clause
/// An estimate that leaves a unit out, where chosen units are given.
#include <spinet/statistics/bootstrap.hpp>

int main() {
#ifdef CONTROL
    auto const estimate = [](std::span<std::size_t const> chosen) { return static_cast<double>(chosen[0]); };
#else
    auto const estimate = [](std::size_t left_out) { return static_cast<double>(left_out); };
#endif
    return spinet::bootstrap(4, estimate).value > 0 ? 0 : 1;
}
