// SPDX-License-Identifier: BSD-3-Clause
/// The reader of ONNX models, as torch.onnx.export and others write them. Needs libonnx and protobuf.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/onnx/file.hpp>
#include <spinet/readers/onnx/graph.hpp>

#include <cstddef>
#include <filesystem>
#include <onnx/onnx_pb.h>
#include <string_view>
#include <vector>

namespace spinet {

/// Reads the graph that leads from the only input of a model to its first output, as what it computes for a
/// batch of one. Understood are dense layers (Gemm, MatMul with Add), Conv of one and two axes, pooling,
/// batch and layer normalisation, LSTM, GRU and RNN of one direction, embeddings, self-attention, residual
/// and constant sums, activations, means over steps or positions, single steps, what moves values between
/// them (Reshape, Transpose, Slice and so on) and the arithmetic of shapes; also layer normalisation, GELU,
/// SiLU and attention where they are spelt out in elementary nodes. Anything else is refused, and the message
/// names the node. Notes list what was left out, and activations that `activation_kind` has no name for.
///
/// Nodes are named after the tensors that they use, "fc1" for "fc1.weight" and "fc1.bias", or else as in the
/// file. Gates of LSTM and GRU are put into PyTorch's order. Weights that stand in the file as the operation
/// has them are windows on what was read, all others copies. Weights may stand in external files in the
/// directory of the model, which are read whole.
struct onnx_model {
    /// The shape of one sample, without the axis of the batch; needed where the file leaves other sizes free.
    std::vector<std::size_t> input_shape = {};

    [[nodiscard]] static std::string_view name() noexcept { return "onnx"; }

    /// By its extension: the format has no magic number.
    [[nodiscard]] bool recognises(std::filesystem::path const& path) const {
        return path.extension() == ".onnx";
    }

    /// Throws `file_error`, which names the file and the node or tensor, where the file is no valid model,
    /// holds what is not understood, or a weight that is not finite. Memory: below ten times the size of the
    /// file and 64 MiB, and that of the external files.
    [[nodiscard]] network operator()(std::filesystem::path const& path) const {
        return detail::network_from(path, [&] {
            input_file file(path);
            ::onnx::ModelProto model;
            detail::onnx_reading::parse_model(file, model);
            return detail::onnx_reading::graph_reading(model, path, file.size(), input_shape).run();
        });
    }
};

}  // namespace spinet
