// SPDX-License-Identifier: BSD-3-Clause
/// p-spin models: bands and complexity, high temperature, descent.
#include "study.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace validation {
namespace {

using namespace spinet;

void check_formulas(study& to) {
    struct band {
        std::size_t p;
        double threshold, edges[3];
    };
    for (auto const& [p, threshold, edges] : {band{3, 1.632993, {1.656998, 1.652873, 1.650253}},
                                              band{4, 1.732051, {1.794085, 1.783300, 1.776478}}}) {
        auto const name = ", p = " + std::to_string(p);
        to.equal("E_inf" + name, threshold, threshold_energy(p), 1e-6, "Auffinger, Ben Arous, Cerny");
        for (std::size_t k = 0; k < 3; ++k)
            to.equal("E_" + std::to_string(k) + name, edges[k], band_edge(p, k), 1e-6, "the same");
    }
    to.equal("Theta at the threshold, p = 3", 0.013240, complexity(3, 0, -threshold_energy(3)), 1e-4,
             "the same");
    to.equal("Theta at the threshold, p = 4: ln(p - 1) / 2 - (p - 2) / p", std::log(3.0) / 2 - 0.5,
             complexity(4, 0, -threshold_energy(4)), 1e-9, "the same");
    double const sqrt2 = std::sqrt(2.0);
    to.equal("E_inf by Crisanti and Sommers, p = 3", 1.154701, threshold_energy(3) / sqrt2, 1e-6,
             "Crisanti, Sommers");
    to.equal("E_0 by the same", 1.171675, band_edge(3, 0) / sqrt2, 1e-6, "Crisanti, Sommers");
    to.equal("T_d by Crisanti and Sommers, p = 3", 0.612372,
             random_spherical_p_spin(4, 3, p_spin_scale::crisanti_sommers, 1).paramagnet_above(), 1e-6,
             "Crisanti, Sommers");
}

/// Complexity over energy for critical points with k = 0, 1, 2 negative directions, and for all of them.
void draw_bands(study& to) {
    for (std::size_t const p : {std::size_t{3}, std::size_t{4}}) {
        figure drawn{"p_spin_bands_" + std::to_string(p),
                     "energy per spin u, p = " + std::to_string(p) + " (Auffinger, Ben Arous, Cerny)",
                     "complexity: ln(expected number below u) / N", "set key top left\n"};
        double const threshold = -threshold_energy(p), ground = -band_edge(p, 0);
        for (std::size_t k = 0; k < 3; ++k) {
            drawn.curves.push_back({"index " + std::to_string(k), {}, true});
            double const edge = -band_edge(p, k);
            for (std::size_t i = 0; i <= 200; ++i) {
                double const u = edge + (threshold - edge) * static_cast<double>(i) / 200;
                drawn.curves.back().points.push_back({u, complexity(p, k, u), 0});
            }
            drawn.curves.back().points.push_back(
                {threshold + 0.1 * (threshold - ground), complexity(p, k, threshold), 0});
        }
        drawn.settings += "set arrow from " + std::to_string(threshold) + ", graph 0 to " +
                          std::to_string(threshold) + ", graph 1 nohead dt 2\nset label '-E_{inf}' at " +
                          std::to_string(threshold) + ", graph 0.05 right offset -1,0\n";
        to.draw(drawn);
    }
}

/// -beta (1 - <q^p>), q distributed as the overlap of two replicas whose couplings are averaged with them:
/// P(q) = (1 - q^2)^((n - 3) / 2) exp(beta^2 n q^p).
double annealed_energy(std::size_t p, std::size_t n, double beta) {
    auto const size = static_cast<double>(n);
    double weights = 0, sum = 0;
    std::size_t const points = 20'000;
    for (std::size_t k = 1; k < points; ++k) {
        double const q = -1 + 2 * static_cast<double>(k) / points;
        double const to_p = std::pow(q, static_cast<double>(p));
        double const weight = std::pow(1 - q * q, (size - 3) / 2) * std::exp(beta * beta * size * to_p);
        weights += weight;
        sum += weight * to_p;
    }
    return -beta * (1 - sum / weights);
}

/// u + beta (1 - <q^p>) over instances: exact for Gaussian couplings on the sphere, at any N.
void check_sphere(study& to, std::size_t p, std::size_t n, double temperature) {
    auto const found = to.samples(
        "sphere-" + std::to_string(p) + "-" + std::to_string(n), to.count(40, 400), [=](std::uint64_t seed) {
            auto const overlap_to_p = per_pair("q^p", [p](auto a, auto b) {
                double q = 0;
                for (std::size_t i = 0; i < a.size(); ++i) q += a[i] * b[i];
                return std::pow(q / static_cast<double>(a.size()), static_cast<double>(p));
            });
            auto const run =
                sample(random_spherical_p_spin<double>(n, p, p_spin_scale::auffinger_ben_arous_cerny, seed),
                       fixed_temperatures(langevin{{.step = 0.12}}, ladder({temperature})),
                       observables{energy{}, overlap_to_p},
                       {.replicas = 4,
                        .warmup = 200,
                        .sweeps = 600,
                        .measure_every = 2,
                        .seed = child_seed(seed, purpose::testing, 0),
                        .from = start::hot});
            return std::vector<double>{thermal(run.recorders[0][0]), thermal(run.recorders[1][0])};
        });
    char name[96];
    std::snprintf(name, sizeof name, "[u] + (1 - [<q^%zu>]) / T, sphere, N = %zu, T = %.2g", p, n,
                  temperature);
    to.agree(name, {0, 0}, average(found, [&](auto mean) { return mean(0) + (1 - mean(1)) / temperature; }),
             "exact, Gaussian couplings");
    // 0.002: [Z^2] in place of Z^2, far above the dynamic transition.
    to.agree("u of the same", {annealed_energy(p, n, 1 / temperature), 0.002 / study::errors},
             average(found, 0), "annealed");
}

/// [U] = -beta sum of sigma^2 (1 - <(s ... s)^2>): with e_p(x) of the products x_i = s_i^a s_i^b.
void check_ising(study& to, std::size_t p, std::size_t n) {
    ladder const temperatures({0.7, 0.85, 1.1, 1.5});
    auto const found = to.samples(
        "ising-" + std::to_string(p) + "-" + std::to_string(n), to.count(40, 400), [=](std::uint64_t seed) {
            auto const terms = per_pair("e_p", [p](auto a, auto b) {
                std::vector<double> e(p + 1, 0.0);
                e[0] = 1;
                for (std::size_t i = 0; i < a.size(); ++i)
                    for (std::size_t k = p; k > 0; --k) e[k] += static_cast<double>(a[i] * b[i]) * e[k - 1];
                return e[p];
            });
            auto const run = sample(random_ising_p_spin<float>(n, p, p_spin_scale::crisanti_sommers, seed),
                                    parallel_tempering(glauber{}, temperatures), observables{energy{}, terms},
                                    {.replicas = 4,
                                     .warmup = 500,
                                     .sweeps = 1'500,
                                     .measure_every = 5,
                                     .seed = child_seed(seed, purpose::testing, 0),
                                     .from = start::hot});
            return std::vector<double>{thermal(run.recorders[0][0]), thermal(run.recorders[1][0])};
        });
    auto const size = static_cast<double>(n);
    double interactions = 1, factorial = 1;
    for (std::size_t k = 0; k < p; ++k) {
        interactions *= (size - static_cast<double>(k)) / static_cast<double>(k + 1);
        factorial *= static_cast<double>(k + 1);
    }
    double const variance = factorial / (2 * std::pow(size, static_cast<double>(p) - 1));
    char name[96];
    std::snprintf(name, sizeof name, "[u] + beta var (all - [<products>]) / N, Ising %zu-spin, N = %zu", p,
                  n);
    to.agree(name, {0, 0},
             average(found,
                     [&](auto mean) {
                         return mean(0) + variance * (interactions - mean(1)) / (size * temperatures[0]);
                     }),
             "exact, Gaussian couplings");
}

/// Steepest descent on the sphere, its step halved where the energy would not fall and raised after each that
/// was taken.
double energy_after_descent(spherical_p_spin<double> const& model, std::uint64_t seed) {
    std::size_t const n = model.size();
    std::vector<double> x(n), g(n), next(n);
    double square = 0;
    for (std::size_t i = 0; i < n; ++i) {
        x[i] = normal(stream(seed, 0, 0, purpose::start), static_cast<std::uint32_t>(i));
        square += x[i] * x[i];
    }
    for (double& each : x) each *= std::sqrt(static_cast<double>(n) / square);
    double energy = model.gradient(x, g), step = 0.05;
    for (int count = 0; count < 200'000; ++count) {
        double along = 0, size = 0;
        for (std::size_t i = 0; i < n; ++i) along += g[i] * x[i] / static_cast<double>(n);
        for (std::size_t i = 0; i < n; ++i) {
            g[i] -= along * x[i];
            size += g[i] * g[i];
        }
        if (size < 1e-14 * static_cast<double>(n)) break;
        for (;;) {
            square = 0;
            for (std::size_t i = 0; i < n; ++i) {
                next[i] = x[i] - step * g[i];
                square += next[i] * next[i];
            }
            for (double& each : next) each *= std::sqrt(static_cast<double>(n) / square);
            double const reached = model.energy(next);
            if (reached < energy) break;
            if ((step /= 2) < 1e-12) return energy;
        }
        x = next;
        energy = model.gradient(x, g);
        step *= 1.1;
    }
    return energy;
}

void check_descent(study& to) {
    struct known {
        std::size_t n;
        value energy;
    };
    std::vector<value> means;
    for (auto const& [n, expected] :
         {known{32, {-1.460, 0.017}}, known{64, {-1.537, 0.014}}, known{128, {-1.554, 0.014}}}) {
        if (to.quick() && n == 128) continue;
        auto const found =
            to.samples("descent-" + std::to_string(n), to.count(60, 400), [n = n](std::uint64_t seed) {
                auto const model =
                    random_spherical_p_spin<double>(n, 3, p_spin_scale::auffinger_ben_arous_cerny, seed);
                return std::vector<double>{
                    energy_after_descent(model, child_seed(seed, purpose::testing, 0)) /
                    static_cast<double>(n)};
            });
        means.push_back(average(found, 0));
        to.agree("gradient descent ends at u, 3-spin, N = " + std::to_string(n), expected, means.back(),
                 "another program");
    }
    for (std::size_t k = 1; k < means.size(); ++k)
        to.between("... and lower at twice the size, above -E_inf", -threshold_energy(3), means[k - 1].mean,
                   means[k], "trend");
}

}  // namespace

void check_p_spin(study& to) {
    to.begin("p-spin models (energies by Auffinger, Ben Arous and Cerny on the sphere)");
    check_formulas(to);
    draw_bands(to);
    check_sphere(to, 3, 24, 1.5);
    check_sphere(to, 4, 12, 1.5);
    check_ising(to, 3, 24);
    check_ising(to, 4, 14);
    check_descent(to);
}

}  // namespace validation
