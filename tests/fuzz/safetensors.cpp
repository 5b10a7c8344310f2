// SPDX-License-Identifier: BSD-3-Clause
/// Fuzz target: the reader of safetensors files, given any bytes, loads finite weights or throws
/// spinet::file_error.
#include "fuzz.hpp"
#include <spinet/readers/safetensors/safetensors.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static fuzz::directory const directory;
    auto const path = directory.write("input.safetensors", data, size);
    fuzz::read_network(spinet::safetensors{}, path, fuzz::allowance(size));
    fuzz::read_network(spinet::safetensors{.network = "a"}, path, fuzz::allowance(size));
    return 0;
}
