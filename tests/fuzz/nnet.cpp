// SPDX-License-Identifier: BSD-3-Clause
/// libFuzzer on NNet files: a file is read, to finite values, or refused by a file_error.
#include <spinet/network/nnet.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <unistd.h>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const place = std::filesystem::is_directory("/dev/shm") ? std::filesystem::path("/dev/shm")
                                                                 : std::filesystem::temp_directory_path();
    auto const path = place / ("spinet_fuzz_nnet_" + std::to_string(::getpid()) + ".nnet");
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<char const*>(data), static_cast<std::streamsize>(size));
    try {
        auto const net = spinet::nnet{}(path);
        for (auto const& layer : dense_chain(net)) {
            std::vector<double> values(layer.weight.size());
            layer.weight.copy_to(std::span<double>(values));
            for (double const value : values)
                if (!std::isfinite(value)) std::abort();
        }
    } catch (spinet::file_error const&) {
    }
    std::filesystem::remove(path);
    return 0;
}
