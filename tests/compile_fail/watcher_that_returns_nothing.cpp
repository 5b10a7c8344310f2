// expect: must be a callback, bool(spinet::progress const&), or a std::stop_token
// SPDX-License-Identifier: BSD-3-Clause
/// A callback that does not say whether to go on.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>

int main() {
    auto const model = spinet::random_layered_glass({4, 3}, {0.1}, 1);
    auto const method = spinet::fixed_temperatures(spinet::glauber{}, spinet::ladder({1.0}));
#ifdef CONTROL
    auto const watch = [](spinet::progress const&) { return true; };
#else
    auto const watch = [](spinet::progress const&) {};
#endif
    auto const run =
        spinet::sample(model, method, spinet::observables{spinet::energy{}}, {}, spinet::serial{}, watch);
    return run.complete() ? 0 : 1;
}
