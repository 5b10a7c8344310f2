// SPDX-License-Identifier: BSD-3-Clause
/// Fuzz target: the reader of Keras's files, HDF5 and .keras, given any bytes, makes a network whose shapes
/// fit and whose weights are finite or throws spinet::file_error. As for users, libhdf5 is in a process of
/// its own, since it is known to crash and to hang; with SPINET_FUZZ_IN_PROCESS in the environment it is not,
/// so that libFuzzer sees what is covered and sanitizers are heard. What it then finds may be libhdf5's.
#include "fuzz.hpp"
#include "wiring.hpp"
#include <spinet/readers/keras/keras.hpp>

#include <chrono>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static fuzz::directory const directory;
    static bool const in_process = std::getenv("SPINET_FUZZ_IN_PROCESS") != nullptr;
    auto const path = directory.write("input.keras", data, size);
    spinet::keras_hdf5 const reader{.time_limit = std::chrono::milliseconds(in_process ? 0 : 2000)};
    (void)reader.recognises(path);
    try {
        auto const net = [&] {
            fuzz::memory_bound const bound(4 * fuzz::allowance(size));  // as keras.hpp says
            return reader(path);
        }();
        fuzz::require_sound(net);
        fuzz::wire(net);
    } catch (spinet::file_error const& reason) {
        fuzz::require(!reason.path().empty(), "a message without a file");
    }
    return 0;
}
