// SPDX-License-Identifier: BSD-3-Clause
/// Nodes of ONNX graphs that are layers: dense, convolution, pooling, normalisation, activation, recurrence,
/// embedding.
#pragma once

#include <spinet/network/operation.hpp>
#include <spinet/readers/onnx/attention.hpp>
#include <spinet/readers/onnx/moves.hpp>
#include <spinet/readers/onnx/state.hpp>
#include <spinet/readers/onnx/values.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace spinet::detail::onnx_reading {

/// The sizes of `view` with another last one.
[[nodiscard]] inline std::vector<std::size_t> with_last(std::vector<std::size_t> sizes, std::size_t last) {
    sizes.back() = last;
    return sizes;
}

/// The weights of a layer whose columns are for the values of a view, for those of its stage in their order.
[[nodiscard]] inline constant with_columns_of(constant const& weight, layout const& view,
                                              memory_allowance& budget) {
    auto const from = packed(weight, budget);
    std::size_t const width = size_of(from.type), columns = view.count();
    budget.take(from.at.count() * width);
    std::vector<std::byte> bytes(from.at.count() * width);
    std::size_t column = 0;
    for_each_element(view, [&](std::size_t to) {
        for (std::size_t row = 0; row < from.at.sizes[0]; ++row)
            std::memcpy(bytes.data() + (row * columns + to) * width,
                        from.stored(from.at.offset + row * columns + column), width);
        ++column;
    });
    return {from.name, from.type, std::move(bytes), 0, row_major(from.at.sizes)};
}

/// Channels last, with a layer for each position: a convolution of windows of one position.
[[nodiscard]] inline std::optional<computed> dense_of_positions(reading_state& state, call const& by,
                                                                computed const& view,
                                                                projection const& layer) {
    auto const shape = state.stages[view.from].shape;
    std::size_t const rank = view.at.rank();
    if (view.at.inner || (rank != 3 && rank != 4) || shape.size() + 1 != rank || view.at.sizes[0] != 1)
        return std::nullopt;
    std::vector<std::size_t> order{0, rank - 1}, back{0};
    for (std::size_t axis = 1; axis + 1 < rank; ++axis) order.push_back(axis);
    for (std::size_t axis = 2; axis < rank; ++axis) back.push_back(axis);
    back.push_back(1);
    auto const first = transposed(view.at, order);
    if (!state.is_whole({view.from, first}) ||
        !std::equal(shape.begin(), shape.end(), first.sizes.begin() + 1))
        return std::nullopt;
    auto sizes = layer.weight.at.sizes;
    sizes.resize(rank, 1);
    convolution op{tensor_of(layer.weight, state.budget).reshaped(sizes)};
    if (layer.bias) op.bias = tensor_of(*layer.bias, state.budget);
    auto result = state.with_batch(state.ready(std::move(op), {view.from}, by));
    result.at = transposed(result.at, back);
    return result;
}

/// A dense layer on the last axis, or the output projection of attention.
[[nodiscard]] inline computed add_dense(reading_state& state, call const& by, computed const& view,
                                        projection layer) {
    auto const& shape = layer.weight.at.sizes;
    if (view.at.rank() == 0 || shape.size() != 2 || view.at.sizes.back() != shape[1])
        by.fail("multiplies values of shape ", tuple_text(view.at.sizes),
                " by weights of shape (out, in) = ", tuple_text(shape));
    if (auto result = dense_of_positions(state, by, view, layer)) return *std::move(result);
    std::size_t from = view.from;
    if (view.at.count() == shape[1] && state.count_of(from) == shape[1] && !state.is_whole(view)) {
        layer.weight = with_columns_of(layer.weight, view.at, state.budget);
        if (state.stages[from].shape.size() > 1) from = state.ready(flatten{}, {from}, by, view.mover);
    } else {
        from = state.settled_features(view, by);
    }
    std::size_t const out = layer.weight.at.sizes[0];
    auto const result = with_last(state.stages[from].shape, out);
    auto const sizes = with_last(view.at.sizes, out);
    if (!countable(sizes)) by.fail("computes too many values");
    if (auto const* heads = as<mixed>(state.stages[from])) {
        auto parts = heads->parts;
        parts.output = std::move(layer);
        auto const source = state.stages[from].inputs;
        return state.add(std::move(parts), source, result, by, sizes);
    }
    return state.add(std::move(layer), {from}, result, by, sizes);
}

[[nodiscard]] inline constant transposed_matrix(constant of) {
    of.at = transposed(of.at, {1, 0});
    return of;
}

/// Every number times `factor`, in double.
[[nodiscard]] inline constant multiplied(constant const& of, double factor, memory_allowance& budget) {
    if (factor == 1) return of;
    auto numbers = numbers_of(of, budget);
    for (auto& x : numbers) x *= factor;
    return constant_of(numbers, of.at.sizes, of.name);
}

