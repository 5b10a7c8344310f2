// SPDX-License-Identifier: BSD-3-Clause
/// A trained 784-16-10 network against its exact partial enumeration (docs/validation.md).
#include "../catch.hpp"
#include <spinet/readers/load.hpp>
#include <spinet/spinet.hpp>
#include <spinet/testing/enumeration.hpp>
#include <spinet/testing/goodness_of_fit.hpp>
#include <spinet/testing/partial_enumeration.hpp>

#include <cmath>
#include <string>

using namespace spinet;
using Catch::Approx;

namespace {

network_glass<float> trained_glass() {
    return to_spin_glass(
        load_network(std::string(SPINET_SOURCE_DIR) + "/tests/data/fashion_784-16-10_trained.safetensors"));
}

}  // namespace

TEST_CASE("energy and <q^2> of a trained network agree with partial enumeration", "[slow]") {
    auto const glass = trained_glass();
    REQUIRE(glass.size() == 810);
    // lambda_max = 7.1: the top of the ladder is a paramagnet.
    ladder const temperatures({1.0, 1.4, 1.9, 2.5, 3.2, 4.1, 5.2, 6.6, 8.5});
    run_plan const plan{.replicas = 12, .warmup = 1000, .sweeps = 16'000, .measure_every = 10, .seed = 11};
    auto const sampled = sample(glass, parallel_tempering(glauber{}, temperatures),
                                observables{energy{}, overlap{}}, plan, threads{});
    single_threaded_blas const one_thread;  // two threads of BLAS for small products mostly wait
    auto const energies = mean_energy(sampled);
    auto const squares = mean_square_overlap(sampled);
    for (std::size_t const k : {std::size_t{0}, std::size_t{3}, std::size_t{6}}) {
        testing::partial_enumeration const exact(glass, temperatures[k]);
        CAPTURE(temperatures[k], energies[k].value, energies[k].error, exact.mean_energy() / 810,
                squares[k].value, squares[k].error);
        CHECK(energies[k].equilibrated);
        // Three errors: six comparisons, a chance of 2 to 3 % in all for a correct code
        // (t, 11 dof).
        CHECK(std::abs(energies[k].value - exact.mean_energy() / 810) < 3 * energies[k].error);
        CHECK(std::abs(squares[k].value - exact.mean_square_overlap()) < 3 * squares[k].error);
        // The errors are small enough for that to mean something.
        CHECK(energies[k].error < 5e-4);
        CHECK(squares[k].error < 2e-2 * squares[k].value);
    }
}

TEST_CASE("partial enumeration agrees with full enumeration where both are possible") {
    auto const glass = random_layered_glass<double>({6, 4, 5}, {0.2, 0.3}, 5);
    for (double const t : {0.4, 1.0, 3.0}) {
        testing::partial_enumeration const partial(glass, t);
        testing::exact_distribution const full(glass, t);
        CHECK(partial.mean_energy() == Approx(full.mean_energy()).epsilon(1e-10));
        CHECK(-t * partial.log_partition() == Approx(full.free_energy()).epsilon(1e-10));
        CHECK(partial.mean_square_overlap() ==
              Approx(full.overlap_average([](double q) { return q * q; })).epsilon(1e-10));
    }
}

TEST_CASE("partial enumeration draws exact samples", "[slow]") {
    auto const glass = random_layered_glass<float>({4, 2, 2}, {0.3, 0.5}, 6);
    testing::partial_enumeration const partial(glass, 0.8);
    testing::exact_distribution const full(glass, 0.8);
    std::vector<std::uint64_t> counts(256, 0);
    std::vector<float> spins(8);
    for (std::uint32_t n = 0; n < 400'000; ++n) {
        partial.draw(stream(9, n, 0, purpose::testing), std::span(spins));
        ++counts[testing::state_of_spins(std::span<float const>(spins))];
    }
    CHECK(testing::goodness_of_fit(counts, full.probabilities()).p_value > 0.001);
}

TEST_CASE("partial enumeration refuses what it cannot do") {
    CHECK_THROWS_WITH(testing::partial_enumeration(random_layered_glass<float>({30, 25}, {0.1}, 1), 1.0),
                      Catch::Matchers::ContainsSubstring("25 spins"));
    CHECK_THROWS_AS(testing::partial_enumeration(random_layered_glass<float>({3, 2}, {0.1}, 1), 0.0), error);
}
