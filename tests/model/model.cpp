// SPDX-License-Identifier: BSD-3-Clause
/// The laws of every model against naive loops: energies, energy changes, fields, colours.
#include "../files.hpp"
#include "pair_laws.hpp"
#include <spinet/concepts.hpp>
#include <spinet/model/dense_ising.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/network_glass.hpp>
#include <spinet/statistics/distributions.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

using namespace spinet;
using namespace pair_laws;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

static_assert(PairModel<dense_ising<float>> && PairModel<dense_ising<double>>);
static_assert(!BlockModel<dense_ising<float>> && !GroupedModel<dense_ising<float>>);
static_assert(BlockModel<network_glass<float>> && BlockModel<network_glass<double>>);
static_assert(GroupedModel<network_glass<float>> && GroupedModel<network_glass<double>>);
static_assert(MultilinearModel<network_glass<float>> && Model<dense_ising<double>>);
static_assert(!Model<int> && !Model<std::vector<float>>);
static_assert(std::is_convertible_v<rows_view<float>, rows_view<float const>>);
static_assert(!std::is_convertible_v<rows_view<float const>, rows_view<float>>);

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

template <class Real>
void check_glass(std::vector<std::size_t> const& sizes, std::vector<edge> const& edges, std::size_t colours) {
    CAPTURE(sizes, edges.size());
    auto const made = glass_on<Real>(sizes, edges);
    // Relative to the sum of all |J|: float fields carry 2^-24 per term.
    check_laws(made.glass, made.naive, std::is_same_v<Real, float> ? 1e-6 : 1e-13);
    check_colours(made, colours);
}

std::vector<spin_group> groups_of(std::vector<std::size_t> const& sizes) {
    std::vector<spin_group> groups;
    for (std::size_t g = 0; g < sizes.size(); ++g) groups.push_back({"g" + std::to_string(g), 0, sizes[g]});
    return groups;
}

}  // namespace

TEMPLATE_TEST_CASE("dense_ising: energies, changes, fields and couplings against a naive loop", "[model]",
                   float, double) {
    for (std::size_t const n : {1u, 2u, 7u, 8u, 9u, 40u}) {
        CAPTURE(n);
        auto couplings = random_matrix<TestType>(n, n, 3);
        for (std::size_t i = 0; i < n; ++i) {
            couplings(i, i) = 0;
            for (std::size_t j = 0; j < i; ++j) couplings(i, j) = couplings(j, i);
        }
        auto const fields = random_fields<TestType>(n, 1);
        auto tensor_fields = xt::xtensor<TestType, 1>::from_shape({n});
        std::copy(fields.begin(), fields.end(), tensor_fields.begin());
        double const tolerance = std::is_same_v<TestType, float> ? 1e-6 : 1e-13;
        check_laws(dense_ising<TestType>(couplings, tensor_fields), table_of<TestType>(couplings, fields),
                   tolerance);
        check_laws(dense_ising<TestType>(couplings),
                   table_of<TestType>(couplings, std::vector<TestType>(n, 0)), tolerance);
    }
}

