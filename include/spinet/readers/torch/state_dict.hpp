// SPDX-License-Identifier: BSD-3-Clause
/// The reader of PyTorch's checkpoints, as torch.save(model.state_dict(), file) writes them. Needs libzip.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/torch/restricted_pickle.hpp>
#include <spinet/readers/weights.hpp>
#include <spinet/readers/zip_archive.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet {

/// Reads files that PyTorch 1.6 or later wrote, `.pt` or `.pth`: the tensors of a dict, `NAME.weight` of
/// shape (out, in) and, where it is there, `NAME.bias` of shape (out), of float32, float64, float16 or
/// bfloat16, in any order and with any strides, as dense layers. Other tensors are treated as in
/// `safetensors`. Nothing in the file is run: it is refused where it asks for more than tensors. A prefix
/// "module." of all names, which DataParallel leaves there, is dropped with a note.
struct state_dict {
    /// The names of the layers from input to output, as in `safetensors`.
    std::vector<std::string> layers = {};
    /// Full names of tensors to skip, with a note.
    std::vector<std::string> ignored = {};
    activation_kind hidden = activation_kind::unspecified;
    activation_kind output = activation_kind::unspecified;
    network_architecture architecture = {};  ///< as in `safetensors`
    /// The key of the dict that holds the tensors, in a checkpoint that holds more: "model", or "nets.first"
    /// for a dict in a dict. Empty: the whole, where it holds tensors and single values only, or else the one
    /// dict among its entries state_dict, model_state_dict, model and net.
    std::string entry = {};

    [[nodiscard]] static std::string_view name() noexcept { return "state_dict"; }

    /// By its extension, .pt or .pth, or as a zip file with an entry data.pkl. False where it cannot be read.
    [[nodiscard]] bool recognises(std::filesystem::path const& path) const;

    /// Throws `file_error`, which names file, tensor and index, where the file is none of a state dict, holds
    /// no chain of dense layers or a value that is not finite, and where it would need more memory than ten
    /// times its size and 64 MiB. Memory: the bytes of the tensors read, once for all that share them, and
    /// once more for those which are not contiguous.
    [[nodiscard]] network operator()(std::filesystem::path const& path) const;
};

namespace detail {

// --- the archive

/// "data.pkl" of "lenet/data.pkl".
[[nodiscard]] inline bool is_pickle_entry(std::string_view name) {
    return name == "data.pkl" || (name.size() > 9 && name.ends_with("/data.pkl"));
}

/// The entries of a checkpoint, which have the name of the archive in front.
class checkpoint_archive {
public:
    checkpoint_archive(input_file const& file, memory_allowance& memory)
        : file_(&file), memory_(&memory), zip_(file) {
        for (auto& each : zip_.entries()) {
            memory.take(sizeof each + 2 * each.name.size() + 64);  // the node of the map
            auto const key = each.name;
            entries_.emplace(key, std::move(each));
        }
        find_prefix();
        refuse_script();
        check_byte_order();
    }

    [[nodiscard]] zip_reader::entry const* find(std::string const& part) const {
        auto const found = entries_.find(prefix_ + part);
        return found == entries_.end() ? nullptr : &found->second;
    }

    /// All of an entry, which `out` has the size of.
    void read(zip_reader::entry const& entry, std::span<std::byte> out) const { zip_.read(entry, out); }

    [[nodiscard]] std::string pickle() const {
        auto const& entry = *find("data.pkl");
        memory_->take(entry.size);
        std::string bytes(static_cast<std::size_t>(entry.size), '\0');
        read(entry, std::as_writable_bytes(std::span(bytes)));
        return bytes;
    }

private:
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

    void refuse_script() const {
        auto const code = entries_.lower_bound(prefix_ + "code/");
        bool const has_code = code != entries_.end() && code->first.starts_with(prefix_ + "code/");
        if (find("constants.pkl") != nullptr || has_code)
            file_->refuse(
                "is a TorchScript program, not a state dict; save its weights with "
                "torch.save(torch.jit.load(file, map_location=\"cpu\").state_dict(), other)");
    }

