// SPDX-License-Identifier: BSD-3-Clause
/// A byte archive for checkpoints: arrays of numbers, each with its length, read back with bounds checks.
#pragma once

#include <spinet/error.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace spinet {

/// Appends values and arrays. The state of a kernel of your own is saved through it.
class archive_writer {
public:
    template <class T, class Allocator>
    void put(std::vector<T, Allocator> const& values) {
        static_assert(std::is_trivially_copyable_v<T>);
        put_value(static_cast<std::uint64_t>(values.size()));
        append(values.data(), values.size() * sizeof(T));
    }
    void put(std::string const& text) {
        put_value(static_cast<std::uint64_t>(text.size()));
        append(text.data(), text.size());
    }

    template <class T>
    void put_value(T value) {
        static_assert(std::is_trivially_copyable_v<T>);
        append(&value, sizeof value);
    }

    [[nodiscard]] std::vector<std::byte> take() && { return std::move(bytes_); }

private:
    void append(void const* data, std::size_t size) {
        if (size == 0) return;
        bytes_.resize(bytes_.size() + size);
        std::memcpy(bytes_.data() + bytes_.size() - size, data, size);
    }

    std::vector<std::byte> bytes_;
};

/// Reads them back in the same order. Throws spinet::error where the bytes end early or an array has another
/// length than expected.
class archive_reader {
public:
    explicit archive_reader(std::span<std::byte const> bytes) : bytes_(bytes) {}

    template <class T>
    [[nodiscard]] T get_value() {
        T value;
        std::memcpy(&value, claim(sizeof value), sizeof value);
        return value;
    }

    template <class T>
    [[nodiscard]] std::vector<T> get() {
        std::vector<T> values(get_length(sizeof(T)));
        if (!values.empty())
            std::memcpy(values.data(), claim(values.size() * sizeof(T)), values.size() * sizeof(T));
        return values;
    }

    template <class T>
    [[nodiscard]] std::vector<T> get_exactly(std::size_t size) {
        auto values = get<T>();
        if (values.size() != size)
            throw error("does not fit: an array has ", values.size(), " entries where this run has ", size);
        return values;
    }

    [[nodiscard]] std::string get_text() {
        std::size_t const size = get_length(1);
        return {reinterpret_cast<char const*>(claim(size)), size};
    }

    [[nodiscard]] bool at_end() const noexcept { return bytes_.empty(); }

private:
    std::size_t get_length(std::size_t bytes_of_element) {
        auto const size = get_value<std::uint64_t>();
        if (size > bytes_.size() / bytes_of_element) throw error("damaged: an array reaches beyond the end");
        return static_cast<std::size_t>(size);
    }

    std::byte const* claim(std::size_t size) {
        if (size > bytes_.size()) throw error("damaged: it ends early");
        auto const* const here = bytes_.data();
        bytes_ = bytes_.subspan(size);
        return here;
    }

    std::span<std::byte const> bytes_;
};

}  // namespace spinet
