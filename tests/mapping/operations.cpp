// SPDX-License-Identifier: BSD-3-Clause
/// What becomes of each operation of a network: couplings and fields written out by hand.
#include "../files.hpp"
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/network/mlp.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

using numbers = std::vector<double>;

/// A tensor of any shape whose values are given in a row.
tensor values(std::vector<std::size_t> const& shape, numbers const& of) {
    std::vector<std::byte> bytes(of.size() * sizeof(double));
    std::memcpy(bytes.data(), of.data(), bytes.size());
    return {"t", dtype::f64, shape, std::make_shared<std::vector<std::byte> const>(std::move(bytes))};
}

/// Numbers without a pattern, so that no two couplings are equal by accident.
numbers some(std::size_t count, double seed) {
    numbers result;
    for (std::size_t k = 0; k < count; ++k) result.push_back(std::sin(seed + 1.7 * static_cast<double>(k)));
    return result;
}
tensor random_tensor(std::vector<std::size_t> const& shape, double seed) {
    std::size_t count = 1;
    for (auto const n : shape) count *= n;
    return values(shape, some(count, seed));
}

/// J as a full symmetric matrix.
using table = std::vector<numbers>;

table couplings_of(network_glass<double> const& glass) {
    table j(glass.size(), numbers(glass.size(), 0.0));
    for (std::size_t i = 0; i < glass.size(); ++i)
        glass.for_each_coupling(i, [&](std::size_t first, std::span<double const> of) {
            for (std::size_t k = 0; k < of.size(); ++k) j[i][first + k] += of[k];
        });
    return j;
}

/// Couplings expected by hand, both ways.
struct by_hand {
    table j;
    explicit by_hand(std::size_t n) : j(n, numbers(n, 0.0)) {}
    void add(std::size_t a, std::size_t b, double w) {
        j[a][b] += w;
        j[b][a] += w;
    }
    /// factor * weight (rows, columns) between spins from `to` and spins from `from` on.
    void add(std::size_t to, std::size_t from, tensor const& weight, double factor = 1, std::size_t row = 0,
             std::size_t rows = 0) {
        auto const w = weight.as<double, 2>();
        if (rows == 0) rows = w.shape()[0];
        for (std::size_t i = 0; i < rows; ++i)
            for (std::size_t k = 0; k < w.shape()[1]; ++k) add(to + i, from + k, factor * w(row + i, k));
    }
};

double largest_difference(table const& a, table const& b) {
    REQUIRE(a.size() == b.size());
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        for (std::size_t k = 0; k < a.size(); ++k) worst = std::max(worst, std::abs(a[i][k] - b[i][k]));
    return worst;
}

numbers fields_of(network_glass<double> const& glass) {
    return {glass.external_fields().begin(), glass.external_fields().end()};
}

void check_near(numbers const& a, numbers const& b) {
    REQUIRE(a.size() == b.size());
    for (std::size_t k = 0; k < a.size(); ++k) CHECK(a[k] == Approx(b[k]).margin(1e-14));
}

std::vector<std::string> groups_of(network_glass<double> const& glass) {
    std::vector<std::string> all;
    for (auto const& group : glass.groups()) all.push_back(group.name + ":" + std::to_string(group.size));
    return all;
}

std::string discarded(network_glass<double> const& glass) {
    for (auto const& [key, value] : glass.made_from())
        if (key == "discarded") return value;
    return "";
}

/// The unrolled matrix of a convolution of (channels, height, width), by its definition.
tensor unrolled(tensor const& kernel, std::size_t height, std::size_t width, std::size_t stride,
                std::size_t padding) {
    auto const w = kernel.as<double, 4>();
    std::size_t const out = w.shape()[0], in = w.shape()[1], k = w.shape()[2];
    std::size_t const h = (height + 2 * padding - k) / stride + 1, v = (width + 2 * padding - k) / stride + 1;
    numbers matrix(out * h * v * in * height * width, 0.0);
    for (std::size_t o = 0; o < out; ++o)
        for (std::size_t y = 0; y < h; ++y)
            for (std::size_t x = 0; x < v; ++x)
                for (std::size_t c = 0; c < in; ++c)
                    for (std::size_t ky = 0; ky < k; ++ky)
                        for (std::size_t kx = 0; kx < k; ++kx) {
                            std::size_t const py = y * stride + ky, px = x * stride + kx;
                            if (py < padding || px < padding || py - padding >= height ||
                                px - padding >= width)
                                continue;
                            std::size_t const to = (o * h + y) * v + x;
                            std::size_t const from = (c * height + py - padding) * width + px - padding;
                            matrix[to * in * height * width + from] = w(o, c, ky, kx);
                        }
    return values({out * h * v, in * height * width}, matrix);
}

}  // namespace

TEST_CASE("a convolution's couplings are those of the unrolled matrix", "[mapping]") {
    auto const kernel = random_tensor({3, 2, 3, 3}, 1), bias = random_tensor({3}, 2);
    network conv;
    conv.add({"x", input{2 * 5 * 4, {2, 5, 4}}});
    conv.add({"conv", convolution{kernel, bias, {2, 2}, {1, 1}}, {"x"}});
    conv.add({"relu", activation{activation_kind::relu}, {"conv"}});
    conv.add({"flat", flatten{}, {"relu"}});
    conv.add({"fc", dense{random_tensor({4, 3 * 3 * 2}, 3), random_tensor({4}, 4)}, {"flat"}});
    auto const glass = to_spin_glass<double>(conv);
    CHECK(groups_of(glass) == std::vector<std::string>{"input:40", "conv:18", "fc:4"});
    CHECK(glass.colours() == 2);
    auto const matrix = unrolled(kernel, 5, 4, 2, 1);
    numbers const b = some(3, 2);
    numbers repeated;
    for (double const each : b) repeated.insert(repeated.end(), 6, each);
    // As a chain of dense layers, by the mapping that has tests of its own.
    auto const as_dense = to_spin_glass<double>(
        mlp({{matrix, values({18}, repeated)}, {random_tensor({4, 18}, 3), random_tensor({4}, 4)}}));
    CHECK(largest_difference(couplings_of(glass), couplings_of(as_dense)) == 0.0);
    CHECK(fields_of(glass) == fields_of(as_dense));
    CHECK(discarded(glass) == "activation functions (identity, relu)");
    for (std::size_t bits = 0; bits < 20; ++bits) {
        numbers s;
        for (std::size_t i = 0; i < 62; ++i)
            s.push_back(std::sin(static_cast<double>(i * i + bits)) > 0 ? 1 : -1);
        CHECK(glass.energy(s) == Approx(as_dense.energy(s)).margin(1e-12));
    }
}

