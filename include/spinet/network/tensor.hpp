// SPDX-License-Identifier: BSD-3-Clause
/// A tensor handle: name, element type, shape and shared bytes, converted to an xtensor only on request.
#pragma once

#include <spinet/detail/xtensor.hpp>
#include <spinet/error.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
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

/// How an element is stored: IEEE 754 binary16, bfloat16 (the upper half of a binary32), binary32, binary64.
enum class dtype : std::uint8_t { f16, bf16, f32, f64 };

/// Bytes of one element.
[[nodiscard]] constexpr std::size_t size_of(dtype type) noexcept {
    return type == dtype::f64 ? 8 : type == dtype::f32 ? 4 : 2;
}

[[nodiscard]] constexpr std::string_view to_string(dtype type) noexcept {
    switch (type) {
        case dtype::f16:
            return "f16";
        case dtype::bf16:
            return "bf16";
        case dtype::f32:
            return "f32";
        case dtype::f64:
            return "f64";
    }
    return "unknown";
}

/// A value that is not finite, and its row-major position.
struct non_finite {
    std::size_t index;
    double value;
};

namespace detail {

static_assert(std::endian::native == std::endian::little,
              "spinet reads the bytes of network files in place: it needs a little-endian machine");
static_assert(std::numeric_limits<float>::is_iec559 && std::numeric_limits<double>::is_iec559,
              "spinet needs IEEE 754 floating point");

/// The value of an IEEE 754 binary16; exact, for subnormals, infinities and nan too.
[[nodiscard]] inline float half_to_float(std::uint16_t half) noexcept {
    std::uint32_t const sign = (half & 0x8000U) << 16U;
    std::uint32_t const exponent = (half >> 10U) & 0x1FU;
    std::uint32_t const fraction = half & 0x3FFU;
    if (exponent == 0) {  // zero or subnormal: a multiple of 2^-24, a normal number as a float
        float const magnitude = static_cast<float>(fraction) * 0x1p-24F;
        return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
    }
    std::uint32_t const widened = exponent == 0x1FU ? 0xFFU : exponent + (127U - 15U);
    return std::bit_cast<float>(sign | (widened << 23U) | (fraction << 13U));
}

/// The value of a bfloat16; exact, since it is the upper half of a float.
[[nodiscard]] inline float bfloat16_to_float(std::uint16_t upper) noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(upper) << 16U);
}

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

/// "(16, 784)"; long lists are cut.
template <class Numbers>
[[nodiscard]] std::string tuple_text(Numbers const& numbers) {
    constexpr std::size_t longest = 8;
    std::string result = "(";
    for (std::size_t i = 0; i < numbers.size() && i < longest; ++i)
        result += (i == 0 ? "" : ", ") + std::to_string(numbers[i]);
    return result + (numbers.size() > longest ? ", ...)" : ")");
}

/// The position of a row-major offset, as "(row, column)".
[[nodiscard]] inline std::string index_text(std::vector<std::size_t> const& shape, std::size_t offset) {
    std::vector<std::size_t> index(shape.size());
    for (std::size_t axis = shape.size(); axis-- > 0; offset /= shape[axis])
        index[axis] = offset % shape[axis];
    return tuple_text(index);
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

/// An expression of floats or doubles.
template <class E>
concept real_values = float_or_double<typename E::value_type>;

}  // namespace detail

