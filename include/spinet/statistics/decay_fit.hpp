// SPDX-License-Identifier: BSD-3-Clause
/// A stretched exponential through a decay, by least squares (Levenberg and Marquardt).
#pragma once

#include <spinet/error.hpp>
#include <spinet/statistics/decay.hpp>
#include <spinet/statistics/jackknife.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

namespace spinet {

/// The plateau of a fit of A exp(-(t / tau)^beta) + plateau: zero, or a fourth parameter.
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
    /// The data determine the parameters: the fit reached a minimum, with all units and without each, at a
    /// tau that is not before the first time. Otherwise the parameters mean nothing, and their errors are
    /// NaN.
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

[[nodiscard]] inline double median(std::vector<double> of) {
    auto const middle = of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2);
    std::nth_element(of.begin(), middle, of.end());
    return *middle;
}

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
/// beta and the rest are jackknifed whole, weights and fit being made anew without each unit, so that
/// correlations between the points of a curve and the noise of the weights are in the errors. Throws
/// spinet::error where there are no more points than parameters, and for options that are not positive and
/// finite.
[[nodiscard]] inline decay_fit fit_decay(decay const& of, decay_fit_options const& options = {}) {
    using fit = detail::stretched_exponential_fit;
    if (!(options.least_error > 0) || !std::isfinite(options.least_error) || !std::isfinite(options.from))
        throw error("fit_decay: expected a least error > 0 and a finite first time, found ",
                    options.least_error, " and ", options.from);
    auto const first = static_cast<std::size_t>(
        std::lower_bound(of.times().begin(), of.times().end(), options.from) - of.times().begin());
    std::size_t const points = of.times().size() - first, needed = options.towards == plateau::fitted ? 5 : 4;
    if (points < needed)
        throw error("fit_decay: expected at least ", needed, " times from ", options.from, " on, found ",
                    points);
    auto const from_first = [&](auto const& array) {
        return std::vector<double>(array.begin() + static_cast<std::ptrdiff_t>(first), array.end());
    };
    auto const errors_without = [&](std::size_t left_out) {
        auto found = from_first(of.errors_without(left_out));
        for (double& error : found) error = std::max(error, options.least_error);
        return found;
    };
    auto const means = from_first(of.mean()), errors = errors_without(of.units());
    double const first_time = of.times()(first), last = of.times()(of.times().size() - 1);
    auto const fit_without = [&](std::size_t left_out) {
        auto weights = of.units() > 2 ? errors_without(left_out) : errors;  // one unit has no error
        double const least = of.units() < fit::units_for_weights ? 3 * detail::median(weights) : 0.0;
        for (double& each : weights) each = 1 / std::pow(std::max(each, least), 2);
        return fit(from_first(of.times()), std::move(weights), options.towards == plateau::fitted);
    };
    auto const by = fit_without(of.units());
    auto const whole = by.solve(means);
    bool const beyond = !(std::exp(whole.at[fit::log_time]) <= last);
    bool const still_up = means.back() > means.front() / std::numbers::e;
    bool determined =
        whole.converged && std::exp(whole.at[fit::log_time]) >= first_time && (!beyond || still_up);
    auto const all = jackknife(of.units(), [&](std::size_t left_out) {
        auto const found = left_out == of.units() ? whole
                                                  : fit_without(left_out).refine(
                                                        from_first(of.mean_without(left_out)), whole.at);
        determined = determined && found.converged;
        return std::array<double, 4>{found.at[fit::amplitude], std::exp(found.at[fit::log_time]),
                                     std::exp(found.at[fit::log_exponent]), found.at[fit::constant]};
    });
    decay_fit result{all[0], all[1], all[2], all[3], 0, points - by.parameters_fitted(), determined, !beyond};
    for (std::size_t i = 0; i < errors.size(); ++i) {
        double const off = (means[i] - result(of.times()(first + i))) / errors[i];
        result.chi_square += off * off;
    }
    if (!determined)
        for (auto* each : {&result.amplitude, &result.time, &result.exponent, &result.plateau})
            each->error = std::numeric_limits<double>::quiet_NaN();
    if (beyond && still_up) result.time = {last, 0, of.units()};
    return result;
}

}  // namespace spinet
