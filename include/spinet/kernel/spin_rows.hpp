// SPDX-License-Identifier: BSD-3-Clause
/// The state of a tile: one replica to a row, with its fields and its energy beside it.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/detail/aligned.hpp>
#include <spinet/detail/packed_spins.hpp>
#include <spinet/detail/vector_math.hpp>
#include <spinet/kernel/concepts.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/rows.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spinet {

namespace detail {

/// Spins as bits, in an archive.
template <class Spins>
void put_signs(archive_writer& out, Spins const& spins) {
    std::vector<std::uint8_t> up((spins.size() + 7) / 8, 0);
    for (std::size_t k = 0; k < spins.size(); ++k)
        if (spins[k] > 0) up[k / 8] = static_cast<std::uint8_t>(up[k / 8] | 1u << k % 8);
    out.put(up);
}
template <class Spins>
void get_signs(archive_reader& in, Spins& spins) {
    using real = typename Spins::value_type;
    auto const up = in.get_exactly<std::uint8_t>((spins.size() + 7) / 8);
    for (std::size_t k = 0; k < spins.size(); ++k)
        spins[k] = (up[k / 8] >> k % 8 & 1u) != 0 ? real{1} : real{-1};
}

/// Visits of a block, and rows that are decided side by side (a pack or several).
inline constexpr std::size_t block_visits = 64, rows_side_by_side = 16;

/// What the visits of a block add to the spins of each row of a tile.
template <class Real>
struct block_changes {
    /// An odd number of cache lines.
    static constexpr std::size_t stride = block_visits + cache_line / sizeof(Real);

    struct flips {
        std::array<std::uint8_t, block_visits> places;  ///< of the visits that flipped
        std::size_t count;
    };

    explicit block_changes(std::size_t rows) : values(rows * stride), of_row(rows), order(rows) {}

    aligned_vector<Real> values;       ///< rows x stride: -2, 0 or 2
    std::vector<flips> of_row;         ///< the same, as lists
    aligned_vector<Real> gathered;     ///< couplings of scattered visits, for products
    std::vector<std::uint32_t> order;  ///< rows by their number of flips: loops of equal length together
};

/// What every state has beside its spins: the total energy of each row, in double.
class rows_with_energies {
public:
    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::size_t sites() const noexcept { return sites_; }
    [[nodiscard]] std::span<double> energies() noexcept { return energies_; }
    [[nodiscard]] std::span<double const> energies() const noexcept { return energies_; }

protected:
    rows_with_energies(std::size_t rows, std::size_t sites) : rows_(rows), sites_(sites), energies_(rows) {}

    std::size_t rows_;
    std::size_t sites_;
    std::vector<double> energies_;
};

}  // namespace detail

/// What a kernel keeps beside the spins of a tile.
enum class row_cache { none, fields, fields_and_changes };

/// What the switch between the two engines of a blocked sweep remembers.
struct update_engine : engine_counts {
    bool products = false;       ///< the next sweep takes matrix products
    double flips_per_visit = 0;  ///< of the last sweep

    /// After a sweep with so many flips per visit: products from `limit` on, increments below nine tenths of
    /// it.
    void count_sweep(double flips, double limit) noexcept {
        flips_per_visit = flips;
        ++sweeps;
        if (products) ++sweeps_by_products;
        products = flips > (products ? 0.9 * limit : limit);
    }
};

/// Spins (rows x sites, +-1), the local fields of the same shape (a cache of the kernel; empty if the kernel
/// keeps none) and the total energy of each row, in double.
template <class Real>
class spin_rows : public detail::rows_with_energies {
public:
    spin_rows(std::size_t rows, std::size_t sites, row_cache cache)
        : rows_with_energies(rows, sites),
          stride_(detail::padded_stride<Real>(sites)),
          spins_(rows * stride_, Real{1}),
          fields_(cache != row_cache::none ? rows * stride_ : 0),
          changes_(cache == row_cache::fields_and_changes ? rows : 0) {}

    [[nodiscard]] rows_view<Real> spins() noexcept { return {spins_.data(), rows_, sites_, stride_}; }
    [[nodiscard]] rows_view<Real const> spins() const noexcept {
        return {spins_.data(), rows_, sites_, stride_};
    }
    [[nodiscard]] rows_view<Real> fields() noexcept { return {fields_.data(), rows_, sites_, stride_}; }
    [[nodiscard]] rows_view<Real const> fields() const noexcept {
        return {fields_.data(), rows_, sites_, stride_};
    }
    /// Working space of blocked sweeps.
    [[nodiscard]] detail::block_changes<Real>& changes() noexcept { return changes_; }
    /// How blocked sweeps of this tile bring their fields up to date, and how often either way was taken.
    [[nodiscard]] update_engine& engine() noexcept { return engine_; }
    [[nodiscard]] update_engine const& engine() const noexcept { return engine_; }

