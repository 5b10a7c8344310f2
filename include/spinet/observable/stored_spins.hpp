// SPDX-License-Identifier: BSD-3-Clause
/// Configurations that are kept: one replica to a row, a bit to a spin.
#pragma once

#include <spinet/detail/packed_spins.hpp>
#include <spinet/error.hpp>
#include <spinet/model/concepts.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace spinet {

/// Rows of spins +-1 as bits, 64 sites to a word, a new word for each group: N / 8 bytes a configuration. A
/// new one has all spins at -1. Throws spinet::error unless the groups follow each other from site 0 on, and
/// for a row that does not exist or has another number of sites.
class stored_spins {
public:
    stored_spins(std::vector<spin_group> groups, std::size_t rows) : groups_(std::move(groups)), rows_(rows) {
        for (auto const& group : groups_) {
            if (group.first != sites_)
                throw error("stored_spins: group ", group.name, " begins at site ", group.first,
                            ", expected ", sites_);
            sites_ += group.size;
        }
        if (sites_ == 0) throw error("stored_spins: no sites");
        words_ = detail::words_of_row(groups_);
        bits_.assign(rows_ * words_.size(), 0);
    }

    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::size_t sites() const noexcept { return sites_; }
    [[nodiscard]] std::vector<spin_group> const& groups() const noexcept { return groups_; }

    template <class Real>
    void set_row(std::size_t r, std::span<Real const> spins) {
        check(r, spins.size());
        for (std::size_t w = 0; w < words_.size(); ++w)
            bits_[r * words_.size() + w] = detail::packed(spins.data() + words_[w].first, words_[w].count);
    }

    template <class Real>
    void copy_row(std::size_t r, std::span<Real> to) const {
        check(r, to.size());
        for (std::size_t w = 0; w < words_.size(); ++w)
            for (std::size_t k = 0; k < words_[w].count; ++k)
                to[words_[w].first + k] = (bits_[r * words_.size() + w] >> k & 1u) != 0 ? Real{1} : Real{-1};
    }

    /// The words of a row.
    [[nodiscard]] std::uint64_t const* row(std::size_t r) const {
        check(r, sites_);
        return bits_.data() + r * words_.size();
    }

    /// sum_i s_i^a s_i^b / N of two rows.
    [[nodiscard]] double overlap(std::size_t a, std::size_t b) const {
        auto const n = static_cast<double>(sites_);
        return (n - 2 * static_cast<double>(detail::differences(row(a), row(b), words_.size()))) / n;
    }

private:
    void check(std::size_t r, std::size_t sites) const {
        if (r >= rows_) throw error("stored_spins: expected a row below ", rows_, ", found ", r);
        if (sites != sites_) throw error("stored_spins: expected ", sites_, " spins, found ", sites);
    }

    std::vector<spin_group> groups_;
    std::size_t rows_;
    std::size_t sites_ = 0;
    std::vector<site_word> words_;
    std::vector<std::uint64_t> bits_;
};

}  // namespace spinet
