// SPDX-License-Identifier: BSD-3-Clause
/// Single-spin flip probabilities.
#pragma once

#include <spinet/detail/vector_math.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <string>

namespace spinet {

/// What a rule does when a flip costs nothing. A fixed order of sites must refuse half of these flips: taking
/// all of them makes the chain reducible (docs/pitfalls.md).
enum class zero_cost { accept, accept_half };

/// A probability as favourable / total, so that comparing it with a random number needs no division. A
/// quotient above 1 means certainty.
template <class Real>
struct probability_ratio {
    Real favourable;
    Real total;
};

/// A rule: `flip_ratio(x, zero)` is the probability p of a flip that changes the energy by x / beta. Laws:
/// p(x) = exp(-x) p(-x) (detailed balance); in float, p is right to a relative 5e-7.
template <class R>
concept AcceptanceRule = requires(float x, double exact, zero_cost zero) {
    { R::flip_ratio(x, zero) } -> std::same_as<probability_ratio<float>>;
    { R::flip_ratio(exact, zero) } -> std::same_as<probability_ratio<double>>;
    { R::name() } -> std::convertible_to<std::string>;
};

/// Optional: `static constexpr bool takes_packs = true` says that the functions of a rule also take packs
/// (vectors of numbers, as the two rules below do); sweeps then decide a register of spins at once.
template <class R>
concept PackedRule = AcceptanceRule<R> && requires {
    requires bool(R::takes_packs);
};

/// A rule that can be turned round: a uniform u in (0, 1) flips the spin if and only if x < threshold(u, v)
/// with v = 1 - u, but for flips that cost nothing. Kernels that decide site after site then compute no
/// exponentials in between.
template <class R>
concept ThresholdRule = AcceptanceRule<R> && requires(float u, double exact) {
    { R::threshold(u, u) } -> std::same_as<float>;
    { R::threshold(exact, exact) } -> std::same_as<double>;
};

/// |x| below this counts as a flip that costs nothing: rounded fields must not decide whether the chain is
/// ergodic.
inline constexpr double no_cost = 0x1p-17;

/// Heat bath (Glauber): the new spin is drawn from its conditional distribution, p = 1 / (1 + exp(x)).
struct heat_bath_rule {
    static constexpr char const* name() noexcept { return "glauber"; }
    static constexpr bool takes_packs = true;

    template <class Number>
    [[nodiscard, gnu::always_inline]] static probability_ratio<Number> flip_ratio(Number x,
                                                                                  zero_cost) noexcept {
        Number const one = Number{} + detail::lane_of<Number>{1};
        return {one, one + detail::exp_clamped(x)};
    }

    template <class Number>
    [[nodiscard, gnu::always_inline]] static Number threshold(Number u, Number v) noexcept {
        return detail::log_positive(v / u);
    }
};

/// Metropolis: p = min(1, exp(-x)).
struct metropolis_rule {
    static constexpr char const* name() noexcept { return "metropolis"; }
    static constexpr bool takes_packs = true;

    template <class Number>
    [[nodiscard, gnu::always_inline]] static probability_ratio<Number> flip_ratio(Number x,
                                                                                  zero_cost zero) noexcept {
        using real = detail::lane_of<Number>;
        real const free_flip = zero == zero_cost::accept ? real{2} : real{0.5};
        Number const size = x < real{0} ? -x : x;
        return {size < static_cast<real>(no_cost) ? Number{} + free_flip : detail::exp_clamped(-x),
                Number{} + real{1}};
    }

    template <class Number>
    [[nodiscard, gnu::always_inline]] static Number threshold(Number u, Number) noexcept {
        return -detail::log_positive(u);
    }
};

/// p, in double.
template <AcceptanceRule Rule>
[[nodiscard]] double flip_probability(double x, zero_cost zero) noexcept {
    probability_ratio<double> const p = Rule::flip_ratio(x, zero);
    return std::min(1.0, p.favourable / p.total);
}

namespace detail {

/// Does u in (0, 1) flip the spin?
template <AcceptanceRule Rule>
[[nodiscard]] bool flips(double x, double u, zero_cost zero) noexcept {
    probability_ratio<double> const p = Rule::flip_ratio(x, zero);
    return u * p.total < p.favourable;
}

/// How far the first 16 bits of u are from the probability of a flip, for x = beta dE: above 0 the spin
/// flips. Nearer to 0 than `margin`, at about one update in 50,000, these bits do not decide; `flips_refined`
/// then does. The outcome is that of a u of 48 bits and of probabilities in double, whatever the precision
/// here.
template <class Number>
struct distance {
    Number value;
    Number margin;
};

template <AcceptanceRule Rule, class Number>
[[nodiscard, gnu::always_inline]] inline distance<Number> flip_distance(Number x, Number draw,
                                                                        zero_cost zero) noexcept {
    using real = lane_of<Number>;
    // The draw stands for [draw, draw + 1) / 65536; 1/8 is 65536 times the error of the ratio, and more.
    constexpr real full = 65536, half = real{0.5}, slack = real{0.125};
    probability_ratio<Number> const p = Rule::flip_ratio(x, zero);
    return {p.favourable * full - (draw + half) * p.total, p.total * (half + slack)};
}

/// A new spin as far as 16 bits tell; they decided it where `decided` is above 0.
template <class Number>
struct provisional {
    Number spin;
    Number decided;
};

template <AcceptanceRule Rule, class Number>
[[nodiscard, gnu::always_inline]] inline provisional<Number> updated(Number spin, Number x, Number draw,
                                                                     zero_cost zero) noexcept {
    using bits = unsigned_of<ints_of<Number>>;
    constexpr auto sign = lane_of<bits>{1} << (8 * sizeof(lane_of<Number>) - 1);
    auto const d = flip_distance<Rule>(x, draw, zero);
    auto const distance_bits = same_bits<bits>(d.value);
    return {same_bits<Number>(same_bits<bits>(spin) ^ (~distance_bits & sign)),
            same_bits<Number>(distance_bits & ~sign) - d.margin};
}

template <AcceptanceRule Rule>
[[nodiscard]] bool flips_refined(double x, std::uint16_t draw, std::uint32_t more, zero_cost zero) noexcept {
    return flips<Rule>(x, (static_cast<double>(draw) * 0x1p32 + static_cast<double>(more) + 0.5) * 0x1p-48,
                       zero);
}

}  // namespace detail
}  // namespace spinet
