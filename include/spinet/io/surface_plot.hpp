// SPDX-License-Identifier: BSD-3-Clause
/// Planes as tables of comma-separated values, and as pictures by gnuplot, side by side on equal scales.
#pragma once

#include <spinet/error.hpp>
#include <spinet/io/atomic_file.hpp>
#include <spinet/io/plot.hpp>
#include <spinet/landscape/surface.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace spinet {

/// A row for each point that was evaluated, a running fastest: a, b and the value (also nan and inf).
[[nodiscard]] inline std::string surface_csv(surface const& of, std::string const& value = "value") {
    std::string text = detail::text("a,b,", detail::csv_field(value), "\n");
    for (std::size_t k = 0; k < of.done; ++k)
        detail::append_numbers(text, "%.9g,%.9g,%.17g\n", of.a.at(k % of.a.points), of.b.at(k / of.a.points),
                               of.values.data()[k]);
    return text;
}

/// Writes that table, atomically.
inline void write_surface(std::filesystem::path const& path, surface const& of,
                          std::string const& value = "value") {
    write_atomically(path, surface_csv(of, value));
}

/// A surface in a picture, and a path to draw on it.
struct surface_panel {
    std::string title;
    surface values;
    trail path{};
};

struct surface_plot_options {
    std::string value = "loss";    ///< what the values are
    std::string a = "a", b = "b";  ///< what the coordinates are
    bool logarithmic = false;      ///< values on a logarithmic scale; they must be > 0
    bool equal_scales = true;      ///< one scale of values for all panels; else each its own
    std::size_t levels = 12;       ///< lines of equal value
    double highest = std::numeric_limits<double>::infinity();  ///< larger values are drawn as this
};

namespace detail {

struct value_range {
    double low = std::numeric_limits<double>::infinity();
    double high = -std::numeric_limits<double>::infinity();

    void add(surface const& of, double highest) {
        for (double const v : of.values)
            if (std::isfinite(v)) {
                low = std::min(low, std::min(v, highest));
                high = std::max(high, std::min(v, highest));
            }
    }
};

/// For each panel three blocks: the grid, a line for each b; the points that are not finite; the path.
[[nodiscard]] inline std::string surface_data(std::vector<surface_panel> const& panels, double highest) {
    constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
    std::string text = "# a b value; for each panel the grid, then what is not finite, then a path\n";
    auto const add = [&](double a, double b, double value) {
        append_numbers(text, "%.9g %.9g %.17g\n", a, b, value);
    };
    for (auto const& panel : panels) {
        auto const& s = panel.values;
        for (std::size_t j = 0; j < s.b.points; ++j) {
            for (std::size_t i = 0; i < s.a.points; ++i) {
                double const v = s(i, j);
                add(s.a.at(i), s.b.at(j), std::isfinite(v) ? std::min(v, highest) : nothing);
            }
            text += "\n";
        }
        text += "\n";
        // A block without points would not be counted: one that is not drawn stands in.
        bool any = false;
        for (std::size_t k = 0; k < s.done; ++k)
            if (!std::isfinite(s.values.data()[k])) {
                add(s.a.at(k % s.a.points), s.b.at(k / s.a.points), 0);
                any = true;
            }
        if (!any) add(nothing, nothing, nothing);
        text += "\n\n";
        for (std::size_t k = 0; k < panel.path.size(); ++k)
            add(panel.path.a(k), panel.path.b(k), panel.path.values(k));
        if (panel.path.size() == 0) add(nothing, nothing, nothing);
        text += "\n\n";
    }
    return text;
}

[[nodiscard]] inline std::string scale_script(value_range const& of, surface_plot_options const& options) {
    // A flat surface has a range, too, and one that gnuplot can tell from nothing.
    double const size = std::max(std::abs(of.low), std::abs(of.high));
    bool const flat = !(of.high - of.low > 1e-6 * size);
    double const low = !flat                 ? of.low
                       : options.logarithmic ? of.low / 1.001
                       : size > 0            ? of.low - 1e-3 * size
                                             : -1,
                 high = !flat                 ? of.high
                        : options.logarithmic ? of.high * 1.001
                        : size > 0            ? of.high + 1e-3 * size
                                              : 1;
    std::string script;
    append_numbers(script, "zlow = %.17g\nset zrange [zlow:%.17g]\nset cbrange [zlow:%.17g]\n", low, high,
                   high);
    if (options.levels == 0) return script;
    script += "set cntrparam levels discrete ";
    for (std::size_t k = 1; k <= options.levels; ++k) {
        double const part = static_cast<double>(k) / static_cast<double>(options.levels + 1);
        double const level = options.logarithmic
                                 ? std::exp((1 - part) * std::log(low) + part * std::log(high))
                                 : (1 - part) * low + part * high;
        append_numbers(script, "%s%.17g", k == 1 ? "" : ", ", level);
    }
    return script + "\n";
}

[[nodiscard]] inline std::string surface_script(std::filesystem::path const& data,
                                                std::filesystem::path const& picture,
                                                std::vector<surface_panel> const& panels,
                                                surface_plot_options const& options) {
    bool const alone = panels.size() == 1;
    std::size_t const columns = alone ? 2 : panels.size();
    std::string const size = alone ? "1150,520" : text(480 * columns, ",900"),
                      value = gnuplot_string(options.value);
    std::string script = text(
        "if (!exists('picture')) picture = ", gnuplot_string(gnuplot_path(picture)),
        "\nif (!exists('format')) format = '", picture.extension() == ".svg" ? "svg" : "png",
        "'\nif (format eq 'svg') { set terminal svg size ", size,
        " font 'DejaVu Sans,12' noenhanced background '#ffffff' } else { set terminal pngcairo size ", size,
        " font 'DejaVu Sans,11' noenhanced }\nset output picture\nfile = ",
        gnuplot_string(gnuplot_path(data)),
        "\nset palette defined (0 '#440154', 0.25 '#3b528b', 0.5 '#21918c', 0.75 '#5ec962', 1 '#fde725')\n"
        "set zlabel ",
        value, " rotate parallel\nset cblabel ", value, "\n");
    if (options.logarithmic) script += "set logscale z\nset logscale cb\n";
    script += "set xyplane 0\nset key off\nset ticslevel 0\n";
    value_range all;
    for (auto const& panel : panels) all.add(panel.values, options.highest);
    script += text("set multiplot layout ", alone ? 1 : 2, ",", columns, "\n");
    auto const ranges = [&](surface_panel const& panel) {
        value_range own;
        own.add(panel.values, options.highest);
        auto lines = scale_script(options.equal_scales ? all : own, options);
        auto const &a = panel.values.a, &b = panel.values.b;
        append_numbers(lines, "set xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\n", a.low, a.high, b.low,
                       b.high);
        return lines;
    };
    auto const title = [](surface_panel const& panel) {
        std::size_t const missing = panel.values.not_finite();
        return text("set title ",
                    gnuplot_string(missing == 0 ? panel.title
                                                : text(panel.title, " (", missing, " values not finite)")),
                    "\n");
    };
    script +=
        "# surfaces\nset xlabel 'a'\nset ylabel 'b'\nset view 58,32\nset pm3d depthorder border lc rgb "
        "'#50000000' lw 0.3\nunset colorbox\n";
    for (std::size_t n = 0; n < panels.size(); ++n)
        script +=
            text(title(panels[n]), ranges(panels[n]), "splot file index ", 3 * n, " using 1:2:3 with pm3d\n");
    script +=
        "# lines of equal value\nset colorbox\nset view map\nset size ratio -1\nset pm3d noborder\nset "
        "contour base\n"
        "set cntrlabel onecolor\n";
    if (!alone) script += "set cblabel ''\n";
    script += text("set title ''\nset xlabel ", gnuplot_string(options.a), "\nset ylabel ",
                   gnuplot_string(options.b), "\n");
    for (std::size_t n = 0; n < panels.size(); ++n) {
        script += text(ranges(panels[n]), "splot file index ", 3 * n, " using 1:2:3 with pm3d nocontour, ");
        if (options.levels != 0)
            script +=
                text("file index ", 3 * n, " using 1:2:3 with lines lc rgb '#000000' lw 0.8 nosurface, ");
        script += text("file index ", 3 * n + 1,
                       " using 1:2:(zlow) with points pt 2 ps 0.6 lc rgb '#d00000' nocontour, file index ",
                       3 * n + 2,
                       " using 1:2:(zlow) with linespoints pt 7 ps 0.5 lc rgb '#ffffff' lw 1.2 nocontour\n");
    }
    return script + "unset multiplot\n";
}

}  // namespace detail

