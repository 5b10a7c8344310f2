// SPDX-License-Identifier: BSD-3-Clause
/// One reading of an ONNX graph, from protobuf's messages to a network.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/readers/onnx/arithmetic.hpp>
#include <spinet/readers/onnx/folding.hpp>
#include <spinet/readers/onnx/layers.hpp>
#include <spinet/readers/onnx/moves.hpp>
#include <spinet/readers/onnx/quantised.hpp>
#include <spinet/readers/onnx/stages.hpp>
#include <spinet/readers/onnx/state.hpp>
#include <spinet/readers/onnx/values.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <exception>
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
        {"ConvInteger", read_conv_integer},
        {"ConvTranspose", read_conv_transpose},
        {"DequantizeLinear", read_dequantize},
        {"Div", read_div},
        {"Dropout", read_dropout},
        {"DynamicQuantizeLinear", read_dynamic_quantize},
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
        {"MatMulInteger", read_matmul_integer},
        {"Max", [](auto& state, auto& by) { read_extreme(state, by, true); }},
        {"MaxPool", [](auto& state, auto& by) { read_pool(state, by, pooling_kind::maximum); }},
        {"Min", [](auto& state, auto& by) { read_extreme(state, by, false); }},
        {"Mul", read_mul},
        {"Neg", read_neg},
        {"Pad", read_pad},
        {"Pow", read_pow},
        {"QLinearConv", read_qlinear_conv},
        {"QLinearMatMul", read_qlinear_matmul},
        {"QuantizeLinear", read_quantize},
        {"RNN", [](auto& state, auto& by) { read_recurrent(state, by, recurrent_kind::rnn); }},
        {"Range", read_range},
        {"ReduceMax", [](auto& state, auto& by) { read_reduction(state, by, pooling_kind::maximum); }},
        {"ReduceMean", [](auto& state, auto& by) { read_reduction(state, by, pooling_kind::average); }},
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
        {"Sum", read_sum},
        {"Tanh", [](auto& state, auto& by) { apply_function(state, by, activation_kind::tanh); }},
        {"Transpose", read_transpose},
        {"Unsqueeze", read_unsqueeze},
        {"Where", read_where},
    };
    static constexpr std::string_view unspecified[] = {
        "Abs",       "Acos",    "Acosh",     "Asin",       "Asinh",       "Atan", "Atanh",
        "Ceil",      "Celu",    "Clip",      "Cos",        "Cosh",        "Elu",  "Exp",
        "Floor",     "Log",     "Mish",      "PRelu",      "HardSigmoid", "LRN",  "LpNormalization",
        "HardSwish", "Hardmax", "LeakyRelu", "Reciprocal", "Round",       "Selu", "Shrink",
        "Sign",      "Sin",     "Sinh",      "Softsign",   "Swish",       "Tan",  "ThresholdedRelu"};
    if (std::find(std::begin(unspecified), std::end(unspecified), op_type) != std::end(unspecified))
        return read_unspecified;
    auto const at = readers.find(op_type);
    return at == readers.end() ? nullptr : at->second;
}

/// The same of the domain ai.onnx.ml, of what scikit-learn's networks have; nullptr for all others.
[[nodiscard]] inline node_reader reader_of_ml(std::string_view op_type) {
    if (op_type == "Scaler") return read_scaler;
    if (op_type == "LinearRegressor")
        return [](auto& state, auto& by) { read_linear_model(state, by, "values"); };
    if (op_type == "LinearClassifier")
        return [](auto& state, auto& by) { read_linear_model(state, by, "scores"); };
    if (op_type == "ZipMap")
        return [](auto& state, auto& by) {
            for (auto const* name : {"classlabels_int64s", "classlabels_strings"}) by.ignore(name);
            pass(state, by, "it names values");
        };
    return nullptr;
}

