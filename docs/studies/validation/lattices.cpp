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

/// Mean over the bonds of s_i^a s_j^a s_i^b s_j^b.
template <class M>
auto link_overlap_of(M const& model) {
    return per_pair("link overlap", [&model](auto a, auto b) {
        double sum = 0, bonds = 0;
        for (std::size_t i = 0; i < model.size(); ++i)
            for (std::uint32_t const j : model.neighbours(i))
                if (j > i) {
                    sum += static_cast<double>(a[i] * a[j] * b[i] * b[j]);
                    bonds += 1;
                }
        return sum / bonds;
    });
}

/// u and q_link of one sample, at each temperature of the ladder.
std::vector<double> energy_and_links(sparse_ising<float> const& model, ladder const& temperatures,
                                     std::uint64_t sweeps, std::uint64_t seed) {
    auto const links = link_overlap_of(model);
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
        row.push_back(sums_over_all(run.recorders[0][k]).mean(4, 0));
        row.push_back(sums_over_all(run.recorders[1][k]).mean(4, 0));
    }
    return row;
}

void check_gaussian_identity(study& to, std::vector<std::size_t> const& edges, ladder const& temperatures,
                             std::size_t few, std::size_t many, std::uint64_t sweeps) {
    auto const z = 2 * static_cast<double>(edges.size());
    std::string name = std::to_string(edges[0]);
    for (std::size_t d = 1; d < edges.size(); ++d) name += "x" + std::to_string(edges[d]);
    auto const found =
        to.samples("ea-gauss-" + name, to.count(few, many), [&](std::size_t, std::uint64_t seed) {
            return energy_and_links(edwards_anderson(edges, gaussian_bonds{}, seed), temperatures, sweeps,
                                    child_seed(seed, purpose::testing, 0));
        });
    for (std::size_t k = 0; k < temperatures.size(); k += 2) {
        double const t = temperatures[k];
        char text[80];
        std::snprintf(text, sizeof text, "[u] + z (1 - [q_link]) / (2 T), Gaussian %s, T = %.2g",
                      name.c_str(), t);
        to.agree(text, {0, 0},
                 found.of([&](auto mean) { return mean(2 * k) + z * (1 - mean(2 * k + 1)) / (2 * t); }),
                 "exact, Katzgraber, Palassini, Young");
    }
}

/// Energy per bond, <m^2> - <q^2>, and q^2 itself on a Nishimori line.
template <class Bonds>
void check_nishimori(study& to, std::string const& key, Bonds const& bonds, double temperature,
                     double energy_per_bond) {
    ladder const temperatures({temperature, 1.3 * temperature, 1.7 * temperature, 2.3 * temperature});
    auto const found =
        to.samples("nishimori-" + key, to.count(100, 2000), [&](std::size_t, std::uint64_t seed) {
            auto const run =
                sample(edwards_anderson({8, 8}, bonds, seed), parallel_tempering(metropolis{}, temperatures),
                       observables{energy{}, overlap{}, magnetisation{}},
                       {.replicas = 4,
                        .warmup = 500,
                        .sweeps = 1'500,
                        .measure_every = 5,
                        .seed = child_seed(seed, purpose::testing, 0),
                        .from = start::hot});
            return std::vector<double>{
                sums_over_all(run.template of<energy>()[0]).mean(4, 0) / 2,
                sums_over_all(run.template of<magnetisation>()[0]).mean(4, moments::square),
                sums_over_all(run.template of<overlap>()[0]).mean(4, moments::square)};
        });
    to.agree("[E] per bond on the Nishimori line, " + key, {energy_per_bond, 0}, found.mean(0), "exact");
    to.agree("[<m^2>] - [<q^2>] on the same", {0, 0}, found.of([](auto mean) { return mean(1) - mean(2); }),
             "exact");
}

/// chi(0) and chi(k) over N at each temperature, +-J, L^3.
sample_table transition_samples(study& to, std::size_t edge, ladder const& temperatures, std::size_t count,
                                std::uint64_t sweeps) {
    std::vector<std::size_t> const edges(3, edge);
    return to.samples("ea-3d-" + std::to_string(edge) + "-" + std::to_string(sweeps), count,
                      [&](std::size_t, std::uint64_t seed) {
                          structure_factor const waves(edges);
                          auto const run =
                              sample(edwards_anderson(edges, plus_minus_bonds{}, seed),
                                     parallel_tempering(multi_spin{}, temperatures), observables{waves},
                                     {.replicas = 8,
                                      .warmup = sweeps,
                                      .sweeps = sweeps,
                                      .measure_every = 20,
                                      .seed = child_seed(seed, purpose::testing, 0),
                                      .from = start::hot});
                          std::vector<double> row;
                          for (std::size_t k = 0; k < temperatures.size(); ++k)
                              for (std::size_t c : {0u, 1u})
                                  row.push_back(sums_over_all(run.recorders[0][k]).mean(8, c));
                          return row;
                      });
}

/// Where the curves xi / L of two sizes cross, by straight lines between the temperatures.
value crossing(sample_table const& small, std::size_t small_edge, sample_table const& large,
               std::size_t large_edge, ladder const& temperatures) {
    auto const curve = [&](auto const& mean, std::size_t edge) {
        std::vector<double> xi;
        for (std::size_t k = 0; k < temperatures.size(); ++k)
            xi.push_back(correlation_length(mean(2 * k), mean(2 * k + 1), edge) / static_cast<double>(edge));
        return xi;
    };
    auto const meet = [&](std::vector<double> const& a, std::vector<double> const& b) {
        // From above: there the small lattice has the larger xi / L.
        for (std::size_t k = temperatures.size() - 1; k-- > 0;) {
            double const above = b[k + 1] - a[k + 1], below = b[k] - a[k];
            if (above <= 0 && below > 0)
                return temperatures[k] + (temperatures[k + 1] - temperatures[k]) * below / (below - above);
        }
        return 0.0;
    };
    std::vector<double> fixed_small, fixed_large;
    (void)small.of([&](auto mean) { return fixed_small = curve(mean, small_edge), 0.0; });
    // The jackknife calls with nothing left out last.
    (void)large.of([&](auto mean) { return fixed_large = curve(mean, large_edge), 0.0; });
    value const from_small = small.of([&](auto mean) { return meet(curve(mean, small_edge), fixed_large); });
    value const from_large = large.of([&](auto mean) { return meet(fixed_small, curve(mean, large_edge)); });
    return {from_small.mean, std::hypot(from_small.error, from_large.error)};
}

void check_transition(study& to) {
    ladder const temperatures({0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4, 1.5, 1.65, 1.8, 2.0, 2.3});
    auto const four = transition_samples(to, 4, temperatures, 6400, 2'000);
    auto const six = transition_samples(to, 6, temperatures, 3840, 8'000);
    auto const eight = transition_samples(to, 8, temperatures, 1536, 40'000);
    value const first = crossing(four, 4, six, 6, temperatures),
                second = crossing(six, 6, eight, 8, temperatures);
    to.between("xi / L of 4 and 6 cross at T", 1.15, 1.23, first,
               "towards 1.1019(29), Baity-Jesi et al. 2013");
    to.between("xi / L of 6 and 8 cross at T", 1.12, 1.23, second, "the same");
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
