// SPDX-License-Identifier: BSD-3-Clause
/// Fuzz target: any bytes as an architecture are read or refused by spinet::file_error. What is read is
/// assembled with the weights of each network of tests/data/exported, to a network whose shapes fit or a
/// file_error; and what is not larger than spins that a test can hold is wired, or refused by spinet::error.
#include "architecture_mutator.hpp"
#include "fuzz.hpp"
#include "wiring.hpp"
#include <spinet/readers/architecture_file.hpp>
#include <spinet/readers/safetensors/safetensors.hpp>

#include <algorithm>
#include <array>

namespace {

constexpr std::array weights = {"mlp", "lenet", "resnet_block", "rnn", "gru", "lstm", "transformer"};

void assemble(spinet::network_architecture const& architecture, char const* name, std::size_t size) {
    std::string const path = std::string(SPINET_SOURCE_DIR "/tests/data/exported/") + name + ".safetensors";
    try {
        auto const net = [&] {
            fuzz::memory_bound const bound(fuzz::allowance(size + std::filesystem::file_size(path)));
            return spinet::safetensors{.architecture = architecture}(path);
        }();
        fuzz::wire(net);
    } catch (spinet::file_error const& reason) {
        fuzz::require(reason.path() == path, "a message without the file");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static fuzz::directory const directory;
    auto const path = directory.write("input.json", data, size);
    try {
        auto const architecture = [&] {
            fuzz::memory_bound const bound(fuzz::allowance(size));
            return spinet::read_architecture(path);
        }();
        for (auto const* name : weights) assemble(architecture, name, size);
    } catch (spinet::file_error const& reason) {
        fuzz::require(reason.path() == path, "a message without the file");
    }
    return 0;
}

#if defined(SPINET_FUZZ)
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

/// libFuzzer's own changes, or those of fuzz::architecture_mutator.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned seed) {
    if (seed % 4 != 0) {
        auto const changed =
            fuzz::architecture_mutator(seed)(std::string(reinterpret_cast<char const*>(data), size));
        if (!changed.empty() && changed.size() <= most) {
            std::copy(changed.begin(), changed.end(), data);
            return changed.size();
        }
    }
    return LLVMFuzzerMutate(data, size, most);
}
#endif
