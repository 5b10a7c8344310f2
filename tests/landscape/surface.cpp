// SPDX-License-Identifier: BSD-3-Clause
/// Directions, lines, planes and trajectories: geometry, executors, stopping and going on.
#include "../files.hpp"
#include <spinet/io/checkpoint_file.hpp>
#include <spinet/io/plane_checkpoint_file.hpp>
#include <spinet/landscape/directions.hpp>
#include <spinet/landscape/surface.hpp>
#include <spinet/model/p_spin.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <stop_token>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

double dot(std::span<double const> a, std::span<double const> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

auto const bowl = plain_objective(3, [](std::span<double const> x) { return x[0] * x[0] + 2 * x[1] + x[2]; });

/// On the sphere of 8 coordinates.
spherical_p_spin<double> const& glass() {
    static auto const model =
        random_spherical_p_spin<double>(8, 3, p_spin_scale::auffinger_ben_arous_cerny, 3);
    return model;
}

row_major_array<double, 1> on_sphere(std::uint64_t seed) {
    auto x = gaussian_direction(8, seed);
    double const scale = std::sqrt(8 / dot(x, x));
    for (double& each : x) each *= scale;
    return x;
}

}  // namespace

TEST_CASE("Gaussian directions are independent, of mean 0 and variance 1", "[landscape]") {
    constexpr std::size_t n = 100'000;
    auto const a = gaussian_direction(n, 1), b = gaussian_direction(n, 2);
    CHECK((gaussian_direction(n, 1) == a));
    double mean = 0, fourth = 0;
    for (double const each : a) mean += each / n, fourth += std::pow(each, 4) / n;
    // 4.5 standard errors each: 4 comparisons.
    CHECK(std::abs(mean) < 4.5 / std::sqrt(n));
    CHECK(std::abs(dot(a, a) / n - 1) < 4.5 * std::sqrt(2.0 / n));
    CHECK(std::abs(fourth - 3) < 4.5 * std::sqrt(96.0 / n));
    CHECK(std::abs(dot(a, b) / n) < 4.5 / std::sqrt(n));
}

TEST_CASE("normalised directions have the lengths of the weights, part by part", "[landscape]") {
    // Two filters of three weights, a bias of two.
    std::vector<parameter_group> const groups{{"w", 0, 2, 3, false}, {"b", 6, 2, 1, true}};
    std::vector<double> const weights{3, 0, 4, 1, 2, 2, 10, 0}, d{1, 1, 1, 0, 0, 2, 1, 1};
    auto const close = [](std::span<double const> found, std::vector<double> const& expected) {
        for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(expected[i]).margin(1e-9));
    };
    double const r = 5 / std::sqrt(3.0);
    close(normalised(d, weights, groups), {r, r, r, 0, 0, 3, 0, 0});
    // A bias as a layer of its own.
    double const s = 10 / std::sqrt(2.0);
    close(normalised(d, weights, groups, normalised_by::filter, bias_directions::kept),
          {r, r, r, 0, 0, 3, s, s});
    double const t = std::sqrt(34.0 / 7);
    close(normalised(d, weights, groups, normalised_by::layer), {t, t, t, 0, 0, 2 * t, 0, 0});
    auto const whole = normalised(d, weights, groups, normalised_by::model, bias_directions::kept);
    CHECK(dot(whole, whole) == Approx(dot(weights, weights)));
    CHECK(whole[5] == Approx(2 * whole[0]));
    close(normalised(d, weights, groups, normalised_by::nothing), {1, 1, 1, 0, 0, 2, 0, 0});
    CHECK_THAT(error_of([&] {
                   return normalised({1, 2}, weights, groups).size();
               }),
               ContainsSubstring("2 numbers for 8 weights"));
    CHECK_THAT(error_of([&] { return normalised(std::vector<double>(8, 0.0), weights, groups).size(); }),
               ContainsSubstring("is zero"));
    CHECK_THAT(
        error_of([&] { return normalised(std::vector<double>(8, std::nan("")), weights, groups).size(); }),
        ContainsSubstring("not finite"));
}

