// SPDX-License-Identifier: BSD-3-Clause
/// A file as bytes in memory which are read from the disk where they are first used: a memory mapping.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/file.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <vector>

#if __has_include(<sys/mman.h>)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define SPINET_HAS_MMAP 1
#else
#define SPINET_HAS_MMAP 0
#endif

namespace spinet {

/// The bytes of a whole file, mapped into memory; read into it where the system or the file system has no
/// mappings. Copies, and the tensors made of `bytes()`, share the mapping, which ends with the last of them;
/// the file may be removed or replaced (renamed over) before that. It must not be shortened: reading what is
/// no longer there ends the program with SIGBUS. Nor rewritten in place: the values would change under their
/// owners, after they were checked.
class mapped_file {
public:
    /// Throws `file_error` where the file cannot be opened or is not of the size it had when `file` was
    /// opened.
    explicit mapped_file(input_file const& file);
    explicit mapped_file(std::filesystem::path const& path) : mapped_file(input_file(path)) {}

    [[nodiscard]] byte_source const& bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

private:
    byte_source bytes_;
};

namespace detail {

/// What a mapping is replaced by where there is none. Throws `file_error`.
[[nodiscard]] inline byte_source read_instead_of_mapping(input_file const& file) {
    input_file again(file.path());
    if (again.size() != file.size()) file.refuse("was changed while it was read");
    std::shared_ptr<std::vector<std::byte>> bytes;
    try {
        bytes = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(file.size()));
    } catch (std::bad_alloc const&) {
        file.refuse("its ", file.size(), " bytes do not fit into memory");
    }
    again.read(0, *bytes);
    return bytes;
}

#if SPINET_HAS_MMAP

/// A file descriptor, closed at the end of its scope: a mapping needs none.
class open_descriptor {
public:
    explicit open_descriptor(input_file const& file)
        : number_(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC)) {
        if (number_ < 0) file.refuse("cannot be opened for reading");
    }
    open_descriptor(open_descriptor const&) = delete;
    open_descriptor& operator=(open_descriptor const&) = delete;
    ~open_descriptor() { ::close(number_); }

    [[nodiscard]] int number() const noexcept { return number_; }

private:
    int number_;
};

/// The mapping, or nothing where the file system has none or there is no room for it.
[[nodiscard]] inline byte_source map_file(input_file const& file) {
    open_descriptor const open(file);
    struct stat about = {};
    if (::fstat(open.number(), &about) != 0) file.refuse("cannot be examined");
    if (!S_ISREG(about.st_mode) || static_cast<std::uint64_t>(about.st_size) != file.size())
        file.refuse("was changed while it was read");
    auto const size = static_cast<std::size_t>(file.size());
    auto* const start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, open.number(), 0);
    if (start == MAP_FAILED) return nullptr;
    std::shared_ptr<void const> const owner(
        start, [size](void const* at) { ::munmap(const_cast<void*>(at), size); });
    // Pages are read again where they are used again: without this, reading a file larger than memory once
    // would leave as much of it there as there is room for.
    auto const release = [](std::span<std::byte const> part) noexcept {
        static auto const page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
        auto const first = (reinterpret_cast<std::uintptr_t>(part.data()) + page - 1) / page * page,
                   last = (reinterpret_cast<std::uintptr_t>(part.data()) + part.size()) / page * page;
        if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
    };
    return {owner, std::span(static_cast<std::byte const*>(start), size), release};
}

#endif

}  // namespace detail

inline mapped_file::mapped_file(input_file const& file) {
    if (file.size() > std::numeric_limits<std::size_t>::max() / 2)
        file.refuse("is too large for this machine");
#if SPINET_HAS_MMAP
    bytes_ = detail::map_file(file);
#endif
    if (bytes_.size() != file.size()) bytes_ = detail::read_instead_of_mapping(file);
}

}  // namespace spinet
