// SPDX-License-Identifier: BSD-3-Clause
/// The state of a tile on a sparse model: sixteen replicas side by side, site after site.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/detail/aligned.hpp>
#include <spinet/detail/packed_spins.hpp>
#include <spinet/kernel/spin_rows.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace spinet {

/// Spins as +-1 in groups of sixteen rows: number 16 site + row of a group. No fields are kept: on a graph of
/// few neighbours, adding them up for sixteen rows at once costs less than keeping them current.
template <class Real>
class spin_lanes : public detail::rows_with_energies {
public:
    static constexpr std::size_t lanes = detail::rows_side_by_side;
    static constexpr bool holds_spins_only = true;  ///< beside energies: nothing else to bring up to date

    spin_lanes(std::size_t rows, std::size_t sites)
        : rows_with_energies(rows, sites),
          spins_((rows + lanes - 1) / lanes * lanes * sites, Real{1}),
          draws_((sites + 127) / 128 * 64 * lanes) {}

    [[nodiscard]] std::size_t groups() const noexcept { return (rows_ + lanes - 1) / lanes; }
    [[nodiscard]] Real* group(std::size_t g) noexcept { return spins_.data() + g * lanes * sites_; }
    [[nodiscard]] Real const* group(std::size_t g) const noexcept {
        return spins_.data() + g * lanes * sites_;
    }
    /// Working space: the random bits of one sweep of one group.
    [[nodiscard]] std::span<std::uint32_t> draws() noexcept { return draws_; }

    void set_row(std::size_t r, std::span<Real const> from) noexcept {
        Real* const to = group(r / lanes) + r % lanes;
        for (std::size_t i = 0; i < sites_; ++i) to[i * lanes] = from[i];
    }
    void copy_row(std::size_t r, std::span<Real> to) const noexcept {
        Real const* const from = group(r / lanes) + r % lanes;
        for (std::size_t i = 0; i < sites_; ++i) to[i] = from[i * lanes];
    }

    /// All rows as bits, one row of words after the other.
    void pack_rows(std::span<site_word const> words, std::uint64_t* out) const noexcept {
        std::uint64_t bits[64];
        for (std::size_t g = 0; g < groups(); ++g)
            for (std::size_t w = 0; w < words.size(); ++w) {
                for (std::size_t k = 0; k < 64; ++k)
                    bits[k] = k < words[w].count
                                  ? detail::packed(group(g) + (words[w].first + k) * lanes, lanes)
                                  : 0;
                detail::transpose_bits(bits);
                for (std::size_t r = lanes * g; r < std::min(lanes * (g + 1), rows_); ++r)
                    out[r * words.size() + w] = bits[r % lanes];
            }
    }

    void save(archive_writer& out) const {
        detail::put_signs(out, spins_);
        out.put(energies_);
    }
    void load(archive_reader& in) {
        detail::get_signs(in, spins_);
        energies_ = in.get_exactly<double>(energies_.size());
    }

private:
    detail::aligned_vector<Real> spins_;
    detail::aligned_vector<std::uint32_t> draws_;
};

}  // namespace spinet
