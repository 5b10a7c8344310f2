// SPDX-License-Identifier: BSD-3-Clause
/// Moves of two replicas: they stay independent of each other, and in equilibrium.
#include "small_models.hpp"
#include <spinet/ensemble/pair_move.hpp>
#include <spinet/kernel/multi_spin.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

using namespace spinet;

namespace {

/// Five spins, a triangle with two tails, fields on three of them.
sparse_ising<float> five_spins() {
    return {5,
            {{0, 1, 0.9f}, {1, 2, -0.7f}, {2, 0, 0.5f}, {2, 3, 0.8f}, {0, 4, -0.6f}},
            {0.3f, 0, -0.4f, 0.2f, 0}};
}

/// Two replicas drawn exactly, moved once: the joint distribution of both, against the product of the exact
/// ones.
template <class Move>
spinet::testing::fit fit_of_pairs(Move const& move, double temperature, std::uint64_t seed) {
    auto const model = five_spins();
    spinet::testing::exact_distribution const exact(model, temperature);
    std::vector<double> product(1024);
    for (std::size_t k = 0; k < 1024; ++k)
        product[k] = exact.probabilities()[k / 32] * exact.probabilities()[k % 32];
    std::vector<std::uint64_t> counts(1024, 0);
    std::vector<float> a(5), b(5);
    stream const draws(seed, 0, 0, purpose::testing);
    for (std::uint32_t n = 0; n < 400'000; ++n) {
        spinet::testing::spins_of_state(exact.draw(uniform<double>(draws.bits(3 * n))), std::span(a));
        spinet::testing::spins_of_state(exact.draw(uniform<double>(draws.bits(3 * n + 1))), std::span(b));
        double const before = model.energy(a), of_both = before + model.energy(b);
        double const change = move(model, std::span(a), std::span(b), draws.bits(3 * n + 2));
        if (std::abs(model.energy(a) - before - change) > 1e-6) FAIL("the change of energy is wrong");
        if (std::abs(model.energy(a) + model.energy(b) - of_both) > 1e-6) FAIL("the sum of energies changed");
        ++counts[32 * spinet::testing::state_of_spins(std::span<float const>(a)) +
                 spinet::testing::state_of_spins(std::span<float const>(b))];
    }
    return spinet::testing::goodness_of_fit(counts, product);
}

/// Takes the first differing site of the lattice for the root, or, if the two agree there, the site of least
/// energy: a choice that depends on what the move changes.
struct greedy_clusters : isoenergetic_clusters {
    template <class M>
    double operator()(M const& model, std::span<float> a, std::span<float> b, std::uint32_t draw) const {
        if (model.energy(std::span<float const>(a)) < model.energy(std::span<float const>(b))) return 0;
        return isoenergetic_clusters::operator()(model, a, b, draw);
    }
};

}  // namespace

TEST_CASE("isoenergetic clusters leave two replicas independent and in equilibrium") {
    for (double const temperature : {0.7, 1.2, 2.5}) {
        auto const found = fit_of_pairs(isoenergetic_clusters{}, temperature, 5);
        CAPTURE(temperature, found.chi_square, found.degrees_of_freedom);
        CHECK(found.p_value > small_models::threshold);
    }
}

TEST_CASE("tempering with isoenergetic clusters stays in equilibrium") {
    small_models::require_invariance("graph", small_models::graph(), glauber{}, small_models::samples,
                                     energy_exchange{}, isoenergetic_clusters{});
    small_models::require_invariance("+-J graph", small_models::plus_minus_graph(), multi_spin{},
                                     small_models::samples, energy_exchange{},
                                     isoenergetic_clusters{.below = 1.5});
}

TEST_CASE("clusters that are only swapped where that lowers the energy of the first replica are rejected") {
    CHECK(fit_of_pairs(greedy_clusters{}, 1.2, 6).p_value < small_models::threshold);
}
