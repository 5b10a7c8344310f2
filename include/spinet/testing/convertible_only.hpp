// SPDX-License-Identifier: BSD-3-Clause
/// What a concept asks to be convertible, and nothing more.
#pragma once

#include <utility>

namespace spinet::testing::archetypes {

/// Whatever converts to T, and can do nothing else.
template <class T>
class convertible_only {
public:
    convertible_only(T value) : value_(std::move(value)) {}
    convertible_only(convertible_only const&) = delete;
    convertible_only& operator=(convertible_only const&) = delete;

    operator T() const { return value_; }  // NOLINT: implicit, as concepts demand
    bool operator!() const = delete;

private:
    T value_;
};

}  // namespace spinet::testing::archetypes