TEMPLATE_TEST_CASE("network_glass: laws and colours on all kinds of graphs of groups", "[model]", float,
                   double) {
    check_glass<TestType>({5}, {}, 1);
    check_glass<TestType>({3, 4}, {{0, 1}}, 2);
    check_glass<TestType>({1, 1}, {{1, 0}}, 2);
    check_glass<TestType>({9, 5, 4, 3, 2}, {{0, 1}, {1, 2}, {2, 3}, {3, 4}}, 2);          // a chain
    check_glass<TestType>({4, 3, 2}, {{0, 1}, {1, 2}, {2, 0}}, 3);                        // a triangle
    check_glass<TestType>({2, 3, 4, 5}, {{0, 1}, {1, 2}, {2, 3}, {3, 0}}, 2);             // a ring of four
    check_glass<TestType>({2, 3, 2, 3, 2}, {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 0}}, 3);  // a ring of five
    check_glass<TestType>({4, 3, 5}, {{0, 2}}, 2);  // an isolated group between
    check_glass<TestType>({4, 3, 5}, {}, 1);
    check_glass<TestType>({3, 4}, {{0, 1}, {1, 0}, {0, 1}}, 2);  // several blocks on one pair
    check_glass<TestType>({2, 2, 2, 2}, {{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}}, 4);
    // Bipartite, but greedy colouring in the order of the groups would take three colours (a crown).
    check_glass<TestType>({2, 2, 2, 2, 2, 2}, {{0, 3}, {0, 5}, {2, 1}, {2, 5}, {4, 1}, {4, 3}}, 2);
    // Two parts that meet only late: a chain numbered 0-3-1, and 2 beside it.
    check_glass<TestType>({2, 3, 4, 2}, {{3, 0}, {3, 1}}, 2);
}

TEST_CASE("network_glass: blocks between the same two groups are one", "[model]") {
    // J twice, once from the other side, is 2 J; J and -J are nothing.
    xt::xtensor<double, 2> const j{{0.5, -0.25, 1.0}, {0.75, 0.125, -2.0}};
    xt::xtensor<double, 2> const turned = xt::transpose(j), twice = 2 * j, opposite = -j;
    std::vector<spin_group> const groups{{"a", 0, 3}, {"b", 0, 2}};
    std::vector<double> const none(5, 0.0);
    network_glass<double> const both(groups, none,
                                     {dense_block<double>(0, 1, j), dense_block<double>(1, 0, turned)}),
        one(groups, none, {dense_block<double>(0, 1, twice)}),
        free(groups, none, {dense_block<double>(0, 1, j), dense_block<double>(0, 1, opposite)});
    REQUIRE(both.blocks().size() == 1);
    std::vector<double> const spins{1, -1, 1, 1, -1};
    CHECK(both.energy(spins) == one.energy(spins));
    CHECK(free.energy(spins) == 0);
    auto const variance = [](network_glass<double> const& of) {
        double squares = 0;
        for (std::size_t site = 0; site < of.size(); ++site)
            of.for_each_coupling(site, [&](std::size_t, auto c) {
                for (double const each : c) squares += each * each;
            });
        return squares;
    };
    CHECK(variance(both) == variance(one));
    CHECK(variance(free) == 0);
}

TEST_CASE("the first field of a group is set by the glass, and names are kept", "[model]") {
    auto const glass = glass_on<float>({3, 4, 2}, {{0, 1}, {1, 2}}).glass;
    REQUIRE(glass.groups().size() == 3);
    CHECK(glass.groups()[0].first == 0);
    CHECK(glass.groups()[1].first == 3);
    CHECK(glass.groups()[2].first == 7);
    CHECK(glass.groups()[2].name == "g2");
    CHECK(glass.blocks().size() == 2);
    CHECK(glass.made_from().empty());
    network_glass<float> const described(groups_of({1}), {0.0f}, {}, {{"key", "value"}});
    CHECK(described.made_from() == provenance{{"key", "value"}});
}

TEST_CASE("energies stay exact where single precision sums would not", "[model]") {
    // 4096 couplings of 1 and one of 2^-13: a float sum would lose the last.
    auto weights = matrix<float>::from_shape({1, 4097});
    weights.fill(1.0f);
    weights(0, 4096) = 0x1p-13f;
    auto const glass = layered_glass<float>({weights});
    std::vector<float> const up(4098, 1.0f);
    CHECK(glass.energy(up) == -4096.0 - 0x1p-13);
    CHECK(glass.energy_change(up, 4097, -1.0f) == 2 * (4096.0 + 0x1p-13));
}

