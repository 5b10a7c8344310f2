// SPDX-License-Identifier: BSD-3-Clause
/// Nodes of ONNX graphs that only move values, and the arithmetic of shapes that PyTorch leaves in the file.
#pragma once

#include <spinet/readers/onnx/layout.hpp>
#include <spinet/readers/onnx/state.hpp>
#include <spinet/readers/onnx/values.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace spinet::detail::onnx_reading {

[[nodiscard]] inline std::vector<std::size_t> const& sizes_of(graph_value const& of) {
    if (auto const* integers = std::get_if<whole>(&of)) return integers->sizes;
    if (auto const* numbers = std::get_if<constant>(&of)) return numbers->at.sizes;
    if (auto const* several = std::get_if<joined>(&of)) return several->sizes;
    return std::get<computed>(of).at.sizes;
}

inline void set_whole(reading_state& state, call const& by, whole result) {
    if (result.values.size() > most_whole) by.fail("gives too many integers");
    if (result.values.size() > 16) state.budget.take(result.values.size() * sizeof(std::int64_t));
    state.set(by, 0, std::move(result));
}

/// The same values, where `change` makes a layout of a layout. Neither kind of value is copied but integers.
template <class F>
[[nodiscard]] graph_value moved(reading_state& state, call const& by, graph_value const& of, F change) {
    auto const checked = [&](layout at) {
        if (at.rank() > 32 || !countable(at.sizes)) by.fail("makes too large an array");
        return at;
    };
    if (auto const* integers = std::get_if<whole>(&of)) {
        auto const at = checked(change(row_major(integers->sizes)));
        if (at.count() > most_whole) by.fail("gives too many integers");
        if (at.count() > 16) state.budget.take(at.count() * sizeof(std::int64_t));
        whole result{at.sizes, {}};
        for_each_element(at, [&](std::size_t index) { result.values.push_back(integers->values[index]); });
        return result;
    }
    if (std::holds_alternative<joined>(of))
        by.fail("takes arrays that were joined; spinet knows the selection of one of them only");
    auto result = of;
    auto& at = std::holds_alternative<constant>(result) ? std::get<constant>(result).at
                                                        : std::get<computed>(result).at;
    at = checked(change(at));
    if (at.count() == 0) by.fail("gives no values: shape ", tuple_text(at.sizes));
    if (auto* const view = std::get_if<computed>(&result)) view->mover = &by.node();
    return result;
}

template <class F>
void move(reading_state& state, call const& by, F change) {
    state.set(by, 0, moved(state, by, by.input(0), change));
}

/// Leaves a node out.
inline void pass(reading_state& state, call& by, std::string const& why) {
    if (std::holds_alternative<computed>(by.input(0)))
        state.notes.push_back(text("left out ", by.where(), ": ", why));
    state.set(by, 0, by.input(0));
}

/// PyTorch shares equal tensors through such nodes, which then bear the tensors' own names.
inline void read_identity(reading_state& state, call& by) {
    pass(state, by, "it changes nothing");
    auto const* shared = std::get_if<constant>(&by.input(0));
    if (shared == nullptr) return;
    auto renamed = *shared;
    renamed.name = by.node().output(0);
    state.set(by, 0, std::move(renamed));
}

inline void read_dropout(reading_state& state, call& by) {
    by.ignore("ratio");
    by.ignore("seed");
    by.ignore("is_test");
    if (by.maybe(2) != nullptr) {
        auto const& training = by.integers(2).values;
        if (training.size() != 1 || training[0] != 0)
            by.fail("is in the mode for training; export the model after its eval()");
    }
    pass(state, by, "outside training it changes nothing");
}

/// A function of each value: of whole stages, whatever the view, since the order of values does not matter.
inline void apply_to(reading_state& state, call const& by, computed const& view, activation_kind kind) {
    if (view.at.count() != state.count_of(view.from))
        if (auto const row = state.settled_somehow(view, by))
            return state.set_ready(by, activation{kind}, {*row}, row_major(view.at.sizes));
    state.set_ready(by, activation{kind}, {view.from}, view.at);
}

inline void apply_function(reading_state& state, call& by, activation_kind kind) {
    by.ignore("consumed_inputs");
    apply_to(state, by, by.from_network(0), kind);
}

