// SPDX-License-Identifier: BSD-3-Clause
/// Acceptance rules: how one spin answers its field. A rule is two functions of x = beta (E_flipped - E).
#pragma once

#include <spinet/detail/vector_math.hpp>

#include <cmath>
#include <concepts>
#include <string>

namespace spinet {

/// What a rule does when a flip costs nothing. A fixed order of sites must refuse half of these flips: taking
/// all of them makes the chain reducible (docs/pitfalls.md).
enum class zero_cost { accept, accept_half };

/// A rule: `updated(spin, x, u, zero)` is the new spin for a uniform u in (0, 1], and `flip_probability` the
/// same thing exactly, in double. Both must agree, and p(x) = exp(-x) p(-x) (detailed balance).
template <class R>
concept AcceptanceRule = requires(float spin, float x, float u, double exact, zero_cost zero) {
    { R::template updated<float>(spin, x, u, zero) } -> std::same_as<float>;
    { R::flip_probability(exact, zero) } -> std::same_as<double>;
    { R::name() } -> std::convertible_to<std::string>;
};

/// Heat bath (Glauber): the new spin is drawn from its conditional distribution.
struct heat_bath_rule {
    static constexpr char const* name() noexcept { return "glauber"; }

    /// The unlikely value has probability 1 / (1 + exp|x|). It is compared with u near 0, where u is fine.
    template <class Real>
    [[nodiscard]] static Real updated(Real spin, Real x, Real u, zero_cost) noexcept {
        Real const likely = x < Real{0} ? -spin : spin;
        Real const unlikely_weight = Real{1} / (Real{1} + detail::exp_clamped(x < Real{0} ? -x : x));
        return u < unlikely_weight ? -likely : likely;
    }

    [[nodiscard]] static double flip_probability(double x, zero_cost) noexcept {
        return 1.0 / (1.0 + std::exp(x));
    }
};

/// Metropolis: flips with probability min(1, exp(-x)). |x| below 2^-17 counts as a flip that costs nothing:
/// rounded fields must not decide whether the chain is ergodic.
struct metropolis_rule {
    static constexpr char const* name() noexcept { return "metropolis"; }
    static constexpr double nothing = 0x1p-17;

    template <class Real>
    [[nodiscard]] static Real updated(Real spin, Real x, Real u, zero_cost zero) noexcept {
        Real const free_flip = zero == zero_cost::accept ? Real{2} : Real{0.5};
        Real const size = x < Real{0} ? -x : x;
        Real const p = size < static_cast<Real>(nothing) ? free_flip
                       : x < Real{0}                     ? Real{2}
                                                         : detail::exp_clamped(-x);
        return u < p ? -spin : spin;
    }

    [[nodiscard]] static double flip_probability(double x, zero_cost zero) noexcept {
        if (std::abs(x) < nothing) return zero == zero_cost::accept ? 1.0 : 0.5;
        return x < 0 ? 1.0 : std::exp(-x);
    }
};

}  // namespace spinet
