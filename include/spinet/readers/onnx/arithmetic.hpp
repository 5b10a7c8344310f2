// SPDX-License-Identifier: BSD-3-Clause
/// Sums, products, quotients and roots in ONNX graphs: of integers, of constants, and those that biases,
/// residual connections, layer normalisation, GELU and SiLU are made of.
#pragma once

#include <spinet/network/operation.hpp>
#include <spinet/readers/onnx/attention.hpp>
#include <spinet/readers/onnx/layers.hpp>
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

/// Both inputs of a node of two, where they are constants.
template <class F>
[[nodiscard]] bool combine_constants(reading_state& state, call const& by, F f) {
    if (std::holds_alternative<computed>(by.input(0)) || std::holds_alternative<computed>(by.input(1)))
        return false;
    constant const a = by.quantised(0), b = by.quantised(1);
    if (a.is_quantised || b.is_quantised) by.fail("calculates with integers that have no scale");
    auto const x = only_number(a), y = only_number(b);
    // What a factor or summand leaves as it is.
    if (!x && y && f(2.0, *y) == 2.0 && f(3.0, *y) == 3.0) return state.set(by, 0, a), true;
    if (!y && x && f(*x, 2.0) == 2.0 && f(*x, 3.0) == 3.0) return state.set(by, 0, b), true;
    auto const& longer = a.at.rank() >= b.at.rank() ? a.at.sizes : b.at.sizes;
    auto sizes = longer;
    for (auto const* each : {&a.at.sizes, &b.at.sizes})
        for (std::size_t k = 1; k <= each->size(); ++k)
            sizes[sizes.size() - k] = std::max(sizes[sizes.size() - k], (*each)[each->size() - k]);
    auto const of_a = broadcast(a.at, sizes), of_b = broadcast(b.at, sizes);
    if (!of_a || !of_b || !countable(sizes))
        by.fail("combines constants of shapes ", tuple_text(a.at.sizes), " and ", tuple_text(b.at.sizes));
    state.budget.take(row_major(sizes).count() * 2 * sizeof(double));
    std::vector<double> numbers;
    for_each_pair(*of_a, *of_b, [&](std::size_t k, std::size_t l) {
        numbers.push_back(f(number_at(a, k), number_at(b, l)));
    });
    state.set(by, 0, constant_of(numbers, sizes, by.node().output(0)));
    return true;
}

/// f of each number, where the input is a constant.
template <class F>
[[nodiscard]] bool change_constant(reading_state& state, call const& by, F f) {
    if (!std::holds_alternative<constant>(by.input(0))) return false;
    auto const& of = by.weights(0);
    auto numbers = numbers_of(of, state.budget);
    for (auto& x : numbers) {
        x = f(x);
        if (std::isnan(x)) by.fail("gives nan for one of its constants");
    }
    state.budget.take(numbers.size() * sizeof(double));
    state.set(by, 0, constant_of(numbers, of.at.sizes, by.node().output(0)));
    return true;
}

