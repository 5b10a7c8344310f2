// SPDX-License-Identifier: BSD-3-Clause
/// landscape: the loss of a trained network on a plane through its weights, as a table and a picture.
#include "program.hpp"
#include <spinet/io/idx.hpp>
#include <spinet/io/plane_checkpoint_file.hpp>
#include <spinet/io/progress_bar.hpp>
#include <spinet/io/surface_plot.hpp>
#include <spinet/landscape/basin.hpp>
#include <spinet/landscape/directions.hpp>
#include <spinet/landscape/hessian.hpp>
#include <spinet/landscape/network_loss.hpp>
#include <spinet/landscape/shape.hpp>
#include <spinet/spinet.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace {

using loss = spinet::network_loss<float>;

struct options {
    program::reading reading;
    std::string network;
    std::vector<std::string> data;
    std::vector<std::string> plane{"filter"};
    std::vector<std::string> trajectory;
    std::size_t size = 51;
    std::optional<double> span;
    std::size_t samples = 0;
    std::string normalise = "filter";
    std::string activation = "relu";
    std::uint64_t seed = 1;
    std::optional<std::size_t> threads;
    bool measures = false;
    bool logarithmic = false;
    std::string checkpoint;
    std::string output = "plane.csv";
    std::vector<std::string> plots;
};

void parse(int argc, char** argv, options& chosen, CLI::App& app) {
    CLI::Validator const count(program::not_a_count, "", "count"), text(program::empty_text, "", "text");
    app.add_option("NETWORK", chosen.network, "file of the network in the plane's centre: safetensors or npz")
        ->required();
    app.add_option("--data", chosen.data,
                   "IMAGES LABELS: IDX files, as MNIST and Fashion-MNIST are (.gz, too)")
        ->required()
        ->expected(2)
        ->check(text);
    program::add_reading_options(app, chosen.reading);
    app.add_option("--plane", chosen.plane,
                   "filter: two random directions; pca: the principal directions of --trajectory; FILE FILE: "
                   "the plane through two other networks")
        ->expected(1, 2)
        ->check(text)
        ->default_str("filter");
    app.add_option("--trajectory", chosen.trajectory,
                   "FILE...: networks saved during the training, in their order; drawn on the plane")
        ->expected(1, -1)
        ->check(text);
    app.add_option("--size", chosen.size, "points along each side")->check(count)->capture_default_str();
    app.add_option("--span", chosen.span,
                   "filter: from -R to R in lengths of the filters (default 1); else how far the plane goes "
                   "beyond its networks, over their extent (default 0.25)");
    app.add_option("--samples", chosen.samples, "images to take, from the first on (default: all)")
        ->check(count);
    app.add_option("--normalise", chosen.normalise,
                   "what of a random direction gets the length of the weights")
        ->check(CLI::IsMember({"filter", "layer", "model", "nothing"}))
        ->capture_default_str();
    app.add_option("--activation", chosen.activation, "between layers, where the file does not say")
        ->check(CLI::IsMember({"relu", "tanh", "sigmoid", "identity"}))
        ->capture_default_str();
    app.add_option("--seed", chosen.seed, "of the random directions")->check(count)->capture_default_str();
    app.add_option("--threads", chosen.threads, "threads (default: all cores)")->check(count);
    app.add_flag("--measures", chosen.measures,
                 "also the Hessian's largest eigenvalues and trace, widths and the sharpness");
    app.add_flag("--log", chosen.logarithmic, "a logarithmic scale in pictures");
    app.add_option("--checkpoint", chosen.checkpoint, "save the plane here, and go on from it if it is there")
        ->check(text);
    app.add_option("--output", chosen.output, "table of the plane: a, b, loss; - is standard output")
        ->check(text)
        ->capture_default_str();
    program::as_list(app.add_option("--plot", chosen.plots,
                                    "picture of the plane (.png or .svg, by gnuplot); may be given twice"))
        ->check(text);
    for (CLI::Option* const option : app.get_options())
        if (option->get_items_expected_max() == 1 && option->get_name() != "--plot") option->take_last();
    app.parse(argc, argv);
}

