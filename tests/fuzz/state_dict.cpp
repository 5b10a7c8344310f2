// SPDX-License-Identifier: BSD-3-Clause
/// Fuzz target: the reader of PyTorch's state dicts, given any bytes, loads finite weights or throws
/// spinet::file_error.
///
///     clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude tests/fuzz/state_dict.cpp
///     -lzip -lopenblas
///     ./a.out -max_total_time=180 DIRECTORY tests/fuzz/corpus/state_dict
#include <spinet/network/state_dict.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace {

/// A file of this process, in memory where the system has /dev/shm; removed at exit.
class input {
public:
    input() {
        std::filesystem::path const memory = "/dev/shm";
        auto const top =
            std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
        path_ = top / ("spinet_fuzz_state_dict_" + std::to_string(::getpid()));
    }
    input(input const&) = delete;
    input& operator=(input const&) = delete;
    ~input() { remove(); }

    [[nodiscard]] std::filesystem::path const& write(std::uint8_t const* data, std::size_t size) const {
        remove();
        std::ofstream(path_, std::ios::binary)
            .write(reinterpret_cast<char const*>(data), static_cast<std::streamsize>(size));
        return path_;
    }

private:
    void remove() const {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }

    std::filesystem::path path_;
};

void require(bool holds, char const* what) {
    if (holds) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static input const file;
    auto const& path = file.write(data, size);
    spinet::state_dict const reader{};
    static_cast<void>(reader.recognises(path));
    try {
        auto const net = reader(path);
        for (auto const& layer : dense_chain(net)) {
            std::vector<double> values(layer.weight.size());
            layer.weight.copy_to(std::span<double>(values));
            for (auto const x : values) require(std::isfinite(x), "a weight is not finite");
        }
    } catch (spinet::file_error const& reason) {
        require(reason.path() == path.string(), "a message without the file");
    }
    return 0;
}