/// Draws planes side by side, each as a surface and as lines of equal value on a map, crosses where values
/// are not finite; a path as a white line. picture.png or picture.svg, by its extension; picture.dat and
/// picture.gp beside it (`gnuplot -e "format = 'svg'; picture = 'other.svg'" picture.gp` draws the other
/// one). Returns whether there is a picture: false without gnuplot. Throws spinet::error for no panel, a
/// surface without a finite value, values <= 0 on a logarithmic scale, and another extension;
/// spinet::file_error if a file cannot be written or gnuplot fails.
inline bool plot_surfaces(std::filesystem::path const& picture, std::vector<surface_panel> const& panels,
                          surface_plot_options const& options = {}) {
    if (panels.empty()) throw error("plot_surfaces: no panel");
    auto const extension = picture.extension();
    for (char const c : picture.string())
        if (static_cast<unsigned char>(c) < 0x20)
            throw error("plot_surfaces: the picture's name has a control character");
    if (extension != ".png" && extension != ".svg")
        throw error("plot_surfaces: expected a picture.png or picture.svg, found ", picture.string());
    for (auto const& panel : panels) {
        auto const& s = panel.values;
        if (s.a.points < 2 || s.b.points < 2)
            throw error("plot_surfaces: expected at least 2 x 2 points, found ", s.a.points, " x ",
                        s.b.points);
        detail::value_range own;
        own.add(s, options.highest);
        if (!(own.low <= own.high)) throw error("plot_surfaces: no value of ", panel.title, " is finite");
        if (options.logarithmic && !(own.low > 0))
            throw error("plot_surfaces: values that are not > 0 on a logarithmic scale");
    }
    auto const files = plot_files(picture);
    return detail::write_and_draw(files, detail::surface_data(panels, options.highest),
                                  detail::surface_script(files[1], picture, panels, options));
}

}  // namespace spinet
