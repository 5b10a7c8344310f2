// SPDX-License-Identifier: BSD-3-Clause
/// A tensor handle: name, element type, shape and shared bytes, converted to an xtensor only on request.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>
#include <spinet/network/dtype.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace spinet {

/// A value that is not finite, and its row-major position.
struct non_finite {
    std::size_t index;
    double value;
};

namespace detail {

/// The value to six digits; "nan" without the sign which only some of them show.
[[nodiscard]] inline std::string number_text(double value) {
    if (std::isnan(value)) return "nan";
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g", value);
    return text.data();
}

/// A name from a file, fit for a message: quoted, printable and short.
[[nodiscard]] inline std::string in_quotes(std::string_view text) {
    constexpr std::size_t longest = 100;
    std::string result = "'";
    for (char const c : text.substr(0, longest))
        result += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
    return result + (text.size() > longest ? "...'" : "'");
}

/// The product of the factors, or nothing where it exceeds `Integer`.
template <std::unsigned_integral Integer>
[[nodiscard]] std::optional<Integer> checked_product(std::vector<Integer> const& factors, Integer start = 1) {
    for (Integer const factor : factors) {
        if (factor != 0 && start > std::numeric_limits<Integer>::max() / factor) return std::nullopt;
        start *= factor;
    }
    return start;
}

template <class T>
concept float_or_double = std::same_as<T, float> || std::same_as<T, double>;

/// An expression of real numbers of any type.
template <class E>
concept real_values = std::is_arithmetic_v<typename E::value_type>;

/// How they are stored: float as itself, all others as double.
template <class E>
using stored_type = std::conditional_t<std::same_as<typename E::value_type, float>, float, double>;

}  // namespace detail

/// Bytes together with what keeps them alive: a vector, a mapping of a file. Copies share the owner. The
/// bytes do not change, nor does a vector's size, while there is a copy.
class byte_source {
public:
    byte_source() = default;
    byte_source(std::nullptr_t) noexcept {}  // NOLINT: implicit, as from the pointers below
    byte_source(std::shared_ptr<std::vector<std::byte> const> bytes) noexcept  // NOLINT
        : bytes_(bytes ? std::span<std::byte const>(*bytes) : std::span<std::byte const>()),
          owner_(std::move(bytes)) {}
    byte_source(std::shared_ptr<std::vector<std::byte>> bytes) noexcept  // NOLINT
        : byte_source(std::shared_ptr<std::vector<std::byte> const>(std::move(bytes))) {}
    byte_source(std::vector<std::byte> bytes)  // NOLINT
        : byte_source(std::make_shared<std::vector<std::byte> const>(std::move(bytes))) {}
    /// Gives memory back that holds bytes which can be had again.
    using release_function = void (*)(std::span<std::byte const>) noexcept;
    /// `bytes` are valid as long as `owner` is. `release_part` is called for parts of them.
    byte_source(std::shared_ptr<void const> owner, std::span<std::byte const> bytes,
                release_function release_part = nullptr) noexcept
        : bytes_(bytes), owner_(std::move(owner)), release_(release_part) {}

    [[nodiscard]] std::span<std::byte const> bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    /// Says that a part of bytes() has been read: of a mapped file, its memory is given back. The bytes stay
    /// valid.
    void release(std::span<std::byte const> part) const noexcept {
        if (release_ != nullptr) release_(part);
    }

private:
    std::span<std::byte const> bytes_;
    std::shared_ptr<void const> owner_;
    release_function release_ = nullptr;
};

namespace detail {

/// A copy of the numbers as they are stored.
[[nodiscard]] inline std::vector<std::byte> bytes_of(std::span<double const> numbers) {
    auto const bytes = std::as_bytes(numbers);
    return {bytes.begin(), bytes.end()};
}

}  // namespace detail

/// An immutable row-major array whose element type and shape are known at run time. Copies share the bytes.
class tensor {
public:
    using shared_bytes = byte_source;

    /// A window on `bytes`, `offset` bytes from their start; no alignment is needed.
    /// Throws `error` where the window exceeds the bytes.
    tensor(std::string name, dtype type, std::vector<std::size_t> shape, shared_bytes bytes,
           std::size_t offset = 0)
        : name_(std::move(name)),
          type_(type),
          shape_(std::move(shape)),
          bytes_(std::move(bytes)),
          offset_(offset) {
        auto const needed = detail::checked_product(shape_, size_of(type_));
        auto const available = bytes_.size();
        if (!needed || offset_ > available || *needed > available - offset_)
            throw error(described(), " needs ", (needed ? std::to_string(*needed) : "more than 2^64"),
                        " bytes from byte ", offset_, ", but there are ", available, " in all");
        size_ = *needed / size_of(type_);
    }

    /// A copy of the values of an xtensor expression of any kind, layout and rank, in row-major order: of
    /// float as f32, of double and integers as f64.
    template <detail::real_values E>
    tensor(xt::xexpression<E> const& values,
           std::string name = {})  // NOLINT: implicit, so that mlp({W1, W2}) works
        : tensor(std::move(name), sizeof(detail::stored_type<E>) == 4 ? dtype::f32 : dtype::f64,
                 shape_of(values.derived_cast()), bytes_of(values.derived_cast())) {}

