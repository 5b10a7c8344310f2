// SPDX-License-Identifier: BSD-3-Clause
/// The reader of safetensors files: the weights of a multilayer perceptron, or of any architecture given.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/file.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/safetensors_header.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/network/weights.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet {

/// Reads `NAME.weight` of shape (out, in) and, where it is there, `NAME.bias` of shape (out), of F32, F64,
/// F16 or BF16, in any order, as dense layers. Other tensors of integers are bookkeeping, skipped with a
/// note; any other tensor is refused, because a network without it would be another network, unless `layers`
/// or `ignored` say so.
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

    [[nodiscard]] static std::string_view name() noexcept { return "safetensors"; }

    /// By extension or, failing that, by the first nine bytes. False where the file cannot be read.
    [[nodiscard]] bool recognises(std::filesystem::path const& path) const;

    /// Throws `file_error`, which names file, tensor and index, where the file is not valid, holds no chain
    /// of dense layers or a value that is not finite. Memory: the bytes of the tensors read.
    [[nodiscard]] network operator()(std::filesystem::path const& path) const;
};

namespace detail {

/// The bytes of one tensor; their number is bounded by the file's, which the header was checked against.
inline tensor load_safetensors_entry(input_file& file, safetensors_header const& header,
                                     safetensors_entry const& entry) {
    if (entry.end - entry.begin > std::numeric_limits<std::size_t>::max() / 2)
        file.refuse("tensor " + in_quotes(entry.name) + " is too large for this machine");
    auto bytes = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(entry.end - entry.begin));
    file.read(header.data_begin + entry.begin, *bytes);
    return {entry.name, *entry.type->type, std::vector<std::size_t>(entry.shape.begin(), entry.shape.end()),
            std::move(bytes)};
}

}  // namespace detail

inline bool safetensors::recognises(std::filesystem::path const& path) const {
    if (path.extension() == ".safetensors") return true;
    try {
        input_file file(path);
        if (file.size() < 10) return false;
        std::uint64_t length = 0;
        char first = 0;
        file.read(0, std::as_writable_bytes(std::span(&length, 1)));
        file.read(8, std::as_writable_bytes(std::span(&first, 1)));
        return first == '{' && length >= 2 && length <= detail::largest_header && length <= file.size() - 8;
    } catch (error const&) {
        return false;
    }
}

inline network safetensors::operator()(std::filesystem::path const& path) const {
    input_file file(path);
    auto const header = read_safetensors_header(file);
    detail::listed_tensors listed;
    for (auto const& [key, entry] : header.tensors)
        listed.emplace(key, detail::listed_tensor{entry.name, std::string(entry.type->name),
                                                  entry.type->whole, entry.type->type, entry.shape});
    return detail::chain_reading(file, listed, {layers, ignored, hidden, output, architecture},
                                 [&](detail::listed_tensor const& wanted) {
                                     return detail::load_safetensors_entry(
                                         file, header, header.tensors.find(wanted.name)->second);
                                 })
        .run(path);
}

}  // namespace spinet
