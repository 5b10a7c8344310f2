// SPDX-License-Identifier: BSD-3-Clause
/// Tensor handles: conversion of all element types, shapes, sharing, refusals.
#include "../files.hpp"
#include <spinet/network/tensor.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>

#if __has_include(<xtensor/containers/xarray.hpp>)
#include <xtensor/containers/xarray.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xarray.hpp>
#include <xtensor/xview.hpp>
#endif

using namespace network_test;
using spinet::dtype;
using spinet::tensor;

namespace {

template <class Stored>
tensor stored(dtype type, std::vector<Stored> const& values, std::size_t padding = 0) {
    std::vector<std::byte> bytes(padding + values.size() * sizeof(Stored), std::byte{0xFF});
    if (!values.empty()) std::memcpy(bytes.data() + padding, values.data(), values.size() * sizeof(Stored));
    return {"t", type, {values.size()}, std::make_shared<std::vector<std::byte> const>(bytes), padding};
}

std::vector<double> doubles(tensor const& values) {
    std::vector<double> result(values.size());
    values.copy_to(std::span<double>(result));
    return result;
}

std::uint32_t bits(float x) { return std::bit_cast<std::uint32_t>(x); }

}  // namespace

TEST_CASE("half precision: patterns from the standard", "[network]") {
    // 1, -2, largest, smallest normal, largest subnormal, smallest subnormal, its negative, 1/3 rounded
    std::vector<std::uint16_t> const patterns{0x3C00, 0xC000, 0x7BFF, 0x0400, 0x03FF, 0x0001, 0x8001, 0x3555};
    std::vector<double> const expected{1,       -2,       65504,        0x1p-14, 1023 * 0x1p-24,
                                       0x1p-24, -0x1p-24, 1365.0 / 4096};
    CHECK(doubles(stored(dtype::f16, patterns)) == expected);
    CHECK(bits(spinet::detail::half_to_float(0x7C00)) == 0x7F800000);
    CHECK(bits(spinet::detail::half_to_float(0xFC00)) == 0xFF800000);
    CHECK(bits(spinet::detail::half_to_float(0x8000)) == 0x80000000);
    CHECK(bits(spinet::detail::half_to_float(0x0000)) == 0);
    CHECK(std::isnan(spinet::detail::half_to_float(0x7E00)));
    CHECK(std::isnan(spinet::detail::half_to_float(0xFC01)));
}

TEST_CASE("half precision: every finite pattern against its definition", "[network]") {
    int wrong = 0;
    for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
        int const exponent = static_cast<int>((pattern >> 10) & 31);
        int const fraction = static_cast<int>(pattern & 1023);
        auto const sign = (pattern & 0x8000) != 0 ? -1.0 : 1.0;
        auto const value = spinet::detail::half_to_float(static_cast<std::uint16_t>(pattern));
        double const expected =
            exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
        if (exponent == 31)
            wrong += fraction == 0 ? !(std::isinf(value) && (value < 0) == (sign < 0)) : !std::isnan(value);
        else
            wrong += !(value == sign * expected && std::signbit(value) == (sign < 0));
    }
    CHECK(wrong == 0);
}

TEST_CASE("half precision: every pattern, bit for bit, as the branches of the standard have it",
          "[network]") {
    auto const branching = [](std::uint32_t half) {
        std::uint32_t const sign = (half & 0x8000U) << 16U;
        std::uint32_t const exponent = (half >> 10U) & 0x1FU;
        std::uint32_t const fraction = half & 0x3FFU;
        if (exponent == 0) return bits(static_cast<float>(fraction) * 0x1p-24F) | sign;
        std::uint32_t const widened = exponent == 0x1FU ? 0xFFU : exponent + (127U - 15U);
        return sign | (widened << 23U) | (fraction << 13U);
    };
    int wrong = 0;
    std::vector<std::uint16_t> all;
    for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
        all.push_back(static_cast<std::uint16_t>(pattern));
        wrong += bits(spinet::detail::half_to_float(all.back())) != branching(pattern);
    }
    CHECK(wrong == 0);
    // and in the loop of whole tensors
    std::vector<float> converted(all.size());
    stored(dtype::f16, all, 1).copy_to(std::span<float>(converted));
    for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern)
        wrong += bits(converted[pattern]) != branching(pattern);
    CHECK(wrong == 0);
}

