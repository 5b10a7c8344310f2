// SPDX-License-Identifier: BSD-3-Clause
/// Curves with error bars in one picture, as the studies draw them.
#pragma once

#include <spinet/io/plot.hpp>

#include <array>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

namespace studies {

/// A picture of what a study found.
struct figure {
    enum class drawn_as { points_and_line, line, points };
    struct curve {
        std::string title;
        std::vector<std::array<double, 3>> points{};  ///< x, y, error of y
        drawn_as as = drawn_as::points_and_line;
    };
    std::string name, xlabel, ylabel;
    std::string settings{};  ///< lines of gnuplot
    std::string formulas{};  ///< further terms of its plot command, such as "1 - x title 'limit'"
    std::vector<curve> curves{};
};

/// Writes name.dat and name.gp into a directory and draws name.png by gnuplot. Returns the picture, or its
/// script where there is no gnuplot.
inline std::filesystem::path draw(figure const& drawn, std::filesystem::path const& directory) {
    auto const files = spinet::plot_files(directory / (drawn.name + ".png"));
    std::string data = "# " + drawn.xlabel + ", " + drawn.ylabel + ", error; one block per curve\n", plot;
    char const* const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};
    for (std::size_t k = 0; k < drawn.curves.size(); ++k) {
        auto const& curve = drawn.curves[k];
        data += "# " + curve.title + "\n";
        char text[96];
        for (auto const& [x, y, error] : curve.points) {
            std::snprintf(text, sizeof text, "%.9g %.9g %.3g\n", x, y, error);
            data += text;
        }
        data += "\n\n";
        std::string const block = "index " + std::to_string(k),
                          style = std::string(" lc rgb '") + colours[k % std::size(colours)] + "'",
                          title = " title '" + curve.title + "'";
        plot += (k == 0 ? " '" : ", '") + files[1].string() + "' " + block;
        switch (curve.as) {
            case figure::drawn_as::line:
                plot += " using 1:2 with lines lw 2" + style + title;
                break;
            case figure::drawn_as::points:
                plot += " using 1:2 with points pt 7 ps 0.5" + style + title;
                break;
            case figure::drawn_as::points_and_line:
                plot += " using 1:2 with lines lw 2" + style + " notitle, '' " + block +
                        " using 1:2:3 with yerrorbars pt 7" + style + title;
        }
    }
    if (!drawn.formulas.empty()) plot += ", " + drawn.formulas;
    bool const done = spinet::detail::write_and_draw(
        files, data,
        "set terminal pngcairo size 1000,700 font 'DejaVu Sans,13'\nif (!exists('picture')) picture = '" +
            files[0].string() + "'\nset output picture\nset grid\nset xlabel '" + drawn.xlabel +
            "'\nset ylabel '" + drawn.ylabel + "'\n" + drawn.settings + "plot" + plot + "\n");
    return done ? files[0] : files[2];
}

}  // namespace studies
