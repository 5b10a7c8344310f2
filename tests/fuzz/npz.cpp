// SPDX-License-Identifier: BSD-3-Clause
/// Fuzz target: the reader of npz files, given any bytes, loads finite weights or throws spinet::file_error.
#include "fuzz.hpp"
#include <spinet/readers/numpy/npz.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static fuzz::directory const directory;
    auto const path = directory.write("input.npz", data, size);
    fuzz::read_network(spinet::npz{}, path, fuzz::allowance(size));
    return 0;
}
