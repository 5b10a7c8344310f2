// SPDX-License-Identifier: BSD-3-Clause
/// Population annealing and parallel tempering against enumeration: energy, <q^2>, free energy and P(q) of
/// the same instances.
#include "small_models.hpp"
#include <spinet/model/lattices.hpp>
#include <spinet/spinet.hpp>

#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <vector>

using namespace spinet;

namespace {

constexpr std::size_t replicas = 16, bins = 17;

/// 3 models x 2 methods x (4 temperatures x 4 means + 17 bins).
constexpr double comparisons = 3 * 2 * (4 * 4 + bins);

/// Is it within the error of 16 independent replicas of the exact value? Rounding of the model's floats:
/// 1e-6.
void check_mean(std::string const& name, double temperature, double found, double error, double exact) {
    double const allowed = student_t_quantile(1 - 0.001 / comparisons / 2, replicas - 1) * error /
                           spinet::detail::one_error_factor(replicas);
    CAPTURE(name, temperature, found, error, exact);
    CHECK(std::abs(found - exact) <= allowed + 1e-6);
}

template <class M, class Method>
void check_against_enumeration(std::string const& name, M const& model, Method const& method,
                               run_plan const& plan) {
    auto const seen = sample(model, method, observables{energy{}, overlap{}, overlap_histogram{bins}}, plan);
    auto const energies = mean_energy(seen), squares = mean_square_overlap(seen), free = free_energy(seen),
               disorder = entropy(seen);
    auto const sites = static_cast<double>(model.size());
    for (std::size_t const k : {0u, 4u, 8u, 12u}) {
        spinet::testing::exact_distribution const exact(model, seen.temperatures[k]);
        double const t = seen.temperatures[k];
        check_mean(name + ", energy", t, energies[k].value, energies[k].error, exact.mean_energy() / sites);
        check_mean(name + ", q^2", t, squares[k].value, squares[k].error,
                   exact.overlap_average([](double q) { return q * q; }));
        check_mean(name + ", free energy", t, free[k].value, free[k].error, exact.free_energy() / sites);
        check_mean(name + ", entropy", t, disorder[k].value, disorder[k].error,
                   (exact.mean_energy() - exact.free_energy()) / t / sites);
        CHECK(free[k].error < 1e-3 * (1 + t));
        // Errors of u and f are largely one error, so that s is better than both at low temperature.
        CHECK(disorder[k].error < 4e-3);
        CHECK(squares[k].error < 2e-2);
    }
    auto const exact =
        spinet::testing::exact_distribution(model, seen.temperatures[0]).overlap_distribution();
    auto const found = overlap_distribution(seen)[0];
    std::vector<double> expected(bins, 0.0), levels(bins, 0.0);
    for (std::size_t d = 0; d < exact.size(); ++d) {
        double const place = (sites - static_cast<double>(d)) / sites * bins, lower = std::floor(place);
        bool const on_edge = place == lower && d > 0 && lower > 0;
        auto const bin = std::min<std::size_t>(static_cast<std::size_t>(lower), bins - 1);
        expected[bin] += exact[d] * (on_edge ? 0.5 : 1.0);
        levels[bin] += on_edge ? 0.5 : 1.0;
        if (on_edge) expected[bin - 1] += exact[d] / 2, levels[bin - 1] += 0.5;
    }
    for (std::size_t b = 0; b < bins; ++b)
        check_mean(name + ", P(q)", found.overlap(b), found.density[b], found.error[b],
                   expected[b] / levels[b] * (sites + 1) / 2);
}

template <class M>
void check_both_methods(std::string const& name, M const& model, double lowest, double highest) {
    auto const temperatures = geometric_temperatures(lowest, highest, 13);
    check_against_enumeration(
        name + ", populations", model, population_annealing(glauber{}, temperatures, {.members = 1000}),
        {.replicas = replicas, .warmup = 0, .sweeps = 10, .measure_every = 10, .seed = 11});
    check_against_enumeration(
        name + ", tempering", model, parallel_tempering(glauber{}, temperatures),
        {.replicas = replicas, .warmup = 500, .sweeps = 10'000, .measure_every = 10, .seed = 12});
}

}  // namespace

TEST_CASE("population annealing and tempering agree with enumeration") {
    check_both_methods("SK", sherrington_kirkpatrick<float>(16, 5), 0.3, 10.0);
    check_both_methods("network", random_layered_glass<float>({7, 5, 4}, {0.3, 0.3}, 6), 0.8, 12.0);
    check_both_methods("+-J", edwards_anderson<float>({4, 4}, plus_minus_bonds{}, 7), 0.5, 15.0);
}

TEST_CASE("the free energy of SK above its transition is the known one") {
    // At T = 2 and N = 256, ln Z is Gaussian over disorder, with the mean N ln 2 + (N - 1) beta^2 / 4 - v / 2
    // and the variance v = (-ln(1 - beta^2) - beta^2) / 2 (Aizenman, Lebowitz, Ruelle, Commun. Math. Phys.
    // 112, 3 (1987)). 2 methods: 4.1 standard deviations are p = 4e-5 each.
    constexpr double n = 256, beta = 0.5;
    double const v = (-std::log(1 - beta * beta) - beta * beta) / 2;
    double const expected = -(n * std::numbers::ln2 + (n - 1) * beta * beta / 4 - v / 2) / (beta * n);
    auto const model = sherrington_kirkpatrick<float>(256, 21);
    ladder const temperatures({2, 2.5, 3.2, 4.2, 5.5, 7.5, 11, 18});
    auto const check = [&](auto const& method, run_plan const& plan) {
        auto const found = free_energy(sample(model, method, observables{energy{}, overlap{}}, plan))[0];
        double const scatter = std::hypot(std::sqrt(v) / (beta * n), found.error);
        CAPTURE(method.name(), found.value, found.error, expected, scatter);
        CHECK(std::abs(found.value - expected) < 4.1 * scatter);
        CHECK(found.error < 1e-3);
    };
    check(population_annealing(glauber{}, temperatures, {.members = 500}),
          {.replicas = 8, .warmup = 0, .sweeps = 10, .measure_every = 10});
    check(parallel_tempering(glauber{}, temperatures),
          {.replicas = 8, .warmup = 200, .sweeps = 2000, .measure_every = 10});
}