TEST_CASE("sections through two and three points pass through them", "[landscape]") {
    std::vector<double> const x{1, 2, 3}, y{2, 2, 5}, z{0, -1, 4};
    std::vector<double> at(3);
    auto const line = section_between(x, y);
    line.point(1, 0, at);
    CHECK(std::ranges::equal(at, y));
    CHECK_FALSE(line.is_plane());
    auto const plane = section_through(x, y, z);
    plane.point(0, 0, at);
    CHECK(at == x);
    plane.point(1, 0, at);
    CHECK(at == y);
    auto const seen = plane.project(z);
    CHECK(seen.distance < 1e-12);
    CHECK(std::abs(dot(plane.first, plane.second)) < 1e-12);
    CHECK(dot(plane.first, plane.first) == Approx(dot(plane.second, plane.second)));
    // 2 along the plane's normal from a point of it.
    std::vector<double> const normal{plane.first[1] * plane.second[2] - plane.first[2] * plane.second[1],
                                     plane.first[2] * plane.second[0] - plane.first[0] * plane.second[2],
                                     plane.first[0] * plane.second[1] - plane.first[1] * plane.second[0]};
    plane.point(0.3, -0.7, at);
    for (std::size_t i = 0; i < 3; ++i) at[i] += 2 * normal[i] / std::sqrt(dot(normal, normal));
    auto const off = plane.project(at);
    CHECK(off.a == Approx(0.3));
    CHECK(off.b == Approx(-0.7));
    CHECK(off.distance == Approx(2));
    CHECK_THAT(error_of([&] {
                   return section_through(x, y, std::vector<double>{3, 2, 7}).first.size();
               }),
               ContainsSubstring("parallel"));
    CHECK_THAT(error_of([&] { return section_between(x, x).first.size(); }), ContainsSubstring("equal"));
}

TEST_CASE("what is nearest to a point in a plane of oblique directions", "[landscape]") {
    section const oblique{{1, 1, 1}, {2, 0, 0}, {1, 3, 0}};
    std::vector<double> at(3);
    oblique.point(0.7, -0.4, at);
    at[2] += 5;  // off the plane, at a right angle
    auto const seen = oblique.project(at);
    CHECK(seen.a == Approx(0.7));
    CHECK(seen.b == Approx(-0.4));
    CHECK(seen.distance == Approx(5));
}

TEST_CASE("great circles stay on the sphere, and their coordinates are angles", "[landscape]") {
    auto const x = on_sphere(1);
    auto const where = great_circles(x, gaussian_direction(8, 2), gaussian_direction(8, 3));
    std::vector<double> at(8);
    for (auto const& [a, b] : std::vector<std::array<double, 2>>{{0, 0}, {0.3, 0}, {0.5, -1.2}, {0, 3}}) {
        where.point(a, b, at);
        CHECK(dot(at, at) == Approx(8));
        CHECK(std::acos(std::clamp(dot(at, x) / 8, -1.0, 1.0)) == Approx(std::hypot(a, b)).margin(1e-7));
        auto const seen = where.project(at);
        CHECK(seen.a == Approx(a).margin(1e-9));
        CHECK(seen.b == Approx(b).margin(1e-9));
        CHECK(seen.distance < 1e-9);
    }
    // Once round.
    where.point(2 * std::numbers::pi, 0, at);
    for (std::size_t i = 0; i < 8; ++i) CHECK(at[i] == Approx(x[i]).margin(1e-9));
    sphere_energy const f(glass());
    auto const circle = line(f, where, {0, 2 * std::numbers::pi, 9});
    CHECK(circle.values[0] == Approx(circle.values[8]));
    CHECK(circle.values[4] == Approx(-circle.values[0]));  // three spins at a time: odd
    CHECK_THAT(error_of([&] {
                   return line(f, section_along(x, x), {0, 1, 3}).at.size();
               }),
               ContainsSubstring("needs chart::great_circles"));
    CHECK_THAT(error_of([&] { return great_circles(x, x).first.size(); }), ContainsSubstring("parallel"));
}

