// SPDX-License-Identifier: BSD-3-Clause
/// Layered networks: transition temperatures, the paramagnet, identities of random weights, trained weights
/// against partial enumeration.
#include "study.hpp"
#include <spinet/readers/load.hpp>
#include <spinet/testing/partial_enumeration.hpp>

#include <cmath>
#include <numbers>
#include <string>

namespace validation {
namespace {

using namespace spinet;

std::string name_of(std::vector<std::size_t> const& sizes) {
    std::string name;
    for (std::size_t const n : sizes) {
        if (!name.empty()) name += '-';
        name += std::to_string(n);
    }
    return name;
}

void check_formula(study& to) {
    double const expected[] = {1.0, 1.18921, 1.27202, 1.31607};
    for (std::size_t layers = 1; layers <= 4; ++layers) {
        std::vector<std::size_t> const sizes(layers + 1, 100);
        std::vector<double> const variances(layers, 0.01);
        to.equal("T_formula, " + std::to_string(layers) + " weight layers of equal width",
                 expected[layers - 1], t_formula(sizes, variances), 1e-5, "Barney, Winer, Galitski");
    }
    std::vector<std::size_t> const sizes{800, 200, 100};
    std::vector<double> const variances{1.0 / 800, 1.0 / 200};
    to.equal("T_formula, 800-200-100, variance 1 / fan-in", 0.9306, t_formula(sizes, variances), 1e-4,
             "the same formula");
    std::vector<std::size_t> const two{300, 120};
    std::vector<double> const one{0.01};
    to.equal("T_formula, two layers: (N1 N2 sigma^4)^(1/4)", std::pow(300 * 120 * 1e-4, 0.25),
             t_formula(two, one), 1e-12, "bipartite model");
}

/// N <q^2> of the paramagnet, over instances, at 1.6 times the transition.
void check_paramagnet(study& to, std::vector<std::size_t> const& sizes) {
    std::vector<double> variances;
    for (std::size_t l = 0; l + 1 < sizes.size(); ++l)
        variances.push_back(1.0 / static_cast<double>(sizes[l]));
    double const t = 1.6 * t_formula(sizes, variances);
    auto const name = name_of(sizes);
    std::size_t spins = 0;
    for (std::size_t const n : sizes) spins += n;
    auto const found = to.samples("paramagnet-" + name, to.count(24, 300), [&](std::uint64_t seed) {
        auto const run = sample(random_layered_glass<float>(sizes, variances, seed),
                                fixed_temperatures(glauber{}, ladder({t})), observables{overlap{}},
                                {.replicas = 16,
                                 .warmup = 200,
                                 .sweeps = 600,
                                 .measure_every = 4,
                                 .seed = child_seed(seed, purpose::testing, 0),
                                 .from = start::hot});
        return std::vector<double>{static_cast<double>(spins) *
                                   thermal(run.of<overlap>()[0], moments::square)};
    });
    double const expected = paramagnet_overlap_variance(sizes, variances, t);
    // 1 %: the formula is that of infinite widths.
    to.agree("N [<q^2>] at 1.6 T_formula, " + name, {expected, 0.01 * expected / study::errors},
             average(found, 0), "[(1 - beta^2 B)^-1]");
}

/// The smallest eigenvalue of the TAP Hessian at m = 0, from the whole matrix.
template <class M>
double dense_hessian_eigenvalue(M const& model, double temperature) {
    std::size_t const n = model.size();
    std::vector<double> matrix(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
        matrix[i * n + i] = 1;
        model.for_each_coupling(i, [&](std::size_t first, auto couplings) {
            for (std::size_t j = 0; j < couplings.size(); ++j) {
                double const x = static_cast<double>(couplings[j]) / temperature;
                matrix[i * n + first + j] -= x;
                matrix[i * n + i] += x * x;
            }
        });
    }
    return detail::symmetric_eigenvalues(std::move(matrix), n)[0];
}

/// T_ord of a random network: where the Hessian's smallest eigenvalue is least, near T_formula.
void check_ordering(study& to, std::vector<std::size_t> const& sizes) {
    std::vector<double> variances;
    for (std::size_t l = 0; l + 1 < sizes.size(); ++l)
        variances.push_back(1.0 / static_cast<double>(sizes[l]));
    auto const glass = random_layered_glass<double>(sizes, variances, 1);
    auto const found = t_ord(glass);
    double const t = found.temperature, here = dense_hessian_eigenvalue(glass, t),
                 aside = std::min(dense_hessian_eigenvalue(glass, 0.98 * t),
                                  dense_hessian_eigenvalue(glass, 1.02 * t));
    auto const name = ", " + name_of(sizes);
    to.report("T_ord / T_formula" + name, {t / t_formula(sizes, variances), 0}, "1 for N to infinity");
    to.equal("smallest eigenvalue of the TAP Hessian at T_ord" + name, here, found.smallest_eigenvalue, 1e-6,
             "LAPACK, whole matrix");
    to.between("... and how much more it is at 0.98 and 1.02 T_ord" + name, 0, 1, {aside - here, 0},
               "the same");
}

void check_characteristic_temperatures(study& to) {
    auto const at = characteristic_temperatures(to_spin_glass(
        load_network(SPINET_SOURCE_DIR "/docs/networks/fashion_784-128-64-10_trained.safetensors")));
    to.equal("lambda_max of the shipped trained network", 9.574948, at.lambda_max, 1e-6, "NumPy");
    to.equal("T_ord of the same", 8.953412, at.t_ord.temperature, 1e-6, "NumPy");
    to.equal("T_formula of the same, measured variances", 1.7282, at.t_formula, 1e-4, "NumPy");
}

/// [U] = -beta sum over layers of sigma^2 (N_l N_l+1 - [<S_l S_l+1>]), S_l the sum of s^a s^b over a layer.
template <class Glass>
std::vector<double> energy_and_layers(Glass const& glass, double temperature,
                                      std::vector<double> const& variances, std::uint64_t seed) {
    auto const groups = glass.groups();
    auto const predicted = per_pair("energy by overlaps", [&](auto a, auto b) {
        double sum = 0, before = 0;
        for (std::size_t g = 0; g < groups.size(); ++g) {
            double overlap = 0;
            for (std::size_t i = groups[g].first; i < groups[g].first + groups[g].size; ++i)
                overlap += static_cast<double>(a[i] * b[i]);
            if (g > 0)
                sum -= variances[g - 1] / temperature *
                       (static_cast<double>(groups[g - 1].size * groups[g].size) - before * overlap);
            before = overlap;
        }
        return sum;
    });
    ladder const temperatures({temperature, 1.3 * temperature, 1.7 * temperature});
    auto const run =
        sample(glass, parallel_tempering(glauber{}, temperatures), observables{energy{}, predicted},
               {.replicas = 4,
                .warmup = 1'000,
                .sweeps = 2'000,
                .measure_every = 10,
                .seed = seed,
                .from = start::hot});
    return {thermal(run.recorders[0][0]) * static_cast<double>(glass.size()), thermal(run.recorders[1][0])};
}

void check_identities(study& to) {
    std::vector<std::size_t> const sizes{40, 30, 20};
    std::vector<double> const variances{1.0 / 40, 1.0 / 30};
    double const low = 0.6 * t_formula(sizes, variances);
    auto const layered = to.samples("identity-40-30-20", to.count(60, 1000), [&](std::uint64_t seed) {
        return energy_and_layers(random_layered_glass<float>(sizes, variances, seed), low, variances,
                                 child_seed(seed, purpose::testing, 0));
    });
    to.agree("[U] - prediction by overlaps, 40-30-20, 0.6 T_formula", {0, 0},
             average(layered, [](auto mean) { return mean(0) - mean(1); }), "exact, Gaussian couplings");

    auto const trained =
        load_network(SPINET_SOURCE_DIR "/docs/networks/fashion_784-128-64-10_trained.safetensors");
    auto const redrawn_samples = to.samples("identity-redrawn", to.count(16, 200), [&](std::uint64_t seed) {
        auto const glass = to_spin_glass(redrawn(trained, seed), twin_hopfield{.biases = biases::dropped});
        // The variances of the null model are those of the trained weights, each layer's about its mean
        // of 0.
        auto const model = to_spin_glass(trained, twin_hopfield{.biases = biases::dropped});
        std::vector<double> of_layers;
        for (auto const& block : measured_variances(model)) of_layers.push_back(block.variance);
        return energy_and_layers(glass, 1.2, of_layers, child_seed(seed, purpose::testing, 0));
    });
    to.agree("[U] - prediction, redrawn null of the shipped network, T = 1.2", {0, 0},
             average(redrawn_samples, [](auto mean) { return mean(0) - mean(1); }),
             "exact, Gaussian couplings");
}

void check_trained(study& to) {
    auto const network = load_network(SPINET_SOURCE_DIR "/tests/data/fashion_784-16-10_trained.safetensors");
    auto const glass = to_spin_glass(network);
    auto const temperatures = geometric_temperatures(1.0, 12.0, 14);
    auto const run = sample(
        glass, parallel_tempering(mirrored{glauber{}}, temperatures), observables{energy{}, overlap{}},
        {.replicas = 16, .warmup = 1'000, .sweeps = to.count(8'000, 80'000), .measure_every = 5, .seed = 5});
    auto const u = mean_energy(run), q2 = mean_square_overlap(run);
    for (std::size_t const k : {0u, 5u, 9u, 12u}) {
        testing::partial_enumeration const exact(glass, temperatures[k]);
        char name[80];
        std::snprintf(name, sizeof name, "energy of trained 784-16-10, T = %.3g", temperatures[k]);
        to.agree(name, {exact.mean_energy() / static_cast<double>(glass.size()), 0}, {u[k].value, u[k].error},
                 "partial enumeration");
        std::snprintf(name, sizeof name, "<q^2> of the same");
        to.agree(name, {exact.mean_square_overlap(), 0}, {q2[k].value, q2[k].error}, "partial enumeration");
    }
}

}  // namespace

void check_networks(study& to) {
    to.begin("Layered networks");
    check_formula(to);
    for (auto const& sizes : std::vector<std::vector<std::size_t>>{
             {300, 300}, {200, 200, 200}, {400, 200, 100}, {100, 300, 150, 50}, {500, 100, 60, 40, 30}}) {
        check_paramagnet(to, sizes);
        check_ordering(to, sizes);
    }
    check_characteristic_temperatures(to);
    check_identities(to);
    check_trained(to);
}

}  // namespace validation
