// SPDX-License-Identifier: BSD-3-Clause
/// The code of docs/how-to.md.
#include <spinet/io/portrait_plot.hpp>
#include <spinet/landscape/complexity.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/spinet.hpp>
#include <spinet/statistics/conditional.hpp>
#include <spinet/statistics/decay_fit.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace {

std::string const file = SPINET_SOURCE_DIR "/docs/networks/fashion_784-128-64-10_trained.safetensors";

void require(bool holds, char const* what) {
    if (holds) return;
    std::fprintf(stderr, "failed: %s\n", what);
    std::exit(1);
}

//! [reader]
/// One dense layer in a text file: OUT, IN, then the OUT * IN weights.
struct text_layer {
    char const* name() const { return "layer in text"; }
    bool recognises(std::filesystem::path const& path) const { return path.extension() == ".txt"; }
    spinet::network operator()(std::filesystem::path const& path) const {
        std::ifstream text(path);
        std::size_t out = 0, in = 0;
        text >> out >> in;
        std::vector<double> weights;
        for (double w = 0; text >> w;) weights.push_back(w);
        if (out == 0 || in == 0 || weights.size() / out != in || weights.size() % out != 0)
            throw spinet::error("expected OUT, IN and OUT * IN weights");
        return spinet::mlp({xt::adapt(weights, std::vector<std::size_t>{out, in})});
    }
};
//! [reader]

void own_reader() {
    auto const path = std::filesystem::temp_directory_path() / "spinet_how_to_layer.txt";
    std::ofstream(path) << "1 2\n0.5 -1\n";
    //! [own reader]
    auto const network = spinet::load_network(path, text_layer{}, spinet::safetensors{});
    //! [own reader]
    require(network.source() == path && spinet::to_spin_glass(network).size() == 3, "2 + 1 spins");
    std::ofstream(path) << "2 2\n0.5 -1\n";
    std::string refused;
    try {
        (void)spinet::load_network(path, text_layer{});
    } catch (spinet::file_error const& reason) {
        refused = reason.what();
    }
    require(refused == path.string() + ": expected OUT, IN and OUT * IN weights", "the file is named");
    std::filesystem::remove(path);
}

//! [own null]
/// Shuffles the weights of every convolution within each filter. Each filter keeps its weights and loses
/// their arrangement in space; all other layers stay as they are.
spinet::network with_shuffled_filters(spinet::network const& net, std::uint64_t seed) {
    spinet::network result(net.source());
    std::uint32_t layer = 0;
    for (auto node : net.nodes()) {  // a copy of each
        if (auto const* const found = node.op.get_if<spinet::convolution>()) {
            auto conv = *found;
            std::vector<double> w(conv.weight.size());
            conv.weight.copy_to(w);
            std::size_t const filters = conv.weight.shape()[0], size = w.size() / filters;
            // No other null model may use these indices, or it would get the same draws.
            auto const own = spinet::child_seed(seed, spinet::purpose::null_model, 1000 + layer++);
            for (std::uint32_t f = 0; f < filters; ++f) {
                spinet::stream const draws(own, 0, f, spinet::purpose::null_model);
                for (std::size_t k = size; k > 1; --k)
                    std::swap(
                        w[f * size + k - 1],
                        w[f * size + spinet::uniform_index(draws.bits(static_cast<std::uint32_t>(k)), k)]);
            }
            conv.weight = conv.weight.with_values(w);
            node.op = std::move(conv);
        }
        result.add(std::move(node));
    }
    result.add_note("null model: weights shuffled within each filter, seed " + std::to_string(seed));
    return result;
}
//! [own null]

