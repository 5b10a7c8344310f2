// SPDX-License-Identifier: BSD-3-Clause
/// How arrays of the user enter spinet: any xtensor expression becomes a row-major xtensor of known rank.
#pragma once

#include <spinet/detail/xtensor.hpp>
#include <spinet/error.hpp>

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace spinet {

/// The layout in which spinet keeps and returns arrays, whatever XTENSOR_DEFAULT_LAYOUT is.
template <class T, std::size_t Rank>
using row_major_array = xt::xtensor<T, Rank, xt::layout_type::row_major>;

namespace detail {

template <class A>
concept xtensor_expression = xt::is_xexpression<std::remove_cvref_t<A>>::value;

/// A range that knows its size, such as std::vector, std::span or an array. (The concepts of <ranges> would
/// ask for no more here, and reading that header takes a thirtieth of the time of the whole library.)
template <class A>
concept sized_range = requires(A& range) {
    {*std::begin(range)};
    { std::size(range) } -> std::convertible_to<std::size_t>;
};

/// Of an xtensor expression, or of a range of numbers.
template <class A>
struct element_of {
    using type = void;
};
template <sized_range A>
    requires(!xtensor_expression<A>)
struct element_of<A> {
    using type = std::remove_cvref_t<decltype(*std::begin(std::declval<A&>()))>;
};
template <xtensor_expression A>
struct element_of<A> {
    using type = typename A::value_type;
};
template <class A>
using element_t = typename element_of<std::remove_cvref_t<A>>::type;

/// The type in which a model holds its spins.
template <class Real>
struct spin_type_of {
    static_assert(std::is_same_v<Real, float> || std::is_same_v<Real, double>,
                  "spinet: spins are float or double; write dense_ising(couplings), for example: integer "
                  "couplings are taken as float");
    using type = Real;
};
template <class Real>
using checked_spin_type = typename spin_type_of<Real>::type;

/// The spin type that goes with an array of couplings: `Chosen` unless it is void, else the type of the
/// couplings where it is floating-point, else float.
template <class A, class Chosen = void>
struct spin_type_from {
    using type = checked_spin_type<Chosen>;
};
template <class A>
struct spin_type_from<A, void> {
    using type =
        checked_spin_type<std::conditional_t<std::is_floating_point_v<element_t<A>>, element_t<A>, float>>;
};
template <class A, class Chosen = void>
using spin_type_for = typename spin_type_from<A, Chosen>::type;

/// "(16, 784)"; long lists are cut.
template <class Numbers>
[[nodiscard]] std::string tuple_text(Numbers const& numbers) {
    constexpr std::size_t longest = 8;
    std::string result = "(";
    for (std::size_t i = 0; i < numbers.size() && i < longest; ++i)
        result += (i == 0 ? "" : ", ") + std::to_string(numbers[i]);
    return result + (numbers.size() > longest ? ", ...)" : ")");
}

/// The position of a row-major offset, as "(row, column)".
[[nodiscard]] inline std::string index_text(std::vector<std::size_t> const& shape, std::size_t offset) {
    std::vector<std::size_t> index(shape.size());
    for (std::size_t axis = shape.size(); axis-- > 0; offset /= shape[axis])
        index[axis] = offset % shape[axis];
    return tuple_text(index);
}

/// Writes the elements of an xtensor expression, the last index running fastest, or of a range to `out`.
/// Throws spinet::error, with `what` and the index, for a finite number beyond the range of T.
template <class T, class A>
void copy_elements(A const& array, T* out, std::string const& what) {
    using from = element_t<A>;
    auto const copy = [&](auto at, std::vector<std::size_t> const& shape, std::size_t count) {
        for (std::size_t k = 0; k < count; ++k, ++at) {
            auto const value = static_cast<from>(*at);
            if constexpr (std::is_floating_point_v<from> && (sizeof(from) > sizeof(T)))
                if (std::isfinite(value) &&
                    std::abs(value) > static_cast<from>(std::numeric_limits<T>::max()))
                    throw error(what, ": element ", index_text(shape, k), " is too large for ",
                                (sizeof(T) == sizeof(float) ? "float" : "double"));
            out[k] = static_cast<T>(value);
        }
    };
    if constexpr (xtensor_expression<A>) {
        copy(array.template begin<xt::layout_type::row_major>(),
             std::vector<std::size_t>(array.shape().begin(), array.shape().end()), array.size());
    } else {
        auto const count = static_cast<std::size_t>(std::size(array));
        copy(std::begin(array), {count}, count);
    }
}

/// A row-major copy of an xtensor expression of any kind and layout or, for rank 1, of a range such as
/// std::vector: equal values by logical index. `what` begins the message of the spinet::error thrown for
/// another rank, with both ranks and the shape, and for a finite number beyond the range of T, with its
/// index. A row-major xtensor<T, Rank> passed as an rvalue is moved.
template <class T, std::size_t Rank, class A>
[[nodiscard]] row_major_array<T, Rank> row_major_copy(A&& array, std::string const& what) {
    using type = std::remove_cvref_t<A>;
    constexpr bool is_array = xtensor_expression<A>,
                   is_range = Rank == 1 && sized_range<std::remove_reference_t<A>>;
    static_assert(is_array || is_range,
                  "spinet: an array is needed here: an xtensor expression or, for rank 1, a std::vector");
    if constexpr (is_array || is_range) {
        static_assert(std::is_arithmetic_v<element_t<A>>, "spinet: an array of real numbers is needed here");
        constexpr bool fits = !is_array || xt::get_rank<type>::value == Rank ||
                              xt::get_rank<type>::value == std::numeric_limits<std::size_t>::max();
        static_assert(fits || Rank == 1, "spinet: a matrix is needed here, an array of rank 2");
        static_assert(fits || Rank != 1, "spinet: a vector is needed here, an array of rank 1");
        if constexpr (std::is_same_v<type, row_major_array<T, Rank>>) return std::forward<A>(array);
        std::array<std::size_t, Rank> shape;
        if constexpr (is_array) {
            if (array.dimension() != Rank)
                throw error(what, ": expected an array of rank ", Rank, ", found rank ", array.dimension(),
                            ", shape ", tuple_text(array.shape()));
            for (std::size_t d = 0; d < Rank; ++d) shape[d] = static_cast<std::size_t>(array.shape()[d]);
        } else {
            shape[0] = static_cast<std::size_t>(std::size(array));
        }
        auto values = row_major_array<T, Rank>::from_shape(shape);
        if constexpr (std::is_arithmetic_v<element_t<A>>) copy_elements(array, values.data(), what);
        return values;
    } else {
        return {};
    }
}

/// The array itself where it is a row_major_array<T, Rank> already, else row_major_copy.
template <class T, std::size_t Rank, class A>
[[nodiscard]] decltype(auto) as_row_major(A const& array, std::string const& what) {
    if constexpr (std::is_same_v<A, row_major_array<T, Rank>>)
        return (array);
    else
        return row_major_copy<T, Rank>(array, what);
}

/// The numbers of an array of rank 1 or a range; a std::vector<T> passed as an rvalue is moved.
template <class T, class A>
[[nodiscard]] std::vector<T> vector_copy(A&& array, std::string const& what) {
    if constexpr (std::is_same_v<std::remove_cvref_t<A>, std::vector<T>>) {
        return std::forward<A>(array);
    } else {
        auto const values = row_major_copy<T, 1>(std::forward<A>(array), what);
        return {values.data(), values.data() + values.size()};
    }
}

/// External fields: those of the array, or `spins` zeros where it is empty.
template <class T, class A>
[[nodiscard]] std::vector<T> fields_or_zeros(A&& fields, std::size_t spins, std::string const& what) {
    auto values = vector_copy<T>(std::forward<A>(fields), what);
    if (values.empty()) values.assign(spins, T{0});
    return values;
}

/// An element of a braced list of arrays, such as {weights, xt::transpose(other)}: each may be of another
/// type.
template <class T, std::size_t Rank>
struct listed_array {
    using value_type = std::conditional_t<std::is_void_v<T>, double, T>;
    row_major_array<value_type, Rank> listed = row_major_array<value_type, Rank>::from_shape({});

    listed_array() = default;
    template <class A>
        requires(!std::is_same_v<std::remove_cvref_t<A>, listed_array>)
    listed_array(A&& array)
        : listed(row_major_copy<value_type, Rank>(std::forward<A>(array), "array in a list")) {}
    listed_array(xt::nested_initializer_list_t<value_type, Rank> numbers) : listed(numbers) {}
};

/// The array of an element of any list.
template <class A>
[[nodiscard]] decltype(auto) array_in_list(A&& element) {
    if constexpr (requires { element.listed; })
        return (std::forward<A>(element).listed);
    else
        return std::forward<A>(element);
}

}  // namespace detail
}  // namespace spinet
