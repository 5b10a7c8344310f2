// SPDX-License-Identifier: BSD-3-Clause
/// Fuzz target: the reader of PyTorch's state dicts, given any bytes, loads finite weights or throws
/// spinet::file_error.
#include "fuzz.hpp"
#include <spinet/readers/torch/state_dict.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static fuzz::directory const directory;
    auto const path = directory.write("input.pt", data, size);
    fuzz::read_network(spinet::state_dict{}, path, fuzz::allowance(size));
    fuzz::read_network(spinet::state_dict{.network = "a"}, path, fuzz::allowance(size));
    return 0;
}
