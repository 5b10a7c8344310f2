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
#include <spinet/sample.hpp>
#include <spinet/statistics/equilibration.hpp>
#include <spinet/statistics/estimates.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
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

}  // namespace

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
