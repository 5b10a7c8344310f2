// SPDX-License-Identifier: BSD-3-Clause
/// Weights with a colour summed out, against a sum over all its states.
#include "../catch.hpp"
#include "../started.hpp"
#include "goes_on.hpp"
#include <spinet/ensemble/exchange.hpp>
#include <spinet/ensemble/tempering.hpp>
#include <spinet/ensemble/tile.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/kernel/mirrored.hpp>
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

using namespace spinet;

namespace {

xt::xtensor<double, 2> matrix(std::size_t rows, std::size_t columns, std::uint32_t row) {
    xt::xtensor<double, 2> m;
    m.resize({rows, columns});
    for (std::uint32_t k = 0; k < rows * columns; ++k)
        m.data()[k] = normal(stream(31, 0, row, purpose::testing), k);
    return m;
}

/// Groups of these sizes, with fields, and blocks between the given pairs of them.
network_glass<double> glass(std::vector<std::size_t> const& sizes,
                            std::vector<std::pair<std::size_t, std::size_t>> const& pairs) {
    std::vector<spin_group> groups;
    std::vector<double> fields;
    for (std::size_t g = 0; g < sizes.size(); ++g) {
        groups.push_back({"group " + std::to_string(g), 0, sizes[g]});
        for (std::size_t i = 0; i < sizes[g]; ++i)
            fields.push_back(
                normal(stream(32, 0, 0, purpose::testing), static_cast<std::uint32_t>(fields.size())));
    }
    std::vector<coupling_block<double>> blocks;
    for (auto const& [from, to] : pairs)
        blocks.push_back(
            dense_block<double>(from, to, matrix(sizes[to], sizes[from], static_cast<std::uint32_t>(to))));
    return {groups, fields, blocks};
}

/// ln of the sum of exp(-beta E) over all states of the sites, the other spins as they are.
template <class M>
double log_weight(M const& model, std::vector<double> spins, std::vector<std::size_t> const& sites,
                  double beta) {
    double const reference = -beta * model.energy(spins);
    double sum = 0;
    for (std::uint32_t state = 0; state < 1u << sites.size(); ++state) {
        for (std::size_t k = 0; k < sites.size(); ++k) spins[sites[k]] = (state >> k & 1u) != 0 ? 1 : -1;
        sum += std::exp(-beta * model.energy(spins) - reference);
    }
    return reference + std::log(sum);
}

template <class Kernel>
void check_ratio(Kernel const& kernel, network_glass<double> const& model, std::size_t colours,
                 std::size_t summed_out) {
    marginal_exchange const exchange;
    REQUIRE(model.colours() == colours);
    REQUIRE(exchange.summed_out(model) == summed_out);
    auto state = started(model, kernel, 2);
    std::vector<double> betas{0.3, 0.9};
    std::vector<std::size_t> sites;
    for (auto const range : model.colour(summed_out))
        for (std::size_t i = 0; i < range.size; ++i) sites.push_back(range.first + i);
    for (std::uint32_t s = 0; s < 5; ++s) {
        std::size_t pauses = 0;
        auto const pause = [&] {
            ++pauses;
            auto const rows = rows_of(model, state, 2);
            auto const weight = [&](std::size_t row, std::size_t at) {
                return log_weight(model, rows[row], sites, betas[at]);
            };
            double const expected = weight(0, 1) + weight(1, 0) - weight(0, 0) - weight(1, 1);
            CHECK(exchange.log_ratio(model, state, 0, 1, betas[0], betas[1]) ==
                  Approx(expected).epsilon(0).margin(1e-10));
            std::swap(betas[0], betas[1]);
        };
        kernel.sweep_redrawing(model, state, betas, {5, s, 0, purpose::spins}, summed_out, pause);
        CHECK(pauses == 1);
    }
}

}  // namespace

TEST_CASE("marginal weights are sums over all states of the colour", "[ensemble]") {
    for (auto const& [model, colours, summed] : {std::tuple{glass({5, 3, 2}, {{0, 1}, {1, 2}}), 2u, 0u},
                                                 {glass({2, 6, 3}, {{0, 1}, {1, 2}}), 2u, 1u},
                                                 {glass({4, 3, 2}, {{0, 1}, {1, 2}, {0, 2}}), 3u, 0u},
                                                 {glass({7}, {}), 1u, 0u}}) {
        check_ratio(glauber{}, model, colours, summed);
        check_ratio(metropolis{layer_blocks{}}, model, colours, summed);
    }
}