/// One number per output: C of a Gemm may be a row, or one number for all.
[[nodiscard]] inline constant bias_of(call const& by, constant of, std::size_t outputs) {
    while (of.at.rank() > 1 && of.at.sizes.front() == 1) of.at = without_axis(of.at, 0);
    if (of.at.rank() == 0) of.at = with_axis(of.at, 0);
    if (of.at.rank() == 1 && of.at.sizes[0] == 1 && outputs != 1) {
        of.at.sizes[0] = outputs;
        of.at.strides[0] = 0;
    }
    if (of.at.rank() != 1 || of.at.sizes[0] != outputs)
        by.fail("adds a constant of shape ", tuple_text(of.at.sizes), " to ", outputs, " outputs");
    return of;
}

/// A layer that stands before what it multiplies, W x, where x is one column, or without axes beside it.
inline void add_dense_of_column(reading_state& state, call const& by, computed view, projection layer) {
    std::size_t const rank = view.at.rank();
    bool const has_axis = rank > 1;
    if (has_axis && view.at.sizes.back() != 1)
        by.fail("multiplies weights by values of shape ", tuple_text(view.at.sizes), ", which are no column");
    if (has_axis) view.at = without_axis(view.at, rank - 1);
    auto result = add_dense(state, by, view, std::move(layer));
    if (has_axis) result.at = with_axis(result.at, rank - 1);
    state.set(by, 0, std::move(result));
}

/// A constant matrix; axes of size 1 before it do not count.
[[nodiscard]] inline constant matrix_in(call const& by, std::size_t k) {
    auto weight = by.weights(k);
    while (weight.at.rank() > 2 && weight.at.sizes.front() == 1) weight.at = without_axis(weight.at, 0);
    if (weight.at.rank() == 1) weight.at = with_axis(weight.at, k == 0 ? 0 : 1);
    if (weight.at.rank() != 2) by.fail("multiplies by a constant of shape ", tuple_text(weight.at.sizes));
    return weight;
}

inline void read_gemm(reading_state& state, call& by) {
    double const alpha = by.real("alpha", 1), beta = by.real("beta", 1);
    bool const left = std::holds_alternative<constant>(by.input(0));
    bool const turn_a = by.integer("transA", 0) != 0, turn_b = by.integer("transB", 0) != 0;
    by.ignore("broadcast");
    auto view = by.from_network(left ? 1 : 0);
    if (left ? turn_b : turn_a) {
        if (view.at.rank() != 2) by.fail("transposes values of shape ", tuple_text(view.at.sizes));
        view.at = transposed(view.at, {1, 0});
    }
    auto weight = by.weights(left ? 0 : 1);
    if (weight.at.rank() != 2) by.fail("multiplies by a constant of shape ", tuple_text(weight.at.sizes));
    if (left ? turn_a : !turn_b) weight = transposed_matrix(std::move(weight));
    projection layer{multiplied(weight, alpha, state.budget), std::nullopt};
    if (auto bias = by.maybe_weights(2); bias && beta != 0) {
        if (left && bias->at.rank() == 2 && bias->at.sizes[1] == 1) bias->at = without_axis(bias->at, 1);
        layer.bias = multiplied(bias_of(by, *std::move(bias), weight.at.sizes[0]), beta, state.budget);
    }
    if (left) return add_dense_of_column(state, by, view, std::move(layer));
    state.set(by, 0, add_dense(state, by, view, std::move(layer)));
}

inline void read_matmul(reading_state& state, call& by) {
    auto const *a = std::get_if<computed>(&by.input(0)), *b = std::get_if<computed>(&by.input(1));
    if (a != nullptr && b != nullptr) return multiply_computed(state, by, *a, *b);
    if (b != nullptr) return add_dense_of_column(state, by, *b, {matrix_in(by, 0), std::nullopt});
    auto result =
        add_dense(state, by, by.from_network(0), {transposed_matrix(matrix_in(by, 1)), std::nullopt});
    if (sizes_of(by.input(1)).size() == 1) result.at = without_axis(result.at, result.at.rank() - 1);
    state.set(by, 0, std::move(result));
}

