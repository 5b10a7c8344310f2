// SPDX-License-Identifier: BSD-3-Clause
/// Ladders: the temperatures of a run.
#pragma once

#include <spinet/error.hpp>

#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet {

/// Strictly increasing, positive, finite temperatures (units: couplings, k_B = 1). Throws spinet::error, with
/// the index, for anything else; an unordered list is refused rather than sorted behind the caller's back.
class ladder {
public:
    explicit ladder(std::vector<double> temperatures) : temperatures_(std::move(temperatures)) {
        if (temperatures_.empty()) throw error("ladder: no temperatures");
        for (std::size_t k = 0; k < temperatures_.size(); ++k) {
            double const t = temperatures_[k];
            if (!std::isfinite(t) || t <= 0)
                throw error("ladder: temperature ", k, " is ", t, "; temperatures are positive and finite");
            if (k > 0 && t <= temperatures_[k - 1])
                throw error("ladder: temperature ", k, " (", t, ") is not above the one before it (",
                            temperatures_[k - 1], ")");
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return temperatures_.size(); }
    [[nodiscard]] double operator[](std::size_t k) const noexcept { return temperatures_[k]; }
    [[nodiscard]] double lowest() const noexcept { return temperatures_.front(); }
    [[nodiscard]] double highest() const noexcept { return temperatures_.back(); }
    [[nodiscard]] std::vector<double> const& temperatures() const& noexcept { return temperatures_; }
    [[nodiscard]] std::vector<double> temperatures() && noexcept { return std::move(temperatures_); }

private:
    std::vector<double> temperatures_;
};

namespace detail {

/// `count` temperatures from `low` to `high`, at(k, count - 1) being number k of those before the last.
template <class At>
[[nodiscard]] ladder temperatures_between(std::string_view who, double low, double high, std::size_t count,
                                          At&& at) {
    if (!std::isfinite(low) || low <= 0)
        throw error(who, ": the lowest temperature must be positive, got ", low);
    if (!std::isfinite(high) || high <= low)
        throw error(who, ": the highest temperature (", high, ") must be above the lowest (", low, ")");
    if (count < 2) throw error(who, ": a range needs at least 2 temperatures, got ", count);
    if (count > 100'000) throw error(who, ": ", count, " temperatures are more than 100000");
    std::vector<double> t(count, high);
    for (std::size_t k = 0; k + 1 < count; ++k)
        t[k] = at(static_cast<double>(k), static_cast<double>(count - 1));
    return ladder(std::move(t));
}

}  // namespace detail

/// `count` temperatures from `low` to `high` in constant ratio.
[[nodiscard]] inline ladder geometric_temperatures(double low, double high, std::size_t count) {
    return detail::temperatures_between(
        "geometric_temperatures", low, high, count,
        [&](double k, double last) { return low * std::pow(high / low, k / last); });
}

/// `count` temperatures from `low` to `high` in constant steps.
[[nodiscard]] inline ladder linear_temperatures(double low, double high, std::size_t count) {
    return detail::temperatures_between("linear_temperatures", low, high, count,
                                        [&](double k, double last) { return low + (high - low) * k / last; });
}

}  // namespace spinet
