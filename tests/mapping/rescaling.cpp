// SPDX-License-Identifier: BSD-3-Clause
/// Rescaled networks compute the same and have other couplings; the balanced one is the same for all of them.
#include "../catch.hpp"
#include <spinet/mapping/rescaling.hpp>
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/mean_field/measured_variances.hpp>
#include <spinet/network/mlp.hpp>
#include <spinet/random/streams.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

/// The second layer has no biases.
network random_network(activation_kind hidden = activation_kind::relu) {
    std::vector<std::size_t> const sizes{6, 9, 5, 7, 3};
    std::vector<mlp_layer> layers;
    for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
        auto w = row_major_array<double, 2>::from_shape({sizes[l + 1], sizes[l]});
        auto b = xt::xtensor<double, 1>::from_shape({sizes[l + 1]});
        stream const draws(7, 0, static_cast<std::uint32_t>(l), purpose::couplings);
        for (std::size_t k = 0; k < w.size(); ++k) w.data()[k] = normal(draws, static_cast<std::uint32_t>(k));
        for (std::size_t k = 0; k < b.size(); ++k)
            b.data()[k] = normal(draws, static_cast<std::uint32_t>(1000 + k));
        if (l == 1)
            layers.emplace_back(w);
        else
            layers.emplace_back(w, b);
    }
    return mlp(layers, hidden, activation_kind::identity);
}

std::vector<double> output_of(network const& net, std::vector<double> x) {
    auto const chain = dense_chain(net);
    for (std::size_t l = 0; l < chain.size(); ++l) {
        auto const w = chain[l].weight.as<double, 2>();
        std::vector<double> y(w.shape()[0], 0.0);
        for (std::size_t i = 0; i < y.size(); ++i) {
            if (chain[l].bias) y[i] = chain[l].bias->as<double, 1>()(i);
            for (std::size_t j = 0; j < x.size(); ++j) y[i] += w(i, j) * x[j];
            if (l + 1 < chain.size()) y[i] = std::max(y[i], 0.0);
        }
        x = y;
    }
    return x;
}

void check_same_function(network const& a, network const& b) {
    for (std::uint32_t n = 0; n < 50; ++n) {
        std::vector<double> x;
        for (std::uint32_t k = 0; k < 6; ++k) x.push_back(normal(stream(9, 0, n, purpose::couplings), k));
        auto const one = output_of(a, x), other = output_of(b, x);
        for (std::size_t i = 0; i < one.size(); ++i) CHECK(other[i] == Catch::Approx(one[i]).epsilon(1e-10));
    }
}

double squares(network const& net) {
    double sum = 0;
    for (auto const& layer : dense_chain(net)) {
        for (double const w : layer.weight.as<double, 2>()) sum += w * w;
        if (layer.bias)
            for (double const b : layer.bias->as<double, 1>()) sum += b * b;
    }
    return sum;
}

double largest_difference(network const& a, network const& b) {
    auto const one = dense_chain(a), other = dense_chain(b);
    double most = 0;
    for (std::size_t l = 0; l < one.size(); ++l) {
        auto const u = one[l].weight.as<double, 2>(), v = other[l].weight.as<double, 2>();
        for (std::size_t k = 0; k < u.size(); ++k) most = std::max(most, std::abs(u.data()[k] - v.data()[k]));
        REQUIRE(one[l].bias.has_value() == other[l].bias.has_value());
    }
    return most;
}

}  // namespace

TEST_CASE("a rescaled network computes the same, by other couplings", "[rescaling]") {
    auto const net = random_network();
    auto const other = randomly_rescaled(net, 3);
    check_same_function(net, other);
    CHECK(largest_difference(net, other) > 0.5);
    CHECK(t_formula(to_spin_glass(other)) != Catch::Approx(t_formula(to_spin_glass(net))).epsilon(0.01));
    CHECK(other.notes().back() == "hidden neurons rescaled; the function is unchanged if they are ReLU");
    CHECK(largest_difference(randomly_rescaled(net, 3), other) == 0);
    CHECK(largest_difference(randomly_rescaled(net, 4), other) > 0.1);
    CHECK(largest_difference(randomly_rescaled(net, 4, 0.0), net) == 0);
}

