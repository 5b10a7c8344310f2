// expect: spinet: wolff needs a model with few couplings to a spin (SparseModel)
// expect: clusters percolate
// SPDX-License-Identifier: BSD-3-Clause
/// Clusters of a dense model hold nearly all spins.
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/wolff.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>

int main() {
#ifdef CONTROL
    auto const model = spinet::ising_lattice({4, 4});
#else
    auto const model = spinet::sherrington_kirkpatrick(16, 1);
#endif
    auto const kernel = spinet::wolff{spinet::glauber{}, {.clusters = 2}};
    auto rows = kernel.make_state(model, 1);
    double const beta = 1;
    kernel.prepare(model, rows);
    kernel.sweep(model, rows, {&beta, 1}, {});
}
