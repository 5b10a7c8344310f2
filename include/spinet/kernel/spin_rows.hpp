// SPDX-License-Identifier: BSD-3-Clause
/// The state of a tile: one replica to a row, with its fields and its energy beside it.
#pragma once

#include <spinet/detail/archive.hpp>
#include <spinet/model/rows.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spinet {

/// Spins (rows x sites, +-1), the local fields of the same shape (a cache of the kernel; empty if the kernel
/// keeps none) and the total energy of each row, in double.
template <class Real>
class spin_rows {
public:
    spin_rows(std::size_t rows, std::size_t sites, bool with_fields)
        : rows_(rows),
          sites_(sites),
          spins_(rows * sites, Real{1}),
          fields_(with_fields ? rows * sites : 0),
          energies_(rows) {}

    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::size_t sites() const noexcept { return sites_; }
    [[nodiscard]] rows_view<Real> spins() noexcept { return {spins_.data(), rows_, sites_, sites_}; }
    [[nodiscard]] rows_view<Real const> spins() const noexcept {
        return {spins_.data(), rows_, sites_, sites_};
    }
    [[nodiscard]] rows_view<Real> fields() noexcept { return {fields_.data(), rows_, sites_, sites_}; }
    [[nodiscard]] std::span<double> energies() noexcept { return energies_; }
    [[nodiscard]] std::span<double const> energies() const noexcept { return energies_; }

    /// Everything the next sweep depends on, so that a run can continue bitwise.
    void save(detail::archive_writer& out) const {
        std::vector<std::uint8_t> up((spins_.size() + 7) / 8, 0);
        for (std::size_t k = 0; k < spins_.size(); ++k)
            if (spins_[k] > 0) up[k / 8] = static_cast<std::uint8_t>(up[k / 8] | 1u << k % 8);
        out.put(up);
        out.put(fields_);
        out.put(energies_);
    }

    void load(detail::archive_reader& in) {
        auto const up = in.get_exactly<std::uint8_t>((spins_.size() + 7) / 8);
        for (std::size_t k = 0; k < spins_.size(); ++k)
            spins_[k] = (up[k / 8] >> k % 8 & 1u) != 0 ? Real{1} : Real{-1};
        fields_ = in.get_exactly<Real>(fields_.size());
        energies_ = in.get_exactly<double>(energies_.size());
    }

private:
    std::size_t rows_;
    std::size_t sites_;
    std::vector<Real> spins_;
    std::vector<Real> fields_;
    std::vector<double> energies_;
};

}  // namespace spinet
