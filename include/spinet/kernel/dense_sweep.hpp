// SPDX-License-Identifier: BSD-3-Clause
/// Exact single-spin sweeps of a dense model. Sites are visited one after the other, in blocks: inside a
/// block a flip reaches the fields of the rest of the block at once, sixteen rows side by side; the other
/// fields follow when the block is done. Two engines do that, with the same result up to rounding.
#pragma once

#include <spinet/detail/blas.hpp>
#include <spinet/detail/split_matrix.hpp>
#include <spinet/detail/transpose.hpp>
#include <spinet/kernel/rule.hpp>
#include <spinet/kernel/scan.hpp>
#include <spinet/kernel/spin_rows.hpp>
#include <spinet/kernel/sweep_draws.hpp>
#include <spinet/model/concepts.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>

namespace spinet::detail {

/// Visits 64 chunk, 64 chunk + 1, ... of a sweep.
struct visited_sites {
    std::uint32_t chunk = 0;
    std::size_t count = 0;
    bool contiguous = false;
    std::array<std::uint32_t, block_visits> sites{};
    std::array<std::uint8_t, block_visits> first{};  ///< the first place in the block with the same site
};

template <class Order>
[[nodiscard]] visited_sites next_visits(std::size_t n, std::uint32_t chunk,
                                        sweep_draws const& draws) noexcept {
    visited_sites next;
    next.chunk = chunk;
    next.count = std::min(n - chunk * block_visits, block_visits);
    next.contiguous = !std::is_same_v<Order, random_scan>;
    std::array<std::uint32_t, block_visits> bits{};
    if constexpr (std::is_same_v<Order, random_scan>)
        draws.site_order().fill(chunk * static_cast<std::uint32_t>(block_visits), bits);
    for (std::size_t k = next.count; k < block_visits; ++k) next.first[k] = static_cast<std::uint8_t>(k);
    for (std::size_t k = 0; k < next.count; ++k) {
        next.sites[k] = static_cast<std::uint32_t>(
            std::is_same_v<Order, random_scan> ? uniform_index(bits[k], n) : chunk * block_visits + k);
        next.first[k] = static_cast<std::uint8_t>(
            next.contiguous
                ? k
                : static_cast<std::size_t>(std::find(next.sites.begin(),
                                                     next.sites.begin() + static_cast<std::ptrdiff_t>(k),
                                                     next.sites[k]) -
                                           next.sites.begin()));
    }
    return next;
}

/// Up to sixteen rows at the sites of a block, side by side: number 16 k + row belongs to visit k.
template <class Real>
using side_by_side = std::array<Real, block_visits * rows_side_by_side>;

template <class Real>
void take_sites(rows_view<Real const> from, std::size_t first_row, std::size_t rows,
                visited_sites const& block, side_by_side<Real>& to) noexcept {
    std::size_t k = 0;
    if (block.contiguous && rows == rows_side_by_side)
        for (; k + 16 <= block.count; k += 16)
            transpose_16(from.row(first_row).data() + block.sites[k], from.stride, to.data() + 16 * k, 16);
    for (; k < block.count; ++k)
        for (std::size_t r = 0; r < rows; ++r) to[16 * k + r] = from.row(first_row + r)[block.sites[k]];
}

/// The products s h below which a visit flips.
template <ThresholdRule Rule, class Real>
void flip_limits(stream const& first_row, std::uint32_t chunk,
                 std::array<Real, rows_side_by_side> const& half_temperatures,
                 side_by_side<Real>& limits) noexcept {
    alignas(cache_line) std::uint32_t bits[block_visits * rows_side_by_side];
    first_row.fill_16_rows(chunk, bits);
    if constexpr (PackedRule<Rule>) {
        constexpr std::size_t lanes = pack_lanes<Real>;
        alignas(cache_line) Real u[lanes], v[lanes];
        for (std::size_t k = 0; k < limits.size(); k += lanes) {
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                u[lane] = uniform<Real>(bits[k + lane]);
                v[lane] = uniform<Real>(~bits[k + lane]);
            }
            store(limits.data() + k,
                  Rule::threshold(load(u), load(v)) * load(half_temperatures.data() + k % rows_side_by_side));
        }
    } else {
        for (std::size_t k = 0; k < limits.size(); ++k)
            limits[k] = Rule::threshold(uniform<Real>(bits[k]), uniform<Real>(~bits[k])) *
                        half_temperatures[k % rows_side_by_side];
    }
}

/// The working space of one block and sixteen rows.
template <class Real>
struct block_of_rows {
    alignas(cache_line) side_by_side<Real> limits, fields, spins, changes;
    alignas(cache_line) std::array<Real, rows_side_by_side> half_temperatures, free, middle;
    std::array<double, rows_side_by_side> gained{};
};

