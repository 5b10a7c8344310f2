// SPDX-License-Identifier: BSD-3-Clause
/// Mean and variance of a stream of numbers, kept about the first of them so that little is lost to rounding.
#pragma once

#include <spinet/archive.hpp>

#include <cstdint>

namespace spinet {

/// A difference of large sums would find 1e-13 of variance in a number that never changes.
class centred_sums {
public:
    void add(double value) noexcept {
        if (count_ == 0) first_ = value;
        ++count_;
        sum_ += value - first_;
        squares_ += (value - first_) * (value - first_);
    }

    /// As if the values of both had been added here, up to rounding.
    void merge(centred_sums const& other) noexcept {
        if (other.count_ == 0) return;
        if (count_ == 0) {
            *this = other;
            return;
        }
        double const n = static_cast<double>(other.count_), shift = other.first_ - first_;
        count_ += other.count_;
        sum_ += other.sum_ + n * shift;
        squares_ += other.squares_ + 2 * shift * other.sum_ + n * shift * shift;
    }

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

    /// Mean of the values; 0 without any.
    [[nodiscard]] double mean() const noexcept {
        return count_ == 0 ? 0.0 : first_ + sum_ / static_cast<double>(count_);
    }

    /// Variance of the values about their mean (divided by their number); 0 without values.
    [[nodiscard]] double variance() const noexcept {
        if (count_ == 0) return 0;
        double const n = static_cast<double>(count_), shift = sum_ / n;
        double const variance = squares_ / n - shift * shift;
        return variance < 0 ? 0 : variance;  // NaN stays
    }

    void save(archive_writer& out) const {
        out.put_value(count_);
        out.put_value(first_);
        out.put_value(sum_);
        out.put_value(squares_);
    }

    void load(archive_reader& in) {
        count_ = in.get_value<std::uint64_t>();
        first_ = in.get_value<double>();
        sum_ = in.get_value<double>();
        squares_ = in.get_value<double>();
    }

private:
    std::uint64_t count_ = 0;
    double first_ = 0;
    double sum_ = 0;      ///< of value - first
    double squares_ = 0;  ///< of (value - first)^2
};

}  // namespace spinet
