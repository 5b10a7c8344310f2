// SPDX-License-Identifier: BSD-3-Clause
/// What flows through an ONNX graph while it is read: constants, and views of what the network computes.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/onnx/layout.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <onnx/onnx_pb.h>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace spinet::detail::onnx_reading {

/// Integers and booleans: shapes, indices, axes. Row-major.
struct whole {
    std::vector<std::size_t> sizes;
    std::vector<std::int64_t> values;
};

/// A view of stored numbers.
struct constant {
    std::string name;
    dtype type = dtype::f32;
    byte_source bytes;
    std::size_t start = 0;  ///< bytes before the first
    layout at;
    /// The number at an index, where the bytes are none of `type` but integers, or integers with a scale.
    std::function<double(std::size_t)> decoded = nullptr;
    bool is_quantised = false;         ///< integers of 4, 8 or 16 bits whose scale is not known yet
    double lowest = 0, highest = 255;  ///< of their type

    /// Where the number at `index` is stored.
    [[nodiscard]] std::byte const* stored(std::size_t index) const {
        return bytes.bytes().data() + start + index * size_of(type);
    }
};

/// A view of what stage `from` of the network computes for one sample.
struct computed {
    std::size_t from = 0;
    layout at;
    ::onnx::NodeProto const* mover = nullptr;  ///< the last node that made another view of it
};

/// Views one behind the other along an axis, each of size 1 there: the last states of several layers, of
/// which one is then selected.
struct joined {
    std::vector<computed> parts;
    std::size_t axis = 0;
    std::vector<std::size_t> sizes;
};

using graph_value = std::variant<whole, constant, computed, joined>;

/// The largest array of integers that is looked into.
inline constexpr std::size_t most_whole = 65'536;

[[nodiscard]] inline double number_at(constant const& of, std::size_t index) {
    if (of.decoded) return of.decoded(index);
    return with_element(of.type,
                        [&]<class Element>(Element) { return element_value<Element>(of.stored(index), 0); });
}

/// All values, row-major.
[[nodiscard]] inline std::vector<double> numbers_of(constant const& of, memory_allowance& budget) {
    budget.take(of.at.count() * sizeof(double));
    std::vector<double> numbers;
    numbers.reserve(of.at.count());
    for_each_element(of.at, [&](std::size_t index) { numbers.push_back(number_at(of, index)); });
    return numbers;
}

/// The number of a constant that holds only one.
[[nodiscard]] inline std::optional<double> only_number(constant const& of) {
    if (of.at.count() != 1) return std::nullopt;
    return number_at(of, of.at.below(of.at.offset));
}

/// A constant of doubles.
[[nodiscard]] inline constant constant_of(std::vector<double> const& numbers, std::vector<std::size_t> sizes,
                                          std::string name) {
    return {std::move(name), dtype::f64, bytes_of(numbers), 0, row_major(std::move(sizes))};
}

/// The same values in an array of their own, row-major.
[[nodiscard]] inline constant packed(constant const& of, memory_allowance& budget) {
    if (contiguous(of.at) && !of.decoded) return of;
    std::size_t const width = size_of(of.type), count = of.at.count();
    budget.take(std::uint64_t{count} * width);
    std::vector<std::byte> bytes(count * width);
    auto* to = bytes.data();
    for_each_element(of.at, [&](std::size_t index) {
        if (of.decoded) {
            auto const number = static_cast<float>(of.decoded(index));
            std::memcpy(to, &number, width);
        } else {
            std::memcpy(to, of.stored(index), width);
        }
        to += width;
    });
    return {of.name, of.type, std::move(bytes), 0, row_major(of.at.sizes)};
}

/// A window on the file's bytes, or where they are in another order a copy.
[[nodiscard]] inline tensor tensor_of(constant const& of, memory_allowance& budget) {
    auto const rows = packed(of, budget);
    return {rows.name, rows.type, rows.at.sizes, rows.bytes,
            rows.start + rows.at.offset * size_of(rows.type)};
}

/// Reads TensorProtos, with what they keep in files beside the model.
class tensor_loader {
public:
    explicit tensor_loader(std::filesystem::path const& model) : directory_(model.parent_path()) {}

