// SPDX-License-Identifier: BSD-3-Clause
/// Directions in the space of an objective: random and normalised, between networks, along a trajectory.
#pragma once

#include <spinet/detail/vector_math.hpp>
#include <spinet/error.hpp>
#include <spinet/landscape/network_loss.hpp>
#include <spinet/landscape/surface.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/spectrum/largest_eigenvalue.hpp>
#include <spinet/spectrum/symmetric_eigenvalues.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// n independent standard normal numbers: cosines between two of them are about 1 / sqrt(n).
[[nodiscard]] inline std::vector<double> gaussian_direction(std::size_t n, std::uint64_t seed) {
    std::vector<double> d(n);
    stream const draws(seed, 0, 0, purpose::direction);
    for (std::size_t i = 0; i < n; ++i) d[i] = normal(draws, static_cast<std::uint32_t>(i));
    return d;
}

/// What of a direction gets the length of the same part of the weights: each filter (a row: the weights into
/// one neuron), each layer's matrix, all of it, or nothing.
enum class normalised_by : std::uint8_t { filter, layer, model, nothing };

/// What becomes of the direction's parts along biases: zero, as Li et al. have it, or normalised like a
/// layer.
enum class bias_directions : std::uint8_t { zero, kept };

/// A direction in units of the weights: d of a part becomes d |w| / (|d| + 1e-10). Source: Li, Xu, Taylor,
/// Studer, Goldstein, arXiv 1712.09913. `groups` are network_loss's. Throws spinet::error for another number
/// of numbers, a direction of length 0, and one that is not finite.
[[nodiscard]] inline std::vector<double> normalised(std::vector<double> d, std::span<double const> weights,
                                                    std::span<parameter_group const> groups,
                                                    normalised_by by = normalised_by::filter,
                                                    bias_directions biases = bias_directions::zero) {
    if (d.size() != weights.size())
        throw error("normalised: a direction of " + std::to_string(d.size()) + " numbers for " +
                    std::to_string(weights.size()) + " weights");
    double whole = 0;
    for (double const each : d) whole += each * each;
    if (!std::isfinite(whole)) throw error("normalised: the direction is not finite");
    if (!(whole > 0)) throw error("normalised: the direction is zero");
    auto const scale = [&](std::size_t first, std::size_t count) {
        double const length = std::sqrt(detail::dot(d.data() + first, d.data() + first, count)),
                     wanted = std::sqrt(detail::dot(weights.data() + first, weights.data() + first, count));
        for (std::size_t k = first; k < first + count; ++k) d[k] *= wanted / (length + 1e-10);
    };
    for (auto const& group : groups) {
        if (group.bias && biases == bias_directions::zero) {
            std::fill_n(d.begin() + static_cast<std::ptrdiff_t>(group.first), group.size(), 0.0);
        } else if (by == normalised_by::layer || (by == normalised_by::filter && group.bias)) {
            scale(group.first, group.size());
        } else if (by == normalised_by::filter) {
            for (std::size_t r = 0; r < group.rows; ++r)
                scale(group.first + r * group.columns, group.columns);
        }
    }
    if (by == normalised_by::model) scale(0, d.size());
    return d;
}

/// b - a. Throws spinet::error for vectors of different lengths, and where they are equal.
[[nodiscard]] std::vector<double> inline direction_between(std::span<double const> a,
                                                           std::span<double const> b) {
    if (a.size() != b.size())
        throw error("direction_between: " + std::to_string(a.size()) + " and " + std::to_string(b.size()) +
                    " numbers");
    std::vector<double> d(a.size());
    bool equal = true;
    for (std::size_t i = 0; i < a.size(); ++i) {
        d[i] = b[i] - a[i];
        equal = equal && d[i] == 0;
    }
    if (equal) throw error("direction_between: the two are equal");
    return d;
}

/// Makes two directions orthogonal by taking the first's part out of the second, whose length stays. Throws
/// spinet::error for parallel ones.
inline void make_orthogonal(std::span<double const> d, std::span<double> e) {
    std::size_t const n = d.size();
    double const square = detail::dot_product(d, d), before = detail::dot_product(e, e);
    for (int twice = 0; twice < 2; ++twice) {
        double const along = detail::dot_product(d, e) / square;
        for (std::size_t i = 0; i < n; ++i) e[i] -= along * d[i];
    }
    double const after = detail::dot_product(e, e);
    if (!(after > 1e-20 * before)) throw error("make_orthogonal: the directions are parallel");
    double const back = std::sqrt(before / after);
    for (std::size_t i = 0; i < n; ++i) e[i] *= back;
}