/// One positive number per axis; empty where the node has none.
[[nodiscard]] inline std::vector<std::size_t> numbers_per_axis(call& by, std::string_view name,
                                                               std::size_t axes, std::int64_t least) {
    std::vector<std::size_t> numbers;
    auto const given = by.list(name);
    if (!given) return numbers;
    for (auto const x : *given) {
        if (x < least || x > 1'000'000'000)
            by.fail("has ", name, " ", tuple_text(*given), ", which are not from ", least, " to 10^9");
        numbers.push_back(static_cast<std::size_t>(x));
    }
    if (numbers.size() != axes) by.fail("has ", numbers.size(), " ", name, " for ", axes, " axes");
    return numbers;
}

struct padding {
    std::vector<std::size_t> before, after;
};

/// What `auto_pad` and `pads` come to for a window on values of shape (channels, lengths...).
[[nodiscard]] inline padding padding_of(call& by, value_shape const& shape,
                                        std::vector<std::size_t> const& window,
                                        std::vector<std::size_t> const& stride,
                                        std::vector<std::size_t> const& dilation) {
    std::size_t const axes = window.size();
    padding result{std::vector<std::size_t>(axes, 0), std::vector<std::size_t>(axes, 0)};
    auto const rule = by.text("auto_pad", "NOTSET");
    auto const pads = numbers_per_axis(by, "pads", 2 * axes, 0);
    if (rule == "SAME_UPPER" || rule == "SAME_LOWER") {
        for (std::size_t a = 0; a < axes; ++a) {
            std::size_t const step = axis_value(stride, a, 1), length = shape[a + 1];
            std::size_t const span = (window[a] - 1) * axis_value(dilation, a, 1) + 1;
            std::size_t const covered = ((length + step - 1) / step - 1) * step + span;
            std::size_t const all = covered > length ? covered - length : 0, less = all / 2;
            result.before[a] = rule == "SAME_UPPER" ? less : all - less;
            result.after[a] = all - result.before[a];
        }
    } else if (rule == "NOTSET") {
        for (std::size_t a = 0; a < axes && !pads.empty(); ++a) {
            result.before[a] = pads[a];
            result.after[a] = pads[axes + a];
        }
    } else if (rule != "VALID") {
        by.fail("has the unknown auto_pad ", in_quotes(rule));
    }
    return result;
}

/// The values below explicit padding, and that padding, which is added to `to`.
[[nodiscard]] inline std::size_t below_padding(reading_state const& state, std::size_t from, padding& to) {
    auto const* zeros = as<padded>(state.stages[from]);
    if (zeros == nullptr || zeros->before[0] != 0 || zeros->after[0] != 0) return from;
    for (std::size_t a = 0; a < to.before.size(); ++a) {
        to.before[a] += zeros->before[a + 1];
        to.after[a] += zeros->after[a + 1];
    }
    return state.stages[from].inputs.front();
}

/// Values with channels and one or two axes.
[[nodiscard]] inline std::size_t settled_channels(reading_state& state, call const& by) {
    auto const& view = by.from_network(0);
    if (view.at.rank() != 3 && view.at.rank() != 4)
        by.fail("works on values of shape ", tuple_text(view.at.sizes),
                "; spinet knows one and two axes beside batch and channels");
    return state.settled_sample(view, by);
}

/// What a convolution or pooling reads, as channels: `turned` where that are steps of a sequence, whose
/// features are the channels.
struct window_source {
    std::size_t from;
    value_shape shape;
    bool of_steps;
};
[[nodiscard]] inline window_source source_of_windows(reading_state& state, call const& by) {
    auto const& view = by.from_network(0);
    auto const shape = state.stages[view.from].shape;
    if (view.at.rank() == 3 && view.at.sizes.front() == 1 && shape.size() == 2 && !state.is_whole(view)) {
        auto const steps = computed{view.from, transposed(view.at, {0, 2, 1}), view.mover};
        bool const of_input = state.relabel_input(view, {view.at.sizes[1], view.at.sizes[2]});
        if (!of_input && state.is_whole(steps)) return {view.from, turned(shape), true};
    }
    auto const from = settled_channels(state, by);
    return {from, state.stages[from].shape, false};
}
/// The result of such an operation, with the axis of the batch in front.
[[nodiscard]] inline computed result_of_windows(reading_state& state, std::size_t at, bool of_steps) {
    auto result = state.with_batch(at);
    if (of_steps) result.at = transposed(result.at, {0, 2, 1});
    return result;
}

/// A convolution by `weight`, with the attributes of the node.
inline void convolve(reading_state& state, call& by, constant const& weight,
                     std::optional<constant> const& bias) {
    auto const source = source_of_windows(state, by);
    auto const& shape = source.shape;
    auto from = source.from;
    std::size_t const axes = shape.size() - 1;
    if (weight.at.rank() != axes + 2 || weight.at.count() == 0)
        by.fail("has a weight of shape ", tuple_text(weight.at.sizes), " for values of shape ",
                tuple_text(shape));
    std::vector<std::size_t> const window(weight.at.sizes.begin() + 2, weight.at.sizes.end());
    if (auto const given = numbers_per_axis(by, "kernel_shape", axes, 1); !given.empty() && given != window)
        by.fail("has the kernel_shape ", tuple_text(given), ", but weights of ", tuple_text(window));
    auto const stride = numbers_per_axis(by, "strides", axes, 1);
    auto const dilation = numbers_per_axis(by, "dilations", axes, 1);
    auto pads = padding_of(by, shape, window, stride, dilation);
    if (!source.of_steps) from = below_padding(state, from, pads);
    auto const groups = by.integer("group", 1);
    if (groups < 1) by.fail("has ", groups, " groups");
    convolution op{
        tensor_of(weight, state.budget),  std::nullopt,   stride, pads.before, pads.after, dilation,
        static_cast<std::size_t>(groups), source.of_steps};
    if (bias) op.bias = tensor_of(*bias, state.budget);
    state.set(by, 0, result_of_windows(state, state.ready(std::move(op), {from}, by), source.of_steps));
}

inline void read_conv(reading_state& state, call& by) {
    convolve(state, by, by.weights(1), by.maybe_weights(2));
}

/// The transpose of a convolution. With strides of 1 it is the convolution by the kernel in reverse order, of
/// each group, with its rows and columns exchanged.
inline void read_conv_transpose(reading_state& state, call& by) {
    auto from = settled_channels(state, by);
    auto const weight = by.weights(1);
    auto const shape = state.stages[from].shape;
    std::size_t const axes = shape.size() - 1;
    auto const groups = by.integer("group", 1);
    if (weight.at.rank() != axes + 2 || weight.at.count() == 0 || groups < 1 ||
        weight.at.sizes[0] % static_cast<std::size_t>(groups) != 0)
        by.fail("has a weight of shape ", tuple_text(weight.at.sizes), " for values of shape ",
                tuple_text(shape));
    for (auto const& [name, usual] : {std::pair("strides", 1), std::pair("output_padding", 0)})
        for (auto const x : by.list(name).value_or(std::vector<std::int64_t>()))
            if (x != usual)
                by.fail("has ", name, " of ", x,
                        ": spinet knows transposed convolutions with strides of 1 only");
    if (by.has("output_shape")) by.fail("has an output_shape");
    std::vector<std::size_t> const window(weight.at.sizes.begin() + 2, weight.at.sizes.end());
    if (auto const given = numbers_per_axis(by, "kernel_shape", axes, 1); !given.empty() && given != window)
        by.fail("has the kernel_shape ", tuple_text(given), ", but weights of ", tuple_text(window));
    auto const dilation = numbers_per_axis(by, "dilations", axes, 1);
    auto pads = padding_of(by, shape, window, {}, dilation);
    for (std::size_t a = 0; a < axes; ++a)
        for (auto* const each : {&pads.before[a], &pads.after[a]}) {
            std::size_t const most = (window[a] - 1) * axis_value(dilation, a, 1);
            if (*each > most) by.fail("cuts off more than its kernel adds (pads)");
            *each = most - *each;
        }
    // (groups, in, out, kernel...) to (groups, out, in, reversed kernel...)
    std::size_t const parts = static_cast<std::size_t>(groups), in = weight.at.sizes[0] / parts,
                      out = weight.at.sizes[1];
    std::size_t const taps = weight.at.count() / weight.at.sizes[0] / out;
    auto const numbers = numbers_of(weight, state.budget);
    std::vector<double> turned(numbers.size());
    for (std::size_t k = 0; k < numbers.size(); ++k) {
        std::size_t const tap = k % taps, o = k / taps % out, c = k / taps / out % in,
                          part = k / taps / out / in;
        turned[((part * out + o) * in + c) * taps + (taps - 1 - tap)] = numbers[k];
    }
    std::vector<std::size_t> sizes{parts * out, in};
    sizes.insert(sizes.end(), window.begin(), window.end());
    state.budget.take(turned.size() * sizeof(double));
    convolution op{tensor_of(constant_of(turned, sizes, weight.name), state.budget),
                   std::nullopt,
                   {},
                   pads.before,
                   pads.after,
                   dilation,
                   parts};
    if (auto const bias = by.maybe_weights(2)) op.bias = tensor_of(*bias, state.budget);
    state.set(by, 0, state.with_batch(state.ready(std::move(op), {from}, by)));
}

/// Counting positions by rounding up (ceil_mode): as many as with more padding behind, which the largest
/// value, and an average that does not count padding, do not see.
inline void round_up(call const& by, pooling& op, value_shape const& shape) {
    for (std::size_t a = 0; a < op.window.size(); ++a) {
        std::size_t const length = shape[a + 1] + op.padding_before[a], padded = length + op.padding_after[a];
        if (padded < op.window[a]) by.fail("has a window that does not fit");
        std::size_t const over = (padded - op.window[a]) % op.stride[a];
        std::size_t const next = padded - op.window[a] - over + op.stride[a];  // where one more window begins
        if (over == 0 || next >= length) continue;
        if (op.kind == pooling_kind::average && op.count_padding)
            by.fail("rounds the number of windows up (ceil_mode), and counts zeros");
        op.padding_after[a] += op.stride[a] - over;
    }
}

inline void read_pool(reading_state& state, call& by, pooling_kind kind) {
    auto const source = source_of_windows(state, by);
    auto const& shape = source.shape;
    auto from = source.from;
    std::size_t const axes = shape.size() - 1;
    pooling op{kind, numbers_per_axis(by, "kernel_shape", axes, 1), {}, {}, {}, true, source.of_steps};
    if (op.window.empty()) by.fail("has no kernel_shape");
    op.stride = numbers_per_axis(by, "strides", axes, 1);
    if (op.stride.empty()) op.stride.assign(axes, 1);
    for (auto const x : numbers_per_axis(by, "dilations", axes, 1))
        if (x != 1) by.fail("pools with a dilation");
    auto pads = padding_of(by, shape, op.window, op.stride, {});
    bool const counts = by.integer("count_include_pad", 0) != 0;
    bool const own = std::any_of(pads.before.begin(), pads.before.end(), [](auto x) { return x != 0; }) ||
                     std::any_of(pads.after.begin(), pads.after.end(), [](auto x) { return x != 0; });
    auto const below = source.of_steps ? from : below_padding(state, from, pads);
    if (below != from && (kind == pooling_kind::maximum || (own && !counts)))
        by.fail("pools zeros that an earlier node padded");
    op.count_padding = below != from || counts;
    from = below;
    op.padding_before = std::move(pads.before);
    op.padding_after = std::move(pads.after);
    if (by.integer("ceil_mode", 0) != 0) round_up(by, op, source.of_steps ? shape : state.stages[from].shape);
    by.ignore("storage_order");  // of indices, which nobody takes
    state.set(by, 0, result_of_windows(state, state.ready(std::move(op), {from}, by), source.of_steps));
}

inline void read_global_pool(reading_state& state, call& by, pooling_kind kind) {
    auto const source = source_of_windows(state, by);
    pooling op{kind};
    op.of_steps = source.of_steps;
    state.set(by, 0,
              result_of_windows(state, state.ready(std::move(op), {source.from}, by), source.of_steps));
}

/// Which axis of its stage each axis of a view is that is not of size 1; nothing where it is no
/// transposition.
[[nodiscard]] inline std::optional<std::vector<std::size_t>> axes_below(reading_state const& state,
                                                                        computed const& view) {
    auto const of = row_major(state.stages[view.from].shape);
    if (view.at.inner || view.at.offset != 0 || view.at.count() != of.count()) return std::nullopt;
    std::vector<std::size_t> axes(view.at.rank(), of.rank());
    for (std::size_t axis = 0; axis < view.at.rank(); ++axis) {
        for (std::size_t k = 0; k < of.rank() && view.at.sizes[axis] != 1; ++k)
            if (of.sizes[k] == view.at.sizes[axis] && of.strides[k] == view.at.strides[axis]) axes[axis] = k;
        if (axes[axis] == of.rank() && view.at.sizes[axis] != 1) return std::nullopt;
    }
    return axes;
}

/// Zeros around images: part of the convolution or pooling that follows. No padding at all is left out.
inline void read_pad(reading_state& state, call& by) {
    auto const& view = by.from_network(0);
    auto const pads = by.list_or_input(by.has("paddings") ? "paddings" : "pads", 1);
    auto const mode = by.text("mode", "constant");
    double constant_value = by.real("value", 0);
    if (auto const given = by.maybe_weights(2)) constant_value = only_number(*given).value_or(1);
    std::size_t const rank = view.at.rank();
    if (!pads || pads->size() != 2 * rank || by.maybe(3) != nullptr)
        by.fail("has no pads for all axes, or names axes");
    bool const none = std::all_of(pads->begin(), pads->end(), [](auto x) { return x == 0; });
    if (none) return pass(state, by, "it pads nothing");
    bool const sane =
        std::all_of(pads->begin(), pads->end(), [](auto x) { return x >= 0 && x <= 1'000'000; });
    auto const axes = axes_below(state, view);
    if (mode != "constant" || constant_value != 0 || !sane || !axes)
        by.fail("pads with something else than zeros around each channel");
    auto shape = state.stages[view.from].shape;
    padded op{std::vector<std::size_t>(shape.size(), 0), std::vector<std::size_t>(shape.size(), 0)};
    for (std::size_t a = 0; a < rank; ++a) {
        auto const before = static_cast<std::size_t>((*pads)[a]),
                   after = static_cast<std::size_t>((*pads)[rank + a]);
        if (before == 0 && after == 0) continue;
        if ((*axes)[a] == shape.size())
            by.fail("pads an axis of size 1, with something else than zeros around each channel");
        op.before[(*axes)[a]] = before;
        op.after[(*axes)[a]] = after;
        shape[(*axes)[a]] += before + after;
    }
    if (!countable(shape)) by.fail("pads too much");
    auto const strides = row_major(shape).strides;
    layout at{std::vector<std::size_t>(rank, 1), std::vector<std::size_t>(rank, 1), 0};
    for (std::size_t a = 0; a < rank; ++a)
        if ((*axes)[a] != shape.size()) {
            at.sizes[a] = shape[(*axes)[a]];
            at.strides[a] = strides[(*axes)[a]];
        }
    state.push({std::move(op), {view.from}, std::move(shape), &by.node()});
    state.set(by, 0, computed{state.stages.size() - 1, std::move(at)});
}

inline void read_batch_normalisation(reading_state& state, call& by) {
    double const epsilon = by.real("epsilon", 1e-5);
    for (auto const* name : {"momentum", "is_test", "consumed_inputs"}) by.ignore(name);
    if (by.integer("training_mode", 0) != 0 || by.integer("spatial", 1) != 1)
        by.fail("normalises as in training, or each position by itself; export the model after its eval()");
    auto const tensor_at = [&](std::size_t k) { return tensor_of(by.weights(k), state.budget); };
    batch_normalisation op{tensor_at(3), tensor_at(4), tensor_at(1), tensor_at(2), epsilon};
    if (by.from_network(0).at.rank() == 3) {
        auto const source = source_of_windows(state, by);
        op.of_steps = source.of_steps;
        auto const at = state.ready(std::move(op), {source.from}, by);
        return state.set(by, 0, result_of_windows(state, at, source.of_steps));
    }
    auto const from = state.settled_sample(by.from_network(0), by);
    state.set(by, 0, state.with_batch(state.ready(std::move(op), {from}, by)));
}

inline void read_layer_normalisation(reading_state& state, call& by) {
    auto const& view = by.from_network(0);
    double const epsilon = by.real("epsilon", 1e-5);
    by.ignore("stash_type");
    std::size_t const rank = view.at.rank();
    if (rank == 0 || by.axis(by.integer("axis", -1), rank) + 1 != rank)
        by.fail("normalises over more than the last axis");
    layer_normalisation op{std::nullopt, std::nullopt, epsilon};
    if (auto const scale = by.maybe_weights(1)) op.scale = tensor_of(*scale, state.budget);
    if (auto const shift = by.maybe_weights(2)) op.shift = tensor_of(*shift, state.budget);
    auto const from = state.settled_features(view, by);
    state.set_ready(by, std::move(op), {from}, row_major(view.at.sizes));
}

inline void read_gelu(reading_state& state, call& by) {
    if (auto const rule = by.text("approximate", "none"); rule != "none")
        state.notes.push_back(by.where() + " approximates GELU (" + in_quotes(rule) + ")");
    apply_function(state, by, activation_kind::gelu);
}

/// A function that no activation_kind names.
inline void read_unspecified(reading_state& state, call& by) {
    for (std::size_t k = 1; k < by.inputs(); ++k)
        if (by.maybe(k) != nullptr && std::holds_alternative<computed>(*by.maybe(k)))
            by.fail("takes two computed values");
    apply_unspecified(state, by, by.from_network(0));
}

/// Softmax over the last axis: all features, or those of each step, or the products of attention.
inline void read_softmax(reading_state& state, call& by, activation_kind kind) {
    auto const& view = by.from_network(0);
    std::size_t const rank = view.at.rank();
    if (rank == 0 || by.axis(by.integer("axis", by.opset() < 13 ? 1 : -1), rank) + 1 != rank)
        by.fail("is over another axis than the last");
    if (as<scores>(state.stages[view.from]) != nullptr && kind == activation_kind::softmax)
        return weigh_scores(state, by, view);
    auto const from = state.settled_features(view, by);
    state.set_ready(by, activation{kind}, {from}, row_major(view.at.sizes));
}

/// A mean over features (of layer normalisation), over steps, or over the positions of images; or the largest
/// of these.
inline void read_reduction(reading_state& state, call& by, pooling_kind kind) {
    auto const view = by.from_network(0);
    bool const keep = by.integer("keepdims", 1) != 0;
    by.ignore("noop_with_empty_axes");
    auto const given = by.list_or_input("axes", 1);
    if (!given || given->empty()) by.fail("takes the mean of everything");
    auto const axes = axes_of(by, *given, view.at.rank());
    auto sizes = view.at.sizes;
    for (std::size_t k = axes.size(); k-- > 0;) {
        if (keep)
            sizes[axes[k]] = 1;
        else
            sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(axes[k]));
    }
    bool const is_moved = view.at.rank() > 2 && !state.is_whole(view);  // channels last: no features
    if (axes.size() == 1 && axes[0] + 1 == view.at.rank() && kind == pooling_kind::average && !is_moved) {
        auto const from = state.settled_features(view, by);
        auto shape = with_last(state.stages[from].shape, 1);
        stage_operation op = mean_of_features{};
        if (as<squared>(state.stages[from]) != nullptr) op = variance{};
        return state.set(by, 0, state.add(std::move(op), {from}, std::move(shape), by, std::move(sizes)));
    }
    auto const shape = state.stages[view.from].shape;
    std::size_t taken = 1, axis = 0;
    for (auto const each : axes) taken *= view.at.sizes[each];
    while (axis + 1 < view.at.rank() && view.at.sizes[axis] == 1) ++axis;
    bool const steps = axes.size() == 1 && axes[0] == axis && shape.size() == 2 && taken == shape[0];
    if (steps && state.is_whole(view) && kind == pooling_kind::average)
        return state.set_ready(by, mean_over_steps{}, {view.from}, row_major(sizes));
    // The positions of images, wherever their channels stand.
    std::vector<std::size_t> order{0};
    for (std::size_t a = 1; a < view.at.rank(); ++a)
        if (std::find(axes.begin(), axes.end(), a) == axes.end()) order.push_back(a);
    bool const one_left = order.size() == 2 && (view.at.rank() == 3 || view.at.rank() == 4);
    order.insert(order.end(), axes.begin(), axes.end());
    if (!one_left || order.size() != view.at.rank() || view.at.sizes.front() != 1)
        by.fail("takes a mean over other axes than features, steps or the positions of images");
    computed const first{view.from, transposed(view.at, order), view.mover};
    auto op = pooling{kind};
    // Steps of a sequence are positions, too.
    op.of_steps = view.at.rank() == 3 && axes == std::vector<std::size_t>{1} && state.is_whole(view) &&
                  state.stages[view.from].shape.size() == 2;
    auto const from = op.of_steps ? view.from : state.settled_sample(first, by);
    state.set_ready(by, std::move(op), {from}, row_major(std::move(sizes)));
}

