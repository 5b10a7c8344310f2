// SPDX-License-Identifier: BSD-3-Clause
/// Extrapolation from smaller systems to a larger one by a polynomial in the inverse size.
#pragma once

#include <spinet/error.hpp>
#include <spinet/statistics/distributions.hpp>
#include <spinet/statistics/interval.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace spinet {

/// Values of independent samples of one size.
struct size_sample {
    double inverse_size;
    std::vector<double> values;
};

/// A value at the larger size, and its standard error.
struct size_estimate {
    double value = 0, error = 0;
    std::size_t degree = 0;  ///< of the polynomial that was fitted

    /// Covers the truth with the given confidence, if the polynomial is of the right degree.
    [[nodiscard]] interval confidence_interval(double confidence = 0.95) const {
        return detail::interval_about(value, error, 0, confidence);
    }
};

namespace detail {

struct weighted_mean {
    double x, y, variance;
};

/// Solves the normal equations of a polynomial of degree at most 2 in x - x0; value and error at x0, and
/// chi^2.
struct polynomial_fit {
    double value = 0, error = 0, chi_square = 0;
};
[[nodiscard]] inline polynomial_fit fitted(std::vector<weighted_mean> const& points, double x0,
                                           std::size_t degree) {
    std::size_t const n = degree + 1;
    double const unit = points.back().x;       // so that powers of x are of the order of 1
    std::array<std::array<double, 6>, 3> a{};  // the normal matrix, and to its right the unit matrix
    std::array<double, 3> b{};
    auto const power = [&](double x, std::size_t k) {
        return std::pow((x - x0) / unit, static_cast<double>(k));
    };
    for (auto const& p : points)
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < n; ++j) a[i][j] += power(p.x, i) * power(p.x, j) / p.variance;
            b[i] += power(p.x, i) * p.y / p.variance;
        }
    for (std::size_t i = 0; i < n; ++i) a[i][n + i] = 1;
    for (std::size_t i = 0; i < n; ++i) {  // positive definite: no pivots needed
        double const pivot = a[i][i];
        for (std::size_t j = 0; j < 2 * n; ++j) a[i][j] /= pivot;
        for (std::size_t r = 0; r < n; ++r)
            if (r != i) {
                double const factor = a[r][i];
                for (std::size_t j = 0; j < 2 * n; ++j) a[r][j] -= factor * a[i][j];
            }
    }
    std::array<double, 3> c{};
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) c[i] += a[i][n + j] * b[j];
    polynomial_fit fit{c[0], std::sqrt(a[0][n])};
    for (auto const& p : points) {
        double y = 0;
        for (std::size_t i = 0; i < n; ++i) y += c[i] * power(p.x, i);
        fit.chi_square += (p.y - y) * (p.y - y) / p.variance;
    }
    return fit;
}

}  // namespace detail

/// The value at inverse size `x0` of a polynomial in the inverse size, fitted to the means of each size with
/// their scatter as error: of degree 1 where that describes the means (chi^2 at p > 0.05), else of degree 2,
/// and of degree 0 where there is one size only. The error is that of the fit, times half the t-quantile of
/// two deviations for its fewest samples (it is twice the error that should cover), and times sqrt(chi^2 per
/// degree of freedom) where that exceeds 1. Throws spinet::error for less than two samples of a size, or no
/// sizes.
[[nodiscard]] inline size_estimate extrapolate_size(std::vector<size_sample> const& samples, double x0) {
    if (samples.empty()) throw error("extrapolate_size: no samples");
    std::vector<detail::weighted_mean> means;
    std::size_t fewest = samples[0].values.size();
    for (auto const& each : samples) {
        if (each.values.size() < 2)
            throw error("extrapolate_size: ", each.values.size(),
                        " samples of a size; it takes two to have an error");
        fewest = std::min(fewest, each.values.size());
        double const n = static_cast<double>(each.values.size());
        double mean = 0, squares = 0;
        for (double const y : each.values) mean += y / n;
        for (double const y : each.values) squares += (y - mean) * (y - mean);
        // Values without scatter (a fully ordered state) keep the fit regular.
        double const least = 1e-24 + 1e-20 * mean * mean;
        means.push_back({each.inverse_size, mean, std::max(squares / (n * (n - 1)), least)});
    }
    std::sort(means.begin(), means.end(), [](auto const& a, auto const& b) { return a.x < b.x; });
    std::size_t sizes = 1;
    for (std::size_t k = 1; k < means.size(); ++k) sizes += means[k].x > means[k - 1].x * (1 + 1e-9) ? 1 : 0;
    // 0.95 quantiles of chi^2 with 1 to 4 degrees of freedom.
    static constexpr std::array<double, 5> limit{0, 3.841, 5.991, 7.815, 9.488};
    std::size_t degree = std::min<std::size_t>(1, sizes - 1);
    auto fit = detail::fitted(means, x0, degree);
    auto freedom = [&] { return means.size() - degree - 1; };
    if (degree == 1 && sizes > 2 && fit.chi_square > limit[std::min<std::size_t>(4, freedom())]) {
        degree = 2;
        fit = detail::fitted(means, x0, degree);
    }
    double const stretch =
        freedom() == 0 ? 1 : std::sqrt(std::max(1.0, fit.chi_square / static_cast<double>(freedom())));
    double const quantile = student_t_quantile(0.977249868, static_cast<double>(fewest - 1)) / 2;
    return {fit.value, fit.error * stretch * quantile, degree};
}

}  // namespace spinet