TEST_CASE("factors are given by layer and neuron", "[rescaling]") {
    auto const net = mlp({mlp_layer(xt::xtensor<double, 2>{{1, 2}, {3, 4}}, xt::xtensor<double, 1>{5, 6}),
                          mlp_layer(xt::xtensor<double, 2>{{8, 9}}, xt::xtensor<double, 1>{7})},
                         activation_kind::relu, activation_kind::identity);
    auto const chain = dense_chain(rescaled(net, {{2, 0.5}}));
    CHECK((chain[0].weight.as<double, 2>() == xt::xtensor<double, 2>{{2, 4}, {1.5, 2}}));
    CHECK((chain[0].bias->as<double, 1>() == xt::xtensor<double, 1>{10, 3}));
    CHECK((chain[1].weight.as<double, 2>() == xt::xtensor<double, 2>{{4, 18}}));
    CHECK((chain[1].bias->as<double, 1>() == xt::xtensor<double, 1>{7}));
}

TEST_CASE("the balanced network is the same for all rescaled ones, and of the least norm", "[rescaling]") {
    auto const net = random_network();
    auto const least = balanced(net);
    check_same_function(net, least);
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        auto const other = randomly_rescaled(net, seed, 1.0);
        CHECK(largest_difference(balanced(other), least) < 1e-7);
        CHECK(squares(randomly_rescaled(least, seed, 0.1)) > squares(least));
    }
    CHECK(squares(least) < squares(net));
    auto const chain = dense_chain(least);
    for (std::size_t l = 0; l + 1 < chain.size(); ++l) {
        auto const w = chain[l].weight.as<double, 2>(), next = chain[l + 1].weight.as<double, 2>();
        for (std::size_t i = 0; i < w.shape()[0]; ++i) {
            double to = chain[l].bias ? std::pow(chain[l].bias->as<double, 1>()(i), 2) : 0.0, from = 0;
            for (std::size_t j = 0; j < w.shape()[1]; ++j) to += w(i, j) * w(i, j);
            for (std::size_t k = 0; k < next.shape()[0]; ++k) from += next(k, i) * next(k, i);
            CHECK(from == Catch::Approx(to).epsilon(1e-7));
        }
    }
}

TEST_CASE("a neuron that is dead on one side stays as it is", "[rescaling]") {
    auto const net = mlp({mlp_layer(xt::xtensor<double, 2>{{0, 0}, {3, 4}}, xt::xtensor<double, 1>{0, 0}),
                          mlp_layer(xt::xtensor<double, 2>{{8, 5}}, xt::xtensor<double, 1>{7})},
                         activation_kind::relu, activation_kind::identity);
    auto const chain = dense_chain(balanced(net));
    CHECK(chain[1].weight.as<double, 2>()(0, 0) == 8);
    CHECK(chain[0].weight.as<double, 2>()(1, 0) == Catch::Approx(3));
}

TEST_CASE("what cannot be rescaled is refused", "[rescaling]") {
    auto const refused = [](auto const& f, char const* text) {
        CHECK_THROWS_WITH(f(), ContainsSubstring(text));
    };
    auto const net = random_network();
    refused([&] { (void)balanced(random_network(activation_kind::tanh)); },
            "has the activation tanh; only with relu and identity");
    refused([&] { (void)rescaled(net, {{1.0}}); }, "factors for 1 layers, but there are hidden neurons in 3");
    refused([&] { (void)rescaled(net, {{1.0}, {1.0}, {1.0}}); }, "1 factors for layer 0 of 9 neurons");
    for (double const wrong : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()})
        refused(
            [&] {
                (void)rescaled(net, {std::vector<double>(9, 1.0), std::vector<double>(5, wrong),
                                     std::vector<double>(7, 1.0)});
            },
            "the factor of neuron 0 of layer 1 is not positive and finite");
    refused([&] { (void)randomly_rescaled(net, 1, -0.5); }, "the spread is negative");
}
