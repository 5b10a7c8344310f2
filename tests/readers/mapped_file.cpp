// SPDX-License-Identifier: BSD-3-Clause
/// Memory-mapped files: what is in them, how long they stay, what is refused.
#include "../files.hpp"
#include <spinet/readers/mapped_file.hpp>

#include <optional>
#include <vector>

using namespace network_test;
using spinet::mapped_file;

namespace {

std::string text_of(spinet::byte_source const& source) {
    auto const bytes = source.bytes();
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

#if SPINET_HAS_MMAP && defined(__linux__)
/// How often the file is mapped into this process.
std::size_t mappings_of(std::filesystem::path const& path) {
    std::ifstream maps("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) count += line.find(path.string()) != line.npos;
    return count;
}
#endif

}  // namespace

TEST_CASE("a mapped file holds the bytes of the file", "[network]") {
    temporary_directory const directory;
    std::string every;
    for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
    for (std::size_t const size : {1U, 255U, 4095U, 4096U, 4097U, 100'000U}) {
        std::string bytes;
        while (bytes.size() < size) bytes += every;
        bytes.resize(size);
        auto const path = directory.write("f" + std::to_string(size), bytes);
        mapped_file const mapped(path);
        CHECK(mapped.size() == size);
        CHECK(text_of(mapped.bytes()) == bytes);
        // where there are no mappings
        CHECK(text_of(spinet::detail::read_instead_of_mapping(spinet::input_file(path))) == bytes);
    }
}

TEST_CASE("tensors on a mapped file outlive it, removed or replaced", "[network]") {
    temporary_directory const directory;
    auto const values = bytes_of<float>({1, 2, 3, 4, 5, 6});
    auto const path = directory.write("values", "x" + values);
    auto last = [&] {
        mapped_file const mapped(path);
        spinet::tensor const all("w", spinet::dtype::f32, {3, 2}, mapped.bytes(), 1);
        CHECK(all.bytes().data() == mapped.bytes().bytes().data() + 1);
        return std::optional(all.rows(2, 1));
    }();
    auto const other = directory.write("other", std::string(1 + values.size(), '\xFF'));
    std::filesystem::rename(other, path);
    CHECK(last->as<double, 2>()(0, 1) == 6);
    std::filesystem::remove(path);
    CHECK(last->as<double, 2>()(0, 0) == 5);
}

#if SPINET_HAS_MMAP && defined(__linux__)
TEST_CASE("one mapping is shared, and ends with the last tensor", "[network]") {
    temporary_directory const directory;
    auto const path = directory.write("shared", std::string(10'000, '\0'));
    std::optional<spinet::tensor> kept;
    {
        mapped_file const mapped(path);
        auto const copy = mapped;
        std::vector<spinet::tensor> several;
        for (std::size_t k = 0; k < 50; ++k)
            several.emplace_back("t", spinet::dtype::f16, std::vector<std::size_t>{10}, copy.bytes(), k);
        CHECK(mappings_of(path) == 1);
        kept = several.back();
    }
    CHECK(mappings_of(path) == 1);
    kept.reset();
    CHECK(mappings_of(path) == 0);
}
#endif

TEST_CASE("refused: what is no file, is empty or was changed", "[network]") {
    temporary_directory const directory;
    auto const missing = directory.path() / "none";
    CHECK(refusal(missing, [&] { (void)mapped_file(missing); }) == "no such file");
    CHECK(refusal(directory.path(), [&] { (void)mapped_file(directory.path()); }) ==
          "is a directory, not a file");
    auto const empty = directory.write("empty", "");
    CHECK(refusal(empty, [&] { (void)mapped_file(empty); }) == "the file is empty");
    auto const path = directory.write("f", "123");
    spinet::input_file const opened(path);
    directory.write("f", "1234");
    CHECK(refusal(path, [&] { (void)mapped_file(opened); }) == "was changed while it was read");
    CHECK(refusal(path, [&] { (void)spinet::detail::read_instead_of_mapping(opened); }) ==
          "was changed while it was read");
    std::filesystem::remove(path);
    CHECK(refusal(path, [&] { (void)mapped_file(opened); }) != "nothing was thrown");
    std::filesystem::create_directory(path);
    CHECK(refusal(path, [&] { (void)mapped_file(opened); }) != "nothing was thrown");
}
