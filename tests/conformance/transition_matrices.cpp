// SPDX-License-Identifier: BSD-3-Clause
/// Exact transition matrices: every rule and scan leaves the Boltzmann distribution invariant and is
/// irreducible.
#include "../statistical/small_models.hpp"

using namespace spinet;
using Catch::Approx;

namespace {

template <class Rule, class Scan, class M>
void require_correct_matrix(std::string const& name, M const& model) {
    ladder const temperatures = small_models::temperatures();
    for (double const t : temperatures.temperatures()) {
        CAPTURE(name, Rule::name(), Scan::name(), t);
        auto const matrix = spinet::testing::exact_sweep<Rule, Scan>(model, 1 / t, Scan::free_flips);
        spinet::testing::exact_distribution const exact(model, t);
        CHECK(matrix.invariance_error(exact.probabilities()) < 1e-13);
        CHECK(matrix.irreducible());
    }
}

template <class Rule>
void require_correct_matrices() {
    require_correct_matrix<Rule, random_scan>("layered", small_models::layered());
    require_correct_matrix<Rule, sequential_scan>("layered", small_models::layered());
    require_correct_matrix<Rule, layer_blocks>("layered", small_models::layered());
    require_correct_matrix<Rule, random_scan>("isolated spin", small_models::with_isolated_spin());
    require_correct_matrix<Rule, sequential_scan>("isolated spin", small_models::with_isolated_spin());
    require_correct_matrix<Rule, layer_blocks>("isolated spin", small_models::with_isolated_spin());
    require_correct_matrix<Rule, random_scan>("dense", small_models::dense());
    require_correct_matrix<Rule, sequential_scan>("dense", small_models::dense());
}

/// A ferromagnetic ring, as a dense model.
dense_ising<float> ring(std::size_t n) {
    xt::xtensor<float, 2> couplings;
    couplings.resize({n, n});
    couplings.fill(0.0f);
    for (std::size_t i = 0; i < n; ++i) couplings(i, (i + 1) % n) = couplings((i + 1) % n, i) = 1.0f;
    return dense_ising<float>(couplings);
}

}  // namespace

TEST_CASE("heat bath: exact sweeps are invariant and irreducible") {
    require_correct_matrices<heat_bath_rule>();
}

TEST_CASE("Metropolis: exact sweeps are invariant and irreducible") {
    require_correct_matrices<metropolis_rule>();
}

TEST_CASE(
    "sequential Metropolis that takes every free flip is reducible on a ring of 8; taking half of them mends "
    "it") {
    // Four closed classes of 16, 16, 112 and 112 states: docs/validation.md, "Numbers that tests use".
    auto const model = ring(8);
    CHECK(spinet::testing::exact_sweep<metropolis_rule, sequential_scan>(model, 0.7, zero_cost::accept)
              .closed_classes() == 4);
    CHECK(spinet::testing::exact_sweep<metropolis_rule, sequential_scan>(model, 0.7, zero_cost::accept_half)
              .irreducible());
    CHECK(spinet::testing::exact_sweep<heat_bath_rule, sequential_scan>(model, 0.7, zero_cost::accept_half)
              .irreducible());
    CHECK(spinet::testing::exact_sweep<metropolis_rule, random_scan>(model, 0.7, zero_cost::accept)
              .irreducible());
}

TEST_CASE("a pruned neuron flips on every sweep if every free flip is taken, on half of them otherwise") {
    auto const model = small_models::with_isolated_spin();
    std::size_t const isolated = 1;
    auto const flips = [&](zero_cost zero) {
        auto const sweep = spinet::testing::exact_sweep<metropolis_rule, layer_blocks>(model, 1.0, zero);
        double flipped = 0;
        for (std::size_t to = 0; to < sweep.states(); ++to)
            if ((to >> isolated & 1u) != 0) flipped += sweep.at(0, to);
        return flipped;
    };
    CHECK(flips(zero_cost::accept) == Approx(1.0));
    CHECK(flips(zero_cost::accept_half) == Approx(0.5));
}

TEST_CASE("enumeration reproduces closed forms") {
    // Ring of N spins by its transfer matrix (docs/validation.md): e = -0.817663 and C(2) = 0.696347.
    spinet::testing::exact_distribution const exact(ring(8), 1.0);
    CHECK(exact.mean_energy() / 8 == Approx(-0.817663).margin(1e-6));
    auto const correlation =
        exact.average([](std::uint64_t k) { return ((k & 1u) != 0) == ((k >> 2 & 1u) != 0) ? 1.0 : -1.0; });
    CHECK(correlation == Approx(0.696347).margin(1e-6));
    // Without couplings, q is a sum of N independent signs: <q^2> = 1/N.
    xt::xtensor<float, 2> none;
    none.resize({6, 6});
    none.fill(0.0f);
    spinet::testing::exact_distribution const free_spins(dense_ising<float>(none), 1.0);
    CHECK(free_spins.overlap_average([](double q) { return q * q; }) == Approx(1.0 / 6));
    CHECK(free_spins.overlap_distribution()[0] == Approx(1.0 / 64));
}
