// expect: spinet: spins are float or double; write dense_ising(couplings), for example: integer couplings are
// taken as float SPDX-License-Identifier: BSD-3-Clause
/// Couplings may be integers; spins may not.
#include <spinet/model/dense_ising.hpp>

int main() {
    xt::xtensor<int, 2> const couplings{{0, 1}, {1, 0}};
#ifdef CONTROL
    spinet::dense_ising<float> const model(couplings);
#else
    spinet::dense_ising<int> const model(couplings);
#endif
}
