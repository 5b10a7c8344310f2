// SPDX-License-Identifier: BSD-3-Clause
/// How often errors and intervals hold the truth: the estimates of the library on systems whose exact answers
/// are known, with 4, 8 and 16 independent units (replicas, pairs of replicas, populations, samples).
#include "study.hpp"
#include <spinet/statistics/decay_fit.hpp>
#include <spinet/statistics/size_extrapolation.hpp>
#include <spinet/testing/enumeration.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>
#include <string>

namespace validation {
namespace {

using namespace spinet;

/// One estimate of one run, beside the truth.
struct estimate {
    std::string name;
    double truth, value, error;
    interval at_95;
    bool determined = true;
};
using estimates_of_run = std::vector<estimate>;

template <class Estimate>
void add(estimates_of_run& to, std::string name, double truth, Estimate const& found,
         bool determined = true) {
    to.push_back({std::move(name), truth, found.value, found.error, found.confidence_interval(), determined});
}

// ---------------------------------------------------------------- a layered network of 12 spins, in fields

constexpr std::size_t layers[] = {5, 4, 3};
constexpr double glass_temperature = 0.6, tree_temperature = 1.0;

network_glass<float> small_network() {
    std::vector<mlp_layer> made;
    for (std::size_t l = 0; l < 2; ++l) {
        auto weight = row_major_array<float, 2>::from_shape({layers[l + 1], layers[l]});
        auto bias = row_major_array<float, 1>::from_shape({layers[l + 1]});
        stream const draws(11, 0, static_cast<std::uint32_t>(l), purpose::testing);
        std::uint32_t n = 0;
        for (auto& w : weight) w = static_cast<float>(0.8 * normal(draws, n++));
        for (auto& b : bias) b = static_cast<float>(0.3 * normal(draws, n++));
        made.push_back({weight, bias});
    }
    return to_spin_glass(mlp(made));
}

double spin(std::uint64_t state, std::size_t i) { return (state >> i & 1) != 0 ? 1.0 : -1.0; }

/// Averages over two independent replicas a and b, by enumeration of all pairs of states.
struct exact_network {
    double energy, capacity, free, entropy, abs_m, binder_m, abs_q, mean_q, square_q, fourth_q, binder_q,
        first_layer, layers, layer_correlation, link, link_variance, connected;
    std::vector<double> overlap_density;

