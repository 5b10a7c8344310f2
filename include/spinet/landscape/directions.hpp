// SPDX-License-Identifier: BSD-3-Clause
/// Directions in the space of an objective: random and normalised, between networks, along a trajectory.
#pragma once

#include <spinet/detail/vector_math.hpp>
#include <spinet/error.hpp>
#include <spinet/landscape/objective.hpp>
#include <spinet/landscape/surface.hpp>
#include <spinet/landscape/vector_argument.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/spectrum/largest_eigenvalue.hpp>
#include <spinet/spectrum/symmetric_eigenvalues.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace spinet {

/// n independent standard normal numbers: cosines between two of them are about 1 / sqrt(n).
[[nodiscard]] inline row_major_array<double, 1> gaussian_direction(std::size_t n, std::uint64_t seed) {
    auto d = row_major_array<double, 1>::from_shape({n});
    stream const draws(seed, 0, 0, purpose::direction);
    for (std::size_t i = 0; i < n; ++i) d(i) = normal(draws, static_cast<std::uint32_t>(i));
    return d;
}

/// Which parts of a direction are scaled to the length of the same part of the weights: each filter (a row:
/// the weights into one neuron), each layer's matrix, all of it, or nothing.
enum class normalised_by : std::uint8_t { filter, layer, model, nothing };

/// The parts of a direction along biases: zero, as in Li et al., or normalised like a layer.
enum class bias_directions : std::uint8_t { zero, kept };

/// A direction in units of the weights: d of a part becomes d |w| / (|d| + 1e-10). Source: Li, Xu, Taylor,
/// Studer, Goldstein, arXiv 1712.09913. `groups` are those of the network_loss. Throws spinet::error for a
/// direction of another size, of length 0, or that is not finite.
[[nodiscard]] inline row_major_array<double, 1> normalised(vector_argument const& direction,
                                                           vector_argument const& weights,
                                                           std::span<parameter_group const> groups,
                                                           normalised_by by = normalised_by::filter,
                                                           bias_directions biases = bias_directions::zero) {
    auto d = detail::array_of(direction);
    std::span<double const> const w = weights;
    if (d.size() != w.size())
        throw error("normalised: a direction of ", d.size(), " numbers for ", w.size(), " weights");
    double const whole = detail::dot_product(d, d);
    if (!std::isfinite(whole)) throw error("normalised: the direction is not finite");
    if (!(whole > 0)) throw error("normalised: the direction is zero");
    auto const scale = [&](std::size_t first, std::size_t count) {
        double const length = std::sqrt(detail::dot(d.data() + first, d.data() + first, count)),
                     wanted = std::sqrt(detail::dot(w.data() + first, w.data() + first, count));
        for (std::size_t k = first; k < first + count; ++k) d(k) *= wanted / (length + 1e-10);
    };
    for (auto const& group : groups) {
        if (group.bias && biases == bias_directions::zero)
            std::fill_n(d.data() + group.first, group.size(), 0.0);
        else if (by == normalised_by::layer || (by == normalised_by::filter && group.bias))
            scale(group.first, group.size());
        else if (by == normalised_by::filter)
            for (std::size_t r = 0; r < group.rows; ++r)
                scale(group.first + r * group.columns, group.columns);
    }
    if (by == normalised_by::model) scale(0, d.size());
    return d;
}

/// b - a. Throws spinet::error for vectors of different lengths, and where they are equal.
[[nodiscard]] inline row_major_array<double, 1> direction_between(vector_argument const& a,
                                                                  vector_argument const& b) {
    if (a.size() != b.size()) throw error("direction_between: ", a.size(), " and ", b.size(), " numbers");
    auto d = row_major_array<double, 1>::from_shape({a.size()});
    bool equal = true;
    for (std::size_t i = 0; i < a.size(); ++i) {
        d(i) = b[i] - a[i];
        equal = equal && d(i) == 0;
    }
    if (equal) throw error("direction_between: the two are equal");
    return d;
}

/// Makes e orthogonal to d by subtracting its component along d, and gives it its length back. Throws
/// spinet::error for parallel directions.
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
[[nodiscard]] inline section section_along(vector_argument const& centre, vector_argument const& first,
                                           vector_argument const& second = {}) {
    return {detail::array_of(centre), detail::array_of(first), detail::array_of(second), chart::flat};
}

