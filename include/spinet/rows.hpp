// SPDX-License-Identifier: BSD-3-Clause
/// Rows of numbers: the layout of replicas in memory (one replica to a row, its sites contiguous).
#pragma once

#include <spinet/detail/language.hpp>

#include <cstddef>
#include <span>

namespace spinet {

/// A view of `rows` rows of `sites` contiguous numbers, `stride` numbers apart.
template <class T>
struct rows_view {
    T* data = nullptr;
    std::size_t rows = 0;
    std::size_t sites = 0;
    std::size_t stride = 0;

    [[nodiscard]] constexpr std::span<T> row(std::size_t r) const noexcept {
        return {data + r * stride, sites};
    }

    /// The same rows, read only.
    constexpr operator rows_view<T const>() const noexcept { return {data, rows, sites, stride}; }
};

}  // namespace spinet
