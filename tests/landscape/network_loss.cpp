// SPDX-License-Identifier: BSD-3-Clause
/// The loss of a network: against plain loops, its gradient and Hessian against differences, planes against
/// single values.
#include "../../docs/studies/linnerud.hpp"
#include "../files.hpp"
#include <spinet/execution/executor.hpp>
#include <spinet/landscape/directions.hpp>
#include <spinet/landscape/network_loss.hpp>
#include <spinet/landscape/surface.hpp>
#include <spinet/model/p_spin.hpp>
#include <spinet/network/mlp.hpp>
#include <spinet/random/streams.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

static_assert(TwiceDifferentiableObjective<network_loss<float>>);
static_assert(TwiceDifferentiableObjective<sphere_energy<spherical_p_spin<double>>>);

double random_number(std::uint32_t n) { return normal(stream(5, 0, 0, purpose::testing), n); }

/// A network of `sizes`, its second layer without biases, and its weights.
struct made {
    std::vector<xt::xtensor<double, 2>> weights;
    std::vector<xt::xtensor<double, 1>> biases;
    spinet::network network;
    data_set<double> data;
    activation_kind hidden, output;
    loss_kind loss;
};

made make(std::vector<std::size_t> const& sizes, std::size_t count, activation_kind hidden,
          activation_kind output, loss_kind loss) {
    std::uint32_t n = 0;
    std::vector<xt::xtensor<double, 2>> weights;
    std::vector<xt::xtensor<double, 1>> biases;
    std::vector<mlp_layer> layers;
    for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
        xt::xtensor<double, 2> w = xt::zeros<double>({sizes[l + 1], sizes[l]});
        for (double& each : w) each = 0.6 * random_number(n++);
        xt::xtensor<double, 1> b = xt::zeros<double>({sizes[l + 1]});
        if (l != 1)
            for (double& each : b) each = 0.3 * random_number(n++);
        if (l == 1)
            layers.push_back({w});
        else
            layers.push_back({w, b});
        weights.push_back(w);
        biases.push_back(b);
    }
    data_set<double> data{count, sizes.front()};
    for (std::size_t k = 0; k < count * sizes.front(); ++k) data.inputs.push_back(random_number(n++));
    for (std::size_t k = 0; k < count; ++k)
        data.labels.push_back(static_cast<std::uint32_t>(k * k % sizes.back()));
    for (std::size_t k = 0; k < count * sizes.back(); ++k) data.targets.push_back(random_number(n++));
    return {weights, biases, mlp(layers, hidden, output), data, hidden, output, loss};
}

double activated(activation_kind kind, double z) {
    switch (kind) {
        case activation_kind::relu:
            return z > 0 ? z : 0;
        case activation_kind::tanh:
            return std::tanh(z);
        case activation_kind::sigmoid:
            return 1 / (1 + std::exp(-z));
        default:
            return z;
    }
}

double loss_by_loops(made const& of) {
    double sum = 0;
    std::size_t terms = 0;
    for (std::size_t n = 0; n < of.data.count; ++n) {
        std::vector<double> a(of.data.inputs.begin() + static_cast<std::ptrdiff_t>(n * of.data.size),
                              of.data.inputs.begin() + static_cast<std::ptrdiff_t>((n + 1) * of.data.size));
        for (std::size_t l = 0; l < of.weights.size(); ++l) {
            std::vector<double> next(of.weights[l].shape()[0]);
            for (std::size_t i = 0; i < next.size(); ++i) {
                next[i] = of.biases[l](i);
                for (std::size_t j = 0; j < a.size(); ++j) next[i] += of.weights[l](i, j) * a[j];
                next[i] = activated(l + 1 == of.weights.size() ? of.output : of.hidden, next[i]);
            }
            a = next;
        }
        if (of.loss == loss_kind::cross_entropy) {
            double z = 0;
            for (double const y : a) z += std::exp(y);
            sum += std::log(z) - a[of.data.labels[n]];
            ++terms;
        } else {
            for (std::size_t i = 0; i < a.size(); ++i, ++terms)
                sum += std::pow(a[i] - of.data.targets[n * a.size() + i], 2);
        }
    }
    return sum / static_cast<double>(terms);
}

std::vector<made> all_kinds() {
    std::vector<made> all;
    for (auto const kind :
         {activation_kind::tanh, activation_kind::sigmoid, activation_kind::relu, activation_kind::identity})
        for (auto const loss : {loss_kind::cross_entropy, loss_kind::mean_squared_error}) {
            auto const output = loss == loss_kind::mean_squared_error ? kind : activation_kind::identity;
            all.push_back(make({7, 6, 5, 4}, 23, kind, output, loss));
            all.push_back(make({3, 2}, 5, kind, output, loss));
        }
    return all;
}

