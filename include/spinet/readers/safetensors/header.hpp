// SPDX-License-Identifier: BSD-3-Clause
/// The header of a safetensors file: read under limits, and checked against the size of the file.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/architecture.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/json_events.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet {

/// An element type of the format; spinet computes with those which have a `dtype`, and dequantises those of a
/// packed type.
struct safetensors_type {
    std::string_view name;
    std::uint64_t bits;
    bool whole;  ///< integers and booleans
    std::optional<dtype> type = std::nullopt;
    detail::packed_type packed = detail::packed_type::none;
};

/// A tensor as the header describes it. Offsets count bytes from the end of the header.
struct safetensors_entry {
    std::string name;
    safetensors_type const* type = nullptr;
    std::vector<std::uint64_t> shape;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

/// All tensors, by name, and where their data begins in the file.
struct safetensors_header {
    std::map<std::string, safetensors_entry, std::less<>> tensors;
    std::uint64_t data_begin = 0;
};

namespace detail {

// The limit of the reference implementation, and one of ours: real files hold tensors of rank up to 5.
inline constexpr std::uint64_t largest_header = 100'000'000;
inline constexpr std::size_t most_dimensions = 32;

inline constexpr std::array<safetensors_type, 23> safetensors_types{
    {{"F32", 32, false, dtype::f32},
     {"F16", 16, false, dtype::f16},
     {"BF16", 16, false, dtype::bf16},
     {"F64", 64, false, dtype::f64},
     {"BOOL", 8, true},
     {"U8", 8, true, {}, packed_type::u8},
     {"I8", 8, true, {}, packed_type::i8},
     {"U16", 16, true},
     {"I16", 16, true, {}, packed_type::i16},
     {"U32", 32, true},
     {"I32", 32, true, {}, packed_type::i32},
     {"U64", 64, true},
     {"I64", 64, true, {}, packed_type::i64},
     {"F4", 4, false, {}, packed_type::f4},
     {"F6_E2M3", 6, false},
     {"F6_E3M2", 6, false},
     {"F8_E4M3", 8, false, {}, packed_type::f8_e4m3},
     {"F8_E5M2", 8, false, {}, packed_type::f8_e5m2},
     {"F8_E8M0", 8, false, {}, packed_type::f8_e8m0},
     {"F8_E4M3FNUZ", 8, false, {}, packed_type::f8_e4m3fnuz},
     {"F8_E5M2FNUZ", 8, false, {}, packed_type::f8_e5m2fnuz},
     {"C32", 32, false},
     {"C64", 64, false}}};

[[nodiscard]] inline safetensors_type const* find_safetensors_type(std::string_view name) noexcept {
    for (auto const& type : safetensors_types)
        if (type.name == name) return &type;
    return nullptr;
}

/// The state names the place in the header, and a value which does not belong there is refused.
class safetensors_events final : public json_events {
public:
    using tensor_map = std::map<std::string, safetensors_entry, std::less<>>;

    safetensors_events() : json_events("the header") {}

    [[nodiscard]] tensor_map take() { return std::move(tensors_); }

    bool scalar(std::string const& found) override { unexpected(found); }
    bool number_integer(json::number_integer_t value) override {
        unexpected(text("the negative number ", value));
    }
    bool number_float(json::number_float_t, json::string_t const& digits) override {
        unexpected("the number " + cut(digits));
    }

    bool number_unsigned(json::number_unsigned_t value) override {
        if (where_ == place::shape) {
            if (entry_->shape.size() == most_dimensions)
                refuse_tensor({"its shape has more than ", most_dimensions, " dimensions"});
            entry_->shape.push_back(value);
        } else if (where_ == place::offsets) {
            if (offsets_.size() == 2) refuse_tensor({"its data_offsets have more than two numbers"});
            offsets_.push_back(value);
        } else {
            unexpected(text("the number ", value));
        }
        return true;
    }

