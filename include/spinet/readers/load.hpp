// SPDX-License-Identifier: BSD-3-Clause
/// `load_network(path)`: a network from a file, by the first reader which recognises it.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/safetensors/safetensors.hpp>

#include <concepts>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace spinet {

/// Reads one format of network files; a value, its options being its members.
/// Valid expressions for a `Reader const reader`: `reader.name()`, for messages; `reader.recognises(path)`,
/// by content or extension, cheap and without exceptions; `reader(path)`, the network or a `file_error` which
/// names the file. Law: what one reader recognises no other format would take, so that the order of readers
/// seldom matters. Models: safetensors.
template <class Reader>
concept NetworkReader = requires(Reader const& reader, std::filesystem::path const& path) {
    { reader.name() } -> std::convertible_to<std::string_view>;
    { reader.recognises(path) } -> std::convertible_to<bool>;
    { reader(path) } -> std::convertible_to<network>;
};

/// The network in the file `path`, by the first of `readers` which recognises it; without readers, by
/// `safetensors{}`. Throws `file_error` where the file is missing or empty, no reader recognises it, or its
/// reader refuses it.
template <NetworkReader... Readers>
[[nodiscard]] network load_network(std::filesystem::path const& path, Readers const&... readers) {
    if constexpr (sizeof...(readers) == 0) {
        return load_network(path, safetensors{});
    } else {
        input_file const file(path);  // so that a missing file is not reported as an unknown format
        std::optional<network> result;
        std::string tried;
        auto const attempt = [&](auto const& reader) {
            tried += (tried.empty() ? "" : ", ") + std::string(std::string_view(reader.name()));
            if (!reader.recognises(path)) return false;
            result.emplace(reader(path));
            return true;
        };
        if (!(attempt(readers) || ...)) file.refuse("no reader recognises this file; tried: " + tried);
        return *std::move(result);
    }
}

}  // namespace spinet
