// SPDX-License-Identifier: BSD-3-Clause
/// ONNX models made in memory, for the tests of their reader.
#pragma once

#include "../files.hpp"
#include "evaluate.hpp"
#include <spinet/readers/onnx/onnx.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <onnx/onnx_pb.h>
#include <string>
#include <utility>
#include <vector>

namespace network_test {

using sizes = std::vector<std::int64_t>;

/// A model with an input "x", an output "y", and whatever is added.
class model {
public:
    /// `input` with the axis of the batch.
    explicit model(sizes const& input, std::int64_t opset = 13) {
        proto.set_ir_version(7);
        proto.add_opset_import()->set_version(opset);
        auto& type = *add_input("x").mutable_type()->mutable_tensor_type();
        type.set_elem_type(onnx::TensorProto::FLOAT);
        for (auto const size : input) {
            auto& dim = *type.mutable_shape()->add_dim();
            if (size < 0)
                dim.set_dim_param("n");
            else
                dim.set_dim_value(size);
        }
        graph().add_output()->set_name("y");
    }

    onnx::GraphProto& graph() { return *proto.mutable_graph(); }
    onnx::ValueInfoProto& add_input(std::string const& name) {
        graph().add_input()->set_name(name);
        return *graph().mutable_input(graph().input_size() - 1);
    }
    onnx::TypeProto_Tensor& input_type() {
        return *graph().mutable_input(0)->mutable_type()->mutable_tensor_type();
    }

    onnx::TensorProto& floats(std::string const& name, sizes const& shape, std::vector<float> const& values) {
        auto& added = tensor(name, shape, onnx::TensorProto::FLOAT);
        for (auto const x : values) added.add_float_data(x);
        return added;
    }
    onnx::TensorProto& integers(std::string const& name, sizes const& shape,
                                std::vector<std::int64_t> const& values) {
        auto& added = tensor(name, shape, onnx::TensorProto::INT64);
        for (auto const x : values) added.add_int64_data(x);
        return added;
    }
    onnx::TensorProto& tensor(std::string const& name, sizes const& shape, int type) {
        auto& added = *graph().add_initializer();
        added.set_name(name);
        added.set_data_type(type);
        for (auto const size : shape) added.add_dims(size);
        return added;
    }

    /// The node is named after its operator and first output.
    onnx::NodeProto& node(std::string const& op, std::vector<std::string> const& inputs,
                          std::vector<std::string> const& outputs) {
        auto& added = *graph().add_node();
        added.set_op_type(op);
        added.set_name(op + " " + (outputs.empty() ? "" : outputs.front()));
        for (auto const& each : inputs) added.add_input(each);
        for (auto const& each : outputs) added.add_output(each);
        return added;
    }

    std::string bytes() const { return proto.SerializeAsString(); }

    onnx::ModelProto proto;
};

inline onnx::AttributeProto& attribute(onnx::NodeProto& node, std::string const& name, int type) {
    auto& added = *node.add_attribute();
    added.set_name(name);
    added.set_type(static_cast<onnx::AttributeProto::AttributeType>(type));
    return added;
}
inline void with(onnx::NodeProto& node, std::string const& name, std::int64_t value) {
    attribute(node, name, onnx::AttributeProto::INT).set_i(value);
}
inline void with(onnx::NodeProto& node, std::string const& name, float value) {
    attribute(node, name, onnx::AttributeProto::FLOAT).set_f(value);
}
inline void with(onnx::NodeProto& node, std::string const& name, char const* value) {
    attribute(node, name, onnx::AttributeProto::STRING).set_s(value);
}
inline void with(onnx::NodeProto& node, std::string const& name, sizes const& values) {
    auto& added = attribute(node, name, onnx::AttributeProto::INTS);
    for (auto const x : values) added.add_ints(x);
}

/// One for all the files of a program: making thousands of directories takes longer than reading.
inline temporary_directory const& shared_directory() {
    static temporary_directory const place;
    return place;
}

/// What the reader makes of a model, be it without weights, so that one node can be looked at alone.
inline spinet::network read(std::filesystem::path const& path, spinet::onnx_model const& reader) {
    return spinet::detail::onnx_reading::read_network(path, {reader.input_shape, reader.output_name});
}
inline spinet::network read(model const& made, spinet::onnx_model const& reader = {}) {
    return read(shared_directory().write("made.onnx", made.bytes()), reader);
}

/// What it says of one.
inline std::string refused(std::string const& bytes, spinet::onnx_model const& reader = {}) {
    auto const path = shared_directory().write("made.onnx", bytes);
    return refusal(path, [&] { (void)read(path, reader); });
}
inline std::string refused(model const& made, spinet::onnx_model const& reader = {}) {
    return refused(made.bytes(), reader);
}

/// The only or last node of that kind.
template <class Op>
Op const& last(spinet::network const& net) {
    for (std::size_t k = net.nodes().size(); k-- > 0;)
        if (auto const* found = net.nodes()[k].op.get_if<Op>()) return *found;
    throw std::logic_error("no such node");
}

/// The result of the last node.
inline numbers result_of(spinet::network const& net, numbers const& input) {
    return evaluate(net, input).find(net.nodes().back().name)->second.values;
}

/// PyTorch calculates in float.
inline void check_close(numbers const& found, numbers const& expected) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t k = 0; k < found.size(); ++k) {
        CAPTURE(k, found[k], expected[k]);
        CHECK(std::abs(found[k] - expected[k]) <= 1e-5 * (1 + std::abs(expected[k])));
    }
}

inline bool noted(spinet::network const& net, std::string const& text) {
    return std::any_of(net.notes().begin(), net.notes().end(),
                       [&](auto const& note) { return note.find(text) != std::string::npos; });
}

/// One node between input and output, in a graph of values of shape `input` with the batch.
struct one_node {
    one_node(sizes const& input, std::string const& op, std::vector<std::string> inputs = {"x"},
             std::int64_t opset = 13)
        : made(input, opset), node(made.node(op, inputs, {"y"})) {}
    model made;
    onnx::NodeProto& node;
};

/// 1 / 1 layer of two inputs and one output, y = 2 x0 - x1 + 3.
inline model small_model() {
    model made({1, 2});
    made.floats("fc.weight", {1, 2}, {2, -1});
    made.floats("fc.bias", {1}, {3});
    with(made.node("Gemm", {"x", "fc.weight", "fc.bias"}, {"y"}), "transB", std::int64_t{1});
    return made;
}

}  // namespace network_test
