// SPDX-License-Identifier: BSD-3-Clause
/// What a file of weights does not say: which operation each weight belongs to, and what feeds what.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/network/shapes.hpp>
#include <spinet/network/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet {

/// One operation. `op` is the name of its struct in operation.hpp (input, dense, activation, convolution,
/// pooling, batch_normalisation, layer_normalisation, addition, concatenation, offset, flatten, select_step,
/// mean_over_steps, recurrent, attention, embedding), or transformer_encoder_layer, which stands for
/// PyTorch's module of that name. The other members are those of that struct; what an operation does not have
/// is refused.
struct node_spec {
    std::string name;
    std::string op;
    std::vector<std::string> inputs = {};  ///< empty: the node before
    std::string weights = {};              ///< what the names of its tensors begin with; empty: the name
    std::string activation = {};           ///< of recurrent (rnn) and transformer_encoder_layer
    std::string kind = {};  ///< of activation, pooling (average, maximum), recurrent (rnn, lstm, gru)
    std::vector<std::size_t> shape = {};  ///< of input
    std::vector<std::size_t> window = {}, stride = {}, padding = {}, padding_after = {}, dilation = {};
    std::optional<std::size_t> groups = {}, heads = {}, layer = {}, index = {};
    std::optional<double> epsilon = {};
    std::optional<bool> causal = {}, reversed = {}, count_padding = {}, norm_first = {}, reset_after = {},
                        of_steps = {};
};

/// The operations in an order in which they can be evaluated. Readers of weights (safetensors, npz,
/// state_dict) take one; read_architecture (architecture_file.hpp) reads it from JSON.
struct network_architecture {
    std::vector<node_spec> nodes;
};

namespace detail {

/// Numbers of which tensors do not consist, but of which quantised weights are made.
enum class packed_type : std::uint8_t {
    none,
    i8,
    u8,
    i16,
    i32,
    i64,
    f4,
    f8_e4m3,
    f8_e5m2,
    f8_e4m3fnuz,
    f8_e5m2fnuz,
    f8_e8m0
};

/// A tensor as a file lists it.
struct listed_tensor {
    std::string name;
    std::string type_name;  ///< as the format calls it
    bool whole = false;     ///< integers and booleans
    std::optional<dtype> type;
    std::vector<std::uint64_t> shape;
    packed_type packed = packed_type::none;  ///< of what has no `type`
};
using listed_tensors = std::map<std::string, listed_tensor, std::less<>>;

/// The kind of activation of that name. Throws `error` where there is none.
[[nodiscard]] inline activation_kind activation_named(std::string_view name) {
    for (auto const kind :
         {activation_kind::unspecified, activation_kind::identity, activation_kind::relu,
          activation_kind::gelu, activation_kind::silu, activation_kind::tanh, activation_kind::sigmoid,
          activation_kind::softplus, activation_kind::softmax, activation_kind::log_softmax})
        if (to_string(kind) == name) return kind;
    throw error("there is no activation ", in_quotes(name));
}

/// Gives the values of a listed tensor.
using tensor_source = std::function<tensor(listed_tensor const&)>;

/// f(name, member) for each member of a node_spec, in their order.
template <class Spec, class F>
void for_each_member(Spec& spec, F&& f) {
    f("name", spec.name), f("op", spec.op), f("inputs", spec.inputs), f("weights", spec.weights);
    f("activation", spec.activation), f("kind", spec.kind), f("shape", spec.shape);
    f("window", spec.window), f("stride", spec.stride), f("padding", spec.padding);
    f("padding_after", spec.padding_after), f("dilation", spec.dilation), f("groups", spec.groups);
    f("heads", spec.heads), f("layer", spec.layer), f("index", spec.index), f("epsilon", spec.epsilon);
    f("causal", spec.causal), f("reversed", spec.reversed), f("count_padding", spec.count_padding);
    f("norm_first", spec.norm_first), f("reset_after", spec.reset_after);
    f("of_steps", spec.of_steps);
}

/// Puts the weights of one file where an architecture wants them.
class assembly {
public:
    assembly(listed_tensors const& tensors, tensor_source const& load) : tensors_(&tensors), load_(&load) {}