/// A function that no activation_kind names, with its numbers in a note.
inline void apply_unspecified(reading_state& state, call& by, computed const& view) {
    std::string note = by.where();
    note += " is a function that no activation_kind names: unspecified";
    for (auto const* name : {"alpha", "beta", "gamma", "lambd", "bias", "min", "max"})
        if (by.has(name)) note += ", " + std::string(name) + " " + number_text(by.real(name, 0));
    state.notes.push_back(std::move(note));
    for (auto const* name : {"consumed_inputs", "size", "axis", "p"}) by.ignore(name);
    apply_to(state, by, view, activation_kind::unspecified);
}

inline void read_cast(reading_state& state, call& by) {
    auto const to = static_cast<int>(by.integer("to", 0));
    by.ignore("saturate");
    auto const real = tensor_loader::real_type(to);
    if (auto const* integers = std::get_if<whole>(&by.input(0)); integers != nullptr && real) {
        state.budget.take(integers->values.size() * sizeof(double));
        std::vector<double> const numbers(integers->values.begin(), integers->values.end());
        return state.set(by, 0, constant_of(numbers, integers->sizes, by.node().output(0)));
    }
    if (auto const* numbers = std::get_if<constant>(&by.input(0))) {
        if (numbers->is_quantised && real) {  // the integers themselves
            auto plain = *numbers;
            plain.is_quantised = false;
            return state.set(by, 0, std::move(plain));
        }
        if (!real && tensor_loader::width_of_whole(to) >= 4) {
            if (numbers->at.count() > most_whole) by.fail("gives too many integers");
            whole result{numbers->at.sizes, {}};
            for (auto const x : numbers_of(*numbers, state.budget)) {
                if (!(x > -0x1p62 && x < 0x1p62)) by.fail("makes an integer of ", number_text(x));
                result.values.push_back(static_cast<std::int64_t>(x));
            }
            return set_whole(state, by, std::move(result));
        }
        bool const narrower = real && size_of(*real) < size_of(numbers->type);
        if (!real || (narrower && numbers->at.count() != 1)) by.fail("changes the values of a constant");
    }
    bool const fits = real.has_value() || tensor_loader::width_of_whole(to) >= 4;
    if (!fits) by.fail("casts to ", tensor_loader::type_name(to));
    pass(state, by, "only the type of the values changes");
}

inline void read_transpose(reading_state& state, call& by) {
    std::size_t const rank = sizes_of(by.input(0)).size();
    std::vector<std::size_t> order(rank);
    std::iota(order.rbegin(), order.rend(), std::size_t{0});
    if (auto const given = by.list("perm")) {
        order.clear();
        for (auto const axis : *given) order.push_back(by.axis(axis, rank));
        auto sorted = order;
        std::sort(sorted.begin(), sorted.end());
        bool const once = std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
        if (order.size() != rank || !once) by.fail("has a perm that is no permutation of its axes");
    }
    move(state, by, [&](layout const& at) { return transposed(at, order); });
}

/// To `sizes`, of as many elements.
inline void reshape(reading_state& state, call& by, std::vector<std::size_t> const& sizes) {
    auto const& from = sizes_of(by.input(0));
    if (!countable(sizes) || row_major(sizes).count() != row_major(from).count())
        by.fail("makes the shape ", tuple_text(sizes), " of ", tuple_text(from));
    move(state, by, [&](layout const& at) {
        if (at.count() == 0) return row_major(sizes);
        auto result = regrouped(at, sizes);
        if (!result)
            by.fail("makes the shape ", tuple_text(sizes), " of values of shape ", tuple_text(from),
                    ", which were moved too often");
        return *std::move(result);
    });
}

