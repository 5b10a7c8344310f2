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

/// A dense layer on the last axis, or the output projection of attention.
inline void add_dense(reading_state& state, call const& by, computed const& view, projection layer) {
    auto const& shape = layer.weight.at.sizes;
    if (view.at.rank() == 0 || shape.size() != 2 || view.at.sizes.back() != shape[1])
        by.fail("multiplies values of shape ", tuple_text(view.at.sizes),
                " by weights of shape (out, in) = ", tuple_text(shape));
    auto const from = state.settled_features(view, by);
    auto const result = with_last(state.stages[from].shape, shape[0]);
    auto const sizes = with_last(view.at.sizes, shape[0]);
    if (!countable(sizes)) by.fail("computes too many values");
    if (auto const* heads = as<mixed>(state.stages[from])) {
        auto parts = heads->parts;
        parts.output = std::move(layer);
        auto const source = state.stages[from].inputs;
        return state.set(by, 0, state.add(std::move(parts), source, result, by, sizes));
    }
    state.set(by, 0, state.add(std::move(layer), {from}, result, by, sizes));
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

inline void read_gemm(reading_state& state, call& by) {
    double const alpha = by.real("alpha", 1), beta = by.real("beta", 1);
    if (by.integer("transA", 0) != 0) by.fail("transposes what the network computes (transA)");
    bool const rows = by.integer("transB", 0) != 0;
    by.ignore("broadcast");
    auto weight = by.weights(1);
    if (weight.at.rank() != 2) by.fail("multiplies by a constant of shape ", tuple_text(weight.at.sizes));
    if (!rows) weight = transposed_matrix(std::move(weight));
    projection layer{multiplied(weight, alpha, state.budget), std::nullopt};
    if (auto bias = by.maybe_weights(2))
        layer.bias = multiplied(bias_of(by, *std::move(bias), weight.at.sizes[0]), beta, state.budget);
    add_dense(state, by, by.from_network(0), std::move(layer));
}

inline void read_matmul(reading_state& state, call& by) {
    auto const* right = std::get_if<computed>(&by.input(1));
    if (right != nullptr) return multiply_computed(state, by, by.from_network(0), *right);
    if (!std::holds_alternative<computed>(by.input(0)))
        by.fail("multiplies a constant with what the network computes, or with another constant");
    auto weight = by.weights(1);
    while (weight.at.rank() > 2 && weight.at.sizes.front() == 1) weight.at = without_axis(weight.at, 0);
    if (weight.at.rank() != 2) by.fail("multiplies by a constant of shape ", tuple_text(weight.at.sizes));
    add_dense(state, by, by.from_network(0), {transposed_matrix(std::move(weight)), std::nullopt});
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
    if (zeros == nullptr) return from;
    for (std::size_t a = 0; a < to.before.size(); ++a) {
        to.before[a] += zeros->before[a];
        to.after[a] += zeros->after[a];
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

inline void read_conv(reading_state& state, call& by) {
    auto from = settled_channels(state, by);
    auto const weight = by.weights(1);
    auto const shape = state.stages[from].shape;
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
    from = below_padding(state, from, pads);
    auto const groups = by.integer("group", 1);
    if (groups < 1) by.fail("has ", groups, " groups");
    convolution op{tensor_of(weight, state.budget), std::nullopt, stride, pads.before, pads.after, dilation,
                   static_cast<std::size_t>(groups)};
    if (auto const bias = by.maybe_weights(2)) op.bias = tensor_of(*bias, state.budget);
    state.set(by, 0, state.with_batch(state.ready(std::move(op), {from}, by)));
}

/// Counting positions by rounding up is refused where it counts more than rounding down.
inline void check_ceiling(call const& by, pooling const& op, value_shape const& shape) {
    for (std::size_t a = 0; a < op.window.size(); ++a) {
        std::size_t const padded = shape[a + 1] + op.padding_before[a] + op.padding_after[a];
        if (padded < op.window[a] || (padded - op.window[a]) % op.stride[a] != 0)
            by.fail("rounds the number of windows up (ceil_mode)");
    }
}

inline void read_pool(reading_state& state, call& by, pooling_kind kind) {
    auto from = settled_channels(state, by);
    auto const shape = state.stages[from].shape;
    std::size_t const axes = shape.size() - 1;
    pooling op{kind, numbers_per_axis(by, "kernel_shape", axes, 1), {}, {}, {}, true};
    if (op.window.empty()) by.fail("has no kernel_shape");
    op.stride = numbers_per_axis(by, "strides", axes, 1);
    if (op.stride.empty()) op.stride.assign(axes, 1);
    for (auto const x : numbers_per_axis(by, "dilations", axes, 1))
        if (x != 1) by.fail("pools with a dilation");
    auto pads = padding_of(by, shape, op.window, op.stride, {});
    bool const counts = by.integer("count_include_pad", 0) != 0;
    bool const own = std::any_of(pads.before.begin(), pads.before.end(), [](auto x) { return x != 0; }) ||
                     std::any_of(pads.after.begin(), pads.after.end(), [](auto x) { return x != 0; });
    auto const below = below_padding(state, from, pads);
    if (below != from && (kind == pooling_kind::maximum || (own && !counts)))
        by.fail("pools zeros that an earlier node padded");
    op.count_padding = below != from || counts;
    from = below;
    op.padding_before = std::move(pads.before);
    op.padding_after = std::move(pads.after);
    if (by.integer("ceil_mode", 0) != 0) check_ceiling(by, op, state.stages[from].shape);
    by.ignore("storage_order");  // of indices, which nobody takes
    state.set(by, 0, state.with_batch(state.ready(std::move(op), {from}, by)));
}

inline void read_global_pool(reading_state& state, call& by, pooling_kind kind) {
    auto const from = settled_channels(state, by);
    state.set(by, 0, state.with_batch(state.ready(pooling{kind}, {from}, by)));
}

/// Zeros around images: part of the convolution or pooling that follows. No padding at all is left out.
inline void read_pad(reading_state& state, call& by) {
    auto const& view = by.from_network(0);
    auto const pads = by.list_or_input("pads", 1);
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
    if (mode != "constant" || constant_value != 0 || !sane || rank < 3 || (*pads)[0] != 0 ||
        (*pads)[1] != 0 || (*pads)[rank] != 0 || (*pads)[rank + 1] != 0)
        by.fail("pads with something else than zeros around each channel");
    auto const from = settled_channels(state, by);
    padded op;
    auto shape = state.stages[from].shape;
    for (std::size_t a = 0; a + 2 < rank; ++a) {
        op.before.push_back(static_cast<std::size_t>((*pads)[a + 2]));
        op.after.push_back(static_cast<std::size_t>((*pads)[rank + a + 2]));
        shape[a + 1] += op.before[a] + op.after[a];
    }
    auto sizes = shape;
    sizes.insert(sizes.begin(), 1);
    if (!countable(sizes)) by.fail("pads too much");
    state.set(by, 0, state.add(std::move(op), {from}, std::move(shape), by, std::move(sizes)));
}

inline void read_batch_normalisation(reading_state& state, call& by) {
    double const epsilon = by.real("epsilon", 1e-5);
    by.ignore("momentum");
    if (by.integer("training_mode", 0) != 0 || by.integer("spatial", 1) != 1)
        by.fail("normalises as in training, or each position by itself; export the model after its eval()");
    auto const from = state.settled_sample(by.from_network(0), by);
    auto const tensor_at = [&](std::size_t k) { return tensor_of(by.weights(k), state.budget); };
    batch_normalisation op{tensor_at(3), tensor_at(4), tensor_at(1), tensor_at(2), epsilon};
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

/// A function of each value: of whole stages, whatever the view, since the order of values does not matter.
inline void apply_function(reading_state& state, call& by, activation_kind kind) {
    auto const& view = by.from_network(0);
    if (state.selected_row(view))
        if (auto const row = state.settled_somehow(view, by))
            return state.set_ready(by, activation{kind}, {*row}, row_major(view.at.sizes));
    state.set_ready(by, activation{kind}, {view.from}, view.at);
}

inline void read_gelu(reading_state& state, call& by) {
    if (auto const rule = by.text("approximate", "none"); rule != "none")
        state.notes.push_back(by.where() + " approximates GELU (" + in_quotes(rule) + ")");
    apply_function(state, by, activation_kind::gelu);
}

/// A function that no activation_kind names.
inline void read_unspecified(reading_state& state, call& by) {
    std::string note = by.where();
    note += " is a function that no activation_kind names: unspecified";
    for (auto const* name : {"alpha", "beta", "gamma", "lambd", "bias", "min", "max"})
        if (by.has(name)) note += ", " + std::string(name) + " " + number_text(by.real(name, 0));
    for (std::size_t k = 1; k < by.inputs(); ++k)
        if (by.maybe(k) != nullptr && std::holds_alternative<computed>(*by.maybe(k)))
            by.fail("takes two computed values");
    state.notes.push_back(std::move(note));
    apply_function(state, by, activation_kind::unspecified);
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

/// A mean over features (of layer normalisation), over steps, or over the positions of images.
inline void read_reduce_mean(reading_state& state, call& by) {
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
    if (axes.size() == 1 && axes[0] + 1 == view.at.rank()) {
        auto const from = state.settled_features(view, by);
        auto shape = with_last(state.stages[from].shape, 1);
        stage_operation op = mean_of_features{};
        if (as<squared>(state.stages[from]) != nullptr) op = variance{};
        return state.set(by, 0, state.add(std::move(op), {from}, std::move(shape), by, std::move(sizes)));
    }
    auto const& shape = state.stages[view.from].shape;
    bool const whole_view = state.is_whole(view);
    std::size_t taken = 1, axis = 0;
    for (auto const each : axes) taken *= view.at.sizes[each];
    while (axis + 1 < view.at.rank() && view.at.sizes[axis] == 1) ++axis;
    bool const steps = axes.size() == 1 && axes[0] == axis && shape.size() == 2 && taken == shape[0];
    bool const images = shape.size() == 3 && view.at.rank() == 4 && axes == std::vector<std::size_t>{2, 3};
    if (!whole_view || (!steps && !images))
        by.fail("takes a mean over other axes than features, steps or the positions of images");
    operation op = mean_over_steps{};
    if (images) op = pooling{pooling_kind::average};
    auto const from = images ? state.settled_sample(view, by) : view.from;
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
    if (kind == recurrent_kind::gru && by.integer("linear_before_reset", 0) != 1)
        by.fail(
            "resets before the product with the hidden weights (linear_before_reset = 0); spinet knows "
            "the GRU of PyTorch and cuDNN, which resets after it");
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
    if (!std::holds_alternative<constant>(*by.maybe(k)))
        by.fail("begins with a state that is computed or an input; spinet's begin with zeros");
    auto const& initial = by.weights(k);
    bool const one = std::all_of(initial.at.strides.begin(), initial.at.strides.end(),
                                 [](std::size_t stride) { return stride == 0; });
    if (one && number_at(initial, initial.at.offset) == 0) return;
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
