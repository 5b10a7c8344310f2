// SPDX-License-Identifier: BSD-3-Clause
/// A hash that tells inputs apart.
#pragma once

#include <spinet/detail/language.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace spinet::detail {

/// FNV-1a over 64 bits: tells two inputs apart, protects against nothing hostile.
class fingerprint {
public:
    template <class T>
    fingerprint& add(std::span<T const> values) noexcept {
        for (std::byte const b : std::as_bytes(values))
            hash_ = (hash_ ^ static_cast<std::uint64_t>(b)) * 1099511628211u;
        return *this;
    }
    fingerprint& add(std::string const& text) noexcept {
        return add(std::span<char const>(text)).add_value(text.size());
    }
    template <class T>
    fingerprint& add_value(T value) noexcept {
        return add(std::span<T const>(&value, 1));
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return hash_; }

private:
    std::uint64_t hash_ = 14695981039346656037u;
};

}  // namespace spinet::detail
