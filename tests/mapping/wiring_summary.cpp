// SPDX-License-Identifier: BSD-3-Clause
/// What is printed of a network before its glass is built.
#include "../catch.hpp"
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/mapping/wiring_summary.hpp>
#include <spinet/network/network.hpp>

#include <cmath>
#include <cstddef>

using namespace spinet;

TEST_CASE("the deviation of a convolution is that of its kernel", "[wiring_summary]") {
    // 1 -> 2 channels, 3 taps each: 1 2 3 and 4 5 6, mean 3.5 and variance (6^2 - 1) / 12, however many zeros
    // the unrolled matrix has. A dense layer of the same numbers has the same.
    xt::xtensor<float, 3> const kernel{{{1, 2, 3}}, {{4, 5, 6}}};
    double const expected = std::sqrt(35.0 / 12);
    for (std::size_t const length : {3u, 10u, 40u}) {
        network net;
        net.add({"x", input{length, {1, length}}, {}});
        net.add({"conv", convolution{tensor(kernel)}, {"x"}});
        auto const wires = twin_hopfield{}.wire(net).wires;
        auto const found = summary_of(wires, outlier_modes(wires));
        REQUIRE(found.layers.size() == 1);
        CAPTURE(length);
        CHECK(found.layers[0].deviation == Approx(expected).epsilon(1e-6));
    }
    xt::xtensor<float, 2> const matrix{{1, 2, 3}, {4, 5, 6}};
    network net;
    net.add({"x", input{3, {3}}, {}});
    net.add({"fc", dense{tensor(matrix)}, {"x"}});
    auto const wires = twin_hopfield{}.wire(net).wires;
    CHECK(summary_of(wires, outlier_modes(wires)).layers[0].deviation == Approx(expected).epsilon(1e-6));
}
