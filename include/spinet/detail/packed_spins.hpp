// SPDX-License-Identifier: BSD-3-Clause
/// Spins +-1 as bits, 64 sites to a word: packing them, and counting where two rows differ.
#pragma once

#include <spinet/detail/aligned.hpp>
#include <spinet/detail/pack.hpp>
#include <spinet/sites.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>
#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>  // a fifteenth of the time of <immintrin.h>
#endif

namespace spinet::detail {

/// Words of a row: each group of sites starts a new one.
[[nodiscard]] inline std::vector<site_word> words_of_row(std::span<spin_group const> groups) {
    std::vector<site_word> words;
    for (auto const& group : groups)
        for (std::size_t k = 0; k < group.size; k += 64)
            words.push_back({group.first + k, group.size - k < 64 ? group.size - k : 64});
    return words;
}

/// Number of words of a group.
[[nodiscard]] constexpr std::size_t words_of(spin_group const& group) noexcept {
    return (group.size + 63) / 64;
}

/// Bit k is set where spin k of `count` (at most 64) is +1.
template <class Real>
[[nodiscard]] std::uint64_t packed(Real const* spins, std::size_t count) noexcept {
    std::uint64_t bits = 0;
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<Real, float>)
        if (count == 64) {
            for (unsigned k = 0; k < 64; k += 16)
                bits |= std::uint64_t{_mm512_cmp_ps_mask(load(spins + k), pack<float>{}, _CMP_GT_OQ)} << k;
            return bits;
        }
#elif defined(__SSE2__)
    if constexpr (std::is_same_v<Real, float>)
        if (count == 64) {
            for (unsigned k = 0; k < 64; k += 4)
                bits |= static_cast<std::uint64_t>(_mm_movemask_ps(_mm_loadu_ps(spins + k))) << k;
            return ~bits;  // the sign bit says -1
        }
#endif
    for (std::size_t k = 0; k < count; ++k) bits |= std::uint64_t{spins[k] > 0} << k;
    return bits;
}

/// Transposes 64 x 64 bits: bit j of word i becomes bit i of word j.
inline void transpose_bits(std::uint64_t* words) noexcept {
    std::uint64_t low = 0x00000000ffffffffu;
    for (std::size_t width = 32; width != 0; width /= 2, low ^= low << width)
        for (std::size_t i = 0; i < 64; i = ((i | width) + 1) & ~width) {
            std::uint64_t const swapped = ((words[i] >> width) ^ words[i | width]) & low;
            words[i] ^= swapped << width;
            words[i | width] ^= swapped;
        }
}

/// Number of bits that are set.
[[nodiscard]] inline std::size_t set_bits(std::uint64_t const* words, std::size_t count) noexcept {
    std::size_t set = 0;
    for (std::size_t k = 0; k < count; ++k) set += static_cast<std::size_t>(std::popcount(words[k]));
    return set;
}

#if defined(__x86_64__) && !defined(__POPCNT__)
/// All x86-64 processors since 2009 count bits, but not by the instructions that every compiler may take.
[[nodiscard, gnu::target("popcnt")]] inline std::size_t differences_by_popcnt(std::uint64_t const* a,
                                                                              std::uint64_t const* b,
                                                                              std::size_t words) noexcept {
    std::size_t count = 0;
    for (std::size_t k = 0; k < words; ++k)
        count += static_cast<std::size_t>(__builtin_popcountll(a[k] ^ b[k]));
    return count;
}
inline bool const has_popcnt = __builtin_cpu_supports("popcnt") != 0;
#endif

/// Number of bits in which two rows of words differ.
[[nodiscard]] inline std::size_t differences(std::uint64_t const* a, std::uint64_t const* b,
                                             std::size_t words) noexcept {
#if defined(__x86_64__) && !defined(__POPCNT__)
    if (has_popcnt) return differences_by_popcnt(a, b, words);
#endif
    std::size_t count = 0;
    for (std::size_t k = 0; k < words; ++k) count += static_cast<std::size_t>(std::popcount(a[k] ^ b[k]));
    return count;
}

/// In how many sites of each group one row differs from each that comes after it. Where the processor counts
/// the bits of a whole register, a word of several rows at once: a copy holds the words of all rows side by
/// side.
class row_differences {
public:
    row_differences(std::span<std::uint64_t const* const> rows, std::span<spin_group const> groups)
        : rows_(rows), groups_(groups), stride_((rows.size() + lanes - 1) / lanes * lanes) {
#if defined(__AVX512VPOPCNTDQ__)
        std::size_t words = 0;
        for (auto const& group : groups) words += words_of(group);
        columns_.resize(words * stride_);
        for (std::size_t r = 0; r < rows.size(); ++r)
            for (std::size_t w = 0; w < words; ++w) columns_[w * stride_ + r] = rows[r][w];
#endif
    }

    /// Numbers from the counts of one group to those of the next: the rows, rounded up to whole packs.
    [[nodiscard]] std::size_t stride() const noexcept { return stride_; }

    /// differing[g * stride() + b], for a < b < rows: sites of group g in which rows a and b differ.
    void count(std::size_t a, double* differing) const noexcept {
#if defined(__AVX512VPOPCNTDQ__)
        for (std::size_t b = (a + 1) / lanes * lanes; b < rows_.size(); b += lanes) {
            std::uint64_t const* column = columns_.data();
            for (std::size_t g = 0; g < groups_.size(); ++g) {
                pack<std::uint64_t> total{};
                for (std::size_t w = words_of(groups_[g]); w-- > 0; column += stride_)
                    total += reinterpret_cast<pack<std::uint64_t>>(
                        _mm512_popcnt_epi64(reinterpret_cast<__m512i>(all(column[a]) ^ load(column + b))));
                store(differing + g * stride_ + b, __builtin_convertvector(total, pack<double>));
            }
        }
#else
        for (std::size_t b = a + 1; b < rows_.size(); ++b) {
            std::size_t first = 0;
            for (std::size_t g = 0; g < groups_.size(); ++g) {
                std::size_t const words = words_of(groups_[g]);
                differing[g * stride_ + b] =
                    static_cast<double>(differences(rows_[a] + first, rows_[b] + first, words));
                first += words;
            }
        }
#endif
    }

private:
    static constexpr std::size_t lanes = pack_lanes<std::uint64_t>;

    std::span<std::uint64_t const* const> rows_;
    std::span<spin_group const> groups_;
    std::size_t stride_;
    aligned_vector<std::uint64_t> columns_;
};

}  // namespace spinet::detail
