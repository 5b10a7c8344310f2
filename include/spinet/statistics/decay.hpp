// SPDX-License-Identifier: BSD-3-Clause
/// A correlation that decays in time: its integral, and the time at which it comes down to a level.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>
#include <spinet/statistics/distributions.hpp>
#include <spinet/statistics/jackknife.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

namespace spinet {

/// A correlation C(t) with C(0) = 1, measured at common times in several independent units (replicas).
class decay {
public:
    /// `times` (sweeps) are positive and increase; `values` has one row for each unit and one column for each
    /// time. Both may be any xtensor expression; they are copied. Throws spinet::error for other shapes,
    /// below 2 units, without times, and for values that are not finite.
    template <class Times, class Values>
    decay(Times&& times, Values&& values)
        : times_(detail::row_major_copy<double, 1>(std::forward<Times>(times), "decay: times")),
          values_(detail::row_major_copy<double, 2>(std::forward<Values>(values), "decay: values")),
          sums_(row_major_array<double, 1>::from_shape({times_.size()})) {
        check();
        sums_.fill(0.0);
        for (std::size_t u = 0; u < units(); ++u)
            for (std::size_t i = 0; i < times_.size(); ++i) sums_(i) += values_(u, i);
    }

    [[nodiscard]] row_major_array<double, 1> const& times() const noexcept { return times_; }
    [[nodiscard]] std::size_t units() const noexcept { return values_.shape(0); }
    /// [unit, time].
    [[nodiscard]] row_major_array<double, 2> const& values() const noexcept { return values_; }

    /// C at every time: the mean over units.
    [[nodiscard]] row_major_array<double, 1> mean() const { return mean_without(units()); }
    /// The same without one unit; left_out == units() leaves none out.
    [[nodiscard]] row_major_array<double, 1> mean_without(std::size_t left_out) const {
        row_major_array<double, 1> means(sums_);
        for (std::size_t i = 0; i < means.size(); ++i) means(i) = mean_at(i, left_out);
        return means;
    }

    /// The error of the mean at every time, with Student's factor.
    [[nodiscard]] row_major_array<double, 1> errors() const { return errors_without(units()); }
    /// The same without one unit. Throws spinet::error where one is left.
    [[nodiscard]] row_major_array<double, 1> errors_without(std::size_t left_out) const {
        std::vector<std::size_t> kept;
        for (std::size_t u = 0; u < units(); ++u)
            if (u != left_out) kept.push_back(u);
        row_major_array<double, 1> found(sums_);
        for (std::size_t i = 0; i < found.size(); ++i)
            found(i) = mean_of_draws(kept.size(), [&](std::size_t k) { return values_(kept[k], i); }).error;
        return found;
    }

private:
    [[nodiscard]] double mean_at(std::size_t i, std::size_t left_out) const {
        bool const none = left_out >= units();
        return (sums_(i) - (none ? 0.0 : values_(left_out, i))) /
               static_cast<double>(none ? units() : units() - 1);
    }

    void check() const {
        if (times_.size() == 0) throw error("decay: no times");
        if (units() < 2) throw error("decay: expected at least 2 independent units, found ", units());
        if (values_.shape(1) != times_.size())
            throw error("decay: expected values of shape (units, ", times_.size(), "), found ",
                        detail::tuple_text(values_.shape()));
        for (std::size_t i = 0; i < times_.size(); ++i)
            if (!(times_(i) > (i == 0 ? 0.0 : times_(i - 1))) || !std::isfinite(times_(i)))
                throw error("decay: expected positive times that increase, found ", times_(i), " as time ",
                            i);
        for (std::size_t u = 0; u < units(); ++u)
            for (std::size_t i = 0; i < times_.size(); ++i)
                if (!std::isfinite(values_(u, i)))
                    throw error("decay: the value of unit ", u, " at time ", i, " is not finite");
    }

