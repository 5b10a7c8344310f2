// SPDX-License-Identifier: BSD-3-Clause
/// comparison: the loss of a small network on Linnerud's data beside the energy of a spherical 3-spin glass
/// with its full tensor and as many coordinates: planes, spectra, minima and what parts them, and the index
/// of critical points over their energy.
#include "../../examples/program.hpp"
#include "../figure.hpp"
#include "../linnerud.hpp"
#include <spinet/io/surface_plot.hpp>
#include <spinet/landscape/complexity.hpp>
#include <spinet/landscape/critical_points.hpp>
#include <spinet/landscape/directions.hpp>
#include <spinet/landscape/network_loss.hpp>
#include <spinet/landscape/shape.hpp>
#include <spinet/model/p_spin.hpp>
#include <spinet/network/mlp.hpp>
#include <spinet/spinet.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace spinet;

struct options {
    std::string output = "comparison-results";
    std::size_t minima = 400, starts = 800;
};

void check_interrupt() {
    if (program::interrupted != 0) throw program::stopped{};
}

/// 3-6-3, tanh: 45 parameters for 60 residuals.
constexpr std::size_t hidden = 6, parameters = 3 * hidden + hidden + hidden * 3 + 3;

network_loss<double> linnerud_loss() {
    xt::xtensor<double, 2> const into = xt::zeros<double>({hidden, std::size_t{3}}),
                                 out_of = xt::zeros<double>({std::size_t{3}, hidden});
    xt::xtensor<double, 1> const of_hidden = xt::zeros<double>({hidden}), of_output = xt::zeros<double>({3});
    return {mlp({{into, of_hidden}, {out_of, of_output}}, activation_kind::tanh),
            studies::standardised(studies::linnerud<double>()), loss_kind::mean_squared_error};
}

/// With weight decay: without, descents run along valleys without end, and hardly a minimum is found.
using penalised = with_weight_decay<network_loss<double>>;
constexpr double decay = 0.01;

/// A landscape of either kind: a value to every point, and points to start from.
template <class O>
struct landscape {
    std::string name;
    O const* f;
    double per;  ///< values are divided by this
    row_major_array<double, 1> (*start)(std::uint64_t seed);

    [[nodiscard]] double value(std::span<double const> x) const { return f->value(x) / per; }
};

/// Weights of variance 1 / inputs of their layer, biases 0.1.
row_major_array<double, 1> random_weights(std::uint64_t seed) {
    auto x = gaussian_direction(parameters, seed);
    for (std::size_t k = 0; k < parameters; ++k) {
        bool const first = k < 3 * hidden, bias = (k >= 3 * hidden && k < 4 * hidden) || k >= parameters - 3;
        x[k] *= bias ? 0.1 : 1 / std::sqrt(first ? 3.0 : static_cast<double>(hidden));
    }
    return x;
}

row_major_array<double, 1> random_spins(std::uint64_t seed) {
    auto x = gaussian_direction(parameters, seed);
    double const scale = std::sqrt(static_cast<double>(parameters)) / detail::vector_length(x);
    for (double& each : x) each *= scale;
    return x;
}

struct minimum {
    row_major_array<double, 1> x;
    double value;
    row_major_array<double, 1> eigenvalues;
};