TEST_CASE("bfloat16: patterns", "[network]") {
    // 1, -2, 3.140625, smallest normal, smallest subnormal, largest
    std::vector<std::uint16_t> const patterns{0x3F80, 0xC000, 0x4049, 0x0080, 0x0001, 0x7F7F};
    std::vector<double> const expected{1, -2, 3.140625, 0x1p-126, 0x1p-133, 255 * 0x1p120};
    CHECK(doubles(stored(dtype::bf16, patterns)) == expected);
    CHECK(bits(spinet::detail::bfloat16_to_float(0x7F80)) == 0x7F800000);
    CHECK(bits(spinet::detail::bfloat16_to_float(0xFF80)) == 0xFF800000);
    CHECK(std::isnan(spinet::detail::bfloat16_to_float(0x7FC0)));
}

TEST_CASE("float and double patterns, at any alignment", "[network]") {
    for (std::size_t padding = 0; padding < 9; ++padding) {
        auto const single = stored<std::uint32_t>(dtype::f32, {0x3F800000, 0xC0490FDB, 0x00000001}, padding);
        CHECK(doubles(single) == std::vector<double>{1, -13176795 * 0x1p-22, 0x1p-149});
        auto const twice =
            stored<std::uint64_t>(dtype::f64, {0x3FF0000000000000, 0x0000000000000001}, padding);
        CHECK(doubles(twice) == std::vector<double>{1, std::numeric_limits<double>::denorm_min()});
        auto const half = stored<std::uint16_t>(dtype::f16, {0x3C00, 0xC000}, padding);
        CHECK(doubles(half) == std::vector<double>{1, -2});
    }
}

TEST_CASE("from an xtensor and back", "[network]") {
    xt::xtensor<float, 2> const single{{1, 2, 3}, {4, 5, 6.5F}};
    tensor const a(single, "a");
    CHECK(a.name() == "a");
    CHECK(a.type() == dtype::f32);
    CHECK(a.shape() == std::vector<std::size_t>{2, 3});
    CHECK(a.rank() == 2);
    CHECK(a.size() == 6);
    CHECK(a.bytes().size() == 24);
    CHECK((a.as<float, 2>() == single));
    CHECK(a.as<double, 2>()(1, 2) == 6.5);

    xt::xtensor<double, 3> twice(std::array<std::size_t, 3>{2, 1, 2});
    twice(0, 0, 0) = 1;
    twice(0, 0, 1) = -0.1;
    twice(1, 0, 0) = 1e-300;
    twice(1, 0, 1) = 4;
    tensor const b(twice);
    CHECK(b.type() == dtype::f64);
    CHECK((b.as<double, 3>() == twice));
    CHECK(b.as<float, 3>()(0, 0, 1) == -0.1F);
    CHECK(b.as<float, 3>()(1, 0, 0) == 0.0F);
    CHECK(std::is_same_v<decltype(b.as<double, 3>()), spinet::row_major_array<double, 3>>);
}

TEST_CASE("column-major arrays, dynamic arrays, scalars, expressions and empty arrays", "[network]") {
    xt::xtensor<float, 2, xt::layout_type::column_major> column(std::array<std::size_t, 2>{2, 3});
    for (std::size_t i = 0; i < 6; ++i) column(i / 3, i % 3) = static_cast<float>(i);
    CHECK(doubles(column) == std::vector<double>{0, 1, 2, 3, 4, 5});
    CHECK(doubles(tensor(2 * column)) == std::vector<double>{0, 2, 4, 6, 8, 10});

    auto const dynamic = xt::xarray<double>::from_shape({3, 2});
    CHECK(tensor(dynamic).shape() == std::vector<std::size_t>{3, 2});

    tensor const scalar("s", dtype::f16, {},
                        std::make_shared<std::vector<std::byte> const>(2, std::byte{0x3C}));
    CHECK(scalar.rank() == 0);
    CHECK(scalar.size() == 1);
    CHECK(scalar.as<double, 0>()() == 1.05859375);  // 0x3C3C

    tensor const empty("e", dtype::f32, {0, 4}, nullptr);
    CHECK(empty.size() == 0);
    CHECK(empty.as<float, 2>().size() == 0);
    CHECK_FALSE(empty.first_non_finite());
}