TEST_CASE("principal directions of a trajectory", "[landscape]") {
    // An ellipse in a plane of five dimensions, about its last point.
    std::vector<double> const u{0.6, 0, 0.8, 0, 0}, v{0, 1, 0, 0, 0};
    std::vector<std::vector<double>> points;
    for (int k = 1; k <= 40; ++k) {
        double const angle = 2 * std::numbers::pi * k / 40;
        points.emplace_back(5, 1.0);
        for (std::size_t i = 0; i < 5; ++i)
            points.back()[i] += 3 * std::cos(angle) * u[i] + 0.5 * std::sin(angle) * v[i];
    }
    points.emplace_back(5, 1.0);
    auto const found = principal_directions_of(points);
    CHECK(std::abs(dot(found.direction(0), u)) == Approx(1));
    CHECK(std::abs(dot(found.direction(1), v)) == Approx(1));
    CHECK(found.shares[0] == Approx(9 / 9.25));
    CHECK(found.shares[1] == Approx(0.25 / 9.25));
    // Two directions with equal shares.
    auto const equal = principal_directions_of(xt::xtensor<float, 2>{{1, 0, 0}, {0, 1, 0}, {0, 0, 0}});
    CHECK((equal.shares == row_major_array<double, 1>{0.5, 0.5}));
    CHECK(std::abs(dot(equal.direction(0), equal.direction(1))) < 1e-12);
    CHECK_THAT(error_of([&] { return principal_directions_of(points, 3).shares.size(); }),
               ContainsSubstring("span 2 directions, 3 are asked for"));
    CHECK_THAT(error_of([&] {
                   return principal_directions_of(xt::xtensor<double, 2>{{1, 2}, {2, 3}}).shares.size();
               }),
               ContainsSubstring("2 points for 2 directions"));
    auto const where = section_along(points.back(), found.direction(0), found.direction(1));
    auto const f = plain_objective(5, [](std::span<double const> x) { return x[0]; });
    auto const seen = trajectory(f, where, points, threads{2});
    for (std::size_t k = 0; k < points.size(); ++k) {
        CHECK(seen.values[k] == points[k][0]);
        CHECK(seen.distance[k] < 1e-12);
    }
    CHECK(std::abs(seen.b[9]) == Approx(0.5));
}

TEST_CASE("planes and lines: values where they belong, on any executor", "[landscape]") {
    section const where{{1, 2, 3}, {1, 0, 0}, {0, 1, 0}};
    auto const found = plane(bowl, where, {-1, 1, 3}, {0, 2, 5}, threads{2});
    REQUIRE(found.complete());
    for (std::size_t j = 0; j < 5; ++j)
        for (std::size_t i = 0; i < 3; ++i)
            CHECK(found(i, j) ==
                  std::pow(static_cast<double>(i), 2) + 2 * (2 + 0.5 * static_cast<double>(j)) + 3);
    CHECK((plane(bowl, where, {-1, 1, 3}, {0, 2, 5}).values == found.values));
    auto const along = line(bowl, where, {-1, 1, 3});
    CHECK((along.values == row_major_array<double, 1>{7, 8, 11}));
    CHECK((along.at == row_major_array<double, 1>{-1, 0, 1}));
    CHECK(axis{-0.3, 0.3, 7}.at(3) == 0);
    CHECK(axis{-0.3, 0.1, 7}.at(6) == 0.1);
    CHECK_THAT(error_of([&] {
                   return plane(bowl, section_along({1, 2, 3}, {1, 0, 0}), {}, {}).done;
               }),
               ContainsSubstring("one direction only"));
    CHECK_THAT(error_of([&] { return plane(bowl, where, {1, 1, 2}, {}).done; }), ContainsSubstring("axis a"));
    CHECK_THAT(error_of([&] {
                   return plane(bowl, {{1, 2}, {1, 0}, {0, 1}}, {}, {}).done;
               }),
               ContainsSubstring("its centre has 2 numbers, the objective 3"));
}

