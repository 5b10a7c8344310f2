// SPDX-License-Identifier: BSD-3-Clause
/// Whole runs of spins that are not +-1, against integrals.
#include "../catch.hpp"
#include <spinet/spinet.hpp>

#include <cmath>
#include <vector>

using namespace spinet;

namespace {

/// Two soft spins, coupled, each in a field.
soft_spins<network_glass<double>> pair() {
    return soft_spins(layered_glass<double>({xt::xtensor<double, 2>{{2.0}}},
                                            {xt::xtensor<double, 1>{0.7}, xt::xtensor<double, 1>{-0.4}}));
}

/// ln of the mean of e^(-beta E), by the mean of the other spin's integral; and the mean of f(a, b).
template <class F>
std::pair<double, double> integrals(double beta, F&& f) {
    constexpr int steps = 400;
    double z = 0, sum = 0;
    auto const model = pair();
    for (int i = 0; i < steps; ++i)
        for (int j = 0; j < steps; ++j) {
            double const a = -1 + 2 * (i + 0.5) / steps, b = -1 + 2 * (j + 0.5) / steps;
            double const w = std::exp(-beta * model.energy(std::vector<double>{a, b})) / (steps * steps);
            z += w;
            sum += w * f(a, b);
        }
    return {std::log(z), sum / z};
}

}  // namespace

TEST_CASE("soft spins: energy, overlaps and free energy of two spins are those of integrals", "[slow]") {
    auto const ladder = geometric_temperatures(0.4, 30.0, 14);
    auto const run = sample(pair(), parallel_tempering(glauber{}, ladder),
                            observables{energy{}, overlap{}, overlap_histogram{8}},
                            {.replicas = 16, .warmup = 100, .sweeps = 20'000, .measure_every = 2, .seed = 3});
    auto const u = mean_energy(run), f = free_energy(run), q2 = mean_square_overlap(run);
    auto const p = overlap_distribution(run);
    auto const model = pair();
    // 4 errors of 16 replicas (t with 15 degrees of freedom: 0.0012) for 42 comparisons: 5 % false alarms
    // would be too many, so 6 errors, 2.4e-5 each.
    for (std::size_t k = 0; k < ladder.size(); ++k) {
        double const beta = 1 / ladder[k];
        CAPTURE(ladder[k]);
        auto const [log_z, e] = integrals(beta, [&](double a, double b) {
            return model.energy(std::vector<double>{a, b});
        });
        double const ab = integrals(beta, [](double a, double b) { return a * b; }).second,
                     aa = integrals(beta, [](double a, double) { return a * a; }).second,
                     bb = integrals(beta, [](double, double b) { return b * b; }).second;
        CHECK(std::abs(u[k].value - e / 2) < 6 * u[k].error);
        CHECK(std::abs(f[k].value + ladder[k] * log_z / 2) < 6 * f[k].error);
        CHECK(std::abs(q2[k].value - (aa * aa + bb * bb + 2 * ab * ab) / 4) < 6 * q2[k].error);
        double total = 0;
        for (double const density : p[k].density) total += density * 2 / 8;
        CHECK(std::abs(total - 1) < 1e-12);
    }
    CHECK(f.back().error < 1e-3);
}

TEST_CASE("spins that are not +-1 are not kept as bits") {
    CHECK_THROWS_WITH(sample(pair(), fixed_temperatures(glauber{}, ladder({1.0})), observables{energy{}},
                             {.replicas = 4, .sweeps = 10, .keep_spins = true}),
                      Catch::Matchers::ContainsSubstring("keep_spins keeps bits"));
}

TEST_CASE("the spherical p-spin model at high temperature: u = -beta (1 - <q^p>) over instances", "[slow]") {
    // Gaussian couplings at any N (integration by parts), by Auffinger, Ben Arous and Cerny.
    constexpr int instances = 48;
    std::vector<double> differences;
    for (std::uint64_t seed = 0; seed < instances; ++seed) {
        auto const model =
            random_spherical_p_spin<double>(16, 3, p_spin_scale::auffinger_ben_arous_cerny, seed);
        auto const run = sample(model, fixed_temperatures(langevin{{.step = 0.15}}, ladder({1.5})),
                                observables{energy{}, per_pair("q^3",
                                                               [](auto a, auto b) {
                                                                   double q = 0;
                                                                   for (std::size_t i = 0; i < a.size(); ++i)
                                                                       q += a[i] * b[i];
                                                                   q /= static_cast<double>(a.size());
                                                                   return q * q * q;
                                                               })},
                                {.replicas = 4,
                                 .warmup = 100,
                                 .sweeps = 600,
                                 .measure_every = 2,
                                 .seed = child_seed(seed, purpose::testing, 1),
                                 .from = start::hot});
        double const u = mean_energy(run)[0].value;
        auto const& pairs = run.recorders[1];
        double cube = 0;
        for (std::size_t pair = 0; pair < pairs[0].units(); ++pair)
            for (std::size_t stage = 0; stage < recorder::stages; ++stage)
                cube +=
                    pairs[0].sum(stage, pair, 0) / static_cast<double>(pairs[0].units() * pairs[0].count());
        differences.push_back(u + (1 - cube) / 1.5);
    }
    double mean = 0, square = 0;
    for (double const d : differences) mean += d / instances, square += d * d / instances;
    double const error = std::sqrt((square - mean * mean) / (instances - 1));
    CAPTURE(mean, error);
    CHECK(std::abs(mean) < 4.5 * error);
    CHECK(error < 0.02);
}
