// SPDX-License-Identifier: BSD-3-Clause
/// Pictures of descriptor curves by gnuplot. Data and script are always written; the picture is drawn if
/// gnuplot is installed.
#pragma once

#include <spinet/io/atomic_file.hpp>
#include <spinet/io/curve_csv.hpp>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace spinet {
namespace detail {

/// A gnuplot string in single quotes.
[[nodiscard]] inline std::string gnuplot_string(std::string const& text) {
    std::string quoted = "'";
    for (char const c : text)
        quoted += c == '\'' ? std::string("''") : c == '\n' ? std::string(" ") : std::string(1, c);
    return quoted + "'";
}

/// The path as gnuplot takes it for a file, and neither for an option (-x) nor for a command (<x, |x).
[[nodiscard]] inline std::string gnuplot_path(std::filesystem::path const& path) {
    return path.is_absolute() ? path.string() : "./" + path.string();
}

/// How a script of one picture in PNG begins; `size` in pixels.
[[nodiscard]] inline std::string picture_script(std::filesystem::path const& picture, char const* size) {
    return text("set terminal pngcairo size ", size, " font 'DejaVu Sans,13' noenhanced\n",
                "if (!exists('picture')) picture = ", gnuplot_string(gnuplot_path(picture)),
                "\nset output picture\n");
}

/// One block of data per network: temperature, <|q|>, error, equilibrated.
[[nodiscard]] inline std::string plot_data(std::vector<descriptor> const& networks) {
    std::string text = "# temperature mean_abs_q mean_abs_q_error equilibrated; one block per network\n";
    for (auto const& each : networks) {
        for (auto const& at : each.parts[0].mean_abs)
            append_numbers(text, "%.9g %.9g %.9g %d\n", at.temperature, at.value, at.error,
                           at.equilibrated ? 1 : 0);
        text += "\n\n";
    }
    return text;
}

[[nodiscard]] inline std::string plot_script(std::filesystem::path const& data,
                                             std::filesystem::path const& picture,
                                             std::vector<descriptor> const& networks) {
    static constexpr char const* colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                              "#e69f00", "#56b4e9", "#000000"};
    std::string const file = gnuplot_string(gnuplot_path(data));
    std::string script = picture_script(picture, "1100,750") +
                         "set xlabel 'temperature T (units of the couplings)'\n"
                         "set ylabel 'mean |q| of replica pairs'\n"
                         "set logscale x\nset yrange [0:1.02]\nset grid\nset key top right\n"
                         "set label 'hollow: not equilibrated' at graph 0.02, graph 0.96\n"
                         "plot";
    for (std::size_t n = 0; n < networks.size(); ++n) {
        std::string const style = text(" lc rgb '", colours[n % std::size(colours)], "'"),
                          block = text(file, " index ", n);
        script += text(n == 0 ? " " : ", ", block, " using 1:2 with lines lw 1.5", style, " notitle, \\\n  ",
                       block, " using 1:($4 == 1 ? $2 : NaN):3 with yerrorbars pt 7 ps 1.1", style, " title ",
                       gnuplot_string(networks[n].network), ", \\\n  ", block,
                       " using 1:($4 == 0 ? $2 : NaN):3 with yerrorbars pt 6 ps 1.1", style, " notitle");
    }
    return script + "\n";
}

/// Runs gnuplot on a script, without a shell, to draw `picture`. 127 if there is no gnuplot, else its exit
/// status.
[[nodiscard]] inline int run_gnuplot(std::filesystem::path const& script,
                                     std::filesystem::path const& picture) {
    std::string program = "gnuplot", option = "-e", to = "picture = " + gnuplot_string(gnuplot_path(picture)),
                argument = gnuplot_path(script);
    char* const arguments[] = {program.data(), option.data(), to.data(), argument.data(), nullptr};
    pid_t child = 0;
    if (::posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments, environ) != 0) return 127;
    int status = 0;
    while (::waitpid(child, &status, 0) == -1 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace detail

/// The files that plot_curves and the like write: the picture, its data and its script.
[[nodiscard]] inline std::vector<std::filesystem::path> plot_files(std::filesystem::path const& picture) {
    return {picture, std::filesystem::path(picture).replace_extension(".dat"),
            std::filesystem::path(picture).replace_extension(".gp")};
}

namespace detail {

/// Writes data and script, and draws the picture to a temporary name first, so that it is complete or absent.
inline bool write_and_draw(std::vector<std::filesystem::path> const& files, std::string const& data,
                           std::string const& script) {
    auto const picture = replaceable_file(files[0]);
    auto const part = std::filesystem::path(picture.string() + ".part");
    write_atomically(files[1], data);
    write_atomically(files[2], script);
    int const status = run_gnuplot(files[2], part);
    if (status == 127) return false;
    std::error_code fault;
    if (status == 0) std::filesystem::rename(part, picture, fault);
    if (status == 0 && !fault) return true;
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    throw file_error(picture.string(), "gnuplot did not draw it (exit status ", status, "); its script is ",
                     files[2].string());
}

}  // namespace detail

/// Draws <|q|> over temperature for all networks into one PNG, with error bars, points that did not
/// equilibrate hollow. Writes picture.dat and picture.gp beside it. Returns whether there is a picture: false
/// without gnuplot. Throws spinet::file_error if a file cannot be written or gnuplot fails.
inline bool plot_curves(std::filesystem::path const& picture, std::vector<descriptor> const& networks) {
    auto const files = plot_files(picture);
    return detail::write_and_draw(files, detail::plot_data(networks),
                                  detail::plot_script(files[1], picture, networks));
}

}  // namespace spinet
