// SPDX-License-Identifier: BSD-3-Clause
/// The reader of models of Hugging Face's transformers: weights beside a config.json.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/readers/concepts.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/huggingface/config.hpp>
#include <spinet/readers/huggingface/model_types.hpp>
#include <spinet/readers/safetensors/safetensors.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace spinet {

/// Reads a folder with a config.json and weights, or one of its files of weights: bert, distilbert, roberta,
/// gpt2, gpt_neox, llama, mistral, qwen2, gemma, vit and resnet, with the heads that are in the file. What
/// belongs where follows from `model_type` and the sizes in config.json, whatever stands before the names of
/// the tensors. Where the tensors are not those of the model, the file is read without config.json, with a
/// note. A network says in its notes that config.json was used. `Weights` reads the file: safetensors, or
/// state_dict for pytorch_model.bin.
template <class Weights = safetensors>
struct huggingface {
    /// Tokens (n), 1 by default; or, of images, (channels, height, width), by default as config.json says or
    /// (3, 224, 224).
    std::vector<std::size_t> input_shape = {};
    /// Where it has an architecture, layers or ignored tensors, those count, and config.json does not.
    Weights weights = {};

    [[nodiscard]] static std::string_view name() noexcept { return "huggingface"; }

    /// A folder, or a file that Weights recognises in a folder, whose config.json has a model_type that
    /// spinet knows.
    [[nodiscard]] bool recognises(std::filesystem::path const& path) const;

    /// Throws `file_error` as Weights does; where config.json is no object or lacks a number; where a tensor
    /// that the model has is missing, or a layer has one that the model does not have; and for quantised
    /// weights.
    [[nodiscard]] network operator()(std::filesystem::path const& path) const;
};

namespace detail {

[[nodiscard]] inline bool is_folder(std::filesystem::path const& path) {
    std::error_code none;
    return std::filesystem::is_directory(path, none);
}

/// The file of weights that a folder is read from: a config.json stands for its folder.
[[nodiscard]] inline std::filesystem::path weights_in(std::filesystem::path path) {
    std::error_code none;
    if (path.filename() == "config.json") path = path.parent_path() / ".";
    if (!is_folder(path)) return path;
    for (auto const* name : {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"})
        if (std::filesystem::exists(path / name, none)) return path / name;
    std::vector<std::filesystem::path> others;  // of another name, if there is no doubt
    for (auto const& each : std::filesystem::directory_iterator(path, none))
        if (each.path().extension() == ".safetensors") others.push_back(each.path());
    return others.size() == 1 ? others[0] : path;
}

/// The config.json of a file or folder.
[[nodiscard]] inline std::filesystem::path config_beside(std::filesystem::path const& path) {
    return (is_folder(path) ? path : path.parent_path()) / "config.json";
}

[[nodiscard]] inline std::string model_type_beside(std::filesystem::path const& path) {
    std::error_code none;
    if (!std::filesystem::is_regular_file(config_beside(path), none)) return {};
    return read_model_config(config_beside(path)).text_of({"model_type"}, "");
}

/// Why a folder cannot be read.
[[noreturn]] inline void refuse_folder(std::filesystem::path const& path) {
    std::error_code none;
    if (!std::filesystem::exists(config_beside(path), none))
        throw file_error(path.string(), "is a directory without config.json: give the file of the network");
    auto const type = model_type_beside(path);
    if (!is_known_model(type))
        throw file_error(path.string(),
                         text("its config.json has model_type ", in_quotes(type),
                              ", which spinet does not know: give the file of weights with an architecture"));
    if (std::filesystem::exists(path / "pytorch_model.bin.index.json", none))
        throw file_error(path.string(),
                         "its weights are in several PyTorch files: convert them to safetensors");
    throw file_error(path.string(),
                     "is a directory with neither model.safetensors, model.safetensors.index.json nor a "
                     "pytorch_model.bin that can be read");
}

}  // namespace detail

template <class Weights>
bool huggingface<Weights>::recognises(std::filesystem::path const& path) const {
    if (!weights.architecture.nodes.empty() || !weights.layers.empty() || !weights.ignored.empty())
        return false;
    auto const file = detail::weights_in(path);
    try {
        return !detail::is_folder(file) && weights.recognises(file) &&
               detail::is_known_model(detail::model_type_beside(file));
    } catch (error const&) {
        return false;
    }
}

template <class Weights>
network huggingface<Weights>::operator()(std::filesystem::path const& path) const {
    auto const file = detail::weights_in(path);
    auto const beside = detail::config_beside(file);
    auto const config = detail::read_model_config(beside);
    auto reader = weights;
    reader.architecture.of_tensors = [&](detail::listed_tensors const& tensors) {
        return detail::naming_file(beside,
                                   [&] { return detail::model_builder(config, tensors, input_shape).run(); });
    };
    auto made = reader(file);
    made.set_source(path);
    return made;
}

static_assert(NetworkReader<huggingface<>>);

}  // namespace spinet
