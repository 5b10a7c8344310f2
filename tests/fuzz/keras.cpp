// SPDX-License-Identifier: BSD-3-Clause
/// libFuzzer on Keras's HDF5 files: a file is read, to finite values, or refused by a file_error. libhdf5 is
/// in a process of its own, as it is for users, since it is known to crash and to hang.
#include <spinet/network/keras.hpp>

#include <chrono>
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
    auto const path = place / ("spinet_fuzz_keras_" + std::to_string(::getpid()) + ".h5");
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<char const*>(data), static_cast<std::streamsize>(size));
    try {
        spinet::keras_hdf5 const reader{.time_limit = std::chrono::milliseconds(500)};
        auto const net = reader(path);
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