    /// The values, taken out of `from`, whose data are gone afterwards. Throws `error`, which names the
    /// tensor.
    [[nodiscard]] graph_value load(::onnx::TensorProto& from, std::string const& name) {
        tensor_ = "tensor " + in_quotes(name);
        if (from.has_segment()) fail("is a segment of a larger one");
        sizes_.clear();
        if (from.dims_size() > 32) fail("has ", from.dims_size(), " dimensions");
        for (auto const length : from.dims()) {
            if (length < 0) fail("has a dimension of ", length);
            sizes_.push_back(static_cast<std::size_t>(length));
        }
        if (!countable(sizes_)) fail("of shape ", tuple_text(sizes_), " has too many elements");
        tensor_ += " of shape " + tuple_text(sizes_);
        if (auto const type = real_type(from.data_type())) return load_real(from, name, *type);
        if (is_quantised_type(from.data_type())) return load_quantised(from, name);
        if (width_of_whole(from.data_type()) != 0) return load_whole(from);
        fail("has the type ", type_name(from.data_type()), ", which is no real number, integer or boolean");
    }

    [[nodiscard]] static std::optional<dtype> real_type(int type) { return kind_of(type).real; }

    /// Whether weights are quantised to integers of this type. The numbers of those of 4 bits, which the ONNX
    /// of Debian 12 has no names for, are 21 and 22.
    [[nodiscard]] static bool is_quantised_type(int type) {
        using proto = ::onnx::TensorProto;
        return type == proto::INT8 || type == proto::UINT8 || type == proto::INT16 || type == proto::UINT16 ||
               type == uint4_type || type == int4_type;
    }
    static constexpr int uint4_type = 21, int4_type = 22;

    /// Bytes of an integer or boolean; 0: neither.
    [[nodiscard]] static std::size_t width_of_whole(int type) { return kind_of(type).width; }

    [[nodiscard]] static std::string type_name(int type) {
        return ::onnx::TensorProto::DataType_IsValid(type)
                   ? ::onnx::TensorProto::DataType_Name(static_cast<::onnx::TensorProto::DataType>(type))
                   : "number " + std::to_string(type);
    }

    /// Bytes of all files beside the model that were read.
    [[nodiscard]] std::uint64_t beside() const noexcept { return beside_; }

private:
    /// Which of the fields for data are filled.
    struct filled {
        std::size_t raw, floats, doubles, ints, longs, others;
    };

    template <class Stored>
    static std::int64_t read_one(std::byte const* from) {
        Stored stored;
        std::memcpy(&stored, from, sizeof stored);
        return static_cast<std::int64_t>(stored);
    }

    /// How numbers of a type are stored: real ones, or whole ones of `width` bytes; in which field.
    struct number_kind {
        int type;
        std::optional<dtype> real;
        std::size_t width;
        std::int64_t (*read)(std::byte const*);
        std::size_t filled::*own = &filled::ints;
        char const* field = "int32_data";
    };
    [[nodiscard]] static number_kind const& kind_of(int type) {
        using proto = ::onnx::TensorProto;
        static constexpr number_kind kinds[] = {
            {proto::FLOAT, dtype::f32, 0, nullptr, &filled::floats, "float_data"},
            {proto::DOUBLE, dtype::f64, 0, nullptr, &filled::doubles, "double_data"},
            {proto::FLOAT16, dtype::f16, 0, nullptr},
            {proto::BFLOAT16, dtype::bf16, 0, nullptr},
            {proto::BOOL, std::nullopt, 1, read_one<std::uint8_t>},
            {proto::INT8, std::nullopt, 1, read_one<std::int8_t>},
            {proto::UINT8, std::nullopt, 1, read_one<std::uint8_t>},
            {proto::INT16, std::nullopt, 2, read_one<std::int16_t>},
            {proto::UINT16, std::nullopt, 2, read_one<std::uint16_t>},
            {proto::INT32, std::nullopt, 4, read_one<std::int32_t>},
            {proto::UINT32, std::nullopt, 4, read_one<std::uint32_t>, nullptr, "raw_data"},
            {proto::INT64, std::nullopt, 8, read_one<std::int64_t>, &filled::longs, "int64_data"},
            {uint4_type, std::nullopt, 1, read_one<std::uint8_t>},
            {int4_type, std::nullopt, 1, read_one<std::int8_t>}};
        static constexpr number_kind unknown{-1, std::nullopt, 0, nullptr};
        for (auto const& each : kinds)
            if (each.type == type) return each;
        return unknown;
    }

    template <class... Pieces>
    [[noreturn, gnu::always_inline]] void fail(Pieces const&... what) const {
        throw error(tensor_, " ", what...);
    }

    [[nodiscard]] std::size_t count() const { return row_major(sizes_).count(); }
    /// Elements as they are stored: of 4 bits, two in each.
    [[nodiscard]] std::size_t stored_count(int type) const {
        return type == uint4_type || type == int4_type ? (count() + 1) / 2 : count();
    }

