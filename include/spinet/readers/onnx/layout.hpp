// SPDX-License-Identifier: BSD-3-Clause
/// Where the values of an array lie among those of another, row-major one: what moving, cutting and renaming
/// axes comes to.
#pragma once

#include <spinet/network/tensor.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace spinet::detail::onnx_reading {

/// Element (i, j, ...) is element offset + i strides[0] + j strides[1] + ... of the array below; or, where
/// strides alone cannot say it, of the elements of `inner` in row-major order.
struct layout {
    std::vector<std::size_t> sizes;
    std::vector<std::size_t> strides;
    std::size_t offset = 0;
    std::shared_ptr<layout const> inner = nullptr;

    [[nodiscard]] std::size_t rank() const noexcept { return sizes.size(); }
    /// Elements; their number was checked when the layout was made.
    [[nodiscard]] std::size_t count() const noexcept {
        std::size_t product = 1;
        for (auto const size : sizes) product *= size;
        return product;
    }
    /// The element below of which `index` is the sum of an offset and strides.
    [[nodiscard]] std::size_t below(std::size_t index) const noexcept {
        for (auto const* level = inner.get(); level != nullptr; level = level->inner.get()) {
            std::size_t next = level->offset;
            for (std::size_t axis = level->rank(); axis-- > 0; index /= level->sizes[axis])
                next += index % level->sizes[axis] * level->strides[axis];
            index = next;
        }
        return index;
    }
    friend bool operator==(layout const& a, layout const& b) {
        return a.sizes == b.sizes && a.strides == b.strides && a.offset == b.offset &&
               (a.inner == b.inner || (a.inner && b.inner && *a.inner == *b.inner));
    }
};

/// More elements than any array in memory has; below it no index overflows.
inline constexpr std::size_t most_elements = std::size_t{1} << 48;

[[nodiscard]] inline bool countable(std::vector<std::size_t> const& sizes) {
    auto const product = checked_product(sizes);
    return product && *product <= most_elements;
}

/// All of a row-major array; `sizes` have to be countable.
[[nodiscard]] inline layout row_major(std::vector<std::size_t> sizes) {
    layout result{std::move(sizes), {}, 0};
    result.strides.resize(result.sizes.size());
    std::size_t stride = 1;
    for (std::size_t axis = result.sizes.size(); axis-- > 0; stride *= result.sizes[axis])
        result.strides[axis] = stride;
    return result;
}

/// The sizes that are not 1.
[[nodiscard]] inline std::vector<std::size_t> squeezed(std::vector<std::size_t> sizes) {
    std::erase(sizes, std::size_t{1});
    return sizes;
}

/// Whether the elements follow each other in memory, from `offset` on.
[[nodiscard]] inline bool contiguous(layout const& of) {
    if (of.inner) return false;
    std::size_t stride = 1;
    for (std::size_t axis = of.rank(); axis-- > 0; stride *= of.sizes[axis])
        if (of.sizes[axis] != 1 && of.strides[axis] != stride) return false;
    return true;
}

/// Axis k of the result is axis order[k]; `order` has to be a permutation.
[[nodiscard]] inline layout transposed(layout const& of, std::vector<std::size_t> const& order) {
    layout result{{}, {}, of.offset, of.inner};
    for (auto const axis : order) {
        result.sizes.push_back(of.sizes[axis]);
        result.strides.push_back(of.strides[axis]);
    }
    return result;
}

/// Every `step`-th of the indices from `begin` to, not including, `end` along an axis.
[[nodiscard]] inline layout cut(layout of, std::size_t axis, std::size_t begin, std::size_t end,
                                std::size_t step = 1) {
    of.offset += begin * of.strides[axis];
    of.sizes[axis] = begin < end ? (end - begin - 1) / step + 1 : 0;
    // A step beyond the axis leaves one element, whose stride does not matter.
    of.strides[axis] = of.sizes[axis] > 1 ? of.strides[axis] * step : 1;
    return of;
}

[[nodiscard]] inline layout without_axis(layout of, std::size_t axis) {
    of.sizes.erase(of.sizes.begin() + static_cast<std::ptrdiff_t>(axis));
    of.strides.erase(of.strides.begin() + static_cast<std::ptrdiff_t>(axis));
    return of;
}

/// With an axis of size 1 before `axis`.
[[nodiscard]] inline layout with_axis(layout of, std::size_t axis) {
    of.sizes.insert(of.sizes.begin() + static_cast<std::ptrdiff_t>(axis), 1);
    of.strides.insert(of.strides.begin() + static_cast<std::ptrdiff_t>(axis), 1);
    return of;
}

