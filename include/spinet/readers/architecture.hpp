// SPDX-License-Identifier: BSD-3-Clause
/// What a file of weights does not say: which operation each weight belongs to, and what feeds what.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/network/shapes.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
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
/// pooling, batch_normalisation, layer_normalisation, addition, product, concatenation, offset, flatten,
/// select_step, leading_step, mean_over_steps, recurrent, attention, embedding), or
/// transformer_encoder_layer, which stands for PyTorch's module of that name. The other members are those of
/// that struct; what an operation does not have is refused.
struct node_spec {
    std::string name;
    std::string op;
    std::vector<std::string> inputs = {};  ///< empty: the node before
    std::string weights = {};              ///< what the names of its tensors begin with; empty: the name
    std::vector<std::string> names = {};   ///< of attention: query, key, value, output; or two, if stacked
    std::string bias = {};                 ///< of dense: the full name of the tensor, where it has another
    std::string activation = {};           ///< of recurrent (rnn) and transformer_encoder_layer
    std::string kind = {};  ///< of activation, pooling (average, maximum), recurrent (rnn, lstm, gru)
    std::vector<std::size_t> shape = {};  ///< of input; of dense, offset, leading_step: that of the tensor
    std::vector<std::size_t> window = {}, stride = {}, padding = {}, padding_after = {}, dilation = {};
    /// `index`: of select_step, the step; of offset, the only row of a table. `first`: of offset, a table's
    /// first row.
    std::optional<std::size_t> groups = {}, heads = {}, key_value_heads = {}, layer = {}, index = {},
                               first = {};
    /// `rotary`: the share of each head that is rotated. `factor`: of embedding.
    std::optional<double> epsilon = {}, rotary = {}, rotary_base = {}, factor = {};
    std::optional<bool> causal = {}, reversed = {}, count_padding = {}, norm_first = {}, reset_after = {},
                        of_steps = {};
    /// `in_out`: matrices are stored (in, out). `by_head`: stacked query, key and value of each head in turn.
    /// `centred`: false for RMSNorm. `plus_one`: the scale is 1 + weight.
    std::optional<bool> in_out = {}, by_head = {}, centred = {}, plus_one = {};
};

/// The operations in an order in which they can be evaluated. Readers of weights (safetensors, npz,
/// state_dict) take one; read_architecture (architecture_file.hpp) reads it from JSON.
struct network_architecture;

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

}  // namespace detail

struct network_architecture {
    std::vector<node_spec> nodes = {};
    /// Makes the architecture of the tensors that the file lists; no nodes: none is known for them. Used
    /// where there are no nodes.
    std::function<network_architecture(detail::listed_tensors const&)> of_tensors = {};
    /// Tensors that no node takes are listed in notes, but refused where their names begin with `complete`,
    /// and passed over where they end as one of `buffers` does.
    std::optional<std::string> complete = std::nullopt;
    std::vector<std::string> buffers = {};
    std::vector<std::string> notes = {};
};

namespace detail {

/// The kind of activation of that name. Throws `error` where there is none.
[[nodiscard]] inline activation_kind activation_named(std::string_view name) {
    for (auto const kind : {activation_kind::unspecified, activation_kind::identity, activation_kind::relu,
                            activation_kind::gelu, activation_kind::silu, activation_kind::tanh,
                            activation_kind::sigmoid, activation_kind::softplus, activation_kind::softmax,
                            activation_kind::log_softmax, activation_kind::gelu_tanh})
        if (to_string(kind) == name) return kind;
    throw error("there is no activation ", in_quotes(name));
}

/// A copy of a matrix whose rows are its columns.
[[nodiscard]] inline tensor transposed(tensor const& of) {
    require_rank(of, 2, "a matrix stored (in, out) has rank 2", "a layer");
    std::size_t const rows = of.shape()[0], columns = of.shape()[1], each = size_of(of.type());
    auto const from = of.bytes();
    std::vector<std::byte> bytes(from.size());
    constexpr std::size_t tile = 32;  // of both stays in the first cache
    for (std::size_t r = 0; r < rows; r += tile)
        for (std::size_t c = 0; c < columns; c += tile)
            for (std::size_t i = r; i < std::min(rows, r + tile); ++i)
                for (std::size_t j = c; j < std::min(columns, c + tile); ++j)
                    std::memcpy(bytes.data() + (j * rows + i) * each, from.data() + (i * columns + j) * each,
                                each);
    return {of.name(), of.type(), {columns, rows}, std::move(bytes)};
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
    f("of_steps", spec.of_steps), f("names", spec.names), f("bias", spec.bias);
    f("key_value_heads", spec.key_value_heads), f("first", spec.first), f("rotary", spec.rotary);
    f("rotary_base", spec.rotary_base), f("factor", spec.factor), f("in_out", spec.in_out);
    f("by_head", spec.by_head), f("centred", spec.centred), f("plus_one", spec.plus_one);
}

/// Puts the weights of one file where an architecture wants them.
class assembly {
public:
    assembly(listed_tensors const& tensors, tensor_source const& load) : tensors_(&tensors), load_(&load) {
        for (auto const& [name, entry] : tensors)
            if (auto const size = checked_product(entry.shape, std::uint64_t{8})) copies_.grant(*size);
    }

