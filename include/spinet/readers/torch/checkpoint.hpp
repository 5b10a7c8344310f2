// SPDX-License-Identifier: BSD-3-Clause
/// What is in a file of torch.save: a pickle, the tensors that it describes and the storages these lie in.
/// Needs libzip.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/architecture.hpp>
#include <spinet/readers/derived_weights.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/mapped_file.hpp>
#include <spinet/readers/torch/restricted_pickle.hpp>
#include <spinet/readers/zip_archive.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet::detail {

// --- what the pickle says of a tensor

/// The types of elements. Their names are those of the dtypes in torch.
struct storage_type {
    std::string_view global, name;
    std::size_t size;
    std::optional<dtype> type = std::nullopt;
    packed_type packed = packed_type::none;
};
inline constexpr std::array<storage_type, 18> storage_types{{
    {"torch.FloatStorage", "float32", 4, dtype::f32},
    {"torch.DoubleStorage", "float64", 8, dtype::f64},
    {"torch.HalfStorage", "float16", 2, dtype::f16},
    {"torch.BFloat16Storage", "bfloat16", 2, dtype::bf16},
    {"torch.LongStorage", "int64", 8, {}, packed_type::i64},
    {"torch.IntStorage", "int32", 4, {}, packed_type::i32},
    {"torch.ShortStorage", "int16", 2, {}, packed_type::i16},
    {"torch.CharStorage", "int8", 1, {}, packed_type::i8},
    {"torch.ByteStorage", "uint8", 1, {}, packed_type::u8},
    {"torch.BoolStorage", "bool", 1},
    {"torch.QInt8Storage", "qint8", 1, {}, packed_type::i8},
    {"torch.QUInt8Storage", "quint8", 1, {}, packed_type::u8},
    {"torch.QInt32Storage", "qint32", 4, {}, packed_type::i32},
    {"", "float8_e4m3fn", 1, {}, packed_type::f8_e4m3},
    {"", "float8_e5m2", 1, {}, packed_type::f8_e5m2},
    {"", "float8_e4m3fnuz", 1, {}, packed_type::f8_e4m3fnuz},
    {"", "float8_e5m2fnuz", 1, {}, packed_type::f8_e5m2fnuz},
    {"", "float8_e8m0fnu", 1, {}, packed_type::f8_e8m0},
}};

struct tensor_place;

/// Of a quantised tensor, whose values are scale (q - zero point): one of each, or one for each index of an
/// axis.
struct tensor_quantiser {
    double scale = 1, zero_point = 0;
    std::shared_ptr<tensor_place const> scales = {}, zero_points = {};
    std::size_t axis = 0;
};

/// Which elements of which storage a tensor consists of; strides and offset count elements.
struct tensor_place {
    storage_type const* type = nullptr;
    std::string storage;             ///< its key
    std::uint64_t storage_size = 0;  ///< elements
    std::uint64_t offset = 0;
    std::vector<std::uint64_t> sizes;
    std::vector<std::uint64_t> strides;  ///< 0 along axes of one element
    std::optional<tensor_quantiser> quantised = std::nullopt;
};

/// Turns calls of PyTorch's functions into places. Throws `error`, without the name of the tensor.
class tensor_calls {
public:
    static constexpr std::size_t most_axes = 64;

    explicit tensor_calls(pickle_values const& values) : values_(&values) {}

    [[nodiscard]] bool is_tensor(pickle_ref at) const {
        if (!values_->is(at, pickle_kind::call)) return false;
        auto const name = values_->global(at);
        return name.starts_with("torch._utils._rebuild_") || name == "torch.nn.parameter.Parameter" ||
               name == "torch._tensor._rebuild_from_type_v2";
    }

