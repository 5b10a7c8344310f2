// SPDX-License-Identifier: BSD-3-Clause
/// Capped models against enumeration: every rung of every variant stays in equilibrium, and what a capped
/// model is comes from a singular value decomposition of its own.
#include "small_models.hpp"
#include <spinet/ensemble/capped_models.hpp>
#include <spinet/kernel/mirrored.hpp>

#include <xtensor-blas/xlinalg.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

using namespace spinet;

namespace {

/// The energies of all states of the 3-3-2 network with the singular values of its couplings (first and last
/// layer against the middle one) cut.
std::vector<double> energies_with_cut(network_glass<double> const& model, double cut) {
    xt::xtensor<double, 2> couplings = xt::zeros<double>({3, 5});  // middle layer x the others
    std::array<std::size_t, 5> const others{0, 1, 2, 6, 7};
    for (std::size_t i = 0; i < 3; ++i)
        model.for_each_coupling(3 + i, [&](std::size_t first, std::span<double const> j) {
            for (std::size_t k = 0; k < j.size(); ++k) couplings(i, first == 0 ? k : 3 + k) = j[k];
        });
    auto const decomposed = xt::linalg::svd(couplings, false);
    xt::xtensor<double, 2> const u = std::get<0>(decomposed), v = std::get<2>(decomposed);
    xt::xtensor<double, 1> const values = std::get<1>(decomposed);
    xt::xtensor<double, 2> clipped = xt::zeros<double>({3, 5});
    for (std::size_t k = 0; k < 3; ++k)
        for (std::size_t i = 0; i < 3; ++i)
            for (std::size_t j = 0; j < 5; ++j) clipped(i, j) += std::min(values(k), cut) * u(i, k) * v(k, j);
    std::vector<double> energies(256), spins(8);
    for (std::uint64_t state = 0; state < 256; ++state) {
        spinet::testing::spins_of_state(state, std::span(spins));
        for (std::size_t i = 0; i < 8; ++i) energies[state] -= model.external_fields()[i] * spins[i];
        for (std::size_t i = 0; i < 3; ++i)
            for (std::size_t j = 0; j < 5; ++j)
                energies[state] -= clipped(i, j) * spins[3 + i] * spins[others[j]];
    }
    return energies;
}

network_glass<double> layered_in_double() {
    auto const of = small_models::layered();
    std::vector<coupling_block<double>> blocks;
    for (auto const& any : of.blocks()) {
        auto const& block = std::get<0>(any);
        blocks.push_back(dense_block<double>(block.from, block.to, xt::cast<double>(block.weights())));
    }
    auto const groups = of.groups();
    auto const fields = of.external_fields();
    return {{groups.begin(), groups.end()}, {fields.begin(), fields.end()}, blocks};
}

ladder const temperatures({0.7, 1.0, 1.4, 2.5});

/// The least p-value over all rungs after two sweeps with all exchanges, from exact starts at each.
/// `cut_factor` other than 1 makes the models others than those that the rungs start in.
template <class K>
double least_p(K const& kernel, std::uint64_t samples, double cut_factor) {
    auto const model = layered_in_double();
    double const top = leading_modes(model, 1).values[0];
    std::vector<double> const cuts{1e9, 0.9 * top, 0.6 * top};
    capped_models const models({{cut_factor * cuts[1], 0.9, 3}, {cut_factor * cuts[2], 0.7, 1.5}});
    auto const exchange = models.on(model);
    rung_graph const graph = graph_of(exchange, temperatures);
    REQUIRE(graph.rungs.size() == 4 + 3 + 3);
    std::vector<spinet::testing::exact_distribution> exact;
    for (auto const& rung : graph.rungs)
        exact.emplace_back(energies_with_cut(model, cuts[rung.variant]), rung.temperature);
    constexpr std::size_t ladders = 256;
    std::size_t const rungs = graph.rungs.size();
    std::vector<std::vector<std::uint64_t>> counts(rungs, std::vector<std::uint64_t>(256, 0));
    std::vector<std::uint32_t> bits(ladders * rungs);
    std::vector<double> spins(8);
    for (std::uint32_t round = 0; round < samples / ladders; ++round) {
        tile<network_glass<double>, K, capped_exchange<network_glass<double>>> part(
            model, kernel, exchange, temperatures, 0, ladders, child_seed(4, purpose::testing, round));
        stream(4, round, 0, purpose::testing).fill(0, bits);
        part.start([&](std::size_t row) {
            spinet::testing::spins_of_state(exact[row % rungs].draw(uniform<double>(bits[row])),
                                            std::span(spins));
            return std::span<double const>(spins);
        });
        part.advance(0);
        part.advance(1);
        for (std::size_t l = 0; l < ladders; ++l)
            for (std::size_t k = 0; k < rungs; ++k) {
                part.state().copy_row(part.row_at(l, k), std::span(spins));
                auto const state = spinet::testing::state_of_spins(std::span<double const>(spins));
                ++counts[k][state];
                if (cut_factor == 1 && l < 4)
                    REQUIRE(part.state().energies()[part.row_at(l, k)] ==
                            Approx(exact[k].energies()[state]).margin(1e-5));
            }
        if (round == 0)
            for (auto const n : part.counts().accepted) REQUIRE(n > 0);
    }
    double least = 1;
    for (std::size_t k = 0; k < rungs; ++k) {
        double const p = spinet::testing::goodness_of_fit(counts[k], exact[k].probabilities()).p_value;
        CAPTURE(kernel.name(), k, graph.rungs[k].variant, p);
        if (cut_factor == 1) CHECK(p > 0.001 / (2.0 * 10));  // 2 kernels x 10 rungs
        least = std::min(least, p);
    }
    return least;
}

}  // namespace

TEST_CASE("capped models leave every rung in equilibrium") {
    (void)least_p(glauber{}, 1'000'000, 1);
    (void)least_p(mirrored{metropolis{}}, 1'000'000, 1);
}

TEST_CASE("capped models whose cuts are 2 % off are rejected") {
    CHECK(least_p(glauber{}, 500'000, 0.98) < 0.001 / 20);
}
