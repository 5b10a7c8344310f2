// SPDX-License-Identifier: BSD-3-Clause
/// Sums, products, quotients and roots in ONNX graphs: of integers, of constants, and those that biases,
/// residual connections, layer normalisation, GELU and SiLU are made of.
#pragma once

#include <spinet/network/operation.hpp>
#include <spinet/readers/onnx/attention.hpp>
#include <spinet/readers/onnx/moves.hpp>
#include <spinet/readers/onnx/state.hpp>
#include <spinet/readers/onnx/values.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace spinet::detail::onnx_reading {

/// Both inputs of a node of two, where they are constants of one number.
template <class F>
[[nodiscard]] bool combine_numbers(reading_state& state, call const& by, F f) {
    auto const *a = std::get_if<constant>(&by.input(0)), *b = std::get_if<constant>(&by.input(1));
    if (a == nullptr || b == nullptr) return false;
    auto const x = only_number(*a), y = only_number(*b);
    if (!x || !y) {
        // What a factor or summand leaves as it is.
        if (y && f(2.0, *y) == 2.0 && f(3.0, *y) == 3.0) return state.set(by, 0, *a), true;
        if (x && f(*x, 2.0) == 2.0 && f(*x, 3.0) == 3.0) return state.set(by, 0, *b), true;
        by.fail("combines two constant arrays");
    }
    auto const& longer = a->at.rank() >= b->at.rank() ? a->at.sizes : b->at.sizes;
    state.set(by, 0, constant_of({f(*x, *y)}, longer, by.node().output(0)));
    return true;
}

[[nodiscard]] inline bool both_whole(call const& by) {
    return std::holds_alternative<whole>(by.input(0)) && std::holds_alternative<whole>(by.input(1));
}

/// The number of input k, if it is a constant of one.
[[nodiscard]] inline std::optional<double> number_of(call const& by, std::size_t k) {
    auto const* found = std::get_if<constant>(&by.input(k));
    return found == nullptr ? std::nullopt : only_number(*found);
}

/// Another stage of the shape of the view's, on `inputs`, and the view of it with the same layout.
inline void set_alike(reading_state& state, call const& by, stage_operation op,
                      std::vector<std::size_t> inputs, computed const& view) {
    state.push({std::move(op), std::move(inputs), value_shape(state.stages[view.from].shape), &by.node()});
    state.set(by, 0, computed{state.stages.size() - 1, view.at});
}

/// The same on the stage of the view.
inline void set_after(reading_state& state, call const& by, stage_operation op, computed const& view) {
    set_alike(state, by, std::move(op), {view.from}, view);
}

/// The same on the inputs of that stage, in its place.
inline void set_instead(reading_state& state, call const& by, stage_operation op, computed const& view) {
    set_alike(state, by, std::move(op), state.stages[view.from].inputs, view);
}

/// Times a constant number.
inline void multiply(reading_state& state, call const& by, computed const& view, double factor) {
    if (!std::isfinite(factor)) by.fail("multiplies by ", number_text(factor));
    if (auto const* products = as<scores>(state.stages[view.from])) {
        auto op = *products;
        op.scale *= factor;
        return set_instead(state, by, std::move(op), view);
    }
    auto const [from, before] = without_factor(state, view.from);
    computed const below{from, view.at};
    if (before * factor == 1) return state.set(by, 0, below);
    set_after(state, by, scaled{before * factor}, below);
}

/// Whether the constant is one number per feature of a view whose last axis is its stage's.
[[nodiscard]] inline bool per_feature(reading_state const& state, computed const& view, constant const& of) {
    auto const& shape = state.stages[view.from].shape;
    return state.is_whole(view) && view.at.rank() != 0 && squeezed(of.at.sizes).size() <= 1 &&
           of.at.count() == shape.back() && view.at.sizes.back() == shape.back() && of.at.rank() != 0 &&
           of.at.sizes.back() == shape.back() && of.at.rank() <= view.at.rank();
}

[[nodiscard]] inline constant flattened(constant of) {
    std::size_t const count = of.at.count();
    if (auto const flat = reshaped(of.at, {count})) of.at = *flat;
    return of;
}

