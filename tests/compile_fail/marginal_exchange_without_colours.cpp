// expect: spinet: an exchange policy has name() and log_ratio
// expect: marginal_exchange needs a model with colours
// SPDX-License-Identifier: BSD-3-Clause
/// Without colours there is nothing to sum out.
#include <spinet/ensemble/tempering.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>

int main() {
#ifdef CONTROL
    auto const exchange = spinet::energy_exchange{};
#else
    auto const exchange = spinet::marginal_exchange{};
#endif
    auto const method =
        spinet::parallel_tempering(spinet::glauber{}, spinet::geometric_temperatures(0.5, 2.0, 4), exchange);
    (void)method.make_ensemble(spinet::sherrington_kirkpatrick<float>(8, 1), 4, 1);
}