/// Gather of computed indices from a constant table is an embedding.
inline void read_gather(reading_state& state, call& by) {
    auto const* indices = std::get_if<computed>(&by.input(1));
    if (indices == nullptr) return read_gather_constant(state, by);
    auto const table = by.weights(0);
    if (table.at.rank() != 2 || by.axis(by.integer("axis", 0), 2) != 0)
        by.fail("looks up computed indices in a constant of shape ", tuple_text(table.at.sizes),
                ", not in the rows of a table");
    auto const from = state.settled(*indices, {indices->at.count()}, by);
    auto sizes = indices->at.sizes;
    sizes.push_back(table.at.sizes[1]);
    state.set_ready(by, embedding{tensor_of(table, state.budget)}, {from}, row_major(std::move(sizes)));
}

/// Blocks of rows in another order: ONNX's gates in PyTorch's.
[[nodiscard]] inline constant reordered(constant const& of, std::vector<std::size_t> const& order,
                                        memory_allowance& budget) {
    if (order.size() == 1) return of;
    auto const rows = packed(of, budget);
    std::size_t const width = rows.at.count() / order.size() * size_of(rows.type);
    auto const* const from = rows.stored(rows.at.offset);
    budget.take(rows.at.count() * size_of(rows.type));
    std::vector<std::byte> bytes;
    bytes.reserve(width * order.size());
    for (auto const block : order)
        bytes.insert(bytes.end(), from + block * width, from + (block + 1) * width);
    return {rows.name, rows.type, std::move(bytes), 0, row_major(rows.at.sizes)};
}