    static filled filled_of(::onnx::TensorProto const& from) {
        return {from.raw_data().size(),
                static_cast<std::size_t>(from.float_data_size()),
                static_cast<std::size_t>(from.double_data_size()),
                static_cast<std::size_t>(from.int32_data_size()),
                static_cast<std::size_t>(from.int64_data_size()),
                static_cast<std::size_t>(from.uint64_data_size() + from.string_data_size())};
    }

    /// That nothing but `own` numbers, of the field that fits the type, are there.
    void check_count(filled const& has, std::size_t own, std::size_t needed, std::string const& field) const {
        if (has.raw + has.floats + has.doubles + has.ints + has.longs + has.others != own)
            fail("holds data of another type than its own, beside or instead of ", field);
        if (own != needed) fail("needs ", needed, " numbers, but ", own, " are in ", field);
    }

    void check_bytes(std::size_t available, std::size_t needed, std::string const& where) const {
        if (available != needed) fail("needs ", needed, " bytes, but ", available, " are in ", where);
    }

    constant load_real(::onnx::TensorProto& from, std::string const& name, dtype type) {
        constant result{name, type, nullptr, 0, row_major(sizes_)};
        if (from.data_location() == ::onnx::TensorProto::EXTERNAL) {
            auto const window = external(from, count() * size_of(type));
            result.bytes = window.first;
            result.start = window.second;
            return result;
        }
        std::vector<std::byte> bytes(inline_bytes(from, size_of(type)));
        auto const has = filled_of(from);
        if (has.raw != 0)
            std::memcpy(bytes.data(), from.raw_data().data(), has.raw);
        else if (type == dtype::f32 && has.floats != 0)
            std::memcpy(bytes.data(), from.float_data().data(), bytes.size());
        else if (type == dtype::f64 && has.doubles != 0)
            std::memcpy(bytes.data(), from.double_data().data(), bytes.size());
        else if (has.ints != 0)
            copy_halves(from, bytes);
        std::unique_ptr<std::string> const gone(from.release_raw_data());
        from.clear_float_data();
        result.bytes = std::move(bytes);
        return result;
    }

    /// How many bytes a tensor within the file has, which has to be what its shape says.
    std::size_t inline_bytes(::onnx::TensorProto const& from, std::size_t width) const {
        auto const has = filled_of(from);
        std::size_t const stored = stored_count(from.data_type());
        if (from.external_data_size() != 0) fail("names an external file, but is said not to be there");
        if (has.raw != 0) {
            if (has.floats + has.doubles + has.ints + has.longs + has.others != 0)
                fail("holds data twice, as raw_data and as numbers");
            check_bytes(has.raw, stored * width, "raw_data");
        } else {
            auto const& kind = kind_of(from.data_type());
            if (kind.own == nullptr && has.others != 0) fail("holds unsigned numbers outside raw_data");
            check_count(has, kind.own == nullptr ? 0 : has.*kind.own, stored, kind.field);
        }
        return stored * width;
    }

    /// Halves stand in int32_data, one in each number.
    void copy_halves(::onnx::TensorProto const& from, std::vector<std::byte>& bytes) const {
        for (int k = 0; k < from.int32_data_size(); ++k) {
            auto const number = from.int32_data(k);
            if (number < 0 || number > 0xFFFF)
                fail("holds ", number, " at index ", k, " of int32_data, which is no number of 16 bits");
            auto const half = static_cast<std::uint16_t>(number);
            std::memcpy(bytes.data() + static_cast<std::size_t>(k) * 2, &half, 2);
        }
    }

    /// Integers that stay as they are stored until their scale is known.
    constant load_quantised(::onnx::TensorProto& from, std::string const& name) {
        auto const& kind = kind_of(from.data_type());
        constant result{name, dtype::f32, nullptr, 0, row_major(sizes_)};
        if (from.data_location() == ::onnx::TensorProto::EXTERNAL) {
            auto const window = external(from, stored_count(kind.type) * kind.width);
            result.bytes = window.first;
            result.start = window.second;
        } else {
            std::vector<std::byte> bytes(inline_bytes(from, kind.width));
            if (!from.raw_data().empty()) std::memcpy(bytes.data(), from.raw_data().data(), bytes.size());
            for (int k = 0; k < from.int32_data_size(); ++k) {
                auto const number = from.int32_data(k);
                std::memcpy(bytes.data() + static_cast<std::size_t>(k) * kind.width, &number, kind.width);
            }
            std::unique_ptr<std::string> const gone(from.release_raw_data());
            from.clear_int32_data();
            result.bytes = std::move(bytes);
        }
        bool const nibbles = kind.type == uint4_type || kind.type == int4_type;
        result.decoded = [source = result.bytes, start = result.start, read = kind.read, width = kind.width,
                          nibbles, is_signed = kind.type == int4_type](std::size_t index) {
            auto const* const data = source.bytes().data() + start;
            if (!nibbles) return static_cast<double>(read(data + index * width));
            int const pair = std::to_integer<int>(data[index / 2]);
            int const four = index % 2 == 0 ? pair & 15 : pair >> 4;
            return static_cast<double>(is_signed && four > 7 ? four - 16 : four);
        };
        result.is_quantised = true;
        bool const has_sign = kind.type == int4_type || kind.type == ::onnx::TensorProto::INT8 ||
                              kind.type == ::onnx::TensorProto::INT16;
        double const numbers = std::ldexp(1.0, nibbles ? 4 : static_cast<int>(8 * kind.width));
        result.lowest = has_sign ? -numbers / 2 : 0;
        result.highest = result.lowest + numbers - 1;
        return result;
    }

