// SPDX-License-Identifier: BSD-3-Clause
/// Null models: what a shuffle keeps, what it mixes, and the variance of weights drawn anew.
#include "../catch.hpp"
#include <spinet/mapping/null_models.hpp>
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/network/mlp.hpp>
#include <spinet/statistics/distributions.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Weights that say where they come from: layer l, place k is 1000 l + k.
network labelled() {
    std::vector<mlp_layer> layers;
    std::vector<std::size_t> const sizes{20, 15, 10, 4};
    for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
        auto w = row_major_array<double, 2>::from_shape({sizes[l + 1], sizes[l]});
        for (std::size_t k = 0; k < w.size(); ++k)
            w.data()[k] = 1000.0 * static_cast<double>(l) + static_cast<double>(k);
        auto b = xt::xtensor<double, 1>::from_shape({sizes[l + 1]});
        for (std::size_t i = 0; i < b.size(); ++i) b(i) = -1.0 - static_cast<double>(10 * l + i);
        if (l == 1)
            layers.emplace_back(w);  // a layer without biases
        else
            layers.emplace_back(w, b);
    }
    auto net = mlp(layers, activation_kind::tanh, activation_kind::softmax);
    net.add_note("an earlier note");
    return net;
}

std::vector<std::vector<double>> weights_of(network const& net) {
    std::vector<std::vector<double>> all;
    for (auto const& layer : dense_chain(net)) {
        auto const w = layer.weight.as<double, 2>();
        all.emplace_back(w.begin(), w.end());
    }
    return all;
}

std::vector<double> sorted(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values;
}

std::vector<double> together(std::vector<std::vector<double>> const& layers) {
    std::vector<double> all;
    for (auto const& layer : layers) all.insert(all.end(), layer.begin(), layer.end());
    return all;
}

/// Names, shapes, biases, activations, notes and source are as they were, but for one more note.
void check_rest(network const& made, network const& original, std::string const& note) {
    auto const a = dense_chain(made), b = dense_chain(original);
    REQUIRE(a.size() == b.size());
    for (std::size_t l = 0; l < a.size(); ++l) {
        CHECK(a[l].name == b[l].name);
        CHECK(a[l].weight.name() == b[l].weight.name());
        CHECK(a[l].weight.shape() == b[l].weight.shape());
        CHECK(a[l].activation == b[l].activation);
        REQUIRE(a[l].bias.has_value() == b[l].bias.has_value());
        if (a[l].bias) CHECK((a[l].bias->as<double, 1>() == b[l].bias->as<double, 1>()));
    }
    CHECK(made.source() == original.source());
    REQUIRE(made.notes().size() == original.notes().size() + 1);
    for (std::size_t k = 0; k < original.notes().size(); ++k) CHECK(made.notes()[k] == original.notes()[k]);
    CHECK_THAT(made.notes().back(), ContainsSubstring(note) && ContainsSubstring("discarded"));
}

}  // namespace

TEST_CASE("shuffled within layers: every layer keeps its weights, in other places", "[mapping]") {
    auto const net = labelled();
    auto const before = weights_of(net), after = weights_of(shuffled(net));
    for (std::size_t l = 0; l < 3; ++l) {
        CHECK(sorted(after[l]) == before[l]);
        // A weight stays with probability 1 / n, so about one does: more than 8 in 1 of 10^6 seeds.
        std::size_t stayed = 0;
        for (std::size_t k = 0; k < before[l].size(); ++k) stayed += before[l][k] == after[l][k] ? 1 : 0;
        CHECK(stayed <= 8);
    }
    // The layers are shuffled differently: equal shapes would else keep their correlations.
    auto w = row_major_array<double, 2>::from_shape({20, 20});
    for (std::size_t k = 0; k < w.size(); ++k) w.data()[k] = static_cast<double>(k);
    auto const twins = weights_of(shuffled(mlp({w, w})));
    CHECK(twins[0] != twins[1]);
    check_rest(shuffled(net), net, "null model: weights shuffled within each layer, seed 1");
}