network_loss<double> loss_of(made const& of) { return {of.network, of.data, of.loss, {.batch = 10}}; }

row_major_array<double, 1> random_direction(std::size_t n, std::uint32_t first) {
    auto v = row_major_array<double, 1>::from_shape({n});
    for (std::size_t i = 0; i < n; ++i) v(i) = random_number(first + static_cast<std::uint32_t>(i));
    return v;
}

row_major_array<double, 1> moved_by(row_major_array<double, 1> x, double step,
                                    row_major_array<double, 1> const& v) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += step * v[i];
    return x;
}

}  // namespace

TEST_CASE("the loss of a network is that of plain loops", "[landscape]") {
    for (auto const& each : all_kinds()) {
        auto const f = loss_of(each);
        CHECK(f.value(f.parameters()) == Approx(loss_by_loops(each)).epsilon(1e-12));
        std::vector<float> const inputs(each.data.inputs.begin(), each.data.inputs.end()),
            targets(each.data.targets.begin(), each.data.targets.end());
        network_loss<float> const in_float(
            each.network, {each.data.count, each.data.size, inputs, each.data.labels, targets}, each.loss);
        CHECK(in_float.value(f.parameters()) == Approx(loss_by_loops(each)).epsilon(1e-5));
    }
}

TEST_CASE("the gradient and the Hessian of a loss are its derivatives", "[landscape]") {
    for (auto const& each : all_kinds()) {
        auto const f = loss_of(each);
        std::size_t const n = f.size();
        auto const x = f.parameters(), v = random_direction(n, 5000);
        std::vector<double> slope(n), product(n), ahead(n), behind(n);
        CHECK(f.gradient(x, slope) == Approx(f.value(x)).epsilon(1e-13));
        constexpr double h = 1e-5;
        double along = 0;
        for (std::size_t i = 0; i < n; ++i) along += slope[i] * v[i];
        double const difference = (f.value(moved_by(x, h, v)) - f.value(moved_by(x, -h, v))) / (2 * h);
        CHECK(along == Approx(difference).epsilon(1e-6).margin(1e-8));
        f.hessian_vector(x, v, product);
        (void)f.gradient(moved_by(x, h, v), ahead);
        (void)f.gradient(moved_by(x, -h, v), behind);
        double off = 0, size = 0;
        for (std::size_t i = 0; i < n; ++i) {
            double const expected = (ahead[i] - behind[i]) / (2 * h);
            off += std::pow(product[i] - expected, 2);
            size += expected * expected;
        }
        CHECK(std::sqrt(off) < 1e-6 * std::sqrt(size) + 1e-8);
    }
}

TEST_CASE("values on a plane are those of its points, on any executor", "[landscape]") {
    for (auto const& each : all_kinds()) {
        auto const f = loss_of(each);
        auto const x = f.parameters(), d = random_direction(f.size(), 6000),
                   e = random_direction(f.size(), 7000);
        std::vector<std::array<double, 2>> const points{{0, 0}, {0.1, -0.3}, {0.7, 0.2}, {-2, 0}};
        std::vector<double> found(points.size()), again(points.size());
        thread_team team(2);
        f.values_on_plane(x, d, e, points, found, team);
        auto alone = serial{}.team();
        f.values_on_plane(x, d, e, points, again, alone);
        CHECK(found == again);
        for (std::size_t k = 0; k < points.size(); ++k)
            CHECK(found[k] ==
                  Approx(f.value(moved_by(moved_by(x, points[k][0], d), points[k][1], e))).epsilon(1e-11));
        auto const seen = plane(f, section_along(x, d, e), {-1, 1, 3}, {0, 0.5, 2}, threads{2});
        CHECK(seen(2, 1) == Approx(f.value(moved_by(moved_by(x, 1, d), 0.5, e))).epsilon(1e-11));
        CHECK(seen(0, 0) == Approx(f.value(moved_by(x, -1, d))).epsilon(1e-11));
        CHECK(line(f, section_along(x, d), {-1, 1, 3}).values[0] == Approx(seen(0, 0)).epsilon(1e-12));
    }
}

