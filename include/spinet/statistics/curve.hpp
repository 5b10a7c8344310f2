// SPDX-License-Identifier: BSD-3-Clause
/// A quantity over temperature, with errors: a range of points, and its columns as arrays.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/statistics/interval.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace spinet {

/// `error` is the delete-one-replica jackknife error (68 % for the given number of replicas, conservative).
/// `tau` is the integrated autocorrelation time, in sweeps, of the observable's lead component at fixed
/// temperature (1/2 measurement interval where measurements are independent), averaged over the cohort. Under
/// exchange replicas come and go faster than they change, so that it can be far too short (docs/pitfalls.md).
/// `effective_samples` is the variance of that component over the square of its error, 0 where it never
/// changed; it comes from the replicas and has no such blind spot. A point with `equilibrated == false` is
/// not an equilibrium average. What has no value is NaN: `tau` of populations, whose measurements do not
/// follow each other in time, and everything at a temperature that an annealing has not yet reached.
struct curve_point {
    double temperature = 0;
    double value = 0;
    double error = 0;
    double tau = 0;
    double effective_samples = 0;
    bool equilibrated = false;
    std::size_t units = 0;  ///< independent units behind `error`; 0: `error` is that of a normal distribution

    /// Covers the truth with the given confidence, by Student's t (see jackknife_estimate).
    [[nodiscard]] interval confidence_interval(double confidence = 0.95) const {
        return detail::interval_about(value, error, units, confidence);
    }
};

/// Points from the lowest temperature up. Columns are row-major xtensors with one number for each point.
class curve {
public:
    curve() = default;
    explicit curve(std::vector<curve_point> points) : points_(std::move(points)) {}

    void push_back(curve_point const& point) { points_.push_back(point); }

    [[nodiscard]] std::size_t size() const noexcept { return points_.size(); }
    [[nodiscard]] bool empty() const noexcept { return points_.empty(); }
    [[nodiscard]] auto begin() const noexcept { return points_.begin(); }
    [[nodiscard]] auto end() const noexcept { return points_.end(); }
    [[nodiscard]] curve_point const& operator[](std::size_t k) const noexcept { return points_[k]; }
    [[nodiscard]] curve_point const& front() const noexcept { return points_.front(); }
    [[nodiscard]] curve_point const& back() const noexcept { return points_.back(); }

    [[nodiscard]] row_major_array<double, 1> temperatures() const {
        return column(&curve_point::temperature);
    }
    [[nodiscard]] row_major_array<double, 1> values() const { return column(&curve_point::value); }
    [[nodiscard]] row_major_array<double, 1> errors() const { return column(&curve_point::error); }
    [[nodiscard]] row_major_array<double, 1> taus() const { return column(&curve_point::tau); }
    [[nodiscard]] row_major_array<double, 1> effective_samples() const {
        return column(&curve_point::effective_samples);
    }
    /// [point, low or high], see curve_point::confidence_interval.
    template <class Real = double>
    [[nodiscard]] row_major_array<Real, 2> confidence_intervals(double confidence = 0.95) const {
        auto bounds = row_major_array<Real, 2>::from_shape({size(), 2});
        for (std::size_t k = 0; k < size(); ++k) {
            auto const of_point = points_[k].confidence_interval(confidence);
            bounds(k, 0) = of_point.low, bounds(k, 1) = of_point.high;
        }
        return bounds;
    }
    template <class Bool = bool>
    [[nodiscard]] row_major_array<Bool, 1> equilibrated() const {
        return column(&curve_point::equilibrated);
    }

private:
    template <class T>
    [[nodiscard]] row_major_array<T, 1> column(T curve_point::*of) const {
        auto numbers = row_major_array<T, 1>::from_shape({size()});
        for (std::size_t k = 0; k < size(); ++k) numbers(k) = points_[k].*of;
        return numbers;
    }

    std::vector<curve_point> points_;
};

}  // namespace spinet
