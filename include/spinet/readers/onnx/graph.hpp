// SPDX-License-Identifier: BSD-3-Clause
/// One reading of an ONNX graph, from protobuf's messages to a network.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/readers/onnx/arithmetic.hpp>
#include <spinet/readers/onnx/layers.hpp>
#include <spinet/readers/onnx/moves.hpp>
#include <spinet/readers/onnx/stages.hpp>
#include <spinet/readers/onnx/state.hpp>
#include <spinet/readers/onnx/values.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <onnx/onnx_pb.h>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace spinet::detail::onnx_reading {

using node_reader = void (*)(reading_state&, call&);

/// The readers of the nodes that are understood, by op_type.
[[nodiscard]] inline node_reader reader_of(std::string_view op_type) {
    static std::map<std::string_view, node_reader> const readers{
        {"Add", read_add},
        {"AveragePool", [](auto& state, auto& by) { read_pool(state, by, pooling_kind::average); }},
        {"BatchNormalization", read_batch_normalisation},
        {"Cast", read_cast},
        {"Concat", read_concat},
        {"Constant", read_constant},
        {"ConstantOfShape", read_constant_of_shape},
        {"Conv", read_conv},
        {"Div", read_div},
        {"Dropout", read_dropout},
        {"Equal", read_equal},
        {"Erf", read_erf},
        {"Expand", read_expand},
        {"Flatten", read_flatten},
        {"GRU", [](auto& state, auto& by) { read_recurrent(state, by, recurrent_kind::gru); }},
        {"Gather", read_gather},
        {"Gelu", read_gelu},
        {"Gemm", read_gemm},
        {"GlobalAveragePool",
         [](auto& state, auto& by) { read_global_pool(state, by, pooling_kind::average); }},
        {"GlobalMaxPool", [](auto& state, auto& by) { read_global_pool(state, by, pooling_kind::maximum); }},
        {"Identity", read_identity},
        {"LSTM", [](auto& state, auto& by) { read_recurrent(state, by, recurrent_kind::lstm); }},
        {"LayerNormalization", read_layer_normalisation},
        {"LogSoftmax", [](auto& state, auto& by) { read_softmax(state, by, activation_kind::log_softmax); }},
        {"MatMul", read_matmul},
        {"MaxPool", [](auto& state, auto& by) { read_pool(state, by, pooling_kind::maximum); }},
        {"Mul", read_mul},
        {"Pad", read_pad},
        {"Pow", read_pow},
        {"RNN", [](auto& state, auto& by) { read_recurrent(state, by, recurrent_kind::rnn); }},
        {"Range", read_range},
        {"ReduceMean", read_reduce_mean},
        {"Relu", [](auto& state, auto& by) { apply_function(state, by, activation_kind::relu); }},
        {"Reshape", read_reshape},
        {"Shape", read_shape},
        {"Sigmoid", [](auto& state, auto& by) { apply_function(state, by, activation_kind::sigmoid); }},
        {"Slice", read_slice},
        {"Softmax", [](auto& state, auto& by) { read_softmax(state, by, activation_kind::softmax); }},
        {"Softplus", [](auto& state, auto& by) { apply_function(state, by, activation_kind::softplus); }},
        {"Split", read_split},
        {"Sqrt", read_sqrt},
        {"Squeeze", read_squeeze},
        {"Sub", read_sub},
        {"Tanh", [](auto& state, auto& by) { apply_function(state, by, activation_kind::tanh); }},
        {"Transpose", read_transpose},
        {"Unsqueeze", read_unsqueeze},
        {"Where", read_where},
    };
    static constexpr std::string_view unspecified[] = {
        "Celu", "Clip",  "Elu",  "HardSigmoid", "HardSwish",      "LeakyRelu",
        "Mish", "PRelu", "Selu", "Softsign",    "ThresholdedRelu"};
    if (std::find(std::begin(unspecified), std::end(unspecified), op_type) != std::end(unspecified))
        return read_unspecified;
    auto const at = readers.find(op_type);
    return at == readers.end() ? nullptr : at->second;
}

/// "'a', 'b', 'c' and 7 more".
[[nodiscard]] inline std::string listed(std::vector<std::string> const& names) {
    constexpr std::size_t most = 20;
    std::string text;
    for (std::size_t k = 0; k < std::min(names.size(), most); ++k)
        text += (k == 0 ? "" : ", ") + in_quotes(names[k]);
    return names.size() > most ? text + " and " + std::to_string(names.size() - most) + " more" : text;
}

