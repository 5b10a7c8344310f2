// SPDX-License-Identifier: BSD-3-Clause
/// Sizes that come from the caller, checked before they are allocated.
#pragma once

#include <spinet/error.hpp>

#include <cstddef>
#include <cstdio>
#include <new>
#include <string>

namespace spinet::detail {

/// Throws spinet::error where `bytes` cannot be had: beyond what can be addressed, or refused by the system.
/// `what()` names them.
template <class What>
void within_memory(What&& what, double bytes) {
    constexpr double least = 1e6, most = 0x1p46;
    if (bytes < least) return;
    void* probe = nullptr;
    if (bytes < most) probe = ::operator new(static_cast<std::size_t>(bytes), std::nothrow);
    if (probe == nullptr) {
        char size[32];
        std::snprintf(size, sizeof size, "%.3g", bytes / 1e9);
        throw error(std::string(what()) + " would take " + size + " GB, more than can be had");
    }
    ::operator delete(probe);
}

}  // namespace spinet::detail