    whole load_whole(::onnx::TensorProto& from) {
        if (count() > most_whole)
            fail("has ", count(), " integers, more than the ", most_whole, " that are looked into");
        std::size_t const width = width_of_whole(from.data_type());
        whole result{sizes_, {}};
        if (from.data_location() == ::onnx::TensorProto::EXTERNAL) {
            auto const window = external(from, count() * width);
            read_whole(from.data_type(), window.first.bytes().data() + window.second, result.values);
            return result;
        }
        auto const needed = inline_bytes(from, width);
        if (from.raw_data().size() == needed && needed != 0)
            read_whole(from.data_type(), reinterpret_cast<std::byte const*>(from.raw_data().data()),
                       result.values);
        else if (from.data_type() == ::onnx::TensorProto::INT64)
            result.values.assign(from.int64_data().begin(), from.int64_data().end());
        else
            result.values.assign(from.int32_data().begin(), from.int32_data().end());
        return result;
    }

    void read_whole(int type, std::byte const* from, std::vector<std::int64_t>& to) const {
        auto const& kind = kind_of(type);
        for (std::size_t k = 0; k < count(); ++k) to.push_back(kind.read(from + k * kind.width));
    }

    /// The bytes of a file beside the model, and where in them the tensor begins.
    std::pair<byte_source, std::size_t> external(::onnx::TensorProto const& from, std::size_t needed) {
        if (filled_of(from).raw + static_cast<std::size_t>(from.float_data_size()) != 0)
            fail("holds data beside its external file");
        std::map<std::string, std::string, std::less<>> entries;
        for (auto const& entry : from.external_data())
            if (!entries.emplace(entry.key(), entry.value()).second)
                fail("gives ", in_quotes(entry.key()), " of its external file twice");
        auto const location = entries.find("location");
        if (location == entries.end()) fail("is in an external file without a location");
        auto const& bytes = file_beside(location->second);
        std::size_t const start = number_in(entries, "offset", 0);
        std::size_t const size = bytes.size();
        if (start > size) fail("begins behind the end of its external file ", in_quotes(location->second));
        if (number_in(entries, "length", needed) != needed)
            fail("needs ", needed, " bytes, but its external length is ",
                 in_quotes(entries.find("length")->second));
        if (needed > size - start)
            fail("needs ", needed, " bytes from byte ", start, ", but its external file ",
                 in_quotes(location->second), " has ", size);
        return {bytes, start};
    }

    [[nodiscard]] std::size_t number_in(std::map<std::string, std::string, std::less<>> const& entries,
                                        std::string_view key, std::size_t otherwise) const {
        auto const at = entries.find(key);
        if (at == entries.end()) return otherwise;
        std::size_t number = 0;
        auto const* const end = at->second.data() + at->second.size();
        auto const [stop, code] = std::from_chars(at->second.data(), end, number);
        if (code != std::errc() || stop != end)
            fail("gives the ", key, " of its external file as ", in_quotes(at->second));
        return number;
    }

    /// Read whole, once. Only plain names: a model must not reach out of its directory.
    byte_source const& file_beside(std::string const& location) {
        // Some exporters write "./weights.bin".
        auto const name = location.starts_with("./") ? location.substr(2) : location;
        if (!is_plain_file_name(name))
            fail("is in an external file named ", in_quotes(location), ", not a plain file name");
        auto const at = files_.find(name);
        if (at != files_.end()) return at->second;
        input_file file(directory_ / name);
        std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()));
        file.read(0, bytes);
        beside_ += bytes.size();
        return files_.emplace(name, std::move(bytes)).first->second;
    }

    std::filesystem::path directory_;
    std::map<std::string, byte_source, std::less<>> files_;
    std::uint64_t beside_ = 0;
    std::string tensor_;
    std::vector<std::size_t> sizes_;
};

}  // namespace spinet::detail::onnx_reading