TEST_CASE("losses that overflow are kept and counted", "[landscape]") {
    auto const each =
        make({7, 6, 5, 4}, 23, activation_kind::relu, activation_kind::identity, loss_kind::cross_entropy);
    std::vector<float> const inputs(each.data.inputs.begin(), each.data.inputs.end());
    network_loss<float> const f(each.network, {each.data.count, each.data.size, inputs, each.data.labels},
                                each.loss);
    auto const d = random_direction(f.size(), 6000);
    auto const seen = plane(f, section_along(f.parameters(), d, random_direction(f.size(), 7000)),
                            {0, 1e30, 3}, {0, 1, 2}, threads{2});
    CHECK(seen.complete());
    CHECK(seen.not_finite() == 4);
    CHECK(std::isfinite(seen(0, 0)));
    CHECK_FALSE(std::isfinite(seen(1, 0)));
}

TEST_CASE("accuracies, and the parameters of another network", "[landscape]") {
    auto each =
        make({7, 6, 5, 4}, 23, activation_kind::tanh, activation_kind::identity, loss_kind::cross_entropy);
    // Labels as the network has them, but for three.
    std::size_t hits = 0;
    for (std::size_t n = 0; n < 23; ++n) {
        made one = each;
        one.data = each.data.first(n + 1);
        one.data.inputs.erase(one.data.inputs.begin(),
                              one.data.inputs.begin() + static_cast<std::ptrdiff_t>(7 * n));
        one.data.count = 1;
        double least = 1e9;
        for (std::uint32_t label = 0; label < 4; ++label) {
            one.data.labels = {label};
            if (double const loss = loss_by_loops(one); loss < least)
                least = loss, each.data.labels[n] = label;
        }
        if (n % 8 == 1)
            each.data.labels[n] = (each.data.labels[n] + 1) % 4;
        else
            ++hits;
    }
    auto const f = loss_of(each);
    CHECK(hits == 20);
    CHECK(f.accuracy(f.parameters()) == Approx(20.0 / 23));
    CHECK((f.parameters_of(each.network) == f.parameters()));
    auto const other = make({7, 6, 5, 4}, 2, activation_kind::tanh, activation_kind::identity, each.loss);
    CHECK((f.parameters_of(other.network) == loss_of(other).parameters()));
    CHECK_THAT(error_of([&] {
                   return f
                       .parameters_of(
                           make({7, 6, 5, 4}, 2, activation_kind::relu, activation_kind::identity, each.loss)
                               .network)
                       .size();
               }),
               ContainsSubstring("differ at layer 0"));
    CHECK(f.accuracy(std::vector<double>(f.size(), std::nan(""))) == 0);
    network_loss<double> const at_once(each.network, each.data, each.loss, {.batch = ~std::size_t{0}});
    auto const d = random_direction(f.size(), 6000);
    CHECK(line(at_once, section_along(f.parameters(), d), {0, 1, 2}).values[0] ==
          Approx(f.value(f.parameters())));
    CHECK_THAT(error_of([&] {
                   return f
                       .parameters_of(make({7, 6, 4, 4}, 2, activation_kind::tanh, activation_kind::tanh,
                                           loss_kind::cross_entropy)
                                          .network)
                       .size();
               }),
               ContainsSubstring("differ at layer 1"));
}

TEST_CASE("weight decay adds half of the squared length", "[landscape]") {
    auto const f = loss_of(all_kinds()[0]);
    with_weight_decay const g(f, 0.3);
    auto const x = f.parameters(), v = random_direction(f.size(), 5000);
    double square = 0, along = 0;
    for (std::size_t i = 0; i < x.size(); ++i) square += x[i] * x[i], along += x[i] * v[i];
    CHECK(g.value(x) == Approx(f.value(x) + 0.15 * square));
    std::vector<double> slope(f.size()), with(f.size());
    CHECK(f.gradient(x, slope) < g.gradient(x, with));
    CHECK(with[3] == Approx(slope[3] + 0.3 * x[3]));
    f.hessian_vector(x, v, slope);
    g.hessian_vector(x, v, with);
    CHECK(with[3] == Approx(slope[3] + 0.3 * v[3]));
    auto const where = section_along(x, v, random_direction(f.size(), 6000));
    auto const seen = plane(g, where, {0, 1, 2}, {0, 0.5, 2});
    std::vector<double> at(f.size());
    for (std::size_t k = 0; k < 4; ++k) {
        where.point(static_cast<double>(k % 2), 0.5 * static_cast<double>(k / 2), at);
        CHECK(seen(k % 2, k / 2) == Approx(g.value(at)).epsilon(1e-12));
    }
    CHECK_THAT(error_of([&] { return with_weight_decay(f, -1).size(); }), ContainsSubstring("strength >= 0"));
}