TEST_CASE("a one-dimensional convolution with groups and dilation", "[mapping]") {
    // y[o, p] = sum over k of w[o, 0, k] x[o / 2, p + 2 k - 2], four channels from two, in two groups.
    auto const kernel = random_tensor({4, 1, 3}, 5);
    network net;
    net.add({"x", input{2 * 6, {2, 6}}});
    net.add({"conv", convolution{kernel, std::nullopt, {}, {2}, {}, {2}, 2}, {"x"}});
    auto const glass = to_spin_glass<double>(net);
    by_hand expected(12 + 4 * 6);
    auto const w = kernel.as<double, 3>();
    for (std::size_t o = 0; o < 4; ++o)
        for (std::size_t p = 0; p < 6; ++p)
            for (std::size_t k = 0; k < 3; ++k)
                if (p + 2 * k >= 2 && p + 2 * k - 2 < 6)
                    expected.add(12 + o * 6 + p, o / 2 * 6 + p + 2 * k - 2, w(o, 0, k));
    CHECK(largest_difference(couplings_of(glass), expected.j) == 0.0);
}

TEST_CASE("pooling is an average, largest values too", "[mapping]") {
    for (auto const kind : {pooling_kind::average, pooling_kind::maximum}) {
        network net;
        net.add({"x", input{2 * 4 * 5, {2, 4, 5}}});
        net.add({"pool", pooling{kind, {2, 2}, {2, 2}}, {"x"}});
        net.add({"flat", flatten{}, {"pool"}});
        net.add({"fc", dense{random_tensor({3, 8}, 1)}, {"flat"}});
        auto const glass = to_spin_glass<double>(net);
        CHECK(groups_of(glass) == std::vector<std::string>{"input:40", "pool:8", "fc:3"});
        by_hand expected(51);
        for (std::size_t c = 0; c < 2; ++c)
            for (std::size_t y = 0; y < 2; ++y)
                for (std::size_t x = 0; x < 2; ++x)
                    for (std::size_t k = 0; k < 4; ++k)
                        expected.add(40 + (c * 2 + y) * 2 + x, (c * 4 + 2 * y + k / 2) * 5 + 2 * x + k % 2,
                                     0.25);
        expected.add(48, 40, random_tensor({3, 8}, 1));
        CHECK(largest_difference(couplings_of(glass), expected.j) == 0.0);
        CHECK((discarded(glass).find("largest") != std::string::npos) == (kind == pooling_kind::maximum));
    }
    network all;
    all.add({"x", input{2 * 4 * 5, {2, 4, 5}}});
    all.add({"pool", pooling{}, {"x"}});
    auto const glass = to_spin_glass<double>(all);
    by_hand expected(42);
    for (std::size_t i = 0; i < 40; ++i) expected.add(40 + i / 20, i, 0.05);
    CHECK(largest_difference(couplings_of(glass), expected.j) == 0.0);
}

TEST_CASE("batch normalisation folds into the layer before it", "[mapping]") {
    auto const kernel = random_tensor({3, 2, 3, 3}, 1), bias = random_tensor({3}, 2);
    batch_normalisation const norm{random_tensor({3}, 6), values({3}, {0.5, 2, 1.25}), random_tensor({3}, 7),
                                   random_tensor({3}, 8), 1e-3};
    network net;
    net.add({"x", input{2 * 4 * 4, {2, 4, 4}}});
    net.add({"conv", convolution{kernel, bias, {}, {1, 1}}, {"x"}});
    net.add({"norm", norm, {"conv"}});
    auto const glass = to_spin_glass<double>(net);
    CHECK(groups_of(glass) == std::vector<std::string>{"input:32", "conv:48"});
    // The field of each spin is the pre-activation: gamma (W x + b - mean) / sqrt(var + eps) + beta.
    numbers const x = some(32, 9), gamma = some(3, 7), beta = some(3, 8), mean = some(3, 6), b = some(3, 2),
                  variance{0.5, 2, 1.25};
    auto const matrix = unrolled(kernel, 4, 4, 1, 1).as<double, 2>();
    auto const j = couplings_of(glass);
    auto const h = fields_of(glass);
    for (std::size_t i = 0; i < 48; ++i) {
        double sum = b[i / 16], found = h[32 + i];
        for (std::size_t k = 0; k < 32; ++k) {
            sum += matrix(i, k) * x[k];
            found += j[32 + i][k] * x[k];
        }
        double const expected =
            gamma[i / 16] * (sum - mean[i / 16]) / std::sqrt(variance[i / 16] + 1e-3) + beta[i / 16];
        CHECK(found == Approx(expected).margin(1e-13));
    }
}

