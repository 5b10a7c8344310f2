// SPDX-License-Identifier: BSD-3-Clause
/// Sub-samples of networks: which neurons they keep, and what becomes of their couplings.
#include "../files.hpp"
#include <spinet/mapping/subsample.hpp>
#include <spinet/network/mlp.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

using numbers = std::vector<double>;

numbers gaussian(std::size_t count, std::uint32_t row) {
    stream const draws(43, 0, row, purpose::testing);
    numbers values(count);
    for (std::size_t k = 0; k < count; ++k) values[k] = normal(draws, static_cast<std::uint32_t>(k));
    return values;
}

xt::xtensor<double, 2> matrix(std::size_t rows, std::size_t columns, numbers const& values) {
    auto result = xt::xtensor<double, 2>::from_shape({rows, columns});
    std::copy(values.begin(), values.end(), result.begin());
    return result;
}
xt::xtensor<double, 2> noise(std::size_t rows, std::size_t columns, std::uint32_t row) {
    return matrix(rows, columns, gaussian(rows * columns, row));
}
/// Biases that tell neurons apart: 1000 * layer + number.
xt::xtensor<double, 1> numbered(std::size_t layer, std::size_t count) {
    auto result = xt::xtensor<double, 1>::from_shape({count});
    for (std::size_t i = 0; i < count; ++i) result(i) = static_cast<double>(1000 * layer + i);
    return result;
}

/// The couplings of every spin, by place.
std::vector<std::map<std::size_t, double>> couplings_of(network_glass<double> const& glass) {
    std::vector<std::map<std::size_t, double>> all(glass.size());
    for (std::size_t i = 0; i < glass.size(); ++i)
        glass.for_each_coupling(i, [&](std::size_t first, std::span<double const> j) {
            for (std::size_t k = 0; k < j.size(); ++k) all[i][first + k] += j[k];
        });
    return all;
}

std::vector<std::size_t> sizes_of(network_glass<double> const& glass) {
    std::vector<std::size_t> sizes;
    for (auto const& group : glass.groups()) sizes.push_back(group.size);
    return sizes;
}

/// The numbers of the kept neurons of a group with numbered biases.
std::vector<std::size_t> kept(network_glass<double> const& glass, std::size_t group) {
    std::vector<std::size_t> all;
    auto const& of = glass.groups()[group];
    for (std::size_t i = of.first; i < of.first + of.size; ++i)
        all.push_back(static_cast<std::size_t>(std::lround(glass.external_fields()[i])) % 1000);
    return all;
}

constexpr kept_modes kinds[] = {kept_modes::rescaled, kept_modes::orthonormal};

}  // namespace

TEST_CASE("a sub-sample of all neurons is the network", "[mapping]") {
    auto const net = mlp({{noise(20, 30, 1), numbered(1, 20)}, {noise(8, 20, 2), numbered(2, 8)}});
    auto const whole = to_spin_glass<double>(net);
    subsampler const source(net, {});
    for (auto const kind : kinds) {
        auto const glass = source.draw<double>(58, 3, kind);
        CHECK(sizes_of(glass) == std::vector<std::size_t>{30, 20, 8});
        auto const a = couplings_of(glass), b = couplings_of(whole);
        double worst = 0;
        for (std::size_t i = 0; i < a.size(); ++i) {
            REQUIRE(a[i].size() == b[i].size());
            for (auto const& [place, j] : b[i]) worst = std::max(worst, std::abs(a[i].at(place) - j));
        }
        CHECK(worst < 1e-10);
        CHECK(std::equal(glass.external_fields().begin(), glass.external_fields().end(),
                         whole.external_fields().begin()));
        CHECK(glass.groups()[0].weight == 1);
    }
}

TEST_CASE("one mode: entries are divided by f, or its singular value is kept", "[mapping]") {
    std::size_t const m = 40, n = 60;
    auto u = gaussian(m, 3), v = gaussian(n, 4);
    detail::orthonormalise(u, m, 1);
    detail::orthonormalise(v, n, 1);
    numbers w(m * n);
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j) w[i * n + j] = 9 * u[i] * v[j];
    auto in = numbered(1, n);
    // A first layer of zeros with numbered biases, so that the places of both layers can be read.
    auto const net = mlp({{matrix(n, 2, numbers(2 * n, 0.0)), in}, {matrix(m, n, w), numbered(2, m)}});
    subsampler const source(net, {});
    for (auto const kind : kinds) {
        auto const glass = source.draw<double>(52, 7, kind);  // half of 100, and both inputs
        auto const columns = kept(glass, 1), rows = kept(glass, 2);
        CHECK(columns.size() == 30);
        CHECK(rows.size() == 20);
        CHECK(glass.groups()[1].weight == 2);
        double squares = 0, worst = 0;
        auto const all = couplings_of(glass);
        for (std::size_t i = 0; i < rows.size(); ++i)
            for (std::size_t j = 0; j < columns.size(); ++j) {
                double const found = all[glass.groups()[2].first + i].at(glass.groups()[1].first + j);
                squares += found * found;
                worst = std::max(worst, std::abs(found - 2 * w[rows[i] * n + columns[j]]));
            }
        // Of a matrix of rank one, the sum of squares is the singular value's.
        if (kind == kept_modes::rescaled) CHECK(worst < 1e-10);
        if (kind == kept_modes::orthonormal) CHECK(std::sqrt(squares) == Approx(9).epsilon(1e-10));
    }
}