/// Decides visit k in a pack of rows with fields h: changes the spins, returns the changes.
template <class Order, class Real>
[[nodiscard, gnu::always_inline]] inline pack<Real> decide(block_of_rows<Real>& now, std::size_t k,
                                                           std::size_t first, std::size_t row,
                                                           pack<Real> h) noexcept {
    Real* const s = now.spins.data() + rows_side_by_side * first + row;
    auto const spin = load(s), limit = load(now.limits.data() + rows_side_by_side * k + row), cost = spin * h;
    auto flips = cost < limit;
    if constexpr (Order::free_flips == zero_cost::accept_half)
        flips &=
            ~((larger(cost, -cost) < load(now.free.data() + row)) & (limit <= load(now.middle.data() + row)));
    auto const change = flips ? spin * Real{-2} : pack<Real>{}, gain = flips ? cost : pack<Real>{};
    store(s, spin + change);
    store(now.changes.data() + rows_side_by_side * k + row, change);
    for (std::size_t lane = 0; lane < pack_lanes<Real>; ++lane)
        now.gained[row + lane] += static_cast<double>(gain[lane]);
    return change;
}

/// The visits of a block, eight at a time: their fields stay in registers, those of the rest of the block
/// follow.
template <class Order, class Real>
void decide_all(visited_sites const& block, Real const* inner, block_of_rows<Real>& now) noexcept {
    constexpr std::size_t together = 8, lanes = pack_lanes<Real>;
    std::size_t const end = (block.count + together - 1) / together * together;
    for (std::size_t row = 0; row < rows_side_by_side; row += lanes)
        for (std::size_t k = 0; k < end; k += together) {
            Real* const fields = now.fields.data() + row;
            pack<Real> h[together], change[together];
            for (std::size_t i = 0; i < together; ++i) h[i] = load(fields + rows_side_by_side * (k + i));
            for (std::size_t i = 0; i < together; ++i) {
                change[i] = decide<Order>(now, k + i, block.first[k + i], row, h[i]);
                for (std::size_t j = i + 1; j < together; ++j)
                    h[j] += change[i] * inner[(k + j) * block_visits + k + i];
            }
            for (std::size_t j = k + together; j < end; ++j) {
                auto field = load(fields + rows_side_by_side * j);
                for (std::size_t i = 0; i < together; ++i)
                    field += change[i] * inner[j * block_visits + k + i];
                store(fields + rows_side_by_side * j, field);
            }
        }
}

/// Decides the visits of a block in up to sixteen rows: changes their spins and energies, and writes the
/// changes down. Fields outside the block are left for later.
template <ThresholdRule Rule, class Order, class Real>
void visit_block(visited_sites const& block, Real const* inner, spin_rows<Real>& tile, std::size_t first_row,
                 std::span<double const> betas, sweep_draws const& draws) noexcept {
    std::size_t const rows = std::min(rows_side_by_side, tile.rows() - first_row);
    block_of_rows<Real> now;
    for (std::size_t r = 0; r < rows_side_by_side; ++r) {
        // Finite, or no flip could be told from one that costs nothing.
        now.half_temperatures[r] =
            static_cast<Real>(std::min(0.5 / betas[first_row + std::min(r, rows - 1)],
                                       static_cast<double>(std::numeric_limits<Real>::max()) / 64));
        now.free[r] = now.half_temperatures[r] * static_cast<Real>(no_cost);
        now.middle[r] = now.half_temperatures[r] * Rule::threshold(Real{0.5}, Real{0.5});
    }
    flip_limits<Rule>(draws.of_row(first_row), block.chunk, now.half_temperatures, now.limits);
    if (rows < rows_side_by_side || block.count < block_visits) {
        now.fields.fill(0), now.spins.fill(1), now.changes.fill(0);
        std::fill(now.limits.begin() + static_cast<std::ptrdiff_t>(rows_side_by_side * block.count),
                  now.limits.end(), std::numeric_limits<Real>::lowest());
    }
    take_sites<Real>(tile.fields(), first_row, rows, block, now.fields);
    take_sites<Real>(tile.spins(), first_row, rows, block, now.spins);
    decide_all<Order>(block, inner, now);
    for (std::size_t r = 0; r < rows; ++r) tile.energies()[first_row + r] += 2 * now.gained[r];

    auto& noted = tile.changes();
    Real* const rows_of_changes = noted.values.data() + first_row * noted.stride;
    for (std::size_t k = 0; k < block_visits; k += 16) {
        if (rows == rows_side_by_side) {
            transpose_16(now.changes.data() + 16 * k, 16, rows_of_changes + k, noted.stride);
        } else {
            for (std::size_t r = 0; r < rows; ++r)
                for (std::size_t j = k; j < k + 16; ++j)
                    rows_of_changes[r * noted.stride + j] = now.changes[16 * j + r];
        }
    }
    for (std::size_t r = 0; r < rows; ++r) {
        Real* const row = tile.spins().row(first_row + r).data();
        Real const* const change = rows_of_changes + r * noted.stride;
        if (block.contiguous)
            for (std::size_t k = 0; k < block.count; ++k) row[block.sites[0] + k] += change[k];
        else
            for (std::size_t k = 0; k < block.count; ++k) row[block.sites[k]] += change[k];
    }
}

