// SPDX-License-Identifier: BSD-3-Clause
/// Graphs of rungs, and capped models: what they are, what they refuse, and that runs with them go on from
/// archives.
#include "../files.hpp"
#include "goes_on.hpp"
#include <spinet/ensemble/capped_models.hpp>
#include <spinet/ensemble/tile.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/testing/exact_start.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

void require_sound(rung_graph const& graph, ladder const& temperatures) {
    std::set<std::uint32_t> numbers;
    REQUIRE(graph.ladder_size == temperatures.size());
    for (std::size_t k = 0; k < graph.ladder_size; ++k) {
        CHECK(graph.rungs[k].temperature == temperatures[k]);
        CHECK(graph.rungs[k].variant == 0);
    }
    for (auto const& round : graph.rounds) {
        std::set<std::uint32_t> taken;
        for (auto const& [a, b, number] : round) {
            CHECK(numbers.insert(number).second);
            CHECK(taken.insert(a).second);
            CHECK(taken.insert(b).second);
            auto const &one = graph.rungs[a], &other = graph.rungs[b];
            CHECK((one.variant == other.variant) != (one.temperature == other.temperature));
            if (number + 1 < graph.ladder_size) CHECK((a == number && b == number + 1));
        }
    }
    CHECK(numbers.size() == graph.links);
    if (!numbers.empty()) CHECK(*numbers.rbegin() == graph.links - 1);
}

/// A pair move of a user's own, which networks take; it counts its calls.
struct counted_pairs {
    std::size_t* calls;
    [[nodiscard]] static std::string name() { return "counted"; }
    [[nodiscard]] static double highest() { return 1.0; }
    template <class M>
    double operator()(M const&, std::span<double>, std::span<double>, std::uint32_t) const {
        ++*calls;
        return 0;
    }
};

}  // namespace

TEST_CASE("graphs of rungs: ladders, and variants beside them", "[ensemble]") {
    for (std::size_t const n : {1u, 2u, 5u}) {
        ladder const temperatures = n == 1 ? ladder({1.0}) : geometric_temperatures(1, 2, n);
        auto const graph = ladder_graph(temperatures);
        require_sound(graph, temperatures);
        CHECK(graph.links == n - 1);
        CHECK(graph.rounds.size() == 2);
    }
    ladder const temperatures({1, 2, 3, 4, 5, 6});
    std::vector<std::pair<double, double>> const ranges{{2, 5}, {4, 6}, {1, 1}, {2.1, 2.9}};
    auto const graph =
        graph_of_variants(temperatures, 2, [&](std::size_t capped) { return ranges[capped - 1]; });
    require_sound(graph, temperatures);
    // Lanes of 4 and 3 rungs; links along them 5 + 3 + 2, across 4 and 2 (T = 4, 5).
    CHECK(graph.rungs.size() == 6 + 4 + 3);
    CHECK(graph.links == 5 + 3 + 2 + 4 + 2);
    REQUIRE(graph.rounds.size() == 4);
    CHECK(graph.rounds[1].size() == 4);
    CHECK(graph.rounds[3].size() == 2);
    CHECK_THAT(error_of([&] {
                   return graph_of_variants(temperatures, 3,
                                            [&](std::size_t capped) { return ranges[capped - 1]; })
                       .links;
               }),
               ContainsSubstring("model 3, from T = 1 to"));
    CHECK_THAT(error_of([&] {
                   return graph_of_variants(temperatures, 1, [&](std::size_t) { return ranges[3]; }).links;
               }),
               ContainsSubstring("has no temperature of the ladder in common"));
}

