// SPDX-License-Identifier: BSD-3-Clause
/// Models with a transition of first order, whose averages are exact sums: what a run gets wrong there, the
/// verdict must not certify. With every temperature of every ladder in one metastable state, replicas agree
/// with each other, nothing drifts, and ladders make a thousand round trips.
#include "../catch.hpp"
#include <spinet/ensemble/tempering.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/dense_ising.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/observable/magnetisation.hpp>
#include <spinet/observable/overlap.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/sample.hpp>
#include <spinet/statistics/equilibration.hpp>
#include <spinet/statistics/estimates.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

using namespace spinet;

namespace {

/// The Blume-Capel model on a complete graph, a site being two Ising spins a and b with sigma = (a + b) / 2:
/// E = -(K / M) sum_{i<j} sigma_i sigma_j + D sum_i a_i b_i. Source: Blume, Phys. Rev. 141, 517 (1966);
/// Capel, Physica 32, 966 (1966).
struct blume_capel {
    std::size_t sites;
    double k = 1, d = 0.2;

    [[nodiscard]] dense_ising<double> model() const {
        std::size_t const n = 2 * sites;
        auto j = row_major_array<double, 2>::from_shape({n, n});
        for (std::size_t a = 0; a < n; ++a)
            for (std::size_t b = 0; b < n; ++b)
                j(a, b) = a == b ? 0.0 : a / 2 == b / 2 ? -d : k / (4.0 * static_cast<double>(sites));
        return dense_ising<double>(j);
    }

    /// Energy and |m| for each spin: sums over the numbers of sites with sigma = 1, -1 and 0.
    struct averages {
        double energy = 0, magnetisation = 0;
    };
    [[nodiscard]] averages at(double temperature) const {
        auto const m = static_cast<double>(sites);
        auto const log_factorial = [](double n) { return std::lgamma(n + 1); };
        struct term {
            double log_weight, energy, magnetisation;
        };
        std::vector<term> terms;
        double largest = -1e300;
        for (std::size_t up = 0; up <= sites; ++up)
            for (std::size_t down = 0; up + down <= sites; ++down) {
                auto const u = static_cast<double>(up), v = static_cast<double>(down);
                double const zero = m - u - v, total = u - v;
                double const energy = -k / (2 * m) * (total * total - (u + v)) + d * (u + v - zero);
                double const log_weight = log_factorial(m) - log_factorial(u) - log_factorial(v) -
                                          log_factorial(zero) + zero * std::log(2.0) - energy / temperature;
                terms.push_back({log_weight, energy, std::abs(total)});
                largest = std::max(largest, log_weight);
            }
        double z = 0;
        averages result;
        for (auto const& each : terms) {
            double const weight = std::exp(each.log_weight - largest);
            z += weight;
            result.energy += weight * each.energy / (2 * m);
            result.magnetisation += weight * each.magnetisation / m;
        }
        return {result.energy / z, result.magnetisation / z};
    }
};

/// A planted p-spin glass: E = -N m^p, m being the overlap with a hidden pattern. m = 0 is metastable down to
/// T = 0 for p > 2; below a temperature of about 1 / ln 2 the pattern has nearly all the weight. The
/// energy has no pair couplings, so that no leading mode points at the pattern.
struct planted {
    static constexpr int p = 5;
    using spin_type = double;
    std::vector<double> pattern;

    planted(std::size_t n, std::uint64_t seed) : pattern(n) {
        stream(seed, 0, 0, purpose::testing).fill_signs(std::span(pattern));
    }
    [[nodiscard]] std::size_t size() const { return pattern.size(); }
    [[nodiscard]] double overlap_with(std::span<double const> spins) const {
        double sum = 0;
        for (std::size_t i = 0; i < size(); ++i) sum += spins[i] * pattern[i];
        return sum / static_cast<double>(size());
    }
    [[nodiscard]] double energy_of(double m) const { return -static_cast<double>(size()) * std::pow(m, p); }
    [[nodiscard]] double energy(std::span<double const> spins) const {
        return energy_of(overlap_with(spins));
    }
    [[nodiscard]] double energy_change(std::span<double const> spins, std::size_t i, double to) const {
        double const m = overlap_with(spins);
        return energy_of(m + (to - spins[i]) * pattern[i] / static_cast<double>(size())) - energy_of(m);
    }
    [[nodiscard]] double paramagnet_above() const { return 2; }

