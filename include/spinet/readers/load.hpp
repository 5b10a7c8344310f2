// SPDX-License-Identifier: BSD-3-Clause
/// `load_network(path)`: a network from a file, by the first reader which recognises it.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/readers/concepts.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/huggingface/huggingface.hpp>
#include <spinet/readers/safetensors/safetensors.hpp>

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

namespace spinet {

/// Reads the network in the file or folder `path` by the first of `readers` that recognises it (without
/// readers, by `huggingface<>{}` or `safetensors{}`). Each reader has to satisfy NetworkReader. Throws
/// `file_error` where the file is missing or empty, no reader recognises it, or its reader refuses it; and
/// for weights beyond the range of float, which a reader called by itself gives.
template <class... Readers>
[[nodiscard]] network load_network(std::filesystem::path const& path, Readers const&... readers) {
    static_assert((NetworkReader<Readers> && ...),
                  "load_network takes readers after the path: types with name(), recognises(path) and "
                  "operator()(path), all const (see NetworkReader)");
    if constexpr (sizeof...(readers) == 0) {
        return load_network(path, huggingface<>{}, safetensors{});
    } else if constexpr ((NetworkReader<Readers> && ...)) {
        bool const folder = detail::is_folder(path);
        if (!folder) input_file const file(path);  // or a missing file would be reported as an unknown format
        return detail::network_from(path, [&] {
            network result;
            std::string tried;
            std::set<std::string> named;
            auto const attempt = [&](auto const& reader) {
                std::string_view const name = reader.name();
                if (named.insert(std::string(name)).second)
                    tried += (tried.empty() ? "" : ", ") + std::string(name);
                bool const recognised = reader.recognises(path);
                if (recognised) result = reader(path);
                return recognised;
            };
            bool const found = (attempt(readers) || ...);
            if (!found && folder) detail::refuse_folder(path);
            if (!found) throw error("no reader recognises this file; tried: ", tried);
            for (auto const& each : result.nodes()) detail::check_range(each);
            return result;
        });
    }
}

}  // namespace spinet
