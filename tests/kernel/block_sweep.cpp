// SPDX-License-Identifier: BSD-3-Clause
/// Updates from 16 random bits, refined where these do not decide, are those of 48 bits and exact
/// probabilities.
#include "../catch.hpp"
#include <spinet/kernel/block_sweep.hpp>
#include <spinet/random/streams.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

using namespace spinet;

namespace {

/// A rule that knows nothing of packs: Metropolis at half the rate.
struct lazy_rule {
    static constexpr char const* name() noexcept { return "lazy"; }

    template <class Real>
    static probability_ratio<Real> flip_ratio(Real x, zero_cost) noexcept {
        return {std::min(Real{1}, std::exp(-x)), Real{2}};
    }
};

/// p in double, by the standard library.
double exact(heat_bath_rule, double x) { return 1 / (1 + std::exp(x)); }
double exact(metropolis_rule, double x) { return std::abs(x) < no_cost ? 0.5 : x < 0 ? 1.0 : std::exp(-x); }
double exact(lazy_rule, double x) { return x < 0 ? 0.5 : std::exp(-x) / 2; }

/// Spins, fields and draws of which a third sit right at the probability, where 16 bits cannot decide.
template <class Rule, class Real>
void compare(std::size_t n, Real twice_beta, std::uint32_t round) {
    stream const random(20261122, round, 0, purpose::testing);
    std::vector<Real> spins(n), fields(n);
    std::vector<std::uint16_t> draws(n);
    std::vector<std::uint32_t> more(n);
    for (std::uint32_t k = 0; k < n; ++k) {
        spins[k] = (random.bits(4 * k) >> 31) != 0 ? Real{1} : Real{-1};
        fields[k] = static_cast<Real>(3 * normal(random, 3000 + k));
        if (k % 11 == 0) fields[k] = 0;
        if (k % 13 == 0) fields[k] *= 40;
        draws[k] = static_cast<std::uint16_t>(random.bits(4 * k + 1));
        more[k] = random.bits(4 * k + 2);
        double const p = exact(Rule{}, static_cast<double>(spins[k] * fields[k] * twice_beta));
        if (k % 3 == 0) draws[k] = static_cast<std::uint16_t>(std::min(65535.0, std::floor(65536 * p)));
    }
    std::vector<Real> expected = spins;
    for (std::size_t k = 0; k < n; ++k) {
        double const p = exact(Rule{}, static_cast<double>(spins[k] * fields[k] * twice_beta));
        double const u = (std::ldexp(draws[k], 32) + more[k] + 0.5) / std::ldexp(1.0, 48);
        if (u < p) expected[k] = -spins[k];
    }
    detail::update_spins<Rule>(std::span(spins), fields.data(), draws.data(), twice_beta,
                               [&](std::size_t k) { return more[k]; });
    CAPTURE(n, twice_beta, round, Rule::name());
    REQUIRE(spins == expected);
}

template <class Rule>
void compare_all() {
    std::uint32_t round = 0;
    for (std::size_t const n : {1u, 7u, 10u, 16u, 17u, 128u, 1000u, 1024u})
        for (double const twice_beta : {0.01, 0.5, 2.0, 30.0}) {
            compare<Rule, float>(n, static_cast<float>(twice_beta), ++round);
            compare<Rule, double>(n, twice_beta, ++round);
        }
}

}  // namespace

TEST_CASE("16 bits and their refinement give the exact heat bath", "[kernel]") {
    compare_all<heat_bath_rule>();
}
TEST_CASE("16 bits and their refinement give the exact Metropolis rule", "[kernel]") {
    compare_all<metropolis_rule>();
}
TEST_CASE("a rule without packs takes the same decisions", "[kernel]") { compare_all<lazy_rule>(); }
