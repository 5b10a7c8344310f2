// SPDX-License-Identifier: BSD-3-Clause
/// NumPy's arrays in files: the header of the npy format, and a network of one layer from one array.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/weights.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet {

/// What the header of an array says. Source: NumPy Enhancement Proposal 1, versions 1.0 to 3.0.
struct npy_header {
    std::string descr;           ///< such as "<f4"
    bool fortran_order = false;  ///< columns are contiguous
    std::vector<std::uint64_t> shape;
    std::uint64_t data_begin = 0;  ///< bytes from the start of the array's file
};

namespace detail {

/// More than 64 KiB are needed only for arrays of records.
inline constexpr std::uint64_t largest_npy_header = 1u << 16;
inline constexpr std::string_view start_of_npy = "\x93NUMPY";

/// Reads the dictionary of a header: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
class npy_dictionary {
public:
    explicit npy_dictionary(std::string_view text) : rest_(text) {}

    /// Throws `error`, saying what is wrong.
    [[nodiscard]] npy_header read() {
        std::optional<std::string> descr;
        std::optional<bool> fortran_order;
        std::optional<std::vector<std::uint64_t>> shape;
        expect('{');
        while (!take('}')) {
            auto const key = string();
            expect(':');
            bool const known = key == "descr" || key == "fortran_order" || key == "shape";
            if (!known) throw error("its header has the unknown key ", in_quotes(key));
            if (key == "descr"   ? descr.has_value()
                : key == "shape" ? shape.has_value()
                                 : fortran_order.has_value())
                throw error("its header has the key ", in_quotes(key), " twice");
            if (key == "descr")
                descr = description();
            else if (key == "shape")
                shape = tuple();
            else
                fortran_order = boolean();
            if (!take(',') && peek() != '}') fail();
        }
        skip_space();
        if (!rest_.empty()) fail();
        if (!descr || !fortran_order || !shape)
            throw error("its header lacks one of descr, fortran_order and shape");
        return {*std::move(descr), *fortran_order, *std::move(shape)};
    }

private:
    [[noreturn]] void fail() const {
        throw error("its header is no dictionary of descr, fortran_order and shape at ",
                    in_quotes(rest_.substr(0, 20)));
    }
    void skip_space() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) rest_.remove_prefix(1);
    }
    [[nodiscard]] char peek() {
        skip_space();
        return rest_.empty() ? '\0' : rest_.front();
    }
    [[nodiscard]] bool take(char c) {
        if (peek() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(char c) {
        if (!take(c)) fail();
    }
    [[nodiscard]] bool take_word(std::string_view word) {
        skip_space();
        if (rest_.substr(0, word.size()) != word) return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    [[nodiscard]] std::string string() {
        char const quote = peek();
        if (quote != '\'' && quote != '"') fail();
        auto const end = rest_.find(quote, 1);
        if (end == rest_.npos) fail();
        std::string const text(rest_.substr(1, end - 1));
        rest_.remove_prefix(end + 1);
        return text;
    }
    [[nodiscard]] std::string description() {
        if (peek() == '[') throw error("it is an array of records, not of numbers");
        return string();
    }
    [[nodiscard]] bool boolean() {
        if (take_word("True")) return true;
        if (take_word("False")) return false;
        fail();
    }
    [[nodiscard]] std::vector<std::uint64_t> tuple() {
        std::vector<std::uint64_t> numbers;
        expect('(');
        while (!take(')')) {
            if (numbers.size() == 32) throw error("its shape has more than 32 dimensions");
            numbers.push_back(number());
            if (!take(',') && peek() != ')') fail();
        }
        return numbers;
    }
    [[nodiscard]] std::uint64_t number() {
        std::uint64_t value = 0;
        std::size_t digits = 0;
        while (is_digit(peek())) {
            auto const digit = static_cast<std::uint64_t>(rest_.front() - '0');
            if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10)
                throw error("its shape has a dimension beyond 2^64");
            value = 10 * value + digit;
            rest_.remove_prefix(1);
            ++digits;
        }
        if (digits == 0) fail();
        return value;
    }

    std::string_view rest_;
};

/// `read(offset, bytes)` fills bytes from a file of `size` bytes. Throws `error`, saying what is wrong.
template <class Read>
[[nodiscard]] npy_header read_npy_header(std::uint64_t size, Read&& read) {
    std::byte start[12] = {};
    if (size < sizeof start) throw error("it ends within the header of an array");
    read(0, std::span<std::byte>(start));
    if (std::memcmp(start, start_of_npy.data(), start_of_npy.size()) != 0)
        throw error("it does not begin as an array of NumPy does");
    auto const version = std::to_integer<unsigned>(start[6]);
    if (version < 1 || version > 3) throw error("its format has the version ", version, ", not 1 to 3");
    std::uint64_t length = 0;
    std::uint64_t const begin = version == 1 ? 10 : 12;
    for (std::uint64_t k = begin; k-- > 8;) length = length << 8 | std::to_integer<std::uint64_t>(start[k]);
    if (length > largest_npy_header)
        throw error("its header has ", length, " bytes, more than ", largest_npy_header);
    if (length > size - begin) throw error("it ends within the header of an array");
    std::string text(static_cast<std::size_t>(length), '\0');
    read(begin, std::as_writable_bytes(std::span(text)));
    auto found = npy_dictionary(text).read();
    found.data_begin = begin + length;
    return found;
}

/// The type of elements: NumPy's letters. Integers and booleans are `whole`; others have no `type`.
struct npy_type {
    std::optional<dtype> type;
    bool whole = false, swapped = false;
    std::uint64_t size = 0;  ///< bytes; 0: unknown
};

[[nodiscard]] inline npy_type npy_type_of(std::string_view descr) {
    npy_type found;
    if (descr.size() < 3) return found;
    std::string_view const kind = descr.substr(1);
    found.swapped = descr.front() == '>';
    if (kind == "f2") found.type = dtype::f16;
    if (kind == "f4") found.type = dtype::f32;
    if (kind == "f8") found.type = dtype::f64;
    found.whole = kind.front() == 'i' || kind.front() == 'u' || kind.front() == 'b';
    for (char const c : kind.substr(1)) {
        if (!is_digit(c) || found.size > 1000) return {};
        found.size = 10 * found.size + static_cast<std::uint64_t>(c - '0');
    }
    return found;
}

/// The bytes that follow the header have to be `size`. Throws `error` where shape and type ask for others.
inline void check_npy_size(npy_header const& header, std::uint64_t size) {
    auto const type = npy_type_of(header.descr);
    if (type.size == 0) return;  // nothing is read of it
    auto const needed = checked_product(header.shape, type.size);
    if (!needed || *needed != size)
        throw error("its shape ", tuple_text(header.shape), " of ", header.descr, " needs ",
                    (needed ? std::to_string(*needed) : "more than 2^64"), " bytes, but ", size,
                    " follow its header");
}

/// The array as a tensor: rows contiguous, little-endian. `bytes` begin with the first number.
[[nodiscard]] inline tensor npy_tensor(std::string name, npy_header const& header,
                                       std::vector<std::byte> bytes) {
    auto const type = npy_type_of(header.descr);
    auto const width = static_cast<std::size_t>(type.size);
    std::vector<std::size_t> const shape(header.shape.begin(), header.shape.end());
    if (type.swapped)
        for (std::size_t k = 0; k + width <= bytes.size(); k += width)
            std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(k),
                         bytes.begin() + static_cast<std::ptrdiff_t>(k + width));
    if (header.fortran_order && shape.size() == 2) {
        std::vector<std::byte> rows(bytes.size());
        for (std::size_t i = 0; i < shape[0]; ++i)
            for (std::size_t j = 0; j < shape[1]; ++j)
                std::memcpy(rows.data() + (i * shape[1] + j) * width,
                            bytes.data() + (j * shape[0] + i) * width, width);
        bytes = std::move(rows);
    }
    return {std::move(name), type.type.value(), shape, std::move(bytes)};
}

}  // namespace detail