/// The constant that is combined with a view. In operator sets before 7, `axis` says with which axes.
[[nodiscard]] inline constant operand(call& by, std::size_t k, computed const& view) {
    auto of = by.weights(k);
    if (by.opset() >= 7) return of;
    auto const axis = by.integer("axis", -1);
    if (axis < 0) return of;
    std::size_t const first = by.axis(axis, view.at.rank());
    while (of.at.rank() + first < view.at.rank()) of.at = with_axis(of.at, of.at.rank());
    return of;
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

/// The values of a view of which each is one of its stage, and none is left out.
[[nodiscard]] inline computed all_values(reading_state& state, call const& by, computed const& view) {
    if (view.at.count() == state.count_of(view.from)) return view;
    auto const from = state.settled_somehow(view, by);
    if (!from) by.fail("calculates with some of the values of ", described(state.stages[view.from]));
    return {*from, row_major(view.at.sizes)};
}

/// scale x + shift of each value, on top of such arithmetic that is there already.
inline void set_affine(reading_state& state, call const& by, computed view, affine op) {
    for (auto const* each : {&op.scale, &op.shift})
        for (double const x : each->values)
            if (!std::isfinite(x)) by.fail("calculates with the constant ", number_text(x));
    computed below = view;
    if (auto const* inner = as<affine>(state.stages[view.from])) {
        below.from = state.stages[view.from].inputs.front();
        auto const& shape = state.stages[view.from].shape;
        auto const combined = [&](coefficients const& a, coefficients const& b, auto f) -> coefficients {
            if (a.values.size() <= 1 && b.values.size() <= 1) return {{f(a.at(0, 0), b.at(0, 0))}};
            std::size_t const n = state.count_of(view.from);
            state.take_coefficients(n, by);
            state.budget.take(n * sizeof(double));
            std::vector<double> all(n);
            for (std::size_t k = 0; k < n; ++k) all[k] = f(a.at(k, 0), b.at(k, 0));
            return reduced(std::move(all), shape);
        };
        auto const times = [](double x, double y) { return x * y; };
        auto const plus = [](double x, double y) { return x + y; };
        if (inner->shift.any()) {
            auto const before = op.scale.any() ? combined(inner->shift, op.scale, times) : inner->shift;
            op.shift = op.shift.any() ? combined(before, op.shift, plus) : before;
        }
        if (inner->scale.any())
            op.scale = op.scale.any() ? combined(inner->scale, op.scale, times) : inner->scale;
        if (inner->shift.any()) op.added.reset(), op.name.clear();
    }
    auto const is_all = [](coefficients const& of, double x) {
        return of.values.size() == 1 && of.values[0] == x;
    };
    if (is_all(op.scale, 1)) op.scale = {};
    if (is_all(op.shift, 0)) op.shift = {};
    if (!op.scale.any() && !op.shift.any()) return state.set(by, 0, below);
    state.push({std::move(op), {below.from}, value_shape(state.stages[view.from].shape), &by.node()});
    state.set(by, 0, computed{state.stages.size() - 1, below.at});
}

/// Times a constant number.
inline void multiply(reading_state& state, call const& by, computed const& view, double factor) {
    if (auto const* products = as<scores>(state.stages[view.from]);
        products != nullptr && std::isfinite(factor)) {
        auto op = *products;
        op.scale *= factor;
        return set_instead(state, by, std::move(op), view);
    }
    set_affine(state, by, view, {{{factor}}, {}});
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
    auto const all = number ? view : all_values(state, by, view);
    affine op{{}, state.coefficients_of(all, given, by), std::nullopt, given.name};
    if (state.is_whole(all))
        if (auto const values = trailing(state, all.from, all.at, given))
            op.added = tensor_of(*values, state.budget);
    set_affine(state, by, all, std::move(op));
}

inline void add_computed(reading_state& state, call const& by, computed const& a, computed const& b) {
    auto const &shape_a = state.stages[a.from].shape, &shape_b = state.stages[b.from].shape;
    if (a.at == b.at && shape_a == shape_b) return state.set_ready(by, addition{}, {a.from, b.from}, a.at);
    auto const from_a = state.settled_somehow(a, by);
    auto const before = state.relabelled();
    auto const from_b = state.settled_somehow(b, by);
    if (!from_a || !from_b || a.at.sizes != b.at.sizes || before != state.relabelled())
        by.fail("adds values of shapes ", tuple_text(a.at.sizes), " and ", tuple_text(b.at.sizes),
                ", in different orders or of different shapes");
    state.set_ready(by, addition{}, {*from_a, *from_b}, row_major(a.at.sizes));
}

inline void read_add(reading_state& state, call& by) {
    by.ignore("broadcast");
    if (both_whole(by)) return combine_integers(state, by, [](auto x, auto y) { return x + y; });
    if (combine_constants(state, by, [](double x, double y) { return x + y; })) return;
    auto const *a = std::get_if<computed>(&by.input(0)), *b = std::get_if<computed>(&by.input(1));
    if (a != nullptr && b != nullptr) return add_computed(state, by, *a, *b);
    auto const view = a != nullptr ? *a : by.from_network(1);
    add_constant(state, by, view, operand(by, a != nullptr ? 1 : 0, view));
}

/// A sum of any number of values.
inline void read_sum(reading_state& state, call& by) {
    if (by.inputs() == 0) by.fail("adds nothing");
    auto sum = by.input(0);
    for (std::size_t k = 1; k < by.inputs(); ++k) {
        call two(by.mutable_node(), {&sum, &by.input(k)}, by.opset());
        read_add(state, two);
        auto const at = state.values.find(by.node().output(0));
        if (at == state.values.end()) by.fail("has no output");
        sum = at->second;
    }
    if (by.inputs() == 1) pass(state, by, "it adds nothing");
}

[[nodiscard]] inline constant negative(constant const& of, memory_allowance& budget) {
    auto numbers = numbers_of(of, budget);
    for (auto& x : numbers) x = -x;
    return constant_of(numbers, of.at.sizes, of.name);
}

/// x less its mean, x less a constant, a constant less x, or a difference.
inline void read_sub(reading_state& state, call& by) {
    by.ignore("broadcast");
    if (both_whole(by)) return combine_integers(state, by, [](auto x, auto y) { return x - y; });
    if (combine_constants(state, by, [](double x, double y) { return x - y; })) return;
    auto const *left = std::get_if<computed>(&by.input(0)), *right = std::get_if<computed>(&by.input(1));
    if (right == nullptr)
        return add_constant(state, by, by.from_network(0),
                            negative(operand(by, 1, by.from_network(0)), state.budget));
    if (left == nullptr) {
        auto const all = all_values(state, by, *right);
        return set_affine(state, by, all, {{{-1.0}}, state.coefficients_of(all, operand(by, 0, all), by)});
    }
    auto const a = *left, b = *right;
    auto const& mean = state.stages[b.from];
    bool const fits = as<mean_of_features>(mean) != nullptr && mean.inputs.front() == a.from &&
                      state.is_whole(a) && state.is_whole(b) && a.at.rank() == b.at.rank() &&
                      a.at.sizes.back() == state.stages[a.from].shape.back() && b.at.sizes.back() == 1 &&
                      std::equal(a.at.sizes.begin(), a.at.sizes.end() - 1, b.at.sizes.begin());
    if (fits) return set_after(state, by, centred{}, a);
    if (a.at.sizes != b.at.sizes) by.fail("subtracts computed values that are no mean of the others");
    set_affine(state, by, b, {{{-1.0}}, {}});
    add_computed(state, by, a, std::get<computed>(state.values.find(by.node().output(0))->second));
}

/// The stage, below functions of each value, on which alone the values of both depend, each on its own.
[[nodiscard]] inline std::optional<std::size_t> common_root(reading_state const& state, std::size_t a,
                                                            std::size_t b) {
    auto const inputs_of = [&](std::size_t at) -> std::vector<std::size_t> {
        auto const& of = state.stages[at];
        auto const* const function = as<activation>(of);
        bool const by_value = function != nullptr && function->kind != activation_kind::softmax &&
                              function->kind != activation_kind::log_softmax;
        if (by_value || as<affine>(of) != nullptr || as<error_function>(of) != nullptr ||
            as<addition>(of) != nullptr)
            return of.inputs;
        return {};
    };
    auto const depends_on = [&](std::size_t root) {
        std::vector<std::size_t> open{b};
        for (std::size_t seen = 0; !open.empty(); ++seen) {
            auto const at = open.back();
            open.pop_back();
            if (at == root) continue;
            auto const below = inputs_of(at);
            if (below.empty() || seen > 64) return false;
            open.insert(open.end(), below.begin(), below.end());
        }
        return true;
    };
    for (std::size_t steps = 0; steps < 16; ++steps) {
        if (depends_on(a)) return a;
        auto const below = inputs_of(a);
        if (below.size() != 1) return std::nullopt;
        a = below.front();
    }
    return std::nullopt;
}

/// A product or quotient of values that depend on one value each is a function of it.
[[nodiscard]] inline bool is_function(reading_state& state, call const& by, computed const& a,
                                      computed const& b) {
    if (a.at != b.at || state.stages[a.from].shape != state.stages[b.from].shape) return false;
    auto const root = common_root(state, a.from, b.from);
    if (!root || state.stages[*root].shape != state.stages[a.from].shape) return false;
    state.notes.push_back(by.where() + ": a function of each value, which no activation_kind names");
    state.set_ready(by, activation{activation_kind::unspecified}, {*root}, a.at);
    return true;
}

/// x by its standard deviation, or by constants.
inline void read_div(reading_state& state, call& by) {
    by.ignore("broadcast");
    if (both_whole(by)) {
        for (auto const x : by.integers(1).values)
            if (x == 0) by.fail("divides by 0");
        return combine_integers(state, by, [](auto x, auto y) { return x / y; });
    }
    if (combine_constants(state, by, [](double x, double y) { return x / y; })) return;
    auto const *left = std::get_if<computed>(&by.input(0)), *right = std::get_if<computed>(&by.input(1));
    if (left == nullptr) return apply_unspecified(state, by, *right);
    if (right == nullptr) {
        auto const given = operand(by, 1, *left);
        if (auto const number = only_number(given)) return multiply(state, by, *left, 1 / *number);
        auto const all = all_values(state, by, *left);
        auto divisors = state.coefficients_of(all, given, by);
        for (auto& x : divisors.values) x = 1 / x;
        return set_affine(state, by, all, {std::move(divisors), {}});
    }
    auto const a = *left, b = *right;
    auto const &above = state.stages[a.from], &below = state.stages[b.from];
    auto const* spread = as<deviation>(below);
    bool const fits = as<centred>(above) != nullptr && spread != nullptr && below.inputs.front() == a.from &&
                      state.is_whole(a) && state.is_whole(b) && a.at.rank() == b.at.rank() &&
                      b.at.sizes.back() == 1 &&
                      std::equal(a.at.sizes.begin(), a.at.sizes.end() - 1, b.at.sizes.begin());
    if (fits)
        return state.set_ready(by, layer_normalisation{std::nullopt, std::nullopt, spread->epsilon},
                               above.inputs, a.at);
    if (!is_function(state, by, a, b))
        by.fail("divides by computed values that are no standard deviation of the others");
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
    if (!is_function(state, by, a, b) && !is_function(state, by, b, a))
        by.fail("multiplies two computed values; spinet knows this in SiLU, GELU and attention only");
}

inline void read_mul(reading_state& state, call& by) {
    by.ignore("broadcast");
    if (both_whole(by)) return combine_integers(state, by, [](auto x, auto y) { return x * y; });
    if (combine_constants(state, by, [](double x, double y) { return x * y; })) return;
    auto const *a = std::get_if<computed>(&by.input(0)), *b = std::get_if<computed>(&by.input(1));
    if (a != nullptr && b != nullptr) return multiply_alike(state, by, *a, *b);
    auto const view = a != nullptr ? *a : by.from_network(1);
    auto const given = operand(by, a != nullptr ? 1 : 0, view);
    if (auto const number = only_number(given)) return multiply(state, by, view, *number);
    auto const below = state.stages[view.from];
    auto const* norm = as<layer_normalisation>(below);
    if (norm != nullptr && !norm->scale && !norm->shift && per_feature(state, view, given)) {
        layer_normalisation op{tensor_of(flattened(given), state.budget), std::nullopt, norm->epsilon};
        return state.set_ready(by, std::move(op), below.inputs, view.at);
    }
    auto const all = all_values(state, by, view);
    set_affine(state, by, all, {state.coefficients_of(all, given, by), {}});
}

inline void read_neg(reading_state& state, call& by) {
    if (change_constant(state, by, [](double x) { return -x; })) return;
    multiply(state, by, by.from_network(0), -1);
}

/// Whether the values are part of a spelt out operation, of which powers and roots are refused.
[[nodiscard]] inline bool is_part(reading_state const& state, computed const& view) {
    auto const* of = &state.stages[view.from];
    if (as<affine>(*of) != nullptr) of = &state.stages[of->inputs.front()];
    return !std::holds_alternative<operation>(of->op) && as<projection>(*of) == nullptr &&
           as<attention_parts>(*of) == nullptr && as<affine>(*of) == nullptr;
}

inline void read_pow(reading_state& state, call& by) {
    if (combine_constants(state, by, [](double x, double y) { return std::pow(x, y); })) return;
    auto const* view = std::get_if<computed>(&by.input(0));
    if (view == nullptr) return apply_unspecified(state, by, by.from_network(1));
    auto const exponent = only_number(by.quantised(1));
    if (exponent && *exponent == 2 && as<centred>(state.stages[view->from]) != nullptr)
        return set_after(state, by, squared{}, *view);
    if (!exponent || is_part(state, *view))
        by.fail("is a power; spinet knows squares in layer normalisation only");
    if (*exponent == 1) return pass(state, by, "it changes nothing");
    apply_unspecified(state, by, *view);
}

inline void read_sqrt(reading_state& state, call& by) {
    if (change_constant(state, by, [](double x) { return std::sqrt(x); })) return;
    auto const& view = by.from_network(0);
    auto const below = state.stages[view.from];
    auto const* squares = as<variance>(below);
    if (squares == nullptr && is_part(state, view))
        by.fail("is a root; spinet knows roots in layer normalisation only");
    if (squares == nullptr) return apply_unspecified(state, by, view);
    // The squares are those of x - mean, which the quotient looks for.
    auto const centre = state.stages[below.inputs.front()].inputs.front();
    set_alike(state, by, deviation{squares->epsilon}, {centre}, view);
}

/// The larger or smaller of a value and a constant.
inline void read_extreme(reading_state& state, call& by, bool largest) {
    computed const* view = nullptr;
    std::vector<double> numbers;
    for (std::size_t k = 0; k < by.inputs(); ++k) {
        if (auto const* found = std::get_if<computed>(&by.input(k))) {
            if (view != nullptr) by.fail("chooses between computed values; spinet has no operation for that");
            view = found;
        } else if (auto const number = only_number(by.quantised(k))) {
            numbers.push_back(*number);
        } else {
            by.fail("compares with a constant of more than one number");
        }
    }
    if (view == nullptr) by.fail("compares constants only");
    if (largest && numbers.size() == 1 && numbers[0] == 0)
        return apply_to(state, by, *view, activation_kind::relu);
    apply_unspecified(state, by, *view);
}

inline void read_erf(reading_state& state, call& by) {
    set_after(state, by, error_function{}, by.from_network(0));
}

/// Scikit-learn's standardisation, of the domain ai.onnx.ml: (x - offset) scale.
inline void read_scaler(reading_state& state, call& by) {
    auto const view = by.from_network(0);
    auto offsets = by.reals("offset"), scales = by.reals("scale");
    for (auto& x : offsets) x = -x;
    auto const row = [&](std::vector<double> const& numbers) {
        return constant_of(numbers, {numbers.size()}, by.node().name());
    };
    coefficients scale, shift;
    if (!scales.empty()) scale = state.coefficients_of(view, row(scales), by);
    // scale x + scale offset
    for (std::size_t k = 0; k < offsets.size() && !scales.empty(); ++k)
        offsets[k] *= scales[scales.size() == 1 ? 0 : k % scales.size()];
    if (!offsets.empty()) shift = state.coefficients_of(view, row(offsets), by);
    set_affine(state, by, view, {std::move(scale), std::move(shift)});
}

/// Scikit-learn's linear models: a dense layer.
inline void read_linear_model(reading_state& state, call& by, std::string const& outputs) {
    auto const weights = by.reals("coefficients"), biases = by.reals("intercepts");
    for (auto const* name :
         {"classlabels_ints", "classlabels_strings", "multi_class", "post_transform", "targets"})
        by.ignore(name);
    auto const view = by.from_network(0);
    std::size_t const columns = view.at.rank() == 0 ? 1 : view.at.sizes.back();
    if (weights.empty() || weights.size() % columns != 0)
        by.fail("has ", weights.size(), " coefficients for ", columns, " features");
    std::size_t const rows = weights.size() / columns;
    projection layer{constant_of(weights, {rows, columns}, by.node().name()), std::nullopt};
    if (!biases.empty())
        layer.bias = bias_of(by, constant_of(biases, {biases.size()}, by.node().name()), rows);
    auto result = add_dense(state, by, view, std::move(layer));
    state.set(by, outputs == "scores" ? 1 : 0, std::move(result));
}

}  // namespace spinet::detail::onnx_reading