/// A section through `centre` along a direction, or two.
[[nodiscard]] inline section section_along(std::vector<double> centre, std::vector<double> first,
                                           std::vector<double> second = {}) {
    return {std::move(centre), std::move(first), std::move(second), chart::flat};
}

/// From x (a = 0) to y (a = 1): linear interpolation, as Goodfellow, Vinyals and Saxe (arXiv 1412.6544) have
/// it.
[[nodiscard]] inline section section_between(std::span<double const> x, std::span<double const> y) {
    return {{x.begin(), x.end()}, direction_between(x, y)};
}

/// The plane through three points: x at (0, 0), y at (1, 0), z at (c, s) with c^2 + s^2 = |z - x|^2 / |y -
/// x|^2; distances in it are to scale. Source: Garipov et al., arXiv 1802.10026. Throws spinet::error for
/// points on one line.
[[nodiscard]] inline section section_through(std::span<double const> x, std::span<double const> y,
                                             std::span<double const> z) {
    auto first = direction_between(x, y), second = direction_between(x, z);
    make_orthogonal(first, second);
    double const wanted = detail::vector_length(first), length = detail::vector_length(second);
    for (double& each : second) each *= wanted / length;
    return {{x.begin(), x.end()}, std::move(first), std::move(second)};
}

/// Great circles through x on the sphere, in the directions d and e, of which what is tangent to the sphere
/// and orthogonal is taken. Angles are in radians. Throws spinet::error where nothing is left.
[[nodiscard]] inline section great_circles(std::span<double const> x, std::vector<double> d,
                                           std::vector<double> e = {}) {
    std::size_t const n = x.size();
    double const radius = detail::vector_length(x);
    auto const as_long_as_x = [&](std::vector<double>& v) {
        double const length = detail::vector_length(v);
        for (double& each : v) each *= radius / length;
    };
    if (d.size() != n || (!e.empty() && e.size() != n))
        throw error("great_circles: directions of another size than the point");
    make_orthogonal(x, d);
    as_long_as_x(d);
    if (!e.empty()) {
        make_orthogonal(x, e);
        make_orthogonal(d, e);
        make_orthogonal(x, e);
        as_long_as_x(e);
    }
    return {{x.begin(), x.end()}, std::move(d), std::move(e), chart::great_circles};
}

/// The leading directions in which a trajectory moves, about its last point: orthonormal, the one with the
/// largest share of all squared distances from there first. Source: Li et al., arXiv 1712.09913.
struct principal_directions {
    std::vector<std::vector<double>> directions;
    std::vector<double> shares;
};

/// Throws spinet::error for points of different sizes and for fewer different ones than directions wanted.
[[nodiscard]] inline principal_directions principal_directions_of(
    std::vector<std::vector<double>> const& points, std::size_t count = 2) {
    if (points.size() < count + 1)
        throw error("principal_directions_of: " + std::to_string(points.size()) + " points for " +
                    std::to_string(count) + " directions");
    std::size_t const m = points.size() - 1, n = points.back().size();
    std::vector<std::vector<double>> moves;
    for (std::size_t k = 0; k < m; ++k) {
        if (points[k].size() != n) throw error("principal_directions_of: points of different sizes");
        moves.push_back(points[k]);
        for (std::size_t i = 0; i < n; ++i) moves[k][i] -= points.back()[i];
    }
    // The m x m matrix of products has the eigenvalues of the n x n covariance.
    std::vector<double> products(m * m);
    for (std::size_t k = 0; k < m; ++k)
        for (std::size_t l = 0; l <= k; ++l)
            products[k * m + l] = products[l * m + k] = detail::dot_product(moves[k], moves[l]);
    auto const values = detail::symmetric_eigen(products, m, true);  // from the smallest up
    double all = 0;
    for (auto const& each : moves) all += detail::dot_product(each, each);
    principal_directions found;
    for (std::size_t c = 0; c < count; ++c) {
        double const value = values[m - 1 - c];
        if (!(value > 1e-12 * all)) break;
        found.shares.push_back(value / all);
        std::vector<double> d(n, 0.0);
        for (std::size_t k = 0; k < m; ++k) detail::add_multiple(d, products[(m - 1 - c) * m + k], moves[k]);
        double const length = detail::vector_length(d);
        for (double& each : d) each /= length;
        found.directions.push_back(std::move(d));
    }
    if (found.directions.size() < count)
        throw error("principal_directions_of: the points span " + std::to_string(found.directions.size()) +
                    " directions, " + std::to_string(count) + " are asked for");
    return found;
}

}  // namespace spinet