TEST_CASE("batch normalisation after an activation folds into what reads it", "[mapping]") {
    // relu, then norm, then a convolution with padding: the shift is not padded.
    auto const first = random_tensor({2, 1, 1, 1}, 1), second = random_tensor({1, 2, 3, 3}, 2);
    batch_normalisation const norm{random_tensor({2}, 6), values({2}, {0.5, 2}), random_tensor({2}, 7),
                                   random_tensor({2}, 8), 0};
    network net;
    net.add({"x", input{9, {1, 3, 3}}});
    net.add({"a", convolution{first}, {"x"}});
    net.add({"relu", activation{activation_kind::relu}, {"a"}});
    net.add({"norm", norm, {"relu"}});
    net.add({"b", convolution{second, std::nullopt, {}, {1, 1}}, {"norm"}});
    auto const glass = to_spin_glass<double>(net);
    CHECK(groups_of(glass) == std::vector<std::string>{"input:9", "a:18", "b:9"});
    auto const matrix = unrolled(second, 3, 3, 1, 1).as<double, 2>();
    numbers const gamma = some(2, 7), beta = some(2, 8), mean = some(2, 6), variance{0.5, 2};
    auto const j = couplings_of(glass);
    auto const h = fields_of(glass);
    for (std::size_t i = 0; i < 9; ++i) {
        double field = 0;
        for (std::size_t k = 0; k < 18; ++k) {
            std::size_t const c = k / 9;
            double const scale = gamma[c] / std::sqrt(variance[c]);
            CHECK(j[27 + i][9 + k] == Approx(matrix(i, k) * scale).margin(1e-15));
            field += matrix(i, k) * (beta[c] - mean[c] * scale);
        }
        CHECK(h[27 + i] == Approx(field).margin(1e-14));
    }
}

TEST_CASE("over steps, the couplings are those over channels", "[mapping]") {
    auto const weight = random_tensor({4, 3, 2}, 1), bias = random_tensor({4}, 2),
               mean = random_tensor({4}, 3), variance = values({4}, {0.5, 1, 2, 3});
    auto const made = [&](bool steps) {
        network net;
        net.add({"x", input{15, steps ? value_shape{5, 3} : value_shape{3, 5}}, {}});
        net.add({"c", convolution{weight, bias, {2}, {1}, {0}, {1}, 1, steps}, {"x"}});
        net.add({"n", batch_normalisation{mean, variance, {}, {}, 1e-3, steps}, {"c"}});
        net.add({"f", activation{activation_kind::tanh}, {"n"}});
        net.add({"m", batch_normalisation{variance, variance, mean, bias, 0, steps}, {"f"}});
        net.add({"p", pooling{pooling_kind::average, {2}, {1}, {}, {}, true, steps}, {"m"}});
        return to_spin_glass<double>(net);
    };
    auto const maps = made(false), steps = made(true);
    auto const j = couplings_of(maps), k = couplings_of(steps);
    auto const h = fields_of(maps), g = fields_of(steps);
    REQUIRE(j.size() == 15 + 4 * 3 + 4 * 2);
    // (channels, positions) against (positions, channels), group by group
    std::vector<std::size_t> of_steps;
    std::size_t begin = 0;
    for (auto const& [channels, positions] : {std::pair{3u, 5u}, {4u, 3u}, {4u, 2u}}) {
        for (std::size_t c = 0; c < channels; ++c)
            for (std::size_t p = 0; p < positions; ++p) of_steps.push_back(begin + p * channels + c);
        begin += channels * positions;
    }
    double worst = 0, total = 0;
    for (std::size_t a = 0; a < j.size(); ++a) {
        worst = std::max(worst, std::abs(h[a] - g[of_steps[a]]));
        for (std::size_t b = 0; b < j.size(); ++b) {
            worst = std::max(worst, std::abs(j[a][b] - k[of_steps[a]][of_steps[b]]));
            total += std::abs(j[a][b]);
        }
    }
    CHECK(worst < 1e-14);
    CHECK(total > 1);
}

TEST_CASE("what is concatenated keeps its spins", "[mapping]") {
    auto const a = random_tensor({2, 3}, 1), b = random_tensor({4, 3}, 2), c = random_tensor({2, 6}, 3);
    network row;
    row.add({"x", input{3}, {}}).add({"a", dense{a}, {"x"}}).add({"b", dense{b}, {"x"}});
    row.add({"ab", concatenation{}, {"a", "b"}}).add({"c", dense{c}, {"ab"}});
    by_hand wanted(3 + 2 + 4 + 2);
    wanted.add(3, 0, a), wanted.add(5, 0, b);
    auto const w = c.as<double, 2>();
    for (std::size_t i = 0; i < 2; ++i)
        for (std::size_t k = 0; k < 6; ++k) wanted.add(9 + i, 3 + k, w(i, k));
    CHECK(largest_difference(couplings_of(to_spin_glass<double>(row)), wanted.j) < 1e-14);

    auto const first = random_tensor({2, 1, 1, 1}, 4), second = random_tensor({1, 1, 1, 1}, 5),
               kernel = random_tensor({1, 3, 2, 2}, 6);
    network maps;
    maps.add({"x", input{9, {1, 3, 3}}, {}});
    maps.add({"a", convolution{first}, {"x"}}).add({"b", convolution{second}, {"x"}});
    maps.add({"ab", concatenation{}, {"a", "b"}}).add({"c", convolution{kernel}, {"ab"}});
    maps.add({"p", pooling{pooling_kind::average}, {"ab"}});
    by_hand j(9 + 18 + 9 + 4 + 3);
    j.add(9, 0, unrolled(first, 3, 3, 1, 0)), j.add(27, 0, unrolled(second, 3, 3, 1, 0));
    auto const rows = unrolled(kernel, 3, 3, 1, 0).as<double, 2>();
    for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t k = 0; k < 27; ++k) j.add(36 + i, 9 + k, rows(i, k));
    for (std::size_t k = 0; k < 27; ++k) j.add(40 + k / 9, 9 + k, 1.0 / 9);
    CHECK(largest_difference(couplings_of(to_spin_glass<double>(maps)), j.j) < 1e-14);

    network mixed;
    mixed.add({"x", input{6, {2, 3}}, {}}).add({"a", dense{a}, {"x"}});
    mixed.add({"ab", concatenation{}, {"a", "a"}});
    CHECK_THAT(error_of([&] { (void)to_spin_glass<double>(mixed); }),
               ContainsSubstring("node 'ab' (concatenation)"));
}

