// SPDX-License-Identifier: BSD-3-Clause
/// What fuzz targets share: a directory in memory for their input, and what a reader may do with it.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/shapes.hpp>

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

namespace fuzz {

/// A directory for this process, in memory where the system has /dev/shm; removed at exit.
class directory {
public:
    directory() {
        std::filesystem::path const memory = "/dev/shm";
        auto const top =
            std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
        path_ = top / ("spinet_fuzz_" + std::to_string(::getpid()));
        std::filesystem::create_directory(path_);
    }
    directory(directory const&) = delete;
    directory& operator=(directory const&) = delete;
    ~directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::filesystem::path write(std::string const& name, std::uint8_t const* data,
                                              std::size_t size) const {
        auto const file = path_ / name;
        std::ofstream(file, std::ios::binary)
            .write(reinterpret_cast<char const*>(data), static_cast<std::streamsize>(size));
        return file;
    }

private:
    std::filesystem::path path_;
};

inline void require(bool holds, char const* what) {
    if (holds) return;
    std::fprintf(stderr, "spinet fuzz: %s\n", what);
    std::abort();
}

/// While it lives, C++ code may take so many bytes more than it has; beyond, the program ends (with glibc,
/// and where memory.cpp is linked).
class memory_bound {
public:
    explicit memory_bound(std::size_t more);
    memory_bound(memory_bound const&) = delete;
    memory_bound& operator=(memory_bound const&) = delete;
    ~memory_bound();

private:
    std::size_t before_;
};

/// What a reader may take for a file of that many bytes, with a little for the buffer of the open file and
/// for messages.
[[nodiscard]] inline std::size_t allowance(std::size_t file_size) {
    return 10 * file_size + (std::size_t{65} << 20);
}

inline void require_finite(spinet::tensor const& of) {
    std::vector<double> values(of.size());
    of.copy_to(std::span<double>(values));
    for (auto const x : values) require(std::isfinite(x), "a weight is not finite");
}

/// That all weights of a network are finite, and its values have shapes.
inline void require_sound(spinet::network const& net) {
    require(!net.nodes().empty(), "a network without nodes");
    require(result_shapes(net).size() == net.nodes().size(), "a node without a shape");
    for (auto const& node : net.nodes())
        node.op.visit([](auto const& op) {
            for (auto const* each : spinet::detail::tensors_in(op)) require_finite(*each);
        });
}

/// Reads the file, with at most so many bytes. Anything but a network of finite weights or a file_error ends
/// the program.
template <class Reader>
void read_network(Reader const& reader, std::filesystem::path const& path, std::size_t bytes) {
    (void)reader.recognises(path);
    try {
        auto const net = [&] {
            memory_bound const bound(bytes);
            return reader(path);
        }();
        for (auto const& node : net.nodes())
            node.op.visit([](auto const& op) {
                for (auto const* part : spinet::detail::tensors_in(op)) require_finite(*part);
            });
    } catch (spinet::file_error const& reason) {
        require(!reason.path().empty(), "a message without a file");
    }
}

}  // namespace fuzz