TEST_CASE("marginal weights of the largest fields are numbers", "[ensemble]") {
    // 1e38 is a third of the largest float; a sum of 4000 of them is none.
    std::vector<float> const fields(4000, 1e38f);
    CHECK(detail::log_2cosh_change(fields.data(), fields.size(), 1e-38, 2e-38) ==
          Approx(4000 * (std::log(std::cosh(2.0)) - std::log(std::cosh(1.0)))).epsilon(1e-5));
}

namespace {

/// A user's kernel on top of another: its sweep is more than that of its base.
struct derived_kernel : glauber<> {
    template <class M>
    void sweep(M const& model, state<M>& tile, std::span<double const> betas,
               sweep_draws const& draws) const {
        glauber<>::sweep(model, tile, betas, draws);
    }
};

struct no_such_colour : marginal_exchange {
    template <class M>
    static std::size_t summed_out(M const& model) noexcept {
        return model.colours();
    }
};

/// What a policy of a user's own may come to where it subtracts infinities.
struct undefined_exchange {
    static constexpr char const* name() noexcept { return "undefined"; }

    template <class M, class State>
    double log_ratio(M const&, State const&, std::size_t, std::size_t, double, double) const noexcept {
        return std::numeric_limits<double>::quiet_NaN();
    }
};

// The natural exchange suits model and kernel.
using network = network_glass<float>;
using natural = natural_exchange;
static_assert(std::is_same_v<exchange_for<natural, glauber<>, network>, marginal_exchange>);
static_assert(std::is_same_v<exchange_for<natural, metropolis<layer_blocks>, network>, energy_exchange>);
static_assert(std::is_same_v<exchange_for<natural, mirrored<glauber<>>, network>, marginal_exchange>);
static_assert(std::is_same_v<exchange_for<natural, mirrored<metropolis<>>, network>, energy_exchange>);
static_assert(std::is_same_v<exchange_for<natural, mirrored<derived_kernel>, network>, energy_exchange>);
static_assert(std::is_same_v<exchange_for<natural, derived_kernel, network>, energy_exchange>);
static_assert(std::is_same_v<exchange_for<natural, glauber<random_scan>, network>, energy_exchange>);
static_assert(std::is_same_v<exchange_for<natural, glauber<>, dense_ising<float>>, energy_exchange>);
static_assert(std::is_same_v<exchange_for<natural, multi_spin<>, sparse_ising<float>>, energy_exchange>);
static_assert(std::is_same_v<exchange_for<energy_exchange, glauber<>, network>, energy_exchange>);

}  // namespace

TEST_CASE("a colour that the model does not have is refused", "[ensemble]") {
    using wrong = tile<network_glass<double>, glauber<>, no_such_colour>;
    auto const model = glass({3, 2}, {{0, 1}});
    CHECK_THROWS_WITH(wrong(model, {}, {}, geometric_temperatures(1.0, 2.0, 3), 0, 2, 1),
                      Catch::Matchers::ContainsSubstring("the model has no colour 2"));
}

TEST_CASE("a ratio that is not a number swaps nothing", "[ensemble]") {
    auto const model = glass({3, 2}, {{0, 1}});
    tile<network_glass<double>, glauber<>, undefined_exchange> part(
        model, {}, {}, geometric_temperatures(1.0, 2.0, 3), 0, 2, 1);
    for (std::uint32_t s = 0; s < 10; ++s) part.advance(s);
    CHECK(part.counts().attempted == std::vector<std::uint64_t>{20, 20});
    CHECK(part.counts().accepted == std::vector<std::uint64_t>{0, 0});
}

TEST_CASE("a tile with marginal exchanges goes on from an archive as if it had not stopped", "[ensemble]") {
    // Three colours: the weights need the energies of the last sweep.
    auto const model = glass({4, 3, 2}, {{0, 1}, {1, 2}, {0, 2}});
    using tile_of = tile<network_glass<double>, glauber<>, marginal_exchange>;
    auto const temperatures = geometric_temperatures(0.5, 3.0, 4);
    tile_of going(model, {}, {}, temperatures, 0, 3, 7), fresh(model, {}, {}, temperatures, 0, 3, 7);
    require_goes_on(going, fresh, model.size());
}

namespace {

/// A graph with a variant of the model that the policy cannot show.
struct half_capped : energy_exchange {
    [[nodiscard]] rung_graph graph(ladder const& temperatures) const {
        auto made = ladder_graph(temperatures);
        made.rungs.push_back({temperatures[0], 1});
        return made;
    }
};

}  // namespace

TEST_CASE("variants of a model that a policy does not show are refused", "[ensemble]") {
    auto const model = sherrington_kirkpatrick(8, 1);
    CHECK_THROWS_WITH(
        parallel_tempering(glauber{}, ladder({1.0, 2.0}), half_capped{}).make_ensemble(model, 4, 1),
        Catch::Matchers::ContainsSubstring("no CappedExchange"));
}
