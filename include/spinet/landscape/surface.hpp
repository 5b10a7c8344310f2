// SPDX-License-Identifier: BSD-3-Clause
/// Values of an objective along lines and on planes through its space, and on the sphere along great circles.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/detail/fingerprint.hpp>
#include <spinet/detail/watchers.hpp>
#include <spinet/error.hpp>
#include <spinet/execution/blas_threads.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/landscape/objective.hpp>
#include <spinet/landscape/progress.hpp>
#include <spinet/landscape/vector_argument.hpp>
#include <spinet/spectrum/largest_eigenvalue.hpp>
#include <spinet/version.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace spinet {

/// `points` evenly spaced numbers from low to high, both ends included.
struct axis {
    double low = -1;
    double high = 1;
    std::size_t points = 51;

    [[nodiscard]] double at(std::size_t k) const noexcept {
        if (points < 2) return low;
        double const part = static_cast<double>(k) / static_cast<double>(points - 1);
        return low * (1 - part) + high * part;  // the ends exactly, and 0 in the middle of -1 ... 1
    }
};

/// How coordinates (a, b) map to points. flat: centre + a d + b e. great_circles: on the sphere |x|^2 = N,
/// the point at the angle sqrt(a^2 + b^2) from the centre in the direction a d + b e, so that lines through
/// the centre are great circles and a is an angle; d and e are tangent, orthogonal and as long as the centre.
enum class chart : std::uint8_t { flat, great_circles };

/// A line or a plane through an objective's space. `second` is empty for a line.
struct section {
    row_major_array<double, 1> centre, first, second{};
    chart coordinates = chart::flat;

    [[nodiscard]] bool is_plane() const noexcept { return second.size() > 0; }

    /// Writes the point (a, b); b is ignored on a line.
    void point(double a, double b, std::span<double> out) const {
        double of_centre = 1;
        if (!is_plane()) b = 0;
        if (coordinates == chart::great_circles) {
            double const angle = std::hypot(a, b), part = angle > 0 ? std::sin(angle) / angle : 1;
            of_centre = std::cos(angle);
            a *= part;
            b *= part;
        }
        for (std::size_t i = 0; i < centre.size(); ++i) out[i] = of_centre * centre[i] + a * first[i];
        if (is_plane())
            for (std::size_t i = 0; i < centre.size(); ++i) out[i] += b * second[i];
    }

    /// (a, b) of the point of the section that is nearest to x, and how far x is from it.
    struct projection {
        double a = 0, b = 0, distance = 0;
    };
    [[nodiscard]] projection project(vector_argument const& x) const;
};

namespace detail {

[[nodiscard]] inline std::size_t count_not_finite(std::span<double const> values) noexcept {
    return static_cast<std::size_t>(
        std::count_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); }));
}

}  // namespace detail

/// Values along a line: f(at[k]) = values[k].
struct profile {
    row_major_array<double, 1> at, values;

    /// How many values are infinite or NaN.
    [[nodiscard]] std::size_t not_finite() const noexcept { return detail::count_not_finite(values); }
};

/// Values on a plane: that of (a.at(i), b.at(j)) is values(j, i), so that each row has one b; NaN where the
/// evaluation was stopped before.
struct surface {
    axis a, b;
    row_major_array<double, 2> values;  ///< (b.points, a.points)
    std::size_t done = 0;               ///< so many values, from the first on, are evaluated

    [[nodiscard]] bool complete() const noexcept { return done == values.size(); }
    /// How many of the values so far are infinite or NaN. They are kept as the objective gave them.
    [[nodiscard]] std::size_t not_finite() const noexcept {
        return detail::count_not_finite(std::span(values.data(), done));
    }
    /// At (a.at(i), b.at(j)). Throws spinet::error for a point that does not exist.
    [[nodiscard]] double operator()(std::size_t i, std::size_t j) const {
        if (i >= a.points || j >= b.points)
            throw error("surface: expected a point below (", a.points, ", ", b.points, "), found (", i, ", ",
                        j, ")");
        return values(j, i);
    }
};