TEST_CASE("a residual connection couples across layers", "[mapping]") {
    // y = relu(norm(W2 relu(W1 x)) + x), then another layer that reads y.
    auto const w1 = random_tensor({3, 2}, 1), w2 = random_tensor({2, 3}, 2), w3 = random_tensor({1, 2}, 3),
               b2 = random_tensor({2}, 4);
    batch_normalisation const norm{values({2}, {0.5, -1}), values({2}, {4, 0.25}), values({2}, {3, 5}),
                                   values({2}, {-1, 2}), 0};
    network net;
    net.add({"x", input{2}});
    net.add({"w1", dense{w1}, {"x"}});
    net.add({"relu1", activation{activation_kind::relu}, {"w1"}});
    net.add({"w2", dense{w2, b2}, {"relu1"}});
    net.add({"norm", norm, {"w2"}});
    net.add({"sum", addition{}, {"norm", "x"}});
    net.add({"relu2", activation{activation_kind::relu}, {"sum"}});
    net.add({"w3", dense{w3}, {"relu2"}});
    auto const glass = to_spin_glass<double>(net);
    CHECK(groups_of(glass) == std::vector<std::string>{"input:2", "w1:3", "sum:2", "w3:1"});
    by_hand expected(8);
    expected.add(2, 0, w1);
    double const scale[] = {3 / 2.0, 5 / 0.5};
    auto const w = w2.as<double, 2>();
    for (std::size_t i = 0; i < 2; ++i) {
        for (std::size_t k = 0; k < 3; ++k) expected.add(5 + i, 2 + k, scale[i] * w(i, k));
        expected.add(5 + i, i, 1);
    }
    expected.add(7, 5, w3);
    CHECK(largest_difference(couplings_of(glass), expected.j) < 1e-15);
    auto const b = some(2, 4);
    check_near(fields_of(glass), {0, 0, 0, 0, 0, scale[0] * (b[0] - 0.5) - 1, scale[1] * (b[1] + 1) + 2, 0});
    CHECK(glass.colours() == 3);  // x, w1 and the sum are a triangle
}

TEST_CASE("a sum of a layer and its own input shares the pairs", "[mapping]") {
    auto const kernel = random_tensor({2, 2, 3, 3}, 1);
    network net;
    net.add({"x", input{2 * 9, {2, 3, 3}}});
    net.add({"conv", convolution{kernel, std::nullopt, {}, {1, 1}}, {"x"}});
    net.add({"sum", addition{}, {"conv", "x"}});
    net.add(
        {"norm",
         batch_normalisation{values({2}, {0, 0}), values({2}, {1, 4}), std::nullopt, values({2}, {5, 6}), 0},
         {"sum"}});
    auto const glass = to_spin_glass<double>(net);
    auto const matrix = unrolled(kernel, 3, 3, 1, 1).as<double, 2>();
    by_hand expected(36);
    for (std::size_t i = 0; i < 18; ++i)
        for (std::size_t k = 0; k < 18; ++k)
            expected.add(18 + i, k, (matrix(i, k) + (i == k ? 1.0 : 0.0)) / (i < 9 ? 1 : 2));
    CHECK(largest_difference(couplings_of(glass), expected.j) < 1e-15);
    CHECK(glass.blocks().size() == 1);
    auto const h = fields_of(glass);
    CHECK(h[18] == 5);
    CHECK(h[35] == 6);
}

TEST_CASE("recurrent layers, unrolled and in a ring", "[mapping]") {
    std::size_t const steps = 3, features = 2, units = 2;
    auto const w = random_tensor({units, features}, 1), u = random_tensor({units, units}, 2),
               b = random_tensor({units}, 3), c = random_tensor({units}, 4),
               out = random_tensor({1, units}, 5);
    for (bool const reversed : {false, true})
        for (auto const layout : {recurrence::unrolled, recurrence::ring}) {
            network net;
            net.add({"x", input{steps * features, {steps, features}}});
            net.add(
                {"rnn", recurrent{recurrent_kind::rnn, w, u, b, c, activation_kind::tanh, reversed}, {"x"}});
            net.add({"last", select_step{}, {"rnn"}});
            net.add({"fc", dense{out}, {"last"}});
            auto const glass = to_spin_glass<double>(net, twin_hopfield{.recurrence = layout});
            CHECK(groups_of(glass) == std::vector<std::string>{"input:6", "rnn:6", "fc:1"});
            by_hand expected(13);
            for (std::size_t t = 0; t < steps; ++t) {
                expected.add(6 + t * units, t * features, w);
                bool const has_before = reversed ? t + 1 < steps : t > 0;
                std::size_t const before = reversed ? (t + 1) % steps : (t + steps - 1) % steps;
                if (has_before || layout == recurrence::ring)
                    expected.add(6 + t * units, 6 + before * units, u);
            }
            expected.add(12, 10, out);
            CHECK(largest_difference(couplings_of(glass), expected.j) == 0.0);
            auto const h = fields_of(glass);
            for (std::size_t i = 0; i < 6; ++i)
                CHECK(h[6 + i] == Approx(some(units, 3)[i % 2] + some(units, 4)[i % 2]));
        }
    // A ring of two: one symmetric matrix, W + W^T.
    network two;
    two.add({"x", input{2 * features, {2, features}}});
    two.add({"rnn", recurrent{recurrent_kind::rnn, w, u}, {"x"}});
    twin_hopfield const ring{.inputs = inputs::left_out, .recurrence = recurrence::ring};
    auto const glass = to_spin_glass<double>(two, ring);
    auto const j = couplings_of(glass);
    auto const hidden = u.as<double, 2>();
    for (std::size_t i = 0; i < units; ++i)
        for (std::size_t k = 0; k < units; ++k) {
            CHECK(j[i][units + k] == Approx(hidden(i, k) + hidden(k, i)));
            CHECK(j[i][k] == 0);
        }
    CHECK(glass.colours() == 2);
    network one;
    one.add({"x", input{features, {1, features}}});
    one.add({"rnn", recurrent{recurrent_kind::rnn, w, u}, {"x"}});
    CHECK_THAT(error_of([&] { (void)to_spin_glass<double>(one, ring); }),
               ContainsSubstring("at least two steps"));
}

