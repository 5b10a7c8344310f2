// SPDX-License-Identifier: BSD-3-Clause
/// The element types of tensors: how they are stored, and whole runs of them checked and converted.
#pragma once

#include <spinet/error.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>

namespace spinet {

/// How an element is stored: IEEE 754 binary16, bfloat16 (the upper half of a binary32), binary32, binary64.
enum class dtype : std::uint8_t { f16, bf16, f32, f64 };

/// Bytes of one element.
[[nodiscard]] constexpr std::size_t size_of(dtype type) noexcept {
    return type == dtype::f64 ? 8 : type == dtype::f32 ? 4 : 2;
}

[[nodiscard]] constexpr std::string_view to_string(dtype type) {
    return detail::name_of(type, "dtype", {"f16", "bf16", "f32", "f64"});
}

namespace detail {

static_assert(std::endian::native == std::endian::little,
              "spinet reads the bytes of network files in place: it needs a little-endian machine");
static_assert(std::numeric_limits<float>::is_iec559 && std::numeric_limits<double>::is_iec559,
              "spinet needs IEEE 754 floating point");

/// The value of an IEEE 754 binary16; exact, for subnormals, infinities and nan too. Masks instead of
/// branches, and no subnormal floats, so that loops over it become vector instructions.
[[nodiscard]] inline float half_to_float(std::uint16_t half) noexcept {
    auto const magnitude = static_cast<std::int32_t>(half & 0x7FFFU);
    std::int32_t const rebias = (127 - 15) << 23;
    std::int32_t const is_special = -((magnitude + 0x0400) >> 15);  // all bits set for infinities and nan
    std::int32_t const normal = (magnitude << 13) + rebias + (is_special & rebias);
    // Zero and subnormals are multiples of 2^-24, normal numbers as floats.
    auto const small = std::bit_cast<std::int32_t>(static_cast<float>(magnitude) * 0x1p-24F);
    std::int32_t const is_small = (magnitude - 0x0400) >> 31;
    std::int32_t const chosen = (small & is_small) | (normal & ~is_small);
    return std::bit_cast<float>(static_cast<std::uint32_t>(chosen) | (half & 0x8000U) << 16U);
}

/// The value of a bfloat16; exact, since it is the upper half of a float.
[[nodiscard]] inline float bfloat16_to_float(std::uint16_t upper) noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(upper) << 16U);
}

/// An element type for loops: its bits, the mask of its exponent, its value.
template <dtype>
struct element;

template <>
struct element<dtype::f16> {
    using bits = std::uint16_t;
    static constexpr bits exponent = 0x7C00;
    static float value(bits x) noexcept { return half_to_float(x); }
};

template <>
struct element<dtype::bf16> {
    using bits = std::uint16_t;
    static constexpr bits exponent = 0x7F80;
    static float value(bits x) noexcept { return bfloat16_to_float(x); }
};

template <>
struct element<dtype::f32> {
    using bits = std::uint32_t;
    static constexpr bits exponent = 0x7F800000;
    static float value(bits x) noexcept { return std::bit_cast<float>(x); }
};

template <>
struct element<dtype::f64> {
    using bits = std::uint64_t;
    static constexpr bits exponent = 0x7FF0000000000000;
    static double value(bits x) noexcept { return std::bit_cast<double>(x); }
};

/// f(element<type>{}).
template <class F>
decltype(auto) with_element(dtype type, F&& f) {
    switch (type) {
        case dtype::f16:
            return f(element<dtype::f16>{});
        case dtype::bf16:
            return f(element<dtype::bf16>{});
        case dtype::f32:
            return f(element<dtype::f32>{});
        case dtype::f64:
            break;
    }
    return f(element<dtype::f64>{});
}

/// Elements are taken in runs of this many: a known length becomes vector instructions at -O2 too, and a run
/// stays in the first cache.
inline constexpr std::size_t run_length = 1024;
using whole_run = std::integral_constant<std::size_t, run_length>;

