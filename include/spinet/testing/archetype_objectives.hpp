// SPDX-License-Identifier: BSD-3-Clause
/// The least type that satisfies each concept of objectives: whatever takes the concept takes this.
#pragma once

#include <spinet/landscape/concepts.hpp>
#include <spinet/testing/convertible_only.hpp>

#include <array>
#include <cstddef>
#include <span>

namespace spinet::testing::archetypes {

/// x_0^2 + 2 x_1^2 + 3 x_2^2 + x_0 x_1, with the members of an Objective alone: it is neither copied nor
/// assigned, takes no argument but the types that the concept names, and returns what barely converts.
class objective {
public:
    objective() = default;
    objective(objective const&) = delete;
    objective& operator=(objective const&) = delete;

    [[nodiscard]] convertible_only<std::size_t> size() const { return convertible_only<std::size_t>(3); }
    [[nodiscard]] convertible_only<double> value(std::span<double const> x) const {
        return convertible_only<double>(x[0] * x[0] + 2 * x[1] * x[1] + 3 * x[2] * x[2] + x[0] * x[1]);
    }
    template <class Other>
    void value(Other const&) const = delete;

protected:
    static void write_gradient(std::span<double const> x, std::span<double> out) {
        out[0] = 2 * x[0] + x[1];
        out[1] = 4 * x[1] + x[0];
        out[2] = 6 * x[2];
    }
};

class differentiable_objective : public objective {
public:
    convertible_only<double> gradient(std::span<double const> x, std::span<double> out) const {
        write_gradient(x, out);
        return value(x);
    }
    template <class Other, class Out>
    void gradient(Other const&, Out const&) const = delete;
};

class twice_differentiable_objective : public differentiable_objective {
public:
    void hessian_vector(std::span<double const>, std::span<double const> v, std::span<double> out) const {
        write_gradient(v, out);  // the gradient is linear
    }
    template <class Other, class V, class Out>
    void hessian_vector(Other const&, V const&, Out const&) const = delete;
};

/// The same energy on the sphere |x|^2 = 3.
class objective_on_sphere : public objective {
public:
    static constexpr bool on_sphere = true;

    convertible_only<double> gradient(std::span<double const> x, std::span<double> out) const {
        write_gradient(x, out);
        take_off_radial(x, out);
        return value(x);
    }
    void hessian_vector(std::span<double const> x, std::span<double const> v, std::span<double> out) const {
        std::array<double, 3> slope{};
        write_gradient(x, slope);
        write_gradient(v, out);
        double radial = 0;
        for (std::size_t i = 0; i < 3; ++i) radial += x[i] * slope[i] / 3;
        for (std::size_t i = 0; i < 3; ++i) out[i] -= radial * v[i];
        take_off_radial(x, out);
    }

private:
    static void take_off_radial(std::span<double const> x, std::span<double> v) {
        double along = 0;
        for (std::size_t i = 0; i < 3; ++i) along += x[i] * v[i] / 3;
        for (std::size_t i = 0; i < 3; ++i) v[i] -= along * x[i];
    }
};

/// An Objective with the optional `values_on_plane`, which counts how often it is asked.
class plane_objective : public objective {
public:
    template <class Team>
    void values_on_plane(std::span<double const> centre, std::span<double const> d, std::span<double const> e,
                         std::span<std::array<double, 2> const> points, std::span<double> out,
                         Team& team) const {
        ++asked;
        team.run(points.size(), [&](std::size_t k) {
            std::array<double, 3> x{};
            for (std::size_t i = 0; i < 3; ++i) x[i] = centre[i] + points[k][0] * d[i] + points[k][1] * e[i];
            out[k] = value(std::span<double const>(x));
        });
    }

    mutable std::size_t asked = 0;
};

static_assert(Objective<objective> && !DifferentiableObjective<objective>);
static_assert(DifferentiableObjective<differentiable_objective> &&
              !TwiceDifferentiableObjective<differentiable_objective>);
static_assert(TwiceDifferentiableObjective<twice_differentiable_objective>);
static_assert(TwiceDifferentiableObjective<objective_on_sphere> && is_on_sphere<objective_on_sphere>);

}  // namespace spinet::testing::archetypes