    [[nodiscard]] tensor_place place_of(pickle_ref at) const {
        auto const call = unwrapped(at);
        auto const arguments = call.second;
        auto const count = values_->count(arguments);
        tensor_place place;
        auto const name = call.first.substr(call.first.rfind('.') + 1);
        auto const require = [name](bool holds, char const* wanted) {
            if (!holds) throw error(name, " has to have ", wanted, " arguments");
        };
        std::optional<pickle_ref> of_type;
        if (name == "_rebuild_tensor") {
            require(count == 4, "4");
        } else if (name == "_rebuild_tensor_v3") {
            require(count == 7 || count == 8, "7 or 8");
            if (count == 8) check_metadata(values_->item(arguments, 7));
            of_type = values_->item(arguments, 6);
        } else if (name == "_rebuild_qtensor") {
            require(count == 7, "7");
        } else {
            require(count == 6 || count == 7, "6 or 7");
            if (count == 7) check_metadata(values_->item(arguments, 6));
        }
        read_storage(values_->item(arguments, 0), of_type, place);
        place.offset = length(values_->item(arguments, 1), "its offset");
        read_axes(values_->item(arguments, 2), values_->item(arguments, 3), place);
        check_bounds(place);
        if (name == "_rebuild_qtensor") read_quantiser(values_->item(arguments, 4), place);
        return place;
    }

private:
    [[nodiscard]] bool calls(pickle_ref at, std::string_view function) const {
        return values_->is(at, pickle_kind::call) && values_->global(at) == function;
    }

    /// The function that makes a tensor and its arguments, without what makes a parameter of it.
    [[nodiscard]] std::pair<std::string_view, pickle_ref> unwrapped(pickle_ref at) const {
        for (int depth = 0; depth < 8 && values_->is(at, pickle_kind::call); ++depth) {
            auto const name = values_->global(at);
            auto const arguments = values_->arguments(at);
            auto const count = values_->count(arguments);
            if (name == "torch._tensor._rebuild_from_type_v2") {  // (function, type, arguments, state)
                if (count != 4 || !values_->is(values_->item(arguments, 2), pickle_kind::tuple))
                    throw error("_rebuild_from_type_v2 has to have 4 arguments");
                auto const made_by = values_->global(values_->item(arguments, 0));
                if (!made_by.starts_with("torch._utils._rebuild_tensor"))
                    throw error("it is of a type made by ", in_quotes(made_by), ", which is not known");
                return {made_by, values_->item(arguments, 2)};
            }
            bool const is_parameter = name.starts_with("torch._utils._rebuild_parameter");
            if (!is_parameter && name != "torch.nn.parameter.Parameter") {
                if (!is_tensor(at)) break;
                return {name, arguments};
            }
            std::size_t const wanted = !is_parameter ? 2 : name.ends_with("_with_state") ? 4 : 3;
            if (count != wanted)
                throw error(name.substr(name.rfind('.') + 1), " has to have ", wanted, " arguments");
            at = values_->item(arguments, 0);
        }
        throw error("a parameter is made of no tensor");
    }

    /// Bits that say that the tensor is minus, or the conjugate of, what is stored.
    void check_metadata(pickle_ref at) const {
        if (values_->is(at, pickle_kind::none) || (values_->is_dict(at) && values_->count(at) == 0)) return;
        throw error("it is a negated or conjugated view; save tensor.clone() instead");
    }

    /// ('storage', type, key, location, number of elements), and before PyTorch 1.6 what it is a view of:
    /// nothing. What has no type of its own counts bytes; `of_type` is then the dtype of the elements.
    void read_storage(pickle_ref at, std::optional<pickle_ref> of_type, tensor_place& place) const {
        if (!values_->is(at, pickle_kind::persistent)) throw error("it has no storage");
        auto const tuple = values_->arguments(at);
        auto const count = values_->count(tuple);
        if ((count != 5 && count != 6) || values_->maybe_text(values_->item(tuple, 0)) != "storage")
            throw error("its storage is not described by 'storage', type, key, location and size");
        if (count == 6 && !values_->is(values_->item(tuple, 5), pickle_kind::none))
            throw error("its storage is a view of another");
        auto const type = values_->global(values_->item(tuple, 1));
        auto const wanted = of_type ? values_->global(*of_type) : std::string_view();
        for (auto const& each : storage_types)
            if (of_type ? wanted.starts_with("torch.") && wanted.substr(6) == each.name
                        : !each.global.empty() && type == each.global)
                place.type = &each;
        if (place.type == nullptr)
            throw error("its storage is of the type ", in_quotes(of_type ? wanted : type),
                        ", whose elements are neither f16, bf16, f32, f64 nor integers");
        auto const key = values_->maybe_text(values_->item(tuple, 2));
        if (!key || key->size() > 1000) throw error("the key of its storage is no string");
        place.storage = *key;
        place.storage_size = length(values_->item(tuple, 4), "the size of its storage");
        if (type.ends_with("UntypedStorage")) place.storage_size /= place.type->size;
    }

