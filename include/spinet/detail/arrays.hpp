// SPDX-License-Identifier: BSD-3-Clause
/// How arrays of the user enter spinet: any xtensor expression becomes a row-major xtensor of known rank.
#pragma once

#include <spinet/detail/xtensor.hpp>
#include <spinet/error.hpp>

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>

namespace spinet {

/// The layout in which spinet keeps and returns arrays, whatever XTENSOR_DEFAULT_LAYOUT is.
template <class T, std::size_t Rank>
using row_major_array = xt::xtensor<T, Rank, xt::layout_type::row_major>;

namespace detail {

template <class A>
concept xtensor_expression = xt::is_xexpression<std::remove_cvref_t<A>>::value;

/// Of an xtensor expression, or of a range of numbers.
template <class A>
struct element_of {
    using type = std::ranges::range_value_t<A>;
};
template <xtensor_expression A>
struct element_of<A> {
    using type = typename A::value_type;
};
template <class A>
using element_t = typename element_of<std::remove_cvref_t<A>>::type;

/// The type of spins for couplings of a type: that type if it is floating-point, else float.
template <class A>
using spin_type_for = std::conditional_t<std::is_floating_point_v<element_t<A>>, element_t<A>, float>;

/// "(16, 784)"; long lists are cut.
template <class Numbers>
[[nodiscard]] std::string tuple_text(Numbers const& numbers) {
    constexpr std::size_t longest = 8;
    std::string result = "(";
    for (std::size_t i = 0; i < numbers.size() && i < longest; ++i)
        result += (i == 0 ? "" : ", ") + std::to_string(numbers[i]);
    return result + (numbers.size() > longest ? ", ...)" : ")");
}

/// The number as a T. Throws spinet::error where it is finite but beyond the range of T.
template <class T, class From, class Where>
[[nodiscard]] T converted(From value, Where&& where) {
    if constexpr (std::is_floating_point_v<From> && std::is_floating_point_v<T> && sizeof(From) > sizeof(T))
        if (std::isfinite(value) && std::abs(value) > static_cast<From>(std::numeric_limits<T>::max()))
            throw error(where() + " is too large for " + (sizeof(T) == sizeof(float) ? "float" : "double"));
    return static_cast<T>(value);
}

/// A row-major copy of an xtensor expression of any kind and layout or, for rank 1, of a range such as
/// std::vector: equal values by logical index. `what` begins the message of the spinet::error thrown for
/// another rank, with both ranks and the shape, and for a finite number beyond the range of T, with its
/// index. A row-major xtensor<T, Rank> passed as an rvalue is moved.
template <class T, std::size_t Rank, class A>
[[nodiscard]] row_major_array<T, Rank> row_major_copy(A&& array, std::string const& what) {
    using type = std::remove_cvref_t<A>;
    if constexpr (!xtensor_expression<A> && !(Rank == 1 && std::ranges::input_range<A>)) {
        static_assert(xtensor_expression<A>,
                      "spinet expects an array here: an xtensor expression, or a std::vector for rank 1");
    } else if constexpr (!std::is_arithmetic_v<element_t<A>>) {
        static_assert(std::is_arithmetic_v<element_t<A>>, "spinet expects an array of real numbers here");
    } else if constexpr (std::is_same_v<type, row_major_array<T, Rank>>) {
        return std::forward<A>(array);
    } else if constexpr (!xtensor_expression<A>) {
        auto values =
            row_major_array<T, Rank>::from_shape({static_cast<std::size_t>(std::ranges::size(array))});
        std::size_t at = 0;
        for (auto const value : array) {
            values.data()[at] =
                converted<T>(value, [&] { return what + ": element " + tuple_text(std::array{at}); });
            ++at;
        }
        return values;
    } else if constexpr (xt::get_rank<type>::value != Rank &&
                         xt::get_rank<type>::value != std::numeric_limits<std::size_t>::max()) {
        static_assert(xt::get_rank<type>::value == Rank,
                      "spinet expects an array with another number of dimensions here");
    } else {
        if (array.dimension() != Rank)
            throw error(what + ": expected an array of rank " + std::to_string(Rank) + ", found rank " +
                        std::to_string(array.dimension()) + ", shape " + tuple_text(array.shape()));
        std::array<std::size_t, Rank> shape;
        for (std::size_t d = 0; d < Rank; ++d) shape[d] = static_cast<std::size_t>(array.shape()[d]);
        auto values = row_major_array<T, Rank>::from_shape(shape);
        auto from = std::as_const(array).template begin<xt::layout_type::row_major>();
        for (std::size_t k = 0; k < values.size(); ++k, ++from)
            values.data()[k] = converted<T>(static_cast<element_t<A>>(*from), [&] {
                std::array<std::size_t, Rank> index;
                for (std::size_t d = Rank, rest = k; d-- > 0; rest /= shape[d]) index[d] = rest % shape[d];
                return what + ": element " + tuple_text(index);
            });
        return values;
    }
}

}  // namespace detail
}  // namespace spinet