    /// For each spin, by a sum over the spins that agree with the pattern.
    [[nodiscard]] double energy_at(double temperature) const {
        auto const n = static_cast<double>(size());
        auto const exponent = [&](double k) {
            return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) -
                   energy_of(2 * k / n - 1) / temperature;
        };
        double largest = -1e300, z = 0, mean = 0;
        for (std::size_t k = 0; k <= size(); ++k)
            largest = std::max(largest, exponent(static_cast<double>(k)));
        for (std::size_t k = 0; k <= size(); ++k) {
            double const of = static_cast<double>(k), weight = std::exp(exponent(of) - largest);
            z += weight;
            mean += weight * energy_of(2 * of / n - 1) / n;
        }
        return mean / z;
    }
};

}  // namespace

TEST_CASE("a planted state among the starts of the plan is not overlooked", "[first_order]") {
    std::size_t const size = GENERATE(as<std::size_t>{}, 48, 96);
    std::uint64_t const seed = GENERATE(as<std::uint64_t>{}, 1, 2, 3);
    CAPTURE(size, seed);
    planted const model(size, seed);
    auto const ladder = geometric_temperatures(1.0, 2.5, 5);
    auto const wrongly_certified = [&](bool with_pattern) {
        run_plan plan{.replicas = 16, .warmup = 100, .sweeps = 400, .measure_every = 2, .seed = seed};
        if (with_pattern) {
            plan.starts = row_major_array<float, 2>::from_shape({1, size});
            for (std::size_t i = 0; i < size; ++i) plan.starts(0, i) = static_cast<float>(model.pattern[i]);
        }
        auto const made = sample(model, parallel_tempering(glauber{}, ladder),
                                 observables{energy{}, overlap{}}, plan, threads{});
        auto const verdicts = equilibration(made);
        auto const energies = mean_energy(made);
        std::size_t certified = 0;
        for (std::size_t k = 0; k < ladder.size(); ++k)
            if (std::abs(energies[k].value - model.energy_at(ladder[k])) > 0.1)
                certified += verdicts[k].equilibrated ? 1 : 0;
        return certified;
    };
    // Nothing in a run points at the pattern, so that it is missed, as docs/concepts.md says ...
    if (size == 96) CHECK(wrongly_certified(false) > 0);
    // ... unless the user names it.
    CHECK(wrongly_certified(true) == 0);
}

TEST_CASE("a state that only metastable replicas agree on is not certified", "[first_order]") {
    std::size_t const sites = GENERATE(as<std::size_t>{}, 32, 64, 128);
    std::uint64_t const seed = GENERATE(as<std::uint64_t>{}, 1, 2, 3);
    CAPTURE(sites, seed);
    blume_capel const exact{sites};
    auto const model = exact.model();
    auto const ladder = geometric_temperatures(0.06, 0.4, 16);
    auto const made = sample(
        model, parallel_tempering(glauber{}, ladder), observables{energy{}, overlap{}, magnetisation{}},
        run_plan{.replicas = 16, .warmup = 500, .sweeps = 2'000, .measure_every = 5, .seed = seed},
        threads{});
    auto const verdicts = equilibration(made);
    auto const energies = mean_energy(made), order = mean_abs_magnetisation(made);
    std::size_t wrong = 0;
    for (std::size_t k = 0; k < ladder.size(); ++k) {
        auto const right = exact.at(ladder[k]);
        double const off = std::max(std::abs(energies[k].value - right.energy) / 0.002,
                                    std::abs(order[k].value - right.magnetisation) / 0.1);
        if (off < 1) continue;
        ++wrong;
        CAPTURE(ladder[k], energies[k].value, right.energy, order[k].value, right.magnetisation);
        CHECK_FALSE(verdicts[k].equilibrated);
    }
    CAPTURE(wrong, made.round_trips_per_ladder());
    if (sites == 128) CHECK(wrong > 0);  // or nothing was tested
}