TEST_CASE("shuffled across layers: the network keeps its weights, the layers mix", "[mapping]") {
    auto const net = labelled();
    auto const before = weights_of(net), after = weights_of(shuffled(net, shuffle::across_layers, 5));
    CHECK(sorted(together(after)) == sorted(together(before)));
    // Layer 0 gets 300 of 490 weights, of its own a hypergeometric number: mean 183.7, standard
    // deviation 8.4.
    auto const own = std::count_if(after[0].begin(), after[0].end(), [](double x) { return x < 1000; });
    CHECK(std::abs(static_cast<double>(own) - 183.67) < 5 * 8.44);  // 1 of 10^6 seeds
    for (std::size_t l = 0; l < 3; ++l) CHECK(sorted(after[l]) != before[l]);
    check_rest(shuffled(net, shuffle::across_layers, 5), net,
               "null model: weights shuffled across all layers, seed 5");
}

TEST_CASE("every order of a shuffle is as likely", "[mapping]") {
    // 3 weights, 6 orders, 6000 seeds.
    auto w = row_major_array<double, 2>::from_shape({1, 3});
    w(0, 0) = 0, w(0, 1) = 1, w(0, 2) = 2;
    auto const net = mlp({w});
    std::vector<double> counts(9, 0.0);
    for (std::uint64_t seed = 0; seed < 6000; ++seed) {
        auto const after = weights_of(shuffled(net, shuffle::within_layers, seed))[0];
        counts[static_cast<std::size_t>(3 * after[0] + after[1])] += 1;
    }
    double chi_square = 0;
    for (std::size_t k : {1u, 2u, 3u, 5u, 6u, 7u})
        chi_square += (counts[k] - 1000) * (counts[k] - 1000) / 1000;
    CHECK(chi_square_survival(chi_square, 5) > 1e-4);
}

TEST_CASE("redrawn weights are N(0, variance of the layer)", "[mapping]") {
    std::vector<mlp_layer> layers;
    std::vector<std::size_t> const sizes{120, 80, 50};
    std::vector<double> variances;
    for (std::size_t l = 0; l < 2; ++l) {
        auto w = row_major_array<double, 2>::from_shape({sizes[l + 1], sizes[l]});
        // Uniform about a mean that is not 0: the null model keeps the variance about the mean, and no mean.
        for (std::size_t k = 0; k < w.size(); ++k)
            w.data()[k] =
                0.3 + static_cast<double>(l + 1) *
                          uniform<double>(stream(4, 0, static_cast<std::uint32_t>(l), purpose::testing)
                                              .bits(static_cast<std::uint32_t>(k)));
        variances.push_back(detail::moments_of(static_cast<double>(w.size()), [&](auto&& f) {
                                for (double const x : w) f(x);
                            }).variance);
        layers.emplace_back(w);
    }
    CHECK(variances[1] == Approx(4.0 / 12).epsilon(0.1));
    auto const net = mlp(layers, activation_kind::relu);
    auto const after = weights_of(redrawn(net, 9));
    for (std::size_t l = 0; l < 2; ++l) {
        double const n = static_cast<double>(after[l].size());
        double sum = 0, squares = 0, fourth = 0;
        for (double const x : after[l]) {
            double const z = x / std::sqrt(variances[l]);
            sum += z;
            squares += z * z;
            fourth += z * z * z * z;
        }
        // Two-sided, each fails in 1 of 10,000 seeds: the mean, the variance, the fourth moment (variance
        // 96).
        CHECK(std::abs(sum / std::sqrt(n)) < 3.89);
        double const p = chi_square_survival(squares, n);
        CHECK(p > 5e-5);
        CHECK(p < 1 - 5e-5);
        CHECK(std::abs(fourth / n - 3) < 3.89 * std::sqrt(96 / n));
    }
    check_rest(redrawn(net, 9), net, "null model: weights drawn anew from N(0, layer variance), seed 9");
    check_rest(redrawn(labelled(), 9), labelled(), "null model: weights drawn anew");
    // Layers are drawn independently.
    auto w = row_major_array<double, 2>::from_shape({4, 4});
    for (std::size_t k = 0; k < w.size(); ++k) w.data()[k] = static_cast<double>(k);
    auto const twins = weights_of(redrawn(mlp({w, w})));
    CHECK(twins[0] != twins[1]);
}

