// SPDX-License-Identifier: BSD-3-Clause
/// T_ord: the temperature at which a given model orders, from the TAP Hessian of its paramagnet.
#pragma once

#include <spinet/detail/function_ref.hpp>
#include <spinet/detail/watchers.hpp>
#include <spinet/error.hpp>
#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/spectrum/largest_eigenvalue.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

// At m = 0 the Hessian of the TAP free energy, times beta, is A(T) = 1 + beta^2 D - beta J, with the diagonal
// matrix D_ii = sum_j J_ij^2. External fields do not enter it: everything here is about the paramagnet of the
// couplings alone, and with fields m = 0 is no solution.

namespace spinet {

/// The temperature at which a model orders, from its TAP Hessian at m = 0.
struct ordering {
    double temperature = 0;  ///< T_ord where `crosses`; else the T at which the smallest eigenvalue is least
    double smallest_eigenvalue = 0;  ///< of A(temperature), dimensionless; about 0 where `crosses`
    bool crosses = false;  ///< the eigenvalue reaches 0; false: it is positive at all temperatures examined
    double positive_above = 0;  ///< a bound: above it the eigenvalue is positive, by lambda_max alone
};

namespace detail {

/// A(T) of a model in units of its lambda_max.
///
/// Its largest eigenvalues grow as 1 / t^2, the faster the more strongly a spin is coupled, so Lanczos takes
/// thousands of steps to find the smallest one where layers of very different couplings meet. It is compared
/// with a level instead: A(t) > level where C = 1 - level + D / t^2 exceeds J / t, which is where the largest
/// eigenvalue of C^(-1/2) (J / t) C^(-1/2), the `ratio`, is below 1. That matrix has entries of order one at
/// any t.
template <PairModel M>
class paramagnet_hessian {
public:
    paramagnet_hessian(M const& model, function_ref<void()> const check_stop)
        : model_(&model), check_stop_(check_stop), scaled_(model.size()), product_(model.size()) {
        using real = typename M::spin_type;
        unit_ = largest_eigenvalue_of(model.size(),
                                      [&](std::span<double const> x, std::span<double> y) {
                                          check_stop_();
                                          multiply_by_couplings(model, x, y);
                                      },
                                      {.tolerance = 1e-8});
        if (!(unit_ > 0)) throw error("t_ord: the model has no couplings, so nothing orders");
        for (std::size_t i = 0; i < model.size(); ++i) {
            double sum = 0;
            visit_couplings(model, i, [&](std::size_t, std::span<real const> couplings) {
                for (real const j : couplings) {
                    double const in_units = static_cast<double>(j) / unit_;
                    sum += in_units * in_units;
                }
            });
            squares_.push_back(sum);
            if (sum > 0) least_ = std::min(least_, sum);  // a spin without couplings has the eigenvalue 1
            most_ = std::max(most_, sum);
        }
    }

    [[nodiscard]] double unit() const noexcept { return unit_; }    ///< lambda_max(J)
    [[nodiscard]] double least() const noexcept { return least_; }  ///< smallest D_ii of a coupled spin
    [[nodiscard]] double most() const noexcept { return most_; }
    /// Below this t nothing is examined: what orders there are spins that are as good as free.
    [[nodiscard]] double lowest_t() const noexcept {
        return std::max(1e-4 * std::sqrt(most_), std::sqrt(least_));
    }

    /// Below 1 where the smallest eigenvalue of A(t) is above `level` < 1; t in units of lambda_max. The
    /// error is about the square of `tolerance` over the gap to the next eigenvalue.
    [[nodiscard]] double ratio(double t, double level, double tolerance = 1e-6) const {
        for (std::size_t i = 0; i < squares_.size(); ++i)
            scale_[i] = 1 / std::sqrt(1 - level + squares_[i] / t / t);
        return largest_eigenvalue_of(model_->size(),
                                     [&](std::span<double const> x, std::span<double> y) {
                                         check_stop_();
                                         for (std::size_t i = 0; i < x.size(); ++i)
                                             scaled_[i] = scale_[i] * x[i];
                                         multiply_by_couplings(*model_, scaled_, product_);
                                         for (std::size_t i = 0; i < x.size(); ++i)
                                             y[i] = scale_[i] * product_[i] / (unit_ * t);
                                     },
                                     {.tolerance = tolerance});
    }

