// SPDX-License-Identifier: BSD-3-Clause
/// p-spin models: bands and complexity, high temperature, descent.
#include "study.hpp"
#include <spinet/landscape/complexity.hpp>
#include <spinet/landscape/critical_points.hpp>
#include <spinet/landscape/objective.hpp>

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
            drawn.curves.push_back({"index " + std::to_string(k), {}, figure::drawn_as::line});
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

std::vector<double> random_point(std::size_t n, std::uint64_t seed) {
    std::vector<double> x(n);
    for (std::size_t i = 0; i < n; ++i)
        x[i] = normal(stream(seed, 0, 0, purpose::start), static_cast<std::uint32_t>(i));
    double const scale = std::sqrt(static_cast<double>(n)) / detail::vector_length(x);
    for (double& each : x) each *= scale;
    return x;
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
                auto const start = random_point(n, child_seed(seed, purpose::testing, 0));
                return std::vector<double>{descend(sphere_energy(model), start).value /
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

/// Critical points found from points that have come down more or less far: their fraction of negative
/// eigenvalues beside the theory's, in ranges of energy. Columns of each range: how many, N (fraction -
/// theory), u, fraction, summed.
constexpr std::size_t ranges = 8;
constexpr double lowest_energy = -1.75, range_width = 0.25;

std::vector<double> critical_points_of(std::size_t n, std::size_t starts, std::uint64_t seed) {
    auto const model = random_spherical_p_spin<double>(n, 3, p_spin_scale::auffinger_ben_arous_cerny, seed);
    sphere_energy const f(model);
    std::vector<double> row(4 * ranges, 0.0);
    for (std::size_t s = 0; s < starts; ++s) {
        auto const x = random_point(n, child_seed(seed, purpose::testing, static_cast<std::uint32_t>(s)));
        auto const start = descend(f, x, {.gradient = 1e-3, .steps = 3 * (s % 8), .first_step = 0.03});
        auto const found = find_critical_point(f, start.x);
        auto const size = static_cast<double>(n);
        double const u = found.value / size, fraction = static_cast<double>(found.index) / (size - 1);
        if (!found.converged || found.flat > 0 || u < lowest_energy) continue;
        auto const at = static_cast<std::size_t>((u - lowest_energy) / range_width);
        if (at >= ranges) continue;
        row[4 * at] += 1;
        row[4 * at + 1] += size * (fraction - index_fraction(3, u));
        row[4 * at + 2] += u;
        row[4 * at + 3] += fraction;
    }
    return row;
}

void check_indices(study& to) {
    figure drawn{"p_spin_index",
                 "energy per spin u of critical points, p = 3",
                 "fraction of negative eigenvalues",
                 "set key left top\n",
                 {},
                 {{"theory, N to infinity", {}, figure::drawn_as::line}}};
    for (double u = -1.75; u < 0.3; u += 0.01) drawn.curves[0].points.push_back({u, index_fraction(3, u), 0});
    char lines[256];
    std::snprintf(
        lines, sizeof lines,
        "set arrow from %.6g, graph 0 to %.6g, graph 1 nohead dt 2\nset label '-E_{inf}' at %.6g, graph "
        "0.6\n",
        -threshold_energy(3), -threshold_energy(3), -threshold_energy(3) + 0.02);
    drawn.settings += lines;
    std::vector<value> off;
    for (std::size_t const n : {std::size_t{40}, std::size_t{80}}) {
        if (to.quick() && n == 80) continue;
        auto const found = to.samples("indices-" + std::to_string(n), to.count(16, n == 40 ? 60 : 24),
                                      [n](std::uint64_t seed) { return critical_points_of(n, 24, seed); });
        // Of ranges first ... last - 1.
        auto const ratio = [&](std::size_t first, std::size_t last, std::size_t column) {
            return average(found, [=](auto mean) {
                double sum = 0, count = 0;
                for (std::size_t k = first; k < last; ++k) sum += mean(4 * k + column), count += mean(4 * k);
                return sum / count;
            });
        };
        auto const name = "N (fraction of negative eigenvalues - theory), N = " + std::to_string(n) + ", ";
        std::string const law = "of order 1, Auffinger, Ben Arous, Cerny";
        off.push_back(ratio(0, ranges, 1));
        to.report(name + "all", off.back(), law);
        to.report(name + "u < -1.25", ratio(0, 2, 1), law);
        to.report(name + "-1.25 < u < -0.75", ratio(2, 4, 1), law);
        to.report(name + "-0.75 < u < 0.25", ratio(4, ranges, 1), law);
        if (off.size() == 2) to.agree("the same at N = 80 as at N = 40, all", off[0], off[1], "of order 1");
        drawn.curves.push_back({"N = " + std::to_string(n)});
        for (std::size_t k = 1; k < ranges; ++k) {
            auto const u = ratio(k, k + 1, 2), fraction = ratio(k, k + 1, 3);
            if (std::isfinite(u.mean))
                drawn.curves.back().points.push_back({u.mean, fraction.mean, fraction.error});
        }
    }
    to.draw(drawn);
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
    check_indices(to);
}

}  // namespace validation
