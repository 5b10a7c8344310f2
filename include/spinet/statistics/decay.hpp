// SPDX-License-Identifier: BSD-3-Clause
/// How fast a correlation decays: its integral, and a stretched exponential through it.
#pragma once

#include <spinet/error.hpp>
#include <spinet/statistics/distributions.hpp>
#include <spinet/statistics/jackknife.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// A correlation C(t) with C(0) = 1, measured at common times in several independent units (replicas).
/// `times` are positive and increase (sweeps); `values` are finite, number unit * times + time. Throws
/// spinet::error for anything else, below 2 units, and without times.
class decay {
public:
    decay(std::vector<double> times, std::size_t units, std::vector<double> values)
        : times_(std::move(times)), units_(units), values_(std::move(values)) {
        check();
        sums_.assign(times_.size(), 0.0);
        for (std::size_t u = 0; u < units_; ++u)
            for (std::size_t i = 0; i < times_.size(); ++i) sums_[i] += of_unit(u, i);
    }

    [[nodiscard]] std::vector<double> const& times() const noexcept { return times_; }
    [[nodiscard]] std::size_t units() const noexcept { return units_; }
    [[nodiscard]] double of_unit(std::size_t unit, std::size_t time) const noexcept {
        return values_[unit * times_.size() + time];
    }

    /// The mean curve without unit `left_out`; left_out == units() leaves none out.
    [[nodiscard]] std::vector<double> mean(std::size_t left_out) const {
        std::vector<double> means(sums_);
        auto const n = static_cast<double>(left_out < units_ ? units_ - 1 : units_);
        for (std::size_t i = 0; i < means.size(); ++i)
            means[i] = (means[i] - (left_out < units_ ? of_unit(left_out, i) : 0.0)) / n;
        return means;
    }

    /// C at every time, with its jackknife error over units.
    [[nodiscard]] std::vector<jackknife_estimate> estimates() const {
        return jackknife(units_, [&](std::size_t left_out) { return mean(left_out); });
    }

private:
    void check() const {
        if (times_.empty()) throw error("decay: no times");
        if (units_ < 2)
            throw error("decay: expected at least 2 independent units, found " + std::to_string(units_));
        if (values_.size() != units_ * times_.size())
            throw error("decay: expected " + std::to_string(units_ * times_.size()) + " values, found " +
                        std::to_string(values_.size()));
        for (std::size_t i = 0; i < times_.size(); ++i)
            if (!(times_[i] > (i == 0 ? 0.0 : times_[i - 1])) || !std::isfinite(times_[i]))
                throw error("decay: expected positive times that increase, found " +
                            std::to_string(times_[i]) + " as time " + std::to_string(i));
        for (std::size_t k = 0; k < values_.size(); ++k)
            if (!std::isfinite(values_[k]))
                throw error("decay: the value of unit " + std::to_string(k / times_.size()) + " at time " +
                            std::to_string(k % times_.size()) + " is not finite");
    }

    std::vector<double> times_;
    std::size_t units_;
    std::vector<double> values_;
    std::vector<double> sums_;  ///< over units, of each time
};

/// Where the integral of a decay ends.
struct integral_rules {
    double window = 6;    ///< in units of the integral itself (Sokal's window)
    double small = 0.01;  ///< and C has come down to this
    /// What C is known to end at, by other means (in fields): the integral is that of (C - plateau) / (1 -
    /// plateau).
    double plateau = 0;
};

/// A time, or a lower bound of it where the decay is not over within the times observed.
struct decay_time {
    double value = 0;      ///< in the unit of the times
    double error = 0;      ///< of `value`, by jackknife over units at a fixed window
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

[[nodiscard]] inline double median(std::vector<double> of) {
    auto const middle = of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2);
    std::nth_element(of.begin(), middle, of.end());
    return *middle;
}