/// From x (a = 0) to y (a = 1): linear interpolation, as in Goodfellow, Vinyals and Saxe, arXiv 1412.6544.
[[nodiscard]] inline section section_between(vector_argument const& x, vector_argument const& y) {
    return {detail::array_of(x), direction_between(x, y)};
}

/// The plane through three points: x at (0, 0), y at (1, 0), z at (c, s) with c^2 + s^2 = |z - x|^2 / |y -
/// x|^2; distances in it are to scale. Source: Garipov et al., arXiv 1802.10026. Throws spinet::error for
/// points on one line.
[[nodiscard]] inline section section_through(vector_argument const& x, vector_argument const& y,
                                             vector_argument const& z) {
    auto first = direction_between(x, y), second = direction_between(x, z);
    make_orthogonal(first, second);
    detail::scale_to_length(second, detail::vector_length(first));
    return {detail::array_of(x), std::move(first), std::move(second)};
}

/// Great circles through x on the sphere. The directions d and e are projected onto the tangent space and
/// made orthogonal to each other. Angles are in radians. Throws spinet::error where nothing remains of a
/// direction.
[[nodiscard]] inline section great_circles(vector_argument const& x, vector_argument const& d,
                                           vector_argument const& e = {}) {
    if (d.size() != x.size() || (e.size() > 0 && e.size() != x.size()))
        throw error("great_circles: directions of another size than the point");
    double const radius = detail::vector_length(x);
    auto first = detail::array_of(d), second = detail::array_of(e);
    make_orthogonal(x, first);
    detail::scale_to_length(first, radius);
    if (second.size() > 0) {
        make_orthogonal(x, second);
        make_orthogonal(first, second);
        make_orthogonal(x, second);
        detail::scale_to_length(second, radius);
    }
    return {detail::array_of(x), std::move(first), std::move(second), chart::great_circles};
}

/// The leading directions in which a trajectory moves, about its last point: orthonormal, the one with the
/// largest share of all squared distances from there first. Source: Li et al., arXiv 1712.09913.
struct principal_directions {
    row_major_array<double, 2> directions;  ///< one to a row
    row_major_array<double, 1> shares;

    [[nodiscard]] std::span<double const> direction(std::size_t k) const {
        return detail::row_of(directions, k);
    }
};

/// `points` is an xtensor expression with one point to a row, or a range of vectors. Throws spinet::error for
/// points of different sizes and for fewer different ones than directions wanted.
template <class Points>
[[nodiscard]] principal_directions principal_directions_of(Points const& points, std::size_t count = 2) {
    auto moves = detail::rows_of_points(points, "principal_directions_of");
    if (moves.shape(0) < count + 1)
        throw error("principal_directions_of: ", moves.shape(0), " points for ", count, " directions");
    std::size_t const m = moves.shape(0) - 1, n = moves.shape(1);
    for (std::size_t k = 0; k < m; ++k)
        for (std::size_t i = 0; i < n; ++i) moves(k, i) -= moves(m, i);
    auto const move = [&](std::size_t k) { return detail::row_of(moves, k); };
    // The m x m matrix of products has the eigenvalues of the n x n covariance.
    std::vector<double> products(m * m);
    for (std::size_t k = 0; k < m; ++k)
        for (std::size_t l = 0; l <= k; ++l)
            products[k * m + l] = products[l * m + k] = detail::dot_product(move(k), move(l));
    double all = 0;
    for (std::size_t k = 0; k < m; ++k) all += detail::dot_product(move(k), move(k));
    auto const values = detail::symmetric_eigen(products, m, true);  // from the smallest up
    std::size_t spanned = 0;
    while (spanned < std::min(count, m) && values[m - 1 - spanned] > 1e-12 * all) ++spanned;
    if (spanned < count)
        throw error("principal_directions_of: the points span ", spanned, " directions, ", count,
                    " are asked for");
    principal_directions found{row_major_array<double, 2>({count, n}, 0.0),
                               row_major_array<double, 1>::from_shape({count})};
    for (std::size_t c = 0; c < count; ++c) {
        found.shares(c) = values[m - 1 - c] / all;
        std::span<double> const d(found.directions.data() + c * n, n);
        for (std::size_t k = 0; k < m; ++k) detail::add_multiple(d, products[(m - 1 - c) * m + k], move(k));
        double const length = detail::vector_length(d);
        for (double& each : d) each /= length;
    }
    return found;
}

}  // namespace spinet
