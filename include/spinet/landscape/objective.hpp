// SPDX-License-Identifier: BSD-3-Clause
/// Objective functions: those that a user brings, with weight decay, and energies on the sphere; and which of
/// their numbers belong together.
#pragma once

#include <spinet/error.hpp>
#include <spinet/landscape/concepts.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/spectrum/largest_eigenvalue.hpp>

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// A block of parameters: a matrix of `rows` filters with `columns` numbers each, or the bias of a layer
/// (rows x 1).
struct parameter_group {
    std::string name;
    std::size_t first = 0, rows = 0, columns = 0;
    bool bias = false;

    [[nodiscard]] std::size_t size() const noexcept { return rows * columns; }
};

namespace detail {

/// Is |x|^2 = N, but for rounding?
[[nodiscard]] inline bool is_near_sphere(std::span<double const> x) noexcept {
    return std::abs(dot_product(x, x) / static_cast<double>(x.size()) - 1) <= 1e-6;
}

inline void scale_to_length(std::span<double> v, double length) {
    double const factor = length / vector_length(v);
    for (double& each : v) each *= factor;
}

}  // namespace detail

namespace detail {
struct no_gradient {};
}  // namespace detail

/// An objective from a function of n numbers: `plain_objective(2, [](std::span<double const> x) { ... })`; a
/// second function, `(x, out)`, may write the gradient. Both must be safe to call from several threads.
template <class F, class G = detail::no_gradient>
class plain_objective {
public:
    plain_objective(std::size_t n, F f, G gradient = {})
        : n_(n), f_(std::move(f)), gradient_(std::move(gradient)) {}

    [[nodiscard]] std::size_t size() const noexcept { return n_; }
    [[nodiscard]] double value(std::span<double const> x) const { return f_(x); }
    double gradient(std::span<double const> x, std::span<double> out) const
        requires(!std::same_as<G, detail::no_gradient>) {
        gradient_(x, out);
        return f_(x);
    }

private:
    std::size_t n_;
    F f_;
    G gradient_;
};

/// f(x) + strength / 2 |x|^2: an objective with weight decay, as in PyTorch's optimisers. Without it the
/// losses of networks often have no minima, because their valleys run to infinity. Keeps a pointer to the
/// objective.
template <class O>
class with_weight_decay {
    static_assert(Objective<O>,
                  "spinet: not an Objective; it needs size() and value(x), see landscape/concepts.hpp");
    static_assert(!is_on_sphere<O>, "spinet: weight decay is constant on the sphere");

public:
    /// Throws spinet::error for a strength that is negative or not finite.
    with_weight_decay(O const& f, double strength) : f_(&f), strength_(strength) {
        if (!(strength >= 0) || !std::isfinite(strength))
            throw error("with_weight_decay: expected a finite strength >= 0, found ", strength);
    }

    [[nodiscard]] std::size_t size() const noexcept { return detail::size_of(*f_); }
    [[nodiscard]] double value(std::span<double const> x) const {
        return detail::value_at(*f_, x) + penalty(x);
    }
    double gradient(std::span<double const> x,
                    std::span<double> out) const requires DifferentiableObjective<O> {
        double const value = detail::gradient_at(*f_, x, out);
        for (std::size_t i = 0; i < x.size(); ++i) out[i] += strength_ * x[i];
        return value + penalty(x);
    }
    void hessian_vector(std::span<double const> x, std::span<double const> v,
                        std::span<double> out) const requires TwiceDifferentiableObjective<O> {
        f_->hessian_vector(x, v, out);
        for (std::size_t i = 0; i < x.size(); ++i) out[i] += strength_ * v[i];
    }
    template <class Team>
    void values_on_plane(std::span<double const> centre, std::span<double const> d, std::span<double const> e,
                         std::span<std::array<double, 2> const> points, std::span<double> out,
                         Team& team) const requires PlaneObjective<O, Team> {
        f_->values_on_plane(centre, d, e, points, out, team);
        std::vector<double> x(centre.size());
        for (std::size_t k = 0; k < points.size(); ++k) {
            for (std::size_t i = 0; i < x.size(); ++i)
                x[i] = centre[i] + points[k][0] * d[i] + points[k][1] * e[i];
            out[k] += penalty(x);
        }
    }

private:
    [[nodiscard]] double penalty(std::span<double const> x) const noexcept {
        return strength_ / 2 * detail::dot_product(x, x);
    }

    O const* f_;
    double strength_;
};

/// The energy H of a model on the sphere |x|^2 = N, with gradient and Hessian of the sphere: the parts along
/// the sphere, and for v tangent H''v - (x . H') v / N. `value` and `gradient` are of H, not of H / N. Keeps
/// a pointer to the model.
template <class M>
class sphere_energy {
    static_assert(DifferentiableModel<M> && space_of<M> == spin_space::sphere,
                  "spinet: sphere_energy needs a DifferentiableModel of spins on the sphere, such as "
                  "spherical_p_spin");

public:
    static constexpr bool on_sphere = true;
    using real = typename M::spin_type;

    explicit sphere_energy(M const& model) : model_(&model) {}

    [[nodiscard]] std::size_t size() const noexcept { return model_->size(); }
    [[nodiscard]] double value(std::span<double const> x) const {
        std::vector<real> const spins(x.begin(), x.end());
        return model_->energy(spins);
    }
    double gradient(std::span<double const> x, std::span<double> out) const {
        std::vector<real> const spins(x.begin(), x.end());
        std::vector<real> slope(size());
        double const energy = model_->gradient(std::span<real const>(spins), std::span<real>(slope));
        std::copy(slope.begin(), slope.end(), out.begin());
        take_off_radial(x, out);
        return energy;
    }
    /// Only the part of v along the sphere counts.
    void hessian_vector(std::span<double const> x, std::span<double const> v, std::span<double> out) const {
        std::vector<double> along(v.begin(), v.end());
        take_off_radial(x, along);
        std::vector<real> const spins(x.begin(), x.end()), moved(along.begin(), along.end());
        std::vector<real> slope(size()), product(size());
        (void)model_->gradient(std::span<real const>(spins), std::span<real>(slope));
        model_->hessian_vector(std::span<real const>(spins), std::span<real const>(moved),
                               std::span<real>(product));
        double radial = 0;
        for (std::size_t i = 0; i < size(); ++i) radial += x[i] * static_cast<double>(slope[i]);
        radial /= static_cast<double>(size());
        for (std::size_t i = 0; i < size(); ++i) out[i] = static_cast<double>(product[i]) - radial * along[i];
        take_off_radial(x, out);
    }

private:
    static void take_off_radial(std::span<double const> x, std::span<double> v) {
        detail::add_multiple(v, -detail::dot_product(x, v) / detail::dot_product(x, x), x);
    }

    M const* model_;
};

}  // namespace spinet