TEST_CASE("dense_ising refuses what is no symmetric coupling matrix", "[model]") {
    auto const refusal = [](std::size_t rows, std::size_t columns, auto change, std::size_t fields = 0) {
        auto j = matrix<double>::from_shape({rows, columns});
        j.fill(0.0);
        auto b = xt::xtensor<double, 1>::from_shape({fields});
        b.fill(0.0);
        change(j, b);
        return error_of([&] { return dense_ising<double>(j, b); });
    };
    auto const nothing = [](auto&, auto&) {};
    CHECK(refusal(0, 0, nothing) == "dense_ising: no spins");
    CHECK(refusal(3, 2, nothing) == "dense_ising: couplings of shape 3 x 2 are not square");
    CHECK(refusal(3, 3, nothing, 2) == "dense_ising: 2 fields, but couplings of shape 3 x 3");
    CHECK(refusal(3, 3, [](auto& j, auto&) { j(1, 1) = 1; }) ==
          "dense_ising: coupling (1, 1) is on the diagonal and must be 0");
    CHECK_THAT(refusal(3, 3, [](auto& j, auto&) { j(0, 0) = not_a_number; }),
               ContainsSubstring("coupling (0, 0)"));
    CHECK_THAT(refusal(3, 3, [](auto& j, auto&) { j(2, 1) = 1; }),
               ContainsSubstring("(2, 1)") && ContainsSubstring("but coupling (1, 2) is"));
    CHECK_THAT(refusal(3, 3, [](auto& j, auto&) { j(0, 2) = 1; }),
               ContainsSubstring("(2, 0)") && ContainsSubstring("but coupling (0, 2) is"));
    CHECK(refusal(3, 3, [](auto& j, auto&) { j(1, 2) = j(2, 1) = not_a_number; }) ==
          "dense_ising: coupling (2, 1) is not finite");
    CHECK(refusal(3, 3, [](auto& j, auto&) { j(1, 2) = j(2, 1) = HUGE_VAL; }) ==
          "dense_ising: coupling (2, 1) is not finite");
    CHECK_THAT(refusal(3, 3, [](auto& j, auto&) { j(1, 2) = not_a_number; }), ContainsSubstring("(2, 1)"));
    CHECK(refusal(
              3, 3, [](auto&, auto& b) { b(2) = not_a_number; }, 3) == "dense_ising: field 2 is not finite");
    CHECK(refusal(
              3, 3, [](auto&, auto& b) { b(0) = -HUGE_VAL; }, 3) == "dense_ising: field 0 is not finite");
    CHECK(refusal(3, 3, nothing, 3) == "nothing was thrown");
}

