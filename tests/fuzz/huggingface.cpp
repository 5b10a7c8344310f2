// SPDX-License-Identifier: BSD-3-Clause
/// Fuzz target: any bytes as config.json beside the weights of a model of tests/data/huggingface, which the
/// first byte chooses, are read or refused by spinet::file_error. What is read and small is wired, or refused
/// by spinet::error.
#include "fuzz.hpp"
#include "wiring.hpp"
#include <spinet/readers/huggingface/huggingface.hpp>

#include <array>
#include <filesystem>
#include <string>

namespace {

constexpr std::array models = {"bert",         "bert_classifier",  "roberta", "distilbert", "gpt2",
                               "gpt_neox",     "mistral",          "qwen2",   "gemma",      "vit",
                               "resnet_basic", "resnet_bottleneck"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static fuzz::directory const directory;
    if (size == 0) return 0;
    std::string const weights = std::string(SPINET_SOURCE_DIR "/tests/data/huggingface/") +
                                models[data[0] % models.size()] + "/model.safetensors";
    auto const config = directory.write("config.json", data + 1, size - 1);
    auto const link = config.parent_path() / "model.safetensors";
    std::filesystem::remove(link);
    std::filesystem::create_symlink(weights, link);
    try {
        auto const net = [&] {
            fuzz::memory_bound const bound(fuzz::allowance(size + std::filesystem::file_size(weights)));
            return spinet::huggingface<>{}(config.parent_path());
        }();
        fuzz::wire(net);
    } catch (spinet::file_error const& reason) {
        auto const& named = reason.path();
        fuzz::require(named == config || named == link, "a message without the file");
    }
    return 0;
}
