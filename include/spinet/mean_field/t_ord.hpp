// SPDX-License-Identifier: BSD-3-Clause
/// T_ord: the temperature at which a given model orders, from the TAP Hessian of its paramagnet.
#pragma once

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
template <PairModel M>
class paramagnet_hessian {
public:
    explicit paramagnet_hessian(M const& model) : model_(&model), product_(model.size()) {
        using real = typename M::spin_type;
        unit_ = largest_eigenvalue_of(model.size(), coupling_product<M>{model}, {.tolerance = 1e-8});
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
    /// Below this t, rounding leaves nothing of the smallest eigenvalue: the largest are most() / t^2.
    [[nodiscard]] double lowest_t() const noexcept {
        return std::max(1e-4 * std::sqrt(most_), std::sqrt(least_));
    }

    /// The smallest eigenvalue of A(t), t in units of lambda_max.
    [[nodiscard]] double smallest(double t) const {
        // Tolerances are relative to the largest |eigenvalue|, which grows as 1 / t^2.
        lanczos_options const wanted{.tolerance = std::max(1e-14, 1e-6 / (1 + most_ / (t * t)))};
        return -largest_eigenvalue_of(
            model_->size(),
            [&](std::span<double const> x, std::span<double> y) {
                multiply_by_couplings(*model_, x, product_);
                for (std::size_t i = 0; i < x.size(); ++i)
                    y[i] = product_[i] / (unit_ * t) - x[i] * (1 + squares_[i] / (t * t));
            },
            wanted);
    }

private:
    M const* model_;
    double unit_ = 0;
    double least_ = std::numeric_limits<double>::infinity();
    double most_ = 0;
    std::vector<double> squares_;
    mutable std::vector<double> product_;
};

/// The temperature below `t` down to which no crossing can lie, if the smallest eigenvalue of T + D/T - J is
/// `gap` at t; 0 if none lies anywhere below. With T falling that eigenvalue falls by at most 1 - D_ii / T^2
/// for the smallest D_ii.
[[nodiscard]] inline double next_possible_crossing(double t, double gap, double least) {
    double const sum = t + least / t - gap;
    double const discriminant = sum * sum - 4 * least;
    return discriminant < 0 || sum <= 0 ? 0.0 : (sum + std::sqrt(discriminant)) / 2;
}

/// The largest t from lowest_t() on at which A(t) has an eigenvalue <= 0, or 0. Walks down from the bound in
/// steps too short to step over a crossing.
template <PairModel M>
[[nodiscard]] double highest_crossing(paramagnet_hessian<M> const& hessian, double from) {
    constexpr std::size_t most_steps = 100'000;
    double t = from;
    for (std::size_t step = 0; t > hessian.lowest_t(); ++step) {
        if (step == most_steps) throw error("t_ord: no end after ", step, " steps");
        double const smallest = hessian.smallest(t);
        if (smallest <= 1e-10) return t;
        double const next = next_possible_crossing(t, t * smallest, hessian.least());
        if (next >= t * (1 - 1e-12)) return t;
        t = next;
    }
    return 0;
}

/// The t at which the smallest eigenvalue of A(t) is least, and that eigenvalue. For a fixed vector it is a
/// parabola in 1 / t whose minimum lies above sqrt(least); `from` to `to` holds the minimum of all that is
/// not below lowest_t().
template <PairModel M>
[[nodiscard]] std::pair<double, double> lowest_point(paramagnet_hessian<M> const& hessian) {
    double const from = std::log(hessian.lowest_t());
    double const sample = 2 * hessian.most();
    double const to =
        std::max(from, -std::log(1 - hessian.smallest(sample)));  // 1 - 1/t bounds it from below
    auto const value = [&](double log_t) { return hessian.smallest(std::exp(log_t)); };
    auto const steps = static_cast<std::size_t>(std::ceil((to - from) / 0.1)) + 1;
    double const width = (to - from) / static_cast<double>(steps);
    double best = from, least = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k <= steps; ++k) {
        double const log_t = from + width * static_cast<double>(k);
        double const here = value(log_t);
        if (here < least) {
            least = here;
            best = log_t;
        }
    }
    constexpr double golden = 0.6180339887498949;
    double low = best - width, high = best + width;
    double a = high - golden * (high - low), b = low + golden * (high - low);
    double at_a = value(a), at_b = value(b);
    while (high - low > 1e-4) {
        if (at_a < at_b) {
            high = std::exchange(b, a);
            at_b = at_a;
            a = high - golden * (high - low);
            at_a = value(a);
        } else {
            low = std::exchange(a, b);
            at_a = at_b;
            b = low + golden * (high - low);
            at_b = value(b);
        }
    }
    return {std::exp((low + high) / 2), value((low + high) / 2)};
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
/// T_ord is accurate to about 1e-6 of itself where it crosses, and to 1e-4 elsewhere, where of two minima
/// whose heights differ by less than 0.003 either may be taken. 10 to 200 eigenvalues by Lanczos: 0.05 s for
/// the shipped trained network (986 spins), 0.6 s with its weights shuffled. Throws spinet::error for a model
/// without couplings, or where Lanczos does not converge.
template <PairModel M>
[[nodiscard]] ordering t_ord(M const& model) {
    static_assert(space_of<M> == spin_space::ising, "spinet: T_ord is that of Ising spins");
    detail::paramagnet_hessian<M> const hessian(model);
    double const bound = detail::next_possible_crossing(1.0, hessian.least(), hessian.least());
    double const crossing = detail::highest_crossing(hessian, bound);
    if (crossing > 0)
        return {crossing * hessian.unit(), hessian.smallest(crossing), true, bound * hessian.unit()};
    auto const [t, smallest] = detail::lowest_point(hessian);
    return {t * hessian.unit(), smallest, false, bound * hessian.unit()};
}

}  // namespace spinet
