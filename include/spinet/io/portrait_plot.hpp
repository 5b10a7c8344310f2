// SPDX-License-Identifier: BSD-3-Clause
/// Portraits of classes as pictures (PNG), drawn by gnuplot.
#pragma once

#include <spinet/error.hpp>
#include <spinet/io/plot.hpp>
#include <spinet/statistics/class_portraits.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace spinet {

struct portrait_picture {
    /// What is drawn: the means, or how each class differs from the mean over classes.
    enum class shown { means, differences } what = shown::differences;
    /// Rows and columns of one image; {0, 0}: inputs are no image, and each is drawn as a bar.
    std::size_t rows = 0, columns = 0;
    std::vector<std::string> names = {};  ///< of the classes; empty: their numbers
};

namespace detail {

/// One block of data per class: a matrix for an image, else a column.
[[nodiscard]] inline std::string portrait_data(row_major_array<double, 2> const& values,
                                               portrait_picture const& options) {
    std::string text = "# one block per class\n";
    for (std::size_t c = 0; c < values.shape()[0]; ++c) {
        for (std::size_t i = 0; i < values.shape()[1]; ++i) {
            append_numbers(text, "%.6g", values(c, i));
            text += options.columns > 0 && (i + 1) % options.columns != 0 ? ' ' : '\n';
        }
        text += "\n\n";
    }
    return text;
}

[[nodiscard]] inline std::string portrait_script(std::filesystem::path const& data,
                                                 std::filesystem::path const& picture,
                                                 row_major_array<double, 2> const& values,
                                                 portrait_picture const& options, double temperature) {
    std::size_t const classes = values.shape()[0], across = std::min<std::size_t>(5, classes),
                      down = (classes + across - 1) / across;
    double largest = 0;
    for (double const x : values)
        if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
    if (!(largest > 0)) largest = 1;
    bool const image = options.columns > 0;
    std::size_t const panel = image ? 180 : 240;
    auto const size = text(across * panel + 20, ",", down * (panel + 30) + 50);
    char scale[96];
    std::snprintf(scale, sizeof scale, ", T = %.3g; colours from %.2g to %.2g", temperature, -largest,
                  largest);
    std::string const title =
        (options.what == portrait_picture::shown::means ? "Mean inputs given the class"
                                                        : "Mean inputs given the class, less their mean") +
        std::string(scale);
    std::string script = picture_script(picture, size.c_str()) +
                         text("set multiplot layout ", down, ",", across, " title ", gnuplot_string(title),
                              " font ',12'\nset palette defined (-1 '#2166ac', 0 '#f7f7f7', 1 '#b2182b')\n",
                              "set cbrange [", -largest, ":", largest, "]\nunset key\nunset colorbox\n");
    script += image ? "unset tics\nset size ratio -1\nset lmargin 0.5\nset rmargin 0.5\nset bmargin 0.3\n"
                    : text("set yrange [", -largest, ":", largest,
                           "]\nset tics font ',9'\nset xlabel 'input' font ',9'\n");
    std::string const file = gnuplot_string(gnuplot_path(data));
    for (std::size_t c = 0; c < classes; ++c) {
        auto const name = c < options.names.size() ? options.names[c] : text("class ", c);
        script +=
            text("set title ", gnuplot_string(name), " font ',11' offset 0,-0.6\nplot ", file, " index ", c);
        script += image ? text(" matrix using 1:(", options.rows - 1, " - $2):3 with image\n")
                        : " using 0:1:1 with impulses lw 2 palette\n";
    }
    return script + "unset multiplot\n";
}

}  // namespace detail

/// Draws the portraits of all classes side by side into one PNG, in one scale of colours, and writes its data
/// and script beside it. Returns whether there is a picture: false without gnuplot. Throws spinet::error
/// where an image has not as many points as there are inputs, and spinet::file_error as plot_curves does.
inline bool plot_portraits(std::filesystem::path const& picture, class_portraits const& portraits,
                           portrait_picture const& options = {}) {
    std::size_t const inputs = portraits.means.shape()[1];
    if (portraits.means.size() == 0) throw error("plot_portraits: no classes");
    if ((options.rows > 0 || options.columns > 0) && options.rows * options.columns != inputs)
        throw error("plot_portraits: an image of ", options.rows, " x ", options.columns, " points for ",
                    inputs, " inputs");
    auto const values =
        options.what == portrait_picture::shown::means ? portraits.means : portraits.differences();
    auto const files = plot_files(picture);
    return detail::write_and_draw(
        files, detail::portrait_data(values, options),
        detail::portrait_script(files[1], picture, values, options, portraits.temperature));
}

}  // namespace spinet