TEST_CASE("the loss of a linear network is that of least squares", "[landscape]") {
    // On Linnerud's data: at the normal equations' solution the gradient is 0, and H v = 2 X^T X v / terms.
    auto const data = studies::standardised(studies::linnerud<double>());
    for (std::size_t c = 0; c < 3; ++c) {
        double mean = 0, square = 0;
        for (std::size_t k = 0; k < 20; ++k) {
            mean += data.inputs[3 * k + c] / 20;
            square += std::pow(data.targets[3 * k + c], 2) / 20;
        }
        CHECK(std::abs(mean) < 1e-14);
        CHECK(square == Approx(1));
    }
    auto const constant =
        studies::standardised(data_set<double>{3, 1, {0.1, 0.1, 0.1}, {}, {1e9 + 0.3, 1e9 + 0.3, 1e9 + 0.3}});
    CHECK(constant.inputs == std::vector<double>(3, 0.0));
    CHECK(constant.targets == std::vector<double>(3, 0.0));
    // Raw: 20 men did 189 chin-ups and weighed 3572 pounds.
    double chins = 0, pounds = 0;
    for (std::size_t k = 0; k < 20; ++k) {
        chins += studies::linnerud().inputs[3 * k];
        pounds += studies::linnerud().targets[3 * k];
    }
    CHECK(chins == 189);
    CHECK(pounds == 3572);
    xt::xtensor<double, 2> const w = xt::zeros<double>({3, 3});
    network_loss<double> const f(mlp({{w}}, activation_kind::identity), data, loss_kind::mean_squared_error);
    std::vector<double> const zero(9, 0.0);
    CHECK(f.value(zero) == Approx(1));  // the variance of the targets
    std::vector<double> v(9, 0.0), product(9);
    v[4] = 1;  // from the second input to the second output
    f.hessian_vector(zero, v, product);
    CHECK(product[4] == Approx(2.0 / 3));  // the input's variance is 1
    CHECK(product[1] == 0);
}

TEST_CASE("losses refuse what does not fit, naming it", "[landscape]") {
    auto const good =
        make({3, 4, 2}, 6, activation_kind::tanh, activation_kind::identity, loss_kind::cross_entropy);
    auto const refusal = [&](auto&& change, loss_kind loss = loss_kind::cross_entropy) {
        auto data = good.data;
        change(data);
        return error_of([&] { return network_loss<double>(good.network, data, loss).size(); });
    };
    CHECK_THAT(refusal([](auto& d) { d = {}; }), ContainsSubstring("no samples"));
    CHECK_THAT(refusal([](auto& d) { d.size = 4; }),
               ContainsSubstring("samples of 4 numbers, but the network takes 3"));
    CHECK_THAT(refusal([](auto& d) { d.inputs.pop_back(); }),
               ContainsSubstring("17 numbers for 6 samples of 3"));
    CHECK_THAT(refusal([](auto& d) { d.labels.pop_back(); }), ContainsSubstring("5 labels for 6 samples"));
    CHECK_THAT(refusal([](auto& d) { d.labels[4] = 2; }), ContainsSubstring("label 2 of sample 4"));
    CHECK_THAT(refusal([](auto& d) { d.inputs[7] = std::nan(""); }),
               ContainsSubstring("of sample 2 is not finite"));
    CHECK_THAT(refusal([](auto& d) { d.targets.pop_back(); }, loss_kind::mean_squared_error),
               ContainsSubstring("11 targets for 6 samples and 2 outputs"));
    auto const refused_network = [&](network const& of) {
        return error_of([&] { return network_loss<double>(of, good.data, good.loss).size(); });
    };
    using enum activation_kind;
    CHECK_THAT(refused_network(make({3, 4, 2}, 1, gelu, identity, good.loss).network),
               ContainsSubstring("has the activation gelu; known are identity, relu, tanh and sigmoid"));
    CHECK_THAT(refused_network(make({3, 4, 2}, 1, unspecified, identity, good.loss).network),
               ContainsSubstring("say which by network_loss::options"));
    CHECK_THAT(refused_network(make({3, 4, 2}, 1, relu, softmax, good.loss).network),
               ContainsSubstring("takes the outputs before softmax"));
    network empty("nothing");
    CHECK_THAT(refused_network(empty), ContainsSubstring("no dense layer"));
    network two_ways;
    two_ways.add({"input", input{3}, {}});
    two_ways.add({"twice", activation{tanh}, {"input"}});
    CHECK_THAT(refused_network(two_ways), ContainsSubstring("dense layer"));
    auto const f = loss_of(good);
    CHECK_THAT(error_of([&] { return f.value(std::vector<double>(3)); }),
               ContainsSubstring("3 parameters, but the network has"));
    CHECK_THAT(error_of([&] {
                   return network_loss<double>(good.network, good.data, good.loss, {.batch = 0}).size();
               }),
               ContainsSubstring("batch of 0"));
}