TEST_CASE("an LSTM: gates are spins, their products keep the value at zero", "[mapping]") {
    std::size_t const steps = 2, features = 3, units = 2;
    auto const w = random_tensor({4 * units, features}, 1), u = random_tensor({4 * units, units}, 2),
               b = random_tensor({4 * units}, 3), c = random_tensor({4 * units}, 4);
    network net;
    net.add({"x", input{steps * features, {steps, features}}});
    net.add({"lstm", recurrent{recurrent_kind::lstm, w, u, b, c}, {"x"}});
    auto const glass = to_spin_glass<double>(net);
    CHECK(groups_of(glass) == std::vector<std::string>{"input:6", "lstm input gates:4", "lstm forget gates:4",
                                                       "lstm candidates:4", "lstm output gates:4", "lstm:4"});
    by_hand expected(26);
    auto const gate = [&](std::size_t g, std::size_t t) { return 6 + g * steps * units + t * units; };
    for (std::size_t t = 0; t < steps; ++t) {
        for (std::size_t g = 0; g < 4; ++g) {
            expected.add(gate(g, t), t * features, w, 1, g * units, units);
            if (t > 0) expected.add(gate(g, t), gate(4, t - 1), u, 1, g * units, units);
        }
        // c_t = f c_{t-1} + i g and h_t = o c_t with all gates at 1/2: h_t = h_{t-1} / 2 + g / 4.
        for (std::size_t i = 0; i < units; ++i) {
            expected.add(gate(4, t) + i, gate(2, t) + i, 0.25);
            if (t > 0) expected.add(gate(4, t) + i, gate(4, t - 1) + i, 0.5);
        }
    }
    CHECK(largest_difference(couplings_of(glass), expected.j) == 0.0);
    auto const h = fields_of(glass);
    for (std::size_t g = 0; g < 4; ++g)
        for (std::size_t i = 0; i < units; ++i)
            CHECK(h[gate(g, 1) + i] == Approx(some(8, 3)[g * units + i] + some(8, 4)[g * units + i]));
    CHECK_THAT(discarded(glass), ContainsSubstring("products with gates, beyond their value at zero"));
}

TEST_CASE("a GRU: the reset gate halves what the candidates see", "[mapping]") {
    std::size_t const features = 3, units = 2;
    auto const w = random_tensor({3 * units, features}, 1), u = random_tensor({3 * units, units}, 2),
               b = random_tensor({3 * units}, 3), c = random_tensor({3 * units}, 4);
    network net;
    net.add({"x", input{2 * features, {2, features}}});
    net.add({"gru", recurrent{recurrent_kind::gru, w, u, b, c}, {"x"}});
    auto const glass = to_spin_glass<double>(net);
    by_hand expected(6 + 4 * 4);
    auto const gate = [&](std::size_t g, std::size_t t) { return 6 + g * 4 + t * units; };
    for (std::size_t t = 0; t < 2; ++t) {
        for (std::size_t g = 0; g < 3; ++g) {
            expected.add(gate(g, t), t * features, w, 1, g * units, units);
            if (t > 0) expected.add(gate(g, t), gate(3, t - 1), u, g == 2 ? 0.5 : 1, g * units, units);
        }
        // h_t = (1 - z) n + z h_{t-1} with z = 1/2.
        for (std::size_t i = 0; i < units; ++i) {
            expected.add(gate(3, t) + i, gate(2, t) + i, 0.5);
            if (t > 0) expected.add(gate(3, t) + i, gate(3, t - 1) + i, 0.5);
        }
    }
    CHECK(largest_difference(couplings_of(glass), expected.j) == 0.0);
    CHECK(fields_of(glass)[gate(2, 0)] == Approx(some(6, 3)[4] + 0.5 * some(6, 4)[4]));
    CHECK(fields_of(glass)[gate(1, 0)] == Approx(some(6, 3)[2] + some(6, 4)[2]));
}

TEST_CASE("a block of a transformer", "[mapping]") {
    // z = norm(x + attention(x)), y = z + W2 relu(W1 z), three tokens of two features, inner size two.
    std::size_t const tokens = 3, d = 2;
    auto const q = random_tensor({d, d}, 1), k = random_tensor({d, d}, 2), v = random_tensor({d, d}, 3),
               o = random_tensor({d, d}, 4), bo = random_tensor({d}, 5), w1 = random_tensor({3, d}, 6),
               w2 = random_tensor({d, 3}, 7), gain = random_tensor({d}, 8), shift = random_tensor({d}, 9);
    for (bool const causal : {false, true}) {
        network net;
        net.add({"x", input{tokens * d, {tokens, d}}});
        net.add({"attention", attention{{q}, {k, bo}, {v}, {o, bo}, 1, causal}, {"x"}});
        net.add({"sum", addition{}, {"x", "attention"}});
        net.add({"norm", layer_normalisation{gain, shift}, {"sum"}});
        net.add({"up", dense{w1}, {"norm"}});
        net.add({"relu", activation{activation_kind::relu}, {"up"}});
        net.add({"down", dense{w2}, {"relu"}});
        net.add({"y", addition{}, {"norm", "down"}});
        auto const glass = to_spin_glass<double>(net);
        // Without a mask all tokens see the same average.
        std::size_t const contexts = causal ? tokens : 1, after = 24 + contexts * d;
        CHECK(groups_of(glass) ==
              std::vector<std::string>{"input:6", "attention query:6", "attention key:6", "attention value:6",
                                       "attention context:" + std::to_string(contexts * d), "sum:6", "up:9",
                                       "y:6"});
        by_hand expected(after + 21);
        numbers const g = some(d, 8);
        auto const a = w1.as<double, 2>();
        for (std::size_t t = 0; t < tokens; ++t) {
            std::size_t const x = t * d, sum = after + t * d, up = after + 6 + t * 3, y = after + 15 + t * d;
            expected.add(6 + t * d, x, q);
            expected.add(12 + t * d, x, k);
            expected.add(18 + t * d, x, v);
            std::size_t const seen = causal ? t + 1 : tokens, context = 24 + (causal ? t * d : 0);
            for (std::size_t s = 0; s < (causal || t == 0 ? seen : 0); ++s)
                for (std::size_t i = 0; i < d; ++i)
                    expected.add(context + i, 18 + s * d + i, 1.0 / static_cast<double>(seen));
            expected.add(sum, context, o);
            for (std::size_t i = 0; i < d; ++i) {
                expected.add(sum + i, x + i, 1);
                expected.add(y + i, sum + i, g[i]);
                for (std::size_t r = 0; r < 3; ++r) expected.add(up + r, sum + i, g[i] * a(r, i));
            }
            expected.add(y, up, w2);
        }
        CHECK(largest_difference(couplings_of(glass), expected.j) < 1e-15);
        auto const h = fields_of(glass);
        numbers const s = some(d, 9), b = some(d, 5);
        for (std::size_t t = 0; t < tokens; ++t) {
            for (std::size_t i = 0; i < d; ++i) {
                CHECK(h[after + t * d + i] == Approx(b[i]));
                CHECK(h[12 + t * d + i] == Approx(b[i]));
                CHECK(h[after + 15 + t * d + i] == Approx(s[i]));
            }
            for (std::size_t r = 0; r < 3; ++r)
                CHECK(h[after + 6 + t * 3 + r] == Approx(a(r, 0) * s[0] + a(r, 1) * s[1]));
        }
        CHECK_THAT(discarded(glass), ContainsSubstring("softmax of attention"));
        CHECK_THAT(discarded(glass), ContainsSubstring("layer normalisation"));
    }
}

