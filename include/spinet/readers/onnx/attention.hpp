// SPDX-License-Identifier: BSD-3-Clause
/// Self-attention in ONNX graphs: products of computed values, their softmax, and the values it weighs.
#pragma once

#include <spinet/readers/onnx/layout.hpp>
#include <spinet/readers/onnx/moves.hpp>
#include <spinet/readers/onnx/state.hpp>
#include <spinet/readers/onnx/values.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace spinet::detail::onnx_reading {

/// A stage without the constants that it is multiplied by.
struct unscaled {
    std::size_t from;
    double factor;
};

[[nodiscard]] inline unscaled without_factor(reading_state const& state, std::size_t from) {
    auto const* product = as<affine>(state.stages[from]);
    auto const factor = product == nullptr ? std::nullopt : product->factor();
    if (!factor) return {from, 1};
    return {state.stages[from].inputs.front(), *factor};
}

/// Queries, keys or values: some features of a dense layer's result, cut into heads.
struct heads_view {
    projection rows;     ///< the dense layer of those features alone
    std::size_t source;  ///< the stage it is applied to
    std::size_t heads, steps, width;
    double factor;
};

/// The features [head x stride + offset, + width) of each head.
[[nodiscard]] inline projection rows_of(projection const& all, std::size_t offset, std::size_t stride,
                                        std::size_t heads, std::size_t width, memory_allowance& budget) {
    auto const taken = [&](constant of) {
        if (of.at.inner) of = packed(of, budget);
        bool const matrix = of.at.rank() == 2;
        std::size_t const row = of.at.strides[0];
        std::vector<std::size_t> sizes{heads, width}, flat{heads * width};
        layout at{sizes, {stride * row, row}, of.at.offset + offset * row};
        if (matrix) {
            at.sizes.push_back(of.at.sizes[1]);
            at.strides.push_back(of.at.strides[1]);
            flat.push_back(of.at.sizes[1]);
        }
        of.at = std::move(at);
        if (auto const straight = reshaped(of.at, flat)) {
            of.at = *straight;
            return of;
        }
        of = packed(of, budget);
        of.at = row_major(flat);
        return of;
    };
    std::optional<constant> bias;
    if (all.bias) bias = taken(*all.bias);
    return {taken(all.weight), std::move(bias)};
}

/// Looks at a view with two last axes, `feature_axis` and the other one, the steps; the axes before are the
/// batch and the heads.
[[nodiscard]] inline heads_view heads_of(reading_state& state, call const& by, computed const& view,
                                         bool features_last) {
    auto const [from, factor] = without_factor(state, view.from);
    auto const* layer = as<projection>(state.stages[from]);
    auto const& shape = state.stages[from].shape;
    if (layer == nullptr || shape.size() != 2 || view.at.rank() < 2 || view.at.inner)
        by.fail(
            "multiplies values that the network computes; spinet knows this in self-attention only, of "
            "queries, keys and values that dense layers give");
    std::size_t const rank = view.at.rank(), feature_axis = features_last ? rank - 1 : rank - 2,
                      step_axis = features_last ? rank - 2 : rank - 1, all = shape[1];
    std::size_t const steps = view.at.sizes[step_axis], width = view.at.sizes[feature_axis];
    std::size_t heads = 1, stride = width;
    bool one_axis = true;
    for (std::size_t axis = 0; axis + 2 < rank; ++axis) {
        if (view.at.sizes[axis] == 1) continue;
        one_axis = one_axis && heads == 1;
        heads = view.at.sizes[axis];
        stride = view.at.strides[axis];
    }
    bool const in_order = steps == shape[0] && (steps == 1 || view.at.strides[step_axis] == all) &&
                          (width == 1 || view.at.strides[feature_axis] == 1);
    bool const fits =
        width <= all && stride <= all && heads <= all && view.at.offset + (heads - 1) * stride + width <= all;
    if (!one_axis || !in_order || !fits)
        by.fail("multiplies parts of ", described(state.stages[from]),
                " which are not the same features of each step, head by head");
    return {rows_of(*layer, view.at.offset, stride, heads, width, state.budget),
            state.stages[from].inputs.front(),
            heads,
            steps,
            width,
            factor};
}

/// The axes before the last two have to be the same.
inline void check_leading(call const& by, layout const& a, layout const& b) {
    if (a.rank() < 2 || a.rank() != b.rank() ||
        !std::equal(a.sizes.begin(), a.sizes.end() - 2, b.sizes.begin()))
        by.fail("multiplies values of shapes ", tuple_text(a.sizes), " and ", tuple_text(b.sizes));
}

/// Probabilities times values. Heads and width follow each other in the features of the result.
inline void mix_values(reading_state& state, call const& by, computed const& weights, computed const& right) {
    auto const& products = as<probabilities>(state.stages[weights.from])->of;
    auto const value = heads_of(state, by, right, true);
    check_leading(by, weights.at, right.at);
    if (!state.is_whole(weights) || value.heads != products.heads || value.factor != 1 ||
        state.stages[weights.from].inputs.front() != value.source || value.steps != weights.at.sizes.back())
        by.fail(
            "weighs values that do not belong to the products of queries and keys: spinet knows "
            "self-attention, where all three come from the same values and have as many heads");
    mixed op{{products.query, products.key, value.rows, {}, products.heads, products.causal}};
    std::size_t const inner = value.heads * value.width;
    layout at{right.at.sizes, std::vector<std::size_t>(right.at.rank(), value.width), 0};
    at.strides[at.rank() - 2] = inner;
    at.strides[at.rank() - 1] = 1;
    state.push({std::move(op), {value.source}, {value.steps, inner}, &by.node()});
    state.set(by, 0, computed{state.stages.size() - 1, std::move(at)});
}

