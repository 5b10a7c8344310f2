// expect: layer_blocks needs a model with colours
// SPDX-License-Identifier: BSD-3-Clause
/// A scan by layers of a model without layers.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>

#include <vector>

int main() {
#ifdef CONTROL
    auto const model = spinet::random_layered_glass({4, 3}, {0.1}, 1);
#else
    auto const model = spinet::sherrington_kirkpatrick(7, 1);
#endif
    spinet::glauber const kernel{spinet::layer_blocks{}};
    auto state = kernel.make_state(model, 1);
    kernel.sweep(model, state, std::vector<double>{1.0}, {});
}