    exact_network(network_glass<float> const& of, double t) {
        testing::exact_distribution const exact(of, t);
        std::size_t const n = of.size();
        auto const sites = static_cast<double>(n);
        energy = exact.mean_energy() / sites;
        capacity = exact.heat_capacity() / sites;
        free = exact.free_energy() / sites;
        entropy = (energy - free) / t;
        auto const magnetisation_moment = [&](auto f) {
            return exact.average(
                [&](std::uint64_t s) { return f(static_cast<double>(2 * std::popcount(s)) / sites - 1); });
        };
        abs_m = magnetisation_moment([](double m) { return std::abs(m); });
        double const m2 = magnetisation_moment([](double m) { return m * m; });
        binder_m = (3 - magnetisation_moment([](double m) { return m * m * m * m; }) / (m2 * m2)) / 2;
        auto const& p = exact.probabilities();
        std::vector<double> joint(6 * 5 * 4, 0.0);  // of the spins that differ, layer by layer
        std::uint64_t const first = 31, second = 15u << 5, third = 7u << 9;
        for (std::uint64_t a = 0; a < p.size(); ++a)
            for (std::uint64_t b = 0; b < p.size(); ++b) {
                auto const d = a ^ b;
                joint[static_cast<std::size_t>((std::popcount(d & first) * 5 + std::popcount(d & second)) *
                                                   4 +
                                               std::popcount(d & third))] += p[a] * p[b];
            }
        auto const overlaps = [&](auto f) {
            double sum = 0;
            for (std::size_t i = 0; i <= 5; ++i)
                for (std::size_t j = 0; j <= 4; ++j)
                    for (std::size_t k = 0; k <= 3; ++k)
                        sum += joint[(i * 5 + j) * 4 + k] * f(1 - static_cast<double>(2 * i) / 5,
                                                              1 - static_cast<double>(2 * j) / 4,
                                                              1 - static_cast<double>(2 * k) / 3);
            return sum;
        };
        auto const of_whole = [&](auto f) {
            return overlaps([&](double x, double y, double z) { return f((5 * x + 4 * y + 3 * z) / 12); });
        };
        abs_q = of_whole([](double q) { return std::abs(q); });
        mean_q = of_whole([](double q) { return q; });
        square_q = of_whole([](double q) { return q * q; });
        fourth_q = of_whole([](double q) { return q * q * q * q; });
        binder_q = (3 - fourth_q / (square_q * square_q)) / 2;
        first_layer = overlaps([](double x, double, double) { return std::abs(x); });
        layers = overlaps([](double x, double y, double) { return x * y; });
        layer_correlation = layers / std::sqrt(overlaps([](double x, double, double) { return x * x; }) *
                                               overlaps([](double, double y, double) { return y * y; }));
        auto const bonds = [](double x, double y, double z) { return (20 * x * y + 12 * y * z) / 32; };
        link = overlaps(bonds);
        link_variance =
            overlaps([&](double x, double y, double z) { return std::pow(bonds(x, y, z), 2); }) - link * link;
        overlap_density.assign(13, 0.0);
        for (std::size_t d = 0; d <= 12; ++d)
            overlap_density[12 - d] = of_whole([&](double q) {
                return std::abs(q - (1 - static_cast<double>(2 * d) / 12)) < 1e-9 ? 13.0 / 2 : 0.0;
            });
        std::vector<double> m(n);
        for (std::size_t i = 0; i < n; ++i) m[i] = exact.average([&](auto s) { return spin(s, i); });
        connected = 0;
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j) {
                double const both = exact.average([&](auto s) { return spin(s, i) * spin(s, j); });
                connected += std::pow(both - m[i] * m[j], 2) / sites;
            }
    }
};

template <class Run>
void add_means(estimates_of_run& to, Run const& of, exact_network const& exact, std::string const& by) {
    add(to, "energy" + by, exact.energy, mean_energy(of)[0]);
    add(to, "heat capacity" + by, exact.capacity, heat_capacity(of)[0]);
    add(to, "free energy" + by, exact.free, free_energy(of)[0]);
    add(to, "entropy" + by, exact.entropy, entropy(of)[0]);
    add(to, "<|m|>" + by, exact.abs_m, mean_abs_magnetisation(of)[0]);
    add(to, "<|q|>" + by, exact.abs_q, mean_abs_overlap(of)[0]);
    add(to, "<q^2>, chi_SG" + by, exact.square_q, mean_square_overlap(of)[0]);
    add(to, "Binder's g of q" + by, exact.binder_q, binder_parameter(of)[0]);
}

/// Tempering over 12 temperatures from 0.6, where one state and its neighbours have most of the weight, to
/// the paramagnet.
estimates_of_run tempered(network_glass<float> const& model, exact_network const& exact, std::size_t units,
                          std::uint64_t seed) {
    auto const temperatures = geometric_temperatures(glass_temperature, 20, 12);
    run_plan const plan{.replicas = units,
                        .warmup = 200,
                        .sweeps = 2'000,
                        .measure_every = 4,
                        .seed = seed,
                        .from = start::hot};
    estimates_of_run found;
    auto const of = sample(model, parallel_tempering(glauber{}, temperatures),
                           observables{energy{}, magnetisation{}, overlap{}, link_overlap(model),
                                       group_overlaps{}, overlap_histogram{13}},
                           plan);
    add_means(found, of, exact, "");
    add(found, "Binder's g of m", exact.binder_m, magnetisation_binder_parameter(of)[0]);
    add(found, "|<q>|", exact.mean_q, abs_mean_overlap(of)[0]);
    add(found, "<q^4>", exact.fourth_q, mean_fourth_overlap(of)[0]);
    add(found, "sqrt(<q^2>)", std::sqrt(exact.square_q), root_mean_square_overlap(of)[0]);
    add(found, "<|q|> of a layer", exact.first_layer, mean_abs_overlap(of, 1)[0]);
    add(found, "<q_1 q_2> of two layers", exact.layers, mean_group_overlaps(of, 0, 1)[0]);
    add(found, "correlation of two layers", exact.layer_correlation, group_overlap_correlation(of, 0, 1)[0]);
    add(found, "link overlap", exact.link, mean_link_overlap(of)[0]);
    add(found, "its variance", exact.link_variance, link_overlap_variance(of)[0]);
    auto const p = overlap_distribution(of)[0];
    for (std::size_t const bin : {6u, 12u})
        found.push_back({bin == 6 ? "P(q = 0)" : "P(q = 1)", exact.overlap_density[bin], p.density(bin),
                         p.error(bin), p.confidence_interval(bin)});
    if (units >= connected_overlaps::fewest_blocks) {
        auto const connected = sample(model, parallel_tempering(glauber{}, temperatures),
                                      observables{energy{}, connected_overlaps{}}, plan);
        add(found, "connected susceptibility", exact.connected, connected_susceptibility(connected)[0]);
    }
    return found;
}

/// The same network as a graph, whose replicas share cluster moves in pairs, so that two are one unit; and by
/// populations.
estimates_of_run by_pairs(network_glass<float> const& model, exact_network const& exact, std::size_t units,
                          std::uint64_t seed) {
    estimates_of_run found;
    sparse_ising<float> const graph(couplings_of(model), model.external_fields());
    auto const of = sample(graph,
                           parallel_tempering(glauber{}, geometric_temperatures(glass_temperature, 20, 12),
                                              natural_exchange{}, isoenergetic_clusters{}),
                           observables{energy{}, magnetisation{}, overlap{}},
                           run_plan{.replicas = 2 * units,
                                    .warmup = 200,
                                    .sweeps = 1'000,
                                    .measure_every = 4,
                                    .seed = seed,
                                    .from = start::hot});
    add_means(found, of, exact, ", pairs of replicas");
    return found;
}

estimates_of_run by_populations(network_glass<float> const& model, exact_network const& exact,
                                std::size_t units, std::uint64_t seed) {
    estimates_of_run found;
    auto const of = sample(
        model,
        population_annealing(glauber{}, geometric_temperatures(glass_temperature, 20, 12), {.members = 100}),
        observables{energy{}, magnetisation{}, overlap{}},
        run_plan{.replicas = units, .warmup = 0, .sweeps = 10, .measure_every = 10, .seed = seed});
    add_means(found, of, exact, ", populations");
    return found;
}

/// For the spins at the end alone.
run_plan plan_for_states(std::size_t units, std::uint64_t seed) {
    return {.replicas = units,
            .warmup = 200,
            .sweeps = 10,
            .measure_every = 2,
            .seed = seed,
            .from = start::hot,
            .keep_spins = true};
}

// ---------------------------------------------------------------- trees of replicas

/// <K> of a glass of 8 spins without fields, by enumeration of all triples of states.
double exact_ultrametricity(dense_ising<double> const& of, double t) {
    testing::exact_distribution const exact(of, t);
    auto const& p = exact.probabilities();
    auto const overlap_of = [](std::uint64_t a, std::uint64_t b) {
        return 1 - static_cast<double>(std::popcount(a ^ b)) / 4;
    };
    double mean = 0, square = 0, excess = 0;
    for (std::uint64_t a = 0; a < p.size(); ++a)
        for (std::uint64_t b = 0; b < p.size(); ++b) {
            double const d = (1 - std::abs(overlap_of(a, b))) / 2;
            mean += p[a] * p[b] * d;
            square += p[a] * p[b] * d * d;
            for (std::uint64_t c = 0; c < p.size(); ++c) {
                // Of the eight choices of mirror images that with the largest sum of the overlaps.
                double best = -4, difference = 0;
                for (unsigned const signs : {0u, 1u, 2u, 3u}) {
                    double const x = (signs & 1) != 0 ? -1 : 1, y = (signs & 2) != 0 ? -1 : 1;
                    std::array<double, 3> q{x * overlap_of(a, b), y * overlap_of(a, c),
                                            x * y * overlap_of(b, c)};
                    if (q[0] + q[1] + q[2] < best) continue;
                    best = q[0] + q[1] + q[2];
                    std::sort(q.begin(), q.end());
                    difference = (q[1] - q[0]) / 2;
                }
                excess += p[a] * p[b] * p[c] * difference;
            }
        }
    return excess / std::sqrt(square - mean * mean);
}

// ---------------------------------------------------------------- times

/// Dimers, two spins joined by a coupling, under single-spin heat bath in random order: C(t) is a sum of two
/// exponentials, of which one is over after a few sweeps.
struct dimers {
    static constexpr std::size_t pairs = 16;
    static constexpr double coupling = 1.6;

