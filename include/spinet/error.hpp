// SPDX-License-Identifier: BSD-3-Clause
/// The exceptions spinet throws: every refusal says what was expected, what was found and where.
#pragma once

#include <stdexcept>
#include <string>

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
