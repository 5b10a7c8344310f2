// SPDX-License-Identifier: BSD-3-Clause
/// Philox4x32-10, the counter-based generator behind every random number of spinet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace spinet {

using philox_counter = std::array<std::uint32_t, 4>;
using philox_key = std::array<std::uint32_t, 2>;

namespace detail {
inline constexpr std::uint32_t philox_multiplier_0 = 0xD2511F53u;
inline constexpr std::uint32_t philox_multiplier_1 = 0xCD9E8D57u;
inline constexpr std::uint32_t philox_weyl_0 = 0x9E3779B9u;
inline constexpr std::uint32_t philox_weyl_1 = 0xBB67AE85u;
inline constexpr int philox_rounds = 10;
}  // namespace detail

/// Four random 32-bit words for one counter and key.
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
[[nodiscard]] constexpr philox_counter philox4x32_10(philox_counter counter, philox_key key) noexcept {
    for (int round = 0; round < detail::philox_rounds; ++round) {
        std::uint64_t const product_0 = std::uint64_t{detail::philox_multiplier_0} * counter[0];
        std::uint64_t const product_1 = std::uint64_t{detail::philox_multiplier_1} * counter[2];
        counter = {static_cast<std::uint32_t>(product_1 >> 32) ^ counter[1] ^ key[0],
                   static_cast<std::uint32_t>(product_1),
                   static_cast<std::uint32_t>(product_0 >> 32) ^ counter[3] ^ key[1],
                   static_cast<std::uint32_t>(product_0)};
        key[0] += detail::philox_weyl_0;
        key[1] += detail::philox_weyl_1;
    }
    return counter;
}

namespace detail {

inline constexpr std::size_t philox_lanes = 16;

#if defined(__AVX512F__)

using philox_vector [[gnu::vector_size(64)]] = std::uint64_t;

/// Words of the 16 consecutive blocks that start at `counter[0]`: out[16 * word + lane]. The values are those
/// of philox4x32_10; here in 64-bit lanes, which is how this instruction set multiplies.
[[gnu::noinline]] inline void philox_16_blocks(philox_counter const& counter, philox_key key,
                                               std::uint32_t* out) noexcept {
    constexpr std::size_t halves = 2, lanes = 8;
    philox_vector const low = philox_vector{} + 0xffffffffu, zero{};
    philox_vector const first{0, 1, 2, 3, 4, 5, 6, 7};
    philox_vector c0[halves], c1[halves], c2[halves], c3[halves];
    for (std::size_t h = 0; h < halves; ++h) {
        c0[h] = (first + std::uint64_t{lanes * h + counter[0]}) & low;
        c1[h] = zero + std::uint64_t{counter[1]};
        c2[h] = zero + std::uint64_t{counter[2]};
        c3[h] = zero + std::uint64_t{counter[3]};
    }
    for (int round = 0; round < philox_rounds; ++round) {
        for (std::size_t h = 0; h < halves; ++h) {
            philox_vector const product_0 = (c0[h] & low) * (zero + std::uint64_t{philox_multiplier_0});
            philox_vector const product_1 = (c2[h] & low) * (zero + std::uint64_t{philox_multiplier_1});
            c0[h] = (product_1 >> 32) ^ c1[h] ^ std::uint64_t{key[0]};
            c1[h] = product_1 & low;
            c2[h] = (product_0 >> 32) ^ c3[h] ^ std::uint64_t{key[1]};
            c3[h] = product_0 & low;
        }
        key[0] += philox_weyl_0;
        key[1] += philox_weyl_1;
    }
    for (std::size_t h = 0; h < halves; ++h)
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            std::uint32_t* const at = out + lanes * h + lane;
            at[0] = static_cast<std::uint32_t>(c0[h][lane]);
            at[philox_lanes] = static_cast<std::uint32_t>(c1[h][lane]);
            at[2 * philox_lanes] = static_cast<std::uint32_t>(c2[h][lane]);
            at[3 * philox_lanes] = static_cast<std::uint32_t>(c3[h][lane]);
        }
}

#else

/// Words of the 16 consecutive blocks that start at `counter[0]`: out[16 * word + lane]. Plain loops over
/// lanes, which compilers turn into vector code; the values are those of philox4x32_10.
/// Not inlined: inside a larger function g++ 12 unrolls the lanes to scalar code, four times slower.
[[gnu::noinline]] inline void philox_16_blocks(philox_counter const& counter, philox_key key,
                                               std::uint32_t* out) noexcept {
    std::uint32_t c0[philox_lanes], c1[philox_lanes], c2[philox_lanes], c3[philox_lanes];
    for (std::size_t lane = 0; lane < philox_lanes; ++lane) {
        c0[lane] = counter[0] + static_cast<std::uint32_t>(lane);
        c1[lane] = counter[1];
        c2[lane] = counter[2];
        c3[lane] = counter[3];
    }
    for (int round = 0; round < philox_rounds; ++round) {
        for (std::size_t lane = 0; lane < philox_lanes; ++lane) {
            std::uint64_t const product_0 = std::uint64_t{philox_multiplier_0} * c0[lane];
            std::uint64_t const product_1 = std::uint64_t{philox_multiplier_1} * c2[lane];
            c0[lane] = static_cast<std::uint32_t>(product_1 >> 32) ^ c1[lane] ^ key[0];
            c1[lane] = static_cast<std::uint32_t>(product_1);
            c2[lane] = static_cast<std::uint32_t>(product_0 >> 32) ^ c3[lane] ^ key[1];
            c3[lane] = static_cast<std::uint32_t>(product_0);
        }
        key[0] += philox_weyl_0;
        key[1] += philox_weyl_1;
    }
    for (std::size_t lane = 0; lane < philox_lanes; ++lane) {
        out[lane] = c0[lane];
        out[philox_lanes + lane] = c1[lane];
        out[2 * philox_lanes + lane] = c2[lane];
        out[3 * philox_lanes + lane] = c3[lane];
    }
}

#endif

}  // namespace detail
}  // namespace spinet