    row_major_array<double, 1> times_;
    row_major_array<double, 2> values_;
    row_major_array<double, 1> sums_;  ///< over units, of each time
};

/// Where the integral of a decay ends.
struct integral_rules {
    double window = 6;    ///< in units of the integral itself (Sokal's window)
    double small = 0.01;  ///< and C has come down to this
    /// What C is known to end at, by other means (in fields): the integral is that of (C - plateau) / (1 -
    /// plateau).
    double plateau = 0;
    double confidence = 0.95;  ///< of decay_time::low and high
};

/// A time, or a lower bound of it where the decay is not over within the times observed.
struct decay_time {
    double value = 0;  ///< in the unit of the times
    double error =
        0;            ///< of `value`, one error, with Student's factor for the units (see jackknife_estimate)
    double low = 0;   ///< between `low` and `high` is the truth with the confidence that was asked for;
    double high = 0;  ///< where `reached` is false, neither says anything
    double window = 0;     ///< the time at which the integral ends
    double tail = 0;       ///< what was added for the times beyond
    bool reached = false;  ///< false: C had not decayed by the last time, and `value`, the integral up to
                           ///< there, is a lower bound as long as C stays positive
};

namespace detail {

/// The integral from one time to the next: that of an exponential through both values; of a straight line
/// where there is none, or where noise makes it steep.
[[nodiscard]] inline double area_between(double step, double from, double to) noexcept {
    constexpr double steepest = 20, flat = 1e-3;
    if (!(from > 0) || !(to > from / steepest) || !(to < from * steepest)) return step * (from + to) / 2;
    double const slope = std::log(to / from);
    if (std::abs(slope) < flat) return step * (from + to) / 2;  // right to slope^2 / 12
    return step * (to - from) / slope;
}

/// Integrals of C, 1 at 0, up to each time.
[[nodiscard]] inline std::vector<double> integrals(std::span<double const> times,
                                                   std::span<double const> curve) {
    std::vector<double> sums(times.size());
    double sum = 0, time = 0, before = 1;
    for (std::size_t i = 0; i < times.size(); ++i) {
        sums[i] = sum += area_between(times[i] - time, before, curve[i]);
        time = times[i];
        before = curve[i];
    }
    return sums;
}

/// The integral beyond the time numbered `end` of the stretched exponential that begins at 1 and goes through
/// `at_end` there, with the exponent that it has had since C was ten times that.
[[nodiscard]] inline double tail_beyond(std::span<double const> times, std::span<double const> curve,
                                        std::size_t end, double at_end) {
    std::size_t before = end;
    while (before > 0 && !(curve[before] >= 10 * at_end)) --before;
    double const drop = -std::log(at_end), earlier = -std::log(std::min(curve[before], 1 - 1e-9));
    double exponent = 1;
    if (before < end && curve[before] > at_end)
        exponent = std::clamp(std::log(drop / earlier) / std::log(times[end] / times[before]), 0.2, 2.0);
    double const order = 1 / exponent, tau = times[end] * std::pow(drop, -order);
    return tau * std::tgamma(1 + order) * incomplete_gamma_upper(order, drop);
}

}  // namespace detail

/// tau_int, the integral of C(t) over all times: of A exp(-(t/tau)^beta), what a fit would call A tau Gamma(1
/// + 1/beta). It is summed up to the first time that is at least `window` times the integral so far and at
/// which C is at most `small`; what is beyond is estimated from how C falls there, added, and counted as an
/// error of its own size. Between the times C is taken to be exponential, which on a grid of 10 times a
/// decade is right to 0.4 % for stretched exponentials of beta 0.3 and more. A second decay below `small`,
/// however slow, is not seen. Where no time qualifies, the result is a lower bound and says so: `reached` is
/// false. Throws spinet::error for a window that is not
/// positive, a `small` outside (0, 1) and a plateau outside [0, 1).
[[nodiscard]] inline decay_time integrated_decay_time(decay const& of, integral_rules const& rules = {}) {
    if (!(rules.window > 0) || !std::isfinite(rules.window))
        throw error("integrated_decay_time: expected a window > 0, found ", rules.window);
    if (!(rules.small > 0 && rules.small < 1))
        throw error("integrated_decay_time: expected `small` in (0, 1), found ", rules.small);
    if (!(rules.plateau >= 0 && rules.plateau < 1))
        throw error("integrated_decay_time: expected a plateau in [0, 1), found ", rules.plateau);
    auto const& times = of.times();
    struct summed {
        double sum, tail;
        std::size_t end;
        bool reached;
    };
    auto const errors = of.errors();
    auto const sum_of = [&](row_major_array<double, 1> curve) {
        for (double& c : curve) c = (c - rules.plateau) / (1 - rules.plateau);
        auto const sums = detail::integrals(times, curve);
        auto const over = [&](std::size_t i) {
            return times[i] >= rules.window * sums[i] && curve[i] <= rules.small;
        };
        std::size_t end = 0;
        while (end < times.size() && !over(end)) ++end;
        if (end == times.size()) return summed{sums.back(), 0, end - 1, false};
        // Noise may have it at 0 there, or below.
        double const noise = std::min(rules.small / 4, errors(end) / (1 - rules.plateau));
        double const at_end = std::max({curve[end], noise, 1e-300});
        return summed{sums[end], detail::tail_beyond(times, curve, end, at_end), end, true};
    };
    auto const whole = sum_of(of.mean());
    // Noise also decides where the sum ends, so that each resample finds its own end.
    auto const tau = jackknife(of.units(), [&](std::size_t left_out) {
        auto const found = left_out == of.units() ? whole : sum_of(of.mean_without(left_out));
        return found.sum + found.tail;
    });
    double const error = std::hypot(tau.error, whole.tail);
    auto const bounds = detail::interval_about(tau.value, error, of.units(), rules.confidence);
    return {tau.value, error, bounds.low, bounds.high, times[whole.end], whole.tail, whole.reached};
}

/// The time at which C comes down to `level` for the first time, C being exponential between the times: the
/// slow end of the decay and its noise do not change it. Its bounds are the first time at which C less its
/// errors, times Student's factor for the confidence, is at the level, and the last at which C and as many
/// errors are above it; `error` is half of what is between the bounds of one error. (A jackknife of the time
/// would miss that noise makes the first time an early one.) Where C does not come down, the last time is a
/// lower bound: `reached` is false. Throws spinet::error for a level or a confidence outside (0, 1).
[[nodiscard]] inline decay_time time_to_decay_to(decay const& of, double level = 1 / std::numbers::e,
                                                 double confidence = 0.95) {
    if (!(level > 0 && level < 1)) throw error("time_to_decay_to: expected a level in (0, 1), found ", level);
    auto const &times = of.times(), means = of.mean(), errors = of.errors();
    auto const curve = [&](std::size_t i, double raised) { return means(i) + raised * errors(i); };
    // Where an exponential from `above` the level to `below` it meets it; the time before the first is 0.
    auto const crossing = [&](std::size_t i, double above, double below) {
        double const lowest = 1e-3 * level, from = i == 0 ? 0 : times(i - 1);
        return from + (times(i) - from) * std::log(above / level) / std::log(above / std::max(below, lowest));
    };
    auto const before = [&](std::size_t i, double raised) { return i == 0 ? 1.0 : curve(i - 1, raised); };
    auto const first_below = [&](double raised) {
        for (std::size_t i = 0; i < times.size(); ++i)
            if (curve(i, raised) <= level) return crossing(i, before(i, raised), curve(i, raised));
        return times(times.size() - 1);
    };
    auto const last_above = [&](double raised) {
        for (std::size_t i = times.size(); i-- > 0;)
            if (before(i, raised) > level)
                return curve(i, raised) > level ? times(i) : crossing(i, before(i, raised), curve(i, raised));
        return 0.0;
    };
    double const value = first_below(0), wide = detail::errors_to_confidence(of.units(), confidence);
    bool const reached = std::any_of(means.begin(), means.end(), [&](double c) { return c <= level; });
    double const error = reached ? (last_above(1) - first_below(-1)) / 2 : 0;
    return {value, error, first_below(-wide), last_above(wide), value, 0, reached};
}

}  // namespace spinet
