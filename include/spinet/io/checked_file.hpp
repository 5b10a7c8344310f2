// SPDX-License-Identifier: BSD-3-Clause
/// Files of arrays that are written whole or not at all, and checked when they are read.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/detail/fingerprint.hpp>
#include <spinet/error.hpp>
#include <spinet/io/atomic_file.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace spinet::detail {

/// A file is a magic line, the arrays, each with its length before it and in the byte order of the machine,
/// and a 64-bit FNV-1a hash of all that. Throws spinet::file_error if the file cannot be written.
inline void write_checked(std::filesystem::path const& path, std::string_view magic, archive_writer body) {
    auto const bytes = std::move(body).take();
    std::string file(magic);
    file.append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    auto const hash = fingerprint().add(std::span<char const>(file)).value();
    file.append(reinterpret_cast<char const*>(&hash), sizeof hash);
    write_atomically(path, file);
}

/// parse(archive_reader&) of the arrays of such a file. Throws spinet::file_error where the file is missing,
/// begins with another line (it is then not `what`), or is damaged.
template <class Parse>
[[nodiscard]] auto read_checked(std::filesystem::path const& path, std::string_view magic,
                                std::string const& what, Parse&& parse) {
    std::string const file = read_whole(path);
    if (!std::string_view(file).starts_with(magic)) throw file_error(path.string(), "is not ", what);
    std::uint64_t hash = 0;
    if (file.size() < magic.size() + sizeof hash)
        throw file_error(path.string(), "the checkpoint is truncated");
    std::size_t const end = file.size() - sizeof hash;
    std::memcpy(&hash, file.data() + end, sizeof hash);
    if (hash != fingerprint().add(std::span<char const>(file.data(), end)).value())
        throw file_error(path.string(), "the checkpoint is truncated or damaged: its hash does not match");
    try {
        archive_reader in(
            std::as_bytes(std::span<char const>(file.data() + magic.size(), end - magic.size())));
        auto found = parse(in);
        if (!in.at_end()) throw error("damaged: bytes are left over");
        return found;
    } catch (file_error const&) {
        throw;
    } catch (error const& fault) {
        throw file_error(path.string(), "the checkpoint is ", fault.what());
    }
}

/// Tells when it is time to save: `seconds` after it was saved last.
class save_timer {
public:
    explicit save_timer(double seconds) : seconds_(seconds), last_(clock::now()) {}

    [[nodiscard]] bool due() const {
        return std::chrono::duration<double>(clock::now() - last_).count() >= seconds_;
    }
    void saved() { last_ = clock::now(); }

private:
    using clock = std::chrono::steady_clock;

    double seconds_;
    clock::time_point last_;
};

}  // namespace spinet::detail