    void check_byte_order() const {
        auto const* const entry = find("byteorder");
        if (entry == nullptr) return;  // before PyTorch 2.1
        std::string order(static_cast<std::size_t>(std::min<std::uint64_t>(entry->size, 16)), '\0');
        read(*entry, std::as_writable_bytes(std::span(order)));
        if (order != "little")
            file_->refuse("has the byte order ", in_quotes(order), "; only little-endian files are read");
    }

    input_file const* file_;
    memory_allowance* memory_;
    zip_reader zip_;
    std::map<std::string, zip_reader::entry, std::less<>> entries_;
    std::string prefix_;
};

/// What is not a zip file: says what it is instead, and what to do.
[[noreturn]] inline void refuse_other_checkpoint(input_file& file) {
    auto const text = file.text(0, std::min<std::uint64_t>(file.size(), 262));
    std::string const convert =
        "; convert it in Python: torch.save(torch.load(file, map_location=\"cpu\"), other)";
    // The number with which the format before the zip files begins, as a pickle of a long integer.
    if (text.substr(0, 32).find("\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19") != text.npos)
        file.refuse("is in the format of PyTorch before 1.6", convert);
    if (text.size() > 256 && text.substr(257) == "ustar")
        file.refuse("is a tar file, as PyTorch wrote before 0.1.10", convert);
    if (text.starts_with('\x80'))
        file.refuse(
            "is a bare pickle, not a file of torch.save in PyTorch 1.6 or later; nothing in it is run");
    file.refuse("is no zip file, as torch.save writes them in PyTorch 1.6 or later");
}

// --- what the pickle says

/// The storages that a pickle may name.
struct storage_type {
    std::string_view global, name;
    std::size_t size;
    std::optional<dtype> type;
};
inline constexpr std::array<storage_type, 10> storage_types{{
    {"torch.FloatStorage", "float32", 4, dtype::f32},
    {"torch.DoubleStorage", "float64", 8, dtype::f64},
    {"torch.HalfStorage", "float16", 2, dtype::f16},
    {"torch.BFloat16Storage", "bfloat16", 2, dtype::bf16},
    {"torch.LongStorage", "int64", 8, std::nullopt},
    {"torch.IntStorage", "int32", 4, std::nullopt},
    {"torch.ShortStorage", "int16", 2, std::nullopt},
    {"torch.CharStorage", "int8", 1, std::nullopt},
    {"torch.ByteStorage", "uint8", 1, std::nullopt},
    {"torch.BoolStorage", "bool", 1, std::nullopt},
}};

/// Which elements of which storage a tensor consists of; strides and offset count elements.
struct tensor_place {
    storage_type const* type = nullptr;
    std::string storage;             ///< the entry, after the name of the archive
    std::uint64_t storage_size = 0;  ///< elements
    std::uint64_t offset = 0;
    std::vector<std::uint64_t> sizes;
    std::vector<std::uint64_t> strides;  ///< 0 along axes of one element
};

/// Turns calls of PyTorch's functions into places. Throws `error`, without the name of the tensor.
class tensor_calls {
public:
    static constexpr std::size_t most_axes = 64;

    explicit tensor_calls(pickle_values const& values) : values_(&values) {}

    [[nodiscard]] bool is_tensor(pickle_ref at) const {
        return calls(at, "torch._utils._rebuild_tensor_v2") || calls(at, "torch._utils._rebuild_parameter");
    }

    /// Single values, which stand beside tensors in a checkpoint.
    [[nodiscard]] bool is_single(pickle_ref at) const {
        auto const kind = values_->kind(at);
        return kind <= pickle_kind::bytes || (kind == pickle_kind::call && !is_tensor(at));
    }

    [[nodiscard]] tensor_place place_of(pickle_ref at) const {
        if (calls(at, "torch._utils._rebuild_parameter")) {
            auto const arguments = values_->arguments(at);
            if (values_->count(arguments) != 3) throw error("_rebuild_parameter has to have 3 arguments");
            at = values_->item(arguments, 0);
        }
        if (!calls(at, "torch._utils._rebuild_tensor_v2")) throw error("a parameter is made of no tensor");
        auto const arguments = values_->arguments(at);
        auto const count = values_->count(arguments);
        if (count != 6 && count != 7) throw error("_rebuild_tensor_v2 has to have 6 or 7 arguments");
        if (count == 7) check_metadata(values_->item(arguments, 6));
        tensor_place place;
        read_storage(values_->item(arguments, 0), place);
        place.offset = length(values_->item(arguments, 1), "its offset");
        read_axes(values_->item(arguments, 2), values_->item(arguments, 3), place);
        check_bounds(place);
        return place;
    }

private:
    [[nodiscard]] bool calls(pickle_ref at, std::string_view function) const {
        return values_->is(at, pickle_kind::call) && values_->global(at) == function;
    }

