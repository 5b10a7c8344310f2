// SPDX-License-Identifier: BSD-3-Clause
/// Files for the tests of network readers: a directory that goes away, and safetensors files built byte by
/// byte.
#pragma once

#include "catch.hpp"
#include <spinet/error.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace network_test {

/// A directory of its own, removed with all it holds at the end of the test.
class temporary_directory {
public:
    temporary_directory() {
        static std::atomic<unsigned> count{0};
        auto const now = std::chrono::steady_clock::now().time_since_epoch().count();
        auto const top = std::filesystem::temp_directory_path();
        do path_ = top / ("spinet_network_" + std::to_string(now) + "_" + std::to_string(count++));
        while (!std::filesystem::create_directory(path_));
    }
    temporary_directory(temporary_directory const&) = delete;
    temporary_directory& operator=(temporary_directory const&) = delete;
    ~temporary_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    std::filesystem::path const& path() const { return path_; }

    std::filesystem::path write(std::string const& name, std::string const& bytes) const {
        auto const file = path_ / name;
        std::ofstream(file, std::ios::binary) << bytes;
        return file;
    }

private:
    std::filesystem::path path_;
};

template <class T>
std::string bytes_of(std::vector<T> const& values) {
    std::string bytes(values.size() * sizeof(T), '\0');
    if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
}

struct file_tensor {
    std::string name;
    std::string type;
    std::vector<std::uint64_t> shape;
    std::string bytes;
};

/// A float tensor whose i-th value is `first` + i.
inline file_tensor counted(std::string name, std::vector<std::uint64_t> shape, float first = 1) {
    std::uint64_t size = 1;
    for (auto const length : shape) size *= length;
    std::vector<float> values;
    for (std::uint64_t i = 0; i < size; ++i) values.push_back(first + static_cast<float>(i));
    return {std::move(name), "F32", std::move(shape), bytes_of(values)};
}

/// The length, the header and the data.
inline std::string with_length(std::string const& header, std::string const& data = "") {
    return bytes_of(std::vector<std::uint64_t>{header.size()}) + header + data;
}

inline std::string entry_text(std::string const& name, std::string const& type, std::string const& shape,
                              std::string const& offsets) {
    return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape +
           ",\"data_offsets\":" + offsets + "}";
}

/// A valid file with these tensors, in this order in header and data.
inline std::string safetensors_file(std::vector<file_tensor> const& tensors,
                                    std::string const& metadata = "") {
    std::string header = "{" + metadata;
    std::string data;
    for (auto const& tensor : tensors) {
        std::string shape;
        for (auto const length : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(length);
        auto const begin = std::to_string(data.size());
        data += tensor.bytes;
        header += (header.size() > 1 ? "," : "") +
                  entry_text(tensor.name, tensor.type, "[" + shape + "]",
                             "[" + begin + "," + std::to_string(data.size()) + "]");
    }
    return with_length(header + "}", data);
}

/// What `f` throws as spinet::file_error for `path`, without the path in front.
template <class F>
std::string refusal(std::filesystem::path const& path, F const& f) {
    try {
        f();
    } catch (spinet::file_error const& reason) {
        CHECK(reason.path() == path.string());
        std::string const what = reason.what();
        REQUIRE(what.rfind(path.string() + ": ", 0) == 0);
        return what.substr(path.string().size() + 2);
    }
    return "nothing was thrown";
}

/// What `f` throws as spinet::error.
template <class F>
std::string error_of(F const& f) {
    try {
        f();
    } catch (spinet::error const& reason) {
        return reason.what();
    }
    return "nothing was thrown";
}

}  // namespace network_test