/// An immutable array of numbers, row-major, known only at run time. Copies share the bytes.
class tensor {
public:
    using shared_bytes = std::shared_ptr<std::vector<std::byte> const>;

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
        auto const available = bytes_ ? bytes_->size() : 0;
        if (!needed || offset_ > available || *needed > available - offset_)
            throw error(described() + " needs " + (needed ? std::to_string(*needed) : "more than 2^64") +
                        " bytes from byte " + std::to_string(offset_) + ", but there are " +
                        std::to_string(available) + " in all");
        size_ = *needed / size_of(type_);
    }

    /// A copy of an xtensor (or of the values of an xtensor expression) of float or double.
    template <detail::real_values E>
    tensor(xt::xexpression<E> const& values,
           std::string name = {})  // NOLINT: implicit, so that mlp({W1, W2}) works
        : tensor(std::move(name), sizeof(typename E::value_type) == 4 ? dtype::f32 : dtype::f64,
                 shape_of(values.derived_cast()), bytes_of(values.derived_cast())) {}

    [[nodiscard]] std::string const& name() const noexcept { return name_; }
    [[nodiscard]] dtype type() const noexcept { return type_; }
    [[nodiscard]] std::vector<std::size_t> const& shape() const noexcept { return shape_; }
    [[nodiscard]] std::size_t rank() const noexcept { return shape_.size(); }
    /// Number of elements.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// The stored bytes, little-endian, row-major, of any alignment.
    [[nodiscard]] std::span<std::byte const> bytes() const noexcept {
        return {first(), size_ * size_of(type_)};
    }

    /// The same values under another name.
    [[nodiscard]] tensor renamed(std::string name) const {
        tensor copy = *this;
        copy.name_ = std::move(name);
        return copy;
    }

    /// "tensor 'fc1.weight' of shape (16, 784)", as messages name it.
    [[nodiscard]] std::string described() const {
        return "tensor " + detail::in_quotes(name_) + " of shape " + detail::tuple_text(shape_);
    }

    /// The values as a row-major xtensor of its own memory. Exact, except that f64 is rounded to float.
    /// Throws `error` where the rank differs, or a finite double lies beyond the range of float.
    template <detail::float_or_double Real, std::size_t Rank>
    [[nodiscard]] xt::xtensor<Real, Rank, xt::layout_type::row_major> as() const {
        if (rank() != Rank)
            throw error(described() + " has rank " + std::to_string(rank()) + ", not " +
                        std::to_string(Rank));
        std::array<std::size_t, Rank> shape{};
        std::copy_n(shape_.begin(), Rank, shape.begin());
        auto result = xt::xtensor<Real, Rank, xt::layout_type::row_major>::from_shape(shape);
        copy_to(std::span<Real>(result.data(), result.size()));
        return result;
    }

    /// The values in row-major order. Throws `error` where `out` has another size, and as `as` does.
    void copy_to(std::span<float> out) const { convert(out); }
    void copy_to(std::span<double> out) const { convert(out); }

    /// The first nan or infinity in row-major order, if there is one.
    [[nodiscard]] std::optional<non_finite> first_non_finite() const {
        std::optional<non_finite> found;
        visit_values([&](std::size_t index, auto value) {
            if (std::isfinite(value)) return true;
            found = non_finite{index, static_cast<double>(value)};
            return false;
        });
        return found;
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
        using value_type = typename E::value_type;
        std::vector<std::byte> bytes(values.size() * sizeof(value_type));
        auto* to = bytes.data();
        // row-major whatever the layout of the expression, and each value evaluated once
        auto from = values.template begin<xt::layout_type::row_major>();
        for (std::size_t i = 0; i < values.size(); ++i, ++from, to += sizeof(value_type)) {
            value_type const value = *from;
            std::memcpy(to, &value, sizeof value);
        }
        return std::make_shared<std::vector<std::byte> const>(std::move(bytes));
    }

    [[nodiscard]] std::byte const* first() const noexcept {
        return bytes_ ? bytes_->data() + offset_ : nullptr;
    }

    /// f(index, value) for each value, as float or (f64) double, until f returns false.
    template <class F>
    void visit_values(F f) const {
        switch (type_) {
            case dtype::f16:
                return visit_stored<std::uint16_t>(f, detail::half_to_float);
            case dtype::bf16:
                return visit_stored<std::uint16_t>(f, detail::bfloat16_to_float);
            case dtype::f32:
                return visit_stored<float>(f, [](float x) { return x; });
            case dtype::f64:
                return visit_stored<double>(f, [](double x) { return x; });
        }
    }

    template <class Stored, class F, class Decode>
    void visit_stored(F& f, Decode decode) const {
        auto const* from = first();
        for (std::size_t i = 0; i < size_; ++i) {
            Stored stored;
            std::memcpy(&stored, from + i * sizeof(Stored), sizeof(Stored));
            if (!f(i, decode(stored))) return;
        }
    }

    template <class Real>
    void convert(std::span<Real> out) const {
        if (out.size() != size_)
            throw error(described() + " has " + std::to_string(size_) +
                        " values, but the destination has room for " + std::to_string(out.size()));
        visit_values([&](std::size_t index, auto value) {
            out[index] = static_cast<Real>(value);
            if constexpr (sizeof(value) > sizeof(Real))
                if (std::isinf(out[index]) && std::isfinite(value))
                    refuse_range(index, static_cast<double>(value));
            return true;
        });
    }

    [[noreturn]] void refuse_range(std::size_t index, double value) const {
        throw error(described() + " holds " + detail::number_text(value) + " at " +
                    detail::index_text(shape_, index) + ", beyond the range of float");
    }

    std::string name_;
    dtype type_;
    std::vector<std::size_t> shape_;
    shared_bytes bytes_;
    std::size_t offset_;
    std::size_t size_ = 0;
};

}  // namespace spinet
