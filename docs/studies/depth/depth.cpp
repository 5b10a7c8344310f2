// SPDX-License-Identifier: BSD-3-Clause
/// depth: loss surfaces of networks of 1, 2, 5 and 10 hidden layers with equally many parameters and the same
/// training loss (train.py makes them): surfaces in filter-normalised planes, and what they say in numbers,
/// with errors over seeds.
#include "../../examples/program.hpp"
#include "../figure.hpp"
#include <spinet/io/idx.hpp>
#include <spinet/io/plane_checkpoint_file.hpp>
#include <spinet/io/surface_plot.hpp>
#include <spinet/landscape/basin.hpp>
#include <spinet/landscape/directions.hpp>
#include <spinet/landscape/hessian.hpp>
#include <spinet/landscape/network_loss.hpp>
#include <spinet/landscape/shape.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/spinet.hpp>

#include <CLI/CLI.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <span>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace spinet;

struct options {
    std::string networks = "depth-networks", output = "depth-results",
                data = "/usr/share/datasets/fashion-mnist";
    std::size_t samples = 10'000, size = 51, planes = 4, directions = 20;
};

using program::stopped;

bool go_on(plane_progress const&) { return program::interrupted == 0; }

using stoppable = program::watched<network_loss<float>>;

/// A row of train.py's table.
struct trained {
    std::string file;
    std::size_t depth = 0, width = 0, parameters = 0, seed = 0;
    double training_loss = 0, test_accuracy = 0;
    [[nodiscard]] std::string name() const { return std::filesystem::path(file).stem().string(); }
};

std::vector<std::vector<std::string>> rows_of(std::filesystem::path const& file) {
    std::istringstream text(read_whole(file));
    std::vector<std::vector<std::string>> rows;
    std::string line;
    std::getline(text, line);  // the header
    while (std::getline(text, line)) {
        std::istringstream fields(line);
        rows.emplace_back();
        for (std::string field; std::getline(fields, field, ',');) rows.back().push_back(field);
    }
    return rows;
}

std::vector<trained> networks_in(std::filesystem::path const& directory) {
    std::vector<trained> found;
    for (auto const& row : rows_of(directory / "networks.csv")) {
        if (row.size() != 8)
            throw file_error((directory / "networks.csv").string(), "expected rows of 8 fields");
        found.push_back({row[0], std::stoul(row[1]), std::stoul(row[2]), std::stoul(row[3]),
                         std::stoul(row[4]), std::stod(row[6]), std::stod(row[7])});
    }
    return found;
}

/// What is measured of a network, and how its column is headed. Those over directions and planes are means.
constexpr std::array<char const*, 16> measures{"loss",
                                               "width at a rise of 0.1",
                                               "width at a rise of 1",
                                               "rms beside the best quadratic",
                                               "its correlation length",
                                               "minima on a plane",
                                               "highest barrier",
                                               "mean loss at distance 1",
                                               "first eigenvalue",
                                               "second eigenvalue",
                                               "lowest eigenvalue",
                                               "trace",
                                               "largest rise within 0.01 of the length of w",
                                               "mean length of a filter",
                                               "rms beside the best quadratic, as far as a rise of 1",
                                               "its correlation length, over the width"};
using measured = std::array<double, measures.size()>;

section random_plane(network_loss<float> const& f, std::uint64_t number) {
    auto const drawn = [&](std::uint64_t seed) {
        return normalised(gaussian_direction(f.size(), seed), f.parameters(), f.groups());
    };
    return section_along(f.parameters(), drawn(2 * number), drawn(2 * number + 1));
}

network_loss<float> loss_of(options const& chosen, trained const& of, data_set<float> const& samples) {
    return {load_network(chosen.networks + "/" + of.file),
            samples,
            loss_kind::cross_entropy,
            {.hidden = activation_kind::relu}};
}

/// Plane `number` of a network, from its file where that is whole.
surface plane_of(options const& chosen, trained const& of, network_loss<float> const& f,
                 std::uint64_t number) {
    auto const kept = std::filesystem::path(chosen.output) /
                      of.name().append("_plane").append(std::to_string(number) + ".ck");
    axis const side{-1, 1, chosen.size};
    // Other directions for each seed.
    auto const where = random_plane(f, 100 * of.seed + number);
    plane_checkpoint_every save(5.0, kept);
    auto const found = std::filesystem::exists(kept) ? resume_plane(load_plane_checkpoint(kept), f, where,
                                                                    side, side, serial{}, save, go_on)
                                                     : plane(f, where, side, side, serial{}, save, go_on);
    if (!found.complete()) throw stopped{};
    return found;
}

/// How far a line is from its best quadratic, from a rise of 1 on one side to about that on the other, so
/// that steep walls far out count for nothing: root mean square, and correlation length over the line's half.
std::array<double, 2> beside_quadratic(network_loss<float> const& f, stoppable const& g,
                                       section const& where) {
    double const reach = basin_width(g, where, {.rise = 1, .tolerance = 1e-3});
    auto const seen = line(f, where, {-reach, reach, 101}, serial{}, go_on);
    if (seen.values.size() < 101) throw stopped{};
    auto const rough = ruggedness_of(seen);
    return {rough.amplitude, rough.length / reach};
}

