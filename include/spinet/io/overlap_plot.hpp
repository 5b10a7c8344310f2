// SPDX-License-Identifier: BSD-3-Clause
/// A picture of an overlap matrix by gnuplot, replicas in the order of a tree.
#pragma once

#include <spinet/error.hpp>
#include <spinet/io/plot.hpp>
#include <spinet/statistics/ultrametricity.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace spinet {
namespace detail {

/// Place of two replicas in the order, their numbers, and q (or |q|); an empty line after each row.
[[nodiscard]] inline std::string overlap_data(overlap_matrix const& q, std::vector<std::size_t> const& order,
                                              mirror_images mirrors) {
    std::string text = mirrors == mirror_images::same
                           ? "# place_a place_b replica_a replica_b abs_q; rows in the order of the leaves\n"
                           : "# place_a place_b replica_a replica_b q; rows in the order of the leaves\n";
    for (std::size_t a = 0; a < order.size(); ++a) {
        for (std::size_t b = 0; b < order.size(); ++b) {
            double const overlap = q(order[a], order[b]);
            append_numbers(text, "%zu %zu %zu %zu %.9g\n", a, b, order[a], order[b],
                           mirrors == mirror_images::same ? std::abs(overlap) : overlap);
        }
        text += "\n";
    }
    return text;
}

[[nodiscard]] inline std::string overlap_script(std::filesystem::path const& data,
                                                std::filesystem::path const& picture, std::size_t replicas,
                                                mirror_images mirrors) {
    bool const same = mirrors == mirror_images::same;
    return detail::text(
        picture_script(picture, "800,700"), "set size ratio -1\nset xrange [-0.5:", replicas,
        "-0.5]\nset yrange [", replicas,
        "-0.5:-0.5]\n"
        "set xlabel 'replica, in the order of the tree'\nset ylabel 'replica, in the order of the tree'\n"
        "set cblabel '",
        (same ? "|q|'\nset cbrange [0:1]\n" : "q'\nset cbrange [-1:1]\n"),
        "set palette defined (0 '#ffffff', 0.5 '#56b4e9', 1 '#08306b')\n"
        "plot ",
        gnuplot_string(gnuplot_path(data)), " using 1:2:5 with image notitle\n");
}

}  // namespace detail

/// Draws |q| of all pairs of replicas (q where mirror images are different) as a square in the order of the
/// leaves: a tree shows as blocks along the diagonal. Writes picture.dat and picture.gp beside it. Returns
/// whether there is a picture: false without gnuplot. Throws spinet::error unless the order names every
/// replica once, spinet::file_error if a file cannot be written or gnuplot fails.
inline bool plot_overlaps(std::filesystem::path const& picture, overlap_matrix const& q,
                          std::vector<std::size_t> const& order,
                          mirror_images mirrors = mirror_images::same) {
    auto sorted = order;
    std::sort(sorted.begin(), sorted.end());
    bool every = sorted.size() == q.replicas();
    for (std::size_t k = 0; every && k < sorted.size(); ++k) every = sorted[k] == k;
    if (!every)
        throw error("plot_overlaps: expected each of ", q.replicas(), " replicas once in the order, found ",
                    order.size(), " entries");
    auto const files = plot_files(picture);
    return detail::write_and_draw(files, detail::overlap_data(q, order, mirrors),
                                  detail::overlap_script(files[1], picture, q.replicas(), mirrors));
}

}  // namespace spinet
