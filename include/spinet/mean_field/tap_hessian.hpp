// SPDX-License-Identifier: BSD-3-Clause
/// The TAP free energy of a magnetisation pattern, its gradient and its Hessian.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>
#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/spectrum/largest_eigenvalue.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

// With w_i = 1 - m_i^2, beta = 1/T and k_B = 1, all sums over sites:
//
//     F(m) = -sum_i b_i m_i - 1/2 sum_ij J_ij m_i m_j - (beta/4) sum_ij J_ij^2 w_i w_j - T sum_i S(m_i),
//     S(m) = -(1+m)/2 ln (1+m)/2 - (1-m)/2 ln (1-m)/2,
//     dF/dm_i = -b_i - sum_j J_ij m_j + beta m_i sum_j J_ij^2 w_j + T artanh m_i,
//     d2F/dm_i dm_j = -J_ij - 2 beta J_ij^2 m_i m_j + delta_ij (T / w_i + beta sum_k J_ik^2 w_k).
//
// The third term of F is Onsager's reaction term. Naive mean field leaves it out, and with it all that has
// J^2. Sources: Thouless, Anderson and Palmer, Phil. Mag. 35, 593 (1977); Plefka, J. Phys. A 15, 1971 (1982).

namespace spinet {

/// Which free energy: `tap` has Onsager's reaction term, exact for many weak couplings; `naive` has not.
/// Networks with a few dominant modes are near the naive one.
enum class mean_field { tap, naive };

[[nodiscard]] constexpr char const* to_string(mean_field theory) noexcept {
    return theory == mean_field::tap ? "tap" : "naive";
}

namespace detail {

inline void require_temperature(char const* who, double temperature) {
    if (!(temperature > 0 && std::isfinite(temperature)))
        throw error(who, ": expected a positive, finite temperature, found ", temperature);
}

/// S(m), with the limits 0 at m = +-1.
[[nodiscard]] inline double spin_entropy(double m) noexcept {
    double const up = (1 + m) / 2, down = (1 - m) / 2;
    return -(up > 0 ? up * std::log(up) : 0.0) - (down > 0 ? down * std::log(down) : 0.0);
}

/// A pattern of magnetisations at one temperature, with its fields and what derives from them.
template <PairModel M>
class mean_field_point {
    static_assert(space_of<M> == spin_space::ising, "spinet: these are the equations of Ising spins");

public:
    mean_field_point(M const& model, double temperature, mean_field theory)
        : model_(&model),
          temperature_(temperature),
          reaction_(theory == mean_field::tap),
          m_(model.size()),
          w_(model.size()),
          h_(model.size()),
          v_(model.size()),
          a_(model.size()),
          b_(model.size()) {}

    /// Magnetisations, in [-1, 1].
    void set(std::span<double const> m) {
        std::copy(m.begin(), m.end(), m_.begin());
        for (std::size_t i = 0; i < size(); ++i) w_[i] = (1 - m_[i]) * (1 + m_[i]);
        update_fields();
    }

    /// m = tanh u: 1 - m^2 keeps its digits where m is near +-1.
    void set_from_fields(std::span<double const> u) {
        for (std::size_t i = 0; i < size(); ++i) {
            double const small = std::exp(-2 * std::abs(u[i]));
            m_[i] = std::copysign((1 - small) / (1 + small), u[i]);
            w_[i] = 4 * small / ((1 + small) * (1 + small));
        }
        update_fields();
    }

    [[nodiscard]] std::size_t size() const noexcept { return m_.size(); }
    [[nodiscard]] double beta() const noexcept { return 1 / temperature_; }
    [[nodiscard]] std::span<double const> magnetisation() const noexcept { return m_; }
    [[nodiscard]] std::span<double const> one_minus_square() const noexcept { return w_; }

    /// The field on site i, with the reaction of the others to m_i taken off: m_i = tanh(beta times it).
    [[nodiscard]] double cavity_field(std::size_t i) const noexcept {
        return h_[i] - (reaction_ ? beta() * m_[i] * v_[i] : 0.0);
    }

    /// Of all spins together. At fixed m, energy = d(beta F) / d beta.
    [[nodiscard]] double energy() const noexcept { return naive_energy() + 2 * reaction_free_energy(); }
    [[nodiscard]] double free_energy() const noexcept {
        double entropy = 0;
        for (double const m : m_) entropy += spin_entropy(m);
        return naive_energy() + reaction_free_energy() - temperature_ * entropy;
    }

