// SPDX-License-Identifier: BSD-3-Clause
/// Delete-one-unit jackknife: the error of anything computed from independent units, pairs of units included.
#pragma once

#include <spinet/error.hpp>
#include <spinet/statistics/distributions.hpp>
#include <spinet/statistics/interval.hpp>

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <span>
#include <vector>

namespace spinet {

/// A value and its error. `error` is the jackknife standard error times the Student factor that makes value
/// +- error cover 68.27 % at units - 1 degrees of freedom (1.84 for 2 units, 1.20 for 4, 1.03 for 16).
struct jackknife_estimate {
    double value;       ///< the estimate from all units, without bias correction
    double error;       ///< in the unit of value
    std::size_t units;  ///< how many independent units stand behind it

    /// Covers the truth with the given confidence, by Student's t: at 95 %, 2.66 errors to each side for 4
    /// units, 2.21 for 8, 2.06 for 16. Two errors are 90 % for 4 units.
    [[nodiscard]] interval confidence_interval(double confidence = 0.95) const {
        return detail::interval_about(value, error, units, confidence);
    }
};

/// What a scalar jackknife asks for: estimate(left_out) is the estimate from all units but one; left_out
/// equal to the number of units leaves none out.
template <class Estimate>
concept ScalarEstimate = requires(Estimate& estimate, std::size_t left_out) {
    { estimate(left_out) } -> std::convertible_to<double>;
};

namespace detail {
template <class Range>
auto first_of(Range&& range) -> decltype(*std::begin(range));
}

/// The same for several numbers at once (a curve, a histogram): a range of equal length at every call.
template <class Estimate>
concept VectorEstimate = requires(Estimate& estimate, std::size_t left_out) {
    { detail::first_of(estimate(left_out)) } -> std::convertible_to<double>;
};

namespace detail {

inline void require_jackknife_units(std::size_t units) {
    if (units < 2) throw error("jackknife: expected at least 2 independent units, found ", units);
}

/// Half the width of the 68.27 % interval of Student's t, in standard errors.
inline double one_error_factor(std::size_t units) {
    return student_t_quantile(normal_cdf(1.0), static_cast<double>(units - 1));
}

/// From the estimate with none left out and those with one left out each.
inline jackknife_estimate finish_jackknife(double value, std::span<double const> left_out, double factor) {
    double const n = static_cast<double>(left_out.size());
    double sum = 0.0;
    for (double const theta : left_out) sum += theta - value;  // about the value: no cancellation
    double const shift = sum / n;
    double squares = 0.0;
    for (double const theta : left_out) squares += (theta - value - shift) * (theta - value - shift);
    return {value, std::sqrt((n - 1.0) / n * squares) * factor, left_out.size()};
}

template <class Range>
std::vector<double> to_doubles(Range&& range) {
    std::vector<double> values;
    for (auto const& value : range) values.push_back(static_cast<double>(value));
    return values;
}

}  // namespace detail

/// The mean of f(0), ..., f(count - 1), independent of each other, and the error of their scatter, with
/// Student's factor. Throws spinet::error below 2.
template <class F>
[[nodiscard]] jackknife_estimate mean_of_draws(std::size_t count, F&& f) {
    if (count < 2) throw error("mean_of_draws: expected at least 2 draws, found ", count);
    double mean = 0, squares = 0;  // Welford's
    for (std::size_t k = 0; k < count; ++k) {
        double const found = f(k), change = found - mean;
        mean += change / static_cast<double>(k + 1);
        squares += change * (found - mean);
    }
    auto const n = static_cast<double>(count);
    return {mean, std::sqrt(squares / (n * (n - 1))) * detail::one_error_factor(count), count};
}

/// The delete-one jackknife over `units` independent units (Tukey 1958; Efron and Stein, Ann. Stat. 9, 586,
/// 1981): error^2 = (n - 1) / n * sum of (theta_i - mean theta)^2, widened by Student's factor. Derived
/// quantities (a ratio, a Binder parameter) go in whole: estimate computes them anew each time, n + 1 times
/// in all.
///
/// Units must be independent: ladders that exchange or share cluster moves are one unit together. The error
/// is conservative on average: it is that of n - 1 units, and second-order terms count twice. What it covers
/// depends on the shape of the distribution too: with 16 units, means over pairs covered 62 to 85 % within
/// one error and 83 to 99 % within two, the low ends for skewed ones (tests/statistics/jackknife_test.cpp).
/// Throws spinet::error below 2 units; two to three units give an error bar that is honest but wide.
template <ScalarEstimate Estimate>
jackknife_estimate jackknife(std::size_t units, Estimate&& estimate) {
    detail::require_jackknife_units(units);
    std::vector<double> left_out(units);
    for (std::size_t i = 0; i < units; ++i) left_out[i] = static_cast<double>(estimate(i));
    return detail::finish_jackknife(static_cast<double>(estimate(units)), left_out,
                                    detail::one_error_factor(units));
}

/// Several numbers at once, one result for each. Throws spinet::error below 2 units or if the lengths differ.
template <VectorEstimate Estimate>
std::vector<jackknife_estimate> jackknife(std::size_t units, Estimate&& estimate) {
    detail::require_jackknife_units(units);
    std::vector<double> const all = detail::to_doubles(estimate(units));
    std::vector<std::vector<double>> left_out(all.size(), std::vector<double>(units));
    for (std::size_t i = 0; i < units; ++i) {
        std::vector<double> const values = detail::to_doubles(estimate(i));
        if (values.size() != all.size()) {
            throw error("jackknife: expected ", all.size(), " values with unit ", i, " left out, found ",
                        values.size());
        }
        for (std::size_t k = 0; k < all.size(); ++k) left_out[k][i] = values[k];
    }
    std::vector<jackknife_estimate> results;
    double const factor = detail::one_error_factor(units);
    for (std::size_t k = 0; k < all.size(); ++k)
        results.push_back(detail::finish_jackknife(all[k], left_out[k], factor));
    return results;
}

/// Refuses everything else.
template <class Estimate>
    requires(!ScalarEstimate<Estimate> && !VectorEstimate<Estimate>)
void jackknife(std::size_t, Estimate&&) {
    static_assert(
        ScalarEstimate<Estimate>,
        "spinet: jackknife takes an estimate(left_out) that returns a number or a range of numbers");
}

/// Sums of numbers that belong to sets of units, kept so that the mean without one unit (which takes all sets
/// with it in them) costs one subtraction. For pairs of R units that is R (R - 1) / 2 calls of add, then O(1)
/// for each mean and O(R^2) for a whole jackknife.
///
/// `columns` numbers go with every set (q^2 and q^4 for a Binder parameter). A set may be added more than
/// once (several ladders to a unit); weights then say how much each entry counts.
class jackknife_sums {
public:
    /// Throws spinet::error below 3 units (leaving one out of 2 leaves no pair) or for 0 columns.
    explicit jackknife_sums(std::size_t units, std::size_t columns = 1) : units_(units), columns_(columns) {
        if (units < 3) throw error("jackknife_sums: expected at least 3 units, found ", units);
        if (columns == 0) throw error("jackknife_sums: expected at least 1 column, found 0");
        weights_.assign(units + 1, 0.0);
        sums_.assign((units + 1) * columns, 0.0);
    }