TEST_CASE("a block of a Llama: grouped queries, RMSNorm and a gate", "[mapping]") {
    // z = x + attention(norm(x)), y = z + D (silu(G z) * U z); two tokens of four features, four query heads
    // of one number, two key and value heads.
    std::size_t const tokens = 2, d = 4, pairs = 2, inner = 3;
    auto const q = random_tensor({d, d}, 1), k = random_tensor({pairs, d}, 2),
               v = random_tensor({pairs, d}, 3), o = random_tensor({d, d}, 4),
               gate = random_tensor({inner, d}, 5), up = random_tensor({inner, d}, 6),
               down = random_tensor({d, inner}, 7), gain = random_tensor({d}, 8);
    network net;
    net.add({"x", input{tokens * d, {tokens, d}}});
    net.add({"norm", layer_normalisation{gain, std::nullopt, 1e-5, false}, {"x"}});
    net.add({"attention", attention{{q}, {k}, {v}, {o}, 4, true, pairs}, {"norm"}});
    net.add({"z", addition{}, {"x", "attention"}});
    net.add({"gate", dense{gate}, {"z"}});
    net.add({"silu", activation{activation_kind::silu}, {"gate"}});
    net.add({"up", dense{up}, {"z"}});
    net.add({"product", product{}, {"silu", "up"}});
    net.add({"down", dense{down}, {"product"}});
    net.add({"y", addition{}, {"z", "down"}});
    auto const glass = to_spin_glass<double>(net);
    CHECK(groups_of(glass) == std::vector<std::string>{"input:8", "attention query:8", "attention key:4",
                                                       "attention value:4", "attention context:4", "z:8",
                                                       "gate:6", "up:6", "y:8"});
    by_hand expected(56);
    auto const g = some(d, 8);
    auto const out = o.as<double, 2>();
    auto const scaled = [&](std::size_t to, std::size_t from, tensor const& w) {
        auto const a = w.as<double, 2>();
        for (std::size_t i = 0; i < a.shape()[0]; ++i)
            for (std::size_t j = 0; j < d; ++j) expected.add(to + i, from + j, a(i, j) * g[j]);
    };
    for (std::size_t t = 0; t < tokens; ++t) {
        std::size_t const x = t * d, z = 28 + t * d;
        scaled(8 + t * d, x, q);
        scaled(16 + t * pairs, x, k);
        scaled(20 + t * pairs, x, v);
        for (std::size_t h = 0; h < pairs; ++h) {
            for (std::size_t s = 0; s <= t; ++s)
                expected.add(24 + t * pairs + h, 20 + s * pairs + h, 1.0 / static_cast<double>(t + 1));
            // Heads 2 h and 2 h + 1 read value head h: their columns of the output add up.
            for (std::size_t i = 0; i < d; ++i)
                expected.add(z + i, 24 + t * pairs + h, out(i, 2 * h) + out(i, 2 * h + 1));
        }
        for (std::size_t i = 0; i < d; ++i) {
            expected.add(z + i, x + i, 1);
            expected.add(48 + t * d + i, z + i, 1);
        }
        expected.add(36 + t * inner, z, gate);
        expected.add(42 + t * inner, z, up);
        expected.add(48 + t * d, 42 + t * inner, down, 0.5);
    }
    CHECK(largest_difference(couplings_of(glass), expected.j) < 1e-15);
    for (double const field : fields_of(glass)) CHECK(field == 0);
    CHECK_THAT(discarded(glass), ContainsSubstring("products with gates, beyond the factor 1/2"));
    CHECK_THAT(discarded(glass), ContainsSubstring("root mean square by which RMS normalisation divides"));

    // Rotary embeddings turn queries and keys, which nothing else reads.
    network turned;
    for (auto node : net.nodes()) {
        if (auto const* op = node.op.get_if<attention>()) {
            auto with = *op;
            with.heads = 2, with.key_value_heads = 1, with.rotary = 2;
            node.op = operation(with);
        }
        turned.add(node);
    }
    auto const other = to_spin_glass<double>(turned);
    auto const a = couplings_of(glass), b = couplings_of(other);
    for (std::size_t i = 8; i < 20; ++i) CHECK(a[i] == b[i]);
}