TEST_CASE("null models are the same for a seed and differ between seeds", "[mapping]") {
    auto const net = labelled();
    for (auto const how : {shuffle::within_layers, shuffle::across_layers}) {
        CHECK(weights_of(shuffled(net, how, 3)) == weights_of(shuffled(net, how, 3)));
        CHECK(weights_of(shuffled(net, how, 3)) != weights_of(shuffled(net, how, 4)));
    }
    CHECK(weights_of(redrawn(net, 3)) == weights_of(redrawn(net, 3)));
    CHECK(weights_of(redrawn(net, 3)) != weights_of(redrawn(net, 4)));
    // Notes of the network travel into the provenance of the glass.
    auto const lines = to_spin_glass(shuffled(net)).made_from();
    auto const found = std::find_if(lines.begin(), lines.end(), [](auto const& line) {
        return line.second.find("null model") != std::string::npos;
    });
    REQUIRE(found != lines.end());
    CHECK(found->first == "note");
    CHECK_THROWS_AS(shuffled(network()), error);
    CHECK_THROWS_AS(redrawn(network()), error);
}

TEST_CASE("null models of networks that are no chain keep every weight tensor's shape", "[mapping]") {
    auto const numbers_of = [](std::size_t count, std::uint32_t row) {
        std::vector<double> values;
        stream const draws(7, 0, row, purpose::testing);
        for (std::size_t k = 0; k < count; ++k)
            values.push_back(normal(draws, static_cast<std::uint32_t>(k)));
        return values;
    };
    xt::xtensor<double, 4> kernel = xt::zeros<double>({3, 2, 3, 3});
    auto const first = numbers_of(54, 1), second = numbers_of(48, 2);
    std::copy(first.begin(), first.end(), kernel.begin());
    xt::xtensor<double, 2> w = xt::zeros<double>({1, 48});
    std::copy(second.begin(), second.end(), w.begin());
    network net;
    net.add({"x", input{32, {2, 4, 4}}});
    net.add({"conv", convolution{kernel, std::nullopt, {}, {1, 1}}, {"x"}});
    net.add({"flat", flatten{}, {"conv"}});
    net.add({"fc", dense{w}, {"flat"}});
    auto const mixed = shuffled(net);
    auto const after = mixed.find("conv")->op.get_if<convolution>()->weight;
    CHECK(after.shape() == std::vector<std::size_t>{3, 2, 3, 3});
    std::vector<double> values(54);
    after.copy_to(values);
    CHECK(values != first);
    CHECK(std::is_permutation(values.begin(), values.end(), first.begin()));
    CHECK(mixed.find("conv")->op.get_if<convolution>()->padding_before == std::vector<std::size_t>{1, 1});
    auto const made = redrawn(net);
    auto const drawn = made.find("fc")->op.get_if<dense>()->weight;
    CHECK(drawn.shape() == std::vector<std::size_t>{1, 48});
    CHECK_NOTHROW(to_spin_glass(redrawn(net)));
}

TEST_CASE("a null model of one's own: other weights, the rest as it was", "[mapping]") {
    xt::xtensor<double, 2> const first{{1, 2, 3}, {4, 5, 6}}, second{{7, 8}};
    xt::xtensor<double, 1> const bias{0.5, -0.5};
    auto const net = mlp({{first, bias}, {second}}, activation_kind::tanh);
    auto weights = weights_of(net);
    REQUIRE(weights == std::vector<std::vector<double>>{{1, 2, 3, 4, 5, 6}, {7, 8}});
    for (auto& layer : weights)
        for (double& w : layer) w = -w;
    auto const made = with_weights(net, weights, "all signs turned");
    CHECK(weights_of(made) == std::vector<std::vector<double>>{{-1, -2, -3, -4, -5, -6}, {-7, -8}});
    CHECK(made.nodes().size() == net.nodes().size());
    CHECK(made.notes().back() == "all signs turned");
    auto const layers = dense_chain(made);
    REQUIRE(layers[0].bias);
    CHECK(layers[0].bias->as<double, 1>()(1) == -0.5);
    CHECK(layers[0].activation == activation_kind::tanh);
    std::size_t seen = 0;
    for (auto const& node : net.nodes()) for_each_weight(node.op, [&](tensor const& w) { seen += w.size(); });
    CHECK(seen == 8);
    weights[1].push_back(9);
    CHECK_THROWS_WITH(with_weights(net, weights, ""),
                      Catch::Matchers::ContainsSubstring("expected 2 numbers"));
    weights.pop_back();
    CHECK_THROWS_WITH(with_weights(net, weights, ""), Catch::Matchers::ContainsSubstring("found 0"));
    weights = {weights[0], {7, 8}, {1}};
    CHECK_THROWS_WITH(with_weights(net, weights, ""),
                      Catch::Matchers::ContainsSubstring("has 2 tensors of weights, found 3"));
}
