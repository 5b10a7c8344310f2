// SPDX-License-Identifier: BSD-3-Clause
/// Verdicts, free energies and P(q) of runs whose temperature falls.
#include "../catch.hpp"
#include <spinet/spinet.hpp>
#include <spinet/testing/enumeration.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

auto const measured = observables{energy{}, overlap{}, overlap_histogram{9}};

sparse_ising<float> ring() {
    std::vector<bond<float>> bonds;
    for (std::uint32_t i = 0; i < 8; ++i) bonds.push_back({i, (i + 1) % 8, 1.0f});
    return {8, bonds};
}

auto annealed_populations() {
    return sample(ring(), population_annealing(glauber{}, ladder({1.0, 1.5, 3.0}), {.members = 3000}),
                  measured, {.replicas = 8, .warmup = 0, .sweeps = 10, .measure_every = 10});
}

std::string reasons_at(auto const& of, std::size_t k) {
    std::string all;
    auto const verdicts = equilibration(of);
    for (auto const& reason : verdicts[k].reasons) all += reason + "\n";
    return all;
}

}  // namespace

TEST_CASE("population annealing of a ring passes, and agrees with its transfer matrix",
          "[statistics][slow]") {
    auto const seen = annealed_populations();
    REQUIRE(seen.complete());
    REQUIRE(seen.populations);
    auto const energies = mean_energy(seen), free = free_energy(seen);
    for (std::size_t k = 0; k < 3; ++k) {
        CHECK(reasons_at(seen, k) == "");
        double const beta = 1 / seen.temperatures[k], t = std::tanh(beta);
        double const z = std::pow(2 * std::cosh(beta), 8) + std::pow(2 * std::sinh(beta), 8);
        double const e = -(t + std::pow(t, 7)) / (1 + std::pow(t, 8));
        // 8 populations: Student's t with 7 degrees of freedom, 0.001 over 6 comparisons, is 7.1 errors.
        CHECK(std::abs(energies[k].value - e) < 7.1 * energies[k].error);
        CHECK(std::abs(free[k].value + std::log(z) / (8 * beta)) < 7.1 * free[k].error);
        CHECK(std::isnan(energies[k].tau));
        CHECK(energies[k].error < 0.01);
    }
    CHECK(mean_energy(seen)[0].value == Approx(-0.817663).margin(0.02));  // ORACLE: the ring of 8 at T = 1
}

TEST_CASE("populations that are too small, or disagree, are found out", "[statistics]") {
    auto seen = annealed_populations();
    auto const good = *seen.populations;
    for (std::size_t p = 0; p < 8; ++p) seen.populations->family_size[8 + p] = 31;  // at the middle rung
    CHECK_THAT(reasons_at(seen, 1), ContainsSubstring("rho_t is 31: populations of 3000 members have 96.77 "
                                                      "independent families, 100 are asked for"));
    CHECK_THAT(reasons_at(seen, 0), ContainsSubstring("T = 1.5 above it is not equilibrated"));
    CHECK(reasons_at(seen, 2) == "");
    for (std::size_t p = 0; p < 8; ++p) seen.populations->family_size[8 + p] = 29;
    CHECK(reasons_at(seen, 1) == "");
    // Half of the populations lost a state: ln Z = x or x + d, a variance of d^2 / 4 * 8 / 7.
    for (std::size_t p = 0; p < 8; ++p)
        seen.populations->log_partition[p] = 5 + 0.7 * static_cast<double>(p % 2);
    CHECK_THAT(reasons_at(seen, 0),
               ContainsSubstring("the variance of ln Z over populations is 0.14, above 0.1"));
    for (std::size_t p = 0; p < 8; ++p)
        seen.populations->log_partition[p] = 5 + 0.5 * static_cast<double>(p % 2);
    CHECK(reasons_at(seen, 0) == "");
    // A population counts by its Z: those with exp(0.5) times the Z by that, pairs by the product.
    auto const weights = seen.weights_at(0);
    CHECK(weights[1] == 1);
    CHECK(weights[0] == Approx(std::exp(-0.5)));
    double sum = 0, total = 0;
    for (std::size_t p = 0; p < 8; ++p) {
        sum += weights[p] * seen.of<energy>()[0].sum(3, p, 0) / 3000;
        total += weights[p];
    }
    CHECK(mean_energy(seen)[0].value == Approx(sum / total).epsilon(1e-12));
    // Z is averaged, not ln Z.
    CHECK(free_energy(seen)[0].value == Approx(-(5 + std::log((1 + std::exp(0.5)) / 2)) / 8));
    seen.populations = good;
    seen.populations->family_size[16] = std::nan("");
    CHECK_THAT(reasons_at(seen, 2), ContainsSubstring("rho_t"));
}