    [[nodiscard]] network run(network_architecture const& architecture) {
        network made;
        for (auto const& spec : architecture.nodes) add(made, spec);
        static_cast<void>(result_shapes(made));
        for (auto const& [name, entry] : *tensors_)
            if (used_.count(name) == 0)
                made.add_note(text("left out tensor ", in_quotes(name), " of shape ", tuple_text(entry.shape),
                                   ", which the architecture does not name"));
        return made;
    }

private:
    // --- tensors

    /// The tensor of that name, given in pieces, if there is one.
    [[nodiscard]] std::optional<tensor> optional_tensor(text_pieces pieces) {
        auto const found = tensors_->find(joined(pieces));
        if (found == tensors_->end()) return std::nullopt;
        used_.insert(found->first);
        if (!found->second.type)
            throw error("tensor ", in_quotes(found->first), " has dtype ", found->second.type_name,
                        "; weights have to be F32, F64, F16 or BF16");
        return (*load_)(found->second);
    }
    [[nodiscard]] tensor required_tensor(text_pieces pieces) {
        if (auto found = optional_tensor(pieces)) return *std::move(found);
        throw error("there is no tensor ", in_quotes(joined(pieces)), ", which the architecture's node ",
                    in_quotes(spec_->name), " (", spec_->op, ") needs");
    }
    [[nodiscard]] bool has(text_pieces pieces) const { return tensors_->count(joined(pieces)) != 0; }
    [[nodiscard]] dense layer(std::string const& prefix) {
        return {required_tensor({prefix, ".weight"}), optional_tensor({prefix, ".bias"})};
    }

    // --- nodes

    void add(network& made, node_spec const& spec) {
        spec_ = &spec;
        unread_ = given(spec);
        if (spec.op == "transformer_encoder_layer") {
            add_encoder_layer(made, spec);
            refuse_unread();
            last_ = spec.name;
            return;
        }
        auto made_op = operation_of(made, spec);
        refuse_unread();
        auto inputs = spec.inputs;
        if (inputs.empty() && !made_op.is<input>() && !last_.empty()) inputs = {last_};
        made.add({spec.name, std::move(made_op), std::move(inputs)});
        last_ = spec.name;
    }

    /// The names of the options that a node gives.
    [[nodiscard]] static std::vector<std::string_view> given(node_spec const& of) {
        std::vector<std::string_view> names;
        for_each_member(of, [&]<class T>(std::string_view name, T const& value) {
            if (value != T() && name != "name" && name != "op" && name != "inputs") names.push_back(name);
        });
        return names;
    }
    /// Says that an option has been read.
    template <class T>
    [[nodiscard]] T const& take(std::string_view name, T const& value) {
        std::erase(unread_, name);
        return value;
    }
    void refuse_unread() const {
        if (!unread_.empty())
            throw error("node ", in_quotes(spec_->name), ": ", spec_->op, " has no option ",
                        in_quotes(unread_.front()));
    }
    [[nodiscard]] std::string prefix() {
        return take("weights", spec_->weights).empty() ? spec_->name : spec_->weights;
    }
    [[nodiscard]] bool take_flag(std::string_view name, std::optional<bool> const& value) {
        return take(name, value).value_or(false);
    }
    [[nodiscard]] double epsilon() { return take("epsilon", spec_->epsilon).value_or(1e-5); }

    [[nodiscard]] activation_kind activation_or(node_spec const& spec, activation_kind otherwise) {
        auto const& name = take("activation", spec.activation);
        return name.empty() ? otherwise : activation_named(name);
    }