/// A path, seen in a section. Of each of its points: the coordinates (a, b) of the nearest point of the
/// section, the distance from it, and the value at the point itself.
struct trail {
    row_major_array<double, 1> a, b, distance, values;

    [[nodiscard]] std::size_t size() const noexcept { return values.size(); }
};

namespace detail {

inline void require_axis(axis const& of, char const* name) {
    if (of.points == 0) throw error("axis ", name, ": expected at least 1 point, found 0");
    if (!std::isfinite(of.low) || !std::isfinite(of.high) || !(of.low < of.high || of.points == 1))
        throw error("axis ", name, ": expected finite low < high, found ", of.low, " and ", of.high);
}

template <class O>
void require_section(O const& f, section const& where) {
    std::size_t const n = size_of(f);
    auto const check = [&](std::span<double const> v, char const* name) {
        if (v.size() != n)
            throw error("section: its ", name, " has ", v.size(), " numbers, the objective ", n);
        for (double const each : v)
            if (!std::isfinite(each)) throw error("section: its ", name, " is not finite");
    };
    check(where.centre, "centre");
    check(where.first, "first direction");
    if (where.is_plane()) check(where.second, "second direction");
    if (is_on_sphere<O> != (where.coordinates == chart::great_circles))
        throw error(
            is_on_sphere<O>
                ? "section: an objective on the sphere needs chart::great_circles, see great_circles()"
                : "section: chart::great_circles is for objectives on the sphere");
    if constexpr (is_on_sphere<O>)
        if (!is_near_sphere(where.centre)) throw error("section: its centre is not on the sphere |x|^2 = N");
}

/// Writes f at points of a section; the points are shared out over a team.
template <class O, class Team>
void values_at(O const& f, section const& where, std::span<std::array<double, 2> const> points,
               std::span<double> out, Team& team) {
    if constexpr (PlaneObjective<O, Team>) {
        std::vector<double> const nothing(where.is_plane() ? 0 : size_of(f), 0.0);
        std::span<double const> const centre(where.centre), first(where.first),
            second = where.is_plane() ? std::span<double const>(where.second) : nothing;
        f.values_on_plane(centre, first, second, points, out, team);
    } else {
        team.run(points.size(), [&](std::size_t k) {
            std::vector<double> x(size_of(f));
            where.point(points[k][0], points[k][1], x);
            out[k] = value_at(f, x);
        });
    }
}

/// Evaluates an objective at numbered points, some at a time; between them it tells the watchers and can be
/// saved.
template <class O>
class evaluation {
public:
    evaluation(O const& f, section const& where, axis const& a, axis const& b, fingerprint of_points)
        : values_({b.points, a.points}, std::numeric_limits<double>::quiet_NaN()) {
        require_section(f, where);
        for (auto const* each : {&where.centre, &where.first, &where.second})
            of_points.add(std::span<double const>(*each));
        of_points.add_value(where.coordinates);
        // Values at three points tell other networks and other data apart.
        std::vector<double> x(size_of(f));
        for (auto const& at : {std::array{0.0, 0.0}, std::array{0.37, -0.21}, std::array{-0.13, 0.29}}) {
            where.point(at[0], at[1], x);
            double const value = value_at(f, x);
            of_points.add_value(std::isnan(value) ? 0.0 : value);
        }
        identity_ = of_points.value();
    }

    void load(plane_checkpoint const& from) {
        if (from.version != version)
            throw error("the checkpoint was written by spinet ", from.version, ", this is ", version);
        if (from.identity != identity_)
            throw error("the checkpoint belongs to another objective, section or grid");
        if (from.values.size() > values_.size())
            throw error("the checkpoint is damaged: it has more values than its grid");
        std::copy(from.values.begin(), from.values.end(), values_.data());
        done_ = from.values.size();
    }