/// The element at `index`, of any alignment.
template <class Element>
[[nodiscard]] typename Element::bits element_bits(std::byte const* from, std::size_t index) noexcept {
    typename Element::bits stored;
    std::memcpy(&stored, from + index * sizeof stored, sizeof stored);
    return stored;
}

template <class Element>
[[nodiscard]] double element_value(std::byte const* from, std::size_t index) noexcept {
    return Element::value(element_bits<Element>(from, index));
}

template <class Element>
[[nodiscard]] bool is_finite(typename Element::bits x) noexcept {
    return (x & Element::exponent) != Element::exponent;
}

/// Whether one of the elements of a whole run is nan or infinite.
template <class Element>
[[nodiscard]] bool run_holds_non_finite(std::byte const* from) noexcept {
    using bits = typename Element::bits;
    constexpr auto lowest = static_cast<bits>(Element::exponent & (~Element::exponent + 1));
    // Adding the lowest bit of the exponent carries into the sign exactly where all its bits are set.
    bits carried = 0;
    for (std::size_t i = 0; i < run_length; ++i) {
        bits const exponent = element_bits<Element>(from, i) & Element::exponent;
        carried = static_cast<bits>(carried | static_cast<bits>(exponent + lowest));
    }
    return carried > std::numeric_limits<bits>::max() / 2;
}

/// The position of the first nan or infinity among `count` elements, of any alignment; `count` where there is
/// none.
template <class Element>
[[nodiscard]] std::size_t first_non_finite(std::byte const* from, std::size_t count) noexcept {
    std::size_t i = 0;
    while (count - i >= run_length &&
           !run_holds_non_finite<Element>(from + i * sizeof(typename Element::bits)))
        i += run_length;
    while (i < count && is_finite<Element>(element_bits<Element>(from, i))) ++i;
    return i;
}

/// Writes the values of `length` elements to `out`. Without the promise that it is no part of what is read,
/// -O2 would not make vector instructions of the loop.
template <class Element, class Length, class Real>
void convert_run(std::byte const* __restrict from, Length length, Real* __restrict out) noexcept {
    for (std::size_t i = 0; i < length; ++i)
        out[i] = static_cast<Real>(Element::value(element_bits<Element>(from, i)));
}

/// The position of the first of `count` values which is infinite although its element is finite, or `count`.
template <class Element>
[[nodiscard]] std::size_t first_overflow(std::byte const* from, float const* values,
                                         std::size_t count) noexcept {
    if (first_non_finite<element<dtype::f32>>(reinterpret_cast<std::byte const*>(values), count) == count)
        return count;
    std::size_t i = 0;
    while (i < count && (std::isfinite(values[i]) || !is_finite<Element>(element_bits<Element>(from, i))))
        ++i;
    return i;
}

/// Writes the values of `count` elements, of any alignment, to `out`. Returns the position of the first
/// finite one that is beyond the range of Real, or `count`; what comes after its run is then not written.
template <class Element, class Real>
[[nodiscard]] std::size_t convert_elements(std::byte const* from, std::size_t count, Real* out) noexcept {
    using stored = typename Element::bits;
    if constexpr (sizeof(stored) == sizeof(Real)) {  // nothing to do but to copy
        if (count != 0) std::memcpy(out, from, count * sizeof(Real));
        return count;
    }
    for (std::size_t begin = 0; begin < count; begin += run_length) {
        auto const* const run_from = from + begin * sizeof(stored);
        auto const length = std::min(run_length, count - begin);
        if (length == run_length)
            convert_run<Element>(run_from, whole_run{}, out + begin);
        else
            convert_run<Element>(run_from, length, out + begin);
        if constexpr (sizeof(stored) > sizeof(Real))
            if (auto const bad = first_overflow<Element>(run_from, out + begin, length); bad != length)
                return begin + bad;
    }
    return count;
}

}  // namespace detail
}  // namespace spinet
