// SPDX-License-Identifier: BSD-3-Clause
/// Any bytes as an ONNX model: a network, or a file_error; nothing else.
#include <spinet/network/onnx.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace {

std::filesystem::path const& input_path() {
    static std::filesystem::path const path = [] {
        auto const memory = std::filesystem::path("/dev/shm");
        auto const directory =
            std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
        return directory / ("spinet_fuzz_" + std::to_string(::getpid()) + ".onnx");
    }();
    return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::ofstream(input_path(), std::ios::binary)
        .write(reinterpret_cast<char const*>(data), static_cast<std::streamsize>(size));
    for (auto const& shape : {std::vector<std::size_t>{}, std::vector<std::size_t>{5, 6}}) {
        try {
            auto const net = spinet::onnx_model{shape}(input_path());
            if (net.nodes().empty()) std::abort();
        } catch (spinet::file_error const&) {
        }
    }
    return 0;
}