    /// The spins of one row, in and out. The kernel's prepare() has to follow before the next sweep.
    void set_row(std::size_t r, std::span<Real const> from) noexcept {
        std::copy(from.begin(), from.end(), spins().row(r).begin());
    }
    void copy_row(std::size_t r, std::span<Real> to) const noexcept {
        auto const from = spins().row(r);
        std::copy(from.begin(), from.end(), to.begin());
    }

    /// All rows as bits, one row of words after the other.
    void pack_rows(std::span<site_word const> words, std::uint64_t* out) const noexcept {
        for (std::size_t r = 0; r < rows_; ++r)
            for (auto const& sites : words)
                *out++ = detail::packed(spins_.data() + r * stride_ + sites.first, sites.count);
    }

    /// Everything the next sweep depends on, so that a run can continue bitwise.
    void save(archive_writer& out) const {
        auto const spins = without_padding(spins_);
        bool const signs = std::all_of(spins.begin(), spins.end(), [](Real s) { return s == 1 || s == -1; });
        out.put_value(std::uint8_t{signs});
        if (signs)
            detail::put_signs(out, spins);
        else  // a kernel of the user's own may keep other numbers here
            out.put(spins);
        out.put(without_padding(fields_));
        out.put(energies_);
        out.put_value(std::uint8_t{engine_.products});
        out.put_value(engine_.sweeps);
        out.put_value(engine_.sweeps_by_products);
    }

    void load(archive_reader& in) {
        std::vector<Real> spins(rows_ * sites_);
        if (in.get_value<std::uint8_t>() != 0)
            detail::get_signs(in, spins);
        else
            spins = in.get_exactly<Real>(spins.size());
        pad(spins, spins_);
        pad(in.get_exactly<Real>(fields_.empty() ? 0 : rows_ * sites_), fields_);
        energies_ = in.get_exactly<double>(energies_.size());
        engine_.products = in.get_value<std::uint8_t>() != 0;
        engine_.sweeps = in.get_value<std::uint64_t>();
        engine_.sweeps_by_products = in.get_value<std::uint64_t>();
    }

private:
    [[nodiscard]] std::vector<Real> without_padding(detail::aligned_vector<Real> const& from) const {
        std::vector<Real> to;
        for (std::size_t r = 0; r < rows_ && !from.empty(); ++r)
            to.insert(to.end(), from.data() + r * stride_, from.data() + r * stride_ + sites_);
        return to;
    }
    void pad(std::vector<Real> const& from, detail::aligned_vector<Real>& to) const noexcept {
        for (std::size_t r = 0; r < rows_ && !from.empty(); ++r)
            std::copy_n(from.data() + r * sites_, sites_, to.data() + r * stride_);
    }

    std::size_t stride_;  ///< numbers from one row to the next
    detail::aligned_vector<Real> spins_;
    detail::aligned_vector<Real> fields_;
    detail::block_changes<Real> changes_;
    update_engine engine_;
};

namespace detail {

/// Models of which rows can keep fields.
template <class M>
inline constexpr bool keeps_fields = PairModel<M> || IncrementalModel<M>;

/// E of a row, from fields that are up to date; of a pair model -(h . s + b . s) / 2.
template <MultilinearModel M>
[[nodiscard]] double energy_from_fields(M const& model, spin_rows<typename M::spin_type>& tile,
                                        std::size_t r) noexcept {
    auto const spins = tile.spins().row(r);
    if constexpr (IncrementalModel<M>)
        return model.energy_from_fields(spins, tile.fields().row(r));
    else
        return -(dot(tile.fields().row(r).data(), spins.data(), spins.size()) +
                 dot(model.external_fields().data(), spins.data(), spins.size())) /
               2;
}

/// Brings fields and energies in line with the spins.
template <MultilinearModel M>
void refresh_fields(M const& model, spin_rows<typename M::spin_type>& tile) {
    model.fields(tile.spins(), tile.fields());
    for (std::size_t r = 0; r < tile.rows(); ++r) tile.energies()[r] = energy_from_fields(model, tile, r);
}

}  // namespace detail
}  // namespace spinet
