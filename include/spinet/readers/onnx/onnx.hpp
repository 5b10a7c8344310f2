// SPDX-License-Identifier: BSD-3-Clause
/// The reader of ONNX models, as torch.onnx.export and others write them. Needs libonnx and protobuf.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/onnx/file.hpp>
#include <spinet/readers/onnx/graph.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <onnx/onnx_pb.h>
#include <string>
#include <string_view>
#include <vector>

namespace spinet {

namespace detail::onnx_reading {

/// The network of a file, with weights or without. Throws as `onnx_model` does.
[[nodiscard]] inline network read_network(std::filesystem::path const& path, reading_options const& options) {
    return network_from(path, [&] {
        input_file file(path);
        ::onnx::ModelProto model;
        parse_model(file, model);
        return graph_reading(model, path, file.size(), options).run();
    });
}

/// Whether the bytes are protobuf's fields of a model, with a graph among them; looks at each field's length
/// only.
[[nodiscard]] inline bool is_model(input_file& file) {
    constexpr std::uint64_t most_fields = 1000, last_field = 25;
    std::uint64_t at = 0;
    bool has_graph = false;
    auto const number = [&]() -> std::uint64_t {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            auto const byte = static_cast<unsigned char>(file.text(at++, 1)[0]);
            value |= std::uint64_t{byte & 127U} << shift;
            if (byte < 128) return value;
        }
        throw error("a number that is too long");
    };
    for (std::uint64_t fields = 0; at < file.size(); ++fields) {
        auto const tag = number();
        if (tag >> 3U == 0 || tag >> 3U > last_field || fields > most_fields) return false;
        if ((tag & 7U) == 0) {
            static_cast<void>(number());
        } else if ((tag & 7U) == 2) {
            auto const length = number();
            if (length > file.size() - at) return false;
            at += length;
            has_graph = has_graph || tag >> 3U == 7;
        } else {
            return false;
        }
    }
    return has_graph;
}

/// Throws `error` where no operation has weights that could become couplings.
inline void require_weights(network const& net) {
    for (auto const& each : net.nodes())
        if (each.op.is<dense>() || each.op.is<convolution>() || each.op.is<recurrent>() ||
            each.op.is<attention>() || each.op.is<embedding>())
            return;
    throw error("has no weights: none of its nodes is a layer that couples values");
}

}  // namespace detail::onnx_reading

/// Reads the graph that leads from the inputs of a model to one of its outputs, as what it computes for a
/// batch of one. Understood are dense layers (Gemm; MatMul with Add; W x as well as x W), convolutions of one
/// and two axes, transposed ones with strides of 1, pooling, batch and layer normalisation, LSTM, GRU and RNN
/// of one direction, embeddings, self-attention, residual and constant sums, functions of each value, means
/// over steps or positions, single steps, what moves values between them (Reshape, Transpose, Slice and so
/// on), the arithmetic of shapes, and of constants; also layer normalisation, GELU, SiLU and attention where
/// they are spelt out in elementary nodes. Anything else is refused, and the message names the node. Notes
/// list what was left out, and activations that `activation_kind` has no name for.
///
/// Where channels come last, as TensorFlow has them, weights get the order of the values that they multiply.
/// Products and sums with constants (standardised inputs, normalisation spelt out) become part of the weights
/// and biases of the layer before or behind, exactly (in double); where there is none, or zeros are padded
/// between, they stay an operation. Quantised weights (QuantizeLinear, DequantizeLinear, MatMulInteger,
/// ConvInteger, QLinearConv, QLinearMatMul, com.microsoft's MatMulNBits) are the integers times their scales;
/// that computed values are rounded is left out, with a note. Initial states that are inputs are taken for
/// zeros.
///
/// The batch is axis 0 of an input, whatever its size; where the graph does not fit that, another axis of
/// size 1, or none. Nodes are named after the tensors that they use, "fc1" for "fc1.weight" and "fc1.bias",
/// or else as in the file. Gates of LSTM and GRU are put into PyTorch's order. Weights that stand in the file
/// as the operation has them are windows on what was read, all others copies. Weights may stand in external
/// files in the directory of the model, which are read whole.
struct onnx_model {
    /// The shape of one sample, without the axis of the batch; needed where the file leaves other sizes free.
    std::vector<std::size_t> input_shape = {};
    /// The output to read up to. Empty: the first that depends on an input and is understood.
    std::string output_name = {};

    [[nodiscard]] static std::string_view name() noexcept { return "onnx"; }

    /// By its extension, or by content: the format has no magic number.
    [[nodiscard]] bool recognises(std::filesystem::path const& path) const {
        return path.extension() == ".onnx" || detail::recognised(path, detail::onnx_reading::is_model);
    }

    /// Throws `file_error`, which names the file and the node or tensor, where the file is no valid model,
    /// holds what is not understood, no weights, or a weight that is not finite. Memory: below ten times the
    /// size of the file and 64 MiB, and that of the external files.
    [[nodiscard]] network operator()(std::filesystem::path const& path) const {
        return detail::naming_file(path, [&] {
            auto net = detail::onnx_reading::read_network(path, {input_shape, output_name});
            detail::onnx_reading::require_weights(net);
            return net;
        });
    }
};

}  // namespace spinet