/// The options of a recurrent node that spinet's operation has no room for.
inline void check_recurrent(call& by, recurrent_kind kind) {
    auto const direction = by.text("direction", "forward");
    if (direction == "bidirectional")
        by.fail("is bidirectional, which spinet does not read yet: export one direction");
    if (direction != "forward" && direction != "reverse") by.fail("has the direction ", in_quotes(direction));
    if (by.integer("layout", 0) != 0) by.fail("has the layout 1, batch first");
    if (by.has("clip")) by.fail("clips its states");
    if (by.integer("input_forget", 0) != 0) by.fail("couples its input and forget gates");
    auto const functions = by.texts("activations");
    std::vector<std::string> const usual = kind == recurrent_kind::lstm
                                               ? std::vector<std::string>{"Sigmoid", "Tanh", "Tanh"}
                                               : std::vector<std::string>{"Sigmoid", "Tanh"};
    if (kind != recurrent_kind::rnn && !functions.empty() && functions != usual)
        by.fail("has other activations than the sigmoid and tanh");
    if (by.maybe(4) != nullptr) by.fail("takes lengths of sequences (sequence_lens)");
    if (by.maybe(7) != nullptr) by.fail("has peepholes");
}

/// That initial states are zero.
inline void check_initial(reading_state& state, call const& by, std::size_t k) {
    if (by.maybe(k) == nullptr) return;
    if (auto const* integers = std::get_if<whole>(by.maybe(k));
        integers != nullptr &&
        std::all_of(integers->values.begin(), integers->values.end(), [](auto x) { return x == 0; }))
        return;
    if (!std::holds_alternative<constant>(*by.maybe(k)))
        by.fail("begins with a state that is computed or an input; spinet's begin with zeros");
    auto const& initial = by.weights(k);
    bool const one = std::all_of(initial.at.strides.begin(), initial.at.strides.end(),
                                 [](std::size_t stride) { return stride == 0; });
    if (one && number_at(initial, initial.at.below(initial.at.offset)) == 0) return;
    for (auto const x : numbers_of(initial, state.budget))
        if (x != 0) by.fail("begins with a state that is not zero");
}

