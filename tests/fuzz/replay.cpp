// SPDX-License-Identifier: BSD-3-Clause
/// In the place of libFuzzer: gives a target every file of the directories, and every file, that are its
/// arguments.
#include "fuzz.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace {

std::vector<std::filesystem::path> files_of(std::filesystem::path const& given) {
    if (!std::filesystem::is_directory(given)) return {given};
    std::vector<std::filesystem::path> files;
    for (auto const& entry : std::filesystem::directory_iterator(given))
        if (entry.is_regular_file()) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

void replay(std::filesystem::path const& file) {
    std::ifstream stream(file, std::ios::binary);
    fuzz::require(stream.is_open(), "a file that cannot be opened");
    std::string const bytes(std::istreambuf_iterator<char>(stream), {});
    std::printf("%s: %zu bytes\n", file.filename().c_str(), bytes.size());
    std::fflush(stdout);  // the last line is the file that ends the program
    // Memory of its own, of that size, so that a sanitizer sees what reads beyond.
    std::vector<std::uint8_t> const input(bytes.begin(), bytes.end());
    (void)LLVMFuzzerTestOneInput(input.data(), input.size());
}

}  // namespace

int main(int count, char** arguments) {
    std::size_t replayed = 0;
    for (int k = 1; k < count; ++k)
        for (auto const& file : files_of(arguments[k])) {
            replay(file);
            ++replayed;
        }
    fuzz::require(replayed > 0, "no files to replay");
    std::printf("%zu files\n", replayed);
}
