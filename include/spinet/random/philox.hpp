// SPDX-License-Identifier: BSD-3-Clause
/// Philox4x32-10, the counter-based generator behind every random number of spinet.
#pragma once

#include <spinet/detail/language.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>  // a fifteenth of the time of <immintrin.h>
#endif

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

#if defined(__SSE2__)

// Vectors of 64-bit lanes, because that is how these instruction sets multiply: the lower halves of two lanes
// give a product of 64 bits. What the upper halves hold between the rounds does not matter.
#if defined(__AVX512F__)
using philox_vector = __m512i;
[[nodiscard]] inline philox_vector low_products(philox_vector a, philox_vector b) noexcept {
    return _mm512_maskz_mul_epu32(0xff, a, b);  // without the mask, g++ 12 warns in its own header
}
[[nodiscard]] inline philox_vector upper_halves(philox_vector a) noexcept {
    return _mm512_maskz_shuffle_epi32(0xffff, a, _MM_PERM_DDBB);
}
#elif defined(__AVX2__)
using philox_vector = __m256i;
[[nodiscard]] inline philox_vector low_products(philox_vector a, philox_vector b) noexcept {
    return _mm256_mul_epu32(a, b);
}
[[nodiscard]] inline philox_vector upper_halves(philox_vector a) noexcept {
    return _mm256_shuffle_epi32(a, 0xf5);
}
#else
using philox_vector = __m128i;
[[nodiscard]] inline philox_vector low_products(philox_vector a, philox_vector b) noexcept {
    return _mm_mul_epu32(a, b);
}
[[nodiscard]] inline philox_vector upper_halves(philox_vector a) noexcept {
    return _mm_shuffle_epi32(a, 0xf5);
}
#endif

alignas(64) inline constexpr std::uint64_t lane_numbers[8] = {0, 1, 2, 3, 4, 5, 6, 7};

/// out[16 * word + lane] for the 16 counters that count up from `counter` in entry `Entry`, as philox4x32_10
/// gives them.
template <std::size_t Entry>
inline void philox_16(philox_counter const& counter, philox_key key, std::uint32_t* out) noexcept {
    static_assert(Entry == 0 || Entry == 2);
    using lanes_of = std::uint64_t __attribute__((vector_size(sizeof(philox_vector))));
    constexpr std::size_t lanes = sizeof(philox_vector) / 8;
    constexpr std::size_t together = sizeof(philox_vector) == 16 ? 2 : 16 / lanes;  // as registers allow
    lanes_of first_lanes;
    std::memcpy(&first_lanes, lane_numbers, sizeof first_lanes);
    auto const all = [](std::uint64_t x) { return reinterpret_cast<philox_vector>(lanes_of{} + x); };
    for (std::size_t from = 0; from < philox_lanes; from += together * lanes) {
        philox_vector c0[together], c1[together], c2[together], c3[together];
        for (std::size_t v = 0; v < together; ++v) {
            auto const counted = reinterpret_cast<philox_vector>(
                reinterpret_cast<lanes_of>(all(counter[Entry] + from + v * lanes)) + first_lanes);
            c0[v] = Entry == 0 ? counted : all(counter[0]);
            c1[v] = all(counter[1]);
            c2[v] = Entry == 2 ? counted : all(counter[2]);
            c3[v] = all(counter[3]);
        }
        philox_key now = key;
        for (int round = 0; round < philox_rounds; ++round) {
            for (std::size_t v = 0; v < together; ++v) {
                auto const product_0 = low_products(c0[v], all(philox_multiplier_0));
                auto const product_1 = low_products(c2[v], all(philox_multiplier_1));
                c0[v] = upper_halves(product_1) ^ c1[v] ^ all(now[0]);
                c1[v] = product_1;
                c2[v] = upper_halves(product_0) ^ c3[v] ^ all(now[1]);
                c3[v] = product_0;
            }
            now[0] += philox_weyl_0;
            now[1] += philox_weyl_1;
        }
        for (std::size_t v = 0; v < together; ++v) {
            lanes_of const words[4] = {reinterpret_cast<lanes_of>(c0[v]), reinterpret_cast<lanes_of>(c1[v]),
                                       reinterpret_cast<lanes_of>(c2[v]), reinterpret_cast<lanes_of>(c3[v])};
            for (std::size_t word = 0; word < 4; ++word)
                for (std::size_t lane = 0; lane < lanes; ++lane)
                    out[philox_lanes * word + from + v * lanes + lane] =
                        static_cast<std::uint32_t>(words[word][lane]);
        }
    }
}

#else

/// out[16 * word + lane] for the 16 counters that count up from `counter` in entry `Entry`. Plain loops over
/// lanes, which compilers turn into vector code; the values are those of philox4x32_10.
/// Not inlined: inside a larger function g++ 12 unrolls the lanes to scalar code, four times slower.
template <std::size_t Entry>
[[gnu::noinline]] inline void philox_16(philox_counter const& counter, philox_key key,
                                        std::uint32_t* out) noexcept {
    std::uint32_t c[4][philox_lanes];
    for (std::size_t word = 0; word < 4; ++word)
        for (std::uint32_t lane = 0; lane < philox_lanes; ++lane)
            c[word][lane] = counter[word] + (word == Entry ? lane : 0);
    for (int round = 0; round < philox_rounds; ++round) {
        for (std::size_t lane = 0; lane < philox_lanes; ++lane) {
            std::uint64_t const product_0 = std::uint64_t{philox_multiplier_0} * c[0][lane];
            std::uint64_t const product_1 = std::uint64_t{philox_multiplier_1} * c[2][lane];
            c[0][lane] = static_cast<std::uint32_t>(product_1 >> 32) ^ c[1][lane] ^ key[0];
            c[1][lane] = static_cast<std::uint32_t>(product_1);
            c[2][lane] = static_cast<std::uint32_t>(product_0 >> 32) ^ c[3][lane] ^ key[1];
            c[3][lane] = static_cast<std::uint32_t>(product_0);
        }
        key[0] += philox_weyl_0;
        key[1] += philox_weyl_1;
    }
    std::memcpy(out, c, sizeof c);
}

#endif

}  // namespace detail
}  // namespace spinet
