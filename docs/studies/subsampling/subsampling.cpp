// SPDX-License-Identifier: BSD-3-Clause
/// How well the curve of a network is known from some of its neurons: docs/subsampling.md.
#include "../../examples/program.hpp"
#include "../figure.hpp"
#include <spinet/mapping/subsample.hpp>
#include <spinet/spinet.hpp>
#include <spinet/statistics/subsampled_curve.hpp>

#include <CLI/CLI.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace {

using spinet::kept_modes;
using spinet::sampling;

struct options {
    std::vector<std::string> files;
    std::string output = "subsampling";
    std::size_t repeats = 8;
    std::uint64_t sweeps = 8'000;
    std::size_t threads = 2;
};

constexpr std::array<double, 2> fractions{0.25, 0.1};

auto const going_on = [](auto const&...) { return program::interrupted == 0; };

/// Temperatures from 0.2 T_ord to the paramagnet.
spinet::ladder ladder_of(double t_ord, double lambda_max) {
    return spinet::geometric_temperatures(0.2 * t_ord, 1.2 * lambda_max, 16);
}

struct table {
    explicit table(std::filesystem::path const& path) : file_(std::fopen(path.c_str(), "w")) {
        if (file_ == nullptr) throw spinet::file_error(path.string(), "cannot be written");
    }
    table(table const&) = delete;
    table& operator=(table const&) = delete;
    ~table() { std::fclose(file_); }
    void head(char const* line) { std::fputs(line, file_); }
    template <class... Values>
    void row(char const* format, Values... values) {
        std::fprintf(file_, format, values...);
        std::fflush(file_);
    }

private:
    std::FILE* file_;
};

// --- one factor, or two

/// The neurons of a sub-sample with the weights themselves, times one factor for each layer.
spinet::network_glass<float> with_one_factor(std::vector<spinet::dense_layer> const& layers, double fraction,
                                             double exponent, std::uint64_t seed) {
    std::vector<std::vector<std::size_t>> kept;
    for (std::size_t l = 0; l <= layers.size(); ++l) {
        std::size_t const n = l == 0 ? layers[0].inputs() : layers[l - 1].outputs();
        std::vector<std::pair<std::uint32_t, std::size_t>> keys;
        spinet::stream const draws(seed, 1, static_cast<std::uint32_t>(l), spinet::purpose::subsample);
        for (std::size_t i = 0; i < n; ++i) keys.emplace_back(draws.bits(static_cast<std::uint32_t>(i)), i);
        std::sort(keys.begin(), keys.end());
        auto const count = std::max<std::size_t>(
            2, static_cast<std::size_t>(std::lround(fraction * static_cast<double>(n))));
        kept.emplace_back();
        for (std::size_t k = 0; k < count; ++k) kept.back().push_back(keys[k].second);
    }
    std::vector<xt::xtensor<float, 2>> weights;
    for (std::size_t l = 0; l < layers.size(); ++l) {
        auto const all = layers[l].weight.as<float, 2>();
        auto const &rows = kept[l + 1], &columns = kept[l];
        double const f =
            std::sqrt(static_cast<double>(rows.size() * columns.size()) / static_cast<double>(all.size()));
        auto some = xt::xtensor<float, 2>::from_shape({rows.size(), columns.size()});
        for (std::size_t i = 0; i < rows.size(); ++i)
            for (std::size_t j = 0; j < columns.size(); ++j)
                some(i, j) =
                    static_cast<float>(std::pow(f, exponent) * static_cast<double>(all(rows[i], columns[j])));
        weights.push_back(some);
    }
    return spinet::layered_glass<float>(std::move(weights));
}

struct mean_error {
    double sum = 0, squares = 0, n = 0;
    void add(double x) { sum += x, squares += x * x, ++n; }
    [[nodiscard]] double mean() const { return sum / n; }
    [[nodiscard]] double error() const {
        return std::sqrt(std::max(0.0, squares / n - mean() * mean()) / (n - 1));
    }
};