/// Of another shape with as many elements; the constant has no axis of stride 0 that hinders.
[[nodiscard]] inline std::optional<constant> with_shape(constant of, std::vector<std::size_t> const& sizes) {
    auto at = reshaped(of.at, sizes);
    if (!at) return std::nullopt;
    of.at = *std::move(at);
    return of;
}

/// The constant as an array of the shape of the last axes of the view's stage.
[[nodiscard]] inline std::optional<constant> trailing(reading_state const& state, std::size_t from,
                                                      layout const& view, constant of) {
    while (of.at.rank() > 1 && of.at.sizes.front() == 1) of.at = without_axis(of.at, 0);
    if (of.at.count() == 1) return with_shape(of, {});
    if (of.at.rank() > view.rank() ||
        !std::equal(of.at.sizes.rbegin(), of.at.sizes.rend(), view.sizes.rbegin()))
        return std::nullopt;
    auto const& shape = state.stages[from].shape;
    std::size_t axis = shape.size(), count = 1;
    while (axis > 0 && count < of.at.count()) count *= shape[--axis];
    std::vector<std::size_t> const sizes(shape.begin() + static_cast<std::ptrdiff_t>(axis), shape.end());
    if (squeezed(sizes) != squeezed(of.at.sizes)) return std::nullopt;
    return with_shape(of, sizes);
}

/// The bias of a layer that has none yet.
[[nodiscard]] inline bool add_bias(reading_state& state, call const& by, computed const& view,
                                   constant const& given) {
    auto const below = state.stages[view.from];
    if (per_feature(state, view, given)) {
        auto const bias = flattened(given);
        std::optional<stage_operation> op;
        if (auto const* layer = as<projection>(below); layer != nullptr && !layer->bias)
            op = projection{layer->weight, bias};
        if (auto const* heads = as<attention_parts>(below); heads != nullptr && !heads->output.bias) {
            auto parts = *heads;
            parts.output.bias = bias;
            op = std::move(parts);
        }
        if (auto const* norm = as<layer_normalisation>(below); norm != nullptr && !norm->shift)
            op = operation(layer_normalisation{norm->scale, tensor_of(bias, state.budget), norm->epsilon});
        if (!op) return false;
        set_instead(state, by, *std::move(op), view);
        return true;
    }
    auto const* windows = as<convolution>(below);
    auto sizes = given.at.sizes;
    while (sizes.size() > below.shape.size() && sizes.front() == 1) sizes.erase(sizes.begin());
    bool const channels = windows != nullptr && !windows->bias && state.is_whole(view) &&
                          sizes.size() == below.shape.size() && sizes.front() == below.shape.front() &&
                          given.at.count() == sizes.front() && view.at.rank() == sizes.size() + 1;
    if (!channels) return false;
    auto op = *windows;
    op.bias = tensor_of(flattened(given), state.budget);
    state.set_ready(by, std::move(op), below.inputs, view.at);
    return true;
}

inline void add_constant(reading_state& state, call const& by, computed const& view, constant const& given) {
    auto const number = only_number(given);
    auto const* erf = as<error_function>(state.stages[view.from]);
    auto const* squares = as<variance>(state.stages[view.from]);
    if (number && erf != nullptr && erf->plus == 0 && *number == 1)
        return set_instead(state, by, error_function{1}, view);
    if (number && squares != nullptr && squares->epsilon == 0)
        return set_instead(state, by, variance{*number}, view);
    if (as<scores>(state.stages[view.from]) != nullptr) return mask_scores(state, by, view, given);
    if (add_bias(state, by, view, given)) return;
    auto const from = state.settled_somehow(view, by);
    auto const values = from ? trailing(state, *from, view.at, given) : std::nullopt;
    if (!values)
        by.fail("adds a constant of shape ", tuple_text(given.at.sizes), " to values of shape ",
                tuple_text(view.at.sizes), ", which has not the shape of their last axes");
    state.set_ready(by, offset{tensor_of(*values, state.budget)}, {*from}, row_major(view.at.sizes));
}

