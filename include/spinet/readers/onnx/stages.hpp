// SPDX-License-Identifier: BSD-3-Clause
/// What the nodes of an ONNX graph come to: operations of a network, and parts of operations of which only
/// several together make one.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/network/shapes.hpp>
#include <spinet/readers/onnx/values.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <onnx/onnx_pb.h>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace spinet::detail::onnx_reading {

/// A dense layer: weight of shape (out, in), bias of shape (out).
struct projection {
    constant weight;
    std::optional<constant> bias;
};

/// Self-attention; query, key, value and output.
struct attention_parts {
    projection query, key, value, output;
    std::size_t heads = 1;
    bool causal = false;
};

// Parts: each says in `label` what it is, for the message where no operation takes it. Layer normalisation
// comes as x - mean, its square, the mean of that, the root of that and epsilon, and a quotient; GELU as
// x (1 + erf(x / sqrt 2)) / 2.
struct scaled {
    static constexpr std::string_view label = "a product with a constant";
    double factor = 1;
};
struct mean_of_features {
    static constexpr std::string_view label = "a mean over features";
};
struct centred {
    static constexpr std::string_view label = "a difference from a mean";
};
struct squared {
    static constexpr std::string_view label = "a square";
};
struct variance {
    static constexpr std::string_view label = "a mean of squares";
    double epsilon = 0;
};
struct deviation {
    static constexpr std::string_view label = "a root of a mean of squares";
    double epsilon = 0;
};
struct error_function {
    static constexpr std::string_view label = "an error function";
    double plus = 0;
};
/// Zeros around the positions of each channel.
struct padded {
    static constexpr std::string_view label = "padding";
    std::vector<std::size_t> before, after;
};
/// Products of queries and keys, of shape (heads, steps, steps), and their softmax.
struct scores {
    static constexpr std::string_view label = "products of computed values, as in attention";
    projection query, key;
    std::size_t heads = 1;
    double scale = 1;
    bool causal = false;
};
struct probabilities {
    static constexpr std::string_view label = "a softmax of products of computed values, as in attention";
    scores of;
};
/// Values weighed by probabilities, of shape (steps, heads x width); the output projection is yet to come.
struct mixed {
    static constexpr std::string_view label = "attention without a projection of its result";
    attention_parts parts;
};

using stage_operation =
    std::variant<operation, projection, attention_parts, scaled, mean_of_features, centred, squared, variance,
                 deviation, error_function, padded, scores, probabilities, mixed>;

/// One step of the computation, made by one node of the file or several.
struct stage {
    stage_operation op;
    std::vector<std::size_t> inputs;
    value_shape shape;
    ::onnx::NodeProto const* node = nullptr;  ///< none: the input
};

/// "node '/fc1/Gemm' (Gemm of 'x', 'fc1.weight', 'fc1.bias')", as messages name it.
[[nodiscard]] inline std::string described(::onnx::NodeProto const& of) {
    constexpr int most = 6;
    std::string text =
        "node " + in_quotes(of.name()) + " (" + (of.domain().empty() ? "" : of.domain().substr(0, 100) + ".");
    text += of.op_type().substr(0, 100) + (of.input_size() == 0 ? "" : " of ");
    for (int k = 0; k < std::min(of.input_size(), most); ++k)
        text += (k == 0 ? "" : ", ") + in_quotes(of.input(k));
    return text + (of.input_size() > most ? ", ...)" : ")");
}

[[nodiscard]] inline std::string described(stage const& of) {
    return of.node == nullptr ? "the input" : described(*of.node);
}

template <class Op, class Variant>
inline constexpr bool is_alternative = false;
template <class Op, class... Ops>
inline constexpr bool is_alternative<Op, std::variant<Ops...>> = (std::is_same_v<Op, Ops> || ...);

/// Of this kind, or nullptr.
template <class Op>
[[nodiscard]] Op const* as(stage const& of) noexcept {
    if constexpr (is_alternative<Op, stage_operation>) {
        return std::get_if<Op>(&of.op);
    } else {
        auto const* ready = std::get_if<operation>(&of.op);
        return ready == nullptr ? nullptr : ready->get_if<Op>();
    }
}

/// "fc1" of "fc1.weight"; empty for the names that an exporter makes up.
[[nodiscard]] inline std::string_view layer_of(std::string_view tensor_name) noexcept {
    auto const dot = tensor_name.rfind('.');
    if (dot == tensor_name.npos || tensor_name.starts_with("onnx::")) return {};
    return tensor_name.substr(0, dot);
}

