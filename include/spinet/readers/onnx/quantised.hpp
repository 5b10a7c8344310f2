// SPDX-License-Identifier: BSD-3-Clause
/// Quantised weights in ONNX graphs: integers with their scales and zero points. What rounds computed values
/// is left out.
#pragma once

#include <spinet/readers/onnx/layers.hpp>
#include <spinet/readers/onnx/layout.hpp>
#include <spinet/readers/onnx/moves.hpp>
#include <spinet/readers/onnx/state.hpp>
#include <spinet/readers/onnx/values.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace spinet::detail::onnx_reading {

/// How numbers are made of integers: (q - zero) scale, with one scale and zero for all, for each index along
/// an axis, or for each block of `block` of them.
struct quantisation {
    constant scale;
    std::optional<constant> zero;
    std::size_t axis = 0, block = 0;
};

/// One number for each element of `of`, whose layout is row-major: where in the array of scales it stands.
[[nodiscard]] inline std::size_t place_of_scale(quantisation const& by, layout const& of, std::size_t index,
                                                std::size_t scales) {
    if (scales == 1) return 0;
    std::size_t const along = index / of.strides[by.axis] % of.sizes[by.axis];
    if (by.block == 0) return along;
    // Scales have the shape of the integers, but for the axis of blocks.
    std::size_t const blocks = (of.sizes[by.axis] + by.block - 1) / by.block;
    return (index / of.strides[by.axis] / of.sizes[by.axis] * blocks + along / by.block) *
               of.strides[by.axis] +
           index % of.strides[by.axis];
}

/// The numbers that quantised integers stand for, rounded to float as DequantizeLinear has them.
[[nodiscard]] inline constant dequantised(reading_state& state, call const& by, constant of,
                                          quantisation how) {
    of = contiguous(of.at) && of.at.offset == 0 ? of : packed(of, state.budget);
    std::size_t const scales = how.scale.at.count();
    std::size_t expected = scales == 1 ? 1 : of.at.rank() == 0 ? 0 : of.at.sizes[how.axis];
    if (scales != 1 && how.block != 0 && expected != 0)
        expected = of.at.count() / expected * ((expected + how.block - 1) / how.block);
    if (scales != expected || (how.zero && how.zero->at.count() != scales && how.zero->at.count() != 1))
        by.fail("has scales of shape ", tuple_text(how.scale.at.sizes), " for integers of shape ",
                tuple_text(of.at.sizes));
    auto const scale = numbers_of(how.scale, state.budget);
    auto zero = how.zero ? numbers_of(*how.zero, state.budget) : std::vector<double>{0.0};
    if (zero.size() == 1) zero.resize(scale.size(), zero[0]);
    constant result = of;
    result.is_quantised = false;
    result.decoded = [of, how, scale, zero](std::size_t index) {
        auto const place = place_of_scale(how, of.at, index, scale.size());
        return static_cast<double>(static_cast<float>((number_at(of, index) - zero[place]) * scale[place]));
    };
    result.type = dtype::f32;
    return result;
}

/// The constant at input k, if there is one, integers or not.
[[nodiscard]] inline std::optional<constant> maybe_quantised(call const& by, std::size_t k) {
    if (by.maybe(k) == nullptr) return std::nullopt;
    return by.quantised(k);
}

[[nodiscard]] inline quantisation quantisation_in(call& by, std::size_t scale, std::size_t zero,
                                                  std::size_t rank) {
    auto const axis = by.integer("axis", 1);
    auto const block = by.integer("block_size", 0);
    by.ignore("saturate");
    by.ignore("output_dtype");
    by.ignore("precision");
    if (block < 0) by.fail("has blocks of ", block);
    quantisation how{by.weights(scale), maybe_quantised(by, zero), 0, static_cast<std::size_t>(block)};
    if (how.scale.at.count() != 1) how.axis = by.axis(axis, rank);
    return how;
}

inline void read_dequantize(reading_state& state, call& by) {
    if (std::holds_alternative<computed>(by.input(0))) {
        for (auto const* name : {"axis", "block_size", "output_dtype"}) by.ignore(name);
        return pass(state, by, "values that are not rounded need no scale");
    }
    auto const of = by.quantised(0);
    state.set(by, 0, dequantised(state, by, of, quantisation_in(by, 1, 2, of.at.rank())));
}