/// Reads one array of shape (out, in), of float16, float32 or float64, as a network of one dense layer, named
/// after the file.
struct npy {
    activation_kind output = activation_kind::unspecified;

    [[nodiscard]] static std::string_view name() noexcept { return "npy"; }

    /// By its first six bytes. False where the file cannot be read.
    [[nodiscard]] bool recognises(std::filesystem::path const& path) const {
        return detail::recognised(
            path, [](input_file& file) { return detail::begins_with(file, detail::start_of_npy); });
    }

    /// Throws `file_error`, which names the file and what is wrong with it.
    [[nodiscard]] network operator()(std::filesystem::path const& path) const {
        return detail::network_from(path, [&] {
            input_file file(path);
            auto const header = detail::read_npy_header(
                file.size(), [&](std::uint64_t at, std::span<std::byte> out) { file.read(at, out); });
            detail::check_npy_size(header, file.size() - header.data_begin);
            auto const type = detail::npy_type_of(header.descr);
            if (!type.type || header.shape.size() != 2 || header.shape[0] == 0 || header.shape[1] == 0)
                throw error("an array of shape ", detail::tuple_text(header.shape), " and type ",
                            detail::in_quotes(header.descr),
                            "; a dense layer has shape (out, in) of float16, float32 or float64");
            std::vector<std::byte> bytes(static_cast<std::size_t>(file.size() - header.data_begin));
            file.read(header.data_begin, bytes);
            auto const stem = path.stem().string();
            dense_layer layer{stem.empty() ? "linear" : stem,
                              detail::npy_tensor(stem, header, std::move(bytes))};
            layer.activation = output;
            return dense_network({layer});
        });
    }
};

}  // namespace spinet