/// Throws `error`, which says what is wrong, without the file.
class graph_reading {
public:
    graph_reading(::onnx::ModelProto& model, std::filesystem::path const& path, std::uint64_t size,
                  value_shape const& input_shape)
        : model_(&model), state_(path, size), input_shape_(input_shape) {}

    [[nodiscard]] network run() {
        check_model();
        auto& graph = *model_->mutable_graph();
        check_names(graph);
        find_needed(graph);
        for (auto& each : *graph.mutable_initializer()) initialisers_.emplace(each.name(), &each);
        add_input(graph);
        for (int k = 0; k < graph.node_size(); ++k)
            if (needed_[static_cast<std::size_t>(k)]) read(*graph.mutable_node(k));
        return finish(graph);
    }

private:
    void check_model() {
        if (!model_->has_graph()) throw error("holds no graph: it is no ONNX model, or is cut short");
        for (auto const& set : model_->opset_import())
            if (set.domain().empty() || set.domain() == "ai.onnx") {
                if (opset_ != 0) throw error("names the version of the operators twice");
                opset_ = set.version();
            }
        if (opset_ == 0)
            throw error(
                "names no version of the operators (opset_import): it is no ONNX model, or is cut short");
        if (opset_ < 7)
            throw error("is of version ", opset_, " of the operators; 7 and later are understood");
        if (model_->functions_size() != 0)
            throw error("defines the function ", in_quotes(model_->functions(0).name()),
                        "; functions are not read");
        if (model_->graph().sparse_initializer_size() != 0)
            throw error("holds sparse initialisers, which are not read");
        if (model_->training_info_size() != 0) state_.notes.push_back("left out what it says of training");
        if (model_->graph().quantization_annotation_size() != 0)
            state_.notes.push_back("left out its annotations of quantisation");
    }

    /// Every value is given once and only used after that, so that there is no cycle.
    void check_names(::onnx::GraphProto const& graph) {
        std::set<std::string_view> given;
        for (auto const& each : graph.initializer()) add_name(given, each.name(), "initialiser");
        auto const stored = given;
        for (auto const& each : graph.input())
            if (stored.count(each.name()) == 0) add_name(given, each.name(), "input");
        std::map<std::string_view, ::onnx::NodeProto const*> later;
        for (auto const& node : graph.node())
            for (auto const& output : node.output()) later.emplace(output, &node);
        for (auto const& node : graph.node()) {
            check_size(node.name());
            check_size(node.op_type());
            for (auto const& input : node.input())
                if (!input.empty() && given.count(input) == 0) refuse_missing(node, input, later);
            for (auto const& each : node.attribute())
                if (each.has_g() || each.graphs_size() != 0)
                    throw error(described(node), " holds a graph of its own (attribute ",
                                in_quotes(each.name()), "); only plain graphs are read");
            for (auto const& output : node.output())
                if (!output.empty()) add_name(given, output, "result of a node");
        }
        if (graph.output_size() == 0) throw error("its graph has no output");
        if (given.count(graph.output(0).name()) == 0)
            throw error("no node gives its output ", in_quotes(graph.output(0).name()));
    }

    static void check_size(std::string const& name) {
        if (name.size() > 512) throw error("holds a name of ", name.size(), " bytes: ", in_quotes(name));
    }

    static void add_name(std::set<std::string_view>& given, std::string const& name,
                         std::string const& what) {
        check_size(name);
        if (name.empty()) throw error("holds an ", what, " without a name");
        if (!given.insert(name).second)
            throw error("gives the value ", in_quotes(name), " twice, the second time as ", what);
    }

    [[noreturn]] static void refuse_missing(
        ::onnx::NodeProto const& node, std::string const& input,
        std::map<std::string_view, ::onnx::NodeProto const*> const& later) {
        auto const at = later.find(input);
        if (at == later.end())
            throw error(described(node), " takes ", in_quotes(input), ", which nothing gives");
        throw error(described(node), " takes ", in_quotes(input), ", which only ", described(*at->second),
                    " gives, itself or further on: a cycle, or no valid order");
    }