    bool string(json::string_t& value) override {
        if (where_ == place::metadata) return true;
        if (where_ != place::tensor || field_ != "dtype") unexpected("the string " + in_quotes(value));
        entry_->type = find_safetensors_type(value);
        if (entry_->type == nullptr) refuse_tensor({"unknown dtype ", in_quotes(value)});
        return true;
    }

    bool named(std::string const& value) override {
        auto const first_in = [&](std::set<std::string, std::less<>>& keys, char const* where) {
            if (!keys.insert(value).second) throw error("duplicate key ", in_quotes(value), " in ", where);
        };
        if (where_ == place::top_object) {
            first_in(names_, "the header");
            name_ = value;
        } else if (where_ == place::metadata) {
            first_in(metadata_, "__metadata__");
            field_ = value;
        } else {
            field_ = value;
            if (value != "dtype" && value != "shape" && value != "data_offsets")
                refuse_tensor({"unknown key ", in_quotes(value)});
            if (!fields_.insert(value).second) refuse_tensor({"duplicate key ", in_quotes(value)});
        }
        return true;
    }

    bool start_object(std::size_t) override {
        if (where_ == place::outside) {
            where_ = place::top_object;
        } else if (where_ == place::top_object && name_ == "__metadata__") {
            where_ = place::metadata;
        } else if (where_ == place::top_object) {
            where_ = place::tensor;
            entry_ = &tensors_[name_];
            entry_->name = name_;
            fields_.clear();
            offsets_.clear();
        } else {
            unexpected("an object");
        }
        return true;
    }

    bool end_object() override {
        if (where_ == place::tensor) {
            for (auto const* field : {"dtype", "shape", "data_offsets"})
                if (fields_.count(field) == 0) refuse_tensor({"its ", field, " is missing"});
            if (offsets_.size() != 2)
                refuse_tensor({"its data_offsets have ", offsets_.size(), " numbers instead of two"});
            entry_->begin = offsets_[0];
            entry_->end = offsets_[1];
        }
        where_ = where_ == place::top_object ? place::outside : place::top_object;
        return true;
    }

    bool start_array(std::size_t) override {
        if (where_ == place::tensor && field_ == "shape")
            where_ = place::shape;
        else if (where_ == place::tensor && field_ == "data_offsets")
            where_ = place::offsets;
        else
            unexpected("an array");
        return true;
    }

    bool end_array() override {
        where_ = place::tensor;
        return true;
    }

private:
    enum class place : std::uint8_t { outside, top_object, metadata, tensor, shape, offsets };

    [[noreturn]] void refuse_tensor(text_pieces what) const {
        throw error("tensor ", in_quotes(name_), ": ", joined(what));
    }

    [[noreturn]] void unexpected(std::string const& found) const {
        constexpr auto no_number = ", not a whole number from 0 to 2^64-1";
        switch (where_) {
            case place::outside:
                refuse("is ", found, ", not an object");
            case place::top_object:
                refuse("entry ", in_quotes(name_), " is ", found, ", not an object");
            case place::metadata:
                throw error("__metadata__ entry ", in_quotes(field_), " is ", found, ", not a string");
            case place::shape:
                refuse_tensor({"its shape holds ", found, " at index ", entry_->shape.size(), no_number});
            case place::offsets:
                refuse_tensor({"its data_offsets hold ", found, " at index ", offsets_.size(), no_number});
            case place::tensor:
                break;
        }
        refuse_tensor(
            {"its ", cut(field_), " is ", found, (field_ == "dtype" ? ", not a string" : ", not an array")});
    }

