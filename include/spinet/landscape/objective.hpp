// SPDX-License-Identifier: BSD-3-Clause
/// Functions whose landscapes are looked at: a network's loss, a p-spin energy, and what a user brings.
#pragma once

#include <spinet/error.hpp>
#include <spinet/model/concepts.hpp>

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// A function of `size()` numbers. `value(x)` may be called from several threads at once. Models:
/// network_loss, sphere_energy, plain_objective.
template <class O>
concept Objective = requires(O const& f, std::span<double const> x) {
    { f.size() } -> std::convertible_to<std::size_t>;
    { f.value(x) } -> std::convertible_to<double>;
};

/// With `gradient(x, out)`, which writes as many numbers as x has and returns the value.
template <class O>
concept DifferentiableObjective = Objective<O> &&
    requires(O const& f, std::span<double const> x, std::span<double> out) {
    { f.gradient(x, out) } -> std::convertible_to<double>;
};

/// With `hessian_vector(x, v, out)`: the Hessian at x times v. On a curved space, `on_sphere` being true,
/// gradient and Hessian are those of the sphere |x|^2 = size(): tangent, for a tangent v.
template <class O>
concept TwiceDifferentiableObjective = DifferentiableObjective<O> &&
    requires(O const& f, std::span<double const> x, std::span<double const> v, std::span<double> out) {
    f.hessian_vector(x, v, out);
};

/// Is its space the sphere |x|^2 = size()?
template <class O>
inline constexpr bool is_on_sphere = [] {
    if constexpr (requires { O::on_sphere; })
        return static_cast<bool>(O::on_sphere);
    else
        return false;
}();

namespace detail {

/// Is |x|^2 = N, but for rounding?
[[nodiscard]] inline bool is_near_sphere(std::span<double const> x) noexcept {
    double square = 0;
    for (double const each : x) square += each * each;
    return std::abs(square / static_cast<double>(x.size()) - 1) <= 1e-6;
}

}  // namespace detail

/// A function of n numbers that a user brings: `plain_objective(2, [](std::span<double const> x) { ... })`;
/// with its gradient, `(x, out)`, that is used too. It must be safe to call from several threads.
template <class F, class G = void>
class plain_objective {
public:
    plain_objective(std::size_t n, F f, G gradient)
        : n_(n), f_(std::move(f)), gradient_(std::move(gradient)) {}

    [[nodiscard]] std::size_t size() const noexcept { return n_; }
    [[nodiscard]] double value(std::span<double const> x) const { return f_(x); }
    double gradient(std::span<double const> x, std::span<double> out) const {
        gradient_(x, out);
        return f_(x);
    }

private:
    std::size_t n_;
    F f_;
    G gradient_;
};

template <class F>
class plain_objective<F, void> {
public:
    plain_objective(std::size_t n, F f) : n_(n), f_(std::move(f)) {}

    [[nodiscard]] std::size_t size() const noexcept { return n_; }
    [[nodiscard]] double value(std::span<double const> x) const { return f_(x); }

private:
    std::size_t n_;
    F f_;
};

template <class F>
plain_objective(std::size_t, F) -> plain_objective<F, void>;
template <class F, class G>
plain_objective(std::size_t, F, G) -> plain_objective<F, G>;

/// f(x) + strength / 2 |x|^2: an objective with weight decay, as PyTorch's optimisers have it. Losses of
/// networks often have no minima without: their valleys run to infinity. Keeps a pointer to the objective.
template <Objective O>
    requires(!is_on_sphere<O>)
class with_weight_decay {
public:
    /// Throws spinet::error for a strength that is negative or not finite.
    with_weight_decay(O const& f, double strength) : f_(&f), strength_(strength) {
        if (!(strength >= 0) || !std::isfinite(strength))
            throw error("with_weight_decay: expected a finite strength >= 0, found " +
                        std::to_string(strength));
    }

    [[nodiscard]] std::size_t size() const noexcept { return f_->size(); }
    [[nodiscard]] double value(std::span<double const> x) const { return f_->value(x) + penalty(x); }
    double gradient(std::span<double const> x,
                    std::span<double> out) const requires DifferentiableObjective<O> {
        double const value = f_->gradient(x, out);
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
                         Team& team) const requires requires(O const& f) {
        f.values_on_plane(centre, d, e, points, out, team);
    }
    {
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
        double square = 0;
        for (double const each : x) square += each * each;
        return strength_ / 2 * square;
    }

    O const* f_;
    double strength_;
};

/// The energy H of a model on the sphere |x|^2 = N, with gradient and Hessian of the sphere: the parts along
/// the sphere, and for v tangent H''v - (x . H') v / N. `value` and `gradient` are of H, not of H / N. Keeps
/// a pointer to the model.
template <DifferentiableModel M>
    requires(space_of<M> == spin_space::sphere)
class sphere_energy {
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
        make_tangent(x, out);
        return energy;
    }
    /// v is taken along the sphere.
    void hessian_vector(std::span<double const> x, std::span<double const> v, std::span<double> out) const {
        std::vector<double> along(v.begin(), v.end());
        make_tangent(x, along);
        std::vector<real> const spins(x.begin(), x.end()), moved(along.begin(), along.end());
        std::vector<real> slope(size()), product(size());
        (void)model_->gradient(std::span<real const>(spins), std::span<real>(slope));
        model_->hessian_vector(std::span<real const>(spins), std::span<real const>(moved),
                               std::span<real>(product));
        double radial = 0;
        for (std::size_t i = 0; i < size(); ++i) radial += x[i] * static_cast<double>(slope[i]);
        radial /= static_cast<double>(size());
        for (std::size_t i = 0; i < size(); ++i) out[i] = static_cast<double>(product[i]) - radial * along[i];
        make_tangent(x, out);
    }

private:
    static void make_tangent(std::span<double const> x, std::span<double> v) {
        double along = 0, square = 0;
        for (std::size_t i = 0; i < x.size(); ++i) along += x[i] * v[i], square += x[i] * x[i];
        for (std::size_t i = 0; i < x.size(); ++i) v[i] -= along / square * x[i];
    }

    M const* model_;
};

}  // namespace spinet
