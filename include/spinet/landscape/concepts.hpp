// SPDX-License-Identifier: BSD-3-Clause
/// Objectives: functions of many numbers whose landscapes spinet evaluates, and what it uses of them.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <span>

namespace spinet {

/// A function of `size()` numbers. Law: `value(x)` is a function of x alone, and may be called from several
/// threads at once. Types: network_loss, sphere_energy, plain_objective.
///
/// Optional: a static member `on_sphere` that is true where the space is the sphere |x|^2 = size() (see
/// is_on_sphere), and `values_on_plane` (see PlaneObjective).
template <class O>
concept Objective = requires(O const& f, std::span<double const> x) {
    { f.size() } -> std::convertible_to<std::size_t>;
    { f.value(x) } -> std::convertible_to<double>;
};

/// An Objective with its gradient: `gradient(x, out)` writes df/dx, as many numbers as x has, and returns
/// f(x). Law: on the sphere the gradient is that along the sphere, orthogonal to x.
template <class O>
concept DifferentiableObjective = Objective<O> &&
    requires(O const& f, std::span<double const> x, std::span<double> out) {
    { f.gradient(x, out) } -> std::convertible_to<double>;
};

/// A DifferentiableObjective with its Hessian: `hessian_vector(x, v, out)` writes the Hessian at x times v,
/// the derivative of the gradient along v. Law: symmetric; on the sphere for v tangent at x, and tangent
/// itself.
template <class O>
concept TwiceDifferentiableObjective = DifferentiableObjective<O> &&
    requires(O const& f, std::span<double const> x, std::span<double const> v, std::span<double> out) {
    f.hessian_vector(x, v, out);
};

/// An Objective that evaluates many points of a flat plane with less work than one by one:
/// `values_on_plane(centre, d, e, points, out, team)` writes f(centre + a d + b e) for each pair (a, b) of
/// `points`. It may share the work out by `team.run(n, task)`, which calls task(0), ..., task(n - 1).
/// Optional: plane and line use it where it is there.
template <class O, class Team>
concept PlaneObjective = Objective<O> &&
    requires(O const& f, std::span<double const> x, std::span<std::array<double, 2> const> points,
             std::span<double> out, Team& team) {
    f.values_on_plane(x, x, x, points, out, team);
};

/// Whether the objective's space is the sphere |x|^2 = size(): its optional member `on_sphere`.
template <class O>
inline constexpr bool is_on_sphere = false;
template <class O>
    requires requires { bool(O::on_sphere); }
inline constexpr bool is_on_sphere<O> = O::on_sphere;

namespace detail {

// Objectives are asked through these, with exactly the types that the concepts name.

template <class O>
[[nodiscard]] std::size_t size_of(O const& f) {
    return f.size();
}
template <class O>
[[nodiscard]] double value_at(O const& f, std::span<double const> x) {
    return f.value(x);
}
template <class O>
double gradient_at(O const& f, std::span<double const> x, std::span<double> out) {
    return f.gradient(x, out);
}

}  // namespace detail
}  // namespace spinet
