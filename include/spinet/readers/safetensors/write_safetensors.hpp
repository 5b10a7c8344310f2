// SPDX-License-Identifier: BSD-3-Clause
/// Writes tensors, or the weights of a network, into a safetensors file.
#pragma once

#include <spinet/error.hpp>
#include <spinet/io/atomic_file.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/safetensors/header.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spinet {

/// What a safetensors file says of itself in `__metadata__`.
using safetensors_metadata = std::map<std::string, std::string>;

/// Writes the tensors under their names, bit for bit and in their types. The file is there whole or not at
/// all and may be one that the tensors are windows on. Throws `file_error`, naming the tensor, where a name
/// is empty, there twice, `__metadata__` or not UTF-8, or where spinet would not read the file again; and
/// where it cannot be written. Memory: the header. Laid out as the reference implementation does it
/// (https://github.com/huggingface/safetensors): 8-byte types first and then by name, the header padded with
/// spaces to a multiple of 8 bytes.
inline void write_safetensors(std::filesystem::path const& path, std::vector<tensor> const& tensors,
                              safetensors_metadata const& metadata = {});

/// The same under the names of the map.
inline void write_safetensors(std::filesystem::path const& path, std::map<std::string, tensor> const& tensors,
                              safetensors_metadata const& metadata = {}) {
    std::vector<tensor> named;
    named.reserve(tensors.size());
    for (auto const& [name, values] : tensors) named.push_back(values.renamed(name));
    write_safetensors(path, named, metadata);
}

/// Writes NAME.weight and NAME.bias of each dense layer NAME, as `safetensors` reads them. The format holds
/// neither activations nor the order of layers, which the options of the reader give. Throws `file_error`,
/// naming the node, where there is another operation than dense layers and activations.
inline void write_safetensors(std::filesystem::path const& path, network const& net,
                              safetensors_metadata const& metadata = {});

namespace detail {

/// As the format calls it.
[[nodiscard]] inline std::string_view safetensors_name(dtype type) {
    auto const of_type = [&](safetensors_type const& candidate) { return candidate.type == type; };
    return std::find_if(safetensors_types.begin(), safetensors_types.end(), of_type)->name;
}

/// The text as a JSON string. Throws `file_error` where it is not UTF-8; `what` says which it is.
[[nodiscard]] inline std::string json_text(std::filesystem::path const& path, std::string const& text,
                                           std::string const& what) {
    try {
        return nlohmann::json(text).dump();
    } catch (nlohmann::json::exception const&) {
        throw file_error(path.string(), "cannot be written: ", what, " ", in_quotes(text), " is not UTF-8");
    }
}

/// The tensors in the order of the reference: wider types first, of equal width bf16 before f16; then by
/// name.
[[nodiscard]] inline std::vector<tensor const*> in_file_order(std::vector<tensor> const& tensors) {
    std::vector<tensor const*> order;
    order.reserve(tensors.size());
    for (auto const& each : tensors) order.push_back(&each);
    std::stable_sort(order.begin(), order.end(), [](tensor const* a, tensor const* b) {
        return a->type() != b->type() ? a->type() > b->type() : a->name() < b->name();
    });
    return order;
}

/// Throws where the file could not be read again.
inline void check_names(std::filesystem::path const& path, std::vector<tensor const*> const& order) {
    std::vector<std::string_view> names;
    for (auto const* each : order) {
        std::string const what = "cannot be written: " + each->described();
        if (each->name().empty()) throw file_error(path.string(), what, " has no name");
        if (each->name() == "__metadata__")
            throw file_error(path.string(), what, " has the name of what is no tensor in a safetensors file");
        if (each->rank() > most_dimensions)
            throw file_error(path.string(), what, " has rank ", each->rank(), ", over the limit of ",
                             most_dimensions);
        names.push_back(each->name());
    }
    std::sort(names.begin(), names.end());
    auto const twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end())
        throw file_error(path.string(), "cannot be written: two tensors have the name ", in_quotes(*twice));
}

[[nodiscard]] inline std::string safetensors_header_text(std::filesystem::path const& path,
                                                         std::vector<tensor const*> const& order,
                                                         safetensors_metadata const& metadata) {
    std::string text;
    for (auto const& [key, value] : metadata) {
        text += text.empty() ? R"("__metadata__":{)" : ",";
        text += json_text(path, key, "the key of metadata") + ":";
        text += json_text(path, value, "the metadata");
    }
    if (!text.empty()) text += "}";
    std::size_t begin = 0;
    for (auto const* each : order) {
        if (!text.empty()) text += ",";
        text += json_text(path, each->name(), "the name of a tensor,") + R"(:{"dtype":")";
        text += safetensors_name(each->type());
        text += R"(","shape":[)";
        for (std::size_t axis = 0; axis < each->rank(); ++axis) {
            if (axis > 0) text += ",";
            text += std::to_string(each->shape()[axis]);
        }
        text += R"(],"data_offsets":[)" + std::to_string(begin) + ",";
        begin += each->bytes().size();
        text += std::to_string(begin) + "]}";
    }
    text = "{" + text + "}";
    text.resize((text.size() + 7) / 8 * 8, ' ');
    return text;
}

/// The tensors of a network by their names, for operations whose names have a convention: the one place where
/// others are added.
[[nodiscard]] inline std::vector<tensor> named_tensors(std::filesystem::path const& path,
                                                       network const& net) {
    std::vector<tensor> found;
    for (auto const& [name, op, inputs] : net.nodes())
        if (auto const* layer = op.get_if<dense>()) {
            found.push_back(layer->weight.renamed(name + ".weight"));
            if (layer->bias) found.push_back(layer->bias->renamed(name + ".bias"));
        } else if (!op.is<input>() && !op.is<activation>()) {
            throw file_error(path.string(), "cannot be written: node ", in_quotes(name), " is of kind ",
                             op.label(),
                             ", for whose tensors a safetensors file has no names here; "
                             "dense layers and activations can be written");
        }
    return found;
}

}  // namespace detail

inline void write_safetensors(std::filesystem::path const& path, std::vector<tensor> const& tensors,
                              safetensors_metadata const& metadata) {
    auto const order = detail::in_file_order(tensors);
    detail::check_names(path, order);
    // The reader counts four keys of a tensor: its name and three more.
    if (4 * order.size() + metadata.size() + (metadata.empty() ? 0 : 1) > detail::json_events::most_keys)
        throw file_error(path.string(), "cannot be written: ", order.size(),
                         " tensors are too many for one file");
    auto const header = detail::safetensors_header_text(path, order, metadata);
    if (header.size() > detail::largest_header)
        throw file_error(path.string(), "cannot be written: its header would have ", header.size(),
                         " bytes, over the limit of ", detail::largest_header);
    std::uint64_t const length = header.size();
    std::string start(sizeof length, '\0');
    std::memcpy(start.data(), &length, sizeof length);
    std::vector<std::string_view> pieces{start, header};
    for (auto const* each : order)
        pieces.emplace_back(reinterpret_cast<char const*>(each->bytes().data()), each->bytes().size());
    write_atomically(path, std::span<std::string_view const>(pieces));
}

inline void write_safetensors(std::filesystem::path const& path, network const& net,
                              safetensors_metadata const& metadata) {
    write_safetensors(path, detail::named_tensors(path, net), metadata);
}

}  // namespace spinet