TEST_CASE("copies share the bytes, whatever their name", "[network]") {
    xt::xtensor<float, 1> values{1, 2};
    tensor const a(values, "a");
    auto const b = a.renamed("b");
    CHECK(b.name() == "b");
    CHECK(a.name() == "a");
    CHECK(b.bytes().data() == a.bytes().data());
    values(0) = 7;  // the tensor has its own memory
    CHECK(a.as<float, 1>()(0) == 1);
}

TEST_CASE("the first value that is not finite", "[network]") {
    xt::xtensor<float, 2> values{{1, 2}, {3, 4}};
    CHECK_FALSE(tensor(values).first_non_finite());
    values(1, 0) = std::numeric_limits<float>::infinity();
    values(1, 1) = std::numeric_limits<float>::quiet_NaN();
    auto const found = tensor(values).first_non_finite();
    REQUIRE(found);
    CHECK(found->index == 2);
    CHECK(found->value == std::numeric_limits<double>::infinity());
    auto const half = stored<std::uint16_t>(dtype::f16, {0x7BFF, 0xFC00}).first_non_finite();
    REQUIRE(half);
    CHECK(half->index == 1);
    CHECK(half->value == -std::numeric_limits<double>::infinity());
    CHECK_FALSE(stored<std::uint16_t>(dtype::bf16, {0x7F7F}).first_non_finite());
    auto const brain = stored<std::uint16_t>(dtype::bf16, {0x7F7F, 0, 0x7FC0}).first_non_finite();
    REQUIRE(brain);
    CHECK(brain->index == 2);
    CHECK(std::isnan(brain->value));
    // finite as a double although not as a float
    CHECK_FALSE(tensor(xt::xtensor<double, 1>{1e300}).first_non_finite());
}

TEST_CASE("one value that is not finite, wherever it stands", "[network]") {
    // sizes and places around the runs in which elements are taken
    auto const check = [](dtype type, auto finite, auto infinite) {
        for (std::size_t const size : {1U, 7U, 1023U, 1024U, 1025U, 2048U, 3000U})
            for (std::size_t const at : {0U, 1U, 6U, 1022U, 1023U, 1024U, 1025U, 2047U, 2048U, 2999U}) {
                if (at >= size) continue;
                std::vector<decltype(finite)> patterns(size, finite);
                REQUIRE_FALSE(stored(type, patterns, 3).first_non_finite());
                patterns[at] = infinite;
                patterns.back() = infinite;
                auto const found = stored(type, patterns, 3).first_non_finite();
                REQUIRE(found);
                REQUIRE(found->index == at);
                REQUIRE(found->value == -std::numeric_limits<double>::infinity());
            }
    };
    // the largest finite number, of either sign, beside minus infinity
    check(dtype::f16, std::uint16_t{0x7BFF}, std::uint16_t{0xFC00});
    check(dtype::f16, std::uint16_t{0xFBFF}, std::uint16_t{0xFC00});
    check(dtype::bf16, std::uint16_t{0x7F7F}, std::uint16_t{0xFF80});
    check(dtype::bf16, std::uint16_t{0xFF7F}, std::uint16_t{0xFF80});
    check(dtype::f32, std::uint32_t{0x7F7FFFFF}, std::uint32_t{0xFF800000});
    check(dtype::f32, std::uint32_t{0xFF7FFFFF}, std::uint32_t{0xFF800000});
    check(dtype::f64, std::uint64_t{0x7FEFFFFFFFFFFFFF}, std::uint64_t{0xFFF0000000000000});
    check(dtype::f64, std::uint64_t{0xFFEFFFFFFFFFFFFF}, std::uint64_t{0xFFF0000000000000});
    // nothing is read beyond the last element, and what follows it does not count
    auto const bytes = std::make_shared<std::vector<std::byte>>(4 * 1030, std::byte{0xFF});
    std::fill_n(bytes->begin(), 4 * 1025, std::byte{0});
    CHECK_FALSE(tensor("t", dtype::f32, {1025}, bytes).first_non_finite());
    CHECK(tensor("t", dtype::f32, {1026}, bytes).first_non_finite()->index == 1025);
}