void own_null_model() {
    //! [convolutional]
    xt::xtensor<float, 4> const kernels{{{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}},
                                        {{{1, 0, 0}, {0, 0, 0}, {0, 0, -1}}}};
    spinet::network net;  // 1 x 6 x 6 pixels, two filters of 3 x 3, pooling, two classes
    net.add({"x", spinet::input{36, {1, 6, 6}}});
    net.add({"conv", spinet::convolution{kernels}, {"x"}});
    net.add({"relu", spinet::activation{spinet::activation_kind::relu}, {"conv"}});
    net.add({"pool", spinet::pooling{spinet::pooling_kind::average, {2, 2}}, {"relu"}});
    net.add({"flat", spinet::flatten{}, {"pool"}});
    net.add({"classes", spinet::dense{xt::xtensor<float, 2>(xt::ones<float>({2, 8}))}, {"flat"}});
    spinet::network const null = with_shuffled_filters(net, 1);
    auto const glass = spinet::to_spin_glass(null);
    //! [convolutional]
    require(glass.size() == spinet::to_spin_glass(net).size(), "as many spins");
    double now = 0, before = 0;
    std::vector<double> moved(18);
    for (auto const& node : null.nodes())
        if (auto const* conv = node.op.get_if<spinet::convolution>()) conv->weight.copy_to(moved);
    for (std::size_t k = 0; k < 9; ++k) {
        now += moved[k];
        before += static_cast<double>(k + 1);
    }
    require(now == before &&
                moved != std::vector<double>({1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 0, 0, 0, 0, 0, 0, 0, -1}),
            "filters keep their weights, in other places");
    require(std::accumulate(moved.begin() + 9, moved.end(), 0.0) == 0, "the second filter too");
}

void layer_order() {
    //! [order]
    auto const network = spinet::load_network(file, spinet::safetensors{.layers = {"0", "2", "4"}});
    //! [order]
    require(spinet::dense_chain(network).size() == 3, "three layers");
    //! [notes]
    for (auto const& note : network.notes()) std::printf("%s\n", note.c_str());
    //! [notes]
}

void from_arrays() {
    //! [arrays]
    xt::xtensor<float, 2> const first{{0.5f, -1.0f}, {0.25f, 0.0f}, {1.0f, 1.0f}};  // (out, in) = (3, 2)
    xt::xtensor<float, 1> const first_bias{0.1f, 0.0f, -0.1f};
    xt::xtensor<float, 2> const second{{1.0f, 0.0f, -1.0f}};
    auto const network = spinet::mlp({{first, first_bias}, second}, spinet::activation_kind::relu);
    //! [arrays]
    require(spinet::to_spin_glass(network).size() == 6, "2 + 3 + 1 spins");
}

void own_couplings() {
    //! [couplings]
    xt::xarray<double> const bonds{{0, 1.5, -0.5}, {0, 0, 1}, {0, 0, 0}};
    spinet::dense_ising const model(bonds + xt::transpose(bonds));  // any expression, view or adaptor
    std::vector<double> const weights{0.5, 0.25, 1, -1, 0, 1};      // column after column
    std::array<std::size_t, 2> const shape{3, 2};
    auto const layers = spinet::layered_glass<float>(
        {xt::adapt<xt::layout_type::column_major>(weights, shape)}, {{0.1f, -0.1f}, {}});
    xt::xtensor<double, 2> const j = spinet::couplings_of(layers);  // N x N, symmetric
    auto const modes = spinet::leading_modes(model, 2);             // .values, and .vectors with a row each
    //! [couplings]
    require(j(2, 1) == -1 && j(1, 3) == 0 && layers.external_fields()[1] == -0.1f, "the order of indices");
    require(modes.vectors.shape()[0] == 2 && modes.values(0) > modes.values(1), "two modes");
}

void temperatures(spinet::network_glass<float> const& glass) {
    //! [temperatures]
    double const top = spinet::largest_coupling_eigenvalue(glass);              // lambda_max(J)
    auto const geometric = spinet::geometric_temperatures(0.2, 1.2 * top, 24);  // constant ratio
    auto const linear = spinet::linear_temperatures(0.2, 1.2 * top, 24);        // constant steps
    spinet::ladder const by_hand({0.5, 1.0, 2.0, 4.0, 8.0, 12.0});              // strictly increasing
    //! [temperatures]
    require(geometric.size() == linear.size() && by_hand.highest() > top, "ladders");
}

