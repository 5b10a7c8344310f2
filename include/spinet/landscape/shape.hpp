// SPDX-License-Identifier: BSD-3-Clause
/// Minima, barriers and ruggedness of values along a line or on a plane.
#pragma once

#include <spinet/error.hpp>
#include <spinet/landscape/surface.hpp>
#include <spinet/spectrum/largest_eigenvalue.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

namespace spinet {

/// A local minimum of values on a grid, and its depth.
struct grid_minimum {
    std::size_t i = 0, j = 0;  ///< numbers of its point along a and b
    double value = 0;
    /// Height above this minimum of the lowest pass to a lower one; infinite for the lowest of all.
    double barrier = std::numeric_limits<double>::infinity();
    bool on_edge = false;  ///< so that the values may go on falling beyond the grid
};

namespace detail {

/// Minima of `columns` x `rows` values, by filling the landscape from below: where two basins meet, the
/// higher one ends, and the value there is its pass. Neighbours are the 8 around a point. A plateau is one
/// minimum. Values that are infinite or NaN are walls: no minimum, and no pass.
[[nodiscard]] inline std::vector<grid_minimum> minima_on_grid(std::span<double const> values,
                                                              std::size_t columns, std::size_t rows) {
    std::size_t const n = values.size();
    std::vector<std::size_t> order, basin(n, n);
    for (std::size_t k = 0; k < n; ++k)
        if (std::isfinite(values[k])) order.push_back(k);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
    std::vector<grid_minimum> found;
    std::vector<std::size_t> joined;  // of each basin, the one that took it
    auto const root = [&](std::size_t b) {
        while (joined[b] != b) b = joined[b] = joined[joined[b]];
        return b;
    };
    for (std::size_t const at : order) {
        std::size_t const i = at % columns, j = at / columns;
        std::size_t mine = n;
        for (std::size_t y = j == 0 ? 0 : j - 1; y <= std::min(j + 1, rows - 1); ++y)
            for (std::size_t x = i == 0 ? 0 : i - 1; x <= std::min(i + 1, columns - 1); ++x) {
                if (basin[y * columns + x] == n) continue;
                std::size_t const other = root(basin[y * columns + x]);
                if (mine == n) {
                    mine = other;
                } else if (other != mine) {
                    // Numbers of basins grow with their values.
                    std::size_t const low = std::min(mine, other), high = std::max(mine, other);
                    found[high].barrier = values[at] - found[high].value;
                    if (found[high].value == found[low].value && found[high].barrier == 0)
                        found[low].on_edge = found[low].on_edge || found[high].on_edge;
                    joined[high] = low;
                    mine = low;
                }
            }
        if (mine == n) {
            mine = found.size();
            joined.push_back(mine);
            found.push_back({i, j, values[at]});
        }
        basin[at] = mine;
        // A plateau is on the edge if any of its points is.
        bool const edge = i == 0 || i + 1 == columns || (rows > 1 && (j == 0 || j + 1 == rows));
        if (edge && values[at] == found[mine].value) found[mine].on_edge = true;
    }
    // Neighbouring equal values begin basins that end at once.
    found.erase(
        std::remove_if(found.begin(), found.end(), [](grid_minimum const& m) { return !(m.barrier > 0); }),
        found.end());
    return found;
}

}  // namespace detail

/// The local minima, lowest first; more than one barrier is infinite only where walls of values that are not
/// finite part them.
[[nodiscard]] inline std::vector<grid_minimum> minima_of(profile const& of) {
    return detail::minima_on_grid(of.values, of.values.size(), 1);
}
[[nodiscard]] inline std::vector<grid_minimum> minima_of(surface const& of) {
    if (!of.complete()) throw error("minima_of: the plane was stopped before its end");
    return detail::minima_on_grid({of.values.data(), of.values.size()}, of.a.points, of.b.points);
}

namespace detail {

/// Subtracts the least-squares polynomial of second degree (in both coordinates) from values on a grid, so
/// that a bowl does not count as ruggedness.
inline void take_bowl_off(std::span<double> values, std::size_t columns, std::size_t rows) {
    auto const centred = [](std::size_t k, std::size_t n) {
        return n < 2 ? 0.0 : 2 * static_cast<double>(k) / static_cast<double>(n - 1) - 1;
    };
    std::vector<std::vector<double>> basis;
    auto const add = [&](auto&& form) {
        std::vector<double> f(values.size());
        for (std::size_t k = 0; k < f.size(); ++k)
            f[k] = form(centred(k % columns, columns), centred(k / columns, rows));
        for (int pass = 0; pass < 2; ++pass)
            for (auto const& earlier : basis) add_multiple(f, -dot_product(earlier, f), earlier);
        double const length = vector_length(f);
        if (length < 1e-9) return;  // as y on a line
        for (double& each : f) each /= length;
        basis.push_back(std::move(f));
    };
    add([](double, double) { return 1.0; });
    add([](double x, double) { return x; });
    add([](double, double y) { return y; });
    add([](double x, double) { return x * x; });
    add([](double x, double y) { return x * y; });
    add([](double, double y) { return y * y; });
    for (auto const& each : basis) add_multiple(values, -dot_product(each, values), each);
}

/// Autocorrelations of rows along themselves, the variance being that of all; lags 0, 1, ...
[[nodiscard]] inline std::vector<double> correlation_along(std::span<double const> values,
                                                           std::size_t columns, std::size_t rows,
                                                           std::size_t step_along, std::size_t step_across) {
    std::vector<double> c(columns / 2 + 1, 0.0);
    for (std::size_t lag = 0; lag < c.size(); ++lag) {
        for (std::size_t j = 0; j < rows; ++j)
            for (std::size_t i = 0; i + lag < columns; ++i)
                c[lag] += values[j * step_across + i * step_along] *
                          values[j * step_across + (i + lag) * step_along];
        c[lag] /= static_cast<double>(rows * (columns - lag));
    }
    double const variance = c[0];
    for (double& each : c) each /= variance;
    return c;
}

inline void require_finite(std::size_t not_finite) {
    if (not_finite > 0) throw error("ruggedness_of: ", not_finite, " values are not finite");
}

/// The lag at which correlations first fall to 1/e, by straight lines between lags; NaN where they do not.
[[nodiscard]] inline double lag_of_decay(std::vector<double> const& c) {
    constexpr double level = 1 / std::numbers::e;
    for (std::size_t k = 1; k < c.size(); ++k)
        if (c[k] <= level) return static_cast<double>(k - 1) + (c[k - 1] - level) / (c[k - 1] - c[k]);
    return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace detail

/// The deviation of values from their best polynomial of second degree.
struct ruggedness {
    double amplitude = 0;  ///< root mean square of what remains
    double length = 0;  ///< distance at which its autocorrelation is 1/e, in units of the axis; NaN if that
                        ///< is beyond half of the axis, or if nothing remains
};

namespace detail {

/// Calls length() only where more than rounding errors remain.
template <class Length>
[[nodiscard]] ruggedness ruggedness_from(std::span<double const> values, std::span<double const> rest,
                                         Length&& length) {
    double const amplitude = std::sqrt(dot_product(rest, rest) / static_cast<double>(rest.size())),
                 size = std::sqrt(dot_product(values, values) / static_cast<double>(rest.size()));
    return {amplitude, amplitude > 1e-12 * size ? length() : std::numeric_limits<double>::quiet_NaN()};
}

}  // namespace detail

/// Of a line. Throws spinet::error below 8 points, and for values that are not finite.
[[nodiscard]] inline ruggedness ruggedness_of(profile const& of) {
    if (of.values.size() < 8)
        throw error("ruggedness_of: expected at least 8 points, found ", of.values.size());
    detail::require_finite(of.not_finite());
    std::vector<double> rest(of.values.begin(), of.values.end());
    detail::take_bowl_off(rest, rest.size(), 1);
    double const n = static_cast<double>(rest.size()), step = (of.at(rest.size() - 1) - of.at(0)) / (n - 1);
    return detail::ruggedness_from(of.values, rest, [&] {
        return step * detail::lag_of_decay(detail::correlation_along(rest, rest.size(), 1, 1, rest.size()));
    });
}

/// Of a plane: the mean of both directions.
[[nodiscard]] inline ruggedness ruggedness_of(surface const& of) {
    if (of.a.points < 8 || of.b.points < 8) throw error("ruggedness_of: expected at least 8 x 8 points");
    if (!of.complete()) throw error("ruggedness_of: the plane was stopped before its end");
    detail::require_finite(of.not_finite());
    std::span<double const> const values(of.values.data(), of.values.size());
    std::vector<double> rest(values.begin(), values.end());
    detail::take_bowl_off(rest, of.a.points, of.b.points);
    auto const step = [](axis const& along) {
        return (along.high - along.low) / static_cast<double>(along.points - 1);
    };
    return detail::ruggedness_from(values, rest, [&] {
        double const along_a = step(of.a) * detail::lag_of_decay(detail::correlation_along(
                                                rest, of.a.points, of.b.points, 1, of.a.points)),
                     along_b = step(of.b) * detail::lag_of_decay(detail::correlation_along(
                                                rest, of.b.points, of.a.points, of.a.points, 1));
        return (along_a + along_b) / 2;
    });
}

}  // namespace spinet