TEST_CASE("conversion of lengths around a run, into no more room than there is", "[network]") {
    for (std::size_t const size : {0U, 1U, 1023U, 1024U, 1025U, 2048U, 2500U}) {
        std::vector<std::uint16_t> half(size), brain(size);
        std::vector<std::uint32_t> single(size);
        std::vector<std::uint64_t> twice(size);
        for (std::size_t i = 0; i < size; ++i) {  // 1 + i / 1024 fits the ten bits of a half for i < 1024
            half[i] = static_cast<std::uint16_t>(0x3C00 + i % 1024);
            brain[i] = static_cast<std::uint16_t>(0x3F80 + i % 128);
            single[i] = bits(static_cast<float>(i));
            twice[i] = std::bit_cast<std::uint64_t>(static_cast<double>(i) / 3);
        }
        auto const check = [&](tensor const& values, auto expected) {
            std::vector<float> floats(size + 1, -7.0F);
            std::vector<double> wide(size + 1, -7.0);
            values.copy_to(std::span<float>(floats.data(), size));
            values.copy_to(std::span<double>(wide.data(), size));
            REQUIRE(floats[size] == -7.0F);
            REQUIRE(wide[size] == -7.0);
            for (std::size_t i = 0; i < size; ++i) {
                REQUIRE(wide[i] == expected(i));
                REQUIRE(floats[i] == static_cast<float>(expected(i)));
            }
        };
        check(stored(dtype::f16, half),
              [](std::size_t i) { return 1 + static_cast<double>(i % 1024) / 1024; });
        check(stored(dtype::bf16, brain),
              [](std::size_t i) { return 1 + static_cast<double>(i % 128) / 128; });
        check(stored(dtype::f32, single), [](std::size_t i) { return static_cast<double>(i); });
        check(stored(dtype::f64, twice), [](std::size_t i) { return static_cast<double>(i) / 3; });
    }
}

TEST_CASE("a double beyond the range of float is found behind infinities, in any run", "[network]") {
    std::vector<double> values(3000, std::numeric_limits<double>::infinity());
    std::vector<float> out(values.size());
    tensor const fine("t", dtype::f64, {3000},
                      std::make_shared<std::vector<std::byte>>(std::as_bytes(std::span(values)).begin(),
                                                               std::as_bytes(std::span(values)).end()));
    CHECK_NOTHROW(fine.copy_to(std::span<float>(out)));
    CHECK(std::isinf(out[2999]));
    values[2500] = -1e300;
    CHECK(error_of([&] { stored(dtype::f64, values).copy_to(std::span<float>(out)); }) ==
          "tensor 't' of shape (3000) holds -1e+300 at (2500), beyond the range of float");
}

