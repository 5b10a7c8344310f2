// SPDX-License-Identifier: BSD-3-Clause
/// What a concept asks to be convertible, and nothing more.
#pragma once

namespace spinet::testing::archetypes {

/// Whatever converts to T, and can do nothing else.
template <class T>
struct convertible_only {
    T value;

    operator T() const { return value; }  // NOLINT: implicit, as concepts demand
    bool operator!() const = delete;
    convertible_only& operator=(convertible_only const&) = delete;
};

}  // namespace spinet::testing::archetypes