    /// The smallest eigenvalue of A(t) where it is below 1, else 1: the level at which the ratio is 1, by
    /// secants of 1 / ratio, which is a straight line where all D_ii are equal. `guess` is one that is near.
    [[nodiscard]] double smallest(double t, double guess = 0) const {
        constexpr double highest = 1 - 1e-9;
        double a = std::min(guess, highest), at_a = 1 / ratio(t, a) - 1;
        // 1 / ratio would be this line if all D_ii were the smallest.
        double b = std::min(a + at_a * (1 - a), highest);
        for (int step = 0; step < 30 && std::abs(b - a) > 1e-6; ++step) {
            double const at_b = 1 / ratio(t, b) - 1;
            if (at_b == at_a || std::abs(at_b) < 1e-12) break;
            double const next = b - at_b * (b - a) / (at_b - at_a);
            a = std::exchange(b, std::min(next, highest));
            at_a = at_b;
        }
        return b < highest ? b : 1.0;
    }

private:
    M const* model_;
    function_ref<void()> check_stop_;
    double unit_ = 0;
    double least_ = std::numeric_limits<double>::infinity();
    double most_ = 0;
    std::vector<double> squares_;
    mutable std::vector<double> scale_ = std::vector<double>(model_->size()), scaled_, product_;
};

/// The temperature below `t` down to which the ratio cannot reach 1, if it is `ratio` < 1 at t; 0 if it does
/// so nowhere below. `least` is the smallest D_ii over 1 - level. With T falling, C^(-1/2) J C^(-1/2) / T
/// grows by at most the factor (T + D_ii / T) of t over that of T, for the smallest D_ii.
[[nodiscard]] inline double next_possible_crossing(double t, double ratio, double least) {
    double const sum = ratio * (t + least / t);
    double const discriminant = sum * sum - 4 * least;
    return discriminant < 0 || sum <= 0 ? 0.0 : (sum + std::sqrt(discriminant)) / 2;
}

/// The minimum of value(t) near t, where it is `at_t`, by two parabolas in 1 / t, the second through points
/// 1 % apart: for a fixed vector the eigenvalue is one.
template <class Value>
[[nodiscard]] std::pair<double, double> vertex_of(Value const& value, double t, double at_t) {
    for (double const width : {0.1, 0.01}) {
        double const u = 1 / t, step = width * u, before = value(1 / (u - step)),
                     after = value(1 / (u + step));
        double const bend = before - 2 * at_t + after;
        if (!(bend > 0)) continue;
        double const found = 1 / (u + std::clamp((before - after) / (2 * bend), -1.5, 1.5) * step);
        double const at_found = value(found);
        if (at_found > at_t + 1e-8) continue;
        t = found, at_t = at_found;
    }
    return {t, at_t};
}

/// The crossing between `low`, where A has an eigenvalue <= 0, and `high`, where it has none.
template <PairModel M>
[[nodiscard]] double crossing_between(paramagnet_hessian<M> const& hessian, double low, double high) {
    while (high - low > 1e-9 * high) {
        double const middle = (low + high) / 2;
        (hessian.ratio(middle, 0) < 1 ? high : low) = middle;
    }
    return low;
}

/// The end of a walk down from high temperatures.
struct walk_end {
    double t = 0;
    bool crosses = false;
};

/// The largest t from lowest_t() on at which A(t) has an eigenvalue <= 0. Walks down from the bound in steps
/// too short to step over a crossing. They become many where the eigenvalue touches 0 or hardly misses it:
/// now and then the minimum that lies ahead is looked at, and there is a last step.
template <PairModel M>
[[nodiscard]] walk_end highest_crossing(paramagnet_hessian<M> const& hessian, double from) {
    constexpr std::size_t most_steps = 400, steps_to_look_ahead = 50;
    double t = from;
    for (std::size_t step = 1; step <= most_steps && t > hessian.lowest_t(); ++step) {
        double const ratio = hessian.ratio(t, 0);
        double const next = next_possible_crossing(t, ratio, hessian.least());
        if (ratio >= 1 - 1e-10 || next >= t * (1 - 1e-12)) return {t, true};
        if (step % steps_to_look_ahead == 0) {
            auto const [ahead, smallest] =
                vertex_of([&](double at) { return hessian.smallest(at); }, t, hessian.smallest(t));
            if (ahead < t && smallest <= 0) return {crossing_between(hessian, ahead, t), true};
        }
        t = next;
    }
    return {t, false};
}

/// The t at which the smallest eigenvalue of A(t) is least, and that eigenvalue. For a fixed vector it is a
/// parabola in 1 / t whose minimum lies above sqrt(least); lowest_t() to `to` holds the minimum of all that
/// is not below lowest_t(). A scan in steps of 0.1 in ln t, longer where no lower eigenvalue can be, finds
/// the surroundings of the minimum.
template <PairModel M>
[[nodiscard]] std::pair<double, double> lowest_point(paramagnet_hessian<M> const& hessian) {
    constexpr double width = 0.1;
    double const from = std::log(hessian.lowest_t());
    double best = std::max(from, std::log(2 * hessian.most()));
    double least = hessian.smallest(std::exp(best));
    // 1 - 1/t bounds the eigenvalue from below.
    for (double log_t = std::max(from, -std::log(1 - std::min(least, 1 - 1e-9)));;) {
        double const t = std::exp(log_t), ratio = hessian.ratio(t, least, 1e-4);
        if (ratio > 1) {
            least = hessian.smallest(t, least);
            best = log_t;
        }
        if (log_t <= from) break;
        double const next = ratio > 1 ? t : next_possible_crossing(t, ratio, hessian.least() / (1 - least));
        log_t = std::max(from, std::min(log_t - width, next > 0 ? std::log(next) : from));
    }
    return vertex_of([&](double t) { return hessian.smallest(t, least); }, std::exp(best), least);
}

}  // namespace detail

/// T_ord of a model: the LARGEST temperature at which the smallest eigenvalue of the TAP Hessian at m = 0 is
/// <= 0, where the paramagnet becomes unstable. Trained networks have one, close below lambda_max(J). Where
/// the eigenvalue stays positive (random couplings, by a margin that vanishes as N grows: 0.019 for 1,100
/// spins), the temperature of its minimum, which tends to the glass temperature, with `crosses` = false. It
/// is not t_formula, which knows variances only, and not lambda_max(J), which leaves the reaction of a spin
/// on itself out. A transition of first order may lie above it. External fields are ignored.
///
/// Temperatures below 1e-4 sqrt(max_i D_ii) are not looked at: what orders there are spins coupled by less
/// than that, as good as free. Down to there no crossing is missed: above `positive_above` (<= lambda_max)
/// there is none, and the search walks down from there in steps over which the eigenvalue cannot fall to 0.
/// After 400 such steps, where the eigenvalue misses 0 by less than some 1e-4, steps of 10 % take over. T_ord
/// is accurate to about 1e-6 of itself where it crosses, and to 1e-4 elsewhere, where of two minima whose
/// heights differ by less than 0.003 either may be taken. 10 to 500 eigenvalues by Lanczos, however different
/// the layers' couplings: 0.1 s for the shipped trained network (986 spins), 1.3 s with its weights
/// shuffled, 1.7 s for 1,021 spins whose layers' couplings differ by a factor of 10^4 (on one of two cores
/// that seven processes shared).
///
/// Takes any number of stop tokens, which it asks before each product with the couplings. Throws
/// spinet::stopped if one of them wants it, and spinet::error for a model without couplings, or where Lanczos
/// does not converge.
template <PairModel M, StopToken... Tokens>
[[nodiscard]] ordering t_ord(M const& model, Tokens const&... tokens) {
    static_assert(space_of<M> == spin_space::ising, "spinet: T_ord is that of Ising spins");
    auto const check_stop = [&] { detail::check_stop("t_ord", tokens...); };
    detail::paramagnet_hessian<M> const hessian(model, detail::function_ref<void()>(check_stop));
    double const unit = hessian.unit();
    // At lambda_max the eigenvalue is at least the smallest D_ii, in these units: the ratio is below this.
    double const bound = detail::next_possible_crossing(1.0, 1 / (1 + hessian.least()), hessian.least());
    auto const end = detail::highest_crossing(hessian, bound);
    if (end.crosses) return {end.t * unit, hessian.smallest(end.t), true, bound * unit};
    auto const [t, smallest] = detail::lowest_point(hessian);
    if (smallest > 1e-10) return {t * unit, smallest, false, bound * unit};
    double const crossing = detail::crossing_between(hessian, t, std::max(t, end.t));
    return {crossing * unit, hessian.smallest(crossing), true, bound * unit};
}

}  // namespace spinet
