// SPDX-License-Identifier: BSD-3-Clause
/// A time series of bounded length: neighbours are averaged whenever it would outgrow its bound.
#pragma once

#include <spinet/detail/archive.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spinet {

/// Block means of a series, all blocks of the same power-of-two length, at most 2^14 of them; and the moments
/// of the single values, from which autocorrelation times are exact at any coarseness.
class coarsened_series {
public:
    static constexpr std::size_t longest = std::size_t{1} << 14;

    void add(double value) {
        ++count_;
        sum_ += value;
        sum_of_squares_ += value * value;
        pending_ += value;
        if (++pending_count_ < block_) return;
        blocks_.push_back(pending_ / static_cast<double>(block_));
        pending_ = 0;
        pending_count_ = 0;
        if (blocks_.size() == longest) coarsen();
    }

    [[nodiscard]] std::span<double const> block_means() const noexcept { return blocks_; }
    [[nodiscard]] std::size_t block_length() const noexcept { return block_; }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

    /// Variance of single values about their mean.
    [[nodiscard]] double variance() const noexcept {
        if (count_ == 0) return 0;
        double const n = static_cast<double>(count_), mean = sum_ / n;
        double const variance = sum_of_squares_ / n - mean * mean;
        return variance > 0 ? variance : 0;
    }

    void save(detail::archive_writer& out) const {
        out.put(blocks_);
        out.put(std::vector<std::uint64_t>{block_, count_, pending_count_});
        out.put(std::vector<double>{sum_, sum_of_squares_, pending_});
    }

    void load(detail::archive_reader& in) {
        blocks_ = in.get<double>();
        auto const counts = in.get_exactly<std::uint64_t>(3);
        auto const sums = in.get_exactly<double>(3);
        if (blocks_.size() >= longest || counts[2] >= counts[0] ||
            counts[1] != blocks_.size() * counts[0] + counts[2])
            throw error("damaged: a series does not add up");
        block_ = static_cast<std::size_t>(counts[0]);
        count_ = static_cast<std::size_t>(counts[1]);
        pending_count_ = static_cast<std::size_t>(counts[2]);
        sum_ = sums[0];
        sum_of_squares_ = sums[1];
        pending_ = sums[2];
    }

private:
    void coarsen() {
        for (std::size_t k = 0; k < longest / 2; ++k) blocks_[k] = (blocks_[2 * k] + blocks_[2 * k + 1]) / 2;
        blocks_.resize(longest / 2);
        block_ *= 2;
    }

    std::vector<double> blocks_;
    std::size_t block_ = 1;
    std::size_t count_ = 0;
    std::size_t pending_count_ = 0;
    double sum_ = 0;
    double sum_of_squares_ = 0;
    double pending_ = 0;
};

}  // namespace spinet
