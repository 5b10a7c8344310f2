// SPDX-License-Identifier: BSD-3-Clause
/// The shapes of the values that flow through a network.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/window_extent.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
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

/// Steps with their features as channels along one axis, and back.
[[nodiscard]] inline value_shape turned(value_shape shape) {
    if (shape.size() == 2) std::swap(shape[0], shape[1]);
    return shape;
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

using value_shapes = std::vector<value_shape>;

/// The shape of the result of each operation.
struct shape_after {
    value_shapes const& from;  ///< the shapes of its inputs
    std::string const& where;  ///< names it in messages

    [[noreturn]] void refuse_values(text_pieces takes) const {
        throw error(where, " takes ", joined(takes), ", but is given values of shape ", tuple_text(from[0]));
    }
    /// (steps, features), of that many features.
    void require_steps(std::size_t features) const {
        if (from[0].size() != 2 || from[0][1] != features) refuse_values({"(steps, ", features, ")"});
    }
    /// That these are the last axes of the input.
    void require_trailing(value_shape const& axes) const {
        if (axes.size() > from[0].size() || !std::equal(axes.rbegin(), axes.rend(), from[0].rbegin()))
            refuse_values({"values whose last axes are ", tuple_text(axes)});
    }

    value_shape operator()(input const& op) const {
        return op.shape.empty() ? value_shape{op.size} : op.shape;
    }
    value_shape operator()(activation const&) const { return from[0]; }
    value_shape operator()(dense const& op) const {
        value_shape result = from[0];
        if (result.size() > 2 || result.back() != op.weight.shape()[1])
            refuse_values({op.weight.shape()[1], " features, by ", op.weight.described()});
        result.back() = op.weight.shape()[0];
        return result;
    }
    value_shape operator()(convolution op) const {
        if (op.of_steps) {
            require_steps(op.weight.shape()[1]);
            return over_steps(std::move(op));
        }
        std::size_t const channels = op.weight.shape()[1] * op.groups;
        if (from[0].empty() || from[0][0] != channels)
            refuse_values({channels, " channels, by ", op.weight.described()});
        return shape_of_windows(op.weight.shape()[0], extents_of(op, from[0], where), from[0], where);
    }
    /// The same as without `of_steps`, the axes being turned.
    template <class Op>
    [[nodiscard]] value_shape over_steps(Op op) const {
        op.of_steps = false;
        value_shapes const channels{turned(from[0])};
        return turned(shape_after{channels, where}(op));
    }
    value_shape operator()(pooling op) const {
        if (op.of_steps) {
            if (from[0].size() != 2) refuse_values({"(steps, features)"});
            return over_steps(std::move(op));
        }
        if (from[0].size() < 2 || (!op.window.empty() && from[0].size() != op.window.size() + 1))
            refuse_values({"channels and ", op.window.size(), " axes"});
        return shape_of_windows(from[0][0], extents_of(op, from[0]), from[0], where);
    }
    value_shape operator()(batch_normalisation const& op) const {
        if (op.of_steps)
            require_steps(op.mean.size());
        else if (from[0][0] != op.mean.size())
            refuse_values({op.mean.size(), " channels"});
        return from[0];
    }
    value_shape operator()(layer_normalisation const& op) const {
        for (auto const* part : {&op.scale, &op.shift})
            if (*part) require_trailing((*part)->shape());
        return from[0];
    }
    value_shape operator()(addition const&) const {
        if (from[0] != from[1])
            throw error(where, " adds values of shapes ", tuple_text(from[0]), " and ", tuple_text(from[1]));
        return from[0];
    }
    value_shape operator()(concatenation const& op) const {
        auto a = from[0], b = from[1];
        bool const steps = op.of_steps && a.size() == 2 && b.size() == 2;
        if (steps) a = turned(a), b = turned(b);
        if (a.empty() || b.empty() || !std::equal(a.begin() + 1, a.end(), b.begin() + 1, b.end()) ||
            steps != op.of_steps)
            throw error(where, " joins values of shapes ", tuple_text(from[0]), " and ", tuple_text(from[1]),
                        ", whose other axes differ");
        a[0] += b[0];
        return steps ? turned(a) : a;
    }
    value_shape operator()(product const&) const {
        if (from[0] != from[1])
            throw error(where, " multiplies values of shapes ", tuple_text(from[0]), " and ",
                        tuple_text(from[1]));
        return from[0];
    }
    value_shape operator()(offset const& op) const {
        require_trailing(op.values.shape());
        return from[0];
    }
    value_shape operator()(flatten const&) const {
        auto const size = checked_product(from[0]);
        if (!size) throw error(where, ": values of shape ", tuple_text(from[0]), " are too many");
        return {*size};
    }
    value_shape operator()(select_step const& op) const {
        if (from[0].size() != 2 || (op.index && *op.index >= from[0][0]))
            refuse_values({"a step", (op.index ? text(" ", *op.index) : ""), " of (steps, features)"});
        return {from[0][1]};
    }
    value_shape operator()(leading_step const& op) const {
        require_steps(op.values.size());
        return {from[0][0] + 1, from[0][1]};
    }
    value_shape operator()(mean_over_steps const&) const {
        if (from[0].size() != 2) refuse_values({"(steps, features)"});
        return {from[0][1]};
    }
    value_shape operator()(recurrent const& op) const {
        require_steps(op.input_weight.shape()[1]);
        return {from[0][0], op.units()};
    }
    value_shape operator()(attention const& op) const {
        require_steps(op.query.weight.shape()[1]);
        return {from[0][0], op.output.weight.shape()[0]};
    }
    value_shape operator()(embedding const& op) const {
        if (from[0].size() != 1) refuse_values({"(steps) of tokens"});
        return {from[0][0], op.weight.shape()[1]};
    }
};

/// Adds the shape of the next node, of those that have none yet.
inline void add_shape(value_shapes& shapes, network const& net) {
    auto const& at = net.nodes()[shapes.size()];
    value_shapes from;
    for (auto const& name : at.inputs) from.push_back(shapes[net.position(name)]);
    auto const where = "node " + in_quotes(at.name);
    shapes.push_back(at.op.visit(shape_after{from, where}));
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