/// Bit k says whether number k of 64 is not 0.
template <class Real>
[[nodiscard]] std::uint64_t nonzeros(Real const* values) noexcept {
    std::uint64_t bits = 0;
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<Real, float>) {
        for (unsigned k = 0; k < 64; k += 16)
            bits |= std::uint64_t{_mm512_cmp_ps_mask(load(values + k), pack<float>{}, _CMP_NEQ_UQ)} << k;
        return bits;
    }
#endif
    for (unsigned k = 0; k < 64; ++k) bits |= std::uint64_t{values[k] != 0} << k;
    return bits;
}

/// Writes the places of the set bits, in order; returns their number.
inline std::size_t list_bits(std::uint64_t bits, std::uint8_t* places) noexcept {
    auto const count = static_cast<std::size_t>(std::popcount(bits));
#if defined(__AVX512VBMI2__) && defined(__AVX512BW__)
    alignas(64) static constexpr auto numbers = [] {
        std::array<std::uint8_t, 64> n{};
        for (std::uint8_t k = 0; k < 64; ++k) n[k] = k;
        return n;
    }();
    _mm512_storeu_si512(places, _mm512_maskz_compress_epi8(bits, _mm512_load_si512(numbers.data())));
#else
    for (; bits != 0; bits &= bits - 1) *places++ = static_cast<std::uint8_t>(std::countr_zero(bits));
#endif
    return count;
}

/// Lists the flips of every row and orders the rows by their number. Returns the sum of the flips.
template <class Real>
std::size_t list_flips(block_changes<Real>& changes) noexcept {
    std::array<std::uint32_t, block_visits + 2> start{};
    std::size_t total = 0;
    for (std::size_t r = 0; r < changes.of_row.size(); ++r) {
        auto& flips = changes.of_row[r];
        Real const* const values = changes.values.data() + r * changes.stride;
        flips.count = list_bits(nonzeros(values), flips.places.data());
        total += flips.count;
        ++start[flips.count + 1];
    }
    for (std::size_t k = 1; k < start.size(); ++k) start[k] += start[k - 1];
    for (std::size_t r = 0; r < changes.of_row.size(); ++r)
        changes.order[start[changes.of_row[r].count]++] = static_cast<std::uint32_t>(r);
    return total;
}

/// `Packs` packs of columns of one row: fields += sum over its flips of change * couplings. `couplings`
/// points at the first of the columns.
template <std::size_t Packs, class Real>
void add_flips(Real* fields, Real const* couplings, std::size_t const* offsets, Real const* changes,
               typename block_changes<Real>::flips const& flips) noexcept {
    constexpr std::size_t lanes = pack_lanes<Real>;
    pack<Real> sum[Packs];
    for (std::size_t v = 0; v < Packs; ++v) sum[v] = load(fields + v * lanes);
    for (std::size_t k = 0; k < flips.count; ++k) {
        std::size_t const place = flips.places[k];
        Real const change = changes[place];
        Real const* const row = couplings + offsets[place];
        for (std::size_t v = 0; v < Packs; ++v) sum[v] += load(row + v * lanes) * change;
    }
    for (std::size_t v = 0; v < Packs; ++v) store(fields + v * lanes, sum[v]);
}

/// One panel of columns after the other, so that the couplings of the block stay in the first cache. Returns
/// the first column left over.
template <std::size_t Packs, class Real>
[[nodiscard]] std::size_t add_panels(rows_view<Real> fields, rows_view<Real const> couplings,
                                     std::size_t const* offsets, block_changes<Real> const& changes,
                                     std::size_t column) noexcept {
    constexpr std::size_t width = Packs * pack_lanes<Real>;
    std::size_t const rows = changes.order.size();
    for (; column + width <= fields.sites; column += width)
        for (std::size_t k = 0; k < rows; ++k) {
            std::size_t const r = changes.order[k];
            // No prefetcher can guess the next row.
            Real const* const next = fields.row(changes.order[k + 1 < rows ? k + 1 : k]).data() + column;
            for (std::size_t v = 0; v < width; v += cache_line / sizeof(Real))
                __builtin_prefetch(next + v, 1);
            if (changes.of_row[r].count != 0)
                add_flips<Packs>(fields.row(r).data() + column, couplings.data + column, offsets,
                                 changes.values.data() + r * changes.stride, changes.of_row[r]);
        }
    return column;
}

