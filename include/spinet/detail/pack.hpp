// SPDX-License-Identifier: BSD-3-Clause
/// A vector register full of numbers. Compilers' own vectorisation is too fickle for the innermost loops: g++
/// takes half the width on the widest processors, and gives up on a loop for one comparison too many.
#pragma once

#include <spinet/detail/language.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace spinet::detail {

#if defined(__AVX512F__)
inline constexpr std::size_t pack_bytes = 64;
#elif defined(__AVX2__)
inline constexpr std::size_t pack_bytes = 32;
#else
inline constexpr std::size_t pack_bytes = 16;
#endif

template <class T>
inline constexpr std::size_t pack_lanes = pack_bytes / sizeof(T);

template <class T>
struct pack_of {
    typedef T type __attribute__((vector_size(pack_bytes)));  // NOLINT: an alias template loses the attribute
};

/// Arithmetic and comparisons go lane by lane; `mask ? a : b` selects; scalars widen.
template <class T>
using pack = typename pack_of<T>::type;

/// An integer as wide as a number, and a pack of those: what comparisons of packs give.
template <class Real>
using int_for = std::conditional_t<sizeof(Real) == 4, std::int32_t, std::int64_t>;

template <class T>
[[nodiscard, gnu::always_inline]] inline pack<T> load(T const* from) noexcept {
    pack<T> p;
    std::memcpy(&p, from, sizeof p);
    return p;
}

template <class T, class Pack>
[[gnu::always_inline]] inline void store(T* to, Pack const& p) noexcept {
    static_assert(sizeof(Pack) == pack_bytes);
    std::memcpy(to, &p, sizeof p);
}

template <class T>
[[nodiscard, gnu::always_inline]] inline pack<T> all(T value) noexcept {
    return pack<T>{} + value;
}

/// The smaller and the larger of two numbers, or of two in each lane; no NaN.
template <class Number>
[[nodiscard, gnu::always_inline]] inline Number smaller(Number a, Number b) noexcept {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<Number, pack<float>>) return _mm512_maskz_min_ps(0xffff, a, b);
    if constexpr (std::is_same_v<Number, pack<double>>) return _mm512_maskz_min_pd(0xff, a, b);
#endif
    return a < b ? a : b;
}
template <class Number>
[[nodiscard, gnu::always_inline]] inline Number larger(Number a, Number b) noexcept {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<Number, pack<float>>) return _mm512_maskz_max_ps(0xffff, a, b);
    if constexpr (std::is_same_v<Number, pack<double>>) return _mm512_maskz_max_pd(0xff, a, b);
#endif
    return a > b ? a : b;
}

/// Is the number, or are all of the pack, above 0?
[[nodiscard, gnu::always_inline]] inline bool all_positive(float x) noexcept { return x > 0; }
[[nodiscard, gnu::always_inline]] inline bool all_positive(double x) noexcept { return x > 0; }
template <class Pack>
    requires(sizeof(Pack) == pack_bytes)
[[nodiscard, gnu::always_inline]] inline bool all_positive(Pack const& p) noexcept {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<Pack, pack<float>>)
        return _mm512_cmp_ps_mask(p, Pack{}, _CMP_GT_OQ) == 0xffff;
    if constexpr (std::is_same_v<Pack, pack<double>>)
        return _mm512_cmp_pd_mask(p, Pack{}, _CMP_GT_OQ) == 0xff;
#endif
    bool all = true;
    for (std::size_t lane = 0; lane < sizeof(Pack) / sizeof(p[0]); ++lane) all = all && p[lane] > 0;
    return all;
}

/// 16-bit numbers, as Real.
template <class Real>
[[nodiscard, gnu::always_inline]] inline pack<Real> load_halves(std::uint16_t const* from) noexcept {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<Real, float>)
        return _mm512_maskz_cvtepi32_ps(
            0xffff,
            _mm512_maskz_cvtepu16_epi32(0xffff, _mm256_loadu_si256(reinterpret_cast<__m256i const*>(from))));
#endif
    typedef std::uint16_t halves __attribute__((vector_size(pack_lanes<Real> * 2)));  // NOLINT: as above
    halves h;
    std::memcpy(&h, from, sizeof h);
    return __builtin_convertvector(__builtin_convertvector(h, pack<int_for<Real>>), pack<Real>);
}

/// The number in each lane; of a single number, itself.
template <class Number>
struct lane {
    using type = Number;
};
template <class Number>
    requires requires(Number const& n) { n[0]; }
struct lane<Number> {
    using type = std::remove_cvref_t<decltype(std::declval<Number>()[0])>;
};
template <class Number>
using lane_of = typename lane<Number>::type;

/// The integers of the same shape.
template <class Number>
using ints_of = std::conditional_t<std::is_arithmetic_v<Number>, int_for<lane_of<Number>>,
                                   pack<int_for<lane_of<Number>>>>;

template <class Ints>
using unsigned_of =
    std::conditional_t<std::is_arithmetic_v<Ints>,
                       std::conditional_t<sizeof(lane_of<Ints>) == 4, std::uint32_t, std::uint64_t>,
                       pack<std::conditional_t<sizeof(lane_of<Ints>) == 4, std::uint32_t, std::uint64_t>>>;

template <class To, class From>
[[nodiscard, gnu::always_inline]] inline To same_bits(From const& from) noexcept {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}

}  // namespace spinet::detail