    [[nodiscard]] network run(network_architecture const& architecture) {
        network made;
        for (auto const& spec : architecture.nodes) add(made, spec);
        static_cast<void>(result_shapes(made));
        for (auto const& note : architecture.notes) made.add_note(note);
        for (auto const& [name, entry] : *tensors_) {
            std::string_view const whole = name;  // what a lambda can capture
            auto const& passed = architecture.buffers;
            if (used_.count(name) != 0 || std::any_of(passed.begin(), passed.end(), [whole](auto const& end) {
                    return whole.ends_with(end);
                }))
                continue;
            auto const what = text("tensor ", in_quotes(name), " of shape ", tuple_text(entry.shape));
            if (architecture.complete && whole.starts_with(*architecture.complete))
                throw error(what,
                            " belongs to no layer that the architecture has; a network without it would "
                            "be another one");
            made.add_note("left out " + what + ", which the architecture does not name");
        }
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
    /// `in_out`: the weight is stored (in, out).
    [[nodiscard]] dense layer(std::string const& prefix, bool in_out = false) {
        auto weight = required_tensor({prefix, ".weight"});
        if (in_out) copies_.take(weight.bytes().size()), weight = transposed(weight);
        return {std::move(weight), optional_tensor({prefix, ".bias"})};
    }
    [[nodiscard]] dense dense_of(node_spec const& spec) {
        auto made = layer(prefix(), take("in_out", spec.in_out).value_or(false));
        if (!take("shape", spec.shape).empty()) made.weight = made.weight.reshaped(spec.shape);
        if (!take("bias", spec.bias).empty()) made.bias = required_tensor({spec.bias});
        return made;
    }
    [[nodiscard]] layer_normalisation normalisation(std::string const& from) {
        // The names of TensorFlow's converted checkpoints, gamma and beta, have stayed in use.
        bool const old = has({from, ".gamma"});
        return {optional_tensor({from, old ? ".gamma" : ".weight"}),
                optional_tensor({from, old ? ".beta" : ".bias"}), epsilon()};
    }
    [[nodiscard]] layer_normalisation normalisation_of(node_spec const& spec) {
        auto made = normalisation(prefix());
        made.centred = take("centred", spec.centred).value_or(true);
        if (take("plus_one", spec.plus_one).value_or(false) && made.scale) {
            copies_.take(made.scale->size() * sizeof(double));
            std::vector<double> scale(made.scale->size());
            made.scale->copy_to(scale);
            for (double& each : scale) each += 1;
            made.scale = made.scale->with_values(scale);
        }
        return made;
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
        if (op == "dense") return dense_of(spec);
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
        if (op == "layer_normalisation") return normalisation_of(spec);
        if (op == "addition") return addition{};
        if (op == "concatenation") return concatenation{take_flag("of_steps", spec.of_steps)};
        if (op == "product") return product{};
        if (op == "leading_step") return leading_step{shaped_tensor(spec)};
        if (op == "offset") return offset_of(made, spec);
        if (op == "flatten") return flatten{};
        if (op == "select_step") return select_step{take("index", spec.index)};
        if (op == "mean_over_steps") return mean_over_steps{};
        if (op == "recurrent") return recurrent_of(spec);
        if (op == "attention") return attention_of(prefix(), spec);
        if (op == "embedding")
            return embedding{required_tensor({prefix(), ".weight"}), take("factor", spec.factor).value_or(1)};
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

    /// The tensor of the node's name, or its weight, in the shape that is given.
    [[nodiscard]] tensor shaped_tensor(node_spec const& spec) {
        auto const from = prefix();
        auto values = required_tensor({from, has({from}) ? "" : ".weight"});
        return take("shape", spec.shape).empty() ? values : values.reshaped(spec.shape);
    }

    /// Positions: of a table of more steps than there are, the first ones.
    [[nodiscard]] offset offset_of(network const& made, node_spec const& spec) {
        auto values = shaped_tensor(spec);
        if (auto const row = take("index", spec.index)) {
            values = values.rows(*row, 1);
            return {values.reshaped({values.shape().begin() + 1, values.shape().end()})};
        }
        if (auto const first = take("first", spec.first)) {
            if (values.rank() == 0 || *first > values.shape()[0])
                throw error(values.described(), " has no row ", *first);
            values = values.rows(*first, values.shape()[0] - *first);
        }
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

    /// A third of a stacked weight or bias: of all rows or, with heads, of the rows of each of them.
    [[nodiscard]] tensor third(tensor const& stacked, std::size_t which, std::size_t heads) {
        if (heads == 0 || stacked.rank() == 0 || stacked.shape()[0] / 3 % heads != 0 ||
            stacked.shape()[0] % 3 != 0)
            throw error(stacked.described(), " does not hold queries, keys and values",
                        (heads == 1 ? "" : text(" of ", heads, " heads")));
        std::size_t const rows = stacked.shape()[0] / 3 / heads;
        if (heads == 1) return stacked.rows(which * rows, rows);
        copies_.take(stacked.bytes().size() / 3);
        std::vector<std::byte> bytes;
        for (std::size_t h = 0; h < heads; ++h) {
            auto const of_head = stacked.rows((3 * h + which) * rows, rows);
            bytes.insert(bytes.end(), of_head.bytes().begin(), of_head.bytes().end());
        }
        auto shape = stacked.shape();
        shape[0] /= 3;
        return {stacked.name(), stacked.type(), std::move(shape), std::move(bytes)};
    }
    void add_thirds(std::vector<dense>& parts, dense const& stacked, std::size_t heads) {
        for (std::size_t k = 0; k < 3; ++k) {
            parts.push_back({third(stacked.weight, k, heads)});
            if (stacked.bias) parts.back().bias = third(*stacked.bias, k, heads);
        }
    }
    [[nodiscard]] attention attention_of(std::string const& from, node_spec const& spec) {
        std::vector<dense> parts;
        auto names = take("names", spec.names);
        bool const in_out = take("in_out", spec.in_out).value_or(false),
                   by_head = take("by_head", spec.by_head).value_or(false);
        std::size_t const heads = take("heads", spec.heads).value_or(1);
        if (!names.empty() && names.size() != 2 && names.size() != 4)
            throw error("node ", in_quotes(spec.name), ": attention has two or four names, not ",
                        names.size());
        if (names.size() == 2) {
            add_thirds(parts, layer(from + "." + names[0], in_out), by_head ? heads : 1);
        } else if (names.empty() && has({from, ".in_proj_weight"})) {
            add_thirds(parts,
                       {required_tensor({from, ".in_proj_weight"}), optional_tensor({from, ".in_proj_bias"})},
                       1);
        } else {
            if (names.empty()) names = {"q_proj", "k_proj", "v_proj", "out_proj"};
            for (std::size_t k = 0; k < 3; ++k) parts.push_back(layer(from + "." + names[k], in_out));
        }
        attention made{parts[0],
                       parts[1],
                       parts[2],
                       layer(from + "." + (names.empty() ? "out_proj" : names.back()), in_out),
                       heads,
                       take("causal", spec.causal).value_or(false),
                       take("key_value_heads", spec.key_value_heads).value_or(0)};
        auto const share = take("rotary", spec.rotary).value_or(0);
        auto const& query = made.query.weight.shape();
        if (!(share >= 0 && share <= 1))
            throw error("node ", in_quotes(spec.name), ": rotary is ", number_text(share),
                        ", not from 0 to 1");
        if (heads > 0 && !query.empty())
            made.rotary = static_cast<std::size_t>(static_cast<double>(query[0] / heads) * share);
        made.rotary_base = take("rotary_base", spec.rotary_base).value_or(made.rotary_base);
        return made;
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
            made.add({name, normalisation(from + which), {reads}});
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
    memory_allowance copies_{
        0, "its architecture needs more copies of tensors than there are numbers in the file"};
    value_shapes shapes_;  ///< of the first nodes
    std::set<std::string, std::less<>> used_;
    std::vector<std::string_view> unread_;
    node_spec const* spec_ = nullptr;
    std::string last_;
};

}  // namespace detail
}  // namespace spinet