TEST_CASE("rows are windows on the same bytes", "[network]") {
    tensor const a(xt::xtensor<float, 2>{{1, 2}, {3, 4}, {5, 6}}, "a");
    auto const middle = a.rows(1, 2);
    CHECK(middle.shape() == std::vector<std::size_t>{2, 2});
    CHECK(middle.bytes().data() == a.bytes().data() + 8);
    CHECK(middle.bytes().size() == 16);
    CHECK(doubles(middle) == std::vector<double>{3, 4, 5, 6});
    CHECK(doubles(middle.rows(1, 1)) == std::vector<double>{5, 6});
    CHECK(middle.name() == "a");
    CHECK(doubles(a.rows(0, 3)) == doubles(a));
    CHECK(a.rows(3, 0).size() == 0);
    CHECK(a.rows(3, 0).shape() == std::vector<std::size_t>{0, 2});
    CHECK(doubles(tensor(xt::xtensor<double, 1>{1, 2, 3}).rows(2, 1)) == std::vector<double>{3});
    auto const kept = [] { return tensor(xt::xtensor<float, 2>{{1, 2}, {3, 4}}).rows(1, 1); }();
    CHECK(doubles(kept) == std::vector<double>{3, 4});

    std::string const no = "tensor 'a' of shape (3, 2) does not have ";
    CHECK(error_of([&] { (void)a.rows(2, 2); }) == no + "2 rows from row 2 on");
    CHECK(error_of([&] { (void)a.rows(4, 0); }) == no + "0 rows from row 4 on");
    auto const most = std::numeric_limits<std::size_t>::max();
    CHECK(error_of([&] { (void)a.rows(2, most); }) == no + std::to_string(most) + " rows from row 2 on");
    tensor const scalar("s", dtype::f16, {}, std::make_shared<std::vector<std::byte>>(2));
    CHECK(error_of([&] { (void)scalar.rows(0, 1); }) ==
          "tensor 's' of shape () is a single value, without rows");
    tensor const empty("e", dtype::f32, {0, 4}, nullptr);
    CHECK(empty.rows(0, 0).size() == 0);
    CHECK(error_of([&] { (void)empty.rows(0, 1); }) ==
          "tensor 'e' of shape (0, 4) does not have 1 rows from row 0 on");
    // no rows, though each would be huge
    tensor const flat("f", dtype::f64, {0, std::size_t{1} << 40}, nullptr);
    CHECK(flat.rows(0, 0).bytes().empty());
}

TEST_CASE("another shape of the same values", "[network]") {
    tensor const a(xt::xtensor<float, 2>{{1, 2, 3}, {4, 5, 6}}, "a");
    auto const b = a.reshaped({3, 1, 2});
    CHECK(b.shape() == std::vector<std::size_t>{3, 1, 2});
    CHECK(b.bytes().data() == a.bytes().data());
    CHECK(doubles(b.rows(1, 1)) == std::vector<double>{3, 4});
    CHECK(doubles(a.rows(1, 1).reshaped({3})) == std::vector<double>{4, 5, 6});
    CHECK(a.rows(0, 0).reshaped({7, 0}).shape() == std::vector<std::size_t>{7, 0});
    CHECK(error_of([&] { (void)a.reshaped({4}); }) ==
          "tensor 'a' of shape (2, 3) does not fit the shape (4)");
    CHECK(error_of([&] { (void)a.reshaped({}); }) == "tensor 'a' of shape (2, 3) does not fit the shape ()");
    std::size_t const huge = std::size_t{1} << 63;
    CHECK(error_of([&] {
              (void)a.reshaped({huge, 2, 6});
          }) == "tensor 'a' of shape (2, 3) does not fit the shape (9223372036854775808, 2, 6)");
}

TEST_CASE("bytes of any owner", "[network]") {
    auto const owner = std::make_shared<std::array<float, 4>>(std::array<float, 4>{1, 2, 3, 4});
    std::weak_ptr<void const> const watched = owner;
    {
        auto const a = [held = owner]() -> tensor {
            return {"a", dtype::f32, {2}, {held, std::as_bytes(std::span(*held))}, 8};
        }();
        CHECK(doubles(a) == std::vector<double>{3, 4});
        auto const last = [&] { return a.rows(1, 1).renamed("last"); }();
        CHECK(watched.use_count() > 1);
        CHECK(doubles(last) == std::vector<double>{4});
    }
    CHECK(watched.use_count() == 1);
    auto const writable = std::make_shared<std::vector<std::byte>>(4);
    CHECK(spinet::byte_source(writable).size() == 4);
    CHECK(spinet::byte_source(nullptr).bytes().empty());
    CHECK(spinet::byte_source(std::shared_ptr<std::vector<std::byte> const>()).bytes().empty());
}

