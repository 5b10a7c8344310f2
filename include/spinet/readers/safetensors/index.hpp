// SPDX-License-Identifier: BSD-3-Clause
/// The index of a network in several safetensors files: which tensor is in which of them.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/json_events.hpp>
#include <spinet/readers/safetensors/header.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace spinet {

/// The name of a file for each tensor. The files are those of the same directory, called shards.
struct safetensors_index {
    std::map<std::string, std::string, std::less<>> shard_of;
};

namespace detail {

/// Real ones nest two objects.
inline constexpr std::size_t deepest_index = 32;

/// Only `weight_map` is kept; what stands beside it is passed over, down to a limited depth.
class safetensors_index_events final : public json_events {
public:
    safetensors_index_events() : json_events("the index") {}

    /// After the last event.
    [[nodiscard]] safetensors_index take() {
        if (names_.count("weight_map") == 0) refuse("has no weight_map");
        return std::move(index_);
    }

    bool string(json::string_t& value) override {
        if (depth_ != 2 || !in_weight_map_) return scalar("a string");
        if (!is_plain_file_name(value))
            refuse("puts tensor ", in_quotes(name_), " into ", in_quotes(value),
                   ", which is not the name of a file in its own directory");
        index_.shard_of[name_] = value;
        return true;
    }

    bool named(std::string const& value) override {
        if (depth_ == 1) {
            if (!names_.insert(value).second)
                throw error("duplicate key ", in_quotes(value), " in the index");
            in_weight_map_ = value == "weight_map";
        } else if (depth_ == 2 && in_weight_map_) {
            if (index_.shard_of.count(value) != 0)
                throw error("duplicate key ", in_quotes(value), " in the weight_map of the index");
            name_ = value;
        }
        return true;
    }

    bool start_object(std::size_t) override {
        if (depth_ >= 2 || !in_weight_map_) return deeper();
        depth_ = 2;
        return true;
    }
    bool start_array(std::size_t) override {
        if (depth_ == 0) unexpected("an array");
        return deeper("an array");
    }
    bool end_object() override { return shallower(); }
    bool end_array() override { return shallower(); }

private:
    bool scalar(std::string const& found) override {
        if (depth_ == 0 || in_weight_map_) unexpected(found);
        return true;
    }

    bool deeper(char const* found = "an object") {
        if (in_weight_map_) unexpected(found);
        if (++depth_ > deepest_index) refuse("nests more than ", deepest_index, " levels");
        return true;
    }

    bool shallower() {
        if (--depth_ == 1) in_weight_map_ = false;
        return true;
    }

    [[noreturn]] void unexpected(std::string const& found) const {
        if (depth_ == 0) refuse("is ", found, ", not an object");
        if (depth_ == 1) throw error("the weight_map of the index is ", found, ", not an object");
        refuse("puts tensor ", in_quotes(name_), " into ", found,
               ", not into a file, whose name would be a string");
    }

    safetensors_index index_;
    std::set<std::string, std::less<>> names_;
    std::string name_;
    std::size_t depth_ = 0;       ///< objects and arrays that are open
    bool in_weight_map_ = false;  ///< and so is the value of weight_map
};

}  // namespace detail

/// By the end of its name, as the Hugging Face libraries call it: `.safetensors.index.json`.
[[nodiscard]] inline bool is_safetensors_index(std::filesystem::path const& path) {
    return path.filename().string().ends_with(".safetensors.index.json");
}

/// Reads {"metadata": ..., "weight_map": {tensor: file, ...}}, as the Hugging Face libraries write it; what
/// stands beside weight_map is passed over, as they do. Throws `file_error` for anything else, and for names
/// of files which are not in the directory of the index. Memory: a small multiple of the index.
[[nodiscard]] inline safetensors_index read_safetensors_index(input_file& file) {
    if (file.size() > detail::largest_header)
        file.refuse("the index has ", file.size(), " bytes, over the limit of ", detail::largest_header);
    auto const text = file.text(0, file.size());
    detail::safetensors_index_events events;
    return detail::naming_file(file.path(), [&] {
        events.read(text);
        return events.take();
    });
}

}  // namespace spinet