void characteristic_temperatures(spinet::network_glass<float> const& glass) {
    //! [matter]
    auto const at = spinet::characteristic_temperatures(glass);
    std::printf("lambda_max %.3f, T_ord %.3f (%s), T_formula %.3f\n", at.lambda_max, at.t_ord.temperature,
                at.t_ord.crosses ? "it orders there" : "it comes closest to ordering there", at.t_formula);
    //! [matter]
    require(at.t_ord.crosses && at.t_formula < at.t_ord.temperature && at.t_ord.temperature < at.lambda_max,
            "three temperatures");
    //! [branch]
    std::vector<double> const falling{9.5, 8.5, 6.0, 3.0, 1.0};
    for (auto const& found : spinet::tap_branch(glass, falling, spinet::mode_start(glass)))
        std::printf("T = %g: q = %.3f, of the inputs %.3f, f = %.4f, u = %.4f%s\n", found.temperature,
                    found.q, found.group_q[0], found.free_energy, found.energy,
                    found.physical ? "" : " (no solution)");
    auto const census = spinet::tap_solutions(glass, 3.0, {.starts = 20});
    for (std::size_t k = 0; k < census.solutions.size(); ++k)
        std::printf("f = %.4f, q = %.3f, found %zu times\n", census.solutions[k].free_energy,
                    census.solutions[k].q, census.found[k]);
    //! [branch]
    require(!census.solutions.empty() && census.solutions[0].physical, "solutions");
}

void low_temperature(spinet::network_glass<float> const& glass) {
    //! [cold]
    auto const even =
        spinet::parallel_tempering(spinet::glauber{}, spinet::geometric_temperatures(0.5, 11.5, 24));
    auto const ladder = spinet::evenly_accepted(glass, even, {.replicas = 4, .sweeps = 100, .rounds = 3});
    auto const method = spinet::parallel_tempering(spinet::mirrored{spinet::glauber{}}, ladder,
                                                   spinet::suggested_capped_models(glass));
    //! [cold]
    require(ladder.size() == 24 && !method.name().empty(), "a ladder of its own");
}

void free_energies(spinet::network_glass<float> const& glass) {
    //! [free]
    auto const run = spinet::sample(
        glass,
        spinet::population_annealing(spinet::glauber{}, spinet::ladder({3.0, 6.0, 12.0}), {.members = 100}),
        spinet::observables{spinet::energy{}, spinet::overlap{}, spinet::overlap_histogram{41}},
        spinet::run_plan{.replicas = 4, .warmup = 0, .sweeps = 10, .measure_every = 10}, spinet::threads{});
    for (auto const& at : spinet::free_energy(run))
        std::printf("T = %g: f = %.4f +- %.4f\n", at.temperature, at.value, at.error);
    auto const coldest = spinet::overlap_distribution(run).front();
    for (std::size_t b = 0; b < coldest.density.size(); ++b)
        std::printf("P(%.3f) = %.3f +- %.3f\n", coldest.overlap(b), coldest.density[b], coldest.error[b]);
    //! [free]
    require(run.complete() && run.populations->members == 100, "four populations of 100");
}

