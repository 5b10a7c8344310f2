// SPDX-License-Identifier: BSD-3-Clause
/// The exceptions spinet throws: every refusal says what was expected, what was found and where.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace spinet {

/// Base of everything spinet throws. Catch this one to catch all of them.
class error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A file could not be read or written, or its content is not what its format demands. Names the file.
class file_error : public error {
public:
    file_error(std::string const& path, std::string const& what) : error(path + ": " + what), path_(path) {}

    [[nodiscard]] std::string const& path() const noexcept { return path_; }

private:
    std::string path_;
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
