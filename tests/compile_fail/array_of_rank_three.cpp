// expect: spinet: a matrix is needed here, an array of rank 2
// SPDX-License-Identifier: BSD-3-Clause
/// The rank of an xtensor is known when it is compiled.
#include <spinet/model/dense_ising.hpp>

int main() {
#ifdef CONTROL
    xt::xtensor<double, 2> const couplings{{0, 1}, {1, 0}};
#else
    xt::xtensor<double, 3> const couplings{{{0, 1}, {1, 0}}};
#endif
    spinet::dense_ising const model(couplings);
}
