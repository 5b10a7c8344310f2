// SPDX-License-Identifier: BSD-3-Clause
/// The code of docs/landscapes.md.
#include <spinet/io/idx.hpp>
#include <spinet/io/plane_checkpoint_file.hpp>
#include <spinet/io/surface_plot.hpp>
#include <spinet/landscape/basin.hpp>
#include <spinet/landscape/complexity.hpp>
#include <spinet/landscape/critical_points.hpp>
#include <spinet/landscape/directions.hpp>
#include <spinet/landscape/hessian.hpp>
#include <spinet/landscape/network_loss.hpp>
#include <spinet/landscape/shape.hpp>
#include <spinet/landscape/surface.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/spinet.hpp>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace {

std::string const top = SPINET_SOURCE_DIR,
                  file = top + "/docs/networks/fashion_784-128-64-10_trained.safetensors",
                  images = top + "/tests/data/fashion_first_256.images.gz",
                  labels = top + "/tests/data/fashion_first_256.labels";

void require(bool holds, char const* what) {
    if (holds) return;
    std::fprintf(stderr, "failed: %s\n", what);
    std::exit(1);
}

void of_a_network() {
    //! [loss]
    spinet::network_loss<float> const loss(
        spinet::load_network(file), spinet::load_labelled_images(images, labels),
        spinet::loss_kind::cross_entropy, {.hidden = spinet::activation_kind::relu});
    auto const& x = loss.parameters();  // weights and biases, layer by layer
    std::printf("loss %g, accuracy %g\n", loss.value(x), loss.accuracy(x));
    //! [loss]

    //! [plane]
    auto const direction = [&](std::uint64_t seed) {
        return spinet::normalised(spinet::gaussian_direction(loss.size(), seed), x, loss.groups());
    };
    auto const where = spinet::section_along(x, direction(1), direction(2));
    spinet::axis const side{-1, 1, 25};
    auto const seen = spinet::plane(loss, where, side, side, spinet::threads{}, spinet::progress_bar{});
    spinet::write_surface("plane.csv", seen, "loss");
    spinet::plot_surfaces("plane.png", {{"784-128-64-10", seen}});
    //! [plane]
    require(seen(12, 12) == loss.value(x), "the centre has the network's loss");

    //! [says]
    std::printf("%zu minima, correlated over %g\n", spinet::minima_of(seen).size(),
                spinet::ruggedness_of(seen).length);
    spinet::hessian const h(loss, x);
    auto const top_ones = spinet::top_eigenpairs(h, 3, {.tolerance = 1e-3});
    auto const trace = spinet::hessian_trace(h, 20);
    auto const width = spinet::over_directions(
        10, 1, [&](std::uint64_t seed) { return spinet::section_along(x, direction(seed)); },
        [&](spinet::section const& line) { return spinet::basin_width(loss, line, {.rise = 0.1}); });
    std::printf("lambda %g, trace %g +- %g, width %g +- %g\n", top_ones.values[0], trace.value, trace.error,
                width.value, width.error);
    //! [says]
    require(top_ones.values[0] > top_ones.values[1] && trace.value > top_ones.values[0] && width.value > 0,
            "measures");
}

void of_a_glass() {
    //! [glass]
    std::size_t const n = 40;
    auto const glass =
        spinet::random_spherical_p_spin<double>(n, 3, spinet::p_spin_scale::auffinger_ben_arous_cerny, 1);
    spinet::sphere_energy const energy(glass);
    auto start = spinet::gaussian_direction(n, 7);
    double square = 0;
    for (double const each : start) square += each * each;
    for (double& each : start) each *= std::sqrt(n / square);  // onto the sphere

    auto const point = spinet::find_critical_point(energy, start);
    double const u = point.value / n;
    if (point.converged)
        std::printf("u = %g, index %zu; the theory has %g\n", u, point.index,
                    (n - 1) * spinet::index_fraction(3, u));

    auto const circles =
        spinet::great_circles(point.x, spinet::gaussian_direction(n, 1), spinet::gaussian_direction(n, 2));
    auto const seen = spinet::plane(energy, circles, {-1.5, 1.5, 25}, {-1.5, 1.5, 25}, spinet::threads{});
    //! [glass]
    require(seen.complete() && point.eigenvalues.size() == n - 1, "a plane of the glass");
}

void of_your_own() {
    //! [own]
    auto const rosenbrock = spinet::plain_objective(2, [](std::span<double const> x) {
        return std::pow(1 - x[0], 2) + 100 * std::pow(x[1] - x[0] * x[0], 2);
    });
    auto const valley =
        spinet::plane(rosenbrock, spinet::section_along({1, 1}, {1, 0}, {0, 1}), {-2, 1, 61}, {-2, 2, 81});
    //! [own]
    require(spinet::minima_of(valley).front().value < 0.1, "the valley");
}

}  // namespace

int main() {
    of_a_network();
    of_a_glass();
    of_your_own();
    return 0;
}