TEST_CASE("a step that is put before others has fields alone", "[mapping]") {
    std::size_t const steps = 2, d = 3;
    auto const w = random_tensor({d, 4}, 1), b = random_tensor({d}, 2), first = random_tensor({d}, 3),
               places = random_tensor({steps + 1, d}, 4);
    network net;
    net.add({"patches", input{8, {steps, 4}}});
    net.add({"embed", dense{w, b}, {"patches"}});
    net.add({"token", leading_step{first}, {"embed"}});
    net.add({"places", offset{places}, {"token"}});
    net.add({"class", select_step{0}, {"places"}});
    auto const glass = to_spin_glass<double>(net);
    CHECK(groups_of(glass) == std::vector<std::string>{"input:8", "embed:9"});
    by_hand expected(17);
    numbers h(8, 0.0);
    for (std::size_t t = 0; t <= steps; ++t) {
        if (t > 0) expected.add(8 + t * d, (t - 1) * 4, w);
        for (std::size_t i = 0; i < d; ++i)
            h.push_back((t == 0 ? some(d, 3)[i] : some(d, 2)[i]) + some(9, 4)[t * d + i]);
    }
    CHECK(largest_difference(couplings_of(glass), expected.j) == 0.0);
    check_near(fields_of(glass), h);
    network wrong;
    wrong.add({"x", input{6, {steps, d}}});
    wrong.add({"token", leading_step{first}, {"x"}});
    CHECK_THAT(error_of([&] { (void)to_spin_glass(wrong); }), ContainsSubstring("does not follow a layer"));
}

TEST_CASE("tokens: words are spins, or held, and positions are fields", "[mapping]") {
    std::size_t const tokens = 2, words = 4, d = 3;
    auto const table = random_tensor({words, d}, 1), positions = random_tensor({tokens, d}, 2),
               out = random_tensor({1, d}, 3);
    network net;
    net.add({"x", input{tokens}});
    net.add({"embed", embedding{table}, {"x"}});
    net.add({"place", offset{positions}, {"embed"}});
    net.add({"mean", mean_over_steps{}, {"place"}});
    net.add({"fc", dense{out}, {"mean"}});
    auto const glass = to_spin_glass<double>(net);
    CHECK(groups_of(glass) == std::vector<std::string>{"input:8", "embed:6", "fc:1"});
    by_hand expected(15);
    auto const e = table.as<double, 2>(), w = out.as<double, 2>();
    for (std::size_t t = 0; t < tokens; ++t)
        for (std::size_t i = 0; i < d; ++i) {
            for (std::size_t word = 0; word < words; ++word)
                expected.add(8 + t * d + i, t * words + word, e(word, i));
            expected.add(14, 8 + t * d + i, w(0, i) / 2);
        }
    CHECK(largest_difference(couplings_of(glass), expected.j) == 0.0);
    auto fields = numbers(8, 0.0);
    for (double const p : some(6, 2)) fields.push_back(p);
    fields.push_back(0);
    check_near(fields_of(glass), fields);
    // Held at words 3 and 1.
    auto const held =
        to_spin_glass<double>(net, twin_hopfield{.inputs = inputs::held, .inputs_held_at = {3, 1}});
    numbers row;
    for (std::size_t t = 0; t < tokens; ++t)
        for (std::size_t i = 0; i < d; ++i) row.push_back(some(6, 2)[t * d + i] + e(t == 0 ? 3 : 1, i));
    row.push_back(0);
    check_near(fields_of(held), row);
    for (double const wrong : {4.0, -1.0, 0.5})
        CHECK_THAT(error_of([&] {
                       (void)to_spin_glass<double>(
                           net, twin_hopfield{.inputs = inputs::held, .inputs_held_at = {0, wrong}});
                   }),
                   ContainsSubstring("not the number of one of the 4 words"));
}

TEST_CASE("values that several layers read are one set of spins", "[mapping]") {
    auto const w1 = random_tensor({2, 2}, 1), w2 = random_tensor({2, 2}, 2);
    network net;
    net.add({"x", input{2}});
    net.add({"a", dense{w1}, {"x"}});
    net.add({"b", dense{w2}, {"a"}});
    net.add({"c", addition{}, {"a", "b"}});
    net.add({"twice", addition{}, {"c", "c"}});
    auto const glass = to_spin_glass<double>(net);
    CHECK(groups_of(glass) == std::vector<std::string>{"input:2", "a:2", "c:2", "twice:2"});
    by_hand expected(8);
    expected.add(2, 0, w1);
    expected.add(4, 2, w2);
    for (std::size_t i = 0; i < 2; ++i) {
        expected.add(4 + i, 2 + i, 1);
        expected.add(6 + i, 4 + i, 2);
    }
    CHECK(largest_difference(couplings_of(glass), expected.j) == 0.0);
}

TEST_CASE("operations that do not fit are refused by name", "[mapping]") {
    auto const refusal = [](std::vector<node> const& nodes) {
        network net;
        for (auto const& each : nodes) net.add(each);
        return error_of([&] { (void)to_spin_glass<double>(net); });
    };
    auto const kernel = random_tensor({2, 3, 3, 3}, 1);
    CHECK_THAT(refusal({{"x", input{32, {2, 4, 4}}}, {"c", convolution{kernel}, {"x"}}}),
               ContainsSubstring("node 'c' takes 3 channels"));
    CHECK_THAT(refusal({{"x", input{12, {3, 2, 2}}}, {"c", convolution{kernel}, {"x"}}}),
               ContainsSubstring("its window does not fit into values of shape (3, 2, 2)"));
    CHECK_THAT(refusal({{"x", input{48, {3, 4, 4}}}, {"d", dense{random_tensor({2, 4}, 1)}, {"x"}}}),
               ContainsSubstring("node 'd' takes 4 features"));
    CHECK_THAT(refusal({{"x", input{6, {3, 2}}}, {"y", input{6, {2, 3}}}, {"s", addition{}, {"x", "y"}}}),
               ContainsSubstring("adds values of shapes (3, 2) and (2, 3)"));
    CHECK_THAT(refusal({{"x", input{8, {4, 2}}},
                        {"d", dense{random_tensor({3, 2}, 1)}, {"x"}},
                        {"c", convolution{random_tensor({2, 4, 1}, 2)}, {"d"}}}),
               ContainsSubstring("node 'c' (convolution): it reads steps, not channels"));
    CHECK_THAT(refusal({{"x", input{8, {4, 2}}}, {"n", embedding{random_tensor({5, 2}, 1)}, {"x"}}}),
               ContainsSubstring("takes (steps) of tokens"));
}