/// The engine for few flips, or for wide packs: each flip adds its row of couplings.
template <class Real>
void add_increments(rows_view<Real> fields, rows_view<Real const> couplings, visited_sites const& block,
                    block_changes<Real> const& changes) noexcept {
    std::array<std::size_t, block_visits> offsets{};
    for (std::size_t k = 0; k < block.count; ++k) offsets[k] = block.sites[k] * couplings.stride;
    std::size_t column = add_panels<8>(fields, couplings, offsets.data(), changes, 0);
    column = add_panels<2>(fields, couplings, offsets.data(), changes, column);
    column = add_panels<1>(fields, couplings, offsets.data(), changes, column);
    if (column == fields.sites) return;
    for (std::size_t r = 0; r < fields.rows; ++r)
        for (std::size_t k = 0; k < changes.of_row[r].count; ++k) {
            std::size_t const place = changes.of_row[r].places[k];
            Real const change = changes.values[r * changes.stride + place];
            for (std::size_t c = column; c < fields.sites; ++c)
                fields.row(r)[c] += change * couplings.data[offsets[place] + c];
        }
}

template <class M>
concept HasSplitCouplings = requires(M const& model) {
    { model.split_couplings() } -> std::same_as<split_matrix const&>;
};

/// J of a model split for AMX tiles, as dense_ising keeps it; nullptr of other models.
template <DenseModel M>
[[nodiscard]] split_matrix const* split_couplings(M const& model) noexcept {
    if constexpr (HasSplitCouplings<M>)
        if (model.split_couplings()) return &model.split_couplings();
    return nullptr;
}

/// The engine for many flips: one product of low rank.
template <class Real>
void add_products(rows_view<Real> fields, rows_view<Real const> couplings, split_matrix const* split,
                  visited_sites const& block, block_changes<Real>& changes) {
    if constexpr (std::is_same_v<Real, float>)
        if (split != nullptr && block.contiguous)
            return split->multiply_add({changes.values.data(), fields.rows, block.count, changes.stride},
                                       block.sites[0], fields);
    Real const* rows = couplings.row(block.sites[0]).data();
    std::size_t stride = couplings.stride;
    if (!block.contiguous) {
        changes.gathered.resize(block_visits * couplings.sites);  // once
        stride = couplings.sites;
        for (std::size_t k = 0; k < block.count; ++k) {
            auto const row = couplings.row(block.sites[k]);
            std::copy(row.begin(), row.end(),
                      changes.gathered.begin() + static_cast<std::ptrdiff_t>(k * stride));
        }
        rows = changes.gathered.data();
    }
    gemm(false, fields.rows, fields.sites, block.count, Real{1}, changes.values.data(), changes.stride, rows,
         stride, Real{1}, fields.data, fields.stride);
}

/// Products overtake increments about here, in flips per visit (N = 1024, 128 rows; docs/rationale.md).
[[nodiscard]] constexpr double products_from(bool by_tiles) noexcept {
    if (by_tiles) return 0.2;
    return pack_bytes == 64 ? 0.5 : pack_bytes == 32 ? 0.35 : 0.1;
}

template <ThresholdRule Rule, class Order, DenseModel M>
void sweep_dense(M const& model, spin_rows<typename M::spin_type>& tile, std::span<double const> betas,
                 sweep_draws const& draws) {
    using real = typename M::spin_type;
    rows_view<real const> const couplings = model.couplings();
    split_matrix const* const split = split_couplings(model);
    std::size_t const n = model.size();
    std::size_t flips = 0;
    alignas(cache_line) real inner[block_visits * block_visits] = {};
    for (std::uint32_t chunk = 0; chunk * block_visits < n; ++chunk) {
        auto const block = next_visits<Order>(n, chunk, draws);
        for (std::size_t k = 0; k < block.count; ++k) {
            real const* const row = couplings.row(block.sites[k]).data();
            real* const to = inner + k * block_visits;
            if (block.contiguous)
                std::copy_n(row + block.sites[0], block.count, to);
            else
                for (std::size_t j = 0; j < block.count; ++j) to[j] = row[block.sites[j]];
        }
        for (std::size_t r = 0; r < tile.rows(); r += rows_side_by_side)
            visit_block<Rule, Order>(block, inner, tile, r, betas, draws);
        flips += list_flips(tile.changes());
        if (tile.engine().products)
            add_products(tile.fields(), couplings, split, block, tile.changes());
        else
            add_increments(tile.fields(), couplings, block, tile.changes());
    }
    tile.engine().count_sweep(static_cast<double>(flips) / static_cast<double>(n * tile.rows()),
                              products_from(split != nullptr && !std::is_same_v<Order, random_scan>));
}

}  // namespace spinet::detail