void check(options const& chosen) {
    bool const named = chosen.plane[0] == "filter" || chosen.plane[0] == "pca";
    if (named && chosen.plane.size() > 1)
        throw spinet::error("--plane " + chosen.plane[0] + " takes no file, but '" + chosen.plane[1] +
                            "' follows; NETWORK comes first");
    if (!named && chosen.plane.size() != 2)
        throw spinet::error("--plane: expected filter, pca or two networks, found '" + chosen.plane[0] + "'");
    if (chosen.plane[0] == "pca" && chosen.trajectory.size() < 2)
        throw spinet::error("--plane pca needs --trajectory with at least 2 networks beside " +
                            chosen.network);
    if (chosen.size < 2 || chosen.size > 2'000)
        throw spinet::error("--size: expected 2 to 2000 points, found " + std::to_string(chosen.size));
    bool const filter = chosen.plane[0] == "filter";
    if (chosen.span && (!std::isfinite(*chosen.span) || *chosen.span < 0 || (filter && *chosen.span == 0)))
        throw spinet::error("--span: expected a finite number > 0, found " + std::to_string(*chosen.span));
    for (auto const& plot : chosen.plots) {
        auto const extension = std::filesystem::path(plot).extension();
        if (extension != ".png" && extension != ".svg")
            throw spinet::error("--plot: expected a .png or .svg, found " + plot);
        for (char const c : plot)
            if (static_cast<unsigned char>(c) < 0x20)
                throw spinet::error("--plot: the name has a control character");
    }
}

/// Calls work(), and adds a file to the messages of errors.
template <class Work>
auto of_file(std::string const& file, Work&& work) {
    try {
        return work();
    } catch (spinet::file_error const&) {
        throw;
    } catch (spinet::error const& fault) {
        throw spinet::file_error(file, fault.what());
    }
}

loss load(options const& chosen) {
    auto const network = program::load_network(chosen.network, chosen.reading);
    auto samples = spinet::load_labelled_images<float>(chosen.data[0], chosen.data[1]);
    if (chosen.samples > 0) samples = samples.first(chosen.samples);
    using enum spinet::activation_kind;
    std::map<std::string, spinet::activation_kind> const kinds{
        {"relu", relu}, {"tanh", tanh}, {"sigmoid", sigmoid}, {"identity", identity}};
    return of_file(chosen.network, [&] {
        return loss(network, std::move(samples), spinet::loss_kind::cross_entropy,
                    {.hidden = kinds.at(chosen.activation)});
    });
}

spinet::row_major_array<double, 1> load_other(loss const& f, std::string const& file, options const& chosen) {
    auto const other = program::load_network(file, chosen.reading);
    return of_file(file, [&] { return f.parameters_of(other); });
}

struct view {
    spinet::section where;
    spinet::axis a, b;
    std::string what, name_a, name_b;
    std::vector<spinet::row_major_array<double, 1>> marks{};  ///< networks that the plane goes through
};

spinet::section along_random(loss const& f, options const& chosen, std::uint64_t seed) {
    using enum spinet::normalised_by;
    std::map<std::string, spinet::normalised_by> const kinds{
        {"filter", filter}, {"layer", layer}, {"model", model}, {"nothing", nothing}};
    auto const drawn = [&](std::uint64_t number) {
        return spinet::normalised(spinet::gaussian_direction(f.size(), number), f.parameters(), f.groups(),
                                  kinds.at(chosen.normalise));
    };
    return spinet::section_along(f.parameters(), drawn(2 * seed), drawn(2 * seed + 1));
}

/// A box round points of a section.
void fit(view& of, std::vector<spinet::section::projection> const& points, double margin) {
    double low[2] = {0, 0}, high[2] = {0, 0};
    for (auto const& each : points) {
        low[0] = std::min(low[0], each.a), high[0] = std::max(high[0], each.a);
        low[1] = std::min(low[1], each.b), high[1] = std::max(high[1], each.b);
    }
    double const extent = std::max(high[0] - low[0], high[1] - low[1]);
    // A path along a single line still needs a plane.
    for (int k = 0; k < 2; ++k) {
        double const wide = std::max(margin * extent, 0.05 * extent - (high[k] - low[k]) / 2);
        low[k] -= wide, high[k] += wide;
    }
    of.a.low = low[0], of.a.high = high[0], of.b.low = low[1], of.b.high = high[1];
}

view choose(loss const& f, options const& chosen,
            std::vector<spinet::row_major_array<double, 1>> const& path) {
    auto const& x = f.parameters();
    view of;
    double const margin = chosen.span.value_or(0.25);
    if (chosen.plane[0] == "filter") {
        of.where = along_random(f, chosen, chosen.seed);
        double const r = chosen.span.value_or(1);
        of.a = of.b = {-r, r, chosen.size};
        of.what = "two random directions in lengths of each " + chosen.normalise;
        if (chosen.normalise == "nothing") of.what = "two random directions";
        of.name_a = "a, first random direction", of.name_b = "b, second random direction";
    } else if (chosen.plane[0] == "pca") {
        auto found = spinet::principal_directions_of(path);
        of.where = spinet::section_along(x, found.direction(0), found.direction(1));
        char shares[64];
        std::snprintf(shares, sizeof shares, "%.1f %% and %.1f %%", 100 * found.shares[0],
                      100 * found.shares[1]);
        of.what = "principal directions of the trajectory, with ";
        of.what += shares;
        of.what += " of it";
        of.name_a = "a, first principal direction", of.name_b = "b, second principal direction";
    } else {
        auto const y = load_other(f, chosen.plane[0], chosen), z = load_other(f, chosen.plane[1], chosen);
        if (x == y || x == z || y == z) throw spinet::error("--plane: two of the three networks are equal");
        of.where = spinet::section_through(x, y, z);
        fit(of, {of.where.project(y), of.where.project(z)}, margin);
        of.what = "through three networks; a = 1 is " + chosen.plane[0];
        of.name_a = "a, towards the second network (at 1)", of.name_b = "b, across it, to scale";
        of.marks = {y, x, z};
    }
    if (chosen.plane[0] == "pca") {
        std::vector<spinet::section::projection> points;
        for (auto const& each : path) points.push_back(of.where.project(each));
        fit(of, points, margin);
    }
    of.a.points = of.b.points = chosen.size;
    return of;
}

using watched = program::watched<loss>;

/// Prints the measures that take a while, line by line, so that finished ones remain when the program is
/// stopped. A measure that fails prints the reason.
void print_measures(loss const& f, options const& chosen) {
    auto const& x = f.parameters();
    auto const attempt = [&](char const* what, auto&& measure) {
        try {
            measure(watched(f, what));
        } catch (spinet::error const& fault) {
            program::say("%s: %s\n", what, program::shown(fault.what()).c_str());
        }
    };
    try {
        attempt("largest eigenvalues of the Hessian", [&](watched const& g) {
            auto const top = spinet::top_eigenpairs(spinet::hessian(g, x), 3, {.tolerance = 1e-4});
            program::say("largest eigenvalues of the Hessian:");
            for (double const each : top.values) program::say(" %.4g", each);
            program::say("\n");
        });
        attempt("its trace", [&](watched const& g) {
            auto const trace = spinet::hessian_trace(spinet::hessian(g, x), 40, chosen.seed);
            program::say("its trace: %.4g +- %.2g\n", trace.value, trace.error);
        });
        attempt("width", [&](watched const& g) {
            auto const along = [&](std::uint64_t seed) {
                auto const both = along_random(f, chosen, seed);
                return spinet::section_along(both.centre, both.first);
            };
            auto const wide =
                spinet::over_directions(10, 1000 + chosen.seed, along, [&](spinet::section const& line) {
                    return spinet::basin_width(g, line, {.tolerance = 1e-3});
                });
            program::say("width at 0.1 above the centre, along random directions: %.4g +- %.2g\n", wide.value,
                         wide.error);
        });
        attempt("sharpness", [&](watched const& g) {
            program::say("sharpness, largest rise within 0.05 of the weights' length: %.4g\n",
                         spinet::sharpness(g, x));
        });
    } catch (program::stopped const&) {
        std::fprintf(stderr, "stopped: some measures are missing\n");
    }
}

void print(spinet::surface const& found) {
    double const* const values = found.values.data();
    std::size_t low = found.done, high = found.done;
    for (std::size_t k = 0; k < found.done; ++k) {
        if (!std::isfinite(values[k])) continue;
        if (low == found.done || values[k] < values[low]) low = k;
        if (high == found.done || values[k] > values[high]) high = k;
    }
    if (low < found.done)
        program::say("lowest loss %.6g at a = %.4g, b = %.4g; highest %.6g\n", values[low],
                     found.a.at(low % found.a.points), found.b.at(low / found.a.points), values[high]);
    if (found.not_finite() > 0)
        program::say("%zu of %zu values are not finite: kept in the table, crosses in the picture\n",
                     found.not_finite(), found.done);
    if (!found.complete()) return;
    auto const minima = spinet::minima_of(found);
    std::size_t edge = 0;
    double barrier = 0;
    for (auto const& each : minima) {
        edge += each.on_edge ? 1u : 0u;
        if (std::isfinite(each.barrier)) barrier = std::max(barrier, each.barrier);
    }
    program::say("minima on the plane: %zu, %zu of them on its edge", minima.size(), edge);
    if (barrier > 0) program::say("; the highest barrier is %.4g", barrier);
    program::say("\n");
    if (found.not_finite() > 0 || found.a.points < 8) return;
    auto const rough = spinet::ruggedness_of(found);
    program::say("beside the best quadratic: rms %.4g, correlated over %.3g\n", rough.amplitude,
                 rough.length);
}

void check_outputs(options const& chosen) {
    std::vector<std::filesystem::path> written;
    if (chosen.output != "-") written.emplace_back(chosen.output);
    if (!chosen.checkpoint.empty()) written.emplace_back(chosen.checkpoint);
    // plane.png and plane.svg share their data and script.
    for (auto const& plot : chosen.plots)
        for (auto const& file : spinet::plot_files(plot))
            if (file == plot || std::find(written.begin(), written.end(), file) == written.end())
                written.push_back(file);
    std::map<std::filesystem::path, std::string> reads{{chosen.network, "is one of the networks"},
                                                       {chosen.data[0], "is one of the data files"},
                                                       {chosen.data[1], "is one of the data files"}};
    for (auto const& file : chosen.trajectory) reads[file] = "is one of the networks";
    if (chosen.plane.size() == 2)
        for (auto const& file : chosen.plane) reads[file] = "is one of the networks";
    program::check_outputs(written, reads);
}

void draw(options const& chosen, view const& of, spinet::surface const& found, spinet::trail const& path) {
    if (chosen.plots.empty()) return;
    auto const name = program::shown(std::filesystem::path(chosen.network).stem().string());
    for (auto const& plot : chosen.plots)
        if (spinet::plot_surfaces(plot, {{name, found, path}},
                                  {.a = of.name_a, .b = of.name_b, .logarithmic = chosen.logarithmic}))
            program::say("wrote %s\n", program::shown(plot).c_str());
        else
            std::fprintf(
                stderr, "gnuplot is not installed: %s was not drawn, but its data and script are beside it\n",
                program::shown(plot).c_str());
}

int run(options const& chosen) {
    check(chosen);
    auto const executor = chosen.threads ? spinet::threads{*chosen.threads} : spinet::threads{};
    if (chosen.output == "-") program::report() = stderr;
    program::waiting wait("reading networks and data");
    auto const f = load(chosen);
    std::vector<spinet::row_major_array<double, 1>> path;
    for (auto const& file : chosen.trajectory) path.push_back(load_other(f, file, chosen));
    if (!path.empty() && path.back() != f.parameters()) path.push_back(f.parameters());
    view const of = choose(f, chosen, path);
    program::check_all_taken(chosen.reading);
    wait.end();
    check_outputs(chosen);
    auto const until_interrupted = [](spinet::plane_progress const&) { return program::interrupted == 0; };
    program::saver<spinet::plane_checkpoint_every> save(chosen.checkpoint);
    spinet::progress_bar bar(program::shown(std::filesystem::path(chosen.network).stem().string()));
    spinet::surface const found = [&] {
        if (chosen.checkpoint.empty() || !std::filesystem::exists(chosen.checkpoint))
            return spinet::plane(f, of.where, of.a, of.b, executor, until_interrupted, save, bar);
        return of_file(chosen.checkpoint, [&] {
            return spinet::resume_plane(spinet::load_plane_checkpoint(chosen.checkpoint), f, of.where, of.a,
                                        of.b, executor, until_interrupted, save, bar);
        });
    }();
    if (!found.complete())
        std::fprintf(stderr, "stopped early, after %zu of %zu points\n", found.done, found.values.size());
    if (found.done == 0) return 130;
    program::say("%s: %zu parameters, %zu samples, loss %.6g, accuracy %.2f %%\n",
                 program::shown(chosen.network).c_str(), f.size(), f.data().count, f.value(f.parameters()),
                 100 * f.accuracy(f.parameters()));
    program::say("plane: %s\n%zu x %zu points, a from %.4g to %.4g, b from %.4g to %.4g\n",
                 program::shown(of.what).c_str(), of.a.points, of.b.points, of.a.low, of.a.high, of.b.low,
                 of.b.high);
    if (chosen.output == "-")
        program::write_to_standard_output(spinet::surface_csv(found, "loss"));
    else
        spinet::write_surface(chosen.output, found, "loss");
    print(found);
    if (chosen.output != "-") program::say("wrote %s\n", program::shown(chosen.output).c_str());
    if (!found.complete()) {
        draw(chosen, of, found, {});
        return 130;
    }
    auto const seen = spinet::trajectory(f, of.where, path.empty() ? of.marks : path, executor);
    if (!path.empty()) {
        double off = 0;
        for (double const each : seen.distance) off = std::max(off, each);
        program::say("trajectory: loss %.6g to %.6g, up to %.4g off the plane\n", seen.values[0],
                     seen.values[seen.size() - 1], off);
    }
    if (chosen.measures) print_measures(f, chosen);
    draw(chosen, of, found, seen);
    return program::interrupted == 0 ? 0 : 130;
}

}  // namespace

int main(int argc, char** argv) {
    options chosen;
    CLI::App app("The loss of a trained network on a plane through its weights.", "landscape");
    return program::main_of(
        app, argv, [&] { parse(argc, argv, chosen, app); }, [&] { return run(chosen); });
}
