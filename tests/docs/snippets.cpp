// SPDX-License-Identifier: BSD-3-Clause
/// The code that README.md and docs/ show is, word for word, a part of a program that is compiled and run.
#include "../catch.hpp"
#include <spinet/io/atomic_file.hpp>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::filesystem::path const top = SPINET_SOURCE_DIR;

std::vector<std::string> lines_of(std::filesystem::path const& path) {
    std::istringstream text(spinet::read_whole(path));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

/// The lines between two lines `//! [marker]`, without their common indent.
std::vector<std::string> marked_part(std::filesystem::path const& path, std::string const& marker) {
    std::vector<std::string> part;
    int seen = 0;
    for (auto const& line : lines_of(path)) {
        bool const mark = line.find("//! [" + marker + "]") != std::string::npos;
        seen += mark ? 1 : 0;
        if (!mark && seen == 1) part.push_back(line);
    }
    REQUIRE(seen == 2);
    std::size_t indent = 1000;
    for (auto const& line : part)
        if (!line.empty()) indent = std::min(indent, line.find_first_not_of(' '));
    for (auto& line : part) line.erase(0, std::min(indent, line.size()));
    return part;
}

/// Checks every `<!-- docs/examples/FILE: MARKER -->` of a page; returns how many there are.
std::size_t check_page(std::filesystem::path const& page) {
    std::string const before = "<!-- docs/examples/", after = " -->";
    auto const lines = lines_of(page);
    std::size_t found = 0;
    for (std::size_t k = 0; k < lines.size(); ++k) {
        if (lines[k].rfind(before, 0) != 0) continue;
        auto const colon = lines[k].find(": ");
        REQUIRE(colon != std::string::npos);
        auto const file = lines[k].substr(before.size(), colon - before.size());
        auto const marker = lines[k].substr(colon + 2, lines[k].size() - after.size() - colon - 2);
        CAPTURE(page.string(), file, marker);
        REQUIRE(k + 1 < lines.size());
        CHECK(lines[k + 1] == "```cpp");
        std::vector<std::string> shown;
        for (std::size_t n = k + 2; n < lines.size() && lines[n] != "```"; ++n) shown.push_back(lines[n]);
        CHECK(shown == marked_part(top / "docs/examples" / file, marker));
        ++found;
    }
    return found;
}

}  // namespace

TEST_CASE("the documentation shows code that is compiled", "[docs]") {
    std::size_t found = check_page(top / "README.md");
    for (auto const& entry : std::filesystem::directory_iterator(top / "docs"))
        if (entry.path().extension() == ".md") found += check_page(entry.path());
    CHECK(found >= 20);
}