    /// The nodes that the first output needs; the others need not be understood.
    void find_needed(::onnx::GraphProto const& graph) {
        wanted_.insert(graph.output(0).name());
        needed_.assign(static_cast<std::size_t>(graph.node_size()), false);
        std::vector<std::string> unneeded, unused, outputs;
        for (int k = graph.node_size(); k-- > 0;) {
            auto const& node = graph.node(k);
            bool const needed = std::any_of(node.output().begin(), node.output().end(),
                                            [&](auto const& name) { return wanted_.count(name) != 0; });
            needed_[static_cast<std::size_t>(k)] = needed;
            if (needed)
                for (auto const& name : node.input()) wanted_.insert(name);
            else
                unneeded.push_back(node.name().empty() ? node.op_type() : node.name());
        }
        for (auto const& each : graph.initializer())
            if (wanted_.count(each.name()) == 0) unused.push_back(each.name());
        for (int k = 1; k < graph.output_size(); ++k) outputs.push_back(graph.output(k).name());
        auto const note = [&](std::vector<std::string> const& names, std::string const& what) {
            if (!names.empty()) state_.notes.push_back("left out " + what + ": " + listed(names));
        };
        note(outputs, "outputs but the first, " + in_quotes(graph.output(0).name()));
        note(unneeded, "nodes that the output does not need");
        note(unused, "initialisers that the output does not need");
    }

