// SPDX-License-Identifier: BSD-3-Clause
/// Fuzz target: any bytes as an architecture are read or refused by spinet::file_error. What is read is
/// assembled with the weights of each network of tests/data/exported, to a network whose shapes fit or a
/// file_error; and what is not larger than spins that a test can hold is wired, or refused by spinet::error.
#include "fuzz.hpp"
#include <spinet/mapping/wire_network.hpp>
#include <spinet/network/architecture_file.hpp>
#include <spinet/network/safetensors.hpp>
#include <spinet/network/shapes.hpp>

#include <array>

namespace {

constexpr std::array weights = {"mlp", "lenet", "resnet_block", "rnn", "gru", "lstm", "transformer"};
constexpr std::size_t most_values = 100'000, most_steps = 100;

/// Whether what the network makes of one input is small. A file of a hundred bytes may ask for 2^60 numbers.
bool is_small(spinet::network const& net) {
    std::size_t all = 0;
    for (auto const& [name, shape] : result_shapes(net)) {
        std::size_t size = 1;
        for (auto const n : shape) {
            if (n > most_values) return false;
            size *= n;
            if (size > most_values) return false;
        }
        all += size;
        if (all > most_values || (shape.size() == 2 && shape[0] > most_steps)) return false;
    }
    return true;
}

void wire(spinet::network const& net, spinet::recurrence layout) {
    try {
        fuzz::memory_bound const bound(std::size_t{512} << 20);
        auto const made = wire_network(net, layout);
        fuzz::require(!made.parts.empty(), "a wiring without parts");
        for (auto const& wire : made.wires) {
            fuzz::require(wire.from < made.parts.size() && wire.to < made.parts.size(), "a wire to nowhere");
            fuzz::require(wire.map->columns() == made.parts[wire.from].size() &&
                              wire.map->rows() == made.parts[wire.to].size(),
                          "a wire that does not fit its parts");
        }
    } catch (spinet::error const&) {
    }
}

void assemble(spinet::network_architecture const& architecture, char const* name, std::size_t size) {
    std::string const path = std::string(SPINET_SOURCE_DIR "/tests/data/exported/") + name + ".safetensors";
    try {
        auto const net = [&] {
            fuzz::memory_bound const bound(fuzz::allowance(size + std::filesystem::file_size(path)));
            return spinet::safetensors{.architecture = architecture}(path);
        }();
        if (!is_small(net)) return;
        wire(net, spinet::recurrence::unrolled);
        wire(net, spinet::recurrence::ring);
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