measured measure(options const& chosen, trained const& of, data_set<float> const& samples) {
    auto const f = loss_of(chosen, of, samples);
    stoppable const g(f);
    auto const& x = f.parameters();
    auto const line_along = [&](std::uint64_t seed) {
        auto const where = random_plane(f, 10'000 * of.seed + seed);
        return section_along(where.centre, where.first);
    };
    auto const over = [&](auto&& what) {
        return over_directions(chosen.directions, 1, line_along, what).value;
    };
    measured found{};
    found[0] = f.value(x);
    found[1] =
        over([&](section const& where) { return basin_width(g, where, {.rise = 0.1, .tolerance = 1e-3}); });
    found[2] =
        over([&](section const& where) { return basin_width(g, where, {.rise = 1, .tolerance = 1e-3}); });
    for (std::uint64_t number = 1; number <= chosen.planes; ++number) {
        auto const s = plane_of(chosen, of, f, number);
        auto const rough = ruggedness_of(s);
        auto const minima = minima_of(s);
        double barrier = 0;
        for (auto const& each : minima)
            if (std::isfinite(each.barrier)) barrier = std::max(barrier, each.barrier);
        double const share = 1 / static_cast<double>(chosen.planes);
        found[3] += share * rough.amplitude;
        found[4] += share * rough.length;
        found[5] += share * static_cast<double>(minima.size());
        found[6] = std::max(found[6], barrier);
    }
    found[7] = over([&](section const& where) {
        auto const ends = line(g, where, {-1, 1, 2});
        return (ends.values[0] + ends.values[1]) / 2;
    });
    found[14] = over([&](section const& where) {
        auto const both = beside_quadratic(f, g, where);
        found[15] += both[1] / static_cast<double>(chosen.directions);
        return both[0];
    });
    hessian const h(g, x);
    auto const top = top_eigenpairs(h, 2, {.tolerance = 1e-3});
    found[8] = top.values[0];
    found[9] = top.values.at(1);
    found[10] = smallest_eigenvalue(h, {.tolerance = 1e-2});
    found[11] = hessian_trace(h, 40, of.seed).value;
    found[12] = sharpness(g, x, {.radius = 0.01});
    std::size_t filters = 0;
    for (auto const& group : f.groups()) {
        if (group.bias) continue;
        for (std::size_t r = 0; r < group.rows; ++r, ++filters) {
            double square = 0;
            for (std::size_t c = 0; c < group.columns; ++c)
                square += std::pow(x[group.first + r * group.columns + c], 2);
            found[13] += std::sqrt(square);
        }
    }
    found[13] /= static_cast<double>(filters);
    return found;
}

std::string number(double value, char const* format = "%.6g") {
    char text[40];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

/// Rows that are there already are kept; each new one is written at once.
std::map<std::string, measured> measure_all(options const& chosen, std::vector<trained> const& networks,
                                            data_set<float> const& samples) {
    auto const file = std::filesystem::path(chosen.output) / "measures.csv";
    std::map<std::string, measured> all;
    // What the numbers depend on stands in the header.
    char made[160];
    std::snprintf(made, sizeof made, "network (%zu images; %zu points; %zu planes; %zu directions)",
                  samples.count, chosen.size, chosen.planes, chosen.directions);
    std::string text = made;
    for (char const* each : measures) {
        text += ",";
        text += detail::csv_field(each);
    }
    text += "\n";
    if (std::filesystem::exists(file)) {
        auto const there = read_whole(file);
        if (there.compare(0, text.size(), text) != 0)
            throw file_error(file.string(), "was made with other options or by another version of depth");
        text = there;
        for (auto const& row : rows_of(file)) {
            if (row.size() != measures.size() + 1)
                throw file_error(file.string(), "is of another version of depth");
            for (std::size_t k = 0; k < measures.size(); ++k) all[row[0]][k] = std::stod(row[k + 1]);
        }
    }
    std::vector<trained const*> missing;
    for (auto const& each : networks)
        if (all.count(each.name()) == 0) missing.push_back(&each);
    single_threaded_blas const one_blas_thread;
    std::mutex one_at_a_time;
    std::size_t done = 0;
    threads{}.team().run(missing.size(), [&](std::size_t k) {
        auto const found = measure(chosen, *missing[k], samples);
        std::lock_guard const alone(one_at_a_time);
        all[missing[k]->name()] = found;
        text += missing[k]->name();
        for (double const each : found) text += number(each, ",%.9g");
        text += "\n";
        write_atomically(file, text);
        std::fprintf(stderr, "%s: %zu of %zu networks\n", missing[k]->name().c_str(), ++done, missing.size());
    });
    return all;
}

/// mean +- error over seeds, the error to two digits.
std::string with_error(std::vector<double> const& values) {
    auto const found = mean_of_draws(values.size(), [&](std::size_t k) { return values[k]; });
    return number(found.value, "%.4g") + " +- " + number(found.error, "%.2g");
}

void write_table(options const& chosen, std::vector<trained> const& networks,
                 std::map<std::string, measured> const& all) {
    std::map<std::size_t, std::vector<trained const*>> by_depth;
    for (auto const& each : networks) by_depth[each.depth].push_back(&each);
    std::string text = "| hidden layers |", rule = "|---|";
    for (auto const& [depth, of] : by_depth) text += " " + std::to_string(depth) + " |", rule += "---|";
    text += "\n" + rule + "\n";
    auto const row = [&](std::string const& name, auto&& of_network) {
        text += "| " + name + " |";
        for (auto const& [depth, of] : by_depth) {
            std::vector<double> values;
            for (trained const* each : of) values.push_back(of_network(*each));
            text += " " + with_error(values) + " |";
        }
        text += "\n";
    };
    text += "| width of each |";
    for (auto const& [depth, of] : by_depth) text += " " + std::to_string(of[0]->width) + " |";
    text += "\n| parameters |";
    for (auto const& [depth, of] : by_depth) text += " " + std::to_string(of[0]->parameters) + " |";
    text += "\n";
    row("training loss", [](trained const& of) { return of.training_loss; });
    row("test accuracy, %", [](trained const& of) { return 100 * of.test_accuracy; });
    for (std::size_t k = 0; k < measures.size(); ++k)
        row(measures[k], [&](trained const& of) { return all.at(of.name())[k]; });
    write_atomically(std::filesystem::path(chosen.output) / "table.md", text);
    std::printf("%s", text.c_str());
}

/// Pictures: planes of the first seed side by side, and densities of eigenvalues.
void draw_all(options const& chosen, std::vector<trained> const& networks, data_set<float> const& samples) {
    std::vector<surface_panel> panels;
    studies::figure spectra{"depth_spectra",
                            "eigenvalue of the Hessian, over the largest",
                            "density",
                            "set logscale y\nset format y '10^{%T}'\nset yrange [1e-5:]\n",
                            {},
                            {}};
    std::vector<trained const*> first;
    for (auto const& each : networks)
        if (each.seed == 1) first.push_back(&each);
    std::vector<density_curve> densities(first.size());
    single_threaded_blas const one_blas_thread;
    auto const fewer = samples.first(2'000);
    threads{}.team().run(first.size(), [&](std::size_t k) {
        auto const f = loss_of(chosen, *first[k], fewer);
        stoppable const g(f);
        hessian const h(g, f.parameters());
        double const largest = top_eigenpairs(h, 1, {.tolerance = 1e-3}).values[0];
        densities[k] = hessian_density(h, {.width = 0.005 * largest, .points = 1001, .vectors = 4});
    });
    for (std::size_t k = 0; k < first.size(); ++k) {
        std::string const title =
            std::to_string(first[k]->depth) + (first[k]->depth == 1 ? " hidden layer" : " hidden layers");
        panels.push_back({title, plane_of(chosen, *first[k], loss_of(chosen, *first[k], samples), 1)});
        studies::figure::curve curve{title, {}, studies::figure::drawn_as::line};
        auto const& density = densities[k];
        for (std::size_t i = 0; i < density.at.size(); ++i)
            curve.points.push_back(
                {density.at[i] / density.highest, density.density[i] * density.highest, 0});
        spectra.curves.push_back(curve);
    }
    surface_plot_options const scales{.a = "a, first random direction",
                                      .b = "b, second random direction",
                                      .logarithmic = true,
                                      .highest = 30};
    for (char const* name : {"depth_planes.png", "depth_planes.svg"})
        (void)plot_surfaces(std::filesystem::path(chosen.output) / name, panels, scales);
    (void)studies::draw(spectra, chosen.output);
}

int study(options const& chosen) {
    auto const networks = networks_in(chosen.networks);
    auto const samples = load_labelled_images<float>(chosen.data + "/train-images-idx3-ubyte.gz",
                                                     chosen.data + "/train-labels-idx1-ubyte.gz")
                             .first(chosen.samples);
    std::filesystem::create_directories(chosen.output);
    try {
        auto const all = measure_all(chosen, networks, samples);
        write_table(chosen, networks, all);
        draw_all(chosen, networks, samples);
    } catch (stopped const&) {
        std::fprintf(stderr, "stopped; the same command goes on from here\n");
        return 130;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    options chosen;
    CLI::App app("Loss surfaces of networks of several depths.", "depth");
    return program::main_of(
        app, argv,
        [&] {
            app.add_option("--networks", chosen.networks, "what train.py wrote")->capture_default_str();
            app.add_option("--output", chosen.output, "directory of the results")->capture_default_str();
            app.add_option("--data", chosen.data, "directory of Fashion-MNIST")->capture_default_str();
            app.add_option("--samples", chosen.samples, "training images of the surfaces")
                ->capture_default_str();
            app.parse(argc, argv);
        },
        [&] { return study(chosen); });
}