inline void read_reshape(reading_state& state, call& by) {
    auto const& from = sizes_of(by.input(0));
    bool const zero_counts = by.integer("allowzero", 0) != 0;
    auto const wanted = by.list_or_input("shape", 1);
    if (!wanted) by.fail("has no shape");
    if (wanted->size() > 32) by.fail("makes ", wanted->size(), " axes");
    std::vector<std::size_t> sizes;
    std::optional<std::size_t> open;
    for (std::size_t k = 0; k < wanted->size(); ++k) {
        auto const length = (*wanted)[k];
        if (length < -1 || (length == -1 && open)) by.fail("has the impossible shape ", tuple_text(*wanted));
        if (length == 0 && !zero_counts && k >= from.size()) by.fail("keeps an axis that is not there");
        if (length == -1) open = k;
        sizes.push_back(length == -1                  ? 1
                        : length == 0 && !zero_counts ? from[k]
                                                      : static_cast<std::size_t>(length));
    }
    // Where the file has a batch of several, its shapes have, too.
    if (state.batch > 1 && !sizes.empty() && sizes[0] % state.batch == 0 && (*wanted)[0] > 0 &&
        countable(sizes) && row_major(from).count() % row_major(sizes).count() != 0)
        sizes[0] /= state.batch;
    if (open && countable(sizes)) {
        std::size_t const rest = row_major(sizes).count(), all = row_major(from).count();
        if (rest == 0 || all % rest != 0)
            by.fail("makes the shape ", tuple_text(*wanted), " of ", tuple_text(from));
        sizes[*open] = all / rest;
    }
    reshape(state, by, sizes);
}

inline void read_flatten(reading_state& state, call& by) {
    auto const& from = sizes_of(by.input(0));
    auto const given = by.integer("axis", 1);
    std::size_t const axis =
        given == static_cast<std::int64_t>(from.size()) ? from.size() : by.axis(given, from.size());
    std::vector<std::size_t> sizes{1, 1};
    for (std::size_t k = 0; k < from.size(); ++k) sizes[k < axis ? 0 : 1] *= from[k];
    reshape(state, by, sizes);
}

/// Axes without repetition, in increasing order.
[[nodiscard]] inline std::vector<std::size_t> axes_of(call const& by, std::vector<std::int64_t> const& given,
                                                      std::size_t rank) {
    std::vector<std::size_t> axes;
    for (auto const axis : given) axes.push_back(by.axis(axis, rank));
    std::sort(axes.begin(), axes.end());
    if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) by.fail("names an axis twice");
    return axes;
}

inline void read_squeeze(reading_state& state, call& by) {
    auto const& from = sizes_of(by.input(0));
    std::vector<std::size_t> axes;
    if (auto const given = by.list_or_input("axes", 1)) {
        axes = axes_of(by, *given, from.size());
        for (auto const axis : axes)
            if (from[axis] != 1) by.fail("takes away an axis of size ", from[axis]);
    } else {
        for (std::size_t axis = 0; axis < from.size(); ++axis)
            if (from[axis] == 1) axes.push_back(axis);
    }
    move(state, by, [&](layout at) {
        for (std::size_t k = axes.size(); k-- > 0;) at = without_axis(std::move(at), axes[k]);
        return at;
    });
}

inline void read_unsqueeze(reading_state& state, call& by) {
    auto const given = by.list_or_input("axes", 1);
    if (!given || given->size() > 32) by.fail("has no axes, or too many");
    auto const axes = axes_of(by, *given, sizes_of(by.input(0)).size() + given->size());
    move(state, by, [&](layout at) {
        for (auto const axis : axes) at = with_axis(std::move(at), axis);
        return at;
    });
}

/// Constants of one number may be repeated; what is computed keeps its shape up to axes of size 1.
inline void read_expand(reading_state& state, call& by) {
    auto const& wanted = by.integers(1).values;
    if (wanted.size() > 32) by.fail("makes ", wanted.size(), " axes");
    move(state, by, [&](layout at) {
        while (at.rank() < wanted.size()) at = with_axis(std::move(at), 0);
        for (std::size_t k = 0; k < wanted.size(); ++k) {
            std::size_t const axis = at.rank() - wanted.size() + k;
            if (wanted[k] < 1) by.fail("makes an axis of size ", wanted[k]);
            auto size = static_cast<std::size_t>(wanted[k]);
            if (size == state.batch && at.sizes[axis] == 1 && std::holds_alternative<computed>(by.input(0)))
                size = 1;
            if (size == 1 || size == at.sizes[axis]) continue;
            if (at.sizes[axis] != 1 || std::holds_alternative<computed>(by.input(0)))
                by.fail("repeats values of shape ", tuple_text(at.sizes), " to ", tuple_text(wanted));
            at.sizes[axis] = size;
            at.strides[axis] = 0;
        }
        return at;
    });
}