void relaxations(spinet::network_glass<float> const& glass) {
    //! [relaxation]
    auto const ladder = spinet::geometric_temperatures(6.0, 12.0, 6);
    auto const run =
        spinet::sample(glass, spinet::parallel_tempering(spinet::glauber{}, ladder),
                       spinet::observables{spinet::energy{}, spinet::overlap{}},
                       spinet::run_plan{.replicas = 8, .warmup = 500, .sweeps = 1'000, .keep_spins = true},
                       spinet::threads{});
    auto const curves = spinet::relaxation(glass, spinet::glauber{}, spinet::states_of(run),
                                           {.longest = 1'000}, spinet::threads{});
    for (auto const& curve : curves) {
        auto const& whole = curve.parts[0];  // then one for each layer
        auto const tau = spinet::integrated_decay_time(whole);
        auto const fit = spinet::fit_decay(whole);
        std::printf("T = %g: tau_int %s %.3g +- %.2g; exp(-(t / %.3g)^%.2g), %s%s\n", curve.temperature,
                    tau.reached ? "=" : ">", tau.value, tau.error, fit.time.value, fit.exponent.value,
                    fit.determined && fit.reached ? "fitted" : "not fixed by the data",
                    curve.equilibrated ? "" : "; not equilibrated");
    }
    //! [relaxation]
    require(curves.size() == 6 && curves[0].parts.size() == 5, "six temperatures, the whole and four layers");
    //! [ageing]
    auto const young_and_old =
        spinet::ageing(glass, spinet::glauber{}, spinet::ladder({6.0}),
                       {.replicas = 8, .waiting = {10, 100, 1'000}, .longest = 1'000}, spinet::threads{});
    for (auto const& curve : young_and_old) {
        auto const& whole = curve.parts[0];
        std::printf("t_w = %llu: C(t_w, t_w + 1000) = %.3f +- %.3f\n",
                    static_cast<unsigned long long>(curve.waiting), whole.mean().back(),
                    whole.errors().back());
    }
    //! [ageing]
    require(young_and_old.size() == 3, "three waiting times");
    //! [tree]
    spinet::overlap_matrix const overlaps(run.spins[0]);  // at the lowest temperature
    auto const tree = spinet::clustered(overlaps, spinet::linkage::average);
    auto const triangles = spinet::ultrametricity(overlaps);
    std::printf("<K> = %.2f +- %.2f, cophenetic correlation %.2f\n", triangles.mean.value,
                triangles.mean.error, spinet::cophenetic_correlation(overlaps, tree));
    //! [tree]
    require(tree.order.size() == 8, "eight replicas");
}

void disorder(spinet::network const& network) {
    //! [disorder]
    spinet::disorder_samples samples(2);  // <q^2>, <q^4>
    for (std::uint32_t n = 0; n < 4; ++n) {
        auto const seed = spinet::child_seed(1, spinet::purpose::null_model, n);
        auto const null = spinet::to_spin_glass(spinet::redrawn(network, seed));
        auto const run = spinet::sample(
            null, spinet::parallel_tempering(spinet::glauber{}, spinet::geometric_temperatures(1.5, 4.0, 4)),
            spinet::observables{spinet::energy{}, spinet::overlap{}},
            spinet::run_plan{.replicas = 8, .warmup = 100, .sweeps = 200, .seed = seed}, spinet::threads{});
        auto const square = spinet::mean_square_overlap(run)[0], fourth = spinet::mean_fourth_overlap(run)[0];
        samples.add(std::vector{square.value, fourth.value}, square.equilibrated);
    }
    auto const g =
        spinet::disorder_average(samples, [](auto mean) { return (3 - mean(1) / (mean(0) * mean(0))) / 2; });
    std::printf("g = %.2f +- %.2f over %zu samples, of which %zu not equilibrated\n", g.value, g.error,
                g.samples, g.not_equilibrated);
    //! [disorder]
    require(g.samples == 4, "four samples");
}

void nulls(spinet::network const& network) {
    //! [nulls]
    auto const within = spinet::shuffled(network, spinet::shuffle::within_layers, 1);
    auto const across = spinet::shuffled(network, spinet::shuffle::across_layers, 1);
    auto const gaussian = spinet::redrawn(network, 1);
    auto const glass = spinet::to_spin_glass(gaussian);
    //! [nulls]
    double const trained = spinet::largest_coupling_eigenvalue(spinet::to_spin_glass(network));
    for (auto const& null : {within, across, gaussian})
        require(spinet::largest_coupling_eigenvalue(spinet::to_spin_glass(null)) < trained,
                "training made the largest eigenvalue grow");
    require(glass.size() == 986, "784 + 128 + 64 + 10 spins");
}

void rescalings(spinet::network const& network) {
    //! [rescalings]
    auto const other = spinet::randomly_rescaled(network, 1);  // the same outputs for every input
    auto const least = spinet::balanced(network);  // the same for all networks that rescaling makes
    //! [rescalings]
    double const found = spinet::largest_coupling_eigenvalue(spinet::to_spin_glass(spinet::balanced(other))),
                 wanted = spinet::largest_coupling_eigenvalue(spinet::to_spin_glass(least));
    require(std::abs(found - wanted) < 1e-5 * wanted, "the balanced network does not depend on rescaling");
}

void soft(spinet::network_glass<float> const& glass) {
    //! [soft]
    spinet::soft_spins const soft(glass);                              // any value in [-1, 1]
    spinet::soft_spins const coarse(glass, spinet::level_measure(5));  // -1, -1/2, 0, 1/2, 1
    auto const ladder = spinet::geometric_temperatures(1.0, 1.2 * spinet::paramagnet_above(soft), 4);
    auto const run = spinet::sample(soft, spinet::parallel_tempering(spinet::glauber{}, ladder),
                                    spinet::observables{spinet::energy{}, spinet::overlap{}},
                                    spinet::run_plan{.replicas = 6, .warmup = 50, .sweeps = 100});
    for (auto const& point : spinet::mean_abs_overlap(run))
        std::printf("T = %.3f: mean |q| = %.3f +- %.3f\n", point.temperature, point.value, point.error);
    //! [soft]
    auto const top = spinet::largest_coupling_eigenvalue(glass);
    require(std::abs(spinet::paramagnet_above(soft) - top / 3) < 1e-3 * top, "variance 1/3");
    require(std::abs(spinet::paramagnet_above(coarse) - top / 2) < 1e-3 * top, "variance 1/2");
    require(spinet::mean_abs_overlap(run)[0].value > 0.05, "it orders");
}

void p_spin() {
    //! [p-spin]
    auto const scale = spinet::p_spin_scale::auffinger_ben_arous_cerny;  // covariance N q^p
    auto const sphere = spinet::random_spherical_p_spin(24, 3, scale, 1);
    auto const method = spinet::fixed_temperatures(spinet::langevin{{.step = 0.2, .leapfrog_steps = 10}},
                                                   spinet::ladder({1.5, 2.0}));
    auto const run = spinet::sample(sphere, method, spinet::observables{spinet::energy{}, spinet::overlap{}},
                                    spinet::run_plan{.replicas = 6, .warmup = 50, .sweeps = 200});
    auto const u = spinet::mean_energy(run)[0];
    std::printf("u = %.3f +- %.3f; -1 / T = %.3f; E_inf = %.3f, E_0 = %.3f\n", u.value, u.error, -1 / 1.5,
                spinet::threshold_energy(3), spinet::band_edge(3, 0));
    //! [p-spin]
    require(u.value < -0.2 && u.value > -1.5, "a paramagnet");
}

void double_precision(spinet::network const& network) {
    //! [double]
    auto const glass = spinet::to_spin_glass<double>(network);
    auto const method =
        spinet::parallel_tempering(spinet::glauber{}, spinet::geometric_temperatures(2.0, 12.0, 4));
    auto const run = spinet::sample(glass, method, spinet::observables{spinet::energy{}, spinet::overlap{}},
                                    spinet::run_plan{.replicas = 4, .warmup = 20, .sweeps = 100});
    //! [double]
    //! [metadata]
    for (auto const& [key, value] : run.metadata) std::printf("%s: %s\n", key.c_str(), value.c_str());
    //! [metadata]
    //! [verdicts]
    auto const verdicts = spinet::equilibration(run);
    for (std::size_t k = 0; k < verdicts.size(); ++k)
        for (auto const& reason : verdicts[k].reasons)
            std::printf("T = %g: %s\n", run.temperatures[k], reason.c_str());
    //! [verdicts]
    require(!verdicts[0].equilibrated, "four replicas are too few to compare starts");
}

void held_inputs(spinet::network const& network) {
    std::vector<double> const image(784, 0.5);
    //! [hold]
    auto const glass =
        spinet::to_spin_glass(network, spinet::twin_hopfield{.inputs = spinet::inputs::held,
                                                             .outputs = spinet::outputs::left_out,
                                                             .inputs_held_at = image});
    //! [hold]
    require(glass.size() == 128 + 64, "hidden spins only");
}

void conditional_states(spinet::network const& network) {
    //! [conditional]
    auto const glass = spinet::to_spin_glass(network);
    std::vector<double> trouser(10, -1.0), bag(10, -1.0);
    trouser[1] = 1, bag[8] = 1;
    auto const ladder = spinet::geometric_temperatures(5.0, 40.0, 8);
    auto const sampled = [&](auto const& condition) {
        return spinet::sample(condition.model,
                              spinet::parallel_tempering(spinet::mirrored{spinet::glauber{}}, ladder),
                              spinet::observables{spinet::energy{}, spinet::overlap{},
                                                  spinet::local_magnetisations{.group = 0}},
                              spinet::run_plan{.replicas = 8, .warmup = 50, .sweeps = 200});
    };
    auto const is_trouser = spinet::held(glass, "4", trouser), is_bag = spinet::held(glass, "4", bag);
    auto const run_of_trouser = sampled(is_trouser), run_of_bag = sampled(is_bag);
    auto const portrait = spinet::mean_spins(run_of_trouser, 0);  // <s | trouser> of 784 inputs, with errors
    auto const difference = spinet::free_energy_difference(is_trouser, run_of_trouser, is_bag, run_of_bag);
    //! [conditional]
    require(portrait.values.size() == 784 && difference.size() == 8, "inputs, and temperatures");
    auto states = xt::xtensor<double, 2>::from_shape({2, 10});
    for (std::size_t i = 0; i < 10; ++i) states(0, i) = trouser[i], states(1, i) = bag[i];
    //! [state weights]
    auto const run = spinet::sample(
        glass, spinet::parallel_tempering(spinet::mirrored{spinet::glauber{}}, ladder),
        spinet::observables{spinet::energy{}, spinet::overlap{}, spinet::state_weights(glass, 3, states)},
        spinet::run_plan{.replicas = 8, .warmup = 50, .sweeps = 200});
    auto const probability = spinet::state_probability(run, 0);  // of the first state, over temperature
    auto const same_difference = spinet::state_free_energy_difference(run, 0, 1);
    //! [state weights]
    require(probability[7].value > 0 && same_difference.size() == 8, "a probability at each temperature");
    //! [tap]
    auto const mean_field = spinet::solve_tap(is_bag.model, 12.0, std::vector<double>(976, 0.0));
    //! [tap]
    require(mean_field.converged, "TAP equations have a solution");
    //! [portraits]
    auto const portraits = spinet::tap_portraits(glass, 1.1 * spinet::t_ord(glass).temperature);
    spinet::plot_portraits("portraits.png", portraits, {.rows = 28, .columns = 28});
    //! [portraits]
    require(portraits.classes() == 10 && portraits.physical[0], "ten classes");
}

}  // namespace

int main() {
    auto const network = spinet::load_network(file);
    own_reader();
    own_null_model();
    layer_order();
    from_arrays();
    own_couplings();
    temperatures(spinet::to_spin_glass(network));
    characteristic_temperatures(spinet::to_spin_glass(network));
    low_temperature(spinet::to_spin_glass(network));
    free_energies(spinet::to_spin_glass(network));
    relaxations(spinet::to_spin_glass(network));
    disorder(network);
    nulls(network);
    rescalings(network);
    soft(spinet::to_spin_glass(network));
    p_spin();
    double_precision(network);
    held_inputs(network);
    conditional_states(network);
}
