// SPDX-License-Identifier: BSD-3-Clause
/// Width and sharpness of the valley around a point.
#pragma once

#include <spinet/error.hpp>
#include <spinet/landscape/objective.hpp>
#include <spinet/landscape/surface.hpp>
#include <spinet/landscape/vector_argument.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/spectrum/largest_eigenvalue.hpp>
#include <spinet/statistics/jackknife.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace spinet {

struct width_options {
    double rise = 0.1;        ///< f at the edge of the valley minus f at the centre
    double longest = 10;      ///< the longest step along the direction that is tried
    double tolerance = 1e-4;  ///< of a width, relative
};

/// How far f stays below f(centre) + rise along the first direction of a section and against it: the mean of
/// both sides, in lengths of the direction; `longest` for a side that does not rise. The search doubles its
/// steps from longest / 2^20 on and then bisects, so that it misses a rise after which f falls again within
/// one step.
template <class O>
[[nodiscard]] double basin_width(O const& f, section const& where, width_options const& options = {}) {
    static_assert(Objective<O>,
                  "spinet: not an Objective; it needs size() and value(x), see landscape/concepts.hpp");
    detail::require_section(f, where);
    if (!(options.rise > 0) || !(options.longest > 0) || !std::isfinite(options.longest) ||
        !(options.tolerance > 0))
        throw error("basin_width: expected a rise, a longest step and a tolerance > 0");
    if (!(detail::vector_length(where.first) > 0)) throw error("basin_width: the direction is zero");
    std::vector<double> x(detail::size_of(f));
    double const level = detail::value_at(f, where.centre) + options.rise;
    if (!std::isfinite(level)) throw error("basin_width: the value at the centre is not finite");
    auto const above = [&](double a) {
        where.point(a, 0, x);
        return !(detail::value_at(f, x) < level);
    };
    double sum = 0;
    for (double const side : {1.0, -1.0}) {
        double low = 0, high = options.longest / 1048576;
        while (high < options.longest && !above(side * high)) {
            low = high;
            high = std::min(2 * high, options.longest);
        }
        if (high >= options.longest && !above(side * high)) {
            sum += options.longest;
            continue;
        }
        while (high - low > options.tolerance * high) {
            double const middle = (low + high) / 2;
            if (middle == low || middle == high) break;
            (above(side * middle) ? high : low) = middle;
        }
        sum += (low + high) / 2;
    }
    return sum / 2;
}

/// The mean of `of(section)` over random directions, with its error. `draw` gives the section of
/// each of seed, seed + 1, ... Throws spinet::error below 2 directions.
template <class Draw, class Of>
[[nodiscard]] jackknife_estimate over_directions(std::size_t count, std::uint64_t seed, Draw&& draw,
                                                 Of&& of) {
    static_assert(
        std::is_invocable_r_v<section, Draw&, std::uint64_t> && std::is_invocable_r_v<double, Of&, section>,
        "spinet: over_directions needs draw(seed), which gives a section, and of(section), a number");
    return mean_of_draws(count, [&](std::size_t k) { return of(draw(seed + k)); });
}

struct sharpness_options {
    double radius = 0.05;    ///< of the ball, in lengths of the point
    std::size_t steps = 20;  ///< of gradient ascent
};

/// The largest rise of f within a ball around x: max f(x + d) - f(x) over |d| <= radius |x|. Projected
/// gradient ascent finds it, so that it is a lower bound; it is not finite where f is not. Deterministic.
/// Source: Foret et al., arXiv 2010.01412, minimise this quantity; Keskar et al., arXiv 1609.04836, use a
/// box.
template <class O>
[[nodiscard]] double sharpness(O const& f, vector_argument const& x, sharpness_options const& options = {}) {
    static_assert(
        DifferentiableObjective<O>,
        "spinet: not a DifferentiableObjective; it needs size(), value(x) and gradient(x, out), see "
        "landscape/concepts.hpp");
    static_assert(!is_on_sphere<O>, "spinet: sharpness moves in a ball, so not on a sphere");
    if (!(options.radius > 0) || options.steps == 0)
        throw error("sharpness: expected a radius > 0 and at least 1 step");
    double const radius = options.radius * detail::vector_length(x);
    if (!(radius > 0)) throw error("sharpness: the point is 0, so that a radius relative to it is none");
    std::size_t const n = detail::size_of(f);
    if (x.size() != n) throw error("sharpness: a point of ", x.size(), " numbers for an objective of ", n);
    std::vector<double> at(x.begin(), x.end()), slope(n), offset(n, 0.0);
    double const here = detail::value_at(f, x);
    double most = here;
    // Steps along the gradient, the first as long as the radius, then shorter; a random one where it is 0.
    for (std::size_t k = 0; k < options.steps; ++k) {
        double const value = detail::gradient_at(f, at, slope);
        if (!std::isfinite(value)) return value - here;
        most = std::max(most, value);
        double length = detail::vector_length(slope);
        if (!(length > 0)) {
            stream const draws(1, 0, static_cast<std::uint32_t>(k), purpose::direction);
            for (std::size_t i = 0; i < n; ++i) slope[i] = normal(draws, static_cast<std::uint32_t>(i));
            length = detail::vector_length(slope);
        }
        double const step = radius / (1 + static_cast<double>(k) / 2);
        detail::add_multiple(offset, step / length, slope);
        double const out = detail::vector_length(offset);
        if (out > radius)
            for (double& each : offset) each *= radius / out;
        for (std::size_t i = 0; i < n; ++i) at[i] = x[i] + offset[i];
    }
    double const last = detail::value_at(f, at);
    return std::isfinite(last) ? std::max(most, last) - here : last - here;
}

}  // namespace spinet
