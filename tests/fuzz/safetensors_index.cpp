// SPDX-License-Identifier: BSD-3-Clause
/// Fuzz target: the index of a network in several safetensors files, beside two sound shards, a.safetensors
/// with the tensors 0.weight and 0.bias and b.safetensors with 2.weight.
#include "fuzz.hpp"
#include <spinet/readers/safetensors/safetensors.hpp>

#include <string>

namespace {

std::string shard(std::string const& header, std::size_t numbers) {
    std::string bytes(8, '\0');
    bytes[0] = static_cast<char>(header.size());  // below 256
    bytes += header;
    bytes.append(4 * numbers, '\0');
    return bytes;
}

std::string entry(std::string const& name, std::string const& shape, int begin, int end) {
    return "\"" + name + R"(":{"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[)" +
           std::to_string(begin) + "," + std::to_string(end) + "]}";
}

struct shards_on_disk : fuzz::directory {
    shards_on_disk() {
        add("a.safetensors",
            shard("{" + entry("0.weight", "2,3", 0, 24) + "," + entry("0.bias", "2", 24, 32) + "}", 8));
        add("b.safetensors", shard("{" + entry("2.weight", "1,2", 0, 8) + "}", 2));
    }
    void add(std::string const& name, std::string const& bytes) const {
        (void)write(name, reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size());
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static shards_on_disk const directory;
    auto const path = directory.write("model.safetensors.index.json", data, size);
    fuzz::read_network(spinet::safetensors{}, path, fuzz::allowance(size));
    return 0;
}
