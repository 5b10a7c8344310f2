// SPDX-License-Identifier: BSD-3-Clause
/// A time series of bounded length: neighbours are averaged whenever it would outgrow its bound.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/run/centred_sums.hpp>

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
        singles_.add(value);
        pending_ += value;
        if (++pending_count_ < block_) return;
        blocks_.push_back(pending_ / static_cast<double>(block_));
        pending_ = 0;
        pending_count_ = 0;
        if (blocks_.size() == longest) coarsen();
    }

    /// Appends another series, as if its values had been added after those of this one: the moments are right
    /// up to rounding, the blocks too where this one has no unfinished block (of the longer of both block
    /// lengths). Otherwise the values of that block, which are kept as a sum only, stand after those of the
    /// other; and where both have one, a share of its values has their mean.
    void merge(coarsened_series const& other) {
        if (other.count() == 0) return;
        if (count() == 0) {
            *this = other;
            return;
        }
        singles_.merge(other.singles_);
        coarsened_series rest = other;
        while (block_ < rest.block_) coarsen();
        while (rest.block_ < block_) rest.coarsen();
        blocks_.insert(blocks_.end(), rest.blocks_.begin(), rest.blocks_.end());
        if (pending_count_ + rest.pending_count_ >= block_) {
            std::size_t const missing = block_ - pending_count_;
            double const mean = rest.pending_ / static_cast<double>(rest.pending_count_);
            blocks_.push_back((pending_ + static_cast<double>(missing) * mean) / static_cast<double>(block_));
            pending_ = rest.pending_ - static_cast<double>(missing) * mean;
            pending_count_ = rest.pending_count_ - missing;
        } else {
            pending_ += rest.pending_;
            pending_count_ += rest.pending_count_;
        }
        while (blocks_.size() >= longest) coarsen();
    }

    [[nodiscard]] std::span<double const> block_means() const noexcept { return blocks_; }
    [[nodiscard]] std::size_t block_length() const noexcept { return block_; }
    [[nodiscard]] std::size_t count() const noexcept { return static_cast<std::size_t>(singles_.count()); }

    /// Mean of single values.
    [[nodiscard]] double mean() const noexcept { return singles_.mean(); }

    /// Variance of single values about their mean.
    [[nodiscard]] double variance() const noexcept { return singles_.variance(); }

    void save(archive_writer& out) const {
        out.put(blocks_);
        out.put_value(static_cast<std::uint64_t>(block_));
        out.put_value(static_cast<std::uint64_t>(pending_count_));
        out.put_value(pending_);
        singles_.save(out);
    }

    void load(archive_reader& in) {
        blocks_ = in.get<double>();
        block_ = static_cast<std::size_t>(in.get_value<std::uint64_t>());
        pending_count_ = static_cast<std::size_t>(in.get_value<std::uint64_t>());
        pending_ = in.get_value<double>();
        singles_.load(in);
        if (blocks_.size() >= longest || pending_count_ >= block_ ||
            count() != blocks_.size() * block_ + pending_count_)
            throw error("damaged: a series does not add up");
    }

private:
    /// Blocks of twice the length; a last one without a partner becomes a part of the unfinished one.
    void coarsen() {
        std::size_t const pairs = blocks_.size() / 2;
        for (std::size_t k = 0; k < pairs; ++k) blocks_[k] = (blocks_[2 * k] + blocks_[2 * k + 1]) / 2;
        if (blocks_.size() % 2 == 1) {
            pending_ += blocks_.back() * static_cast<double>(block_);
            pending_count_ += block_;
        }
        blocks_.resize(pairs);
        block_ *= 2;
    }

    std::vector<double> blocks_;
    std::size_t block_ = 1;
    std::size_t pending_count_ = 0;
    double pending_ = 0;
    centred_sums singles_;
};

}  // namespace spinet