/// Part of an axis, with Python's rules for ends.
[[nodiscard]] inline layout sliced(call const& by, layout at, std::size_t axis, std::int64_t begin,
                                   std::int64_t end, std::int64_t step) {
    auto const size = static_cast<std::int64_t>(at.sizes[axis]);
    auto const within = [&](std::int64_t x) {
        return std::clamp<std::int64_t>(x < 0 ? std::max(x, -size) + size : x, 0, size);
    };
    if (step < 1) by.fail("slices with the step ", step);
    return cut(std::move(at), axis, static_cast<std::size_t>(within(begin)),
               static_cast<std::size_t>(std::max(within(begin), within(end))),
               static_cast<std::size_t>(step));
}

inline void read_slice(reading_state& state, call& by) {
    auto const begins = by.list_or_input("starts", 1), ends = by.list_or_input("ends", 2);
    std::size_t const rank = sizes_of(by.input(0)).size();
    if (!begins || !ends || begins->size() != ends->size() || begins->size() > rank)
        by.fail("has no starts and ends that fit each other");
    std::vector<std::int64_t> axes(begins->size()), steps(begins->size(), 1);
    std::iota(axes.begin(), axes.end(), std::int64_t{0});
    if (auto const given = by.list_or_input("axes", 3)) axes = *given;
    if (by.maybe(4) != nullptr) steps = by.integers(4).values;
    if (axes.size() != begins->size() || steps.size() != begins->size())
        by.fail("has axes or steps that do not fit its starts");
    [[maybe_unused]] auto const distinct = axes_of(by, axes, rank);
    move(state, by, [&](layout at) {
        for (std::size_t k = 0; k < axes.size(); ++k)
            at = sliced(by, std::move(at), by.axis(axes[k], rank), (*begins)[k], (*ends)[k], steps[k]);
        return at;
    });
}

inline void read_split(reading_state& state, call& by) {
    auto const& from = sizes_of(by.input(0));
    std::size_t const axis = by.axis(by.integer("axis", 0), from.size());
    by.ignore("num_outputs");
    auto const parts = static_cast<std::size_t>(by.node().output_size());
    std::vector<std::int64_t> sizes;
    if (auto const given = by.list_or_input("split", 1)) {
        sizes = *given;
    } else {
        std::size_t const part = parts == 0 ? 0 : (from[axis] + parts - 1) / parts;
        for (std::size_t k = 0; k < parts; ++k)
            sizes.push_back(
                static_cast<std::int64_t>(std::min(part, from[axis] - std::min(from[axis], k * part))));
    }
    std::size_t begin = 0;
    if (sizes.size() != parts) by.fail("splits into another number of parts than it has outputs");
    for (std::size_t k = 0; k < parts; ++k) {
        auto const left = static_cast<std::int64_t>(from[axis] - begin);
        if (sizes[k] < 1 || sizes[k] > left) by.fail("splits off ", sizes[k], " of an axis");
        std::size_t const end = begin + static_cast<std::size_t>(sizes[k]);
        state.set(by, static_cast<int>(k),
                  moved(state, by, by.input(0), [&](layout const& at) { return cut(at, axis, begin, end); }));
        begin = end;
    }
    if (begin != from[axis]) by.fail("splits less than the whole axis");
}

/// One of several joined views.
inline void select_part(reading_state& state, call& by, joined const& parts) {
    auto const& index = by.integers(1);
    if (by.axis(by.integer("axis", 0), parts.sizes.size()) != parts.axis || !index.sizes.empty())
        by.fail("takes more than one of several joined arrays");
    auto part = parts.parts[by.index(index.values.front(), parts.parts.size())];
    part.at = without_axis(part.at, parts.axis);
    part.mover = &by.node();
    state.set(by, 0, std::move(part));
}

