// SPDX-License-Identifier: BSD-3-Clause
/// How points and directions of the user enter the functions of landscapes.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <ranges>
#include <span>
#include <string>
#include <type_traits>

namespace spinet {

/// A vector that a function takes: any xtensor expression of rank 1, a std::span or std::vector of numbers,
/// or numbers in braces. Contiguous doubles are read where they are; everything else is copied. Throws
/// spinet::error for an array of another rank.
class vector_argument {
public:
    vector_argument(std::initializer_list<double> numbers)
        : copy_(detail::row_major_copy<double, 1>(numbers, "vector")), numbers_(copy_) {}

    template <class A>
        requires(!std::is_same_v<std::remove_cvref_t<A>, vector_argument> &&
                 (detail::xtensor_expression<A> || std::ranges::input_range<A>))
    vector_argument(A&& numbers) {
        if constexpr (reads_in_place<A>) {
            numbers_ = numbers;
        } else {
            copy_ = detail::row_major_copy<double, 1>(numbers, "vector");
            numbers_ = copy_;
        }
    }
    vector_argument(vector_argument const&) = delete;
    vector_argument& operator=(vector_argument const&) = delete;

    [[nodiscard]] double const* data() const noexcept { return numbers_.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return numbers_.size(); }
    [[nodiscard]] double const* begin() const noexcept { return data(); }
    [[nodiscard]] double const* end() const noexcept { return data() + size(); }
    [[nodiscard]] double operator[](std::size_t i) const noexcept { return numbers_[i]; }

private:
    template <class A>
    static constexpr bool reads_in_place = [] {
        if constexpr (!std::is_convertible_v<A const&, std::span<double const>>)
            return false;
        else if constexpr (detail::xtensor_expression<A>)
            return xt::get_rank<std::remove_cvref_t<A>>::value == 1;
        else
            return true;
    }();

    row_major_array<double, 1> copy_;
    std::span<double const> numbers_;
};

namespace detail {

[[nodiscard]] inline row_major_array<double, 1> array_of(std::span<double const> numbers) {
    auto array = row_major_array<double, 1>::from_shape({numbers.size()});
    std::copy(numbers.begin(), numbers.end(), array.begin());
    return array;
}

/// Points as rows: an xtensor expression of rank 2, or a range of what vector_argument takes. Throws
/// spinet::error for points of different sizes.
template <class Points>
[[nodiscard]] row_major_array<double, 2> rows_of_points(Points const& points, std::string const& who) {
    if constexpr (xtensor_expression<Points>) {
        return row_major_copy<double, 2>(points, who);
    } else {
        row_major_array<double, 2> rows;
        std::size_t k = 0;
        for (auto const& each : points) {
            vector_argument const point(each);
            if (k == 0) rows.resize({static_cast<std::size_t>(std::ranges::size(points)), point.size()});
            if (point.size() != rows.shape(1))
                throw error(who, ": points of ", rows.shape(1), " and ", point.size(), " numbers");
            std::copy(point.begin(), point.end(), rows.data() + k++ * point.size());
        }
        return rows;
    }
}

[[nodiscard]] inline std::span<double const> row_of(row_major_array<double, 2> const& rows, std::size_t k) {
    return {rows.data() + k * rows.shape(1), rows.shape(1)};
}

}  // namespace detail
}  // namespace spinet