/// One index along an axis, which goes.
[[nodiscard]] inline layout selected(layout const& of, std::size_t axis, std::size_t index) {
    return without_axis(cut(of, axis, index, index + 1), axis);
}

/// Of the same number of elements, none of them 0, in the same order; nothing where strides cannot say it.
[[nodiscard]] inline std::optional<layout> reshaped(layout const& of, std::vector<std::size_t> const& sizes) {
    layout result{sizes, std::vector<std::size_t>(sizes.size(), 1), of.offset, of.inner};
    std::size_t from = 0, to = 0;
    while (from < of.rank() || to < sizes.size()) {
        // A group of axes on either side, of equal products.
        std::size_t const first_from = from, first_to = to;
        std::size_t before = from < of.rank() ? of.sizes[from++] : 1;
        std::size_t after = to < sizes.size() ? sizes[to++] : 1;
        while (before != after) {
            if (before < after && from < of.rank())
                before *= of.sizes[from++];
            else if (after < before && to < sizes.size())
                after *= sizes[to++];
            else
                return std::nullopt;
        }
        // Axes of size 1 have no stride to speak of, so they neither hinder nor help.
        std::optional<std::size_t> inner;
        std::size_t expected = 0;
        for (std::size_t axis = from; axis-- > first_from;) {
            if (of.sizes[axis] == 1) continue;
            if (inner && of.strides[axis] != expected) return std::nullopt;
            if (!inner) inner = of.strides[axis];
            expected = of.strides[axis] * of.sizes[axis];
        }
        std::size_t stride = inner.value_or(1);
        for (std::size_t axis = to; axis-- > first_to; stride *= sizes[axis]) result.strides[axis] = stride;
    }
    return result;
}

/// f(index below, index in `other`) for each element of `of` in row-major order; `other` has the same sizes.
template <class F>
void for_each_pair(layout const& of, layout const& other, F f) {
    std::vector<std::size_t> at(of.rank(), 0);
    std::size_t const count = of.count();
    std::size_t index = of.offset, along = other.offset;
    for (std::size_t k = 0; k < count; ++k) {
        f(of.below(index), other.below(along));
        for (std::size_t axis = of.rank(); axis-- > 0;) {
            index += of.strides[axis];
            along += other.strides[axis];
            if (++at[axis] < of.sizes[axis]) break;
            index -= of.sizes[axis] * of.strides[axis];
            along -= of.sizes[axis] * other.strides[axis];
            at[axis] = 0;
        }
    }
}

/// f(index below) for each element in row-major order.
template <class F>
void for_each_element(layout const& of, F f) {
    for_each_pair(of, of, [&](std::size_t index, std::size_t) { f(index); });
}

/// Whether it is all of an array of `count` elements, in order.
[[nodiscard]] inline bool whole_of(layout const& of, std::size_t count) {
    if (of.offset != 0 || of.count() != count) return false;
    if (!of.inner) return contiguous(of);
    bool in_order = true;
    std::size_t next = 0;
    for_each_element(of, [&](std::size_t index) { in_order = in_order && index == next++; });
    return in_order;
}

/// The same elements in the same order in another shape, whatever their strides; nothing where that takes too
/// many levels.
[[nodiscard]] inline std::optional<layout> regrouped(layout const& of,
                                                     std::vector<std::size_t> const& sizes) {
    constexpr std::size_t most_levels = 4;
    std::size_t levels = 0;
    for (auto const* level = &of; level != nullptr; level = level->inner.get()) ++levels;
    if (auto result = reshaped(of, sizes)) {
        // All of the inner array, in order, may be a view without it.
        auto plain = *result;
        plain.inner = nullptr;
        if (of.inner && whole_of(plain, of.inner->count()))
            if (auto shorter = regrouped(*of.inner, sizes)) return shorter;
        return result;
    }
    if (levels > most_levels) return std::nullopt;
    auto result = row_major(sizes);
    result.inner = std::make_shared<layout const>(of);
    return result;
}

/// Repeated along axes of size 1, and along new ones in front, to `sizes`; nothing where it does not fit.
[[nodiscard]] inline std::optional<layout> broadcast(layout of, std::vector<std::size_t> const& sizes) {
    while (of.rank() > sizes.size() && of.sizes.front() == 1) of = without_axis(std::move(of), 0);
    if (of.rank() > sizes.size()) return std::nullopt;
    while (of.rank() < sizes.size()) of = with_axis(std::move(of), 0);
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
        if (of.sizes[axis] == sizes[axis]) continue;
        if (of.sizes[axis] != 1) return std::nullopt;
        of.sizes[axis] = sizes[axis];
        of.strides[axis] = 0;
    }
    return of;
}

}  // namespace spinet::detail::onnx_reading
