// SPDX-License-Identifier: BSD-3-Clause
/// The Sherrington-Kirkpatrick model: exact identities, Parisi's solution, ground states.
#include "study.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace validation {
namespace {

using namespace spinet;

ladder const& temperatures() {
    static ladder const all(
        {0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.66, 0.72, 0.8, 0.88, 0.96, 1.06, 1.2, 1.5, 2.0});
    return all;
}

std::size_t rung_of(double temperature) {
    auto const all = temperatures().temperatures();
    return static_cast<std::size_t>(std::min_element(all.begin(), all.end(),
                                                     [&](double a, double b) {
                                                         return std::abs(a - temperature) <
                                                                std::abs(b - temperature);
                                                     }) -
                                    all.begin());
}

/// Columns of rung k: 4 k + 0 u, + 1 q^2, + 2 |q|, + 3 q^4.
disorder_samples sampled(study& to, std::size_t n, std::size_t count, std::uint64_t sweeps) {
    return to.samples(
        "sk-" + std::to_string(n) + "-" + std::to_string(sweeps), count, [=](std::uint64_t seed) {
            auto const run =
                sample(sherrington_kirkpatrick<float>(n, seed), parallel_tempering(glauber{}, temperatures()),
                       observables{energy{}, overlap{}},
                       {.replicas = 4,
                        .warmup = sweeps / 2,
                        .sweeps = sweeps,
                        .measure_every = 10,
                        .seed = child_seed(seed, purpose::testing, 0),
                        .from = start::hot});
            std::vector<double> row;
            for (std::size_t k = 0; k < temperatures().size(); ++k) {
                row.push_back(thermal(run.of<energy>()[k]));
                for (std::size_t const c : {moments::square, moments::absolute, moments::fourth})
                    row.push_back(thermal(run.of<overlap>()[k], c));
            }
            return row;
        });
}

std::string named(char const* what, std::size_t n, double temperature) {
    char text[96];
    std::snprintf(text, sizeof text, "%s, N = %zu, T = %.2g", what, n, temperature);
    return text;
}

void check_identity(study& to, disorder_samples const& samples, std::size_t n,
                    std::vector<double> const& at) {
    for (double const t : at) {
        std::size_t const k = 4 * rung_of(t);
        // The difference in every sample: what both have in common leaves no scatter.
        to.agree(named("[u] + (1 - [<q^2>]) / (2 T)", n, t), {0, 0},
                 average(samples, [&](auto mean) { return mean(k) + (1 - mean(k + 1)) / (2 * t); }),
                 "exact, Gaussian couplings");
    }
}

/// The straight line through these points: value at x = 0, by weighted least squares.
value at_origin(std::vector<double> const& x, std::vector<value> const& y) {
    double s = 0, sx = 0, sxx = 0, sy = 0, sxy = 0;
    for (std::size_t k = 0; k < x.size(); ++k) {
        double const w = 1 / (y[k].error * y[k].error);
        s += w, sx += w * x[k], sxx += w * x[k] * x[k], sy += w * y[k].mean, sxy += w * x[k] * y[k].mean;
    }
    double const determinant = s * sxx - sx * sx;
    return {(sxx * sy - sx * sxy) / determinant, std::sqrt(sxx / determinant)};
}

void check_parisi(study& to) {
    struct size {
        std::size_t n, samples;
        std::uint64_t sweeps;
    };
    std::vector<size> const sizes{
        {32, 3000, 4'000}, {64, 1500, 8'000}, {128, 800, 16'000}, {256, 300, 40'000}};
    std::vector<disorder_samples> tables;
    std::vector<double> x;
    figure overlaps{"sk_overlap", "1 - T", "mean |q|",
                    "set key top left\nset xrange [-0.55:0.75]\nset yrange [0:0.9]\n",
                    "[0:0.75] x with lines dt 2 lw 2 lc rgb 'black' title 'N to infinity: 1 - T'"};
    figure corrections{"sk_corrections", "N^{-2/3}", "u / u of Parisi - 1",
                       "set xrange [0:0.105]\nset key bottom left\n", "0 lw 1 lc rgb 'black' notitle"};
    for (auto const& [n, samples, sweeps] : sizes) {
        tables.push_back(sampled(to, n, samples, sweeps));
        x.push_back(std::pow(static_cast<double>(n), -2.0 / 3));
        check_identity(to, tables.back(), n, {0.3, 0.6});
        overlaps.curves.push_back({"N = " + std::to_string(n)});
        for (std::size_t k = 0; k < temperatures().size(); ++k) {
            value const q = average(tables.back(), 4 * k + 2);
            overlaps.curves.back().points.push_back({1 - temperatures()[k], q.mean, q.error});
        }
    }
    to.draw(overlaps);
    struct parisi {
        double t, u, q2;
    };
    for (auto const [t, u, q2] : {parisi{0.3, -0.75079, 0.5495}, parisi{0.4, -0.73511, 0.4119},
                                  parisi{0.6, -0.67995, 0.1841}, parisi{0.8, -0.59745, 0.0441}}) {
        std::size_t const k = 4 * rung_of(t);
        std::vector<value> energies;
        for (auto const& table : tables) energies.push_back(average(table, k));
        value const limit = at_origin(x, energies);
        corrections.curves.push_back({"T = " + std::to_string(t).substr(0, 3)});
        corrections.curves.back().points.push_back({0, limit.mean / u - 1, limit.error / -u});
        for (std::size_t n = x.size(); n-- > 0;)
            corrections.curves.back().points.push_back(
                {x[n], energies[n].mean / u - 1, energies[n].error / -u});
        char name[80];
        std::snprintf(name, sizeof name, "u, N to infinity, T = %.1f", t);
        to.agree(name, {u, 5e-6}, limit, "Parisi");
        std::snprintf(name, sizeof name, "1 - 2 T |u|, N to infinity, T = %.1f", t);
        to.agree(name, {q2, 5e-5}, {1 + 2 * t * limit.mean, 2 * t * limit.error}, "Parisi");
        // Consistency: the moments themselves come nearer from size to size.
        for (std::size_t const column : {k + 1, k + 2}) {
            double const goal = column == k + 1 ? q2 : 1 - t;
            double const first = tables.front().mean(column) - goal, last = tables.back().mean(column) - goal;
            std::snprintf(name, sizeof name, "%s - limit, N = 256 over N = 32, T = %.1f",
                          column == k + 1 ? "<q^2>" : "<|q|>", t);
            to.between(name, 0, 1, {last / first, 0}, "consistency");
        }
    }
    to.draw(corrections);
}

/// P(q) at T = 0.4: a peak that approaches q_EA and narrows, weight at 0 that stays.
void check_distribution(study& to) {
    figure drawn{"sk_distribution", "|q|", "P(|q|) at T = 0.4",
                 "set key top left\nset xrange [0:1]\n"
                 "set arrow from 0.760, graph 0 to 0.760, graph 1 nohead dt 2\n"
                 "set label 'q of Edwards and Anderson, Parisi' at 0.745, graph 0.97 right\n"};
    for (std::size_t const n : {32u, 64u, 128u}) {
        std::uint64_t const sweeps = n * 125 / 2;
        std::size_t const bins = n + 1;  // one to each value that q can take
        auto const found = to.samples(
            "sk-overlaps-" + std::to_string(n) + "-" + std::to_string(sweeps), 400, [=](std::uint64_t seed) {
                auto const run =
                    sample(sherrington_kirkpatrick<float>(n, seed),
                           parallel_tempering(glauber{}, ladder({0.4, 0.5, 0.6, 0.72, 0.88, 1.06, 1.3})),
                           observables{overlap_histogram{bins}},
                           {.replicas = 4,
                            .warmup = sweeps,
                            .sweeps = 2 * sweeps,
                            .measure_every = 10,
                            .seed = child_seed(seed, purpose::testing, 0),
                            .from = start::hot});
                std::vector<double> row;
                for (std::size_t b = 0; b < bins; ++b) row.push_back(thermal(run.recorders[0][0], 1 + b));
                return row;
            });
        auto const width = 2 / static_cast<double>(n);
        auto const overlap_of = [&](std::size_t b) { return -1 + static_cast<double>(b) * width; };
        figure::curve of_size{"N = " + std::to_string(n)};
        for (std::size_t b = bins / 2; b < bins; ++b) {
            // Both signs: P(q) = P(-q).
            value const share =
                average(found, [&](auto mean) { return (mean(b) + mean(bins - 1 - b)) / width; });
            of_size.points.push_back({overlap_of(b), share.mean, share.error});
        }
        drawn.curves.push_back(of_size);
        to.agree(named("P(q) is symmetric: [<q>]", n, 0.4), {0, 0},
                 average(found,
                         [&](auto mean) {
                             double sum = 0;
                             for (std::size_t b = 0; b < bins; ++b) sum += mean(b) * overlap_of(b);
                             return sum;
                         }),
                 "no fields");
    }
    to.draw(drawn);
}

void check_ground_states(study& to) {
    struct known {
        std::size_t n;
        value e0;
        std::size_t few, many;
    };
    for (auto const& [n, e0, few, many] :
         {known{16, {-0.6422, 0.0009}, 200, 4000}, known{32, {-0.6879, 0.0010}, 100, 2000},
          known{64, {-0.7160, 0.0013}, 40, 800}, known{128, {-0.7333, 0.0015}, 0, 300}}) {
        std::size_t const count = to.count(few, many);
        if (count == 0) continue;
        auto const found = to.samples("sk-ground-" + std::to_string(n), count, [n = n](std::uint64_t seed) {
            auto const model = sherrington_kirkpatrick<float>(n, seed);
            double lowest[2];
            for (std::uint32_t turn : {0u, 1u})
                lowest[turn] =
                    anneal(model, glauber{}, ladder({0.05, 1.5}),
                           {.sweeps = 2'000, .rows = 64, .seed = child_seed(seed, purpose::testing, turn)})
                        .energy() /
                    static_cast<double>(n);
            return std::vector<double>{std::min(lowest[0], lowest[1]),
                                       std::abs(lowest[0] - lowest[1]) < 1e-5 ? 1.0 : 0.0};
        });
        auto const size = std::to_string(n);
        to.agree("ground-state energy, N = " + size, e0, average(found, 0), "enumeration, annealing");
        to.report("share of pairs of annealings that end alike, N = " + size, average(found, 1),
                  "1 where both find the ground state");
    }
}

}  // namespace

void check_sherrington_kirkpatrick(study& to) {
    to.begin("Sherrington-Kirkpatrick");
    check_identity(to, sampled(to, 64, to.count(40, 400), 2'000), 64, {0.6, 0.8, 1.2, 2.0});
    auto const small = sampled(to, 16, to.count(600, 20'000), 1'000);
    for (auto const& [t, chi] : {std::pair{2.0, value{1.281, 0.002}}, std::pair{1.5, value{1.563, 0.006}}}) {
        value const q2 = average(small, 4 * rung_of(t) + 1);
        to.agree(named("N [<q^2>]", 16, t), chi, {16 * q2.mean, 16 * q2.error}, "enumeration");
    }
    check_ground_states(to);
    if (to.quick()) return;
    check_parisi(to);
    check_distribution(to);
}

}  // namespace validation
