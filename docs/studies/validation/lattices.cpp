// SPDX-License-Identifier: BSD-3-Clause
/// Edwards-Anderson models: identities of Gaussian bonds, Nishimori lines, the transition in three
/// dimensions.
#include "study.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace validation {
namespace {

using namespace spinet;

/// u and q_link of one sample, at each temperature of the ladder.
std::vector<double> energy_and_links(sparse_ising<float> const& model, ladder const& temperatures,
                                     std::uint64_t sweeps, std::uint64_t seed) {
    link_overlap const links(model);
    auto const run =
        sample(model, parallel_tempering(metropolis{}, temperatures), observables{energy{}, links},
               {.replicas = 4,
                .warmup = sweeps / 2,
                .sweeps = sweeps,
                .measure_every = 10,
                .seed = seed,
                .from = start::hot});
    std::vector<double> row;
    for (std::size_t k = 0; k < temperatures.size(); ++k) {
        row.push_back(thermal(run.recorders[0][k]));
        row.push_back(thermal(run.recorders[1][k], link_overlap::mean));
    }
    return row;
}

void check_gaussian_identity(study& to, std::vector<std::size_t> const& edges, ladder const& temperatures,
                             std::size_t few, std::size_t many, std::uint64_t sweeps) {
    auto const z = 2 * static_cast<double>(edges.size());
    std::string name = std::to_string(edges[0]);
    for (std::size_t d = 1; d < edges.size(); ++d) name += "x" + std::to_string(edges[d]);
    auto const found = to.samples("ea-gauss-" + name, to.count(few, many), [&](std::uint64_t seed) {
        return energy_and_links(edwards_anderson(edges, gaussian_bonds{}, seed), temperatures, sweeps,
                                child_seed(seed, purpose::testing, 0));
    });
    for (std::size_t k = 0; k < temperatures.size(); k += 2) {
        double const t = temperatures[k];
        char text[80];
        std::snprintf(text, sizeof text, "[u] + z (1 - [q_link]) / (2 T), Gaussian %s, T = %.2g",
                      name.c_str(), t);
        to.agree(text, {0, 0},
                 average(found, [&](auto mean) { return mean(2 * k) + z * (1 - mean(2 * k + 1)) / (2 * t); }),
                 "exact, Katzgraber, Palassini, Young");
    }
}

/// Energy per bond, <m^2> - <q^2>, and q^2 itself on a Nishimori line.
template <class Bonds>
void check_nishimori(study& to, std::string const& key, Bonds const& bonds, double temperature,
                     double energy_per_bond) {
    ladder const temperatures({temperature, 1.3 * temperature, 1.7 * temperature, 2.3 * temperature});
    auto const found = to.samples("nishimori-" + key, to.count(100, 2000), [&](std::uint64_t seed) {
        auto const run =
            sample(edwards_anderson({8, 8}, bonds, seed), parallel_tempering(metropolis{}, temperatures),
                   observables{energy{}, overlap{}, magnetisation{}},
                   {.replicas = 4,
                    .warmup = 500,
                    .sweeps = 1'500,
                    .measure_every = 5,
                    .seed = child_seed(seed, purpose::testing, 0),
                    .from = start::hot});
        return std::vector<double>{thermal(run.template of<energy>()[0]) / 2,
                                   thermal(run.template of<magnetisation>()[0], moments::square),
                                   thermal(run.template of<overlap>()[0], moments::square)};
    });
    to.agree("[E] per bond on the Nishimori line, " + key, {energy_per_bond, 0}, average(found, 0), "exact");
    to.agree("[<m^2>] - [<q^2>] on the same", {0, 0},
             average(found, [](auto mean) { return mean(1) - mean(2); }), "exact");
}

ladder const& transition_temperatures() {
    static ladder const all(
        {1.05, 1.1, 1.15, 1.175, 1.2, 1.225, 1.25, 1.3, 1.36, 1.43, 1.51, 1.6, 1.7, 1.82, 1.98, 2.2});
    return all;
}

/// Columns of rung k: 5 k + 0 chi(0) / N, + 1 chi(k) / N, + 2 q^4, and q^2 in the last half (+ 3) and in the
/// quarter before it (+ 4).
disorder_samples transition_samples(study& to, std::size_t edge, std::size_t count, std::uint64_t sweeps) {
    std::vector<std::size_t> const edges(3, edge);
    return to.samples(
        "ea-3d-" + std::to_string(edge) + "-" + std::to_string(sweeps), count, [=](std::uint64_t seed) {
            auto const run = sample(edwards_anderson(edges, plus_minus_bonds{}, seed),
                                    parallel_tempering(multi_spin{}, transition_temperatures()),
                                    observables{structure_factor(edges), overlap{}},
                                    {.replicas = 8,
                                     .warmup = sweeps,
                                     .sweeps = sweeps,
                                     .measure_every = std::max<std::uint64_t>(10, sweeps / 1'000),
                                     .seed = child_seed(seed, purpose::testing, 0),
                                     .from = start::hot});
            std::vector<double> row;
            for (std::size_t k = 0; k < run.temperatures.size(); ++k) {
                auto const& overlaps = run.of<overlap>()[k];
                row.push_back(thermal(run.recorders[0][k], 0));
                row.push_back(thermal(run.recorders[0][k], 1));
                row.push_back(thermal(overlaps, moments::fourth));
                row.push_back(thermal(overlaps, moments::square, {3, 4}));
                row.push_back(thermal(overlaps, moments::square, {2, 3}));
            }
            return row;
        });
}

struct lattice_samples {
    std::size_t edge;
    disorder_samples of;

    /// xi / L at rung k, from averages of columns.
    template <class Mean>
    [[nodiscard]] double xi(Mean const& mean, std::size_t k) const {
        return correlation_length(mean(5 * k), mean(5 * k + 1), edge) / static_cast<double>(edge);
    }
};

/// Where the curves xi / L of two sizes cross, by straight lines between the temperatures.
value crossing(lattice_samples const& small, lattice_samples const& large) {
    auto const& temperatures = transition_temperatures();
    auto const curve = [&](lattice_samples const& lattice, auto const& mean) {
        std::vector<double> found;
        for (std::size_t k = 0; k < temperatures.size(); ++k) found.push_back(lattice.xi(mean, k));
        return found;
    };
    auto const meet = [&](std::vector<double> const& a, std::vector<double> const& b) {
        // From above: there the small lattice has the larger xi / L.
        for (std::size_t k = temperatures.size() - 1; k-- > 0;) {
            double const above = b[k + 1] - a[k + 1], below = b[k] - a[k];
            if (above <= 0 && below > 0)
                return temperatures[k] + (temperatures[k + 1] - temperatures[k]) * below / (below - above);
        }
        throw error("xi / L of two sizes do not cross");
    };
    auto const all_small = curve(small, [&](std::size_t c) { return small.of.mean(c); }),
               all_large = curve(large, [&](std::size_t c) { return large.of.mean(c); });
    value const from_small =
                    average(small.of, [&](auto mean) { return meet(curve(small, mean), all_large); }),
                from_large =
                    average(large.of, [&](auto mean) { return meet(all_small, curve(large, mean)); });
    return {from_small.mean, std::hypot(from_small.error, from_large.error)};
}

void check_transition(study& to) {
    lattice_samples const sizes[] = {{4, transition_samples(to, 4, 6400, 1'000)},
                                     {6, transition_samples(to, 6, 3840, 2'500)},
                                     {8, transition_samples(to, 8, 1536, 6'000)}};
    figure binder{"ea_binder", "T", "Binder cumulant g", "set key bottom left\n"},
        lengths{"ea_correlation_length", "T", "xi / L", "set key bottom left\n"};
    for (auto* drawn : {&binder, &lengths})
        drawn->settings +=
            "set arrow from 1.1019, graph 0 to 1.1019, graph 1 nohead dt 2\n"
            "set label 'transition, Baity-Jesi et al.' at 1.115, graph 0.96\n";
    for (auto const& each : sizes) {
        auto const size = std::to_string(each.edge);
        to.agree("[<q^2>], last half - quarter before it, L = " + size + ", T = 1.05", {0, 0},
                 average(each.of, [](auto mean) { return mean(3) - mean(4); }), "equilibrium");
        binder.curves.push_back({"L = " + size});
        lengths.curves.push_back({"L = " + size});
        for (std::size_t k = 0; k < transition_temperatures().size(); ++k) {
            double const t = transition_temperatures()[k];
            value const g = average(each.of,
                                    [&](auto mean) {
                                        return (3 - mean(5 * k + 2) / (mean(5 * k) * mean(5 * k))) / 2;
                                    }),
                        xi = average(each.of, [&](auto mean) { return each.xi(mean, k); });
            binder.curves.back().points.push_back({t, g.mean, g.error});
            lengths.curves.back().points.push_back({t, xi.mean, xi.error});
        }
    }
    to.draw(binder);
    to.draw(lengths);
    value const first = crossing(sizes[0], sizes[1]), second = crossing(sizes[1], sizes[2]),
                outer = crossing(sizes[0], sizes[2]);
    // Crossings of small lattices are above the transition, and fall towards it.
    auto const above = [&](char const* which, value const& found) {
        to.between(std::string("xi / L of ") + which + " cross at T, above the transition",
                   1.1019 - study::errors * std::hypot(found.error, 0.0029),
                   transition_temperatures().highest(), found, "1.1019(29), Baity-Jesi et al. 2013");
    };
    above("4 and 6", first);
    above("6 and 8", second);
    above("4 and 8", outer);
    to.between("the second crossing less the first", -1, 3 * std::hypot(first.error, second.error),
               {second.mean - first.mean, std::hypot(first.error, second.error)}, "falls towards T_c");
}

}  // namespace

void check_lattices(study& to) {
    to.begin("Edwards-Anderson");
    check_gaussian_identity(to, {4, 4, 4}, ladder({0.9, 1.1, 1.4, 1.8, 2.4}), 40, 600, 3'000);
    check_gaussian_identity(to, {8, 8}, ladder({0.6, 0.8, 1.0, 1.4, 2.0}), 40, 600, 3'000);
    check_nishimori(to, "Gaussian mean 0.9", gaussian_bonds{.mean = 0.9}, 1 / 0.9, -0.9);
    double const p = 0.85;
    check_nishimori(to, "+-J p = 0.85", plus_minus_bonds{p}, 2 / std::log(p / (1 - p)), -(2 * p - 1));
    if (!to.quick()) check_transition(to);
}

}  // namespace validation