inline void add_computed(reading_state& state, call const& by, computed const& a, computed const& b) {
    auto const &shape_a = state.stages[a.from].shape, &shape_b = state.stages[b.from].shape;
    if (a.at == b.at && shape_a == shape_b) return state.set_ready(by, addition{}, {a.from, b.from}, a.at);
    auto const from_a = state.settled_somehow(a, by), from_b = state.settled_somehow(b, by);
    if (!from_a || !from_b || a.at.sizes != b.at.sizes)
        by.fail("adds values of shapes ", tuple_text(a.at.sizes), " and ", tuple_text(b.at.sizes),
                ", in different orders or of different shapes");
    state.set_ready(by, addition{}, {*from_a, *from_b}, row_major(a.at.sizes));
}

inline void read_add(reading_state& state, call& by) {
    if (both_whole(by)) return combine_integers(state, by, [](auto x, auto y) { return x + y; });
    if (combine_numbers(state, by, [](double x, double y) { return x + y; })) return;
    auto const *a = std::get_if<computed>(&by.input(0)), *b = std::get_if<computed>(&by.input(1));
    if (a != nullptr && b != nullptr) return add_computed(state, by, *a, *b);
    add_constant(state, by, a != nullptr ? *a : by.from_network(1), by.weights(a != nullptr ? 1 : 0));
}

/// x less its mean, or less a number.
inline void read_sub(reading_state& state, call& by) {
    if (both_whole(by)) return combine_integers(state, by, [](auto x, auto y) { return x - y; });
    if (combine_numbers(state, by, [](double x, double y) { return x - y; })) return;
    auto const& a = by.from_network(0);
    if (auto const number = number_of(by, 1))
        return add_constant(state, by, a, constant_of({-*number}, {}, by.node().output(0)));
    auto const& b = by.from_network(1);
    auto const& mean = state.stages[b.from];
    bool const fits = as<mean_of_features>(mean) != nullptr && mean.inputs.front() == a.from &&
                      state.is_whole(a) && state.is_whole(b) && a.at.rank() == b.at.rank() &&
                      a.at.sizes.back() == state.stages[a.from].shape.back() && b.at.sizes.back() == 1 &&
                      std::equal(a.at.sizes.begin(), a.at.sizes.end() - 1, b.at.sizes.begin());
    if (!fits) by.fail("subtracts computed values that are no mean of the others");
    set_after(state, by, centred{}, a);
}

/// x by its standard deviation, or by a number.
inline void read_div(reading_state& state, call& by) {
    if (both_whole(by)) {
        for (auto const x : by.integers(1).values)
            if (x == 0) by.fail("divides by 0");
        return combine_integers(state, by, [](auto x, auto y) { return x / y; });
    }
    if (combine_numbers(state, by, [](double x, double y) { return x / y; })) return;
    auto const& a = by.from_network(0);
    if (auto const number = number_of(by, 1)) return multiply(state, by, a, 1 / *number);
    auto const& b = by.from_network(1);
    auto const &above = state.stages[a.from], &below = state.stages[b.from];
    auto const* spread = as<deviation>(below);
    bool const fits = as<centred>(above) != nullptr && spread != nullptr && below.inputs.front() == a.from &&
                      state.is_whole(a) && state.is_whole(b) && a.at.rank() == b.at.rank() &&
                      b.at.sizes.back() == 1 &&
                      std::equal(a.at.sizes.begin(), a.at.sizes.end() - 1, b.at.sizes.begin());
    if (!fits) by.fail("divides by computed values that are no standard deviation of the others");
    state.set_ready(by, layer_normalisation{std::nullopt, std::nullopt, spread->epsilon}, above.inputs, a.at);
}