/// One index or consecutive ones; integers in any order.
inline void read_gather_constant(reading_state& state, call& by) {
    if (auto const* parts = std::get_if<joined>(&by.input(0))) return select_part(state, by, *parts);
    auto const& from = sizes_of(by.input(0));
    auto const& indices = by.integers(1);
    std::size_t const axis = by.axis(by.integer("axis", 0), from.size());
    std::vector<std::size_t> at;
    for (auto const index : indices.values) at.push_back(by.index(index, from[axis]));
    if (indices.sizes.size() > 1 || at.empty()) by.fail("gathers an array of indices");
    if (indices.sizes.empty())
        return move(state, by, [&](layout const& of) { return selected(of, axis, at.front()); });
    bool consecutive = true;
    for (std::size_t k = 1; k < at.size(); ++k) consecutive = consecutive && at[k] == at[k - 1] + 1;
    if (consecutive)
        return move(state, by, [&](layout const& of) { return cut(of, axis, at.front(), at.back() + 1); });
    auto const* integers = std::get_if<whole>(&by.input(0));
    if (integers == nullptr || from.size() != 1) by.fail("gathers indices that do not follow each other");
    whole result{{at.size()}, {}};
    for (auto const index : at) result.values.push_back(integers->values[index]);
    set_whole(state, by, std::move(result));
}

inline void read_shape(reading_state& state, call& by) {
    auto const& from = sizes_of(by.input(0));
    auto const rank = static_cast<std::int64_t>(from.size());
    auto const within = [&](std::int64_t x) {
        return std::clamp<std::int64_t>(x < 0 ? std::max(x, -rank) + rank : x, 0, rank);
    };
    auto const begin = within(by.integer("start", 0)), end = within(by.integer("end", rank));
    whole result;
    for (auto k = begin; k < end; ++k)
        result.values.push_back(static_cast<std::int64_t>(from[static_cast<std::size_t>(k)]));
    result.sizes = {result.values.size()};
    set_whole(state, by, std::move(result));
}

/// Views of one shape, of size 1 along the axis.
[[nodiscard]] inline joined joined_of(reading_state& state, call& by) {
    joined result;
    auto const axis = by.integer("axis", 0);
    for (std::size_t k = 0; k < by.inputs(); ++k) {
        auto const* part = std::get_if<computed>(&by.input(k));
        bool const fits = part != nullptr && (k == 0 || part->at.sizes == result.sizes);
        if (fits && k == 0) {
            result.axis = by.axis(axis, part->at.rank());
            result.sizes = part->at.sizes;
        }
        if (!fits || result.sizes[result.axis] != 1)
            by.fail("joins arrays; spinet has no operation for that");
        state.budget.take(512);
        result.parts.push_back(*part);
    }
    result.sizes[result.axis] = result.parts.size();
    return result;
}

/// Constants one behind the other.
inline void join_constants(reading_state& state, call const& by, std::int64_t given_axis) {
    auto const first = by.quantised(0);
    std::size_t const axis = by.axis(given_axis, first.at.rank());
    auto sizes = first.at.sizes;
    sizes[axis] = 0;
    std::vector<constant> parts;
    for (std::size_t k = 0; k < by.inputs(); ++k) {
        parts.push_back(by.quantised(k));
        auto expected = sizes, found = parts.back().at.sizes;
        if (found.size() == sizes.size()) expected[axis] = found[axis];
        if (found != expected || parts.back().is_quantised)
            by.fail("joins constants of shapes ", tuple_text(first.at.sizes), " and ", tuple_text(found));
        sizes[axis] += found[axis];
    }
    if (!countable(sizes)) by.fail("joins too large constants");
    std::size_t const count = row_major(sizes).count(),
                      inner = count / std::max<std::size_t>(sizes[axis], 1) == 0
                                  ? 1
                                  : row_major(sizes).strides[axis];
    state.budget.take(count * 2 * sizeof(double));
    std::vector<double> numbers(count);
    std::size_t before = 0;
    for (auto const& part : parts) {
        std::size_t const block = part.at.sizes[axis] * inner;
        std::size_t k = 0;
        for_each_element(part.at, [&](std::size_t index) {
            numbers[k / block * sizes[axis] * inner + before * inner + k % block] = number_at(part, index);
            ++k;
        });
        before += part.at.sizes[axis];
    }
    state.set(by, 0, constant_of(numbers, sizes, by.node().output(0)));
}

