// SPDX-License-Identifier: BSD-3-Clause
/// Counts the bytes that C++ code has, by operator new of its own, and ends the program where they pass a
/// bound.
#include "fuzz.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace fuzz {
namespace {

// Not locked: a target is one thread. Beside it libFuzzer has one that watches, and allocates nothing to
// speak of.
std::size_t live = 0;
std::size_t most = SIZE_MAX;

}  // namespace

memory_bound::memory_bound(std::size_t more) : before_(most) {
    most = more > most - live ? most : live + more;
}
memory_bound::~memory_bound() { most = before_; }

}  // namespace fuzz

#if defined(__GLIBC__)

namespace {

void* counted(std::size_t size) noexcept {
    // asked before the system is, which a size of 2^60 would make fail
    if (size > fuzz::most - std::min(fuzz::live, fuzz::most)) {
        std::size_t const wanted = size, limit = fuzz::most, had = fuzz::live;
        fuzz::most = SIZE_MAX;
        std::fprintf(stderr, "spinet fuzz: %zu bytes wanted, %zu there, %zu allowed\n", wanted, had, limit);
        std::abort();
    }
    void* const place = std::malloc(size == 0 ? 1 : size);
    if (place != nullptr) fuzz::live += ::malloc_usable_size(place);
    return place;
}
void uncounted(void* place) noexcept {
    if (place == nullptr) return;
    auto const size = ::malloc_usable_size(place);
    fuzz::live -= std::min(fuzz::live, size);
    std::free(place);
}
void* counted_or_throw(std::size_t size) {
    void* const place = counted(size);
    if (place == nullptr) throw std::bad_alloc();
    return place;
}

}  // namespace

// Those for larger alignments stay the system's, which are pairs of their own.
void* operator new(std::size_t size) { return counted_or_throw(size); }
void* operator new[](std::size_t size) { return counted_or_throw(size); }
void* operator new(std::size_t size, std::nothrow_t const&) noexcept { return counted(size); }
void* operator new[](std::size_t size, std::nothrow_t const&) noexcept { return counted(size); }
void operator delete(void* place) noexcept { uncounted(place); }
void operator delete[](void* place) noexcept { uncounted(place); }
void operator delete(void* place, std::size_t) noexcept { uncounted(place); }
void operator delete[](void* place, std::size_t) noexcept { uncounted(place); }
void operator delete(void* place, std::nothrow_t const&) noexcept { uncounted(place); }
void operator delete[](void* place, std::nothrow_t const&) noexcept { uncounted(place); }

#endif