    void add_input(::onnx::GraphProto const& graph) {
        ::onnx::ValueInfoProto const* found = nullptr;
        for (auto const& each : graph.input()) {
            if (initialisers_.count(each.name()) != 0) continue;
            if (wanted_.count(each.name()) == 0) {
                state_.notes.push_back("left out the input " + in_quotes(each.name()) +
                                       ", which is not needed");
                continue;
            }
            if (found != nullptr)
                throw error("has several inputs, ", in_quotes(found->name()), " and ", in_quotes(each.name()),
                            "; networks of one input are read");
            found = &each;
        }
        if (found == nullptr) throw error("its output depends on no input");
        input_ = found->name();
        auto [shape, batch] = shape_of_input(*found);
        auto const count = checked_product(shape);
        if (!count || *count == 0 || *count > most_elements)
            throw error("its input ", in_quotes(input_), " has the shape ", tuple_text(shape));
        auto sizes = shape;
        if (batch) sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(*batch), 1);
        spinet::input start{*count, shape.size() == 1 ? value_shape{} : shape};
        state_.push({operation(std::move(start)), {}, shape, nullptr});
        state_.values.emplace(input_, computed{0, row_major(std::move(sizes))});
    }

    /// Sizes of the input as the file has them; nothing where they are free.
    using open_shape = std::vector<std::optional<std::size_t>>;

    [[nodiscard]] std::string input_text() const { return "its input " + in_quotes(input_); }

    [[nodiscard]] std::pair<value_shape, std::optional<std::size_t>> shape_of_input(
        ::onnx::ValueInfoProto const& info) {
        if (!info.type().has_tensor_type()) throw error(input_text(), " is no tensor");
        auto const& type = info.type().tensor_type();
        if (!tensor_loader::real_type(type.elem_type()) &&
            tensor_loader::width_of_whole(type.elem_type()) < 4)
            throw error(input_text(), " has the type ", tensor_loader::type_name(type.elem_type()));
        if (input_shape_.size() > 4) throw error("the option 'input_shape' has more than 4 numbers");
        if (!type.has_shape()) {
            if (input_shape_.empty())
                throw error(input_text(), " has no shape: give it in the option 'input_shape'");
            return {input_shape_, 0};
        }
        if (type.shape().dim_size() > 5 || type.shape().dim_size() == 0)
            throw error(input_text(), " has ", type.shape().dim_size(), " axes");
        open_shape open;
        for (auto const& each : type.shape().dim()) {
            // dim_value 0 is how some programs write a free size.
            bool const fixed = each.has_dim_value() && each.dim_value() != 0;
            if (fixed &&
                (each.dim_value() < 0 || static_cast<std::uint64_t>(each.dim_value()) > most_elements))
                throw error(input_text(), " has a dimension of ", each.dim_value());
            open.push_back(fixed ? std::optional(static_cast<std::size_t>(each.dim_value())) : std::nullopt);
        }
        auto const batch = batch_axis(type.shape(), open);
        return {shape_without(open, batch, type.shape()), batch};
    }

    /// Whether the axis may be the batch's: of size 1 or free, the others agreeing with the option.
    [[nodiscard]] bool may_be_batch(open_shape const& open, std::size_t axis) const {
        if (open[axis].value_or(1) != 1) return false;
        if (input_shape_.empty()) return true;
        if (input_shape_.size() + 1 != open.size()) return false;
        for (std::size_t k = 0; k < input_shape_.size(); ++k)
            if (open[k < axis ? k : k + 1].value_or(input_shape_[k]) != input_shape_[k]) return false;
        return true;
    }

    /// The first axis, or of sequences the second; none where the file has none.
    [[nodiscard]] std::optional<std::size_t> batch_axis(::onnx::TensorShapeProto const& shape,
                                                        open_shape const& open) {
        bool const second = open.size() == 3 && may_be_batch(open, 1);
        auto name = open.size() == 3 ? shape.dim(1).dim_param() : std::string();
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        bool const named = second && name.find("batch") != std::string::npos;
        if (may_be_batch(open, 0) && open.size() > 1 && !named) return 0;
        if (second) {
            state_.notes.push_back("took the second axis of the input " + in_quotes(input_) +
                                   " for that of the batch");
            return 1;
        }
        if (open.size() == 1 || (input_shape_.size() == open.size())) return std::nullopt;
        throw error(input_text(),
                    " has an axis of the batch that is neither free nor 1, or a shape that does "
                    "not fit the option 'input_shape'");
    }

    [[nodiscard]] value_shape shape_without(open_shape const& open, std::optional<std::size_t> batch,
                                            ::onnx::TensorShapeProto const& shape) const {
        if (!input_shape_.empty()) return input_shape_;
        value_shape result;
        for (std::size_t k = 0; k < open.size(); ++k) {
            if (batch && k == *batch) continue;
            if (!open[k])
                throw error(input_text(), " has a free size (axis ", k, ", ",
                            in_quotes(shape.dim(static_cast<int>(k)).dim_param()),
                            "): give its shape without the batch in the option 'input_shape'");
            result.push_back(*open[k]);
        }
        return result;
    }

    /// The value of that name; initialisers are converted when they are first needed.
    [[nodiscard]] graph_value const* find(std::string const& name, ::onnx::NodeProto const& by) {
        if (name.empty()) return nullptr;
        auto const known = state_.values.find(name);
        if (known != state_.values.end()) return &known->second;
        auto const stored = initialisers_.find(name);
        if (stored == initialisers_.end())
            throw error(described(by), " takes ", in_quotes(name),
                        ", a further result of its node that spinet does not know");
        return &state_.values.emplace(name, state_.load(*stored->second, name)).first->second;
    }

    void read(::onnx::NodeProto& node) {
        auto const reader =
            node.domain().empty() || node.domain() == "ai.onnx" ? reader_of(node.op_type()) : nullptr;
        if (reader == nullptr) throw error(described(node), " is not understood");
        if (node.output_size() == 0) throw error(described(node), " has no output");
        std::vector<graph_value const*> inputs;
        for (auto const& name : node.input()) inputs.push_back(find(name, node));
        call by(node, std::move(inputs), opset_);
        with_place([&] { return by.where(); }, [&] { reader(state_, by); });
        by.check_attributes();
    }

    [[nodiscard]] network finish(::onnx::GraphProto const& graph) {
        auto const& name = graph.output(0).name();
        auto const at = state_.values.find(name);
        auto const* result = at == state_.values.end() ? nullptr : std::get_if<computed>(&at->second);
        if (result == nullptr) throw error("its output ", in_quotes(name), " is not computed from its input");
        auto const last = settled_output(*result);
        network net;
        network_of_stages(state_.stages, input_, state_.budget, net).run(last);
        for (auto& note : state_.notes) net.add_note(std::move(note));
        return net;
    }

    [[nodiscard]] std::size_t settled_output(computed const& view) {
        auto& end = *model_->mutable_graph()->add_node();
        end.set_name(model_->graph().output(0).name());
        end.set_op_type("output");
        call const by(end, {}, opset_);
        auto const found = state_.settled_somehow(view, by);
        if (!found)
            throw error("its output ", in_quotes(model_->graph().output(0).name()), " holds values of ",
                        described(state_.stages[view.from]),
                        " in an order or a selection that no operation "
                        "of spinet gives");
        return *found;
    }

    ::onnx::ModelProto* model_;
    reading_state state_;
    value_shape const& input_shape_;
    std::int64_t opset_ = 0;
    std::string input_;
    std::map<std::string_view, ::onnx::TensorProto*> initialisers_;
    std::set<std::string_view> wanted_;
    std::vector<bool> needed_;
};

}  // namespace spinet::detail::onnx_reading
