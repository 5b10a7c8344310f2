// SPDX-License-Identifier: BSD-3-Clause
/// A file to read a network from: its size is known, and bounds every read, before anything is allocated.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace spinet {

/// A regular file of at least one byte, opened for reading.
class input_file {
public:
    /// Throws `file_error` where there is no such file, it is a directory or a device, is empty or cannot be
    /// opened, or is what Git LFS leaves in place of a file that was not downloaded.
    explicit input_file(std::filesystem::path const& path) : path_(path.string()) {
        std::error_code code;
        auto const status = std::filesystem::status(path, code);
        if (status.type() == std::filesystem::file_type::not_found) refuse("no such file");
        if (code) refuse("cannot be examined: ", code.message());
        if (std::filesystem::is_directory(status)) refuse("is a directory, not a file");
        if (!std::filesystem::is_regular_file(status)) refuse("is not a regular file");
        size_ = std::filesystem::file_size(path, code);
        if (code) refuse("its size cannot be read: ", code.message());
        if (size_ == 0) refuse("the file is empty");
        stream_.open(path, std::ios::binary);
        if (!stream_) refuse("cannot be opened for reading");
        constexpr std::string_view pointer = "version https://git-lfs.github.com/spec/";
        if (size_ < 1024 && size_ > pointer.size() && text(0, pointer.size()) == pointer)
            refuse("is a Git LFS pointer, not the file: git lfs pull");
    }

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] std::string const& path() const noexcept { return path_; }

    /// Fills `out` with the bytes from `offset` on. Throws `file_error` where the file ends before.
    void read(std::uint64_t offset, std::span<std::byte> out) {
        if (out.empty()) return;
        stream_.clear();
        stream_.seekg(static_cast<std::streamoff>(offset));
        stream_.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
        if (!stream_ || static_cast<std::size_t>(stream_.gcount()) != out.size())
            refuse("the ", out.size(), " bytes from byte ", offset, " cannot be read");
    }

    /// The `size` bytes from `offset` on. Throws as `read` does.
    [[nodiscard]] std::string text(std::uint64_t offset, std::uint64_t size) {
        std::string bytes(static_cast<std::size_t>(size), '\0');
        read(offset, std::as_writable_bytes(std::span(bytes)));
        return bytes;
    }

    /// Throws a `file_error` which names this file: refuse("has ", n, " entries").
    template <class... Pieces>
    [[noreturn, gnu::always_inline]] void refuse(Pieces const&... what) const {
        refuse_joined({detail::text_piece(what)...});
    }

private:
    [[noreturn, gnu::cold, gnu::noinline]] void refuse_joined(detail::text_pieces what) const {
        throw file_error(path_, detail::joined(what));
    }

    std::string path_;
    std::uint64_t size_ = 0;
    std::ifstream stream_;
};

namespace detail {

/// What reading a file may take: ten times its size and 64 MiB.
[[nodiscard]] constexpr std::uint64_t memory_for(std::uint64_t file_size) noexcept {
    return std::min(file_size, std::uint64_t{1} << 59) * 10 + (std::uint64_t{64} << 20);
}

/// What reading one file may still allocate, so that a file that repeats itself is refused.
class memory_allowance {
public:
    explicit memory_allowance(std::uint64_t file_size) noexcept
        : memory_allowance(
              memory_for(file_size),
              "what it describes needs more memory than ten times the size of the file and 64 MiB") {}
    memory_allowance(std::uint64_t limit, char const* refusal) noexcept : left_(limit), refusal_(refusal) {}

    /// Throws `error` where that is too much.
    void take(std::uint64_t bytes) {
        if (bytes > left_) throw error(refusal_);
        left_ -= bytes;
    }
    /// Allows more, for a further file.
    void grant(std::uint64_t bytes) noexcept { left_ += bytes; }

private:
    std::uint64_t left_;
    char const* refusal_;
};

/// What has to be true of the name of a file beside another: it stays in the directory, and can be shown.
[[nodiscard]] inline bool is_plain_file_name(std::string_view name) noexcept {
    constexpr std::size_t longest = 255;  // of all common file systems
    if (name.empty() || name.size() > longest || name == "." || name == "..") return false;
    for (char const c : name)
        if (c == '/' || c == '\\' || c == ':' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            return false;
    return true;
}

[[nodiscard]] inline bool begins_with(input_file& file, std::string_view start) {
    return file.size() >= start.size() && file.text(0, start.size()) == start;
}

/// body(file), whether a reader knows it; false where the file cannot be read.
template <class Body>
[[nodiscard]] bool recognised(std::filesystem::path const& path, Body&& body) {
    try {
        input_file file(path);
        return body(file);
    } catch (error const&) {
        return false;
    }
}

/// Calls `body`. Where it throws an `error` that names no file, throws a `file_error` of `path` instead.
template <class Body>
decltype(auto) naming_file(std::filesystem::path const& path, Body&& body) {
    try {
        return body();
    } catch (file_error const&) {
        throw;
    } catch (error const& reason) {
        throw file_error(path.string(), reason.what());
    }
}

/// Throws `error` where a float64 of a node is finite, but beyond the range of float, in which models hold
/// their couplings.
inline void check_range(node const& of) {
    of.op.visit([&](auto const& op) {
        for (auto const* each : tensors_in(op)) {
            if (each->type() != dtype::f64) continue;
            auto const bytes = each->bytes();
            for (std::size_t k = 0; k < each->size(); ++k)
                if (auto const x = element_value<element<dtype::f64>>(bytes.data(), k);
                    std::abs(x) > std::numeric_limits<float>::max())
                    throw error("node ", in_quotes(of.name), ": ", each->described(), " holds ",
                                number_text(x), " at ", index_text(each->shape(), k),
                                ", too large for float");
        }
    });
}

/// The network that read() makes of the file `path`: its errors name the file, and its source is that file
/// unless read() gave it another.
template <class Read>
[[nodiscard]] network network_from(std::filesystem::path const& path, Read&& read) {
    return naming_file(path, [&] {
        network made = read();
        if (made.source().empty()) made.set_source(path);
        return made;
    });
}

}  // namespace detail
}  // namespace spinet