TEST_CASE("refused: wrong rank, wrong room, values beyond float, missing bytes", "[network]") {
    tensor const values(xt::xtensor<double, 2>{{1, 2}, {3, -1e39}}, "fc.weight");
    CHECK(error_of([&] { (void)values.as<double, 1>(); }) ==
          "tensor 'fc.weight' of shape (2, 2) has rank 2, not 1");
    std::vector<double> room(3);
    CHECK(error_of([&] { values.copy_to(std::span<double>(room)); }) ==
          "tensor 'fc.weight' of shape (2, 2) has 4 values, but the destination has room for 3");
    CHECK(error_of([&] { (void)values.as<float, 2>(); }) ==
          "tensor 'fc.weight' of shape (2, 2) holds -1e+39 at (1, 1), beyond the range of float");

    auto const bytes = std::make_shared<std::vector<std::byte> const>(16);
    CHECK_NOTHROW(tensor("t", dtype::f32, {2}, bytes, 8));
    CHECK(error_of([&] { tensor("t", dtype::f32, {2}, bytes, 9); }) ==
          "tensor 't' of shape (2) needs 8 bytes from byte 9, but there are 16 in all");
    CHECK(error_of([&] { tensor("t", dtype::f32, {2}, bytes, 17); }) ==
          "tensor 't' of shape (2) needs 8 bytes from byte 17, but there are 16 in all");
    CHECK(error_of([&] { tensor("t", dtype::f32, {1}, nullptr); }) ==
          "tensor 't' of shape (1) needs 4 bytes from byte 0, but there are 0 in all");
    std::size_t const huge = std::size_t{1} << 62;
    CHECK(error_of([&] { tensor("t", dtype::f32, {huge}, bytes); }) ==
          "tensor 't' of shape (4611686018427387904) needs more than 2^64 bytes from byte 0, but there are "
          "16 in all");
}

TEST_CASE("names of element types", "[network]") {
    CHECK(spinet::to_string(dtype::bf16) == "bf16");
    CHECK(spinet::size_of(dtype::f16) == 2);
    CHECK(spinet::size_of(dtype::bf16) == 2);
    CHECK(spinet::size_of(dtype::f32) == 4);
    CHECK(spinet::size_of(dtype::f64) == 8);
}

TEST_CASE("every kind of xtensor expression becomes the same tensor", "[network]") {
    xt::xtensor<float, 2, xt::layout_type::row_major> const reference{{1, 2, 3}, {4, 5, 6}};
    auto const check = [](tensor const& made, dtype type) {
        CHECK(made.type() == type);
        CHECK(made.shape() == std::vector<std::size_t>{2, 3});
        CHECK(doubles(made) == std::vector<double>{1, 2, 3, 4, 5, 6});
    };
    check(reference, dtype::f32);
    check(xt::xtensor<float, 2, xt::layout_type::column_major>(reference), dtype::f32);
    check(xt::xtensor<double, 2, xt::layout_type::column_major>(reference), dtype::f64);
    check(xt::xarray<double>(reference), dtype::f64);
    check(xt::xarray<std::int8_t, xt::layout_type::column_major>(reference), dtype::f64);
    check(xt::xtensor<std::int64_t, 2>(reference), dtype::f64);
    check(1.0 * reference, dtype::f64);
    check(xt::transpose(xt::xtensor<float, 2>{{1, 4}, {2, 5}, {3, 6}}), dtype::f32);
    xt::xtensor<double, 3> cube = xt::zeros<double>({2, 2, 3});
    xt::view(cube, 1) = reference;
    check(xt::view(cube, 1), dtype::f64);
    std::vector<double> const columns{1, 4, 2, 5, 3, 6};
    std::vector<std::size_t> const shape{2, 3};
    check(xt::adapt<xt::layout_type::column_major>(columns, shape), dtype::f64);

    auto const back = tensor(reference).as<double, 2>();
    static_assert(std::is_same_v<decltype(back), xt::xtensor<double, 2, xt::layout_type::row_major> const>);
    CHECK(back(1, 0) == 4);
}

TEST_CASE("other values in the shape of a tensor", "[network]") {
    tensor const old(xt::xtensor<float, 2>{{1, 2}, {3, 4}}, "w");
    auto const made = old.with_values(std::vector<double>{0.1, 0.2, 0.3, 0.4});
    CHECK(made.name() == "w");
    CHECK(made.type() == dtype::f64);
    CHECK(made.shape() == old.shape());
    CHECK(doubles(made) == std::vector<double>{0.1, 0.2, 0.3, 0.4});
    CHECK(error_of([&] { (void)old.with_values(std::vector<double>(3)); }) ==
          "tensor 'w' of shape (2, 2) does not hold 3 values");
}
