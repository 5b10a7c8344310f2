// SPDX-License-Identifier: BSD-3-Clause
/// Minima, barriers and ruggedness of lines and planes whose form is known.
#include "../files.hpp"
#include <spinet/landscape/shape.hpp>
#include <spinet/random/streams.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

template <class F>
surface filled(axis const& a, axis const& b, F&& f) {
    surface s{a, b, row_major_array<double, 2>::from_shape({b.points, a.points}), 0};
    for (std::size_t j = 0; j < b.points; ++j)
        for (std::size_t i = 0; i < a.points; ++i) s.values(j, i) = f(a.at(i), b.at(j));
    s.done = s.values.size();
    return s;
}

template <class F>
profile drawn(axis const& a, F&& f) {
    profile p{row_major_array<double, 1>::from_shape({a.points}),
              row_major_array<double, 1>::from_shape({a.points})};
    for (std::size_t i = 0; i < a.points; ++i) p.at(i) = a.at(i), p.values(i) = f(a.at(i));
    return p;
}

}  // namespace

TEST_CASE("minima of a line, with their barriers", "[landscape]") {
    profile const p{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {3, 1, 2, 0, 5, 4, 4, 6, -1, 2}};
    auto const found = minima_of(p);
    REQUIRE(found.size() == 4);
    CHECK(found[0].i == 8);
    CHECK(std::isinf(found[0].barrier));
    CHECK(found[1].i == 3);
    CHECK(found[1].barrier == 6);  // over the 6 to -1
    CHECK(found[2].i == 1);
    CHECK(found[2].barrier == 1);
    CHECK(found[3].value == 4);  // a plateau of two
    CHECK(found[3].barrier == 1);
    CHECK_FALSE(found[0].on_edge);
    CHECK(minima_of(profile{{0, 1, 2}, {1, 2, 3}})[0].on_edge);
    CHECK(minima_of(profile{{0, 1, 2}, {1, 1, 1}}).size() == 1);
    CHECK(minima_of(profile{{0, 1, 2, 3, 4}, {3, 2, 1, 1, 1}})[0].on_edge);
    CHECK(minima_of(profile{{0, 1, 2, 3, 4}, {1, 1, 1, 2, 3}})[0].on_edge);
    CHECK_FALSE(minima_of(profile{{0, 1, 2, 3, 4}, {3, 1, 1, 1, 3}})[0].on_edge);
    // What is not finite is a wall.
    auto const parted = minima_of(profile{{0, 1, 2, 3, 4}, {1, 0, std::nan(""), 2, 3}});
    REQUIRE(parted.size() == 2);
    CHECK(parted[0].i == 1);
    CHECK(parted[1].i == 3);
    CHECK(std::isinf(parted[1].barrier));
}

TEST_CASE("minima of a plane: two wells and a saddle between", "[landscape]") {
    // (x^2 - 1)^2 + 0.2 x + y^2: near (-1, 0) and (1, 0), the pass near x = 0.
    auto const s = filled({-2, 2, 81}, {-1, 1, 41},
                          [](double x, double y) { return (x * x - 1) * (x * x - 1) + 0.2 * x + y * y; });
    auto const found = minima_of(s);
    REQUIRE(found.size() == 2);
    CHECK(s.a.at(found[0].i) == Approx(-1).margin(0.06));
    CHECK(s.a.at(found[1].i) == Approx(1).margin(0.06));
    CHECK(s.b.at(found[0].j) == Approx(0).margin(1e-12));
    CHECK(found[1].barrier == Approx(1 - 0.2).margin(0.02));
}

TEST_CASE("ruggedness: a bowl has none, waves have their length", "[landscape]") {
    axis const a{-1, 1, 201}, b{-1, 1, 101};
    CHECK(ruggedness_of(drawn(a, [](double x) { return 3 + x - 2 * x * x; })).amplitude < 1e-12);
    CHECK(ruggedness_of(filled(a, b, [](double x, double y) {
              return x * x - x * y + 2 * y + 1;
          })).amplitude < 1e-12);
    CHECK(std::isnan(ruggedness_of(drawn(a, [](double) { return 0.0; })).length));
    CHECK(std::isnan(ruggedness_of(drawn(a, [](double x) { return 1e6 + x * x; })).length));
    // Of cos(k x) the autocorrelation is cos(k r): 1/e at arccos(1/e) / k.
    double const k = 40, expected = std::acos(std::exp(-1.0)) / k;
    auto const waves = ruggedness_of(drawn(a, [&](double x) { return 5 * x * x + 0.3 * std::cos(k * x); }));
    CHECK(waves.amplitude == Approx(0.3 / std::sqrt(2.0)).epsilon(0.05));
    CHECK(waves.length == Approx(expected).epsilon(0.05));
    auto const both = ruggedness_of(
        filled(a, b, [&](double x, double y) { return std::cos(k * x) * std::cos(k * y / 2) + x * y; }));
    CHECK(both.length == Approx(1.5 * expected).epsilon(0.1));
    // White noise: below one step.
    stream const draws(3, 0, 0, purpose::testing);
    std::uint32_t n = 0;
    auto const noise = ruggedness_of(drawn(a, [&](double) { return normal(draws, n++); }));
    CHECK(noise.length < 0.01);
    CHECK(noise.amplitude == Approx(1).epsilon(0.25));
    CHECK_THAT(error_of([&] {
                   return ruggedness_of(profile{{0, 1}, {1, 2}}).length;
               }),
               ContainsSubstring("at least 8"));
    auto part = filled(a, b, [](double x, double) { return x; });
    part.done = 5;
    CHECK_THAT(error_of([&] { return ruggedness_of(part).length; }), ContainsSubstring("stopped"));
    CHECK_THAT(error_of([&] { return minima_of(part).size(); }), ContainsSubstring("stopped"));
    part = filled(a, b, [](double x, double y) { return x > 0.985 && y > 0.97 ? 1 / (x - x) : x; });
    CHECK(part.not_finite() == 4);
    CHECK_THAT(error_of([&] { return ruggedness_of(part).length; }),
               ContainsSubstring("4 values are not finite"));
}
