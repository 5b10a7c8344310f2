// SPDX-License-Identifier: BSD-3-Clause
/// Arrays that start at a cache line, so that vector loads do not straddle two.
#pragma once

#include <spinet/detail/language.hpp>

#include <cstddef>
#include <new>
#include <vector>

namespace spinet::detail {

inline constexpr std::size_t cache_line = 64;

template <class T>
struct aligned_allocator {
    using value_type = T;

    aligned_allocator() = default;
    template <class U>
    aligned_allocator(aligned_allocator<U> const&) noexcept {}

    [[nodiscard]] T* allocate(std::size_t n) {
        if (n > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
        return static_cast<T*>(::operator new (n * sizeof(T), std::align_val_t{cache_line}));
    }
    void deallocate(T* p, std::size_t) noexcept { ::operator delete (p, std::align_val_t{cache_line}); }

    friend bool operator==(aligned_allocator const&, aligned_allocator const&) noexcept { return true; }
};

template <class T>
using aligned_vector = std::vector<T, aligned_allocator<T>>;

/// Numbers from one row of a matrix of `columns` columns to the next: whole cache lines, an odd number of
/// them, because rows a multiple of 4 kB apart would share the same few places of the first cache.
template <class T>
[[nodiscard]] constexpr std::size_t padded_stride(std::size_t columns) noexcept {
    std::size_t const lines = (columns * sizeof(T) + cache_line - 1) / cache_line;
    return (lines | 1u) * cache_line / sizeof(T);
}

}  // namespace spinet::detail