/// Weights of one direction, in PyTorch's order of gates.
[[nodiscard]] inline recurrent cell_of(reading_state& state, call const& by, recurrent_kind kind) {
    std::vector<std::size_t> const order = kind == recurrent_kind::lstm ? std::vector<std::size_t>{0, 2, 3, 1}
                                           : kind == recurrent_kind::gru ? std::vector<std::size_t>{1, 0, 2}
                                                                         : std::vector<std::size_t>{0};
    auto input = by.weights(1), hidden = by.weights(2);
    if (input.at.rank() != 3 || hidden.at.rank() != 3 || input.at.sizes[0] != 1 || hidden.at.sizes[0] != 1 ||
        hidden.at.count() == 0 || input.at.sizes[1] != hidden.at.sizes[1] ||
        hidden.at.sizes[1] != order.size() * hidden.at.sizes[2])
        by.fail("has weights of shapes ", tuple_text(input.at.sizes), " and ", tuple_text(hidden.at.sizes),
                ", not (1, gates x units, features) and (1, gates x units, units)");
    std::size_t const rows = hidden.at.sizes[1];
    input.at = selected(input.at, 0, 0);
    hidden.at = selected(hidden.at, 0, 0);
    recurrent op{kind, tensor_of(reordered(input, order, state.budget), state.budget),
                 tensor_of(reordered(hidden, order, state.budget), state.budget)};
    if (auto biases = by.maybe_weights(3)) {
        if (biases->at.sizes != std::vector<std::size_t>{1, 2 * rows})
            by.fail("has biases of shape ", tuple_text(biases->at.sizes));
        biases->at = selected(biases->at, 0, 0);
        auto part = *biases;
        part.at = cut(biases->at, 0, 0, rows);
        op.input_bias = tensor_of(reordered(part, order, state.budget), state.budget);
        part.at = cut(biases->at, 0, rows, 2 * rows);
        op.hidden_bias = tensor_of(reordered(part, order, state.budget), state.budget);
    }
    return op;
}