/// Integrals of C, 1 at 0, up to each time.
[[nodiscard]] inline std::vector<double> integrals(std::vector<double> const& times,
                                                   std::vector<double> const& curve) {
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
[[nodiscard]] inline double tail_beyond(std::vector<double> const& times, std::vector<double> const& curve,
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
        throw error("integrated_decay_time: expected a window > 0, found " + std::to_string(rules.window));
    if (!(rules.small > 0 && rules.small < 1))
        throw error("integrated_decay_time: expected `small` in (0, 1), found " +
                    std::to_string(rules.small));
    if (!(rules.plateau >= 0 && rules.plateau < 1))
        throw error("integrated_decay_time: expected a plateau in [0, 1), found " +
                    std::to_string(rules.plateau));
    auto const& times = of.times();
    struct summed {
        double sum, tail;
        std::size_t end;
        bool reached;
    };
    auto const points = of.estimates();
    auto const sum_of = [&](std::vector<double> curve) {
        for (double& c : curve) c = (c - rules.plateau) / (1 - rules.plateau);
        auto const sums = detail::integrals(times, curve);
        auto const over = [&](std::size_t i) {
            return times[i] >= rules.window * sums[i] && curve[i] <= rules.small;
        };
        std::size_t end = 0;
        while (end < times.size() && !over(end)) ++end;
        if (end == times.size()) return summed{sums.back(), 0, end - 1, false};
        // Noise may have it at 0 there, or below.
        double const noise = std::min(rules.small / 4, points[end].error / (1 - rules.plateau));
        double const at_end = std::max({curve[end], noise, 1e-300});
        return summed{sums[end], detail::tail_beyond(times, curve, end, at_end), end, true};
    };
    auto const whole = sum_of(of.mean(of.units()));
    // Where the sum ends is part of what noise decides.
    auto const tau = jackknife(of.units(), [&](std::size_t left_out) {
        auto const found = left_out == of.units() ? whole : sum_of(of.mean(left_out));
        return found.sum + found.tail;
    });
    return {tau.value, std::hypot(tau.error, whole.tail), times[whole.end], whole.tail, whole.reached};
}

/// The time at which C comes down to `level` for the first time, C being exponential between the times: what
/// the slow end of the decay, and noise there, does not change. Where it does not, the last time as a lower
/// bound: `reached` is false. Throws spinet::error for a level outside (0, 1).
[[nodiscard]] inline decay_time time_to_decay_to(decay const& of, double level = 1 / std::numbers::e) {
    if (!(level > 0 && level < 1))
        throw error("time_to_decay_to: expected a level in (0, 1), found " + std::to_string(level));
    auto const& times = of.times();
    auto const time_of = [&](std::vector<double> const& curve) {
        double time = 0, before = 1;
        for (std::size_t i = 0; i < times.size(); ++i) {
            if (curve[i] <= level) {
                double const lowest = 1e-3 * level, now = std::max(curve[i], lowest);
                return time + (times[i] - time) * std::log(before / level) / std::log(before / now);
            }
            time = times[i];
            before = curve[i];
        }
        return times.back();
    };
    auto const whole = of.mean(of.units());
    bool const reached = std::any_of(whole.begin(), whole.end(), [&](double c) { return c <= level; });
    auto const found = jackknife(of.units(), [&](std::size_t left_out) {
        return time_of(left_out == of.units() ? whole : of.mean(left_out));
    });
    return {found.value, reached ? found.error : 0, found.value, 0, reached};
}

/// What a fit of A exp(-(t / tau)^beta) + plateau may move besides A, tau and beta.
enum class plateau { none, fitted };

struct decay_fit_options {
    plateau towards = plateau::none;  ///< C goes to 0, or to a constant that is fitted too
    double from = 1;                  ///< earlier times are left out
    /// Errors below this count as this: no decay follows the form so closely, and points at short times,
    /// whose errors are tiny, would decide everything.
    double least_error = 1e-3;
};

/// A stretched exponential. Errors are those of a jackknife over units of the whole fit.
struct decay_fit {
    jackknife_estimate amplitude{}, time{}, exponent{}, plateau{};
    /// Sum of squared deviations over squared errors. Points of one curve are correlated, so that it does not
    /// follow the chi-square distribution; far above `degrees_of_freedom` it says that the form does not fit.
    double chi_square = 0;
    std::size_t degrees_of_freedom = 0;
    /// The data fix the parameters: the fit came to a minimum, with all units and without each, at a tau that
    /// is not before the first time. Otherwise nothing here means anything, and errors are NaN.
    bool determined = false;
    /// The fitted tau is within the times observed. If not, and C is above 1/e of its first value to the end,
    /// `time` is the last time, as a lower bound with an error of 0, and amplitude and exponent are
    /// extrapolations.
    bool reached = false;

    /// The fitted form at time t.
    [[nodiscard]] double operator()(double t) const {
        return amplitude.value * std::exp(-std::pow(t / time.value, exponent.value)) + plateau.value;
    }
};

namespace detail {

/// Weighted least squares of A exp(-(t / tau)^beta) + q by Levenberg and Marquardt's method, in the
/// parameters A, ln tau, ln beta and, where it is fitted, q.
class stretched_exponential_fit {
public:
    /// Errors of points from fewer units are too uncertain to be weights: a point whose error is small by
    /// chance would decide the fit. None then counts for more than one of three times the median error.
    static constexpr std::size_t units_for_weights = 16;
    static constexpr std::size_t amplitude = 0, log_time = 1, log_exponent = 2, constant = 3, most = 4;
    using parameters = std::array<double, most>;
    struct solution {
        parameters at{};
        double chi_square = std::numeric_limits<double>::infinity();
        bool converged = false;
    };

    stretched_exponential_fit(std::vector<double> times, std::vector<double> weights, bool with_constant)
        : times_(std::move(times)), weights_(std::move(weights)), count_(with_constant ? most : most - 1) {}

    [[nodiscard]] std::size_t parameters_fitted() const noexcept { return count_; }

    /// From the best few points of a grid over tau and beta, at which A and q follow by linear least squares.
    [[nodiscard]] solution solve(std::vector<double> const& values) const {
        constexpr std::size_t taken = 4;
        std::vector<solution> starts;
        for (double time = times_.front() / 4; time < 16 * times_.back(); time *= 1.5)
            for (double const exponent : {0.2, 0.35, 0.5, 0.7, 1.0, 1.4}) {
                solution start;
                start.at = linear_part(values, std::log(time), std::log(exponent));
                start.chi_square = chi_square(values, start.at);
                if (std::isfinite(start.chi_square)) starts.push_back(start);
            }
        std::sort(starts.begin(), starts.end(),
                  [](solution const& a, solution const& b) { return a.chi_square < b.chi_square; });
        solution best;
        for (std::size_t k = 0; k < std::min(taken, starts.size()); ++k) {
            auto const found = refine(values, starts[k].at);
            if (found.chi_square < best.chi_square) best = found;
        }
        return best;
    }

    /// From given parameters down to the next minimum.
    [[nodiscard]] solution refine(std::vector<double> const& values, parameters const& from) const {
        constexpr int iterations = 500;
        constexpr double settled = 1e-10, largest_damping = 1e12;
        solution now{from, chi_square(values, from), false};
        double damping = 1e-3;
        for (int n = 0; n < iterations && damping < largest_damping; ++n) {
            auto const [step, solved] = damped_step(values, now.at, damping);
            solution next{now.at, std::numeric_limits<double>::infinity(), false};
            if (solved && std::abs(step[log_time]) < 3 && std::abs(step[log_exponent]) < 1) {
                for (std::size_t p = 0; p < count_; ++p) next.at[p] += step[p];
                next.chi_square = chi_square(values, next.at);
            }
            if (!(next.chi_square <= now.chi_square)) {
                damping *= 8;
                continue;
            }
            double largest = 0;
            for (std::size_t p = 0; p < count_; ++p) largest = std::max(largest, std::abs(step[p]));
            bool const done = largest < settled * (1 + std::abs(now.at[log_time]));
            now = next;
            damping = std::max(damping / 8, 1e-12);
            if (done) {
                now.converged = true;
                break;
            }
        }
        // Where rounding lets no step improve any more, the gradient is what rounding leaves of it.
        if (damping >= largest_damping) now.converged = at_rest(values, now);
        return now;
    }

private:
    static constexpr double highest_log = 700;

    /// The form without constant and amplitude, and x = (t / tau)^beta.
    struct shape {
        double value, x, log_x;
    };
    [[nodiscard]] shape shape_at(double time, parameters const& p) const noexcept {
        double const log_x = std::exp(p[log_exponent]) * (std::log(time) - p[log_time]);
        double const x = std::exp(std::min(log_x, highest_log));
        return {std::exp(-x), x, log_x};
    }

    [[nodiscard]] double chi_square(std::vector<double> const& values, parameters const& p) const noexcept {
        double sum = 0;
        for (std::size_t i = 0; i < times_.size(); ++i) {
            double const off = values[i] - p[amplitude] * shape_at(times_[i], p).value - p[constant];
            sum += weights_[i] * off * off;
        }
        return sum;
    }

    [[nodiscard]] parameters linear_part(std::vector<double> const& values, double time,
                                         double exponent) const noexcept {
        parameters p{1, time, exponent, 0};
        double w = 0, s = 0, ss = 0, v = 0, sv = 0;
        for (std::size_t i = 0; i < times_.size(); ++i) {
            double const f = shape_at(times_[i], p).value, weight = weights_[i];
            w += weight, s += weight * f, ss += weight * f * f, v += weight * values[i],
                sv += weight * f * values[i];
        }
        if (count_ < most) {
            p[amplitude] = sv / ss;
        } else {
            p[amplitude] = (w * sv - s * v) / (w * ss - s * s);
            p[constant] = (v - p[amplitude] * s) / w;
        }
        return p;
    }

    /// J^T W J and J^T W (values - form).
    struct normal_equations {
        std::array<std::array<double, most>, most> matrix{};
        parameters right{};
    };
    [[nodiscard]] normal_equations equations(std::vector<double> const& values,
                                             parameters const& p) const noexcept {
        normal_equations all;
        for (std::size_t i = 0; i < times_.size(); ++i) {
            auto const f = shape_at(times_[i], p);
            // d/dx exp(-x) = -exp(-x); dx/d(ln tau) = -beta x; dx/d(ln beta) = x ln x.
            double const slope = f.value > 0 ? p[amplitude] * f.value * f.x : 0.0;
            parameters const gradient{f.value, slope * std::exp(p[log_exponent]), -slope * f.log_x, 1};
            double const off = values[i] - p[amplitude] * f.value - p[constant];
            for (std::size_t a = 0; a < count_; ++a) {
                all.right[a] += weights_[i] * gradient[a] * off;
                for (std::size_t b = 0; b < count_; ++b)
                    all.matrix[a][b] += weights_[i] * gradient[a] * gradient[b];
            }
        }
        return all;
    }

    /// Solves (J^T W J + damping diag) step = J^T W r by Cholesky's method; whether it could.
    [[nodiscard]] std::pair<parameters, bool> damped_step(std::vector<double> const& values,
                                                          parameters const& p,
                                                          double damping) const noexcept {
        auto [matrix, step] = equations(values, p);
        for (std::size_t a = 0; a < count_; ++a) {
            if (!(matrix[a][a] > 0)) return {step, false};
            matrix[a][a] *= 1 + damping;
        }
        for (std::size_t a = 0; a < count_; ++a)
            for (std::size_t b = 0; b <= a; ++b) {
                double sum = matrix[a][b];
                for (std::size_t c = 0; c < b; ++c) sum -= matrix[a][c] * matrix[b][c];
                if (a == b && !(sum > 0)) return {step, false};
                matrix[a][b] = a == b ? std::sqrt(sum) : sum / matrix[b][b];
            }
        for (std::size_t a = 0; a < count_; ++a) {
            for (std::size_t c = 0; c < a; ++c) step[a] -= matrix[a][c] * step[c];
            step[a] /= matrix[a][a];
        }
        for (std::size_t a = count_; a-- > 0;) {
            for (std::size_t c = a + 1; c < count_; ++c) step[a] -= matrix[c][a] * step[c];
            step[a] /= matrix[a][a];
        }
        return {step, true};
    }

    /// Is an undamped step too small to matter?
    [[nodiscard]] bool at_rest(std::vector<double> const& values, solution const& at) const noexcept {
        auto const [step, solved] = damped_step(values, at.at, 0);
        if (!solved) return false;
        for (std::size_t p = 0; p < count_; ++p)
            if (!(std::abs(step[p]) < 1e-6 * (1 + std::abs(at.at[p])))) return false;
        return true;
    }

    std::vector<double> times_;
    std::vector<double> weights_;
    std::size_t count_;
};

}  // namespace detail

/// Fits A exp(-(t / tau)^beta), with a constant if asked for, to a decay: least squares, weighted by the
/// errors of the points; where there are less than 16 units, by three times the median error at least. tau,
/// beta and the rest are jackknifed whole, the fit being made anew without each unit (with the same weights),
/// so that correlations between the points of a curve are in the errors. Throws spinet::error where there are
/// no more points than parameters, and for options that are not positive and finite.
[[nodiscard]] inline decay_fit fit_decay(decay const& of, decay_fit_options const& options = {}) {
    using fit = detail::stretched_exponential_fit;
    if (!(options.least_error > 0) || !std::isfinite(options.least_error) || !std::isfinite(options.from))
        throw error("fit_decay: expected a least error > 0 and a finite first time, found " +
                    std::to_string(options.least_error) + " and " + std::to_string(options.from));
    auto const first = static_cast<std::size_t>(
        std::lower_bound(of.times().begin(), of.times().end(), options.from) - of.times().begin());
    auto const estimates = of.estimates();
    std::vector<double> times, errors, weights;
    for (std::size_t i = first; i < estimates.size(); ++i) {
        times.push_back(of.times()[i]);
        errors.push_back(std::max(estimates[i].error, options.least_error));
    }
    std::size_t const needed = options.towards == plateau::fitted ? 5 : 4;
    if (times.size() < needed)
        throw error("fit_decay: expected at least " + std::to_string(needed) + " times from " +
                    std::to_string(options.from) + " on, found " + std::to_string(times.size()));
    double const least = of.units() < fit::units_for_weights ? 3 * detail::median(errors) : 0.0;
    for (double const error : errors) weights.push_back(1 / std::pow(std::max(error, least), 2));
    double const first_time = times.front(), last = times.back();
    fit const by(std::move(times), std::move(weights), options.towards == plateau::fitted);
    auto const values_without = [&](std::size_t left_out) {
        auto means = of.mean(left_out);
        means.erase(means.begin(), means.begin() + static_cast<std::ptrdiff_t>(first));
        return means;
    };
    auto const whole = by.solve(values_without(of.units()));
    bool const beyond = !(std::exp(whole.at[fit::log_time]) <= last);
    bool const still_up = estimates.back().value > estimates[first].value / std::numbers::e;
    bool determined =
        whole.converged && std::exp(whole.at[fit::log_time]) >= first_time && (!beyond || still_up);
    auto const all = jackknife(of.units(), [&](std::size_t left_out) {
        auto const found = left_out == of.units() ? whole : by.refine(values_without(left_out), whole.at);
        determined = determined && found.converged;
        return std::array<double, 4>{found.at[fit::amplitude], std::exp(found.at[fit::log_time]),
                                     std::exp(found.at[fit::log_exponent]), found.at[fit::constant]};
    });
    decay_fit result{all[0],     all[1], all[2],
                     all[3],     0,      of.times().size() - first - by.parameters_fitted(),
                     determined, !beyond};
    for (std::size_t i = 0; i < errors.size(); ++i) {
        double const off = (estimates[first + i].value - result(of.times()[first + i])) / errors[i];
        result.chi_square += off * off;
    }
    if (!determined)
        for (auto* each : {&result.amplitude, &result.time, &result.exponent, &result.plateau})
            each->error = std::numeric_limits<double>::quiet_NaN();
    if (beyond && still_up) result.time = {last, 0, of.units()};
    return result;
}

}  // namespace spinet
