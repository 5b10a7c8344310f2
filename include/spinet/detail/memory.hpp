// SPDX-License-Identifier: BSD-3-Clause
/// Sizes that come from the caller, checked before they are allocated.
#pragma once

#include <spinet/error.hpp>

#include <cstdio>
#include <new>
#include <string>
#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace spinet::detail {

/// The memory of the machine in bytes; 2^46 where the system does not tell.
[[nodiscard]] inline double machine_memory() noexcept {
#if defined(_SC_PHYS_PAGES) && defined(_SC_PAGESIZE)
    double const bytes =
        static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
    if (bytes > 0) return bytes;
#endif
    return 0x1p46;
}

/// Returns make(), which allocates `bytes` or more. Throws spinet::error where that is more than the machine
/// has, before make() is called, or more than the system gives. `what()` names them.
template <class What, class Make>
auto within_memory(What&& what, double bytes, Make&& make) {
    auto const refuse = [&] {
        char size[32];
        std::snprintf(size, sizeof size, "%.3g", bytes / 1e9);
        throw error(what(), " need at least ", size, " GB of memory, more than can be had");
    };
    if (!(bytes < machine_memory())) refuse();
    try {
        return make();
    } catch (std::bad_alloc const&) {
        refuse();
        throw;
    }
}

}  // namespace spinet::detail
