// SPDX-License-Identifier: BSD-3-Clause
/// What a reader of network files is.
#pragma once

#include <spinet/network/network.hpp>

#include <concepts>
#include <filesystem>
#include <string_view>

namespace spinet {

/// Reads one format of network files. A reader is a value whose options are its members; `load_network` uses
/// nothing but the following expressions of a `Reader const reader`, and neither copies nor moves it.
///
///     reader.name()            the format, for messages
///     reader.recognises(path)  whether the file has this format, by its extension or its first bytes
///     reader(path)             the network in the file
///
/// Laws: `recognises` is cheap, and does not throw for a file that it cannot read. It accepts no file of
/// another reader's format, so that the order of readers seldom matters. `reader(path)` throws `error` with
/// what is wrong with the file. Neither the message nor the network's source has to name the file:
/// `load_network` adds both.
template <class Reader>
concept NetworkReader = requires(Reader const& reader, std::filesystem::path const& path) {
    { reader.name() } -> std::convertible_to<std::string_view>;
    { reader.recognises(path) } -> std::convertible_to<bool>;
    { reader(path) } -> std::convertible_to<network>;
};

}  // namespace spinet