/// Queries times keys, or probabilities times values.
inline void multiply_computed(reading_state& state, call const& by, computed const& left,
                              computed const& right) {
    if (as<probabilities>(state.stages[left.from]) != nullptr) return mix_values(state, by, left, right);
    auto query = heads_of(state, by, left, true);
    auto key = heads_of(state, by, right, false);
    check_leading(by, left.at, right.at);
    if (query.source != key.source || query.heads != key.heads || query.width != key.width)
        by.fail(
            "multiplies queries and keys of different values, heads or widths: spinet knows "
            "self-attention");
    auto sizes = left.at.sizes;
    sizes.back() = key.steps;
    value_shape const shape{query.heads, query.steps, key.steps};
    if (!countable(shape)) by.fail("computes too many values");
    scores op{std::move(query.rows), std::move(key.rows), query.heads, query.factor * key.factor, false};
    state.set(by, 0, state.add(std::move(op), {query.source}, shape, by, std::move(sizes)));
}

/// The softmax of scaled products, whose scale has to be that of attention.
inline void weigh_scores(reading_state& state, call const& by, computed const& view) {
    auto const& below = state.stages[view.from];
    auto const products = *as<scores>(below);
    double const width = static_cast<double>(products.query.weight.at.sizes[0] / products.heads);
    if (!state.is_whole(view) || squeezed(view.at.sizes) != squeezed(below.shape) ||
        view.at.sizes.back() != below.shape.back())
        by.fail("is of products of queries and keys in another order");
    if (!(std::abs(products.scale * std::sqrt(width) - 1) < 1e-3))
        by.fail("is of products of queries and keys times ", number_text(products.scale),
                ", not divided by the root of ", number_text(width));
    auto const inputs = below.inputs;
    auto const shape = below.shape;
    state.set(by, 0, state.add(probabilities{products}, inputs, shape, by, view.at.sizes));
}

/// A constant added to products: nothing, or what hides later steps.
inline void mask_scores(reading_state& state, call const& by, computed const& view, constant mask) {
    auto const& below = state.stages[view.from];
    std::size_t const steps = below.shape.back();
    while (mask.at.rank() > 2 && mask.at.sizes.front() == 1) mask.at = without_axis(mask.at, 0);
    if (!state.is_whole(view) || mask.at.sizes != std::vector<std::size_t>{steps, steps})
        by.fail("adds a constant of shape ", tuple_text(mask.at.sizes), " to the products of attention");
    auto const numbers = numbers_of(mask, state.budget);
    bool open = true, causal = true;
    for (std::size_t i = 0; i < steps; ++i)
        for (std::size_t j = 0; j < steps; ++j) {
            double const x = numbers[i * steps + j];
            open = open && x == 0;
            causal = causal && (j > i ? x <= -1e4 : x == 0);
        }
    if (!open && !causal) by.fail("masks attention otherwise than by hiding all later steps");
    auto op = *as<scores>(below);
    op.causal = op.causal || !open;
    auto const inputs = below.inputs;
    auto const shape = below.shape;
    state.set(by, 0, state.add(std::move(op), inputs, shape, by, view.at.sizes));
}

/// Where(choice, hidden, products) or Where(choice, products, hidden): a mask, as numbers to add.
[[nodiscard]] inline bool hides_scores(reading_state& state, call const& by) {
    auto const* choice = std::get_if<whole>(&by.input(0));
    for (std::size_t k = 1; k < 3; ++k) {
        auto const* view = std::get_if<computed>(&by.input(k));
        auto const* hidden = std::get_if<constant>(&by.input(3 - k));
        if (choice == nullptr || view == nullptr || hidden == nullptr ||
            as<scores>(state.stages[view->from]) == nullptr)
            continue;
        auto const number = only_number(*hidden);
        if (!number) return false;
        state.budget.take(choice->values.size() * sizeof(double));
        std::vector<double> mask;
        for (auto const x : choice->values) mask.push_back((x != 0) == (k == 1) ? 0 : *number);
        mask_scores(state, by, *view, constant_of(mask, choice->sizes, by.node().output(0)));
        return true;
    }
    return false;
}

inline void read_where(reading_state& state, call& by) {
    if (hides_scores(state, by)) return;
    for (std::size_t k = 0; k < 3; ++k)
        if (!std::holds_alternative<whole>(by.input(k)))
            by.fail("chooses between values; spinet has no operation for that");
    auto const &choice = by.integers(0), &a = by.integers(1), &b = by.integers(2);
    whole result{choice.sizes, {}};
    for (std::size_t k = 0; k < choice.values.size(); ++k) {
        auto const& from = choice.values[k] != 0 ? a : b;
        if (from.sizes != choice.sizes && from.values.size() != 1)
            by.fail("chooses between arrays of other shapes");
        result.values.push_back(from.values[from.values.size() == 1 ? 0 : k]);
    }
    set_whole(state, by, std::move(result));
}

}  // namespace spinet::detail::onnx_reading