    /// y = beta (H - T diag(1 / w)) z for the Hessian H of F: what couples the sites, and the reaction.
    void couple(std::span<double const> z, std::span<double> y) const {
        if (reaction_)
            for (std::size_t i = 0; i < size(); ++i) b_[i] = m_[i] * z[i];
        double const inverse = beta();
        for (std::size_t i = 0; i < size(); ++i) {
            auto const [linear, square] = sums(i, z, b_);
            y[i] = -inverse * linear;
            if (reaction_) y[i] += inverse * inverse * (v_[i] * z[i] - 2 * m_[i] * square);
        }
    }

    /// y = A x, A = beta sqrt(w) H sqrt(w): the Hessian in coordinates in which it stays finite at m = +-1.
    /// Its eigenvalues have the signs of H's; at m = 0 it is beta H.
    void scaled_hessian(std::span<double const> x, std::span<double> y) const {
        for (std::size_t i = 0; i < size(); ++i) a_[i] = std::sqrt(w_[i]) * x[i];
        couple(a_, y);
        for (std::size_t i = 0; i < size(); ++i) y[i] = x[i] + std::sqrt(w_[i]) * y[i];
    }

    [[nodiscard]] double smallest_eigenvalue(lanczos_options const& options) const {
        return -largest_eigenvalue_of(
            size(),
            [&](std::span<double const> x, std::span<double> y) {
                scaled_hessian(x, y);
                for (double& value : y) value = -value;
            },
            options);
    }

    /// 1 - the largest eigenvalue of beta^2 w_i J_ij^2 w_j; NaN without the reaction term.
    [[nodiscard]] double plefka() const {
        if (!reaction_) return std::numeric_limits<double>::quiet_NaN();
        return 1 - largest_eigenvalue_of(size(), [&](std::span<double const> x, std::span<double> y) {
                   for (std::size_t i = 0; i < size(); ++i) b_[i] = w_[i] * x[i];
                   for (std::size_t i = 0; i < size(); ++i)
                       y[i] = beta() * beta() * w_[i] * sums_over_couplings<true>(*model_, i, b_, b_).second;
               });
    }

private:
    [[nodiscard]] auto sums(std::size_t i, std::span<double const> a, std::span<double const> b) const {
        return reaction_ ? sums_over_couplings<true>(*model_, i, a, b)
                         : sums_over_couplings<false>(*model_, i, a, b);
    }

    void update_fields() {
        auto const external = model_->external_fields();
        for (std::size_t i = 0; i < size(); ++i) {
            auto const [field, reaction] = sums(i, m_, w_);
            h_[i] = static_cast<double>(external[i]) + field;
            v_[i] = reaction;
        }
    }

    [[nodiscard]] double naive_energy() const noexcept {
        auto const external = model_->external_fields();
        double twice = 0;
        for (std::size_t i = 0; i < size(); ++i) twice -= m_[i] * (h_[i] + static_cast<double>(external[i]));
        return twice / 2;
    }
    [[nodiscard]] double reaction_free_energy() const noexcept {
        double sum = 0;  // v is 0 without the reaction term
        for (std::size_t i = 0; i < size(); ++i) sum += w_[i] * v_[i];
        return -beta() / 4 * sum;
    }

