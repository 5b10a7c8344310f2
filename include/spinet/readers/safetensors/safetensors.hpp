// SPDX-License-Identifier: BSD-3-Clause
/// The reader of safetensors files: the weights of a multilayer perceptron, or of any architecture given.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/mapped_file.hpp>
#include <spinet/readers/safetensors/header.hpp>
#include <spinet/readers/safetensors/index.hpp>
#include <spinet/readers/weights.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spinet {

/// Reads `NAME.weight` of shape (out, in) and, where it is there, `NAME.bias` of shape (out), of F32, F64,
/// F16 or BF16, in any order, as dense layers. Batch and layer normalisation and PReLU between them are found
/// by names and shapes where these leave one place. Weights of weight or spectral normalisation and of
/// pruning, in PyTorch's names, and quantised ones with their scales (`NAME.weight_scale`) are computed (see
/// derived_weights.hpp). Other tensors of integers are bookkeeping, skipped with a note; any other tensor is
/// refused, because a network without it would be another network, unless `layers` or `ignored` say so. Of a
/// network in several files, give the index, `NAME.safetensors.index.json`, which lies beside them.
struct safetensors {
    /// The names of the layers from input to output, without ".weight"; all other tensors are skipped with a
    /// note. Empty: all layers, ordered by `ordered_layers`.
    std::vector<std::string> layers = {};
    /// Full names of tensors to skip, with a note.
    std::vector<std::string> ignored = {};
    /// The format does not store activations: after each layer but the last, and after the last.
    activation_kind hidden = activation_kind::unspecified;
    activation_kind output = activation_kind::unspecified;
    /// What the network is, where it is more than a chain of dense layers; the tensors that it does not name
    /// are listed in notes.
    network_architecture architecture = {};
    /// Of several networks in one file, such as actor and critic, the one of that name: what the names of its
    /// tensors begin with, which they then lose, or its last layer, "action_net". Not needed where there is
    /// only one; a file of several is refused with their names and shapes.
    std::string network = {};

    [[nodiscard]] static std::string_view name() noexcept { return "safetensors"; }

    /// By the end of the name or, failing that, by the first nine bytes. False where the file cannot be read.
    [[nodiscard]] bool recognises(std::filesystem::path const& path) const;

    /// Throws `file_error`, which names file, tensor and index, where the file is not valid, holds no chain
    /// of dense layers or a value that is not finite; where there are shards, also where one is missing or
    /// damaged, or a tensor is not in that shard, and no other, which the index names. The tensors are
    /// windows on the mapped file, in its types: memory is a small multiple of the header. The file may be
    /// removed or replaced afterwards, but not changed in place or shortened (see `mapped_file`).
    [[nodiscard]] spinet::network operator()(std::filesystem::path const& path) const;
};

namespace detail {

/// The tensors of one file, or of all shards.
struct safetensors_tensors {
    std::map<std::string, listed_tensor, std::less<>> listed;
    std::map<std::string, tensor, std::less<>> values;  ///< of those with a `dtype`: windows on mapped files
    std::map<std::string, byte_source, std::less<>> packed;  ///< of those of a packed type, likewise
    std::vector<std::string> notes;
};

/// Adds those tensors of a file whose entries `wanted` accepts.
inline void add_tensors(safetensors_tensors& to, input_file& file,
                        std::function<bool(safetensors_entry const&)> const& wanted) {
    auto const header = read_safetensors_header(file);
    mapped_file const data(file);
    for (auto const& [name, entry] : header.tensors) {
        if (!wanted(entry)) continue;
        auto const& type = *entry.type;
        to.listed.emplace(name, listed_tensor{name, std::string(type.name), type.whole, type.type,
                                              entry.shape, type.packed});
        if (type.type)
            to.values.emplace(
                name,
                tensor(name, *type.type, std::vector<std::size_t>(entry.shape.begin(), entry.shape.end()),
                       data.bytes(), static_cast<std::size_t>(header.data_begin + entry.begin)));
        else if (type.packed != packed_type::none)
            to.packed.emplace(name, byte_source(std::make_shared<byte_source>(data.bytes()),
                                                data.bytes().bytes().subspan(
                                                    static_cast<std::size_t>(header.data_begin + entry.begin),
                                                    static_cast<std::size_t>(entry.end - entry.begin))));
    }
}

/// The tensors that the index lists, from its shards. Others in the shards get a note: the Hugging Face
/// libraries, too, leave out what the model does not ask for.
[[nodiscard]] inline safetensors_tensors tensors_of_shards(input_file& index_file) {
    auto const index = read_safetensors_index(index_file);
    std::set<std::string, std::less<>> shards;
    for (auto const& listing : index.shard_of) shards.insert(listing.second);
    auto const directory = std::filesystem::path(index_file.path()).parent_path();
    safetensors_tensors result;
    for (auto const& shard : shards) {
        input_file file(directory / shard);
        add_tensors(result, file, [&](safetensors_entry const& entry) {
            auto const at = index.shard_of.find(entry.name);
            if (at == index.shard_of.end())
                result.notes.push_back(text("ignored tensor ", in_quotes(entry.name), " of dtype ",
                                            entry.type->name, ": it is in the file ", in_quotes(shard),
                                            ", but not in the index"));
            else if (at->second != shard)
                file.refuse("tensor ", in_quotes(entry.name), " is in this file, but the index puts it into ",
                            in_quotes(at->second));
            return at != index.shard_of.end();
        });
    }
    for (auto const& [name, shard] : index.shard_of)
        if (result.listed.count(name) == 0)
            index_file.refuse("tensor ", in_quotes(name), " is not in the file ", in_quotes(shard),
                              ", into which the index puts it");
    return result;
}

[[nodiscard]] inline safetensors_tensors tensors_of_file(input_file& file) {
    safetensors_tensors result;
    add_tensors(result, file, [](safetensors_entry const&) { return true; });
    return result;
}

}  // namespace detail

inline bool safetensors::recognises(std::filesystem::path const& path) const {
    if (path.extension() == ".safetensors" || is_safetensors_index(path)) return true;
    return detail::recognised(path, [](input_file& file) {
        if (file.size() < 10) return false;
        std::uint64_t length = 0;
        file.read(0, std::as_writable_bytes(std::span(&length, 1)));
        return file.text(8, 1) == "{" && length >= 2 && length <= detail::largest_header &&
               length <= file.size() - 8;
    });
}

inline spinet::network safetensors::operator()(std::filesystem::path const& path) const {
    return detail::network_from(path, [&] {
        input_file file(path);
        auto const found =
            is_safetensors_index(path) ? detail::tensors_of_shards(file) : detail::tensors_of_file(file);
        detail::memory_allowance memory(file.size());
        if (is_safetensors_index(path)) {  // the tensors are in the shards
            for (auto const& each : found.values) memory.grant(10 * each.second.bytes().size());
            for (auto const& each : found.packed) memory.grant(10 * each.second.size());
        }
        auto result = detail::chain_reading(
                          found.listed, {layers, ignored, hidden, output, architecture, network},
                          [&](detail::listed_tensor const& of) { return found.values.find(of.name)->second; },
                          [&](detail::listed_tensor const& of) { return found.packed.find(of.name)->second; },
                          {}, &memory)
                          .run();
        for (auto const& note : found.notes) result.add_note(note);
        return result;
    });
}

}  // namespace spinet