TEST_CASE("the bulk keeps the variance of fields", "[mapping]") {
    // Independent entries of variance 1: sum over j of J_ij^2 has the mean N_j for every f.
    auto const net = mlp({noise(100, 200, 5)});
    subsampler const source(net, {});
    for (auto const kind : kinds) {
        double sum = 0, count = 0;
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            auto const glass = source.draw<double>(75, seed, kind);
            auto const all = couplings_of(glass);
            for (std::size_t i = glass.groups()[1].first; i < glass.size(); ++i, ++count)
                for (auto const& [place, j] : all[i]) sum += j * j;
        }
        // 500 rows of 50 entries with factor 2 each: relative deviation of the mean sqrt(2 / 25000) = 0.9 %;
        // five of those are p = 6e-7.
        CHECK(sum / count == Approx(200).epsilon(0.045));
    }
}

TEST_CASE("sub-samples have the sizes that were asked for", "[mapping]") {
    auto const net = mlp({{noise(100, 300, 1), numbered(1, 100)},
                          {noise(50, 100, 2), numbered(2, 50)},
                          {noise(3, 50, 3), numbered(3, 3)}});
    subsampler const source(net, {});
    CHECK(source.spins() == 453);
    CHECK(source.fewest() == 8);
    // A fifth of each layer, and two of the last.
    CHECK(sizes_of(source.draw<double>(92, 1)) == std::vector<std::size_t>{60, 20, 10, 2});
    CHECK(sizes_of(source.draw<double>(8, 1)) == std::vector<std::size_t>{2, 2, 2, 2});
    for (std::size_t const wanted : {8u, 9u, 20u, 57u, 100u, 333u, 452u})
        CHECK(source.draw<double>(wanted, 1).size() <= wanted);
    CHECK(source.draw<double>(333, 1).size() >= 331);
    CHECK_THAT(error_of([&] { (void)source.draw<double>(7, 1); }),
               ContainsSubstring("a sub-sample of 7 spins is too small: 2 neurons of each layer make 8"));
    auto const glass = source.draw<double>(92, 1);
    for (std::size_t const group : {1u, 2u, 3u}) {
        auto const units = kept(glass, group);
        CHECK(std::is_sorted(units.begin(), units.end()));
        CHECK(std::adjacent_find(units.begin(), units.end()) == units.end());
    }
    CHECK(glass.groups()[0].weight == 5);
    CHECK(glass.groups()[3].weight == 1.5);
    std::string told;
    for (auto const& [key, value] : glass.made_from())
        if (key == "sampled neurons") told = value;
    CHECK(told == "92 of 453, seed 1");
    auto const mapped = to_spin_glass<double>(net, subsampled{.spins = 92});
    CHECK(couplings_of(mapped) == couplings_of(glass));
}

TEST_CASE("sub-samples are the same for a seed, and differ between seeds", "[mapping]") {
    auto const net = mlp({{noise(100, 300, 1), numbered(1, 100)}, {noise(50, 100, 2), numbered(2, 50)}});
    for (auto const how :
         {sampling::stratified, sampling::uniform, sampling::by_coupling_norm, sampling::by_leverage}) {
        subsampler const source(net, {}, how);
        auto const one = source.draw<double>(100, 5), again = source.draw<double>(100, 5),
                   other = source.draw<double>(100, 6);
        CHECK(one.size() <= 100);
        CHECK(one.size() >= 97);
        CHECK(couplings_of(one) == couplings_of(again));
        CHECK(kept(one, 1) == kept(again, 1));
        CHECK(kept(one, 1) != kept(other, 1));
    }
}

TEST_CASE("every neuron is as likely as its policy says", "[mapping]") {
    // 60 neurons, the first 20 of which have couplings three times as large.
    numbers w = gaussian(60 * 80, 9);
    for (std::size_t k = 0; k < 20 * 80; ++k) w[k] *= 3;
    for (std::size_t k = 59 * 80; k < 60 * 80; ++k) w[k] = 0;
    auto const net = mlp({{matrix(60, 80, w), numbered(1, 60)}});
    auto const shares = [&](sampling how) {
        subsampler const source(net, {}, how);
        numbers counts(60, 0.0);
        for (std::uint64_t seed = 1; seed <= 1000; ++seed)
            for (std::size_t const unit : kept(source.draw<double>(35, seed), 1)) counts[unit] += 0.001;
        return counts;
    };
    // 15 of 60: 1/4, deviation of a share 0.0137; six of those over 60 neurons and two policies are p = 2e-7.
    for (auto const how : {sampling::stratified, sampling::uniform})
        for (double const share : shares(how)) CHECK(std::abs(share - 0.25) < 0.083);
    auto const by_norm = shares(sampling::by_coupling_norm), by_leverage = shares(sampling::by_leverage);
    double strong = 0, weak = 0;
    for (std::size_t k = 0; k < 20; ++k) strong += by_norm[k] / 20;
    for (std::size_t k = 20; k < 59; ++k) weak += by_norm[k] / 39;
    CHECK(strong > 3 * weak);
    CHECK(by_norm[59] == 0);     // without couplings, never before the others
    CHECK(by_leverage[59] > 0);  // half of the weight is shared out equally
    CHECK(by_leverage[59] < 0.25);
}