    /// (torch.per_tensor_affine, scale, zero point) or (torch.per_channel_affine, scales, zero points, axis)
    void read_quantiser(pickle_ref at, tensor_place& place) const {
        bool const is_tuple = values_->is(at, pickle_kind::tuple) && values_->count(at) > 0;
        auto const scheme = is_tuple ? values_->global(values_->item(at, 0)) : std::string_view();
        auto& made = place.quantised.emplace();
        if (scheme == "torch.per_tensor_affine" && values_->count(at) == 3) {
            auto const scale = values_->item(at, 1), zero = values_->item(at, 2);
            if (!values_->is(scale, pickle_kind::real)) throw error("its scale is no float");
            if (!values_->is(zero, pickle_kind::integer)) throw error("its zero point is no integer");
            made.scale = values_->real(scale);
            made.zero_point = static_cast<double>(values_->integer(zero));
        } else if (scheme.starts_with("torch.per_channel_affine") && values_->count(at) == 4) {
            auto const part = [&](std::size_t k) {
                return std::make_shared<tensor_place>(plain_place(values_->item(at, k)));
            };
            made.axis = static_cast<std::size_t>(length(values_->item(at, 3), "its axis"));
            if (made.axis >= place.sizes.size()) throw error("its axis is not one of its shape");
            auto const scales = part(1), zeros = part(2);
            std::vector<std::uint64_t> const wanted{place.sizes[made.axis]};
            if (scales->sizes != wanted || zeros->sizes != wanted)
                throw error("its scales or zero points are not one for each index of its axis");
            made.scales = scales, made.zero_points = zeros;
        } else {
            throw error("it is quantised in a way that is not known, ", in_quotes(scheme));
        }
    }
    /// Of scales and zero points, which are not quantised themselves.
    [[nodiscard]] tensor_place plain_place(pickle_ref at) const {
        if (!is_tensor(at) || unwrapped(at).first.ends_with("qtensor"))
            throw error("its scales or zero points are no tensors");
        return place_of(at);
    }

    void read_axes(pickle_ref sizes, pickle_ref strides, tensor_place& place) const {
        sizes = plain_tuple(sizes), strides = plain_tuple(strides);
        auto const rank = values_->count(sizes);
        if (rank > most_axes) throw error("it has more than ", most_axes, " axes");
        if (values_->count(strides) != rank)
            throw error("it has ", rank, " sizes, but ", values_->count(strides), " strides");
        for (std::size_t axis = 0; axis < rank; ++axis) {
            auto const size = length(values_->item(sizes, axis), "a size");
            place.sizes.push_back(size);
            place.strides.push_back(size == 1 ? 0 : length(values_->item(strides, axis), "a stride"));
        }
    }

    /// The tuple itself, or that which a torch.Size is made of.
    [[nodiscard]] pickle_ref plain_tuple(pickle_ref at) const {
        if (calls(at, "torch.Size") && values_->count(values_->arguments(at)) == 1)
            at = values_->item(values_->arguments(at), 0);
        if (!values_->is(at, pickle_kind::tuple)) throw error("its sizes or strides are no tuple");
        return at;
    }

    static void check_bounds(tensor_place const& place) {
        auto const needed = checked_product(place.sizes, std::uint64_t{place.type->size});
        if (!needed) throw error("its shape ", tuple_text(place.sizes), " needs more than 2^64 bytes");
        if (*needed == 0) return;
        auto last = place.offset;
        for (std::size_t axis = 0; axis < place.sizes.size(); ++axis) {
            auto const step =
                checked_product(std::vector<std::uint64_t>{place.sizes[axis] - 1, place.strides[axis]});
            if (!step || *step > std::numeric_limits<std::uint64_t>::max() - last)
                throw error("its strides ", tuple_text(place.strides), " reach beyond 2^64");
            last += *step;
        }
        if (last >= place.storage_size)
            throw error("its shape ", tuple_text(place.sizes), " with strides ", tuple_text(place.strides),
                        " and offset ", place.offset, " reaches element ", last, " of a storage of ",
                        place.storage_size);
    }