    /// compute(first, out) writes the values of points first, first + 1, ...
    template <class Compute, class... Watchers>
    void go_on(std::size_t at_once, Compute&& compute, Watchers&... watchers) {
        while (done_ < values_.size()) {
            std::size_t const n = std::min(at_once, values_.size() - done_);
            compute(done_, std::span(values_.data() + done_, n));
            done_ += n;
            bool const all = done_ == values_.size();
            if (!tell_of(all, watchers...) && !all) {
                (void)tell_of(true, watchers...);
                return;
            }
        }
    }

    [[nodiscard]] std::size_t done() const noexcept { return done_; }
    [[nodiscard]] row_major_array<double, 2> take() && { return std::move(values_); }

private:
    template <class... Watchers>
    [[nodiscard]] bool tell_of(bool last, Watchers&... watchers) const {
        return tell_all(plane_progress{done_, values_.size(), last, [this] { return freeze(); }},
                        watchers...);
    }
    [[nodiscard]] plane_checkpoint freeze() const {
        return {identity_, version, {values_.data(), values_.data() + done_}};
    }

    row_major_array<double, 2> values_;
    std::size_t done_ = 0;
    std::uint64_t identity_ = 0;
};

inline constexpr std::size_t points_at_once = 128;

template <class O, Executor Exec, class... Watchers>
[[nodiscard]] surface surface_of(plane_checkpoint const* from, O const& f, section const& where,
                                 axis const& a, axis const& b, Exec const& executor, Watchers&... watchers) {
    static_assert(Objective<O>,
                  "spinet: not an Objective; it needs size() and value(x), see landscape/concepts.hpp");
    static_assert(
        (watches<Watchers, plane_progress> && ...),
        "spinet: what follows the executor must be a callback, bool(spinet::plane_progress const&), or "
        "a std::stop_token");
    require_axis(a, "a");
    require_axis(b, "b");
    single_threaded_blas const one_blas_thread;  // a product by several threads differs in its last bits
    fingerprint of_points;
    for (axis const& each : {a, b}) of_points.add_value(each.low).add_value(each.high).add_value(each.points);
    if (b.points > std::size_t{1'000'000'000} / a.points) throw error("plane: more than 1e9 points");
    evaluation<O> values(f, where, a, b, of_points);
    if (from != nullptr) values.load(*from);
    auto team = executor.team();
    values.go_on(
        points_at_once,
        [&](std::size_t first, std::span<double> out) {
            std::vector<std::array<double, 2>> points(out.size());
            for (std::size_t k = 0; k < out.size(); ++k)
                points[k] = {a.at((first + k) % a.points), b.at((first + k) / a.points)};
            values_at(f, where, points, out, team);
        },
        watchers...);
    std::size_t const done = values.done();
    return {a, b, std::move(values).take(), done};
}

template <class O, Executor Exec, class... Watchers>
[[nodiscard]] profile profile_of(plane_checkpoint const* from, O const& f, section const& where,
                                 axis const& a, Exec const& executor, Watchers&... watchers) {
    auto const found = surface_of(from, f, where, a, {0, 0, 1}, executor, watchers...);
    profile along{array_of({found.values.data(), found.done}), array_of({found.values.data(), found.done})};
    for (std::size_t k = 0; k < found.done; ++k) along.at(k) = a.at(k);
    return along;
}

inline void require_plane(section const& where) {
    if (!where.is_plane()) throw error("plane: the section has one direction only");
}

}  // namespace detail

/// Evaluates f at each point of a grid. Watchers see a plane_progress, and may stop it.
/// Values do not depend on the executor. Throws spinet::error for a section that does not fit the objective.
template <class O, Executor Exec = serial, class... Watchers>
[[nodiscard]] surface plane(O const& f, section const& where, axis const& a, axis const& b,
                            Exec const& executor = {}, Watchers&&... watchers) {
    detail::require_plane(where);
    return detail::surface_of(nullptr, f, where, a, b, executor, watchers...);
}

/// Continues a plane that was stopped, bitwise as if it had not been. Throws spinet::error for a checkpoint
/// of another objective, section or grid.
template <class O, Executor Exec = serial, class... Watchers>
[[nodiscard]] surface resume_plane(plane_checkpoint const& from, O const& f, section const& where,
                                   axis const& a, axis const& b, Exec const& executor = {},
                                   Watchers&&... watchers) {
    detail::require_plane(where);
    return detail::surface_of(&from, f, where, a, b, executor, watchers...);
}

/// Evaluates f along the first direction of a section. A line that was stopped has the values up to there.
template <class O, Executor Exec = serial, class... Watchers>
[[nodiscard]] profile line(O const& f, section const& where, axis const& a, Exec const& executor = {},
                           Watchers&&... watchers) {
    return detail::profile_of(nullptr, f, where, a, executor, watchers...);
}

/// Continues a line that was stopped, bitwise as if it had not been. Throws spinet::error for a checkpoint of
/// another objective, section or axis.
template <class O, Executor Exec = serial, class... Watchers>
[[nodiscard]] profile resume_line(plane_checkpoint const& from, O const& f, section const& where,
                                  axis const& a, Exec const& executor = {}, Watchers&&... watchers) {
    return detail::profile_of(&from, f, where, a, executor, watchers...);
}

/// A path such as the states of a training run, seen in a section. `points` is an xtensor expression with one
/// point to a row, or a range of vectors. Throws spinet::error for points that do not fit the objective.
template <class O, class Points, Executor Exec = serial>
[[nodiscard]] trail trajectory(O const& f, section const& where, Points const& points,
                               Exec const& executor = {}) {
    static_assert(Objective<O>,
                  "spinet: not an Objective; it needs size() and value(x), see landscape/concepts.hpp");
    detail::require_section(f, where);
    auto const rows = detail::rows_of_points(points, "trajectory");
    std::size_t const n = rows.shape(0);
    if (n > 0 && rows.shape(1) != detail::size_of(f))
        throw error("trajectory: a point of ", rows.shape(1), " numbers for an objective of ",
                    detail::size_of(f));
    single_threaded_blas const one_blas_thread;
    auto const column = [&] { return row_major_array<double, 1>::from_shape({n}); };
    trail seen{column(), column(), column(), column()};
    executor.team().run(n, [&](std::size_t k) {
        auto const nearest = where.project(detail::row_of(rows, k));
        seen.a(k) = nearest.a;
        seen.b(k) = nearest.b;
        seen.distance(k) = nearest.distance;
        seen.values(k) = detail::value_at(f, detail::row_of(rows, k));
    });
    return seen;
}

inline section::projection section::project(vector_argument const& x) const {
    std::size_t const n = centre.size();
    std::vector<double> rest(x.begin(), x.end());
    if (coordinates == chart::flat)
        for (std::size_t i = 0; i < n; ++i) rest[i] -= centre[i];
    // Least squares in the two directions.
    double const dd = detail::dot_product(first, first), rd = detail::dot_product(rest, first);
    double a = rd / dd, b = 0;
    if (is_plane()) {
        double const de = detail::dot_product(first, second), ee = detail::dot_product(second, second),
                     re = detail::dot_product(rest, second), determinant = dd * ee - de * de;
        a = (rd * ee - re * de) / determinant;
        b = (re * dd - rd * de) / determinant;
    }
    if (coordinates == chart::great_circles) {
        double const along = detail::dot_product(rest, centre) / detail::dot_product(centre, centre),
                     across = std::hypot(a, b), angle = std::atan2(across, along),
                     part = across > 0 ? angle / across : 1;
        a *= part;
        b *= part;
    }
    std::vector<double> nearest(n);
    point(a, b, nearest);
    double square = 0;
    for (std::size_t i = 0; i < n; ++i) square += (x[i] - nearest[i]) * (x[i] - nearest[i]);
    return {a, b, std::sqrt(square)};
}

}  // namespace spinet