TEST_CASE("capped models: refusals, and the modes that they take", "[ensemble]") {
    auto const refusal = [](std::vector<capped_model> const& models) {
        return error_of([&] { return capped_models(models); });
    };
    double const none = std::nan("");
    CHECK(refusal({}) == "capped_models: no models");
    CHECK_THAT(refusal({{0, 1, 2}}), ContainsSubstring("model 1 has the cut 0"));
    CHECK_THAT(refusal({{none, 1, 2}}), ContainsSubstring("model 1 has the cut"));
    CHECK_THAT(refusal({{2, 1, 2}, {2, 1, 2}}), ContainsSubstring("model 2 has the cut 2"));
    CHECK_THAT(refusal({{2, 3, 2}}), ContainsSubstring("model 1 goes from T = 3"));
    CHECK_THAT(refusal({{2, none, 2}}), ContainsSubstring("model 1 goes from T ="));
    auto const model = random_layered_glass<double>({60, 50, 40}, {0.02, 0.02}, 1);
    auto const modes = leading_modes(model, 40);
    CHECK_THAT(error_of([&] {
                   return capped_models({{modes.values[33], 1, 2}}).on(model).name();
               }),
               ContainsSubstring("more than 32 eigenvalues"));
    CHECK(capped_models({{2.5, 0.5, 2}, {1.5, 0.25, 1}}).name() ==
          "spectral exchange, capped model of eigenvalues up to 2.5 from T = 0.5 to 2, capped model of "
          "eigenvalues up to 1.5 "
          "from T "
          "= 0.25 to 1");
    // Held down, no eigenvalue is above the cut: J of variant 1, column by column, from its fields.
    double const cut = (modes.values[2] + modes.values[3]) / 2;
    auto const exchange = capped_models({{cut, 1, 2}}).on(model);
    std::vector<std::uint32_t> const variant_1{1};
    auto const view = exchange.view(model, variant_1);
    auto const found = leading_eigenpairs(
        model.size(), 4,
        [&](std::span<double const> x, std::span<double> y) {
            view.fields({x.data(), 1, x.size(), x.size()}, {y.data(), 1, x.size(), x.size()});
        },
        {.tolerance = 1e-8});
    CHECK(found.values[0] == Approx(cut).epsilon(1e-7));
    CHECK(found.values[3] < modes.values[2]);
    network_glass<float> const three(
        {{"a", 0, 1}, {"b", 0, 1}, {"c", 0, 1}}, {0, 0, 0},
        {dense_block<float>(0, 1, xt::ones<float>({1, 1})), dense_block<float>(1, 2, xt::ones<float>({1, 1})),
         dense_block<float>(0, 2, xt::ones<float>({1, 1}))});
    CHECK_THAT(error_of([&] {
                   return capped_models({{1, 1, 2}}).on(three).name();
               }),
               ContainsSubstring("3 colours"));
}

TEST_CASE("suggested capped models lie between the two leading eigenvalues", "[ensemble]") {
    for (std::vector<std::size_t> const& sizes :
         {std::vector<std::size_t>{60, 50}, {600, 500, 400}, {3, 2}}) {
        auto const model = random_layered_glass<float>(sizes, std::vector<double>(sizes.size() - 1, 0.02), 1);
        auto const modes = leading_modes(model, 2);
        auto const models = suggested_capped_models(model).models();
        REQUIRE(!models.empty());
        CHECK(models.size() <= 6);
        for (auto const& capped : models) {
            CHECK(capped.cut < modes.values[0]);
            CHECK(capped.cut > 0.9 * modes.values[1]);
            CHECK(capped.lowest < capped.highest);
        }
        CHECK(models.back().highest == modes.values[0]);
    }
    auto const one_mode = random_layered_glass<float>({5, 1}, {0.5}, 1);
    CHECK_THAT(error_of([&] { return suggested_capped_models(one_mode).name(); }),
               ContainsSubstring("two positive"));
}

TEST_CASE("a tile with capped models goes on from an archive as if it had not stopped", "[ensemble]") {
    auto const model = random_layered_glass<double>({12, 9, 7}, {0.2, 0.2}, 3);
    double const top = leading_modes(model, 1).values[0];
    auto const exchange = capped_models({{0.8 * top, 0.4, 3}}).on(model);
    using tile_of = tile<network_glass<double>, glauber<>, capped_exchange<network_glass<double>>>;
    auto const temperatures = geometric_temperatures(0.3, 3.0, 6);
    tile_of going(model, {}, exchange, temperatures, 0, 3, 7),
        fresh(model, {}, exchange, temperatures, 0, 3, 7);
    require_goes_on(going, fresh, model.size());
}

TEST_CASE("pair moves are made on the rungs of the model, and not on capped models", "[ensemble]") {
    auto const model = random_layered_glass<double>({12, 9, 7}, {0.2, 0.2}, 3);
    double const top = leading_modes(model, 1).values[0];
    auto const exchange = capped_models({{0.8 * top, 0.4, 3}}).on(model);
    ladder const temperatures({0.5, 0.7, 1.0, 2.0});
    REQUIRE(graph_of(exchange, temperatures).rungs.size() > temperatures.size());
    std::size_t calls = 0;
    tile<network_glass<double>, glauber<>, capped_exchange<network_glass<double>>, counted_pairs> part(
        model, {}, exchange, temperatures, 0, 4, 7, {&calls});
    std::vector<double> const up(model.size(), 1.0);
    part.start([&](std::size_t) { return std::span<double const>(up); });
    part.advance(0);
    CHECK(calls == 2 * 3);  // pairs of ladders, temperatures up to 1
}

TEST_CASE("fits by enumeration refuse rungs of other models", "[ensemble]") {
    auto const model = random_layered_glass<double>({5, 4}, {0.4}, 3);
    double const cut = 0.9 * leading_modes(model, 1).values[0];
    CHECK_THAT(error_of([&] {
                   return testing::fit_each_move(model, glauber{}, capped_models({{cut, 0.5, 2}}),
                                                 ladder({0.5, 1, 2}), 256, 1)
                       .swept.size();
               }),
               ContainsSubstring("3 temperatures, but the exchange has 6 rungs"));
}