/// Values in a row, channels, or features of each step, one behind the other; last states of several layers
/// wait for one of them to be selected.
inline void join_computed(reading_state& state, call& by, std::int64_t given_axis) {
    std::vector<computed> parts;
    for (std::size_t k = 0; k < by.inputs(); ++k) parts.push_back(by.from_network(k));
    std::size_t const rank = parts[0].at.rank(), axis = by.axis(given_axis, rank);
    if (axis == 0 && rank > 1) return state.set(by, 0, joined_of(state, by));
    for (auto const& part : parts)
        for (std::size_t a = 0; a < rank; ++a)
            if (part.at.rank() != rank || (a != axis && part.at.sizes[a] != parts[0].at.sizes[a]))
                by.fail("joins values of shapes ", tuple_text(parts[0].at.sizes), " and ",
                        tuple_text(part.at.sizes));
    bool const row = std::all_of(parts.begin(), parts.end(),
                                 [&](auto const& part) { return part.at.count() == part.at.sizes[axis]; });
    // With the joined axis in front, each is a stage of channels; or, with it last, of steps.
    std::vector<std::size_t> order, steps_order, back(rank);
    for (std::size_t a = 0; a < rank; ++a)
        if (a != axis) order.push_back(a);
    steps_order = order;
    steps_order.push_back(axis);
    order.insert(order.begin() + (rank > 1 ? 1 : 0), axis);
    bool const of_steps = !row && rank == 3 && std::all_of(parts.begin(), parts.end(), [&](auto const& part) {
        return state.stages[part.from].shape.size() == 2 &&
               state.is_whole({part.from, transposed(part.at, steps_order)}) &&
               as<spinet::input>(state.stages[part.from]) == nullptr;
    });
    std::size_t joint = 0, size = 0;
    for (std::size_t k = 0; k < parts.size(); ++k) {
        auto const before = state.relabelled();
        auto const part = by.from_network(k);  // whose order may have changed with an input's
        std::size_t from = part.from;
        if (row)
            from = state.settled(part, {part.at.sizes[axis]}, by);
        else if (!of_steps)
            from = state.settled_sample({from, transposed(part.at, order), part.mover}, by);
        if (k > 0 && before != state.relabelled()) by.fail("joins values in different orders");
        joint = k == 0 ? from : state.ready(concatenation{of_steps}, {joint, from}, by);
        size += part.at.sizes[axis];
    }
    auto sizes = parts[0].at.sizes;
    sizes[axis] = size;
    if (row) return state.set(by, 0, computed{joint, row_major(std::move(sizes))});
    auto const& used = of_steps ? steps_order : order;
    std::vector<std::size_t> moved_sizes;
    for (auto const a : used) moved_sizes.push_back(sizes[a]);
    for (std::size_t k = 0; k < rank; ++k) back[used[k]] = k;
    state.set(by, 0, computed{joint, transposed(row_major(moved_sizes), back)});
}

inline void read_concat(reading_state& state, call& by) {
    auto const axis = by.integer("axis", by.opset() < 4 ? 1 : 0);
    if (by.inputs() == 1) return pass(state, by, "it joins nothing");
    bool all_whole = true, any_computed = false;
    for (std::size_t k = 0; k < by.inputs(); ++k) {
        all_whole = all_whole && std::holds_alternative<whole>(by.input(k));
        any_computed = any_computed || std::holds_alternative<computed>(by.input(k));
    }
    if (any_computed) return join_computed(state, by, axis);
    if (!all_whole) return join_constants(state, by, axis);
    whole result;
    for (std::size_t k = 0; k < by.inputs(); ++k) {
        auto const& part = std::get<whole>(by.input(k));
        if (part.sizes.size() != 1 || by.axis(axis, 1) != 0)
            by.fail("joins arrays; spinet has no operation for that");
        result.values.insert(result.values.end(), part.values.begin(), part.values.end());
        if (result.values.size() > most_whole) by.fail("gives too many integers");
    }
    result.sizes = {result.values.size()};
    set_whole(state, by, std::move(result));
}

[[nodiscard]] inline std::vector<std::size_t> positive_sizes(call const& by,
                                                             std::vector<std::int64_t> const& given) {
    std::vector<std::size_t> sizes;
    for (auto const size : given) {
        if (size < 0) by.fail("makes an axis of size ", size);
        sizes.push_back(static_cast<std::size_t>(size));
    }
    if (sizes.size() > 32 || !countable(sizes)) by.fail("makes the shape ", tuple_text(sizes));
    return sizes;
}