/// Minima that descents from random points end in, made exact by Newton's steps.
template <class O>
std::vector<minimum> minima_in(landscape<O> const& of, std::size_t count) {
    std::vector<minimum> found;
    for (std::uint64_t seed = 1; found.size() < count && seed < 4 * count; ++seed) {
        check_interrupt();
        auto const low = descend(*of.f, of.start(seed), {.gradient = 1e-4, .steps = 100'000});
        auto const point = find_critical_point(*of.f, low.x);
        if (point.converged && point.index == 0)
            found.push_back({point.x, point.value / of.per, point.eigenvalues});
    }
    std::sort(found.begin(), found.end(), [](auto const& a, auto const& b) { return a.value < b.value; });
    // One of each value: the others are the same minimum, or a copy of it.
    std::vector<minimum> different;
    for (auto& each : found)
        if (different.empty() || each.value - different.back().value > 1e-6)
            different.push_back(std::move(each));
    return different;
}

/// The straight line, or the great circle, from x (0) to y (`end`).
struct way {
    section where;
    double end;
};
way way_between(landscape<penalised> const&, row_major_array<double, 1> const& x,
                row_major_array<double, 1> const& y) {
    return {section_between(x, y), 1};
}
template <class M>
way way_between(landscape<sphere_energy<M>> const&, row_major_array<double, 1> const& x,
                row_major_array<double, 1> const& y) {
    return {great_circles(x, y), std::acos(detail::dot_product(x, y) / detail::dot_product(x, x))};
}

/// The copy of a network's weights nearest to others: hidden neurons in another order, and each with its sign
/// and that of what it sends, which makes the same function (tanh is odd).
row_major_array<double, 1> nearest_copy(row_major_array<double, 1> const& of,
                                        row_major_array<double, 1> const& to) {
    constexpr std::size_t bias = 3 * hidden, second = bias + hidden;
    auto const parts = [](row_major_array<double, 1> const& x, std::size_t i) {
        return std::array{x[3 * i],
                          x[3 * i + 1],
                          x[3 * i + 2],
                          x[bias + i],
                          x[second + i],
                          x[second + hidden + i],
                          x[second + 2 * hidden + i]};
    };
    // How far neuron j's copy is in place of neuron i, and the better sign.
    double off[hidden][hidden] = {}, sign[hidden][hidden] = {};
    for (std::size_t i = 0; i < hidden; ++i)
        for (std::size_t j = 0; j < hidden; ++j) {
            auto const u = parts(to, i), v = parts(of, j);
            double product = 0;
            for (std::size_t k = 0; k < u.size(); ++k) product += u[k] * v[k];
            sign[i][j] = product < 0 ? -1 : 1;
            off[i][j] = -std::abs(product);
        }
    std::array<std::size_t, hidden> order{}, best{};
    for (std::size_t i = 0; i < hidden; ++i) order[i] = i;
    double least = std::numeric_limits<double>::infinity();
    do {
        double sum = 0;
        for (std::size_t i = 0; i < hidden; ++i) sum += off[i][order[i]];
        if (sum < least) least = sum, best = order;
    } while (std::next_permutation(order.begin(), order.end()));
    row_major_array<double, 1> copy = of;
    for (std::size_t i = 0; i < hidden; ++i) {
        std::size_t const j = best[i];
        for (std::size_t k = 0; k < 3; ++k) {
            copy[3 * i + k] = sign[i][j] * of[3 * j + k];
            copy[second + k * hidden + i] = sign[i][j] * of[second + k * hidden + j];
        }
        copy[bias + i] = sign[i][j] * of[bias + j];
    }
    return copy;
}

/// Of the copies of a minimum that are the same function, the one nearest to another. An odd glass has none.
row_major_array<double, 1> copy_near(landscape<penalised> const&, row_major_array<double, 1> const& of,
                                     row_major_array<double, 1> const& to) {
    return nearest_copy(of, to);
}
template <class M>
row_major_array<double, 1> copy_near(landscape<sphere_energy<M>> const&, row_major_array<double, 1> const& of,
                                     row_major_array<double, 1> const&) {
    return of;
}

/// How far the way from one point to another rises over the higher one.
template <class O>
double barrier_between(landscape<O> const& of, row_major_array<double, 1> const& x,
                       row_major_array<double, 1> const& y) {
    auto const on = way_between(of, x, y);
    auto const seen = line(*of.f, on.where, {0, on.end, 101});
    return (*std::max_element(seen.values.begin(), seen.values.end()) -
            std::max(seen.values[0], seen.values[100])) /
           of.per;
}

/// Critical points from starts that have come down more or less far.
template <class O>
std::vector<critical_point> critical_points_in(landscape<O> const& of, std::size_t starts) {
    std::vector<critical_point> found;
    constexpr std::size_t steps[] = {0, 4, 8, 16, 32, 64, 256, 1024};
    for (std::uint64_t seed = 1; seed <= starts; ++seed) {
        check_interrupt();
        auto const start =
            descend(*of.f, of.start(10'000 + seed),
                    {.gradient = 1e-3, .steps = steps[seed % std::size(steps)], .first_step = 0.03});
        auto point = find_critical_point(*of.f, start.x, {.steps = 500});
        if (point.converged) found.push_back(std::move(point));
    }
    return found;
}

std::string text_of(char const* format, auto... numbers) {
    char text[160];
    std::snprintf(text, sizeof text, format, numbers...);
    return text;
}

struct summary {
    double lowest = 0, typical = 0;
    std::vector<minimum> minima;
    std::vector<std::string> cells;
};

/// Densities of eigenvalues over the largest, Gaussians of width 0.02 on each.
studies::figure::curve density_of(std::string title, std::vector<row_major_array<double, 1>> const& spectra) {
    studies::figure::curve curve{std::move(title), {}, studies::figure::drawn_as::line};
    constexpr double width = 0.02;
    for (double at = -1.1; at < 1.11; at += 0.005) {
        double sum = 0, count = 0;
        for (auto const& eigenvalues : spectra) {
            double const scale = std::max(std::abs(eigenvalues.front()), std::abs(eigenvalues.back()));
            for (double const each : eigenvalues) {
                sum += std::exp(-std::pow((each / scale - at) / width, 2) / 2) /
                       (width * std::sqrt(2 * std::numbers::pi));
                ++count;
            }
        }
        curve.points.push_back({at, sum / count, 0});
    }
    return curve;
}

template <class O>
summary look_at(landscape<O> const& of, options const& chosen) {
    summary found;
    found.minima = minima_in(of, chosen.minima);
    if (found.minima.size() < 4)
        throw error(of.name + ": only " + std::to_string(found.minima.size()) + " minima");
    found.lowest = found.minima.front().value;
    auto const typical = mean_of_draws(200, [&](std::size_t k) { return of.value(of.start(50'000 + k)); });
    found.typical = typical.value;
    double const height = found.typical - found.lowest;
    auto const over = [&](auto&& what) {
        auto const mean =
            mean_of_draws(found.minima.size(), [&](std::size_t k) { return what(found.minima[k]); });
        return text_of("%.4g +- %.2g", mean.value, mean.error);
    };
    found.cells.push_back(text_of("%.4g +- %.2g", typical.value, typical.error));
    found.cells.push_back(text_of("%.5g", found.lowest));
    found.cells.push_back(text_of("%zu from %zu descents", found.minima.size(), chosen.minima));
    found.cells.push_back(over([&](minimum const& m) { return (m.value - found.lowest) / height; }));
    // Pairs that share no minimum.
    std::size_t const half = found.minima.size() / 2;
    auto const between = [&](auto&& other) {
        auto const barrier = mean_of_draws(half, [&](std::size_t k) {
            return barrier_between(of, found.minima[k].x, other(found.minima[k], found.minima[k + half])) /
                   height;
        });
        found.cells.push_back(text_of("%.4g +- %.2g", barrier.value, barrier.error));
    };
    between([](minimum const&, minimum const& b) { return b.x; });
    between([&](minimum const& a, minimum const& b) {
        auto copy = copy_near(of, b.x, a.x);
        if (std::abs(of.value(copy) - b.value) > 1e-9) throw error("a copy has another value");
        return copy;
    });
    found.cells.push_back(
        over([](minimum const& m) { return m.eigenvalues.front() / m.eigenvalues.back(); }));
    found.cells.push_back(over([](minimum const& m) {
        double sum = 0;
        for (double const each : m.eigenvalues) sum += each;
        return sum / static_cast<double>(m.eigenvalues.size()) / m.eigenvalues.back();
    }));
    found.cells.push_back(over([](minimum const& m) {
        return static_cast<double>(std::count_if(m.eigenvalues.begin(), m.eigenvalues.end(),
                                                 [&](double e) { return e < 0.01 * m.eigenvalues.back(); })) /
               static_cast<double>(m.eigenvalues.size());
    }));
    return found;
}

/// A plane in units of the landscape's height: 0 at the lowest minimum, 1 where it is at random points.
template <class O>
surface_panel panel_of(landscape<O> const& of, summary const& with, std::string title, section const& where,
                       double reach) {
    axis const side{-reach, reach, 81};
    auto s = plane(*of.f, where, side, side, threads{});
    for (double& each : s.values) each = (each / of.per - with.lowest) / (with.typical - with.lowest);
    return {std::move(title), std::move(s)};
}

int study(options const& chosen) {
    std::filesystem::path const out = chosen.output;
    std::filesystem::create_directories(out);
    single_threaded_blas const one_blas_thread;
    auto const loss = linnerud_loss();
    if (loss.size() != parameters) throw error("the network has another number of parameters");
    auto const model =
        random_spherical_p_spin<double>(parameters, 3, p_spin_scale::auffinger_ben_arous_cerny, 1);
    sphere_energy const energy(model);
    penalised const with_decay(loss, decay);
    landscape<penalised> const network{"network", &with_decay, 1, random_weights};
    landscape<sphere_energy<spherical_p_spin<double>>> const glass{
        "3-spin glass", &energy, static_cast<double>(parameters), random_spins};
    std::fprintf(stderr, "minima of the network's loss\n");
    auto const of_network = look_at(network, chosen);
    std::fprintf(stderr, "minima of the glass's energy\n");
    auto const of_glass = look_at(glass, chosen);

    char const* const rows[] = {"mean at random points",
                                "lowest minimum found",
                                "minima of different values",
                                "minima over the lowest, over the height",
                                "barrier on the way between two of them, over the height",
                                "the same, the second as the copy nearest to the first",
                                "smallest over largest eigenvalue at minima",
                                "mean over largest eigenvalue at minima",
                                "share of eigenvalues below 1 % of the largest"};
    std::string table = "| | network's loss | energy of the glass / N |\n|---|---|---|\n";
    for (std::size_t k = 0; k < std::size(rows); ++k) {
        table += std::string("| ") + rows[k];
        table += " | " + of_network.cells[k] + " | " + of_glass.cells[k] + " |\n";
    }

    std::fprintf(stderr, "planes\n");
    auto const normalised_direction = [&](row_major_array<double, 1> const& x, std::uint64_t seed) {
        return normalised(gaussian_direction(parameters, seed), x, loss.groups(), normalised_by::filter,
                          bias_directions::kept);
    };
    auto const network_plane = [&](row_major_array<double, 1> const& x) {
        return section_along(x, normalised_direction(x, 1), normalised_direction(x, 2));
    };
    auto const glass_plane = [&](row_major_array<double, 1> const& x) {
        return great_circles(x, gaussian_direction(parameters, 1), gaussian_direction(parameters, 2));
    };
    auto const a_start = random_weights(7), a_spin = random_spins(7);
    std::vector<surface_panel> const panels{
        panel_of(network, of_network, "network, at its lowest minimum", network_plane(of_network.minima[0].x),
                 1),
        panel_of(glass, of_glass, "3-spin glass, at its lowest minimum", glass_plane(of_glass.minima[0].x),
                 1),
        panel_of(network, of_network, "network, at a random point", network_plane(a_start), 1),
        panel_of(glass, of_glass, "3-spin glass, at a random point", glass_plane(a_spin), 1)};
    for (char const* name : {"comparison_planes.png", "comparison_planes.svg"})
        (void)plot_surfaces(out / name, panels,
                            {.value = "height",
                             .a = "a (lengths of filters; radians)",
                             .b = "b (lengths of filters; radians)",
                             .highest = 3});
    table += "| minima on the plane round the lowest one |";
    for (std::size_t const k : {std::size_t{0}, std::size_t{1}})
        table += text_of(" %zu |", minima_of(panels[k].values).size());
    table += "\n| rms beside the best quadratic there, over the height |";
    for (std::size_t const k : {std::size_t{0}, std::size_t{1}})
        table += text_of(" %.3g |", ruggedness_of(panels[k].values).amplitude);
    table += "\n| its correlation length over the plane's side |";
    for (std::size_t const k : {std::size_t{0}, std::size_t{1}}) {
        auto const& s = panels[k].values;
        table += text_of(" %.3g |", ruggedness_of(s).length / (s.a.high - s.a.low));
    }
    table += "\n";

    std::fprintf(stderr, "critical points of the network's loss\n");
    auto const saddles = critical_points_in(network, chosen.starts);
    std::fprintf(stderr, "critical points of the glass's energy\n");
    auto const points = critical_points_in(glass, chosen.starts);
    auto const n = static_cast<double>(parameters);

    // Index over energy, both on their own axes.
    studies::figure of_loss{"comparison_index_network",
                            "loss at the critical point",
                            "fraction of negative eigenvalues",
                            "set yrange [-0.02:]\n",
                            {},
                            {{"3-6-3 network on Linnerud", {}, studies::figure::drawn_as::points}}};
    studies::figure of_energy{"comparison_index_glass",
                              "energy per spin at the critical point",
                              "fraction of negative eigenvalues",
                              "set key right bottom\n",
                              {},
                              {{"3-spin glass, N = 45", {}, studies::figure::drawn_as::points},
                               {"theory, N to infinity", {}, studies::figure::drawn_as::line}}};
    double degenerate = 0;
    std::vector<row_major_array<double, 1>> network_saddles, glass_saddles;
    for (auto const& each : saddles) {
        degenerate += each.flat > 0 ? 1 : 0;
        if (each.flat > 0) continue;
        of_loss.curves[0].points.push_back({each.value, static_cast<double>(each.index) / n, 0});
        if (each.index > 0) network_saddles.push_back(each.eigenvalues);
    }
    std::vector<double> off[3];
    for (auto const& each : points) {
        double const u = each.value / n, fraction = static_cast<double>(each.index) / (n - 1);
        of_energy.curves[0].points.push_back({u, fraction, 0});
        off[u < -1.25 ? 0 : u < -0.75 ? 1 : 2].push_back(n * (fraction - index_fraction(3, u)));
        if (each.index > 0) glass_saddles.push_back(each.eigenvalues);
    }
    for (double u = -1.8; u < 1.8; u += 0.01)
        of_energy.curves[1].points.push_back({u, index_fraction(3, u), 0});
    char lines[400];
    std::snprintf(
        lines, sizeof lines,
        "set arrow from %.6g, graph 0 to %.6g, graph 1 nohead dt 2\nset arrow from %.6g, graph 0 to %.6g, "
        "graph 1 nohead dt 3\nset label '-E_{inf}' at %.6g, graph 0.9\nset label '-E_0' at %.6g, graph "
        "0.96\n",
        -threshold_energy(3), -threshold_energy(3), -band_edge(3, 0), -band_edge(3, 0),
        -threshold_energy(3) + 0.02, -band_edge(3, 0) + 0.02);
    of_energy.settings += lines;
    (void)studies::draw(of_loss, out);
    (void)studies::draw(of_energy, out);
    table += text_of("| critical points found from %zu starts | %zu, %.0f of them degenerate | %zu |\n",
                     chosen.starts, saddles.size(), degenerate, points.size());
    char const* const names[] = {"u < -1.25", "-1.25 < u < -0.75", "u > -0.75"};
    for (std::size_t k = 0; k < 3; ++k) {
        auto const& each = off[k];
        auto const mean = mean_of_draws(each.size(), [&](std::size_t i) { return each[i]; });
        table += text_of("| N (fraction of negative eigenvalues - theory), %s | no theory | %.2g +- %.2g |\n",
                         names[k], mean.value, mean.error);
    }

    studies::figure spectra{"comparison_spectra",
                            "eigenvalue of the Hessian, over the largest",
                            "density",
                            "set logscale y\nset yrange [1e-3:]\n",
                            {},
                            {}};
    auto const at_minima = [](summary const& of) {
        std::vector<row_major_array<double, 1>> all;
        for (auto const& each : of.minima) all.push_back(each.eigenvalues);
        return all;
    };
    spectra.curves.push_back(density_of("network, minima", at_minima(of_network)));
    spectra.curves.push_back(density_of("3-spin glass, minima", at_minima(of_glass)));
    if (!network_saddles.empty()) spectra.curves.push_back(density_of("network, saddles", network_saddles));
    if (!glass_saddles.empty()) spectra.curves.push_back(density_of("3-spin glass, saddles", glass_saddles));
    (void)studies::draw(spectra, out);

    write_atomically(out / "table.md", table);
    std::printf("%s", table.c_str());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    options chosen;
    CLI::App app("A network's loss beside the energy of a spherical p-spin glass.", "comparison");
    return program::main_of(
        app, argv,
        [&] {
            app.add_option("--output", chosen.output, "directory of the results")->capture_default_str();
            app.add_option("--minima", chosen.minima, "minima of each landscape")->capture_default_str();
            app.add_option("--starts", chosen.starts, "starts of searches for critical points")
                ->capture_default_str();
            app.parse(argc, argv);
        },
        [&] {
            try {
                return study(chosen);
            } catch (program::stopped const&) {
                std::fprintf(stderr, "comparison: stopped\n");
                return 130;
            }
        });
}