TEST_CASE("networks of more values than a glass can have are refused before they are made", "[mapping]") {
    std::size_t const huge = std::size_t{1} << 60;
    auto const refusal = [](std::vector<node> const& nodes) {
        network net;
        for (auto const& each : nodes) net.add(each);
        return error_of([&] { static_cast<void>(wire_network(net)); });
    };
    auto const too_many = ContainsSubstring("more than 2^32 values");
    CHECK_THAT(refusal({{"x", input{huge, {1, 1, huge}}}, {"p", pooling{}, {"x"}}}),
               too_many && ContainsSubstring("node 'x', with values of shape (1, 1, 1152921504606846976)"));
    // Together, though none is by itself.
    std::size_t const half = (std::size_t{1} << 31) + 1;
    CHECK_THAT(refusal({{"x", input{half}}, {"y", activation{}, {"x"}}}),
               too_many && ContainsSubstring("node 'y'"));
    // 10^5 steps of two numbers are few, but not the pairs of steps.
    auto const q = random_tensor({2, 2}, 1);
    CHECK_THAT(
        refusal({{"x", input{200'000, {100'000, 2}}}, {"a", attention{{q}, {q}, {q}, {q}, 1, true}, {"x"}}}),
        too_many && ContainsSubstring("node 'a'"));
    std::size_t const steps = 1'000'000'000;
    CHECK_THAT(refusal({{"x", input{steps}}, {"e", embedding{random_tensor({5, 1}, 1)}, {"x"}}}),
               too_many && ContainsSubstring("node 'e'"));
}

TEST_CASE("a chain of a hundred thousand activations is wired without recursion", "[mapping]") {
    network net;
    net.add({"x", input{12, {3, 4}}});
    std::string last = "x";
    for (int k = 0; k < 100'000; ++k) {
        auto const name = "a" + std::to_string(k);
        net.add({name, activation{activation_kind::relu}, {last}});
        last = name;
    }
    net.add({"c", convolution{random_tensor({2, 3, 2}, 1)}, {last}});
    auto const made = wire_network(net);
    // Read as three channels of four values, though by a convolution far away: not as four steps.
    REQUIRE(made.parts.size() == 2);
    CHECK(made.parts[0].size() == 12);
    CHECK(made.parts[1].size() == 6);
}

TEST_CASE("the shape of an input that is laid flat means nothing", "[mapping]") {
    // Whatever stands before the flattening, the glass is that of (18): one part, one factor, one T_formula.
    auto const made = [](std::vector<std::size_t> const& shape, int before) {
        network net;
        net.add({"x", input{18, shape}, {}});
        std::string last = "x";
        if (before == 1) net.add({"a", activation{activation_kind::sigmoid}, {"x"}}), last = "a";
        if (before == 2) net.add({"a", offset{values({6}, numbers(6, 0.0))}, {"x"}}), last = "a";
        if (shape.size() > 1) net.add({"flat", flatten{}, {last}}), last = "flat";
        net.add({"h", dense{random_tensor({5, 18}, 1)}, {last}});
        net.add({"y", dense{random_tensor({3, 5}, 2)}, {"h"}});
        return net;
    };
    for (auto const kind : {scale::none, scale::layer_unit_variance, scale::t_formula}) {
        auto const expected = to_spin_glass<double>(made({}, 0), twin_hopfield{.scale = kind});
        for (auto const& shape : {std::vector<std::size_t>{3, 6}, {1, 3, 6}, {3, 3, 2}})
            for (int const before : {0, 1, 2}) {
                if (before == 2 && shape.back() != 6) continue;
                CAPTURE(shape, before, to_string(kind));
                auto const glass = to_spin_glass<double>(made(shape, before), twin_hopfield{.scale = kind});
                CHECK(couplings_of(glass) == couplings_of(expected));
                CHECK(glass.groups().size() == expected.groups().size());
                CHECK(wire_network(made(shape, before)).parts[0].positions == 1);
            }
    }
    // Steps that a layer reads one by one stay steps, and channels channels.
    network steps;
    steps.add({"x", input{18, {3, 6}}, {}});
    steps.add({"h", dense{random_tensor({5, 6}, 1)}, {"x"}});
    steps.add({"flat", flatten{}, {"h"}});
    CHECK(wire_network(steps).parts.size() == 6);
}

TEST_CASE("moments of windows are those of the unrolled matrix", "[mapping]") {
    network net;
    net.add({"x", input{2 * 5 * 4, {2, 5, 4}}, {}});
    net.add({"c",
             convolution{random_tensor({3, 2, 3, 2}, 1), std::nullopt, {2, 1}, {1, 0}, {1, 1}, {1, 2}},
             {"x"}});
    auto const wires = wire_network(net);
    REQUIRE(wires.wires.size() == 1);
    auto const& map = *wires.wires[0].map;
    auto const unrolled = detail::matrix_of<double>(map, 1);
    double const count = static_cast<double>(unrolled.size());
    double mean = 0, variance = 0;
    for (double const w : unrolled) mean += w / count;
    for (double const w : unrolled) variance += (w - mean) * (w - mean) / count;
    auto const found = detail::moments_of(map);
    CHECK(std::abs(found.mean - mean) < 1e-14);
    CHECK(std::abs(found.variance - variance) < 1e-14);
}