/// One number, repeated: of stride 0, whatever the shape.
inline void read_constant_of_shape(reading_state& state, call& by) {
    auto const sizes = positive_sizes(by, by.integers(0).values);
    auto* const given = by.tensor_proto("value");
    graph_value number = constant{by.node().output(0), dtype::f32, std::vector(4, std::byte{0}), 0, {}};
    if (given != nullptr) {
        auto copy = *given;  // which another attempt finds as it was
        number = state.load(copy, by.node().output(0));
    }
    if (row_major(sizes_of(number)).count() != 1) by.fail("repeats a value that is not one number");
    if (auto* const integers = std::get_if<whole>(&number)) {
        if (row_major(sizes).count() > most_whole) by.fail("gives too many integers");
        auto const repeated = integers->values.front();
        return set_whole(state, by, {sizes, std::vector(row_major(sizes).count(), repeated)});
    }
    auto& numbers = std::get<constant>(number);
    numbers.at = {sizes, std::vector<std::size_t>(sizes.size(), 0), 0};
    state.set(by, 0, std::move(number));
}

inline void read_constant(reading_state& state, call& by) {
    auto const& name = by.node().output(0);
    if (by.node().attribute_size() != 1) by.fail("has not exactly one attribute");
    if (auto* const given = by.tensor_proto("value")) return static_cast<void>(state.keep(*given, name));
    if (by.has("value_float")) return state.set(by, 0, constant_of({by.real("value_float", 0)}, {}, name));
    if (by.has("value_floats")) {
        auto const numbers = by.reals("value_floats");
        return state.set(by, 0, constant_of(numbers, {numbers.size()}, name));
    }
    if (by.has("value_int")) return set_whole(state, by, {{}, {by.integer("value_int", 0)}});
    if (by.has("value_ints")) {
        auto const numbers = *by.list("value_ints");
        return set_whole(state, by, {{numbers.size()}, numbers});
    }
    by.fail("is a constant of a kind that is not understood: ", in_quotes(by.node().attribute(0).name()));
}

inline void read_range(reading_state& state, call& by) {
    std::int64_t ends[3] = {};
    for (std::size_t k = 0; k < 3; ++k) {
        auto const& given = by.integers(k).values;
        if (given.size() != 1) by.fail("takes not one integer as input ", k);
        ends[k] = given.front();
        if (ends[k] < -(std::int64_t{1} << 40) || ends[k] > (std::int64_t{1} << 40)) by.fail("is too long");
    }
    auto const [begin, end, step] = ends;
    if (step == 0) by.fail("has the step 0");
    whole result;
    for (auto x = begin; step > 0 ? x < end : x > end; x += step) {
        if (result.values.size() >= most_whole) by.fail("gives too many integers");
        result.values.push_back(x);
    }
    result.sizes = {result.values.size()};
    set_whole(state, by, std::move(result));
}

/// Of the same shape, or one of them of one element.
template <class F>
void combine_integers(reading_state& state, call const& by, F f) {
    auto const &a = by.integers(0), &b = by.integers(1);
    bool const one_a = a.values.size() == 1, one_b = b.values.size() == 1;
    if (a.sizes != b.sizes && !one_a && !one_b)
        by.fail("combines integers of shapes ", tuple_text(a.sizes), " and ", tuple_text(b.sizes));
    bool const as_a = one_b && (!one_a || a.sizes.size() >= b.sizes.size());
    auto const& shape = a.sizes == b.sizes || as_a ? a : b;
    whole result{shape.sizes, {}};
    for (std::size_t k = 0; k < shape.values.size(); ++k) {
        // Bounded, so that nothing overflows.
        constexpr std::int64_t largest = std::int64_t{1} << 31;
        auto const x = a.values[one_a ? 0 : k], y = b.values[one_b ? 0 : k];
        if (x > largest || x < -largest || y > largest || y < -largest)
            by.fail("calculates with integers beyond 2^31");
        result.values.push_back(f(x, y));
    }
    set_whole(state, by, std::move(result));
}

inline void read_equal(reading_state& state, call& by) {
    combine_integers(state, by, [](std::int64_t x, std::int64_t y) { return std::int64_t{x == y}; });
}

}  // namespace spinet::detail::onnx_reading