inline void read_recurrent(reading_state& state, call& by, recurrent_kind kind) {
    check_recurrent(by, kind);
    check_initial(state, by, 5);
    check_initial(state, by, 6);
    auto op = cell_of(state, by, kind);
    std::size_t const units = op.units();
    if (by.integer("hidden_size", static_cast<std::int64_t>(units)) != static_cast<std::int64_t>(units))
        by.fail("has another hidden_size than its weights, ", units);
    op.reversed = by.text("direction", "forward") == "reverse";
    if (kind == recurrent_kind::gru) op.reset_after = by.integer("linear_before_reset", 0) == 1;
    if (kind == recurrent_kind::rnn) {
        auto const functions = by.texts("activations");
        auto const function = functions.empty() ? std::string("Tanh") : functions.front();
        if (function != "Tanh" && function != "Relu") by.fail("has the activation ", in_quotes(function));
        op.activation = function == "Tanh" ? activation_kind::tanh : activation_kind::relu;
    }
    auto const& view = by.from_network(0);
    if (view.at.rank() != 3 || view.at.sizes[1] != 1)
        by.fail("takes values of shape ", tuple_text(view.at.sizes), ", not (steps, 1, features)");
    std::size_t const steps = view.at.sizes[0];
    auto const from = state.settled(view, {steps, view.at.sizes[2]}, by);
    bool const reversed = op.reversed;
    auto const at = state.ready(std::move(op), {from}, by);
    state.set(by, 0, computed{at, row_major({steps, 1, 1, units})});
    layout last = row_major({1, 1, units});
    last.offset = reversed ? 0 : (steps - 1) * units;
    state.set(by, 1, computed{at, last});
}

}  // namespace spinet::detail::onnx_reading