TEST_CASE("network_glass refuses parts that do not fit, naming them", "[model]") {
    auto const block = [](std::size_t from, std::size_t to, std::size_t rows, std::size_t columns) {
        auto w = matrix<float>::from_shape({rows, columns});
        w.fill(0.5f);
        return dense_block<float>(from, to, w);
    };
    auto const refusal = [](std::vector<std::size_t> const& sizes, std::size_t fields,
                            std::vector<coupling_block<float>> const& blocks) {
        return error_of(
            [&] { return network_glass<float>(groups_of(sizes), std::vector<float>(fields, 0.0f), blocks); });
    };
    CHECK(refusal({}, 0, {}) == "network_glass: no spins");
    CHECK(refusal({3, 0}, 3, {}) == "network_glass: group 1 (g1) has no spins");
    CHECK(refusal({3, 2}, 4, {}) == "network_glass: 5 spins in all groups, but 4 fields");
    CHECK(refusal({3, 2}, 0, {}) == "nothing was thrown");  // no fields
    CHECK(refusal({3, 2}, 5, {block(0, 0, 3, 3)}) == "network_glass: block 0 joins group g0 to itself");
    CHECK(refusal({3, 2}, 5, {block(0, 1, 2, 3), block(0, 2, 2, 3)}) ==
          "network_glass: block 1 joins a group that does not exist");
    CHECK(refusal({3, 2}, 5, {block(0, 1, 3, 2)}) ==
          "network_glass: block 0 has shape 3 x 2, but joins g1 (2 spins) to g0 (3 spins)");
    CHECK(refusal({3, 2}, 5, {block(0, 1, 2, 4)}) ==
          "network_glass: block 0 has shape 2 x 4, but joins g1 (2 spins) to g0 (3 spins)");
    CHECK(refusal({3, 2}, 5, {block(0, 1, 2, 3)}) == "nothing was thrown");

    auto bad = block(0, 1, 2, 3).weights();
    bad(1, 2) = static_cast<float>(not_a_number);
    CHECK(refusal({3, 2}, 5, {dense_block<float>(0, 1, bad)}) ==
          "network_glass: block 0 (g0 to g1): coupling (1, 2) is not finite");
    std::vector<float> fields(5, 0.0f);
    fields[4] = std::numeric_limits<float>::infinity();
    CHECK(error_of([&] {
              return network_glass<float>(groups_of({3, 2}), fields, {});
          }) == "network_glass: the field of spin 1 of group g1 is not finite");
    // Sizes whose sum overflows, and sizes beyond what BLAS can index.
    CHECK(refusal({std::numeric_limits<std::size_t>::max(), 2}, 1, {}) ==
          "network_glass: more spins than BLAS can index");
    CHECK(refusal({2, std::numeric_limits<std::size_t>::max()}, 1, {}) ==
          "network_glass: more spins than BLAS can index");
}

TEST_CASE("layered_glass: shapes, fields and refusals", "[model]") {
    auto const w0 = random_matrix<double>(3, 4, 0), w1 = random_matrix<double>(2, 3, 1);
    auto b1 = xt::xtensor<double, 1>::from_shape({3});
    b1(0) = 1, b1(1) = 2, b1(2) = 3;
    xt::xtensor<double, 1> const none = xt::xtensor<double, 1>::from_shape({0});
    auto const glass = layered_glass<double>({w0, w1}, {none, b1});
    CHECK(glass.groups().size() == 3);
    CHECK(glass.groups()[1].name == "layer 1");
    CHECK(std::vector<double>(glass.external_fields().begin(), glass.external_fields().end()) ==
          std::vector<double>{0, 0, 0, 0, 1, 2, 3, 0, 0});
    table naive(9);
    for (std::size_t i = 0; i < 3; ++i) {
        naive.fields[4 + i] = b1(i);
        for (std::size_t j = 0; j < 4; ++j) naive.couplings[4 + i][j] = naive.couplings[j][4 + i] = w0(i, j);
        for (std::size_t k = 0; k < 2; ++k)
            naive.couplings[4 + i][7 + k] = naive.couplings[7 + k][4 + i] = w1(k, i);
    }
    check_laws(glass, naive, 1e-13);
    CHECK(error_of([] { return layered_glass<double>({}); }) == "layered_glass: no weights");
    CHECK(error_of([&] {
              return layered_glass<double>({w0, w0});
          }) == "network_glass: block 1 has shape 3 x 4, but joins layer 2 (3 spins) to layer 1 (3 spins)");
    CHECK(error_of([&] {
              return layered_glass<double>({w0, w1}, {b1});
          }) == "layered_glass: layer 0 has 4 spins, but 3 fields");
    CHECK(error_of([&] {
              return layered_glass<double>({w0}, {none, none, b1});
          }) == "layered_glass: fields for more layers than there are");
}