    M const* model_;
    double temperature_;
    bool reaction_;
    std::vector<double> m_, w_, h_, v_;  ///< m, 1 - m^2, b + J m, sum_j J_ij^2 w_j
    mutable std::vector<double> a_, b_;
};

/// N magnetisations in [-1, 1], from an array or range of any kind.
template <PairModel M, class A>
[[nodiscard]] std::vector<double> pattern_of(char const* who, M const& model, A const& m) {
    auto const pattern = vector_copy<double>(m, who);
    if (pattern.size() != model.size())
        throw error(who, ": expected ", static_cast<std::size_t>(model.size()), " magnetisations, found ",
                    pattern.size());
    for (std::size_t i = 0; i < pattern.size(); ++i)
        if (!(std::abs(pattern[i]) <= 1))
            throw error(who, ": expected a magnetisation in [-1, 1] at spin ", i, ", found ", pattern[i]);
    return pattern;
}

template <PairModel M, class A>
[[nodiscard]] mean_field_point<M> point_at(char const* who, M const& model, double temperature, A const& m,
                                           mean_field theory) {
    require_temperature(who, temperature);
    mean_field_point<M> point(model, temperature, theory);
    point.set(pattern_of(who, model, m));
    return point;
}

}  // namespace detail

/// F(m) / N, the TAP free energy per spin of any pattern of magnetisations, N of them in [-1, 1]: an xtensor
/// expression or std::vector. For an SK paramagnet it tends to -T ln 2 - beta / 4. Throws spinet::error for a
/// temperature that is not positive and finite, another number of magnetisations, or one out of range, naming
/// the spin; so do the functions below.
template <PairModel M, class Pattern>
[[nodiscard]] double tap_free_energy(M const& model, double temperature, Pattern const& m,
                                     mean_field theory = mean_field::tap) {
    return detail::point_at("tap_free_energy", model, temperature, m, theory).free_energy() /
           static_cast<double>(model.size());
}

/// d(beta F) / d beta at fixed m, per spin: the energy where m solves the TAP equations.
template <PairModel M, class Pattern>
[[nodiscard]] double tap_energy(M const& model, double temperature, Pattern const& m,
                                mean_field theory = mean_field::tap) {
    return detail::point_at("tap_energy", model, temperature, m, theory).energy() /
           static_cast<double>(model.size());
}

/// dF/dm_i, N numbers; infinite where m_i = +-1. It is 0 at a solution of the TAP equations.
template <PairModel M, class Pattern>
[[nodiscard]] row_major_array<double, 1> tap_gradient(M const& model, double temperature, Pattern const& m,
                                                      mean_field theory = mean_field::tap) {
    auto const point = detail::point_at("tap_gradient", model, temperature, m, theory);
    auto gradient = row_major_array<double, 1>::from_shape({model.size()});
    for (std::size_t i = 0; i < gradient.size(); ++i)
        gradient[i] = temperature * std::atanh(point.magnetisation()[i]) - point.cavity_field(i);
    return gradient;
}

/// out = H x for the Hessian H of F at m, which has to lie inside (-1, 1).
template <PairModel M, class Pattern>
void multiply_by_tap_hessian(M const& model, double temperature, Pattern const& pattern,
                             std::span<double const> x, std::span<double> out,
                             mean_field theory = mean_field::tap) {
    auto const point = detail::point_at("multiply_by_tap_hessian", model, temperature, pattern, theory);
    auto const m = point.magnetisation();
    if (x.size() != m.size() || out.size() != m.size())
        throw error("multiply_by_tap_hessian: expected vectors of ", m.size(), " numbers, found ", x.size(),
                    " and ", out.size());
    for (std::size_t i = 0; i < m.size(); ++i)
        if (std::abs(m[i]) == 1)
            throw error("multiply_by_tap_hessian: the Hessian is infinite at spin ", i,
                        ", whose magnetisation is ", m[i]);
    point.couple(x, out);
    for (std::size_t i = 0; i < m.size(); ++i)
        out[i] = temperature * (out[i] + x[i] / point.one_minus_square()[i]);
}

/// The smallest eigenvalue of beta sqrt(1 - m_i^2) H_ij sqrt(1 - m_j^2), dimensionless: positive where F is
/// convex at m, so that a solution is a minimum. At m = 0 it is that of A(T) = 1 + beta^2 D - beta J. Unlike
/// those of H, its eigenvalues stay finite at m = +-1; their signs are the same.
template <PairModel M, class Pattern>
[[nodiscard]] double smallest_hessian_eigenvalue(M const& model, double temperature, Pattern const& m,
                                                 mean_field theory = mean_field::tap,
                                                 lanczos_options const& options = {.tolerance = 1e-7}) {
    return detail::point_at("smallest_hessian_eigenvalue", model, temperature, m, theory)
        .smallest_eigenvalue(options);
}

/// Plefka's number, 1 - the largest eigenvalue of beta^2 (1 - m_i^2) J_ij^2 (1 - m_j^2): the expansion that
/// TAP cuts off after its second term converges only where it is positive, and solutions elsewhere are not
/// physical. For SK it is Plefka's 1 - beta^2 (1/N) sum_i (1 - m_i^2)^2 as N grows; at m = 0 of a layered
/// random network, 1 - (t_formula / T)^2. Meant for many weak couplings: a few strong ones make it too small.
template <PairModel M, class Pattern>
[[nodiscard]] double plefka_number(M const& model, double temperature, Pattern const& m) {
    return detail::point_at("plefka_number", model, temperature, m, mean_field::tap).plefka();
}

}  // namespace spinet
