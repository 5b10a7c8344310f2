// SPDX-License-Identifier: BSD-3-Clause
/// Every kind of xtensor expression becomes the same row-major array.
#include "catch.hpp"
#include <spinet/detail/arrays.hpp>

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#if __has_include(<xtensor/containers/xarray.hpp>)
#include <xtensor/containers/xarray.hpp>
#include <xtensor/generators/xbuilder.hpp>
#include <xtensor/views/xstrided_view.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xarray.hpp>
#include <xtensor/xbuilder.hpp>
#include <xtensor/xstrided_view.hpp>
#include <xtensor/xview.hpp>
#endif

using Catch::Matchers::ContainsSubstring;
using spinet::detail::row_major_copy;

namespace {

using reference = spinet::row_major_array<double, 2>;

reference const numbers = {{1, 2, 3}, {4, 5, 6}};

template <class A>
void check_same(A&& array) {
    auto const copy = row_major_copy<double, 2>(array, "test");
    static_assert(std::is_same_v<decltype(copy), reference const>);
    REQUIRE(copy.shape() == numbers.shape());
    for (std::size_t k = 0; k < numbers.size(); ++k) CHECK(copy.data()[k] == numbers.data()[k]);
}

}  // namespace

TEST_CASE("row_major_copy takes every expression of the right rank", "[detail]") {
    check_same(numbers);
    check_same(reference(numbers));
    check_same(xt::xtensor<double, 2>(numbers));
    check_same(xt::xtensor<float, 2, xt::layout_type::column_major>(numbers));
    check_same(xt::xtensor<int, 2, xt::layout_type::column_major>(numbers));
    check_same(xt::xarray<std::int8_t>(numbers));
    check_same(xt::xarray<double, xt::layout_type::column_major>(numbers));
    check_same(xt::xarray<double, xt::layout_type::dynamic>(numbers));
    std::vector<double> const rows = {1, 2, 3, 4, 5, 6}, columns = {1, 4, 2, 5, 3, 6};
    std::vector<std::size_t> const shape = {2, 3};
    check_same(xt::adapt<xt::layout_type::row_major>(rows, shape));
    check_same(xt::adapt<xt::layout_type::column_major>(columns, shape));
    check_same(xt::adapt<xt::layout_type::row_major>(rows.data(), 6, xt::no_ownership(), shape));
    xt::xtensor<double, 3, xt::layout_type::row_major> cube = xt::zeros<double>({2, 3, 2});
    xt::view(cube, xt::all(), xt::all(), 1) = numbers;
    check_same(xt::view(cube, xt::all(), xt::all(), 1));
    check_same(xt::strided_view(cube, {xt::ellipsis(), 1}));
    check_same(xt::transpose(xt::xtensor<double, 2>{{1, 4}, {2, 5}, {3, 6}}));
    check_same(numbers * 3 - 2 * numbers);
    check_same(xt::xtensor<double, 2, xt::layout_type::column_major>(numbers) * 2 - numbers);
    xt::xtensor<double, 2> const square = {{0, 2}, {3, 3}};
    auto const lazy = row_major_copy<float, 2>(square + xt::eye(2), "test");
    CHECK((lazy == xt::xtensor<float, 2>{{1, 2}, {3, 4}}));
    CHECK(row_major_copy<double, 2>(xt::zeros<int>({0, 3}), "test").shape()[1] == 3);
}

TEST_CASE("row_major_copy takes ranges as arrays of rank 1", "[detail]") {
    std::vector<int> const numbers_of_type_int = {3, 1, 2};
    xt::xtensor<double, 1> const expected = {3, 1, 2};
    CHECK((row_major_copy<double, 1>(numbers_of_type_int, "test") == expected));
    CHECK((row_major_copy<double, 1>(std::span(numbers_of_type_int), "test") == expected));
    CHECK((row_major_copy<double, 1>(xt::adapt(numbers_of_type_int), "test") == expected));
    CHECK(row_major_copy<double, 1>(std::vector<float>{}, "test").size() == 0);
}

TEST_CASE("row_major_copy moves what needs no copy", "[detail]") {
    reference mine = numbers;
    double const* const at = mine.data();
    CHECK(row_major_copy<double, 2>(std::move(mine), "test").data() == at);
}

TEST_CASE("row_major_copy refuses another rank and numbers that do not fit", "[detail]") {
    CHECK_THROWS_WITH(
        (row_major_copy<double, 2>(xt::xarray<double>(xt::zeros<double>({2, 1, 3})), "weights")),
        "weights: expected an array of rank 2, found rank 3, shape (2, 1, 3)");
    CHECK_THROWS_AS((row_major_copy<double, 1>(xt::xarray<double>{}, "weights")), spinet::error);
    CHECK_THROWS_WITH((row_major_copy<double, 1>(numbers + 1, "fields")), ContainsSubstring("found rank 2"));
    xt::xtensor<double, 2, xt::layout_type::column_major> large = numbers;
    large(1, 2) = -1e39;
    CHECK_THROWS_WITH((row_major_copy<float, 2>(large, "weights")),
                      "weights: element (1, 2) is too large for float");
    CHECK_THROWS_WITH((row_major_copy<float, 1>(std::vector<double>{0, 1e300}, "fields")),
                      "fields: element (1) is too large for float");
    large(1, 2) = std::numeric_limits<double>::infinity();  // for the caller to refuse
    CHECK(row_major_copy<float, 2>(large, "weights")(1, 2) == std::numeric_limits<float>::infinity());
}