/// Constants are rounded as the node says; values that the network computes are not.
inline void read_quantize(reading_state& state, call& by) {
    if (std::holds_alternative<computed>(by.input(0))) {
        for (auto const* name : {"axis", "block_size", "output_dtype", "saturate", "precision"})
            by.ignore(name);
        return pass(state, by, "it rounds values to integers");
    }
    auto const& of = by.weights(0);
    auto const how = quantisation_in(by, 1, 2, of.at.rank());
    if (how.block != 0) by.fail("quantises constants in blocks");
    auto const* zero = std::get_if<constant>(by.maybe(2));
    auto const scale = numbers_of(how.scale, state.budget);
    auto zeros = how.zero ? numbers_of(*how.zero, state.budget) : std::vector<double>{0.0};
    if (zeros.size() != scale.size() && zeros.size() != 1)
        by.fail("has scales and zero points that do not fit");
    bool const is_signed = zero != nullptr && zero->decoded && zero->lowest < 0;
    double const least = is_signed ? zero->lowest : 0,
                 most = zero != nullptr && zero->decoded ? zero->highest : 255;
    auto numbers = numbers_of(of, state.budget);
    auto const at = row_major(of.at.sizes);
    for (std::size_t k = 0; k < numbers.size(); ++k) {
        auto const place = place_of_scale(how, at, k, scale.size());
        if (place >= scale.size()) by.fail("has too few scales");
        double const rounded =
            std::nearbyint(numbers[k] / scale[place]) + zeros[zeros.size() == 1 ? 0 : place];
        numbers[k] = std::clamp(rounded, least, most);
    }
    state.budget.take(numbers.size() * sizeof(double));
    state.set(by, 0, constant_of(numbers, of.at.sizes, of.name));
}

/// Values that the network computes stay what they are, with a scale of 1 and a zero point of 0.
inline void read_dynamic_quantize(reading_state& state, call& by) {
    pass(state, by, "it rounds values to integers");
    state.set(by, 1, constant_of({1.0}, {}, by.node().output(0)));
    state.set(by, 2, constant_of({0.0}, {}, by.node().output(0)));
}

/// The integers at input k less their zero point at input `zero`, along `axis`.
[[nodiscard]] inline constant without_zero(reading_state& state, call const& by, std::size_t k,
                                           std::size_t zero, std::size_t axis) {
    auto const of = by.quantised(k);
    auto const zeros = maybe_quantised(by, zero);
    std::size_t const scales = zeros ? zeros->at.count() : 1;
    quantisation how{constant_of(std::vector<double>(scales, 1.0), {scales}, of.name), zeros, axis, 0};
    return dequantised(state, by, of, std::move(how));
}

inline void read_matmul_integer(reading_state& state, call& by) {
    auto weight =
        without_zero(state, by, 1, 3, by.quantised(1).at.rank() == 0 ? 0 : by.quantised(1).at.rank() - 1);
    if (weight.at.rank() != 2) by.fail("multiplies by a constant of shape ", tuple_text(weight.at.sizes));
    state.set(by, 0,
              add_dense(state, by, by.from_network(0), {transposed_matrix(std::move(weight)), std::nullopt}));
}

inline void read_conv_integer(reading_state& state, call& by) {
    convolve(state, by, without_zero(state, by, 1, 3, 0), std::nullopt);
}

/// The bias of integers in units of the product of both scales.
[[nodiscard]] inline std::optional<constant> scaled_bias(reading_state& state, call const& by, std::size_t k,
                                                         constant const& scale_x, constant const& scale_w) {
    if (by.maybe(k) == nullptr) return std::nullopt;
    auto const of = by.quantised(k);
    auto const x = only_number(scale_x);
    auto const w = numbers_of(scale_w, state.budget);
    auto numbers = numbers_of(of, state.budget);
    if (!x || (w.size() != 1 && w.size() != numbers.size())) by.fail("has scales that do not fit its bias");
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] *= *x * w[w.size() == 1 ? 0 : i];
    return constant_of(numbers, of.at.sizes, of.name);
}