    /// Bits that say that the tensor is minus, or the conjugate of, what is stored.
    void check_metadata(pickle_ref at) const {
        if (values_->is(at, pickle_kind::none) || (values_->is_dict(at) && values_->count(at) == 0)) return;
        throw error("it is a negated or conjugated view; save tensor.clone() instead");
    }

    /// ('storage', type, key, location, number of elements).
    void read_storage(pickle_ref at, tensor_place& place) const {
        if (!values_->is(at, pickle_kind::persistent)) throw error("it has no storage");
        auto const tuple = values_->arguments(at);
        if (values_->count(tuple) != 5 || values_->maybe_text(values_->item(tuple, 0)) != "storage")
            throw error("its storage is not described by 'storage', type, key, location and size");
        auto const type = values_->item(tuple, 1);
        for (auto const& each : storage_types)
            if (values_->is(type, pickle_kind::global) && values_->global(type) == each.global)
                place.type = &each;
        if (place.type == nullptr) throw error("its storage is of no known type");
        auto const key = values_->maybe_text(values_->item(tuple, 2));
        if (!key || key->size() > 1000) throw error("the key of its storage is no string");
        place.storage.append("data/").append(*key);
        place.storage_size = length(values_->item(tuple, 4), "the size of its storage");
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

/// The tensors of the dict that is read, and where they are.
struct checkpoint_tensors {
    listed_tensors listed;
    std::map<std::string, tensor_place, std::less<>> places;
    std::vector<std::string> notes;
};

/// Finds in a pickle the dict that is meant, and lists its tensors.
class checkpoint_listing {
public:
    checkpoint_listing(input_file const& file, pickle_values const& values, memory_allowance& memory)
        : file_(&file), values_(&values), memory_(&memory), calls_(values) {}

    [[nodiscard]] checkpoint_tensors run(std::string_view entry) {
        if (!values_->is_dict(values_->root())) refuse_root();
        list_tensors(entry.empty() ? chosen() : followed(entry));
        drop_prefix();
        return std::move(found_);
    }

private:
    static constexpr std::array<std::string_view, 4> usual{"state_dict", "model_state_dict", "model", "net"};

    [[noreturn]] void refuse_root() const {
        auto const root = values_->root();
        std::string const what(calls_.is_tensor(root) ? "a tensor" : to_string(values_->kind(root)));
        file_->refuse("holds ", what, ", not a dict of tensors; save model.state_dict()");
    }

    [[nodiscard]] std::string keys_of(pickle_ref dict) const {
        std::string keys;
        std::size_t shown = 0;
        values_->for_each(dict, [&](pickle_ref key, pickle_ref) {
            if (++shown > 12) return;
            if (shown > 1) keys += ", ";
            keys += shown == 12                ? "..."
                    : values_->maybe_text(key) ? in_quotes(*values_->maybe_text(key))
                                               : "no string";
        });
        return shown == 0 ? "it has no keys" : "its keys are " + keys;
    }

    // --- which dict

    /// Whether a dict holds tensors and what may stand beside them.
    [[nodiscard]] bool holds_tensors_only(pickle_ref dict) const {
        bool any = false, only = true;
        values_->for_each(dict, [&](pickle_ref key, pickle_ref value) {
            any = any || calls_.is_tensor(value);
            only = only && (calls_.is_tensor(value) || calls_.is_single(value) || is_extra_state(key));
        });
        return any && only;
    }

    /// What a module keeps beside its tensors, of any type.
    [[nodiscard]] bool is_extra_state(pickle_ref key) const {
        return values_->maybe_text(key).value_or("").ends_with("_extra_state");
    }

    [[nodiscard]] pickle_ref chosen() {
        auto const root = values_->root();
        if (holds_tensors_only(root)) return root;
        std::vector<std::pair<std::string, pickle_ref>> candidates;
        values_->for_each(root, [&](pickle_ref key, pickle_ref value) {
            auto const name = values_->maybe_text(key).value_or("");
            if (values_->is_dict(value) && std::find(usual.begin(), usual.end(), name) != usual.end() &&
                candidates.size() < 3)
                candidates.emplace_back(name, value);
        });
        if (candidates.size() != 1)
            file_->refuse("is not a dict of tensors alone, and ",
                          (candidates.empty() ? "none" : "more than one"),
                          " of state_dict, model_state_dict, model and net is a dict in it; name the dict "
                          "that holds the tensors in the option 'entry': ",
                          keys_of(root));
        found_.notes.push_back("read the dict " + in_quotes(candidates[0].first) +
                               " of a checkpoint: " + keys_of(root));
        return candidates[0].second;
    }

    /// The dict at the end of a path. A key may hold dots itself: the longest that fits is taken.
    [[nodiscard]] pickle_ref followed(std::string_view path) const {
        auto at = values_->root();
        for (auto rest = path;;) {
            std::size_t longest = 0;
            pickle_ref next = no_pickle_ref;
            values_->for_each(at, [&](pickle_ref key, pickle_ref value) {
                auto const name = values_->maybe_text(key).value_or("");
                bool const fits = !name.empty() && rest.starts_with(name) &&
                                  (name.size() == rest.size() || rest[name.size()] == '.');
                if (!fits || name.size() < longest) return;
                longest = name.size();
                next = value;
            });
            if (next == no_pickle_ref || !values_->is_dict(next))
                file_->refuse("there is no dict ", in_quotes(rest),
                              ", which the option 'entry' names: ", keys_of(at));
            at = next;
            if (longest == rest.size()) return at;
            rest.remove_prefix(longest + 1);
        }
    }

    // --- its tensors

    void list_tensors(pickle_ref dict) {
        values_->for_each(dict, [&](pickle_ref key, pickle_ref value) {
            if (calls_.is_tensor(value))
                list_tensor(key, value);
            else
                leave_out(key, value);
        });
        if (found_.listed.empty()) file_->refuse("the dict holds no tensors: ", keys_of(dict));
    }

    void list_tensor(pickle_ref key, pickle_ref value) {
        if (!values_->maybe_text(key)) file_->refuse("a tensor has a key which is no string");
        std::string const name(*values_->maybe_text(key));
        with_place([&] { return "tensor " + in_quotes(name); },
                   [&] {
                       auto place = calls_.place_of(value);
                       memory_->take(512 + 6 * name.size() +
                                     48 * place.sizes.size());  // what is kept of it, three times
                       auto const& type = *place.type;
                       listed_tensor listed{name, std::string(type.name), !type.type, type.type, place.sizes};
                       if (!found_.listed.emplace(name, std::move(listed)).second)
                           throw error("it is there twice");
                       found_.places.emplace(name, std::move(place));
                   });
    }

    /// A network without what is in a dict or a list would perhaps be another network.
    void leave_out(pickle_ref key, pickle_ref value) {
        auto const name = values_->maybe_text(key) ? in_quotes(*values_->maybe_text(key))
                                                   : std::string("which is no string");
        std::string const kind(to_string(values_->kind(value)));
        if (!calls_.is_single(value) && !is_extra_state(key) && !is_empty(value))
            file_->refuse("the key ", name, " holds ", kind,
                          ", not a tensor; if that is where the tensors are, name it in the option 'entry'");
        memory_->take(256);
        found_.notes.push_back("left out the key " + name + ", which holds " + kind + ", not a tensor");
    }

    [[nodiscard]] bool is_empty(pickle_ref at) const {
        bool const counted =
            values_->is_dict(at) || values_->is(at, pickle_kind::tuple) || values_->is(at, pickle_kind::list);
        return counted && values_->count(at) == 0;
    }

    /// Of DataParallel, which is a module with the network as its only part.
    void drop_prefix() {
        constexpr std::string_view prefix = "module.";
        for (auto const& [name, entry] : found_.listed)
            if (name.size() <= prefix.size() || !name.starts_with(prefix)) return;
        checkpoint_tensors shorter;
        for (auto& [name, entry] : found_.listed) {
            auto const rest = name.substr(prefix.size());
            entry.name = rest;
            shorter.listed.emplace(rest, std::move(entry));
            shorter.places.emplace(rest, std::move(found_.places.find(name)->second));
        }
        shorter.notes = std::move(found_.notes);
        shorter.notes.push_back("dropped the prefix 'module.' of all names, which DataParallel leaves there");
        found_ = std::move(shorter);
    }

    input_file const* file_;
    pickle_values const* values_;
    memory_allowance* memory_;
    tensor_calls calls_;
    checkpoint_tensors found_;
};

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

/// Gives the values of tensors; a storage is read once and shared by the tensors in it.
class checkpoint_loader {
public:
    checkpoint_loader(checkpoint_archive const& archive, memory_allowance& memory)
        : archive_(&archive), memory_(&memory) {}

    /// Throws `error`, or `file_error` where the archive is damaged.
    [[nodiscard]] tensor load(std::string const& name, tensor_place const& place) {
        auto const bytes = storage(place);
        std::vector<std::size_t> shape(place.sizes.begin(), place.sizes.end());
        auto const type = place.type->type.value();
        auto const size = checked_product(place.sizes, std::uint64_t{place.type->size}).value();
        if (size == 0 || is_contiguous(place))
            return {name, type, std::move(shape), bytes,
                    size == 0 ? 0 : static_cast<std::size_t>(place.offset) * place.type->size};
        memory_->take(size);
        std::vector<std::byte> gathered(static_cast<std::size_t>(size));
        gather(place, bytes.bytes(), gathered);
        return {name, type, std::move(shape), std::move(gathered)};
    }

private:
    [[nodiscard]] byte_source storage(tensor_place const& place) {
        auto const* const entry = archive_->find(place.storage);
        if (entry == nullptr) throw error("its storage, entry ", in_quotes(place.storage), ", is missing");
        auto const needed = checked_product(std::vector<std::uint64_t>{place.storage_size, place.type->size});
        if (!needed || *needed != entry->size)
            throw error("its storage of ", place.storage_size, " elements of ", place.type->name,
                        " does not have the size of entry ", in_quotes(place.storage), ", ", entry->size,
                        " bytes");
        auto const [found, is_new] = read_.try_emplace(place.storage);
        if (!is_new) return found->second;
        memory_->take(entry->size);
        std::vector<std::byte> bytes(static_cast<std::size_t>(entry->size));
        archive_->read(*entry, bytes);
        return found->second = std::move(bytes);
    }

    checkpoint_archive const* archive_;
    memory_allowance* memory_;
    std::map<std::string, byte_source, std::less<>> read_;
};

}  // namespace detail

inline bool state_dict::recognises(std::filesystem::path const& path) const {
    if (path.extension() == ".pt" || path.extension() == ".pth") return true;
    return detail::recognised(path, [](input_file& file) {
        if (!detail::begins_as_zip(file)) return false;
        auto const entries = detail::zip_reader(file).entries();
        return std::any_of(entries.begin(), entries.end(),
                           [](auto const& each) { return detail::is_pickle_entry(each.name); });
    });
}

inline network state_dict::operator()(std::filesystem::path const& path) const {
    return detail::network_from(path, [&] {
        input_file file(path);
        if (!detail::begins_as_zip(file)) detail::refuse_other_checkpoint(file);
        detail::memory_allowance memory(file.size());
        detail::checkpoint_archive const archive(file, memory);
        auto const values = detail::read_pickle(archive.pickle(), memory);
        auto const found = detail::checkpoint_listing(file, values, memory).run(entry);
        detail::checkpoint_loader loader(archive, memory);
        auto const load = [&](detail::listed_tensor const& wanted) {
            return detail::with_place(
                [&] { return "tensor " + detail::in_quotes(wanted.name); },
                [&] { return loader.load(wanted.name, found.places.find(wanted.name)->second); });
        };
        auto made =
            detail::chain_reading(found.listed, {layers, ignored, hidden, output, architecture}, load).run();
        for (auto const& note : found.notes) made.add_note(note);
        return made;
    });
}

}  // namespace spinet