    [[nodiscard]] operation operation_of(network const& made, node_spec const& spec) {
        auto const& op = spec.op;
        if (op == "input") {
            auto const size = checked_product(take("shape", spec.shape));
            if (spec.shape.empty() || !size)
                throw error("node ", in_quotes(spec.name), ": an input needs a shape of finite size");
            return input{*size, spec.shape};
        }
        if (op == "dense") return layer(prefix());
        if (op == "activation") return activation{activation_named(take("kind", spec.kind))};
        if (op == "convolution") return convolution_of(spec);
        if (op == "pooling") return pooling_of(spec);
        if (op == "batch_normalisation") {
            auto const from = prefix();
            return batch_normalisation{required_tensor({from, ".running_mean"}),
                                       required_tensor({from, ".running_var"}),
                                       optional_tensor({from, ".weight"}),
                                       optional_tensor({from, ".bias"}),
                                       epsilon(),
                                       take_flag("of_steps", spec.of_steps)};
        }
        if (op == "layer_normalisation") {
            auto const from = prefix();
            return layer_normalisation{optional_tensor({from, ".weight"}), optional_tensor({from, ".bias"}),
                                       epsilon()};
        }
        if (op == "addition") return addition{};
        if (op == "concatenation") return concatenation{take_flag("of_steps", spec.of_steps)};
        if (op == "offset") return offset_of(made, spec);
        if (op == "flatten") return flatten{};
        if (op == "select_step") return select_step{take("index", spec.index)};
        if (op == "mean_over_steps") return mean_over_steps{};
        if (op == "recurrent") return recurrent_of(spec);
        if (op == "attention") return attention_of(prefix(), spec);
        if (op == "embedding") return embedding{required_tensor({prefix(), ".weight"})};
        throw error("node ", in_quotes(spec.name), ": there is no operation ", in_quotes(op));
    }

    [[nodiscard]] convolution convolution_of(node_spec const& spec) {
        auto of = layer(prefix());
        return {std::move(of.weight),
                std::move(of.bias),
                take("stride", spec.stride),
                take("padding", spec.padding),
                take("padding_after", spec.padding_after),
                take("dilation", spec.dilation),
                take("groups", spec.groups).value_or(1),
                take_flag("of_steps", spec.of_steps)};
    }

    [[nodiscard]] pooling pooling_of(node_spec const& spec) {
        auto const& kind = take("kind", spec.kind);
        if (kind != "average" && kind != "maximum")
            throw error("node ", in_quotes(spec.name), ": pooling of kind ", in_quotes(kind),
                        ", not average or maximum");
        return {kind == "average" ? pooling_kind::average : pooling_kind::maximum,
                take("window", spec.window),
                take("stride", spec.stride),
                take("padding", spec.padding),
                take("padding_after", spec.padding_after),
                take("count_padding", spec.count_padding).value_or(true),
                take_flag("of_steps", spec.of_steps)};
    }

    /// Positions: of a table of more steps than there are, the first ones.
    [[nodiscard]] offset offset_of(network const& made, node_spec const& spec) {
        auto const from = prefix();
        auto values = required_tensor({from, has({from}) ? "" : ".weight"});
        // Only of the nodes since the last time, or thousands of offsets would take the square of that.
        while (shapes_.size() < made.nodes().size()) add_shape(shapes_, made);
        auto const& source = spec.inputs.empty() ? last_ : spec.inputs.front();
        auto const shape = made.find(source) == nullptr ? value_shape{} : shapes_[made.position(source)];
        if (shape.size() == 2 && values.rank() == 2 && values.shape()[0] > shape[0])
            values = values.rows(0, shape[0]);
        return {std::move(values)};
    }