    [[nodiscard]] std::uint64_t length(pickle_ref at, std::string const& what) const {
        if (values_->is(at, pickle_kind::long_integer)) throw error(what, " is beyond 2^63");
        if (!values_->is(at, pickle_kind::integer)) throw error(what, " is no integer");
        if (values_->integer(at) < 0) throw error(what, " is negative, ", values_->integer(at));
        return static_cast<std::uint64_t>(values_->integer(at));
    }

    pickle_values const* values_;
};

// --- the file

/// Throws where a storage has another size than the tensors in it say.
inline void check_storage(tensor_place const& place, std::string const& where, std::uint64_t size) {
    auto const needed = checked_product(std::vector<std::uint64_t>{place.storage_size, place.type->size});
    if (!needed || *needed != size)
        throw error("its storage of ", place.storage_size, " elements of ", place.type->name,
                    " does not have the size of ", where, ", ", size, " bytes");
}

/// "data.pkl" of "lenet/data.pkl".
[[nodiscard]] inline bool is_pickle_entry(std::string_view name) {
    return name == "data.pkl" || (name.size() > 9 && name.ends_with("/data.pkl"));
}

/// The entry of stable-baselines3's zip files which is itself a file of torch.save.
inline constexpr std::string_view policy_entry = "policy.pth";

/// The zip file of PyTorch 1.6 and later, and of TorchScript: entries with the name of the archive in front.
class checkpoint_archive {
public:
    checkpoint_archive(input_file const& file, zip_reader zip, memory_allowance& memory)
        : file_(&file), memory_(&memory), zip_(std::move(zip)) {
        for (auto& each : zip_.entries()) {
            memory.take(sizeof each + 2 * each.name.size() + 64);  // the node of the map
            auto const key = each.name;
            entries_.emplace(key, std::move(each));
        }
        find_prefix();
        check_byte_order();
    }

    [[nodiscard]] std::string pickle() const {
        auto const& entry = *find("data.pkl");
        memory_->take(entry.size);
        std::string bytes(static_cast<std::size_t>(entry.size), '\0');
        zip_.read(entry, std::as_writable_bytes(std::span(bytes)));
        return bytes;
    }

    /// The storage in which a tensor lies; read once. Throws `error`, or `file_error` where it is damaged.
    [[nodiscard]] byte_source storage(tensor_place const& place) {
        auto const name = "data/" + place.storage;
        auto const* const entry = find(name);
        if (entry == nullptr) throw error("its storage, entry ", in_quotes(name), ", is missing");
        check_storage(place, "entry " + in_quotes(name), entry->size);
        auto const [found, is_new] = read_.try_emplace(name);
        if (!is_new) return found->second;
        memory_->take(entry->size);
        std::vector<std::byte> bytes(static_cast<std::size_t>(entry->size));
        zip_.read(*entry, bytes);
        return found->second = std::move(bytes);
    }

private:
    [[nodiscard]] zip_reader::entry const* find(std::string const& part) const {
        auto const found = entries_.find(prefix_ + part);
        return found == entries_.end() ? nullptr : &found->second;
    }

    void find_prefix() {
        std::string const* found = nullptr;
        for (auto const& [name, entry] : entries_) {
            if (!is_pickle_entry(name)) continue;
            if (found != nullptr)
                file_->refuse("holds two pickles, ", in_quotes(*found), " and ", in_quotes(name));
            found = &name;
        }
        if (found == nullptr)
            file_->refuse("is a zip file without data.pkl, and so none that torch.save wrote");
        prefix_ = found->substr(0, found->size() - 8);
    }

    void check_byte_order() const {
        auto const* const entry = find("byteorder");
        if (entry == nullptr) return;  // before PyTorch 2.1
        std::string order(static_cast<std::size_t>(std::min<std::uint64_t>(entry->size, 16)), '\0');
        zip_.read(*entry, std::as_writable_bytes(std::span(order)));
        if (order != "little")
            file_->refuse("has the byte order ", in_quotes(order), "; only little-endian files are read");
    }