    [[nodiscard]] std::size_t units() const noexcept { return units_; }
    [[nodiscard]] std::size_t columns() const noexcept { return columns_; }

    /// Adds the numbers of a set of different units, in any order. Throws spinet::error where a unit appears
    /// twice (it is not independent of itself) or is out of range, values.size() != columns, or weight < 0.
    void add(std::span<std::size_t const> set, std::span<double const> values, double weight = 1.0) {
        for (std::size_t k = 0; k < set.size(); ++k) {
            if (set[k] >= units_)
                throw error("jackknife_sums: expected units below ", units_, ", found ", set[k]);
            for (std::size_t j = 0; j < k; ++j)
                if (set[j] == set[k]) throw error("jackknife_sums: unit ", set[k], " appears twice in a set");
        }
        if (values.size() != columns_ || !(weight >= 0.0))
            throw error("jackknife_sums: expected ", columns_, " values with a weight >= 0, found ",
                        values.size(), " with weight ", weight);
        for (std::size_t const unit : set) accumulate(unit, values, weight);
        accumulate(units_, values, weight);
    }

    /// One column of the pair of units a and b.
    void add(std::size_t a, std::size_t b, double value) {
        std::array<std::size_t, 2> const pair{a, b};
        add(pair, std::span<double const>(&value, 1));
    }

    /// Mean of a column over all sets without unit `left_out`; left_out == units() leaves none out. Throws
    /// spinet::error if nothing is left.
    [[nodiscard]] double mean(std::size_t left_out, std::size_t column = 0) const {
        if (left_out > units_ || column >= columns_)
            throw error("jackknife_sums: unit or column out of range");
        bool const none = left_out == units_;
        double const weight = weights_[units_] - (none ? 0.0 : weights_[left_out]);
        double const sum = at(units_, column) - (none ? 0.0 : at(left_out, column));
        if (!(weight > 0.0)) throw error("jackknife_sums: nothing is left without unit ", left_out);
        return sum / weight;
    }

private:
    void accumulate(std::size_t row, std::span<double const> values, double weight) {
        weights_[row] += weight;
        for (std::size_t k = 0; k < columns_; ++k) sums_[row * columns_ + k] += weight * values[k];
    }

    [[nodiscard]] double at(std::size_t row, std::size_t column) const {
        return sums_[row * columns_ + column];
    }

    std::size_t units_;
    std::size_t columns_;
    std::vector<double> weights_;  // of the sets with each unit, then of all
    std::vector<double> sums_;     // the same rows, times columns
};

/// The mean over all sets with its delete-one-unit error. Pairs that share a unit are correlated, so an error
/// from R (R - 1) / 2 "independent" pairs is too small by up to a factor sqrt(R)
/// (tests/statistics/jackknife_test.cpp). For functions of several columns: jackknife(sums.units(),
/// [&](std::size_t i) { return f(sums.mean(i, 0), ...); }).
inline jackknife_estimate jackknife(jackknife_sums const& sums, std::size_t column = 0) {
    return jackknife(sums.units(), [&](std::size_t left_out) { return sums.mean(left_out, column); });
}

}  // namespace spinet