/// "'a', 'b', 'c' and 7 more".
[[nodiscard]] inline std::string listed(std::vector<std::string> const& names) {
    constexpr std::size_t most = 20;
    std::string text;
    for (std::size_t k = 0; k < std::min(names.size(), most); ++k)
        text += (k == 0 ? "" : ", ") + in_quotes(names[k]);
    return names.size() > most ? text + " and " + std::to_string(names.size() - most) + " more" : text;
}

/// What the user chose.
struct reading_options {
    value_shape const& input_shape;
    std::string const& output_name;
};

/// Throws `error`, which says what is wrong, without the file.
class graph_reading {
public:
    graph_reading(::onnx::ModelProto& model, std::filesystem::path const& path, std::uint64_t size,
                  reading_options const& options)
        : model_(&model), state_(path, size), options_(options) {}

    /// Which axis is the batch's, and which output is meant, a file may leave open: the first choice with
    /// which the graph can be read is taken. Throws what the first of all throws where there is none.
    [[nodiscard]] network run() {
        check_model();
        auto& graph = *model_->mutable_graph();
        check_names(graph);
        for (auto& each : *graph.mutable_initializer()) initialisers_.emplace(each.name(), &each);
        std::exception_ptr first;
        auto const notes = state_.notes;
        for (auto const* const output : outputs_to_try(graph)) {
            for (std::size_t choice = 0; choice == 0 || choice < choices_; ++choice) {
                try {
                    state_.restart(notes);
                    return read_graph(graph, *output, choice);
                } catch (error const&) {
                    if (!first) first = std::current_exception();
                }
            }
        }
        std::rethrow_exception(first);
    }

private:
    [[nodiscard]] network read_graph(::onnx::GraphProto& graph, std::string const& output,
                                     std::size_t choice) {
        output_ = &output;
        find_needed(graph);
        choice_ = choice;
        choices_ = 0;
        add_inputs(graph);
        for (auto const k : order_)
            if (needed_[k]) read(*graph.mutable_node(static_cast<int>(k)));
        return finish();
    }

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
        if (opset_ < 1)
            throw error("is of version ", opset_, " of the operators; 1 and later are understood");
        if (model_->functions_size() != 0)
            throw error("defines the function ", in_quotes(model_->functions(0).name()),
                        "; functions are not read");
        if (model_->graph().sparse_initializer_size() != 0)
            throw error("holds sparse initialisers, which are not read");
        if (model_->training_info_size() != 0) state_.notes.push_back("left out what it says of training");
        if (model_->graph().quantization_annotation_size() != 0)
            state_.notes.push_back("left out its annotations of quantisation");
    }

    /// Every value is given once; nodes may stand in any order, but not in a cycle.
    void check_names(::onnx::GraphProto const& graph) {
        std::set<std::string_view> given;
        for (auto const& each : graph.initializer()) add_name(given, each.name(), "initialiser");
        auto const stored = given;
        for (auto const& each : graph.input())
            if (stored.count(each.name()) == 0) add_name(given, each.name(), "input");
        std::map<std::string_view, std::size_t> giver;
        for (int k = 0; k < graph.node_size(); ++k) {
            auto const& node = graph.node(k);
            check_size(node.name());
            check_size(node.op_type());
            for (auto const& each : node.attribute())
                if (each.has_g() || each.graphs_size() != 0)
                    throw error(described(node), " holds a graph of its own (attribute ",
                                in_quotes(each.name()), "); only plain graphs are read");
            for (auto const& output : node.output())
                if (!output.empty()) {
                    add_name(given, output, "result of a node");
                    giver.emplace(output, static_cast<std::size_t>(k));
                }
        }
        sort_nodes(graph, given, giver);
        if (graph.output_size() == 0) throw error("its graph has no output");
        for (auto const& each : graph.output())
            if (given.count(each.name()) == 0)
                throw error("no node gives its output ", in_quotes(each.name()));
    }

    /// order_: each node after those whose results it takes, else as in the file.
    void sort_nodes(::onnx::GraphProto const& graph, std::set<std::string_view> const& given,
                    std::map<std::string_view, std::size_t> const& giver) {
        auto const count = static_cast<std::size_t>(graph.node_size());
        std::vector<std::size_t> missing(count, 0);
        std::vector<std::vector<std::size_t>> takers(count);
        for (std::size_t k = 0; k < count; ++k)
            for (auto const& input : graph.node(static_cast<int>(k)).input()) {
                if (input.empty()) continue;
                if (given.count(input) == 0)
                    throw error(described(graph.node(static_cast<int>(k))), " takes ", in_quotes(input),
                                ", which nothing gives");
                auto const at = giver.find(input);
                if (at == giver.end()) continue;
                takers[at->second].push_back(k);
                ++missing[k];
            }
        std::set<std::size_t> ready;  // the first in the file comes first
        for (std::size_t k = 0; k < count; ++k)
            if (missing[k] == 0) ready.insert(k);
        while (!ready.empty()) {
            auto const k = *ready.begin();
            ready.erase(ready.begin());
            order_.push_back(k);
            for (auto const taker : takers[k])
                if (--missing[taker] == 0) ready.insert(taker);
        }
        for (std::size_t k = 0; k < count; ++k) {
            if (missing[k] == 0) continue;
            auto const& node = graph.node(static_cast<int>(k));
            for (auto const& input : node.input())
                if (auto const at = giver.find(input); at != giver.end() && missing[at->second] != 0)
                    throw error(described(node), " takes ", in_quotes(input), ", which only ",
                                described(graph.node(static_cast<int>(at->second))),
                                " gives, itself or further on: a cycle");
        }
    }

    /// The output that is chosen, or all that depend on an input, in the order of the file.
    [[nodiscard]] std::vector<std::string const*> outputs_to_try(::onnx::GraphProto const& graph) {
        std::vector<std::string> names;
        std::vector<std::string const*> found;
        auto const depends = depending(graph);
        for (auto const& each : graph.output()) {
            names.push_back(each.name());
            if (options_.output_name.empty() ? depends.count(each.name()) != 0
                                             : each.name() == options_.output_name)
                found.push_back(&each.name());
        }
        if (!options_.output_name.empty() && found.empty())
            throw error("has no output ", in_quotes(options_.output_name), " (option output_name); it has ",
                        listed(names));
        if (found.empty()) throw error("its output depends on no input");
        if (depends.count(*found.front()) == 0)
            throw error("its output ", in_quotes(*found.front()), " depends on no input");
        constexpr std::size_t most = 3;
        if (found.size() > most) found.resize(most);
        return found;
    }

    /// Names of all values that depend on an input.
    [[nodiscard]] std::set<std::string_view> depending(::onnx::GraphProto const& graph) const {
        std::set<std::string_view> found;
        for (auto const& each : graph.input())
            if (initialisers_.count(each.name()) == 0) found.insert(each.name());
        for (auto const k : order_) {
            auto const& node = graph.node(static_cast<int>(k));
            bool const depends = std::any_of(node.input().begin(), node.input().end(),
                                             [&](auto const& name) { return found.count(name) != 0; });
            if (depends) found.insert(node.output().begin(), node.output().end());
        }
        return found;
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

    /// The nodes that the output needs; the others need not be understood.
    void find_needed(::onnx::GraphProto const& graph) {
        wanted_ = {*output_};
        needed_.assign(static_cast<std::size_t>(graph.node_size()), false);
        for (std::size_t at = order_.size(); at-- > 0;) {
            auto const& node = graph.node(static_cast<int>(order_[at]));
            bool const needed = std::any_of(node.output().begin(), node.output().end(),
                                            [&](auto const& name) { return wanted_.count(name) != 0; });
            needed_[order_[at]] = needed;
            if (needed)
                for (auto const& name : node.input()) wanted_.insert(name);
        }
        std::vector<std::string> unneeded, unused, outputs;
        for (int k = graph.node_size(); k-- > 0;) {
            auto const& node = graph.node(k);
            if (!needed_[static_cast<std::size_t>(k)])
                unneeded.push_back(node.name().empty() ? node.op_type() : node.name());
        }
        for (auto const& each : graph.initializer())
            if (wanted_.count(each.name()) == 0) unused.push_back(each.name());
        for (auto const& each : graph.output())
            if (each.name() != *output_) outputs.push_back(each.name());
        auto const note = [&](std::vector<std::string> const& names, std::string const& what) {
            if (!names.empty()) state_.notes.push_back("left out " + what + ": " + listed(names));
        };
        note(outputs, "outputs but " + in_quotes(*output_));
        note(unneeded, "nodes that the output does not need");
        note(unused, "initialisers that the output does not need");
    }

    /// Nodes that take a value, perhaps after functions of each value; and as which of their inputs.
    [[nodiscard]] std::vector<std::pair<::onnx::NodeProto const*, int>> takers_of(
        std::string const& name) const {
        static constexpr std::string_view by_value[] = {
            "Add", "Cast", "Clip", "Div", "Identity", "Mul", "Relu", "Sub", "Sigmoid", "Dropout", "Tanh"};
        std::vector<std::pair<::onnx::NodeProto const*, int>> found;
        std::set<std::string_view> open{name};
        for (auto const k : order_) {
            auto const& node = model_->graph().node(static_cast<int>(k));
            for (int input = 0; input < node.input_size(); ++input) {
                if (open.count(node.input(input)) == 0 || !needed_[k]) continue;
                found.emplace_back(&node, input);
                bool const same =
                    std::find(std::begin(by_value), std::end(by_value), node.op_type()) != std::end(by_value);
                if (same && node.output_size() != 0) open.insert(node.output(0));
            }
        }
        return found;
    }

    [[nodiscard]] static bool is_recurrent(::onnx::NodeProto const& node) {
        return node.op_type() == "LSTM" || node.op_type() == "GRU" || node.op_type() == "RNN";
    }

    /// Whether all that takes an input are recurrent layers, as their initial states.
    [[nodiscard]] bool is_initial_state(std::string const& name) const {
        static constexpr std::string_view moves[] = {"Identity", "Reshape", "Squeeze", "Unsqueeze",
                                                     "Slice",    "Gather",  "Split",   "Transpose",
                                                     "Cast",     "Expand"};
        std::set<std::string_view> open{name};
        bool any = false;
        for (auto const k : order_) {
            auto const& node = model_->graph().node(static_cast<int>(k));
            for (int input = 0; input < node.input_size(); ++input) {
                if (node.input(input).empty() || open.count(node.input(input)) == 0 || !needed_[k]) continue;
                bool const moved = input == 0 && std::find(std::begin(moves), std::end(moves),
                                                           node.op_type()) != std::end(moves);
                if (moved)
                    open.insert(node.output().begin(), node.output().end());
                else if (is_recurrent(node) && (input == 5 || input == 6))
                    any = true;
                else if (node.op_type() != "Shape")
                    return false;
            }
        }
        return any;
    }

    void add_inputs(::onnx::GraphProto const& graph) {
        auto const count = std::count_if(graph.input().begin(), graph.input().end(), [&](auto const& each) {
            return initialisers_.count(each.name()) == 0 && wanted_.count(each.name()) != 0;
        });
        if (count > 64) throw error("has ", count, " inputs, more than the 64 that are read");
        std::vector<::onnx::ValueInfoProto const*> found;
        for (auto const& each : graph.input()) {
            if (initialisers_.count(each.name()) != 0) continue;
            if (wanted_.count(each.name()) == 0)
                state_.notes.push_back("left out the input " + in_quotes(each.name()) +
                                       ", which is not needed");
            else if (is_initial_state(each.name()))
                add_zeros(each);
            else
                found.push_back(&each);
        }
        if (found.empty()) throw error("its output depends on no input");
        for (auto const* each : found) add_input(*each);
    }

    /// An initial state, which begins at zero.
    void add_zeros(::onnx::ValueInfoProto const& info) {
        std::vector<std::size_t> sizes;
        for (auto const& each : info.type().tensor_type().shape().dim())
            sizes.push_back(each.dim_value() > 0 ? static_cast<std::size_t>(each.dim_value()) : 1);
        if (sizes.size() > 5 || !countable(sizes))
            throw error("its input ", in_quotes(info.name()), " is too large");
        state_.notes.push_back("took the input " + in_quotes(info.name()) + " for an initial state of zeros");
        constant zeros{info.name(), dtype::f32, std::vector(4, std::byte{0}), 0, {}};
        zeros.at = {sizes, std::vector<std::size_t>(sizes.size(), 0), 0};
        state_.values.insert_or_assign(info.name(), std::move(zeros));
    }

    void add_input(::onnx::ValueInfoProto const& info) {
        input_ = info.name();
        auto [shape, batch] = shape_of_input(info);
        auto const count = checked_product(shape);
        if (!count || *count == 0 || *count > most_elements)
            throw error("its input ", in_quotes(input_), " has the shape ", tuple_text(shape));
        auto sizes = shape;
        if (batch) sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(*batch), 1);
        spinet::input start{*count, shape.size() == 1 ? value_shape{} : shape};
        state_.push({operation(std::move(start)), {}, shape, nullptr, input_});
        state_.values.insert_or_assign(input_,
                                       computed{state_.stages.size() - 1, row_major(std::move(sizes))});
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
        if (options_.input_shape.size() > 4) throw error("the option 'input_shape' has more than 4 numbers");
        if (!type.has_shape()) {
            if (options_.input_shape.empty())
                throw error(input_text(), " has no shape: give it in the option 'input_shape'");
            return {options_.input_shape, 0};
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
        if (batch && open[*batch].value_or(1) != 1) {
            state_.batch = *open[*batch];
            state_.notes.push_back("took axis " + std::to_string(*batch) + " of the input " +
                                   in_quotes(input_) + ", of size " + std::to_string(state_.batch) +
                                   ", for that of the batch");
        }
        return {shape_without(open, batch, type.shape()), batch};
    }

    /// Whether the axis may be the batch's, the others agreeing with the option.
    [[nodiscard]] bool may_be_batch(open_shape const& open, std::size_t axis) const {
        if (options_.input_shape.empty()) return true;
        if (options_.input_shape.size() + 1 != open.size()) return false;
        for (std::size_t k = 0; k < options_.input_shape.size(); ++k)
            if (open[k < axis ? k : k + 1].value_or(options_.input_shape[k]) != options_.input_shape[k])
                return false;
        return true;
    }

    /// The first axis; of sequences that recurrent layers read, or whose second axis is named so, the second.
    /// Where the graph does not fit that, another axis of size 1, or none.
    [[nodiscard]] std::optional<std::size_t> batch_axis(::onnx::TensorShapeProto const& shape,
                                                        open_shape const& open) {
        std::vector<std::optional<std::size_t>> choices;
        auto const add = [&](std::optional<std::size_t> axis) {
            bool const known = std::find(choices.begin(), choices.end(), axis) != choices.end();
            if (!known && (!axis || (*axis < open.size() && may_be_batch(open, *axis))))
                choices.push_back(axis);
        };
        std::size_t const rank = open.size();
        auto const one = [&](std::size_t axis) { return open[axis].value_or(1) == 1; };
        if (rank == 1 || options_.input_shape.size() == rank) {
            add(std::nullopt);
        } else {
            if (rank == 3 && second_is_batch(shape, open)) add(1);
            if (one(0)) add(0);
            if (rank == 3 && one(1) && !reads_images()) add(1);
            add(0);
            if (rank == 2 && one(1)) add(1);
            if (rank == 3 && one(1)) add(1);
            if (options_.input_shape.empty() &&
                std::all_of(open.begin(), open.end(), [](auto const& size) { return size.has_value(); }))
                add(std::nullopt);
        }
        if (choices.empty())
            throw error(input_text(), " has a shape that does not fit the option 'input_shape'");
        choices_ = std::max(choices_, choices.size());
        auto const chosen = choices[std::min(choice_, choices.size() - 1)];
        if (chosen && *chosen != 0 && open[*chosen].value_or(1) == 1)
            state_.notes.push_back("took the second axis of the input " + in_quotes(input_) +
                                   " for that of the batch");
        return chosen;
    }

    [[nodiscard]] bool second_is_batch(::onnx::TensorShapeProto const& shape, open_shape const& open) const {
        if (open[1].value_or(1) != 1) return false;
        auto name = shape.dim(1).dim_param();
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        if (name.find("batch") != std::string::npos) return true;
        auto const takers = takers_of(input_);
        return open[0].value_or(1) != 1 && std::any_of(takers.begin(), takers.end(), [](auto const& each) {
                   return is_recurrent(*each.first) && each.second == 0;
               });
    }

    /// Whether what takes the input reads all axes but the first as one sample.
    [[nodiscard]] bool reads_images() const {
        static constexpr std::string_view kinds[] = {"Conv",    "Flatten", "Gemm",
                                                     "MaxPool", "Reshape", "AveragePool"};
        auto const takers = takers_of(input_);
        return std::any_of(takers.begin(), takers.end(), [](auto const& each) {
            return std::find(std::begin(kinds), std::end(kinds), each.first->op_type()) != std::end(kinds);
        });
    }

    [[nodiscard]] value_shape shape_without(open_shape const& open, std::optional<std::size_t> batch,
                                            ::onnx::TensorShapeProto const& shape) const {
        if (!options_.input_shape.empty()) return options_.input_shape;
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
        return &state_.keep(*stored->second, name);
    }

    void read(::onnx::NodeProto& node) {
        auto reader =
            node.domain().empty() || node.domain() == "ai.onnx" ? reader_of(node.op_type()) : nullptr;
        if (node.domain() == "com.microsoft" && node.op_type() == "MatMulNBits") reader = read_matmul_nbits;
        if (node.domain() == "ai.onnx.ml") reader = reader_of_ml(node.op_type());
        if (reader == nullptr) throw error(described(node), " is not understood");
        if (node.output_size() == 0) throw error(described(node), " has no output");
        if (state_.values.count(node.output(0)) != 0) return;  // a constant, of an attempt before
        std::vector<graph_value const*> inputs;
        for (auto const& name : node.input()) inputs.push_back(find(name, node));
        call by(node, std::move(inputs), opset_);
        with_place([&] { return by.where(); }, [&] { reader(state_, by); });
        by.check_attributes();
    }

    [[nodiscard]] network finish() {
        auto const at = state_.values.find(*output_);
        auto const* result = at == state_.values.end() ? nullptr : std::get_if<computed>(&at->second);
        if (result == nullptr)
            throw error("its output ", in_quotes(*output_), " is not computed from its input");
        auto const last = settled_output(*result);
        network net;
        network_of_stages(state_.stages, state_.budget, net).run(last);
        for (auto& note : state_.notes) net.add_note(std::move(note));
        return net;
    }

    [[nodiscard]] std::size_t settled_output(computed const& view) {
        end_.set_name(*output_);
        end_.set_op_type("output");
        call const by(end_, {}, opset_);
        if (auto const found = state_.settled_somehow(view, by)) return *found;
        if (view.at.count() != state_.count_of(view.from))
            throw error("its output ", in_quotes(*output_), " holds values of ",
                        described(state_.stages[view.from]),
                        " in an order or a selection that no operation "
                        "of spinet gives");
        state_.notes.push_back("the output " + in_quotes(*output_) + " has its values in another order");
        return view.from;
    }

    ::onnx::ModelProto* model_;
    reading_state state_;
    reading_options options_;
    std::int64_t opset_ = 0;
    std::vector<std::size_t> order_;  ///< of the nodes
    std::string const* output_ = nullptr;
    ::onnx::NodeProto end_;  ///< takes the output
    std::size_t choice_ = 0, choices_ = 0;
    std::string input_;
    std::map<std::string_view, ::onnx::TensorProto*> initialisers_;
    std::set<std::string_view> wanted_;
    std::vector<bool> needed_;
};

}  // namespace spinet::detail::onnx_reading
