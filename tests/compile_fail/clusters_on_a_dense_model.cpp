// expect: spinet: isoenergetic_clusters needs a sparse model (SparseModel)
// SPDX-License-Identifier: BSD-3-Clause
/// Where nearly every pair is coupled a cluster is all that differs.
#include <spinet/ensemble/tempering.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>

int main() {
#ifdef CONTROL
    auto const model = spinet::edwards_anderson<float>({4, 4}, spinet::gaussian_bonds{}, 1);
#else
    auto const model = spinet::sherrington_kirkpatrick<float>(16, 1);
#endif
    auto const method =
        spinet::parallel_tempering(spinet::glauber{}, spinet::geometric_temperatures(0.5, 2.0, 4),
                                   spinet::energy_exchange{}, spinet::isoenergetic_clusters{});
    auto ensemble = method.make_ensemble(model, 4, 1);
    spinet::serial executor;
    ensemble.advance(executor, 0, 0, 1);
}
