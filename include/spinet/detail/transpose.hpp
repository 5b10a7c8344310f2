// SPDX-License-Identifier: BSD-3-Clause
/// Transposes of 16 x 16 numbers, between rows of sites and sites of rows.
#pragma once

#include <spinet/detail/pack.hpp>

#include <cstddef>
#include <type_traits>

namespace spinet::detail {

/// to[j * to_stride + i] = from[i * from_stride + j] for i, j < 16.
template <class Real>
void transpose_16(Real const* from, std::size_t from_stride, Real* to, std::size_t to_stride) noexcept {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<Real, float>) {
        pack<float> r[16], t[16];
        for (std::size_t i = 0; i < 16; ++i) r[i] = load(from + i * from_stride);
        for (std::size_t i = 0; i < 16; i += 2) {
            t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28,
                                           13, 29);
            t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14,
                                               30, 15, 31);
        }
        for (std::size_t i = 0; i < 16; i += 4)
            for (std::size_t half = 0; half < 2; ++half) {
                auto const a = t[i + half], b = t[i + half + 2];
                r[i + 2 * half] =
                    __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
                r[i + 2 * half + 1] =
                    __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
            }
        // r[4 i + j] now holds, four by four, columns j, 4 + j, 8 + j, 12 + j of rows 4 i to 4 i + 3.
        for (std::size_t j = 0; j < 4; ++j) {
            auto const a = r[j], b = r[4 + j], c = r[8 + j], d = r[12 + j];
            auto const even_low =
                __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
            auto const odd_low =
                __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
            auto const even_high =
                __builtin_shufflevector(c, d, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
            auto const odd_high =
                __builtin_shufflevector(c, d, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
            auto const place = [&](std::size_t column, auto const& low, auto const& high, auto first) {
                if constexpr (first)
                    store(to + column * to_stride,
                          __builtin_shufflevector(low, high, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25,
                                                  26, 27));
                else
                    store(to + column * to_stride,
                          __builtin_shufflevector(low, high, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28,
                                                  29, 30, 31));
            };
            place(j, even_low, even_high, std::true_type{});
            place(8 + j, even_low, even_high, std::false_type{});
            place(4 + j, odd_low, odd_high, std::true_type{});
            place(12 + j, odd_low, odd_high, std::false_type{});
        }
        return;
    }
#endif
    for (std::size_t i = 0; i < 16; ++i)
        for (std::size_t j = 0; j < 16; ++j) to[j * to_stride + i] = from[i * from_stride + j];
}

}  // namespace spinet::detail