    [[nodiscard]] static sparse_ising<float> model() {
        std::vector<bond<float>> bonds;
        for (std::uint32_t i = 0; i < pairs; ++i)
            bonds.push_back({2 * i, 2 * i + 1, static_cast<float>(coupling)});
        return {2 * pairs, bonds};
    }
    /// One update of a spin drawn from 2 pairs takes s_1 + s_2 of a dimer to 1 - (1 - tanh) / N of itself.
    [[nodiscard]] static double of_update(double sign) {
        return 1 - (1 - sign * std::tanh(coupling)) / (2 * pairs);
    }
    [[nodiscard]] static double slow() { return -1 / (2 * pairs * std::log(of_update(1))); }
    [[nodiscard]] static double fast() { return -1 / (2 * pairs * std::log(of_update(-1))); }
    [[nodiscard]] static double share() { return (1 + std::tanh(coupling)) / 2; }
    [[nodiscard]] static double integral() { return share() * slow() + (1 - share()) * fast(); }
    [[nodiscard]] static double correlation(double t) {
        return share() * std::exp(-t / slow()) + (1 - share()) * std::exp(-t / fast());
    }
    [[nodiscard]] static double time_to(double level) {
        double low = 0, high = 100 * slow();
        for (int n = 0; n < 200; ++n) {
            double const middle = (low + high) / 2;
            (correlation(middle) > level ? low : high) = middle;
        }
        return low;
    }
};

void add_times(estimates_of_run& to, decay const& of, double from, std::array<double, 3> fitted,
               double integral, double time_to, std::string const& what) {
    auto const area = integrated_decay_time(of), level = time_to_decay_to(of);
    auto const bounded = [&](std::string name, double truth, decay_time const& found) {
        to.push_back(
            {std::move(name), truth, found.value, found.error, {found.low, found.high}, found.reached});
    };
    bounded("integrated time" + what, integral, area);
    bounded("time to 1/e" + what, time_to, level);
    auto const fit = fit_decay(of, {.from = from});
    bool const good = fit.determined && fit.reached;
    add(to, "tau of a fit" + what, fitted[0], fit.time, good);
    add(to, "beta of a fit" + what, fitted[1], fit.exponent, good);
    add(to, "amplitude of a fit" + what, fitted[2], fit.amplitude, good);
}

estimates_of_run decaying(sparse_ising<float> const& model, std::size_t units, std::uint64_t seed) {
    auto const run = sample(model, fixed_temperatures(glauber{}, ladder({1.0})),
                            observables{energy{}, overlap{}}, plan_for_states(units, seed));
    auto const curves = relaxation(
        model, glauber{random_scan{}}, states_of(run),
        {.longest = 200, .starts = 4, .spacing = 50, .seed = child_seed(seed, purpose::testing, 1)});
    estimates_of_run found;
    add_times(found, curves[0].parts[0], 3, {dimers::slow(), 1, dimers::share()}, dimers::integral(),
              dimers::time_to(1 / std::numbers::e), ", spins");
    return found;
}

/// A stretched exponential with noise that a unit's times have in part in common.
estimates_of_run stretched(std::size_t units, std::uint64_t seed) {
    constexpr double amplitude = 0.9, tau = 60, beta = 0.6, noise = 0.03;
    auto const grid = logarithmic_times(3000, 8);
    std::vector<double> const times(grid.begin(), grid.end());
    auto values = row_major_array<double, 2>::from_shape({units, times.size()});
    for (std::size_t u = 0; u < units; ++u) {
        stream const draws(seed, 0, static_cast<std::uint32_t>(u), purpose::testing);
        double const common = normal(draws, 10'000);
        for (std::uint32_t i = 0; i < times.size(); ++i) {
            double const c = amplitude * std::exp(-std::pow(times[i] / tau, beta));
            values(u, i) = c + noise * (2 * common * c * (1 - c) + normal(draws, i));
        }
    }
    estimates_of_run found;
    // From 0 to 1 the integral is of an exponential from 1 to C(1), the form that the estimate assumes.
    double const first = amplitude * std::exp(-std::pow(1 / tau, beta));
    double integral = (1 - first) / -std::log(first);
    constexpr int steps = 2'000'000;  // Simpson's rule in ln t, from 1 to e^10
    for (int k = 0; k <= steps; ++k) {
        double const t = std::exp(10.0 * k / steps);
        double const weight = k == 0 || k == steps ? 1 : k % 2 == 1 ? 4 : 2;
        integral += weight * t * amplitude * std::exp(-std::pow(t / tau, beta)) * 10.0 / steps / 3;
    }
    add_times(found, decay(times, values), 1, {tau, beta, amplitude}, integral,
              tau * std::pow(std::log(amplitude * std::numbers::e), 1 / beta), ", stretched");
    return found;
}

/// The integrated time of a series x(t) = phi x(t - 1) + noise, tau = (1 + phi) / (1 - phi) / 2.
estimates_of_run autocorrelated(std::size_t length, std::uint64_t seed) {
    double const phi = 0.9;
    stream const draws(seed, 0, 0, purpose::testing);
    std::vector<double> x(length);
    x[0] = normal(draws, 0) / std::sqrt(1 - phi * phi);
    for (std::uint32_t t = 1; t < length; ++t) x[t] = phi * x[t - 1] + normal(draws, t);
    auto const found = integrated_autocorrelation_time(x);
    return {{"tau_int of a series of 100, 200, 400 tau", 9.5, found.tau, found.error,
             found.confidence_interval(), found.reliable}};
}

// ---------------------------------------------------------------- samples of something

estimates_of_run of_samples(std::size_t units, std::uint64_t seed) {
    stream const draws(seed, 0, 0, purpose::testing);
    disorder_samples samples(2);
    std::uint32_t n = 0;
    for (std::size_t k = 0; k < units; ++k) {
        double const x = normal(draws, n++), y = normal(draws, n++);
        std::array<double, 2> const row{1 + 0.2 * x, (x * x + y * y) / 2};  // Gaussian and exponential
        samples.add(row, true);
    }
    estimates_of_run found;
    add(found, "average over disorder, Gaussian", 1, disorder_average(samples, 0));
    add(found, "average over disorder, exponential", 1, disorder_average(samples, 1));
    add(found, "ratio of two averages over disorder", 1,
        disorder_average(samples, [](auto mean) { return mean(1) / mean(0); }));
    std::vector<size_sample> sizes;
    for (double const inverse : {0.02, 0.01, 0.005}) {
        sizes.push_back({inverse, {}});
        for (std::size_t k = 0; k < units; ++k)
            sizes.back().values.push_back(0.3 + 4 * inverse + 0.1 * normal(draws, n++));
    }
    auto const at_zero = extrapolate_size(sizes, 0);
    add(found, "extrapolation in size", 0.3, at_zero);
    add(found, "mean of draws", 0, mean_of_draws(units, [&](std::size_t) { return normal(draws, n++); }));
    return found;
}

estimates_of_run of_trees(dense_ising<double> const& glass, double truth, std::size_t units,
                          std::uint64_t seed) {
    auto const of = sample(glass, fixed_temperatures(glauber{}, ladder({tree_temperature})),
                           observables{energy{}, overlap{}}, plan_for_states(units, seed));
    estimates_of_run found;
    try {
        add(found, "<K> of replicas", truth, ultrametricity(overlap_matrix(of.spins[0])).mean);
    } catch (error const&) {  // all distances are equal
        found.push_back({"<K> of replicas", truth, 0, 0, {0, 0}, false});
    }
    return found;
}

/// Chance of so few hits or fewer of so many tries.
double chance_of(double hits, double tries, double p) {
    return hits < tries ? 1 - incomplete_beta(hits + 1, tries - hits, p) : 1;
}

}  // namespace

void check_coverage(study& to) {
    to.begin(
        "Coverage: shares in % within one and two errors and in the interval of 95 %, of 4, 8, 16 units");
    std::size_t const runs = to.count(30, 400);
    auto const network = small_network();
    exact_network const exact(network, glass_temperature);
    auto const pairs = dimers::model();
    auto const glass = sherrington_kirkpatrick<double>(8, 3);
    double const k_of_glass = exact_ultrametricity(glass, tree_temperature);
    struct part {
        char const* name;
        std::function<estimates_of_run(std::size_t, std::uint64_t)> run;
    };
    part const parts[] = {
        {"tempered", [&](auto n, auto seed) { return tempered(network, exact, n, seed); }},
        {"pairs", [&](auto n, auto seed) { return by_pairs(network, exact, n, seed); }},
        {"populations", [&](auto n, auto seed) { return by_populations(network, exact, n, seed); }},
        {"decays", [&](auto n, auto seed) { return decaying(pairs, n, seed); }},
        {"stretched", [&](auto n, auto seed) { return stretched(n, seed); }},
        {"trees", [&](auto n, auto seed) { return of_trees(glass, k_of_glass, n, seed); }},
        {"samples", [&](auto n, auto seed) { return of_samples(n, seed); }},
        {"series", [&](auto n, auto seed) { return autocorrelated(n * 250, seed); }}};
    for (auto const& each : parts) {
        std::vector<covered> all;
        for (std::size_t const n : {4u, 8u, 16u}) {
            if (to.quick() && n != 8) continue;
            auto const kind = "coverage-" + std::string(each.name) + "-" + std::to_string(n);
            auto const rows = to.samples(kind, runs, [&](std::uint64_t seed) {
                std::vector<double> row;
                for (auto const& found : each.run(n, seed)) {
                    double const off = std::abs(found.value - found.truth);
                    row.push_back(found.determined ? 1 : 0);
                    for (int const errors : {1, 2})
                        row.push_back(found.determined && off <= errors * found.error ? 1 : 0);
                    row.push_back(found.determined && found.at_95.contains(found.truth) ? 1 : 0);
                }
                return row;
            });
            auto const named = each.run(n, 1);
            for (std::size_t e = 0; e < named.size(); ++e) {
                auto row = std::find_if(all.begin(), all.end(),
                                        [&](covered const& of) { return of.quantity == named[e].name; });
                if (row == all.end()) row = all.insert(all.end(), {named[e].name, {}});
                double counts[4] = {};
                for (std::size_t r = 0; r < runs; ++r)
                    for (std::size_t c = 0; c < 4; ++c) counts[c] += rows.value(r, 4 * e + c);
                row->of_units.push_back({n, counts[0], counts[1] / counts[0], counts[2] / counts[0],
                                         counts[3] / counts[0], chance_of(counts[3], counts[0], 0.93)});
            }
        }
        for (auto& row : all) to.covers(std::move(row), runs);
    }
}

}  // namespace validation
