// SPDX-License-Identifier: BSD-3-Clause
/// Laws of disordered models that hold whatever the couplings happen to be.
#include "../../docs/examples/sk_identity.hpp"
#include "../catch.hpp"
#include <spinet/mean_field/bond_matrix.hpp>
#include <spinet/spinet.hpp>

#include <cmath>
#include <numbers>
#include <vector>

using namespace spinet;

TEST_CASE("SK: [u] = -(beta/2)(1 - [<q^2>]) at N = 32, T = 0.6") {
    // The fast form; docs/examples/sk_identity.cpp has the full one.
    auto const result = check_sk_identity(32, 0.6, 300, 21, [](std::size_t) { return true; });
    CAPTURE(result.energy, result.prediction, result.difference, result.difference_error);
    // Normal, p = 0.001: 3.29 errors.
    CHECK(std::abs(result.difference) < 3.29 * result.difference_error);
    CHECK(result.difference_error < 0.02 * std::abs(result.energy));
    // Below the value of the paramagnet, -beta/2, which a kernel at infinite temperature for q would give.
    CHECK(result.energy > -0.5 / 0.6 + 10 * result.energy_error);
}

namespace {

struct mean_and_error {
    double mean, error;
};

mean_and_error over_instances(std::vector<double> const& values) {
    auto const n = static_cast<double>(values.size());
    double sum = 0, squares = 0;
    for (double const v : values) sum += v, squares += v * v;
    return {sum / n, std::sqrt((squares / n - sum * sum / n / n) / (n - 1))};
}

/// <|q|> of the lowest temperature of a ladder, for several instances of a layered random network.
std::vector<double> abs_overlaps(std::vector<std::size_t> const& sizes, ladder const& temperatures,
                                 std::size_t instances, run_plan plan) {
    std::vector<double> values;
    for (std::uint32_t n = 0; n < instances; ++n) {
        plan.seed = child_seed(5, purpose::couplings, n);
        auto const model = random_layered_glass<float>(
            sizes, {1.0 / static_cast<double>(sizes[0]), 1.0 / static_cast<double>(sizes[1])}, plan.seed);
        auto const run =
            sample(model, parallel_tempering(glauber{}, temperatures), observables{overlap{}}, plan);
        values.push_back(sums_over_all(run.of<overlap>()[0]).mean(plan.replicas, moments::absolute));
    }
    return values;
}

}  // namespace

TEST_CASE("layered random network [800,200,100]: paramagnet above T_c = 0.9306, overlap below") {
    std::vector<std::size_t> const large{800, 200, 100}, small{400, 100, 50};
    std::vector<double> const variances{1.0 / 800, 1.0 / 200};
    CHECK(t_formula(large, variances) == Catch::Approx(0.9306).margin(5e-5));

    // Well above: sqrt(N) <|q|> does not depend on the size, and is that of a Gaussian q with the exact
    // variance.
    double const above = 2.0;
    run_plan const short_plan{
        .replicas = 8, .warmup = 200, .sweeps = 2000, .measure_every = 10, .from = start::hot};
    double const expected =
        std::sqrt(2 / std::numbers::pi * paramagnet_overlap_variance(large, variances, above));
    for (auto const& sizes : {large, small}) {
        double const root = std::sqrt(static_cast<double>(sizes[0] + sizes[1] + sizes[2]));
        auto const measured = over_instances(abs_overlaps(sizes, ladder({above}), 8, short_plan));
        CAPTURE(sizes[0], root * measured.mean, root * measured.error, expected);
        // t with 7 degrees of freedom, p = 0.001 / 2 comparisons; and small enough to tell it from the floor.
        CHECK(root * std::abs(measured.mean - expected / root) <
              student_t_quantile(1 - 0.001 / 4, 7) * root * measured.error);
        CHECK(root * measured.error < 0.02 * expected);
    }

    // Below: the overlap does not shrink with the size.
    run_plan const cold_plan{
        .replicas = 6, .warmup = 1500, .sweeps = 1500, .measure_every = 10, .from = start::hot};
    for (auto const& sizes : {large, small}) {
        auto const spins = static_cast<double>(sizes[0] + sizes[1] + sizes[2]);
        auto const measured =
            over_instances(abs_overlaps(sizes, geometric_temperatures(0.45, 1.3, 8), 6, cold_plan));
        CAPTURE(sizes[0], measured.mean, measured.error);
        double const floor = std::sqrt(2 / (std::numbers::pi * spins));
        CHECK(measured.mean - 5 * measured.error > floor);
        CHECK(measured.mean > 4 * floor);
    }
}
