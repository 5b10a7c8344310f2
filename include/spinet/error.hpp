// SPDX-License-Identifier: BSD-3-Clause
/// The exceptions spinet throws: every refusal says what was expected, what was found and where.
#pragma once

#include <spinet/detail/language.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace spinet {

namespace detail {

/// A piece of a message: text, or a number. It refers to the text, which must live as long as the piece.
class text_piece {
public:
    constexpr text_piece(char const* text) : text_piece(std::string_view(text)) {}
    constexpr text_piece(std::string_view text)
        : text_(text.data()), size_(static_cast<std::uint32_t>(text.size())) {}
    text_piece(std::string const& text) : text_piece(std::string_view(text)) {}
    template <std::integral Number>
        requires(!std::same_as<Number, char> && !std::same_as<Number, bool>)
    constexpr text_piece(Number number)
        : whole_(static_cast<std::int64_t>(number)),
          kind_(std::signed_integral<Number> ? kind::signed_number : kind::unsigned_number) {}
    constexpr text_piece(double number) : number_(number), kind_(kind::number) {}
    /// A character, a truth value or an enumerator would be taken for a number.
    template <class Other>
        requires(std::same_as<Other, char> || std::same_as<Other, bool> || std::is_enum_v<Other>)
    text_piece(Other)
    = delete;

    void append_to(std::string& all) const {
        char digits[32];
        switch (kind_) {
            case kind::text:
                all.append(text_, size_);
                break;
            case kind::signed_number:
                all.append(std::to_string(whole_));
                break;
            case kind::unsigned_number:
                all.append(std::to_string(static_cast<std::uint64_t>(whole_)));
                break;
            case kind::number:
                std::snprintf(digits, sizeof digits, "%g", number_);
                all.append(digits);
        }
    }

private:
    enum class kind : std::uint8_t { text, signed_number, unsigned_number, number };
    union {  // so that a piece takes two stores where a message is made, of which there are hundreds
        char const* text_;
        std::int64_t whole_;
        double number_;
    };
    std::uint32_t size_ = 0;  ///< of the text; messages are shorter than 4 GiB
    kind kind_ = kind::text;
};

using text_pieces = std::initializer_list<text_piece>;

[[gnu::cold, gnu::noinline, nodiscard]] inline std::string joined(text_pieces pieces) {
    std::string all;
    for (text_piece const& piece : pieces) piece.append_to(all);
    return all;
}

/// The pieces, one after the other: text("layer ", 3, " of ", name). One call, where a sum of strings would
/// make a string for each sign; with hundreds of messages, that is a good part of a program's code.
template <class... Pieces>
[[gnu::always_inline, nodiscard]] inline std::string text(Pieces const&... pieces) {
    return joined({text_piece(pieces)...});
}

}  // namespace detail

/// Base of everything spinet throws. Catch this one to catch all of them.
class error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
    /// throw error("found ", n, " layers")
    template <class First, class Second, class... Others>
    [[gnu::always_inline]] error(First const& first, Second const& second, Others const&... others)
        : error(detail::text_pieces{first, second, others...}) {}

private:
    [[gnu::cold, gnu::noinline]] explicit error(detail::text_pieces what)
        : std::runtime_error(detail::joined(what)) {}
};

/// A file could not be read or written, or its content is not what its format demands. Names the file.
class file_error : public error {
public:
    template <class... Pieces>
    file_error(std::string const& path, Pieces const&... what) : error(path, ": ", what...), path_(path) {}

    [[nodiscard]] std::string const& path() const noexcept { return path_; }

private:
    std::string path_;
};

/// Thrown by a long computation that has no partial result, where a stop token asked it to stop.
class stopped : public error {
public:
    using error::error;
};

namespace detail {

/// The name of an enumerator; `names` are those of all, in their order, and `type` is the enumeration's.
template <class Enum, std::size_t Count>
[[nodiscard]] constexpr std::string_view name_of(Enum value, char const* type,
                                                 std::string_view const (&names)[Count]) {
    auto const index = static_cast<std::size_t>(value);
    if (index >= Count) throw error("this value of spinet::" + std::string(type) + " has no name");
    return names[index];
}

/// Calls `body`. An `error` of it that names no file and does not begin with place() gets place() put before
/// it.
template <class Place, class Body>
decltype(auto) with_place(Place const& place, Body&& body) {
    try {
        return body();
    } catch (file_error const&) {
        throw;
    } catch (error const& reason) {
        std::string const text = reason.what(), where = place();
        if (text.substr(0, where.size()) == where) throw;
        throw error(where + ": " + text);
    }
}

}  // namespace detail
}  // namespace spinet