void compare_scalings(std::string const& name, spinet::network const& net, spinet::subsampler const& source,
                      options const& chosen, table& to) {
    auto const layers = spinet::dense_chain(net);
    auto const add = [&](char const* what, double fraction, auto&& draw) {
        mean_error t_ord, lambda, formula;
        for (std::uint64_t seed = 1; seed <= chosen.repeats && program::interrupted == 0; ++seed) {
            auto const found = spinet::characteristic_temperatures(draw(seed));
            t_ord.add(found.t_ord.temperature), lambda.add(found.lambda_max), formula.add(found.t_formula);
        }
        if (program::interrupted != 0) throw program::stopped{};
        to.row("%s,%g,%s,%.4f,%.4f,%.4f,%.4f,%.4f,%.4f\n", name.c_str(), fraction, what, t_ord.mean(),
               t_ord.error(), lambda.mean(), lambda.error(), formula.mean(), formula.error());
    };
    auto const whole = spinet::characteristic_temperatures(spinet::to_spin_glass(net));
    to.row("%s,1,whole,%.4f,0,%.4f,0,%.4f,0\n", name.c_str(), whole.t_ord.temperature, whole.lambda_max,
           whole.t_formula);
    for (double const f : fractions) {
        auto const spins = static_cast<std::size_t>(f * static_cast<double>(source.spins()));
        add("1/sqrt(f)", f, [&](auto seed) { return with_one_factor(layers, f, -0.5, seed); });
        add("1/f", f, [&](auto seed) { return with_one_factor(layers, f, -1, seed); });
        add("rescaled", f, [&](auto seed) { return source.draw(spins, seed, kept_modes::rescaled); });
        add("orthonormal", f, [&](auto seed) { return source.draw(spins, seed, kept_modes::orthonormal); });
    }
}

// --- curves

spinet::curve curve_of_whole(spinet::network const& net, spinet::ladder const& temperatures,
                             options const& chosen) {
    auto const run = spinet::sample(
        spinet::to_spin_glass(net), spinet::parallel_tempering(spinet::glauber{}, temperatures),
        spinet::observables{spinet::energy{}, spinet::overlap{}},
        {.replicas = 16, .warmup = chosen.sweeps / 2, .sweeps = 2 * chosen.sweeps, .seed = 2},
        spinet::threads{chosen.threads}, going_on);
    if (!run.complete()) throw program::stopped{};
    return spinet::mean_abs_overlap(run);
}

/// Means of <|q|> at one size, without an extrapolation, by policy.
void compare_policies(std::string const& name, spinet::network const& net, spinet::ladder const& temperatures,
                      spinet::curve const& whole, options const& chosen, table& to) {
    static constexpr std::array<sampling, 4> policies{sampling::stratified, sampling::uniform,
                                                      sampling::by_coupling_norm, sampling::by_leverage};
    for (auto const policy : policies) {
        spinet::subsampler const source(net, {}, policy);
        std::vector<mean_error> q(temperatures.size());
        for (std::size_t k = 0; k < chosen.repeats; ++k) {
            auto const glass = source.draw(source.spins() / 4, 100 + k);
            auto const run = spinet::sample(
                glass, spinet::parallel_tempering(spinet::glauber{}, temperatures),
                spinet::observables{spinet::energy{}, spinet::overlap{}},
                {.replicas = 8, .warmup = chosen.sweeps / 4, .sweeps = chosen.sweeps, .seed = 300 + k},
                spinet::threads{chosen.threads}, going_on);
            if (!run.complete()) throw program::stopped{};
            auto const found = spinet::mean_abs_overlap(run);
            for (std::size_t t = 0; t < q.size(); ++t) q[t].add(found[t].value);
        }
        for (std::size_t t = 0; t < q.size(); ++t)
            to.row("%s,%s,%.4f,%.5f,%.5f,%.5f\n", name.c_str(), to_string(policy).data(), temperatures[t],
                   whole[t].value, q[t].mean(), q[t].error());
    }
}