TEST_CASE("an annealing never passes, and tells how far it came", "[statistics]") {
    auto const method = annealing(glauber{}, ladder({1.0, 1.5, 3.0}));
    run_plan const plan{.replicas = 64, .warmup = 100, .sweeps = 1000, .measure_every = 10};
    auto const whole = sample(ring(), method, measured, plan);
    REQUIRE(whole.complete());
    CHECK(whole.anneals);
    CHECK_FALSE(whole.populations);
    CHECK(whole.sweeps_total == 3 * 1100);
    CHECK(whole.measurements() == 100);
    for (std::size_t k = 0; k < 3; ++k)
        CHECK(reasons_at(whole, k) == "an annealing does not wait for equilibrium\n");
    CHECK(mean_energy(whole)[0].value == Approx(-0.817663).margin(5 * mean_energy(whole)[0].error));

    auto const part = sample(ring(), method, measured, plan, serial{},
                             [](progress const& now) { return now.sweeps_done < 1500; });
    CHECK_FALSE(part.complete());
    CHECK(part.of<energy>()[2].count() == 100);
    CHECK(part.of<energy>()[1].count() > 20);
    CHECK(part.of<energy>()[0].count() == 0);
    auto const points = mean_energy(part);
    CHECK(std::isfinite(points[2].value));
    CHECK(std::isnan(points[0].value));
    CHECK_FALSE(points[0].equilibrated);
    CHECK_THAT(reasons_at(part, 0), ContainsSubstring("the run did not come to this temperature"));
    auto const free = free_energy(part);
    CHECK(std::isfinite(free[2].value));
    CHECK(std::isnan(free[0].value));
    auto const distributions = overlap_distribution(part);
    CHECK(distributions[0].density.size() == 0);
    double total = 0;
    for (std::size_t b = 0; b < 9; ++b) total += distributions[2].density[b] * distributions[2].covers[b];
    CHECK(total == Approx(1));
}

TEST_CASE("the integral of energies is exact for energies of third order in beta", "[statistics]") {
    // E = c1 b + c2 b^2 + c3 b^3, so dE/dbeta = -variance.
    auto const at = [](double b) {
        return detail::energy_moments{b, -2 * b + 0.7 * b * b + 0.3 * b * b * b, 2 - 1.4 * b - 0.9 * b * b};
    };
    std::vector<detail::energy_moments> const points{at(0), at(0.4), at(0.5), at(1.1), at(1.3)};
    double const exact = -1.3 * 1.3 + 0.7 * std::pow(1.3, 3) / 3 + 0.3 * std::pow(1.3, 4) / 4;
    CHECK(detail::integral_of_energy(points) == Approx(exact).epsilon(1e-13));
    CHECK(detail::integral_of_energy({at(0)}) == 0);
    CHECK(detail::errors_of_intervals({at(0)}).empty());
    for (double const each : detail::errors_of_intervals({at(0), at(0.4)})) CHECK(each > 0);
}

TEST_CASE("the error of an integral of energies covers it, whatever the ladder", "[statistics]") {
    // Exact moments of the 4 x 4 Ising model and of a glass: ladders with few temperatures, uneven ones, and
    // ones that begin within the transition.
    auto const check = [](std::vector<double> const& energies, double most) {
        auto const moments_at = [&](double beta) {
            double z = 0, first = 0, second = 0;
            for (double const e : energies) {
                double const w = std::exp(-beta * e);
                z += w;
                first += w * e;
                second += w * e * e;
            }
            first /= z;
            return std::pair{detail::energy_moments{beta, first, second / z - first * first}, std::log(z)};
        };
        for (std::vector<double> const& temperatures : {std::vector<double>{20, 2, 0.5},
                                                        {20, 6, 2, 0.5},
                                                        {20, 10, 5, 2.5, 1.25},
                                                        {20, 8, 3.2, 1.3},
                                                        {2, 1.8, 1.6, 1.4, 1.2, 1, 0.8, 0.6, 0.4, 0.2},
                                                        {2},
                                                        {1},
                                                        {3, 2.9, 0.4},
                                                        {4, 2, 1, 0.9, 0.8, 0.3}}) {
            std::vector<detail::energy_moments> path{moments_at(0).first};
            for (double const t : temperatures) {
                path.push_back(moments_at(1 / t).first);
                double error = 0;
                for (double const each : detail::errors_of_intervals(path)) error += each;
                double const exact = moments_at(0).second - moments_at(1 / t).second;
                CAPTURE(temperatures, t, error, exact);
                CHECK(std::abs(detail::integral_of_energy(path) - exact) < most * error + 1e-12);
            }
        }
    };
    check(spinet::testing::all_energies(ising_lattice<double>({4, 4})), 1.5);
    for (std::uint64_t seed = 1; seed <= 5; ++seed)
        check(spinet::testing::all_energies(sherrington_kirkpatrick<double>(10, seed)), 3);
}

TEST_CASE("free energies from a ladder that begins too low say so", "[statistics]") {
    // The 4 x 4 Ising model from T = 4.8, 1.2 lambda_max, on: one interval of the integral is half of its
    // way.
    auto const model = ising_lattice({4, 4});
    for (auto const& temperatures :
         {std::vector<double>{4.8}, {3.6, 4.8}, {3, 3.8, 4.8}, {2.6, 3.1, 3.9, 4.8}}) {
        auto const free = free_energy(sample(
            model, parallel_tempering(glauber{}, ladder(temperatures)), observables{energy{}, overlap{}},
            {.replicas = 8, .warmup = 100, .sweeps = 4000, .measure_every = 4}));
        for (std::size_t k = 0; k < temperatures.size(); ++k) {
            spinet::testing::exact_distribution const exact(model, temperatures[k]);
            CAPTURE(temperatures.size(), temperatures[k], free[k].value, free[k].error,
                    exact.free_energy() / 16);
            // Jackknife errors of 8 replicas (0.001 over 10 comparisons: 7.6), on top of the integration's.
            CHECK(std::abs(free[k].value - exact.free_energy() / 16) < 7.6 * free[k].error);
            CHECK(free[k].error > 5e-4);
        }
    }
}
