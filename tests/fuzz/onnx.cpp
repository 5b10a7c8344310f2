// SPDX-License-Identifier: BSD-3-Clause
/// Fuzz target: the reader of ONNX models, given any bytes, makes a network whose shapes fit and whose
/// weights are finite or throws spinet::file_error.
#include "fuzz.hpp"
#include "wiring.hpp"
#include <spinet/readers/onnx/onnx.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static fuzz::directory const directory;
    auto const path = directory.write("input.onnx", data, size);
    (void)spinet::onnx_model{}.recognises(path);
    for (auto const& shape : {std::vector<std::size_t>{}, std::vector<std::size_t>{5, 6}}) {
        try {
            auto const net = [&] {
                fuzz::memory_bound const bound(fuzz::allowance(size));
                return spinet::onnx_model{shape}(path);
            }();
            fuzz::require(!net.nodes().empty(), "a network without nodes");
            fuzz::require(result_shapes(net).size() == net.nodes().size(), "a node without a shape");
            for (auto const& node : net.nodes())
                if (auto const* const layer = node.op.get_if<spinet::dense>())
                    fuzz::require_finite(layer->weight);
            fuzz::wire(net);
        } catch (spinet::file_error const& reason) {
            fuzz::require(!reason.path().empty(), "a message without a file");
        }
    }
    return 0;
}
