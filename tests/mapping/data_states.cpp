// SPDX-License-Identifier: BSD-3-Clause
/// States from data: signs of pre-activations, by hand and with every activation.
#include "../catch.hpp"
#include <spinet/mapping/data_states.hpp>
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/network/mlp.hpp>

#include <limits>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("states from data are signs of pre-activations, layer by layer", "[mapping]") {
    // z1 = (x1 - x2, x2 - x1 - 1), a1 = f(z1), z2 = a1_1 - 2 a1_2 - 0.25.
    xt::xtensor<double, 2> const first{{1, -1}, {-1, 1}}, second{{1, -2}};
    xt::xtensor<double, 1> const b1{0, -1}, b2{-0.25};
    auto const net = mlp({{first, b1}, {second, b2}}, activation_kind::relu);
    xt::xtensor<double, 2> const samples{{1, 0}, {0, 1}, {0.5, 0.5}};
    auto const states = data_states(net, samples);
    xt::xtensor<float, 2> const expected{{1, -1, 1, -1, 1}, {-1, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}};
    CHECK(states == expected);
    CHECK(states.shape()[1] == to_spin_glass(net).size());
    // Without the activation z2 of the first sample is 1 - 2 (-2) - 0.25 > 0, of the second -1 - 2 (0) - 0.25
    // < 0, of the third 0 - 2 (-1) - 0.25 > 0.
    auto const linear = mlp({{first, b1}, {second, b2}}, activation_kind::identity);
    CHECK(data_states(linear, samples)(2, 4) == 1.0f);
}

TEST_CASE("every activation has the sign and size of its formula", "[mapping]") {
    auto const at = [](activation_kind kind, double x) {
        std::vector<double> values{x, 0.5};
        detail::activate(kind, values);
        return values[0];
    };
    using enum activation_kind;
    CHECK(at(identity, -2) == -2);
    CHECK(at(relu, -2) == 0);
    CHECK(at(gelu, 1) == Catch::Approx(0.8413447460685429));
    CHECK(at(silu, 1) == Catch::Approx(0.7310585786300049));
    CHECK(at(tanh, 1) == Catch::Approx(0.7615941559557649));
    CHECK(at(sigmoid, 1) == Catch::Approx(0.7310585786300049));
    CHECK(at(softplus, 1) == Catch::Approx(1.3132616875182228));
    CHECK(at(softplus, 800) == 800);
    CHECK(at(softmax, 0.5) == 0.5);
    CHECK(at(log_softmax, 0.5) == Catch::Approx(-0.6931471805599453));
    CHECK_THROWS_AS(at(unspecified, 1), error);
}

TEST_CASE("states from data refuse what is none of the network's", "[mapping]") {
    xt::xtensor<double, 2> const weight{{1, -1}};
    auto const net = mlp({weight}, activation_kind::relu);
    CHECK_THROWS_WITH(data_states(net, xt::xtensor<double, 2>{{1, 2, 3}}),
                      ContainsSubstring("samples of 3 numbers for a network of 2"));
    CHECK_THROWS_WITH(data_states(net, xt::xtensor<double, 2>{{1, std::numeric_limits<double>::quiet_NaN()}}),
                      ContainsSubstring("number 1 of sample 0"));
    CHECK_THROWS_WITH(data_states(net, xt::xtensor<double, 2>(std::array<std::size_t, 2>{0, 2})),
                      ContainsSubstring("no samples"));
}
