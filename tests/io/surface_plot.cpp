// SPDX-License-Identifier: BSD-3-Clause
/// Tables and pictures of planes.
#include "../files.hpp"
#include <spinet/io/surface_plot.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

/// a + 10 b on 3 x 2 points, but NaN at (1, 0).
surface small() {
    double const nan = std::nan("");
    return {{-1, 1, 3}, {0, 1, 2}, {{-1, 0, nan}, {9, 10, 11}}, 6};
}

std::vector<std::string> lines_of(std::filesystem::path const& file) {
    std::istringstream text(read_whole(file));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

}  // namespace

TEST_CASE("a plane as a table: coordinates beside values", "[io]") {
    network_test::temporary_directory const place;
    auto part = small();
    write_surface(place.path() / "plane.csv", part, "loss");
    CHECK(lines_of(place.path() / "plane.csv") ==
          std::vector<std::string>{"a,b,loss", "-1,0,-1", "0,0,0", "1,0,nan", "-1,1,9", "0,1,10", "1,1,11"});
    part.done = 2;
    write_surface(place.path() / "part.csv", part);
    CHECK(lines_of(place.path() / "part.csv") == std::vector<std::string>{"a,b,value", "-1,0,-1", "0,0,0"});
}

TEST_CASE("pictures of planes: equal scales, and what is refused", "[io]") {
    network_test::temporary_directory const place;
    auto const picture = place.path() / "two.png";
    surface higher{{0, 1, 2}, {0, 1, 2}, {{1, 2}, {3, 40}}, 4};
    trail const path{{0.5, 0}, {0.25, 0}, {0, 0}, {1, 2}};
    (void)plot_surfaces(picture, {{"one", small(), path}, {"two", higher}}, {.highest = 30});
    auto const script = read_whole(place.path() / "two.gp");
    std::size_t scales = 0;
    for (std::size_t at = 0; (at = script.find("zlow = -1\nset zrange [zlow:30]\n", at)) != std::string::npos;
         ++at)
        ++scales;
    CHECK(scales == 4);  // two surfaces, two maps
    CHECK_THAT(script, ContainsSubstring("one (1 values not finite)"));
    auto const data = lines_of(place.path() / "two.dat");
    auto const has = [&](char const* line) {
        return std::count(data.begin(), data.end(), std::string(line)) > 0;
    };
    CHECK(has("0.5 0.25 1"));  // the path
    CHECK(has("1 0 0"));       // where it is not finite
    CHECK(has("1 1 30"));      // cut
    (void)plot_surfaces(place.path() / "own.png", {{"one", small()}, {"two", higher}},
                        {.equal_scales = false});
    CHECK_THAT(read_whole(place.path() / "own.gp"), ContainsSubstring("zlow = 1\nset zrange [zlow:40]"));

    auto const refusal = [&](char const* name, std::vector<surface_panel> const& panels,
                             surface_plot_options const& options = {}) {
        return error_of([&] { return plot_surfaces(place.path() / name, panels, options); });
    };
    // Drawn, or gnuplot's refusal would be thrown.
    double const tiny = 2.3025850929940459;
    for (surface_plot_options const& options : {surface_plot_options{.levels = 0}, {.logarithmic = true}, {}})
        for (auto const& values : {row_major_array<double, 2>{{tiny, tiny + 1e-12}, {tiny, tiny}},
                                   {{1e-12, 1e-12}, {1e-12, 1e-12}},
                                   {{1e-300, 2e300}, {1, 1}}})
            CHECK(error_of([&] {
                      return plot_surfaces(place.path() / "odd.png",
                                           {{"odd", {{0, 1, 2}, {0, 1, 2}, values, 4}}}, options);
                  }) == "nothing was thrown");
    (void)plot_surfaces(place.path() / "zero.png", {{"zero", {{0, 1, 2}, {0, 1, 2}, {{0, 0}, {0, 0}}, 4}}});
    CHECK_THAT(refusal("new\nline.png", {{"one", small()}}), ContainsSubstring("control character"));
    CHECK_THAT(refusal("no.png", {}), ContainsSubstring("no panel"));
    CHECK_THAT(refusal("no.jpg", {{"one", small()}}), ContainsSubstring("picture.png or picture.svg"));
    CHECK_THAT(refusal("no.png", {{"one", small()}}, {.logarithmic = true}),
               ContainsSubstring("not > 0 on a logarithmic scale"));
    CHECK_THAT(refusal("no.png", {{"line", {{0, 1, 4}, {0, 0, 1}, {{1, 2, 3, 4}}, 4}}}),
               ContainsSubstring("4 x 1"));
    double const nan = std::nan("");
    CHECK_THAT(refusal("no.png", {{"far", {{0, 1, 2}, {0, 1, 2}, {{nan, nan}, {nan, nan}}, 4}}}),
               ContainsSubstring("no value of far is finite"));
    CHECK_FALSE(std::filesystem::exists(place.path() / "no.gp"));
}