    [[nodiscard]] recurrent recurrent_of(node_spec const& spec) {
        auto const& kind = take("kind", spec.kind);
        if (kind != "rnn" && kind != "lstm" && kind != "gru")
            throw error("node ", in_quotes(spec.name), ": a recurrent layer of kind ", in_quotes(kind),
                        ", not rnn, lstm or gru");
        bool const reversed = take("reversed", spec.reversed).value_or(false);
        std::string suffix = detail::text("_l", take("layer", spec.layer).value_or(0));
        if (reversed) suffix += "_reverse";
        auto const from = prefix();
        return {kind == "rnn"    ? recurrent_kind::rnn
                : kind == "lstm" ? recurrent_kind::lstm
                                 : recurrent_kind::gru,
                required_tensor({from, ".weight_ih", suffix}),
                required_tensor({from, ".weight_hh", suffix}),
                optional_tensor({from, ".bias_ih", suffix}),
                optional_tensor({from, ".bias_hh", suffix}),
                kind == "rnn" ? activation_or(spec, activation_kind::tanh) : activation_kind::tanh,
                reversed,
                take("reset_after", spec.reset_after).value_or(true)};
    }

    /// A third of a stacked weight or bias.
    [[nodiscard]] static tensor third(tensor const& stacked, std::size_t which) {
        if (stacked.rank() == 0 || stacked.shape()[0] % 3 != 0)
            throw error(stacked.described(), " does not hold queries, keys and values");
        std::size_t const rows = stacked.shape()[0] / 3;
        return stacked.rows(which * rows, rows);
    }
    [[nodiscard]] attention attention_of(std::string const& from, node_spec const& spec) {
        std::vector<dense> parts;
        if (has({from, ".in_proj_weight"})) {
            auto const weight = required_tensor({from, ".in_proj_weight"});
            auto const bias = optional_tensor({from, ".in_proj_bias"});
            for (std::size_t k = 0; k < 3; ++k) {
                parts.push_back({third(weight, k)});
                if (bias) parts.back().bias = third(*bias, k);
            }
        } else {
            for (auto const* name : {".q_proj", ".k_proj", ".v_proj"}) parts.push_back(layer(from + name));
        }
        return {parts[0],
                parts[1],
                parts[2],
                layer(from + ".out_proj"),
                take("heads", spec.heads).value_or(1),
                take("causal", spec.causal).value_or(false)};
    }

    /// PyTorch's TransformerEncoderLayer: attention and a network of two layers, each added to what it reads,
    /// and normalised after the addition or before.
    void add_encoder_layer(network& made, node_spec const& spec) {
        auto const from = prefix();
        auto const kind = activation_or(spec, activation_kind::relu);
        bool const first = take("norm_first", spec.norm_first).value_or(false);
        auto const source = spec.inputs.empty() ? last_ : spec.inputs.front();
        if (spec.inputs.size() > 1)
            throw error("node ", in_quotes(spec.name), " takes one input, not ", spec.inputs.size());
        auto const named = [&](char const* part) { return detail::text(spec.name, ".", part); };
        auto const norm = [&](char const* which, std::string const& name, std::string const& reads) {
            made.add({name,
                      layer_normalisation{optional_tensor({from, which, ".weight"}),
                                          optional_tensor({from, which, ".bias"}), epsilon()},
                      {reads}});
        };
        auto read = source;
        if (first) norm(".norm1", read = named("norm1"), source);
        made.add({named("self_attn"), attention_of(from + ".self_attn", spec), {read}});
        made.add({named("add1"), addition{}, {source, named("self_attn")}});
        auto middle = named("add1");
        read = named(first ? "norm2" : "norm1");
        norm(first ? ".norm2" : ".norm1", read, middle);
        if (!first) middle = read;
        made.add({named("linear1"), layer(from + ".linear1"), {read}});
        made.add({named("activation"), activation{kind}, {named("linear1")}});
        made.add({named("linear2"), layer(from + ".linear2"), {named("activation")}});
        auto const sum = first ? spec.name : named("add2");
        made.add({sum, addition{}, {middle, named("linear2")}});
        if (!first) norm(".norm2", spec.name, sum);
    }

    listed_tensors const* tensors_;
    tensor_source const* load_;
    value_shapes shapes_;  ///< of the first nodes
    std::set<std::string, std::less<>> used_;
    std::vector<std::string_view> unread_;
    node_spec const* spec_ = nullptr;
    std::string last_;
};

}  // namespace detail
}  // namespace spinet
