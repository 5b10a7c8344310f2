// SPDX-License-Identifier: BSD-3-Clause
/// Windows along one axis of feature maps, as convolutions and pooling move them.
#pragma once

#include <spinet/detail/language.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace spinet {

/// The geometry of a window along one axis: position p of the result sees positions p stride + k dilation -
/// before, k = 0 ... kernel - 1, of what it reads, where they exist.
struct window_extent {
    std::size_t from = 1, to = 1;  ///< positions read, and of the result
    std::size_t kernel = 1, stride = 1, before = 0, dilation = 1;

    /// The position that tap k of result p reads, or `from` where it is outside.
    [[nodiscard]] std::size_t read_by(std::size_t p, std::size_t k) const noexcept {
        std::size_t const padded = p * stride + k * dilation;
        return padded < before || padded - before >= from ? from : padded - before;
    }
    /// The results p for which tap k reads inside: [first, second).
    [[nodiscard]] std::pair<std::size_t, std::size_t> inside(std::size_t k) const noexcept {
        std::size_t const at = k * dilation;
        std::size_t const first = at >= before ? 0 : (before - at + stride - 1) / stride;
        std::size_t const end = from + before <= at ? 0 : (from + before - at - 1) / stride + 1;
        return {first, std::max(first, std::min(end, to))};
    }
    /// Whether some window reaches outside.
    [[nodiscard]] bool reaches_outside() const noexcept {
        for (std::size_t k = 0; k < kernel; ++k)
            if (inside(k) != std::pair(std::size_t{0}, to)) return true;
        return false;
    }
};

}  // namespace spinet