/// x, its scale and zero point, W, its scale and zero point, those of y, and a bias.
inline void read_qlinear_conv(reading_state& state, call& by) {
    quantisation how{by.weights(4), maybe_quantised(by, 5), 0, 0};
    auto const weight = dequantised(state, by, by.quantised(3), std::move(how));
    convolve(state, by, weight, scaled_bias(state, by, 8, by.weights(1), by.weights(4)));
    state.notes.push_back(by.where() + " rounds values to integers, which is left out");
}

inline void read_qlinear_matmul(reading_state& state, call& by) {
    auto const integers = by.quantised(3);
    if (integers.at.rank() != 2) by.fail("multiplies by a constant of shape ", tuple_text(integers.at.sizes));
    quantisation how{by.weights(4), maybe_quantised(by, 5), 1, 0};
    auto weight = dequantised(state, by, integers, std::move(how));
    state.set(by, 0,
              add_dense(state, by, by.from_network(0), {transposed_matrix(std::move(weight)), std::nullopt}));
    state.notes.push_back(by.where() + " rounds values to integers, which is left out");
}

/// com.microsoft's product with N rows of K weights of a few bits: integers of shape (N, blocks, bytes), the
/// first in the lowest bits, with scales of shape (N, blocks) and zero points in as many bits.
inline void read_matmul_nbits(reading_state& state, call& by) {
    auto const bits = by.integer("bits", 4), rows = by.integer("N", 0), columns = by.integer("K", 0),
               block = by.integer("block_size", 0);
    by.ignore("accuracy_level");
    auto const packed_integers = by.quantised(1);
    constexpr std::int64_t most = std::int64_t{1} << 31;
    if ((bits != 4 && bits != 8) || rows < 1 || columns < 1 || block < 2 || rows > most || columns > most ||
        block > most || (by.maybe(4) != nullptr))
        by.fail("has weights of ", bits, " bits, shape (", rows, ", ", columns, ") and blocks of ", block,
                ", or an order of its own (g_idx)");
    auto const n = static_cast<std::size_t>(rows), k = static_cast<std::size_t>(columns),
               size = static_cast<std::size_t>(block), blocks = (k + size - 1) / size;
    std::size_t const per_byte = bits == 4 ? 2 : 1, bytes = size / per_byte,
                      zero_bytes = (blocks + per_byte - 1) / per_byte;
    auto const scale = numbers_of(by.weights(2), state.budget);
    if (packed_integers.at.count() / bytes / blocks != n ||
        packed_integers.at.count() != n * blocks * bytes || scale.size() != n * blocks)
        by.fail("has weights of shape ", tuple_text(packed_integers.at.sizes), " and ", scale.size(),
                " scales, not (", n, ", ", blocks, ", ", bytes, ") and ", n * blocks);
    std::vector<double> zero;
    bool zeros_are_packed = false;
    if (auto const given = maybe_quantised(by, 3)) {
        zeros_are_packed = given->is_quantised;
        zero = numbers_of(*given, state.budget);
        if (zero.size() != (zeros_are_packed ? n * zero_bytes : n * blocks))
            by.fail("has ", zero.size(), " zero points");
    }
    auto const part = [per_byte](double byte, std::size_t place) {
        auto const whole_byte = static_cast<unsigned>(byte);
        return static_cast<double>(per_byte == 1 ? whole_byte : whole_byte >> 4 * (place % 2) & 15U);
    };
    constant weight{packed_integers.name, dtype::f32, packed_integers.bytes, packed_integers.start,
                    row_major({n, k})};
    weight.decoded = [=](std::size_t index) {
        std::size_t const row = index / k, column = index % k, of_block = column / size,
                          within = column % size;
        double const q =
            part(number_at(packed_integers, (row * blocks + of_block) * bytes + within / per_byte), within);
        double z = per_byte == 1 ? 128 : 8;
        if (!zero.empty())
            z = zeros_are_packed ? part(zero[row * zero_bytes + of_block / per_byte], of_block)
                                 : zero[row * blocks + of_block];
        return static_cast<double>(static_cast<float>((q - z) * scale[row * blocks + of_block]));
    };
    projection layer{std::move(weight), std::nullopt};
    if (auto bias = by.maybe_weights(5)) layer.bias = bias_of(by, *std::move(bias), n);
    state.set(by, 0, add_dense(state, by, by.from_network(0), std::move(layer)));
}

}  // namespace spinet::detail::onnx_reading