    input_file const* file_;
    memory_allowance* memory_;
    zip_reader zip_;
    std::map<std::string, zip_reader::entry, std::less<>> entries_;
    std::map<std::string, byte_source, std::less<>> read_;
    std::string prefix_;
};

/// The number with which the format before the zip files begins, as a pickle of a long integer.
inline constexpr std::string_view legacy_start = "\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19.";

/// The format before PyTorch 1.6: five pickles (a number, a version, what the machine was, the values, the
/// keys of the storages), and then each storage, its number of elements in front.
class legacy_checkpoint {
public:
    [[nodiscard]] static bool is_one(std::string_view start) {
        return start.starts_with('\x80') && start.find(legacy_start) == 2;
    }

    /// Throws `error`.
    legacy_checkpoint(byte_source bytes, memory_allowance& memory)
        : bytes_(std::move(bytes)), values_(bytes_) {
        auto const next = [&](pickle_values& into) {
            at_ = pickle_machine(into, memory, at_, false, "the file").run();
        };
        at_ = 2 + legacy_start.size();
        pickle_values version(bytes_), machine(bytes_), keys(bytes_);
        next(version), next(machine), next(values_), next(keys);
        if (!version.is(version.root(), pickle_kind::integer) || version.integer(version.root()) != 1001)
            throw error("is of a version of PyTorch's format before 1.6 other than 1001");
        check_machine(machine);
        if (!keys.is(keys.root(), pickle_kind::list)) throw error("its keys of storages are no list");
        find_sizes(memory);
        keys.for_each(keys.root(), [&](pickle_ref, pickle_ref key) {
            if (!keys.maybe_text(key)) throw error("the key of a storage is no string");
            find_storage(std::string(*keys.maybe_text(key)));
        });
    }

    [[nodiscard]] pickle_values const& values() const noexcept { return values_; }

    [[nodiscard]] byte_source storage(tensor_place const& place) const {
        auto const found = storages_.find(place.storage);
        if (found == storages_.end() || !found->second.is_there)
            throw error("its storage, ", in_quotes(place.storage), ", is missing");
        auto const& bytes = found->second.bytes;
        check_storage(place, in_quotes(place.storage), bytes.size());
        return {std::make_shared<byte_source>(bytes_), bytes};
    }

private:
    struct stored {
        std::string type{};
        std::size_t width = 0;  ///< bytes of an element; 0: not known
        bool is_there = false;
        std::span<std::byte const> bytes{};
    };

    static void check_machine(pickle_values const& machine) {
        if (!machine.is_dict(machine.root())) throw error("does not say on what machine it was written");
        machine.for_each(machine.root(), [&](pickle_ref key, pickle_ref value) {
            if (machine.maybe_text(key) == "little_endian" &&
                !(machine.is(value, pickle_kind::boolean) && machine.integer(value) == 1))
                throw error("has another byte order; only little-endian files are read");
        });
    }

    /// How wide the elements of each storage are that the values name.
    void find_sizes(memory_allowance& memory) {
        values_.for_each_value([&](pickle_ref at) {
            if (!values_.is(at, pickle_kind::persistent)) return;
            auto const tuple = values_.arguments(at);
            if (values_.count(tuple) < 5) return;
            auto const key = values_.maybe_text(values_.item(tuple, 2));
            auto const type = values_.global(values_.item(tuple, 1));
            if (!key || key->size() > 1000) return;
            memory.take(300 + key->size());
            auto& found = storages_[std::string(*key)];
            found.type = type.substr(0, 100);
            for (auto const& each : storage_types)
                if (!type.empty() && type == each.global) found.width = each.size;
        });
    }