/// The longest common part of two names, up to a dot or the end of both.
[[nodiscard]] inline std::string_view common_part(std::string_view a, std::string_view b) noexcept {
    std::size_t end = 0;
    for (std::size_t k = 0;; ++k) {
        bool const a_ends = k >= a.size() || a[k] == '.', b_ends = k >= b.size() || b[k] == '.';
        if (a_ends && b_ends) end = k;
        if (k >= a.size() || k >= b.size() || a[k] != b[k]) break;
    }
    return a.substr(0, end);
}

/// What the layers of all named tensors have in common; else empty.
[[nodiscard]] inline std::string layer_name(std::vector<tensor const*> const& tensors) {
    std::optional<std::string_view> found;
    for (auto const* each : tensors) {
        auto const layer = layer_of(each->name());
        if (!layer.empty()) found = found ? common_part(*found, layer) : layer;
    }
    return std::string(found.value_or(""));
}

[[nodiscard]] inline std::vector<tensor const*> tensors_of(operation const& op) {
    return op.visit([](auto const& each) { return tensors_in(each); });
}

/// Makes the network of the stages that the result needs.
class network_of_stages {
public:
    network_of_stages(std::deque<stage> const& stages, std::string input, memory_allowance& budget,
                      network& into)
        : stages_(&stages), input_(std::move(input)), budget_(&budget), into_(&into) {}

    void run(std::size_t result) {
        std::vector<bool> needed(stages_->size(), false);
        needed[result] = true;
        for (std::size_t k = result + 1; k-- > 0;)
            if (needed[k])
                for (auto const from : (*stages_)[k].inputs) needed[from] = true;
        names_.resize(stages_->size());
        for (std::size_t k = 0; k <= result; ++k)
            if (needed[k]) add(k);
    }

private:
    void add(std::size_t k) {
        auto const& of = (*stages_)[k];
        auto op = std::visit([&](auto const& each) { return finished(each, of); }, of.op);
        names_[k] = unused(name_of(op, of));
        std::vector<std::string> inputs;
        for (auto const from : of.inputs) inputs.push_back(names_[from]);
        with_place([&] { return described(of); },
                   [&] {
                       into_->add({names_[k], std::move(op), std::move(inputs)});
                   });
    }

    [[nodiscard]] std::string name_of(operation const& op, stage const& of) const {
        if (of.node == nullptr) return input_;
        auto name = layer_name(tensors_of(op));
        if (auto const* shift = op.get_if<offset>())
            if (!shift->values.name().starts_with("onnx::")) name = shift->values.name();
        if (name.empty()) name = of.node->name();
        if (name.empty() && of.node->output_size() != 0) name = of.node->output(0);
        return name.empty() ? of.node->op_type() : name;
    }

    /// The name, or where it is taken "NAME (2)" and so on.
    [[nodiscard]] std::string unused(std::string const& name) {
        auto& count = used_[name];
        auto result = ++count == 1 ? name : name + " (" + std::to_string(count) + ")";
        while (into_->find(result) != nullptr) result = name + " (" + std::to_string(++count) + ")";
        return result;
    }

    [[nodiscard]] operation finished(operation const& op, stage const&) { return op; }
    [[nodiscard]] operation finished(projection const& op, stage const&) { return dense_of(op); }
    [[nodiscard]] operation finished(attention_parts const& op, stage const&) {
        return attention{dense_of(op.query),  dense_of(op.key), dense_of(op.value),
                         dense_of(op.output), op.heads,         op.causal};
    }
    template <class Part>
    [[nodiscard]] operation finished(Part const&, stage const& of) {
        throw error(described(of), " is ", Part::label,
                    ", and what follows makes no operation of it that spinet knows");
    }

    [[nodiscard]] dense dense_of(projection const& of) {
        std::optional<tensor> bias;
        if (of.bias) bias = tensor_of(*of.bias, *budget_);
        return {tensor_of(of.weight, *budget_), std::move(bias)};
    }

    std::deque<stage> const* stages_;
    std::string input_;
    memory_allowance* budget_;
    network* into_;
    std::vector<std::string> names_;
    std::map<std::string, std::size_t> used_;
};

}  // namespace spinet::detail::onnx_reading
