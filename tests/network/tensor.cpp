// SPDX-License-Identifier: BSD-3-Clause
/// Tensor handles: conversion of all element types, shapes, sharing, refusals.
#include "files.hpp"
#include <spinet/network/tensor.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>

using namespace network_test;
using spinet::dtype;
using spinet::tensor;

namespace {

template <class Stored>
tensor stored(dtype type, std::vector<Stored> const& values, std::size_t padding = 0) {
    std::vector<std::byte> bytes(padding + values.size() * sizeof(Stored), std::byte{0xFF});
    std::memcpy(bytes.data() + padding, values.data(), values.size() * sizeof(Stored));
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
    CHECK(std::is_same_v<decltype(b.as<double, 3>()), xt::xtensor<double, 3>>);
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
