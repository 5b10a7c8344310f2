// SPDX-License-Identifier: BSD-3-Clause
/// Files that are written completely or not at all.
#pragma once

#include <spinet/error.hpp>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace spinet {

namespace detail {

/// Appends numbers in the form that printf's `format` says; at most 255 characters.
[[gnu::format(printf, 2, 3)]] inline void append_numbers(std::string& text, char const* format, ...) {
    char numbers[256];
    std::va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(numbers, sizeof numbers, format, arguments);
    va_end(arguments);
    text += numbers;
}

/// The file that writing to `path` is to replace, there or not: the end of the symbolic links that begin
/// there. A rename would put a file in the place of a directory, a device, a pipe or what a process has open
/// (/dev/stdout is a link to that), so those are refused.
[[nodiscard]] inline std::filesystem::path replaceable_file(std::filesystem::path const& path) {
    namespace fs = std::filesystem;
    std::error_code unknown;
    fs::path place = path;
    for (int links = 0;; ++links) {
        auto const directory = place.has_parent_path() ? place.parent_path() : fs::path(".");
        if (fs::canonical(directory, unknown).string().starts_with("/proc/"))
            throw file_error(path.string(), "cannot be written: it is what a process has open, not a file");
        if (!fs::is_symlink(fs::symlink_status(place, unknown))) break;
        if (links == 40) throw file_error(path.string(), "cannot be written: too many symbolic links");
        auto const next = fs::read_symlink(place, unknown);
        place = next.is_absolute() ? next : directory / next;
    }
    auto const type = fs::status(place, unknown).type();
    if (type == fs::file_type::directory)
        throw file_error(path.string(), "cannot be written: it is a directory");
    if (type != fs::file_type::regular && type != fs::file_type::not_found && type != fs::file_type::none)
        throw file_error(path.string(), "cannot be written: it is not a regular file");
    return place;
}

}  // namespace detail

/// Writes the pieces one after the other to `path` + ".part", flushes it to the disk and renames it to
/// `path`: a reader, or a crash at any moment, finds the old file or the new one. Where `path` is a symbolic
/// link, this is done with the file that it leads to. Throws spinet::file_error and leaves no partial file
/// behind; directories, devices, pipes and open files (/dev/stdout) are refused.
inline void write_atomically(std::filesystem::path const& path, std::span<std::string_view const> pieces) {
    auto const place = detail::replaceable_file(path);
    auto const part = place.string() + ".part";
    auto const refuse = [&](std::string const& step) {
        std::string const why = std::strerror(errno);
        std::error_code ignored;
        std::filesystem::remove(part, ignored);
        throw file_error(path.string(), "cannot be written: ", step, ": ", why);
    };
    std::FILE* const file = std::fopen(part.c_str(), "wb");
    // An obstacle of this name is not ours to remove.
    if (file == nullptr) throw file_error(path.string(), "cannot be written: open: ", std::strerror(errno));
    bool good = true;
    for (auto const bytes : pieces)
        good = good && (bytes.empty() || std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
    good = good && std::fflush(file) == 0;
#if __has_include(<unistd.h>)
    good = good && ::fsync(::fileno(file)) == 0;
#endif
    int const write_errno = errno;
    good = (std::fclose(file) == 0) && good;
    if (!good) {
        if (write_errno != 0) errno = write_errno;
        refuse("write");
    }
    if (std::rename(part.c_str(), place.string().c_str()) != 0) refuse("rename");
}

/// The same with all bytes in one piece.
inline void write_atomically(std::filesystem::path const& path, std::string_view bytes) {
    write_atomically(path, std::span(&bytes, 1));
}

/// Throws spinet::file_error unless a file can be created at `path`: to be called before hours of work.
inline void check_writable(std::filesystem::path const& path) {
    auto const probe = detail::replaceable_file(path).string() + ".part";
    std::FILE* const file = std::fopen(probe.c_str(), "ab");
    if (file == nullptr) throw file_error(path.string(), "cannot be written: ", std::strerror(errno));
    std::fclose(file);
    std::error_code ignored;
    std::filesystem::remove(probe, ignored);
}

/// The whole content of a file; spinet::file_error if it cannot be read.
[[nodiscard]] inline std::string read_whole(std::filesystem::path const& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw file_error(path.string(), "cannot be opened");
    try {
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    } catch (std::ios_base::failure const& fault) {  // a directory, a broken disk
        throw file_error(path.string(), "cannot be read: ", fault.what());
    }
}

}  // namespace spinet