    void find_storage(std::string const& key) {
        auto const found = storages_.find(key);
        if (found == storages_.end()) throw error("storage ", in_quotes(key), " belongs to no tensor");
        if (found->second.width == 0)
            throw error("storage ", in_quotes(key), " is of the type ", in_quotes(found->second.type),
                        ", whose elements are neither f16, bf16, f32, f64 nor integers");
        auto const all = bytes_.bytes();
        std::uint64_t count = 0;
        if (all.size() - at_ < sizeof count) throw error("ends before storage ", in_quotes(key));
        std::memcpy(&count, all.data() + at_, sizeof count);
        at_ += sizeof count;
        auto const width = found->second.width;
        if (count > (all.size() - at_) / width)
            throw error("storage ", in_quotes(key), " of ", count, " elements reaches beyond the end");
        found->second.bytes = all.subspan(at_, static_cast<std::size_t>(count) * width);
        found->second.is_there = true;
        at_ += static_cast<std::size_t>(count) * width;
    }

    byte_source bytes_;
    pickle_values values_;
    std::size_t at_ = 0;
    std::map<std::string, stored, std::less<>> storages_;
};

/// What is neither format: says what it is instead, and what to do.
[[noreturn]] inline void refuse_other_checkpoint(input_file& file) {
    auto const text = file.text(0, std::min<std::uint64_t>(file.size(), 262));
    if (text.size() > 256 && text.substr(257) == "ustar")
        file.refuse(
            "is a tar file, as PyTorch wrote before 0.1.10; convert it in Python: "
            "torch.save(torch.load(file, map_location=\"cpu\"), other)");
    if (text.starts_with('\x80'))
        file.refuse("is a bare pickle, not a file of torch.save; nothing in it is run");
    file.refuse("is neither a zip file nor one of PyTorch before 1.6, as torch.save writes them");
}

/// A file of torch.save: its values, and the storages that they name.
struct opened_checkpoint {
    std::shared_ptr<pickle_values const> values;
    std::function<byte_source(tensor_place const&)> storage;
    std::vector<std::string> notes = {};
};

[[nodiscard]] inline opened_checkpoint open_archive(input_file const& file, zip_reader zip,
                                                    memory_allowance& memory) {
    auto const archive = std::make_shared<checkpoint_archive>(file, std::move(zip), memory);
    auto values = std::make_shared<pickle_values const>(read_pickle(archive->pickle(), memory));
    return {std::move(values), [archive](tensor_place const& place) { return archive->storage(place); }};
}

[[nodiscard]] inline opened_checkpoint open_legacy(byte_source const& bytes, memory_allowance& memory) {
    auto const legacy = std::make_shared<legacy_checkpoint>(bytes, memory);
    return {std::shared_ptr<pickle_values const>(legacy, &legacy->values()),
            [legacy](tensor_place const& place) { return legacy->storage(place); }};
}

/// Throws `error` or `file_error`. `file` and `memory` have to outlive what is returned.
[[nodiscard]] inline opened_checkpoint open_checkpoint(input_file& file, memory_allowance& memory) {
    constexpr std::size_t start = 2 + legacy_start.size();
    if (!begins_as_zip(file)) {
        if (!legacy_checkpoint::is_one(file.text(0, std::min<std::uint64_t>(file.size(), start))))
            refuse_other_checkpoint(file);
        return open_legacy(mapped_file(file).bytes(), memory);
    }
    zip_reader zip(file);
    auto const entries = zip.entries();
    auto const policy = std::find_if(entries.begin(), entries.end(),
                                     [](auto const& each) { return each.name == policy_entry; });
    if (policy == entries.end()) return open_archive(file, std::move(zip), memory);
    memory.take(policy->size);
    std::vector<std::byte> bytes(static_cast<std::size_t>(policy->size));
    zip.read(*policy, bytes);
    bool const legacy = legacy_checkpoint::is_one(
        {reinterpret_cast<char const*>(bytes.data()), std::min(bytes.size(), start)});
    byte_source const inner(std::move(bytes));
    auto opened = legacy ? open_legacy(inner, memory) : open_archive(file, zip_reader(file, inner), memory);
    std::string others;
    for (auto const& each : entries)
        if (each.name != policy_entry) others += (others.empty() ? "" : ", ") + in_quotes(each.name);
    opened.notes.push_back(text("read ", in_quotes(policy_entry),
                                " of a zip file of stable-baselines3, without ", others.substr(0, 1000)));
    return opened;
}

// --- the values

