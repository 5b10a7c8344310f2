// SPDX-License-Identifier: BSD-3-Clause
/// The shapes of the values that flow through a network.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/window_extent.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace spinet {

/// Numbers along each axis, as operation.hpp lists them.
using value_shape = std::vector<std::size_t>;

namespace detail {

[[nodiscard]] inline std::size_t axis_value(std::vector<std::size_t> const& given, std::size_t axis,
                                            std::size_t otherwise) {
    return given.empty() ? otherwise : given[axis];
}

/// Of windows over `length` positions; to no positions where none fits.
[[nodiscard]] inline window_extent extent_over(std::size_t length, std::size_t kernel, std::size_t stride,
                                               std::size_t before, std::size_t after, std::size_t dilation) {
    std::size_t const span = (kernel - 1) * dilation + 1, padded = length + before + after;
    return {length, padded < span ? 0 : (padded - span) / stride + 1, kernel, stride, before, dilation};
}

/// Of a convolution of values of shape `from`. Throws `error` where they have another number of axes.
[[nodiscard]] inline std::vector<window_extent> extents_of(convolution const& op, value_shape const& from,
                                                           std::string const& where) {
    std::size_t const axes = op.weight.rank() - 2;
    if (from.size() != axes + 1)
        throw error(where, " works along ", axes, " axes beside the channels, but takes values of shape ",
                    tuple_text(from));
    std::vector<window_extent> extents;
    for (std::size_t a = 0; a < axes; ++a) {
        std::size_t const before = axis_value(op.padding_before, a, 0);
        extents.push_back(extent_over(from[a + 1], op.weight.shape()[a + 2], axis_value(op.stride, a, 1),
                                      before, axis_value(op.padding_after, a, before),
                                      axis_value(op.dilation, a, 1)));
    }
    return extents;
}

/// Of pooling over values of shape `from`; global pooling gets the window that covers it.
[[nodiscard]] inline std::vector<window_extent> extents_of(pooling const& op, value_shape const& from) {
    std::vector<window_extent> extents;
    for (std::size_t a = 0; a + 1 < from.size(); ++a) {
        std::size_t const length = from[a + 1], kernel = axis_value(op.window, a, length),
                          before = axis_value(op.padding_before, a, 0);
        extents.push_back(extent_over(length, kernel,
                                      op.window.empty() ? 1 : axis_value(op.stride, a, kernel), before,
                                      axis_value(op.padding_after, a, before), 1));
    }
    return extents;
}

/// (channels, positions...), or an error where a window does not fit.
[[nodiscard]] inline value_shape shape_of_windows(std::size_t channels,
                                                  std::vector<window_extent> const& extents,
                                                  value_shape const& from, std::string const& where) {
    value_shape result{channels};
    for (auto const& each : extents) {
        result.push_back(each.to);
        if (each.to == 0)
            throw error(where, ": its window does not fit into values of shape ", tuple_text(from));
    }
    return result;
}

[[noreturn]] inline void refuse_values(std::string const& where, std::string const& takes,
                                       value_shape const& from) {
    throw error(where, " takes ", takes, ", but is given values of shape ", tuple_text(from));
}

// The shape of each operation's result. `from` are the shapes of its inputs, `where` names it.
using value_shapes = std::vector<value_shape>;

[[nodiscard]] inline value_shape shape_after(input const& op, value_shapes const&, std::string const&) {
    return op.shape.empty() ? value_shape{op.size} : op.shape;
}
[[nodiscard]] inline value_shape shape_after(activation const&, value_shapes const& from,
                                             std::string const&) {
    return from[0];
}
[[nodiscard]] inline value_shape shape_after(dense const& op, value_shapes const& from,
                                             std::string const& where) {
    value_shape result = from[0];
    if (result.size() > 2 || result.back() != op.weight.shape()[1])
        refuse_values(where, std::to_string(op.weight.shape()[1]) + " features, by " + op.weight.described(),
                      from[0]);
    result.back() = op.weight.shape()[0];
    return result;
}
[[nodiscard]] inline value_shape shape_after(convolution const& op, value_shapes const& from,
                                             std::string const& where) {
    if (from[0].empty() || from[0][0] != op.weight.shape()[1] * op.groups)
        refuse_values(
            where,
            std::to_string(op.weight.shape()[1] * op.groups) + " channels, by " + op.weight.described(),
            from[0]);
    return shape_of_windows(op.weight.shape()[0], extents_of(op, from[0], where), from[0], where);
}
[[nodiscard]] inline value_shape shape_after(pooling const& op, value_shapes const& from,
                                             std::string const& where) {
    if (from[0].size() < 2 || (!op.window.empty() && from[0].size() != op.window.size() + 1))
        refuse_values(where, "channels and " + std::to_string(op.window.size()) + " axes", from[0]);
    return shape_of_windows(from[0][0], extents_of(op, from[0]), from[0], where);
}
[[nodiscard]] inline value_shape shape_after(batch_normalisation const& op, value_shapes const& from,
                                             std::string const& where) {
    if (from[0][0] != op.mean.size())
        refuse_values(where, std::to_string(op.mean.size()) + " channels", from[0]);
    return from[0];
}
/// That `trailing` are the last axes of `from`.
inline void require_trailing(value_shape const& trailing, value_shape const& from, std::string const& where) {
    if (trailing.size() > from.size() || !std::equal(trailing.rbegin(), trailing.rend(), from.rbegin()))
        refuse_values(where, "values whose last axes are " + tuple_text(trailing), from);
}
[[nodiscard]] inline value_shape shape_after(layer_normalisation const& op, value_shapes const& from,
                                             std::string const& where) {
    for (auto const* part : {&op.scale, &op.shift})
        if (*part) require_trailing((*part)->shape(), from[0], where);
    return from[0];
}
[[nodiscard]] inline value_shape shape_after(addition const&, value_shapes const& from,
                                             std::string const& where) {
    if (from[0] != from[1])
        throw error(where, " adds values of shapes ", tuple_text(from[0]), " and ", tuple_text(from[1]));
    return from[0];
}
[[nodiscard]] inline value_shape shape_after(offset const& op, value_shapes const& from,
                                             std::string const& where) {
    require_trailing(op.values.shape(), from[0], where);
    return from[0];
}
[[nodiscard]] inline value_shape shape_after(flatten const&, value_shapes const& from,
                                             std::string const& where) {
    auto const size = checked_product(from[0]);
    if (!size) throw error(where, ": values of shape ", tuple_text(from[0]), " are too many");
    return {*size};
}
[[nodiscard]] inline value_shape shape_after(select_step const& op, value_shapes const& from,
                                             std::string const& where) {
    if (from[0].size() != 2 || (op.index && *op.index >= from[0][0]))
        refuse_values(
            where,
            "a step" + (op.index ? " " + std::to_string(*op.index) : std::string()) + " of (steps, features)",
            from[0]);
    return {from[0][1]};
}
[[nodiscard]] inline value_shape shape_after(mean_over_steps const&, value_shapes const& from,
                                             std::string const& where) {
    if (from[0].size() != 2) refuse_values(where, "(steps, features)", from[0]);
    return {from[0][1]};
}
[[nodiscard]] inline value_shape shape_after(recurrent const& op, value_shapes const& from,
                                             std::string const& where) {
    std::size_t const features = op.input_weight.shape()[1];
    if (from[0].size() != 2 || from[0][1] != features)
        refuse_values(where, "(steps, " + std::to_string(features) + ")", from[0]);
    return {from[0][0], op.units()};
}
[[nodiscard]] inline value_shape shape_after(attention const& op, value_shapes const& from,
                                             std::string const& where) {
    std::size_t const features = op.query.weight.shape()[1];
    if (from[0].size() != 2 || from[0][1] != features)
        refuse_values(where, "(steps, " + std::to_string(features) + ")", from[0]);
    return {from[0][0], op.output.weight.shape()[0]};
}
[[nodiscard]] inline value_shape shape_after(embedding const& op, value_shapes const& from,
                                             std::string const& where) {
    if (from[0].size() != 1) refuse_values(where, "(steps) of tokens", from[0]);
    return {from[0][0], op.weight.shape()[1]};
}

/// Adds the shape of the next node, of those that have none yet.
inline void add_shape(value_shapes& shapes, network const& net) {
    auto const& at = net.nodes()[shapes.size()];
    value_shapes from;
    for (auto const& name : at.inputs) from.push_back(shapes[net.position(name)]);
    auto const where = "node " + in_quotes(at.name);
    shapes.push_back(at.op.visit([&](auto const& op) { return shape_after(op, from, where); }));
    if (!checked_product(shapes.back(), sizeof(double)))
        throw error(where, ": values of shape ", tuple_text(shapes.back()), " are too many");
}

}  // namespace detail

/// The shapes of the results of net.nodes(), in their order. Throws `error`, naming the node, where what it
/// is given does not fit it.
[[nodiscard]] inline std::vector<value_shape> result_shapes(network const& net) {
    detail::value_shapes shapes;
    while (shapes.size() < net.nodes().size()) detail::add_shape(shapes, net);
    return shapes;
}

}  // namespace spinet