/// Products of computed values: x sigmoid(x), x (1 + erf(x / sqrt 2)), and squares.
inline void multiply_alike(reading_state& state, call const& by, computed const& a, computed const& b) {
    if (a.at != b.at) by.fail("multiplies computed values in different orders or of different shapes");
    if (a.from == b.from && as<centred>(state.stages[a.from]) != nullptr)
        return set_after(state, by, squared{}, a);
    for (auto const& [x, y] : {std::pair(a, b), std::pair(b, a)}) {
        auto const* function = as<activation>(state.stages[y.from]);
        bool const of_x = function != nullptr && state.stages[y.from].inputs.front() == x.from;
        if (of_x && function->kind == activation_kind::sigmoid)
            return state.set_ready(by, activation{activation_kind::silu}, {x.from}, a.at);
        if (of_x && state.stages[y.from].node->op_type() == "HardSigmoid") {
            state.notes.push_back(by.where() + ": x HardSigmoid(x), which no activation_kind names");
            return state.set_ready(by, activation{activation_kind::unspecified}, {x.from}, a.at);
        }
        auto const plain = without_factor(state, x.from), erf = without_factor(state, y.from);
        auto const* inner = as<error_function>(state.stages[erf.from]);
        if (inner == nullptr || inner->plus != 1) continue;
        auto const argument = without_factor(state, state.stages[erf.from].inputs.front());
        if (argument.from != plain.from || std::abs(argument.factor * std::numbers::sqrt2 - 1) > 1e-3)
            continue;
        computed const gelu{state.ready(activation{activation_kind::gelu}, {plain.from}, by), a.at};
        return multiply(state, by, gelu, 2 * plain.factor * erf.factor);
    }
    by.fail("multiplies two computed values; spinet knows this in SiLU, GELU and attention only");
}

inline void read_mul(reading_state& state, call& by) {
    if (both_whole(by)) return combine_integers(state, by, [](auto x, auto y) { return x * y; });
    if (combine_numbers(state, by, [](double x, double y) { return x * y; })) return;
    auto const *a = std::get_if<computed>(&by.input(0)), *b = std::get_if<computed>(&by.input(1));
    if (a != nullptr && b != nullptr) return multiply_alike(state, by, *a, *b);
    auto const& view = a != nullptr ? *a : by.from_network(1);
    auto const& given = by.weights(a != nullptr ? 1 : 0);
    if (auto const number = only_number(given)) return multiply(state, by, view, *number);
    auto const below = state.stages[view.from];
    auto const* norm = as<layer_normalisation>(below);
    if (norm == nullptr || norm->scale || norm->shift || !per_feature(state, view, given))
        by.fail("multiplies by a constant of shape ", tuple_text(given.at.sizes),
                "; spinet knows this after layer normalisation only");
    layer_normalisation op{tensor_of(flattened(given), state.budget), std::nullopt, norm->epsilon};
    state.set_ready(by, std::move(op), below.inputs, view.at);
}

inline void read_pow(reading_state& state, call& by) {
    auto const* power = std::get_if<whole>(&by.input(1));
    std::optional<double> exponent = number_of(by, 1);
    if (power != nullptr && power->values.size() == 1) exponent = static_cast<double>(power->values.front());
    if (auto const number = number_of(by, 0); number && exponent)
        return state.set(
            by, 0, constant_of({std::pow(*number, *exponent)}, sizes_of(by.input(0)), by.node().output(0)));
    auto const& view = by.from_network(0);
    if (!exponent || *exponent != 2 || as<centred>(state.stages[view.from]) == nullptr)
        by.fail("is a power; spinet knows squares in layer normalisation only");
    set_after(state, by, squared{}, view);
}

inline void read_sqrt(reading_state& state, call& by) {
    if (auto const number = number_of(by, 0)) {
        if (!(*number >= 0)) by.fail("takes the root of ", number_text(*number));
        return state.set(by, 0,
                         constant_of({std::sqrt(*number)}, sizes_of(by.input(0)), by.node().output(0)));
    }
    auto const& view = by.from_network(0);
    auto const below = state.stages[view.from];
    auto const* squares = as<variance>(below);
    if (squares == nullptr) by.fail("is a root; spinet knows roots in layer normalisation only");
    // The squares are those of x - mean, which the quotient looks for.
    auto const centre = state.stages[below.inputs.front()].inputs.front();
    set_alike(state, by, deviation{squares->epsilon}, {centre}, view);
}

inline void read_erf(reading_state& state, call& by) {
    set_after(state, by, error_function{}, by.from_network(0));
}

}  // namespace spinet::detail::onnx_reading