    tensor_map tensors_;
    std::set<std::string, std::less<>> names_;
    std::set<std::string, std::less<>> metadata_;
    std::set<std::string, std::less<>> fields_;
    std::vector<std::uint64_t> offsets_;
    std::string name_;
    std::string field_;
    safetensors_entry* entry_ = nullptr;
    place where_ = place::outside;
};

/// The text of the header; its length is believed only after a comparison with the size of the file.
[[nodiscard]] inline std::string read_header_text(input_file& file) {
    constexpr std::string_view no = "not a safetensors file: ";
    if (file.size() < 8)
        file.refuse("truncated: the file has ", file.size(),
                    " bytes, less than the 8 with which a safetensors file begins");
    std::uint64_t length = 0;
    file.read(0, std::as_writable_bytes(std::span(&length, 1)));
    if (length > largest_header)
        file.refuse(no, "its first 8 bytes give a header of ", length, " bytes, over the limit of ",
                    largest_header);
    if (length < 2)
        file.refuse(no, "its first 8 bytes give a header of ", length, " bytes, too short for an object");
    if (length > file.size() - 8)
        file.refuse("truncated: the header should have ", length, " bytes, but only ", file.size() - 8,
                    " follow");
    auto text = file.text(8, length);
    if (text.front() != '{')
        file.refuse(no, "the header begins with ", in_quotes(text.substr(0, 1)), ", not with '{'");
    return text;
}

/// Throws where offsets do not fit type and shape, or reach beyond the data.
inline void check_extent(input_file const& file, safetensors_entry const& entry, std::uint64_t data_size) {
    auto const what = detail::text("tensor ", in_quotes(entry.name), ": ");
    auto const span = detail::text("data_offsets [", entry.begin, ", ", entry.end, "]");
    auto const bits = checked_product(entry.shape, entry.type->bits);
    if (!bits)
        file.refuse(what, "its size overflows: shape ", tuple_text(entry.shape), " of ", entry.type->name);
    if (*bits % 8 != 0)
        file.refuse(what, "shape ", tuple_text(entry.shape), " of ", entry.type->name,
                    " is not a whole number of bytes");
    if (entry.end < entry.begin) file.refuse(what, span, " are reversed");
    if (entry.end - entry.begin != *bits / 8)
        file.refuse(what, span, " span ", entry.end - entry.begin, " bytes, but shape ",
                    tuple_text(entry.shape), " of ", entry.type->name, " takes ", *bits / 8);
    if (entry.end > data_size)
        file.refuse(what, span, " reach beyond the ", data_size,
                    " bytes of data: the file is truncated, or the offsets are wrong");
}

/// Throws where two tensors overlap, or bytes belong to none.
inline void check_cover(input_file const& file, safetensors_header const& header, std::uint64_t data_size) {
    std::vector<safetensors_entry const*> order;
    for (auto const& named : header.tensors) order.push_back(&named.second);
    std::sort(order.begin(), order.end(), [](auto const* a, auto const* b) {
        return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
    });
    std::uint64_t covered = 0;
    safetensors_entry const* previous = nullptr;
    for (auto const* entry : order) {
        if (entry->begin > covered)
            file.refuse("hole in the data: bytes ", covered, " to ", entry->begin, ", before tensor ",
                        in_quotes(entry->name), ", belong to no tensor");
        if (entry->begin < covered)
            file.refuse("tensors ", in_quotes(previous->name), " and ", in_quotes(entry->name),
                        " overlap from byte ", entry->begin, " to byte ", std::min(covered, entry->end),
                        " of the data");
        covered = entry->end;
        previous = entry;
    }
    if (covered != data_size)
        file.refuse("trailing bytes: the tensors take ", covered, " bytes, but ", data_size,
                    " follow the header");
}

}  // namespace detail

/// Reads and checks the header, after https://github.com/huggingface/safetensors: 8 bytes with the length of
/// the header, little-endian; the header, a JSON object from names to `dtype`, `shape` and `data_offsets`,
/// which may end in blanks; the data, which the tensors cover without gap or overlap. `__metadata__`, from
/// strings to strings, is skipped. Throws `file_error` for anything else. Memory: a small multiple of the
/// header, nothing for the data.
[[nodiscard]] inline safetensors_header read_safetensors_header(input_file& file) {
    auto const text = detail::read_header_text(file);
    detail::safetensors_events events;
    detail::naming_file(file.path(), [&] { events.read(text); });
    safetensors_header header{events.take(), 8 + text.size()};
    auto const data_size = file.size() - header.data_begin;
    for (auto const& named : header.tensors) detail::check_extent(file, named.second, data_size);
    detail::check_cover(file, header, data_size);
    return header;
}

}  // namespace spinet
