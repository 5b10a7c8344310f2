// SPDX-License-Identifier: BSD-3-Clause
/// Averages over disorder: over networks or sets of couplings; all other averages are over replicas of one of
/// them.
#pragma once

#include <spinet/error.hpp>
#include <spinet/statistics/bootstrap.hpp>
#include <spinet/statistics/jackknife.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

namespace spinet {

/// Thermal averages of several samples of the disorder, a row of `columns` numbers to a sample: <q^2> and
/// <q^4> at one temperature, say, from mean_square_overlap(run)[k].value and the like. Samples must be
/// independent: couplings, spins and draws of their own (`child_seed`; docs/pitfalls.md).
class disorder_samples {
public:
    /// Throws spinet::error for 0 columns.
    explicit disorder_samples(std::size_t columns) : columns_(columns), sums_(columns, 0.0) {
        if (columns == 0) throw error("disorder_samples: expected at least 1 column, found 0");
    }

    /// One sample. Throws spinet::error unless there are as many numbers as columns, all finite.
    void add(std::span<double const> averages, bool equilibrated) {
        if (averages.size() != columns_)
            throw error("disorder_samples: expected ", columns_, " numbers, found ", averages.size());
        for (std::size_t c = 0; c < columns_; ++c)
            if (!std::isfinite(averages[c]))
                throw error("disorder_samples: number ", c, " of sample ", size(), " is not finite");
        values_.insert(values_.end(), averages.begin(), averages.end());
        for (std::size_t c = 0; c < columns_; ++c) sums_[c] += averages[c];
        if (!equilibrated) ++not_equilibrated_;
    }

    [[nodiscard]] std::size_t size() const noexcept { return values_.size() / columns_; }
    [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
    [[nodiscard]] std::size_t not_equilibrated() const noexcept { return not_equilibrated_; }
    [[nodiscard]] double value(std::size_t sample, std::size_t column = 0) const {
        check(column);
        if (sample >= size())
            throw error("disorder_samples: expected a sample below ", size(), ", found ", sample);
        return values_[sample * columns_ + column];
    }

    /// [column]. Throws spinet::error without samples.
    [[nodiscard]] double mean(std::size_t column = 0) const {
        if (values_.empty()) throw error("disorder_samples: no samples, so no mean");
        return mean_without(size(), column);
    }
    /// [column] without one sample; left_out == size() leaves none out.
    [[nodiscard]] double mean_without(std::size_t left_out, std::size_t column) const {
        check(column);
        bool const none = left_out >= size();
        return (sums_[column] - (none ? 0.0 : values_[left_out * columns_ + column])) /
               static_cast<double>(none ? size() : size() - 1);
    }

    /// [column] over samples that may repeat.
    [[nodiscard]] double mean_of(std::span<std::size_t const> chosen, std::size_t column) const {
        check(column);
        double sum = 0;
        for (std::size_t const s : chosen) sum += value(s, column);
        return sum / static_cast<double>(chosen.size());
    }

private:
    void check(std::size_t column) const {
        if (column >= columns_)
            throw error("disorder_samples: expected a column below ", columns_, ", found ", column);
    }

    std::size_t columns_;
    std::vector<double> values_;
    std::vector<double> sums_;
    std::size_t not_equilibrated_ = 0;
};

struct disorder_estimate {
    double value = 0;
    double error = 0;  ///< over samples: of disorder and, with it, of the thermal noise in each
    std::size_t samples = 0;
    /// So many of them were not equilibrated: unless this is 0, `value` is no equilibrium average.
    std::size_t not_equilibrated = 0;

    /// Covers the truth with the given confidence, by Student's t (see jackknife_estimate).
    [[nodiscard]] interval confidence_interval(double confidence = 0.95) const {
        return detail::interval_about(value, error, samples, confidence);
    }
};

/// `f(mean)` of averages over disorder, mean(c) being [column c]: for Binder's g, with columns <q^2> and
/// <q^4>,
/// `[](auto mean) { return (3 - mean(1) / (mean(0) * mean(0))) / 2; }`, which is not the average of the g of
/// single samples; for chi_SG, N times mean(0). The error is a jackknife over samples of f as a whole. Throws
/// spinet::error below 2 samples and where f of the averages is not finite.
template <class F>
    requires(!std::convertible_to<F, std::size_t>)
[[nodiscard]] disorder_estimate disorder_average(disorder_samples const& of, F&& f) {
    auto const found = jackknife(of.size(), [&](std::size_t left_out) {
        return static_cast<double>(f([&](std::size_t column) { return of.mean_without(left_out, column); }));
    });
    if (!std::isfinite(found.value)) throw error("disorder_average: f of the averages is not finite");
    return {found.value, found.error, of.size(), of.not_equilibrated()};
}

/// The plain average of one column.
[[nodiscard]] inline disorder_estimate disorder_average(disorder_samples const& of, std::size_t column = 0) {
    return disorder_average(of, [&](auto mean) { return mean(column); });
}

/// The same f with errors by bootstrap over samples: for many samples, and for an interval that need not be
/// symmetric (distributions over disorder are often broad).
template <class F>
[[nodiscard]] bootstrap_estimate disorder_bootstrap(disorder_samples const& of, F&& f,
                                                    bootstrap_options const& options = {}) {
    return bootstrap(
        of.size(),
        [&](std::span<std::size_t const> chosen) {
            return static_cast<double>(f([&](std::size_t column) { return of.mean_of(chosen, column); }));
        },
        options);
}

}  // namespace spinet