void study(std::string const& file, options const& chosen, table& scalings, table& curves, table& policies) {
    auto const name = std::filesystem::path(file).stem().string();
    auto const net = program::load_network(file);
    spinet::subsampler const source(net, {});
    compare_scalings(name, net, source, chosen, scalings);
    auto const matter = spinet::characteristic_temperatures(spinet::to_spin_glass(net));
    double const t_ord = matter.t_ord.temperature;
    auto const temperatures = ladder_of(t_ord, matter.lambda_max);
    std::fprintf(stderr, "%s: the whole network\n", name.c_str());
    auto const whole = curve_of_whole(net, temperatures, chosen);
    studies::figure picture{.name = name, .xlabel = "T / T_{ord}", .ylabel = "mean |q|"};
    picture.settings = "set key top right\nset yrange [0:*]\n";
    picture.curves.push_back({"all " + std::to_string(source.spins()) + " neurons"});
    for (auto const& at : whole)
        picture.curves[0].points.push_back({at.temperature / t_ord, at.value, at.error});
    for (double const f : fractions) {
        spinet::subsample_plan const plan{
            .spins = static_cast<std::size_t>(f * static_cast<double>(source.spins())),
            .repeats = chosen.repeats};
        program::counter bar(name, "sub-samples");
        auto const runs = spinet::sample_subsamples(
            source, spinet::glauber{}, temperatures, plan,
            {.replicas = 8, .warmup = chosen.sweeps / 4, .sweeps = chosen.sweeps, .seed = 3},
            spinet::threads{chosen.threads}, [&](std::size_t done, std::size_t planned, auto const&) {
                bar.show(done, planned);
                return program::interrupted == 0;
            });
        if (program::interrupted != 0) throw program::stopped{};
        auto const estimate = spinet::estimated_curve(runs, source.wires(), name).parts[0].mean_abs;
        picture.curves.push_back({"from " + std::to_string(plan.spins)});
        for (std::size_t k = 0; k < whole.size(); ++k) {
            curves.row("%s,%g,%.4f,%.4f,%.6f,%.6f,%d,%.6f,%.6f\n", name.c_str(), f, whole[k].temperature,
                       whole[k].temperature / t_ord, whole[k].value, whole[k].error,
                       whole[k].equilibrated ? 1 : 0, estimate[k].value, estimate[k].error);
            picture.curves.back().points.push_back(
                {estimate[k].temperature / t_ord, estimate[k].value, estimate[k].error});
        }
    }
    std::printf("drew %s\n", studies::draw(picture, chosen.output).c_str());
    std::fprintf(stderr, "%s: policies\n", name.c_str());
    compare_policies(name, net, temperatures, whole, chosen, policies);
}

int run(options const& chosen) {
    std::filesystem::create_directories(chosen.output);
    auto const in = [&](char const* name) { return std::filesystem::path(chosen.output) / name; };
    table scalings(in("scalings.csv")), curves(in("curves.csv")), policies(in("policies.csv"));
    scalings.head("network,fraction,scaling,t_ord,error,lambda_max,error,t_formula,error\n");
    curves.head("network,fraction,temperature,T/T_ord,whole,error,equilibrated,estimate,error\n");
    policies.head("network,policy,temperature,whole,mean,error\n");
    try {
        for (auto const& file : chosen.files) study(file, chosen, scalings, curves, policies);
    } catch (program::stopped const&) {
        std::fprintf(stderr, "stopped: what is complete is in %s\n", chosen.output.c_str());
        return 130;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    options chosen;
    CLI::App app("Curves of networks from sub-samples of their neurons, beside the whole.", "subsampling");
    return program::main_of(
        app, argv,
        [&] {
            app.add_option("FILE", chosen.files, "networks, chains of dense layers")->required();
            app.add_option("--output", chosen.output, "directory of the tables and pictures")
                ->capture_default_str();
            app.add_option("--repeats", chosen.repeats, "sub-samples of each size")->capture_default_str();
            app.add_option("--sweeps", chosen.sweeps)->capture_default_str();
            app.add_option("--threads", chosen.threads)->capture_default_str();
            app.parse(argc, argv);
        },
        [&] { return run(chosen); });
}