TEMPLATE_TEST_CASE("Sherrington-Kirkpatrick couplings are symmetric and N(0, 1/N)", "[model]", float,
                   double) {
    constexpr std::size_t n = 300;
    auto const model = sherrington_kirkpatrick<TestType>(n, 12);
    double squares = 0, sum = 0;
    std::size_t asymmetric = 0, pairs = n * (n - 1) / 2;
    std::vector<std::vector<TestType>> rows(n);
    for (std::size_t i = 0; i < n; ++i)
        model.for_each_coupling(i, [&](std::size_t first, std::span<TestType const> c) {
            REQUIRE(first == 0);
            rows[i].assign(c.begin(), c.end());
        });
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < i; ++j) {
            asymmetric += rows[i][j] != rows[j][i] ? 1 : 0;
            double const z = static_cast<double>(rows[i][j]) * std::sqrt(static_cast<double>(n));
            sum += z;
            squares += z * z;
        }
    CHECK(asymmetric == 0);
    // Two-sided; a correct generator fails each in 1 of 10,000 seeds.
    double const dof = static_cast<double>(pairs);
    double const p_variance = chi_square_survival(squares, dof);
    CHECK(p_variance > 5e-5);
    CHECK(p_variance < 1 - 5e-5);
    CHECK(std::abs(sum / std::sqrt(dof)) < 3.89);
    auto const energy = [&](std::uint64_t seed, std::size_t size) {
        return sherrington_kirkpatrick<TestType>(size, seed).energy(random_spins<TestType>(size, 1));
    };
    CHECK(energy(12, 40) == energy(12, 40));
    CHECK(energy(12, 40) != energy(13, 40));
    CHECK(error_of([] { return sherrington_kirkpatrick<TestType>(0, 1); }) == "dense_ising: no spins");
}

TEST_CASE("random layered glasses have the variances asked for", "[model]") {
    std::vector<std::size_t> const sizes{80, 60, 50};
    std::vector<double> const variances{0.5, 0.0125};
    auto const glass = random_layered_glass<float>(sizes, variances, 5);
    REQUIRE(glass.blocks().size() == 2);
    CHECK(glass.size() == 190);
    for (std::size_t l = 0; l < 2; ++l) {
        auto const& w = std::get<dense_block<float>>(glass.blocks()[l]).weights();
        CHECK(w.shape()[0] == sizes[l + 1]);
        CHECK(w.shape()[1] == sizes[l]);
        double squares = 0;
        for (float const x : w) squares += static_cast<double>(x) * static_cast<double>(x) / variances[l];
        double const p = chi_square_survival(squares, static_cast<double>(w.size()));
        CAPTURE(l, squares);
        CHECK(p > 5e-5);  // two-sided, 1 of 10,000
        CHECK(p < 1 - 5e-5);
    }
    for (float const b : glass.external_fields()) CHECK(b == 0.0f);
    auto const& first = std::get<dense_block<float>>(glass.blocks()[0]).weights();
    auto const again = random_layered_glass<float>(sizes, variances, 5),
               other = random_layered_glass<float>(sizes, variances, 6);
    CHECK((std::get<dense_block<float>>(again.blocks()[0]).weights() == first));
    CHECK((std::get<dense_block<float>>(other.blocks()[0]).weights() != first));
    CHECK_THAT(error_of([] {
                   return random_layered_glass({4, 3}, {0.1, 0.1}, 1);
               }),
               ContainsSubstring("2 layers need one variance less, got 2"));
    CHECK_THAT(error_of([] { return random_layered_glass({4}, {}, 1); }), ContainsSubstring("1 layers"));
    CHECK_THAT(error_of([] { return random_layered_glass({}, {}, 1); }), ContainsSubstring("0 layers"));
    CHECK_THAT(error_of([] {
                   return random_layered_glass({4, 3, 2}, {0.1, -0.1}, 1);
               }),
               ContainsSubstring("variance 1 is negative"));
    CHECK_THAT(error_of([] {
                   return random_layered_glass({4, 3}, {not_a_number}, 1);
               }),
               ContainsSubstring("variance 0"));
    CHECK(error_of([] {
              return random_layered_glass({4, 0, 2}, {0.1, 0.1}, 1);
          }) == "network_glass: group 1 (layer 1) has no spins");
}
