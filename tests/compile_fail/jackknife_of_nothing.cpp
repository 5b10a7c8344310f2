// expect: spinet: jackknife takes an estimate(left_out)
// SPDX-License-Identifier: BSD-3-Clause
/// An estimate that is no number.
#include <spinet/statistics/jackknife.hpp>

int main() {
    auto const estimate = [](std::size_t k) {
#ifdef CONTROL
        return static_cast<double>(k);
#else
        return k == 0 ? "none" : "some";
#endif
    };
    spinet::jackknife(4, estimate);
    return 0;
}