TEST_CASE("the file of a plane is checked when it is read", "[landscape]") {
    network_test::temporary_directory const place;
    auto const file = place.path() / "plane", run = place.path() / "run";
    plane_checkpoint const written{7, "1.2", {0.5, -0.25}};
    save_plane_checkpoint(file, written);
    auto const found = load_plane_checkpoint(file);
    CHECK(found.identity == written.identity);
    CHECK(found.version == written.version);
    CHECK(found.values == written.values);
    save_checkpoint(run, checkpoint{7, "1.2", {}, 2, {}});
    CHECK_THAT(error_of([&] { return load_plane_checkpoint(run).identity; }),
               ContainsSubstring("is not a spinet checkpoint of a plane"));
    CHECK_THAT(error_of([&] { return load_checkpoint(file).identity; }),
               ContainsSubstring("is not a spinet checkpoint"));
    auto bytes = read_whole(file);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write_atomically(file, bytes);
    CHECK_THAT(error_of([&] { return load_plane_checkpoint(file).identity; }),
               ContainsSubstring("its hash does not match"));
}

TEST_CASE("a stopped plane goes on from its checkpoint as if it had not been", "[landscape]") {
    section const where{{1, 2, 3}, {1, 0, 0}, {0, 1, 0}};
    axis const a{-1, 1, 40}, b{0, 2, 30};
    auto const whole = plane(bowl, where, a, b);
    network_test::temporary_directory const place;
    auto const file = place.path() / "surface";
    int seen = 0;
    auto const part = plane(bowl, where, a, b, threads{2}, plane_checkpoint_every(0, file),
                            [&](plane_progress const& now) { return ++seen < 4 || now.last; });
    CHECK_FALSE(part.complete());
    CHECK(part.done > 100);
    CHECK(std::isnan(part(39, 29)));
    auto const saved = load_plane_checkpoint(file);
    auto const rest = resume_plane(saved, bowl, where, a, b);
    CHECK(rest.complete());
    CHECK((rest.values == whole.values));
    auto const other = plain_objective(3, [](std::span<double const> x) { return x[0]; });
    for (auto const& what :
         {error_of([&] { return resume_plane(saved, other, where, a, b).done; }), error_of([&] {
              return resume_plane(saved, bowl, where, a, {0, 2, 31}).done;
          }),
          error_of([&] {
              return resume_plane(saved, bowl, {{1, 2, 3}, {1, 0, 0}, {0, 2, 0}}, a, b).done;
          })})
        CHECK_THAT(what, ContainsSubstring("another objective, section or grid"));
    // Equal at the centre, and another elsewhere.
    auto const steeper = plain_objective(
        3, [](std::span<double const> x) { return bowl.value(x) + 3 * std::pow(x[0] - 1, 2); });
    CHECK(steeper.value(where.centre) == bowl.value(where.centre));
    CHECK_THAT(error_of([&] { return resume_plane(saved, steeper, where, a, b).done; }),
               ContainsSubstring("another objective"));
    seen = 0;
    axis const long_axis{-1, 1, 1000};
    auto const half = line(bowl, where, long_axis, serial{}, plane_checkpoint_every(0, file),
                           [&](plane_progress const& now) { return ++seen < 3 || now.last; });
    CHECK(half.at.size() < 1000);
    CHECK((resume_line(load_plane_checkpoint(file), bowl, where, long_axis).values ==
           line(bowl, where, long_axis).values));
    std::stop_source stop;
    stop.request_stop();
    CHECK(plane(bowl, where, a, b, serial{}, stop.get_token()).done < whole.values.size());
}