TEST_CASE("what is joined one to one is kept together", "[mapping]") {
    // y = W2 relu(W1 x) + x: the neurons of x and of the sum are the same, coupled by 1.
    network net;
    net.add({"x", input{40}});
    net.add({"w0", dense{matrix(40, 40, numbers(1600, 0.0)), tensor(numbered(1, 40))}, {"x"}});
    net.add({"w1", dense{noise(30, 40, 1), tensor(numbered(2, 30))}, {"w0"}});
    net.add({"w2", dense{noise(40, 30, 2), tensor(numbered(3, 40))}, {"w1"}});
    net.add({"sum", addition{}, {"w2", "w0"}});
    auto const glass = subsampler(net, {}).draw<double>(50, 4);
    auto const before = kept(glass, 1), after = kept(glass, 3);
    CHECK(before == after);
    CHECK(before.size() >= 10);
    auto const all = couplings_of(glass);
    for (std::size_t k = 0; k < before.size(); ++k) {
        auto const& of = all[glass.groups()[3].first + k];
        CHECK(of.at(glass.groups()[1].first + k) == 1);
        CHECK(of.count(glass.groups()[1].first + (k + 1) % before.size()) == 0);
    }
}

TEST_CASE("all steps of a sequence keep the same neurons", "[mapping]") {
    network net;
    net.add({"x", input{3 * 20, {3, 20}}});
    net.add({"rnn",
             recurrent{recurrent_kind::rnn, tensor(noise(30, 20, 1)), tensor(noise(30, 30, 2)),
                       tensor(numbered(1, 30))},
             {"x"}});
    auto const glass = subsampler(net, {}).draw<double>(60, 4);
    auto const all = kept(glass, 1);
    REQUIRE(all.size() % 3 == 0);
    std::size_t const units = all.size() / 3;
    for (std::size_t k = 0; k < all.size(); ++k) CHECK(all[k] == all[k % units]);
    CHECK(glass.parts().size() == 6);
    // Steps share their couplings.
    auto const j = couplings_of(glass);
    std::size_t const first = glass.parts()[3].first, second = glass.parts()[4].first;
    CHECK(j[first].at(glass.parts()[0].first) == j[second].at(glass.parts()[1].first));
}

TEST_CASE("feature maps keep whole channels", "[mapping]") {
    numbers kernel(12 * 6 * 9);
    for (std::size_t k = 0; k < kernel.size(); ++k) kernel[k] = std::sin(static_cast<double>(k));
    xt::xtensor<double, 4> weight = xt::zeros<double>({12, 6, 3, 3});
    std::copy(kernel.begin(), kernel.end(), weight.begin());
    network net;
    net.add({"x", input{6 * 16, {6, 4, 4}}});
    net.add({"conv", convolution{weight, tensor(numbered(1, 12)), {}, {1, 1}}, {"x"}});
    net.add({"pool", pooling{pooling_kind::average, {2, 2}}, {"conv"}});
    net.add({"flat", flatten{}, {"pool"}});
    net.add({"fc", dense{noise(10, 48, 3), tensor(numbered(2, 10))}, {"flat"}});
    subsampler const source(net, {});
    CHECK(source.spins() == 96 + 192 + 48 + 10);
    auto const glass = source.draw<double>(180, 2);
    CHECK(sizes_of(glass) == std::vector<std::size_t>{3 * 16, 6 * 16, 6 * 4, 5});
    auto const conv = kept(glass, 1);
    for (std::size_t k = 0; k < conv.size(); ++k) CHECK(conv[k] == conv[k / 16 * 16]);
    // A pooled value reads the four values of its own channel, as it did.
    auto const all = couplings_of(glass);
    auto const& pooled = all[glass.groups()[2].first + 5];  // channel 1, position (0, 1)
    std::size_t found = 0;
    for (std::size_t const place : {2u, 3u, 6u, 7u}) {
        CHECK(pooled.at(glass.groups()[1].first + 16 + place) == 0.25);
        ++found;
    }
    std::size_t from_maps = 0;
    for (auto const& [place, j] : pooled) from_maps += place < glass.groups()[2].first ? 1 : 0;
    CHECK(from_maps == found);
    // Couplings of a window stay the same at all positions.
    std::size_t const a = glass.groups()[1].first + 5, b = a + 1;
    CHECK(all[a].at(5) == all[b].at(6));
    // All spins of the network.
    auto const whole = to_spin_glass<double>(net);
    auto const same = source.draw<double>(346, 1);
    auto const x = couplings_of(same), y = couplings_of(whole);
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
        for (auto const& [place, j] : y[i]) worst = std::max(worst, std::abs(x[i].at(place) - j));
    CHECK(worst < 1e-10);
}
