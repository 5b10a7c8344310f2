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

/// One number for each value of a stage: number k / repeat, counted round.
struct coefficients {
    std::vector<double> values = {};  ///< none: no change
    std::size_t repeat = 1;

    [[nodiscard]] bool any() const noexcept { return !values.empty(); }
    [[nodiscard]] double at(std::size_t k, double otherwise) const {
        return values.empty() ? otherwise : values[k / repeat % values.size()];
    }
};

// Parts: each says in `label` what it is, for the message where no operation takes it. Layer normalisation
// comes as x - mean, its square, the mean of that, the root of that and epsilon, and a quotient; GELU as
// x (1 + erf(x / sqrt 2)) / 2.
/// scale x + shift, with numbers for each value, channel or feature, or one for all; folding.hpp puts it into
/// the layer before or behind.
struct affine {
    static constexpr std::string_view label = "affine arithmetic with constants";
    coefficients scale, shift;
    std::optional<tensor> added = std::nullopt;  ///< the shift as the file has it
    std::string name = {};                       ///< of the constant that is the shift

    /// The factor, where it is nothing else.
    [[nodiscard]] std::optional<double> factor() const {
        if (shift.any() || scale.values.size() != 1) return std::nullopt;
        return scale.values[0];
    }
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
/// Zeros around the values, for each axis.
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
    std::variant<operation, projection, attention_parts, affine, mean_of_features, centred, squared, variance,
                 deviation, error_function, padded, scores, probabilities, mixed>;

/// One step of the computation, made by one node of the file or several.
struct stage {
    stage_operation op;
    std::vector<std::size_t> inputs;
    value_shape shape;
    ::onnx::NodeProto const* node = nullptr;  ///< none: an input
    std::string name = {};                    ///< of an input
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

}  // namespace spinet::detail::onnx_reading