/// Whether the elements follow each other in row-major order.
[[nodiscard]] inline bool is_contiguous(tensor_place const& place) {
    std::uint64_t expected = 1;
    for (auto axis = place.sizes.size(); axis-- > 0;) {
        if (place.sizes[axis] != 1 && place.strides[axis] != expected) return false;
        expected *= place.sizes[axis];
    }
    return true;
}

/// Copies the elements in row-major order; their places were checked.
inline void gather(tensor_place const& place, std::span<std::byte const> storage, std::span<std::byte> out) {
    auto const width = place.type->size;
    auto const rank = place.sizes.size();
    std::vector<std::uint64_t> index(rank, 0);
    auto at = place.offset;
    for (std::size_t to = 0; to < out.size(); to += width) {
        std::memcpy(out.data() + to, storage.data() + at * width, width);
        for (auto axis = rank; axis-- > 0;) {
            if (++index[axis] < place.sizes[axis]) {
                at += place.strides[axis];
                break;
            }
            at -= (place.sizes[axis] - 1) * place.strides[axis];
            index[axis] = 0;
        }
    }
}

/// Gives the values of tensors; tensors that share a storage share it here.
class checkpoint_loader {
public:
    checkpoint_loader(std::function<byte_source(tensor_place const&)> storage, memory_allowance& memory)
        : storage_(std::move(storage)), memory_(&memory) {}

    /// Throws `error`, or `file_error` where the archive is damaged.
    [[nodiscard]] tensor load(std::string const& name, tensor_place const& place) const {
        std::vector<std::size_t> shape(place.sizes.begin(), place.sizes.end());
        if (place.quantised) return {name, dtype::f32, std::move(shape), dequantised(place)};
        return {name, place.type->type.value(), std::move(shape), elements(place)};
    }

    /// The elements in row-major order, as they are stored.
    [[nodiscard]] byte_source elements(tensor_place const& place) const {
        auto const bytes = storage_(place);
        auto const size =
            static_cast<std::size_t>(checked_product(place.sizes, std::uint64_t{place.type->size}).value());
        if (size == 0) return std::vector<std::byte>();
        if (is_contiguous(place))
            return {std::make_shared<byte_source>(bytes),
                    bytes.bytes().subspan(static_cast<std::size_t>(place.offset) * place.type->size, size)};
        memory_->take(size);
        std::vector<std::byte> gathered(size);
        gather(place, bytes.bytes(), gathered);
        return gathered;
    }

private:
    /// As float.
    [[nodiscard]] std::vector<std::byte> dequantised(tensor_place const& place) const {
        auto const& how = *place.quantised;
        auto const stored = elements(place);
        auto const size = stored.size() / place.type->size;
        memory_->take(size * sizeof(float));
        std::vector<double> scales{how.scale}, zeros{how.zero_point};
        std::size_t inner = 1;
        if (how.scales) {
            scales = numbers(*how.scales), zeros = numbers(*how.zero_points);
            for (auto axis = how.axis + 1; axis < place.sizes.size(); ++axis)
                inner *= static_cast<std::size_t>(place.sizes[axis]);
        }
        std::vector<std::byte> made(size * sizeof(float));
        for (std::size_t k = 0; k < size; ++k) {
            auto const channel = k / inner % scales.size();
            auto const value = static_cast<float>(
                scales[channel] *
                (packed_value(place.type->packed, stored.bytes().data(), k) - zeros[channel]));
            std::memcpy(made.data() + k * sizeof value, &value, sizeof value);
        }
        return made;
    }

    [[nodiscard]] std::vector<double> numbers(tensor_place const& place) const {
        auto const count = static_cast<std::size_t>(checked_product(place.sizes).value());
        memory_->take(count * sizeof(double));
        std::vector<double> made(count);
        auto const stored = elements(place);
        if (place.type->type)
            load("scales", place).copy_to(std::span<double>(made));
        else
            for (std::size_t k = 0; k < count; ++k)
                made[k] = packed_value(place.type->packed, stored.bytes().data(), k);
        return made;
    }

    std::function<byte_source(tensor_place const&)> storage_;
    memory_allowance* memory_;
};

}  // namespace spinet::detail