    [[nodiscard]] std::string const& name() const noexcept { return name_; }
    [[nodiscard]] dtype type() const noexcept { return type_; }
    [[nodiscard]] std::vector<std::size_t> const& shape() const noexcept { return shape_; }
    [[nodiscard]] std::size_t rank() const noexcept { return shape_.size(); }
    /// Number of elements.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// The stored bytes, little-endian, row-major, of any alignment.
    [[nodiscard]] std::span<std::byte const> bytes() const noexcept {
        return bytes_.bytes().subspan(offset_, size_ * size_of(type_));
    }

    /// Says that all has been read (see byte_source::release), or `count` elements from `first` on.
    void release() const noexcept { bytes_.release(bytes()); }
    void release(std::size_t first, std::size_t count) const noexcept {
        bytes_.release(bytes().subspan(first * size_of(type_), count * size_of(type_)));
    }

    /// These values, row-major, in place of the tensor's own; name and shape stay. Throws `error` where their
    /// number differs from the tensor's.
    [[nodiscard]] tensor with_values(std::span<double const> values) const {
        if (values.size() != size_) throw error(described(), " does not hold ", values.size(), " values");
        return {name_, dtype::f64, shape_, detail::bytes_of(values)};
    }

    /// The same values under another name.
    [[nodiscard]] tensor renamed(std::string name) const {
        tensor copy = *this;
        copy.name_ = std::move(name);
        return copy;
    }

    /// `count` entries of the first axis, from `first` on, as a window on the same bytes. Throws `error`
    /// where there is no such axis or it ends before.
    [[nodiscard]] tensor rows(std::size_t first, std::size_t count) const {
        if (rank() == 0) throw error(described(), " is a single value, without rows");
        auto const length = shape_.front();
        if (first > length || count > length - first)
            throw error(described(), " does not have ", count, " rows from row ", first, " on");
        tensor window = *this;
        auto const row = length == 0 ? 0 : size_ / length;
        window.shape_.front() = count;
        window.size_ = count * row;
        window.offset_ += first * row * size_of(type_);
        return window;
    }

    /// The same values, in their order, in another shape. Throws `error` where it has another size.
    [[nodiscard]] tensor reshaped(std::vector<std::size_t> shape) const {
        auto const product = detail::checked_product(shape);
        if (!product || *product != size_)
            throw error(described(), " does not fit the shape ", detail::tuple_text(shape));
        tensor other = *this;
        other.shape_ = std::move(shape);
        return other;
    }

    /// "tensor 'fc1.weight' of shape (16, 784)", as messages name it.
    [[nodiscard]] std::string described() const {
        return detail::text("tensor ", detail::in_quotes(name_), " of shape ", detail::tuple_text(shape_));
    }

    /// The values as a row-major xtensor of its own memory. Exact, except that f64 is rounded to float.
    /// Throws `error` where the rank differs, or a finite double lies beyond the range of float.
    template <detail::float_or_double Real, std::size_t Rank>
    [[nodiscard]] row_major_array<Real, Rank> as() const {
        if (rank() != Rank) throw error(described(), " has rank ", rank(), ", not ", Rank);
        std::array<std::size_t, Rank> shape{};
        std::copy_n(shape_.begin(), Rank, shape.begin());
        auto result = row_major_array<Real, Rank>::from_shape(shape);
        copy_to(std::span<Real>(result.data(), result.size()));
        return result;
    }

    /// The values in row-major order. Throws `error` where `out` has another size, and as `as` does.
    void copy_to(std::span<float> out) const { convert(out); }
    void copy_to(std::span<double> out) const { convert(out); }

    /// The first nan or infinity in row-major order, if there is one.
    [[nodiscard]] std::optional<non_finite> first_non_finite() const {
        return detail::with_element(type_, [&]<class Element>(Element) -> std::optional<non_finite> {
            auto const* const from = bytes().data();
            auto const index = detail::first_non_finite<Element>(from, size_);
            if (index == size_) return std::nullopt;
            return non_finite{index, detail::element_value<Element>(from, index)};
        });
    }

private:
    template <class E>
    static std::vector<std::size_t> shape_of(E const& values) {
        std::vector<std::size_t> shape;
        for (auto const length : values.shape()) shape.push_back(static_cast<std::size_t>(length));
        return shape;
    }

    template <class E>
    static shared_bytes bytes_of(E const& values) {
        using stored = detail::stored_type<E>;
        std::vector<std::byte> bytes(values.size() * sizeof(stored));
        auto* to = bytes.data();
        // row-major whatever the layout of the expression, and each value evaluated once
        auto from = values.template begin<xt::layout_type::row_major>();
        for (std::size_t i = 0; i < values.size(); ++i, ++from, to += sizeof(stored)) {
            auto const value = static_cast<stored>(*from);
            std::memcpy(to, &value, sizeof value);
        }
        return bytes;
    }

    template <class Real>
    void convert(std::span<Real> out) const {
        if (out.size() != size_)
            throw error(described(), " has ", size_, " values, but the destination has room for ",
                        out.size());
        detail::with_element(type_, [&]<class Element>(Element) {
            auto const* const from = bytes().data();
            auto const index = detail::convert_elements<Element>(from, size_, out.data());
            if (index != size_) refuse_range(index, detail::element_value<Element>(from, index));
        });
    }

    [[noreturn]] void refuse_range(std::size_t index, double value) const {
        throw error(described(), " holds ", detail::number_text(value), " at ",
                    detail::index_text(shape_, index), ", beyond the range of float");
    }

    std::string name_;
    dtype type_;
    std::vector<std::size_t> shape_;
    shared_bytes bytes_;
    std::size_t offset_;
    std::size_t size_ = 0;
};

}  // namespace spinet
