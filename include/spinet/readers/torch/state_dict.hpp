// SPDX-License-Identifier: BSD-3-Clause
/// The reader of PyTorch's checkpoints, as torch.save(model.state_dict(), file) writes them. Needs libzip.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/torch/checkpoint.hpp>
#include <spinet/readers/torch/restricted_pickle.hpp>
#include <spinet/readers/weights.hpp>
#include <spinet/readers/zip_archive.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet {

/// Reads what torch.save writes, `.pt` or `.pth`, also in the format before PyTorch 1.6; policy.pth in a zip
/// file of stable-baselines3; and the tensors of TorchScript archives and of whole modules. The tensors of a
/// dict, `NAME.weight` of shape (out, in) and, where it is there, `NAME.bias` of shape (out), of float32,
/// float64, float16 or bfloat16, in any order and with any strides, are dense layers; quantised tensors are
/// dequantised. Other tensors are treated as in `safetensors`. Nothing in the file is run: it is refused
/// where it asks for more than values and objects. A prefix "module." or "_orig_mod." of all names, which
/// DataParallel and torch.compile leave there, is dropped with a note.
struct state_dict {
    /// The names of the layers from input to output, as in `safetensors`.
    std::vector<std::string> layers = {};
    /// Full names of tensors to skip, with a note.
    std::vector<std::string> ignored = {};
    activation_kind hidden = activation_kind::unspecified;
    activation_kind output = activation_kind::unspecified;
    network_architecture architecture = {};  ///< as in `safetensors`
    /// The key of the dict or module that holds the tensors, in a checkpoint that holds more: "model", or
    /// "nets.first" for a dict in a dict. Empty: the only one that holds tensors, optimisers aside, or that
    /// one of state_dict, model_state_dict, model and net beside which there are only averages of it.
    std::string entry = {};
    /// Of several networks in one file, the one of that name, as in `safetensors`. Dicts in the file are
    /// networks: "actor" of {"actor": ..., "critic": ...}.
    std::string network = {};

    [[nodiscard]] static std::string_view name() noexcept { return "state_dict"; }

    /// By its extension, .pt or .pth, by the first bytes of the old format, or as a zip file with an entry
    /// data.pkl or policy.pth. False where it cannot be read.
    [[nodiscard]] bool recognises(std::filesystem::path const& path) const;

    /// Throws `file_error`, which names file, tensor and index, where the file is none of a state dict, holds
    /// no chain of dense layers or a value that is not finite, and where it would need more memory than ten
    /// times its size and 64 MiB. Memory: the bytes of the tensors read, once for all that share them, and
    /// once more for those which are not contiguous; files of the old format are mapped (see `mapped_file`).
    [[nodiscard]] spinet::network operator()(std::filesystem::path const& path) const;
};

namespace detail {

/// The tensors that are read, and where they are.
struct checkpoint_tensors {
    listed_tensors listed;
    std::map<std::string, tensor_place, std::less<>> places;
    std::vector<std::string> parts;  ///< the dicts of several networks
    std::vector<std::string> notes;
};

/// Finds in a pickle the dict or module that is meant, and lists its tensors.
class checkpoint_listing {
public:
    checkpoint_listing(input_file const& file, pickle_values const& values, memory_allowance& memory)
        : file_(&file), values_(&values), memory_(&memory), calls_(values) {}

    /// The tensors at the path `entry` or, where that is empty, of the whole or of its only network;
    /// `network` is what will be chosen of them.
    [[nodiscard]] checkpoint_tensors run(std::string_view entry, std::string_view network = {}) {
        auto const root = values_->root();
        if (!values_->is_dict(root) && !values_->is(root, pickle_kind::object)) refuse_root();
        auto const from = entry.empty() ? chosen(network) : followed(entry);
        list_members(from, "", 0);
        if (found_.listed.empty()) file_->refuse("holds no tensors: ", keys_of(from));
        drop_activation_scales();
        if (found_.parts.empty())
            for (std::string const prefix : {"module.", "_orig_mod.", "module."}) drop_prefix(prefix);
        return std::move(found_);
    }

private:
    static constexpr std::array<std::string_view, 4> usual{"state_dict", "model_state_dict", "model", "net"};
    static constexpr std::size_t deepest = 100, most_steps = 3'000'000;

    [[noreturn]] void refuse_root() const {
        auto const root = values_->root();
        std::string const what(calls_.is_tensor(root) ? "a tensor" : to_string(values_->kind(root)));
        file_->refuse("holds ", what, ", not a dict of tensors; save model.state_dict()");
    }

    // --- what is in what

    /// What is reached over and over, by references to the same values, is refused.
    void count_steps(std::size_t count) {
        steps_ += count;
        if (steps_ > most_steps) file_->refuse("refers to the same values too often");
    }

    /// f(name, value) for each member of a dict, a list, a tuple or an object; of a module those of its
    /// parameters, buffers and modules. Keys that are neither strings nor integers have an empty name.
    template <class F>
    void for_each_member(pickle_ref of, F&& f) {
        auto const named = [&](pickle_ref key, pickle_ref value) {
            count_steps(1);
            auto const name = values_->maybe_text(key);
            if (name && name->size() > 1000) file_->refuse("has a key of ", name->size(), " bytes");
            if (name || !values_->is(key, pickle_kind::integer))
                f(name.value_or(""), value);
            else
                f(std::string_view(text(values_->integer(key))), value);
        };
        if (values_->is_dict(of)) {
            values_->for_each(of, named);
        } else if (values_->is(of, pickle_kind::object)) {
            auto const state = values_->arguments(of);
            if (state == no_pickle_ref || !values_->is_dict(state)) return;
            auto const unsaved = find_in(state, "_non_persistent_buffers_set");
            if (find_in(state, "_modules") == no_pickle_ref) return values_->for_each(state, named);
            for (char const* part : {"_parameters", "_buffers", "_modules"}) {
                auto const members = find_in(state, part);
                if (members == no_pickle_ref || !values_->is_dict(members)) continue;
                values_->for_each(members, [&](pickle_ref key, pickle_ref value) {
                    if (!is_unsaved(key, unsaved)) named(key, value);
                });
            }
        } else if (is_container(of)) {
            std::size_t index = 0;
            values_->for_each(of, [&](pickle_ref, pickle_ref value) {
                count_steps(1);
                f(std::string_view(text(index++)), value);
            });
        }
    }

    [[nodiscard]] pickle_ref find_in(pickle_ref dict, std::string_view wanted) {
        pickle_ref found = no_pickle_ref;
        count_steps(values_->count(dict));
        values_->for_each(dict, [&](pickle_ref key, pickle_ref value) {
            if (values_->maybe_text(key) == wanted) found = value;
        });
        return found;
    }

    /// Of a buffer that its module does not save; `set` is their names, or none.
    [[nodiscard]] bool is_unsaved(pickle_ref name, pickle_ref set) {
        if (set == no_pickle_ref) return false;
        if (values_->is(set, pickle_kind::call) && values_->count(values_->arguments(set)) == 1)
            set = values_->item(values_->arguments(set), 0);
        if (!values_->is(set, pickle_kind::list)) return false;
        bool found = false;
        count_steps(values_->count(set));
        values_->for_each(set, [&](pickle_ref, pickle_ref item) {
            found = found ||
                    (values_->maybe_text(item) && values_->maybe_text(item) == values_->maybe_text(name));
        });
        return found;
    }

    [[nodiscard]] bool is_container(pickle_ref at) const {
        auto const kind = values_->kind(at);
        return kind == pickle_kind::tuple || kind == pickle_kind::list || kind == pickle_kind::object ||
               values_->is_dict(at);
    }

    [[nodiscard]] bool holds_tensors(pickle_ref at, std::size_t depth = 0) {
        bool any = false;
        if (depth < deepest && is_container(at))
            for_each_member(at, [&](std::string_view, pickle_ref value) {
                any = any || calls_.is_tensor(value) || holds_tensors(value, depth + 1);
            });
        return any;
    }

    /// The moments of an optimiser are tensors too.
    [[nodiscard]] bool is_optimiser(pickle_ref at) {
        bool is = false;
        if (values_->is_dict(at) || values_->is(at, pickle_kind::object))
            for_each_member(at,
                            [&](std::string_view name, pickle_ref) { is = is || name == "param_groups"; });
        return is;
    }

    [[nodiscard]] std::string keys_of(pickle_ref of) {
        std::string keys;
        std::size_t shown = 0;
        for_each_member(of, [&](std::string_view name, pickle_ref) {
            if (++shown > 12) return;
            if (shown > 1) keys += ", ";
            keys += shown == 12 ? "..." : name.empty() ? "no string" : in_quotes(name);
        });
        return shown == 0 ? "it has no keys" : "its keys are " + keys;
    }

    // --- which dict

    struct member {
        std::string name;
        pickle_ref value;
    };

    /// Goes into what is the only member with tensors, or the usual one of them, until there are weights.
    [[nodiscard]] pickle_ref chosen(std::string_view network) {
        auto at = values_->root();
        for (std::size_t depth = 0; depth < deepest && !values_->is(at, pickle_kind::object); ++depth) {
            std::vector<member> candidates;
            bool weights = false, others = false;
            for_each_member(at, [&](std::string_view name, pickle_ref value) {
                bool const is_tensor = calls_.is_tensor(value);
                weights = weights || (is_tensor && (name.ends_with("weight") || name.ends_with("bias") ||
                                                    name.find('.') != name.npos));
                others = others || is_tensor || name.find("_packed_params") != name.npos;
                if (!is_tensor && candidates.size() < 1000 && is_container(value) && !is_optimiser(value) &&
                    holds_tensors(value))
                    candidates.push_back({std::string(name), value});
            });
            if (weights || candidates.empty()) return at;
            auto const* const only = only_one(candidates, network);
            if (only == nullptr)
                for (auto const& each : candidates) found_.parts.push_back(each.name);
            // What stands beside the only candidate may belong to it.
            if (only == nullptr || (others && candidates.size() == 1 && !is_usual(only->name))) return at;
            found_.notes.push_back("read the dict " + in_quotes(only->name) +
                                   " of a checkpoint: " + keys_of(at));
            at = only->value;
        }
        return at;
    }

    [[nodiscard]] static bool is_usual(std::string_view name) {
        return std::find(usual.begin(), usual.end(), name) != usual.end();
    }

    /// The candidate that needs no choice, or nullptr.
    [[nodiscard]] static member const* only_one(std::vector<member> const& candidates,
                                                std::string_view network) {
        if (candidates.size() == 1) return candidates.data();
        member const* found = nullptr;
        for (auto const& each : candidates) {
            // The option says which, and its name begins with a key.
            if (network == each.name || network.starts_with(each.name + ".")) return nullptr;
            if (!is_usual(each.name)) continue;
            if (found != nullptr) return nullptr;
            found = &each;
        }
        if (found == nullptr) return nullptr;
        constexpr std::string_view beside[] = {"ema",    "avg",      "swa",   "optim",  "sched",
                                               "scaler", "callback", "hyper", "config", "args",
                                               "loop",   "rng",      "state", "loss"};
        for (auto const& each : candidates) {
            if (&each == found) continue;
            bool known = false;
            for (auto const part : beside) known = known || each.name.find(part) != each.name.npos;
            if (!known || each.name.find("target") != each.name.npos) return nullptr;
        }
        return found;
    }

    /// The dict or module at the end of a path. A key may hold dots itself: the longest that fits is taken.
    [[nodiscard]] pickle_ref followed(std::string_view path) {
        auto at = values_->root();
        for (auto rest = path;;) {
            std::size_t longest = 0;
            pickle_ref next = no_pickle_ref;
            for_each_member(at, [&](std::string_view name, pickle_ref value) {
                bool const fits = !name.empty() && rest.starts_with(name) &&
                                  (name.size() == rest.size() || rest[name.size()] == '.');
                if (!fits || name.size() < longest) return;
                longest = name.size();
                next = value;
            });
            if (next == no_pickle_ref || !is_container(next))
                file_->refuse("there is no dict ", in_quotes(rest),
                              ", which the option 'entry' (--entry NAME) names: ", keys_of(at));
            at = next;
            if (longest == rest.size()) return at;
            rest.remove_prefix(longest + 1);
        }
    }

    // --- its tensors

    void list_members(pickle_ref of, std::string const& prefix, std::size_t depth) {
        if (depth > deepest) file_->refuse("holds dicts nested more than ", deepest, " deep");
        for_each_member(of, [&](std::string_view key, pickle_ref value) {
            memory_->take(prefix.size() + key.size());
            auto const name = prefix + std::string(key);
            if (calls_.is_tensor(value)) {
                if (key.empty()) file_->refuse("a tensor has a key which is no string");
                list_tensor(name, value);
            } else if (key.ends_with("_packed_params") && values_->is(value, pickle_kind::tuple)) {
                list_packed(name, value);
            } else if (is_container(value) && (depth > 0 || !is_optimiser(value)) && holds_tensors(value)) {
                list_members(value, name + ".", depth + 1);
            } else if (depth == 0 && !values_->is(of, pickle_kind::object)) {
                memory_->take(256);
                found_.notes.push_back(
                    text("left out the key ", (key.empty() ? "which is no string" : in_quotes(key)),
                         ", which holds ", to_string(values_->kind(value)), ", not a tensor"));
            }
        });
    }

    void list_tensor(std::string const& name, pickle_ref value) {
        with_place([&] { return "tensor " + in_quotes(name); },
                   [&] {
                       auto place = calls_.place_of(value);
                       // what is kept of it, several times
                       memory_->take(1024 + 10 * name.size() + 64 * place.sizes.size());
                       auto const& type = *place.type;
                       listed_tensor listed{
                           name, std::string(type.name), !type.type, type.type, place.sizes, type.packed};
                       listed.whole = type.type == std::nullopt && !type.name.starts_with("float");
                       if (place.quantised) listed.type = dtype::f32, listed.whole = false;
                       if (!found_.listed.emplace(name, std::move(listed)).second)
                           throw error("it is there twice");
                       found_.places.emplace(name, std::move(place));
                   });
    }

    /// (weight, bias) of a quantised layer: "0._packed_params._packed_params" of "0".
    void list_packed(std::string const& key, pickle_ref pair) {
        std::string_view name = key;
        constexpr std::string_view part = "_packed_params";
        while (name.ends_with(part)) {
            name.remove_suffix(part.size());
            if (name.ends_with('.')) name.remove_suffix(1);
        }
        auto const prefix = name.empty() ? std::string() : std::string(name) + ".";
        if (values_->count(pair) == 0 || values_->count(pair) > 2 ||
            !calls_.is_tensor(values_->item(pair, 0)))
            file_->refuse("the key ", in_quotes(key), " does not hold a weight and a bias");
        list_tensor(prefix + "weight", values_->item(pair, 0));
        if (values_->count(pair) == 2 && calls_.is_tensor(values_->item(pair, 1)))
            list_tensor(prefix + "bias", values_->item(pair, 1));
    }

    /// Of a quantised layer: they quantise what it gives.
    void drop_activation_scales() {
        std::vector<std::string> dropped;
        for (auto const& [name, place] : found_.places)
            if (place.quantised && name.ends_with("weight"))
                for (char const* part : {"scale", "zero_point"})
                    dropped.push_back(name.substr(0, name.size() - 6) + part);
        for (auto const& name : dropped) {
            found_.places.erase(name);
            if (found_.listed.erase(name) != 0)
                found_.notes.push_back("ignored " + in_quotes(name) + ": it quantises activations");
        }
    }

    /// Of DataParallel or torch.compile, modules with the network as their only part.
    void drop_prefix(std::string const& prefix) {
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
        shorter.notes.push_back("dropped the prefix " + in_quotes(prefix) + " of all names, which " +
                                (prefix == "module." ? "DataParallel" : "torch.compile") + " leaves there");
        found_ = std::move(shorter);
    }

    input_file const* file_;
    pickle_values const* values_;
    memory_allowance* memory_;
    tensor_calls calls_;
    checkpoint_tensors found_;
    std::size_t steps_ = 0;
};

}  // namespace detail

inline bool state_dict::recognises(std::filesystem::path const& path) const {
    if (path.extension() == ".pt" || path.extension() == ".pth") return true;
    return detail::recognised(path, [](input_file& file) {
        if (!detail::begins_as_zip(file))
            return detail::legacy_checkpoint::is_one(file.text(0, std::min<std::uint64_t>(file.size(), 20)));
        auto const entries = detail::zip_reader(file).entries();
        return std::any_of(entries.begin(), entries.end(), [](auto const& each) {
            return detail::is_pickle_entry(each.name) || each.name == detail::policy_entry;
        });
    });
}

inline spinet::network state_dict::operator()(std::filesystem::path const& path) const {
    return detail::network_from(path, [&] {
        input_file file(path);
        detail::memory_allowance memory(file.size());
        auto const opened = detail::open_checkpoint(file, memory);
        auto const found = detail::checkpoint_listing(file, *opened.values, memory).run(entry, network);
        detail::checkpoint_loader const loader(opened.storage, memory);
        auto const naming = [](std::string const& name, auto const& body) {
            return detail::with_place([&] { return "tensor " + detail::in_quotes(name); }, body);
        };
        auto const place = [&](detail::listed_tensor const& of) -> auto const& {
            return found.places.find(of.name)->second;
        };
        auto made = detail::chain_reading(
                        found.listed, {layers, ignored, hidden, output, architecture, network},
                        [&](detail::listed_tensor const& of) {
                            return naming(of.name, [&] { return loader.load(of.name, place(of)); });
                        },
                        [&](detail::listed_tensor const& of) {
                            return naming(of.name, [&] { return loader.elements(place(of)); });
                        },
                        found.parts, &memory)
                        .run();
        for (auto const& note : opened.notes) made.add_note(note);
        for (auto const& note : found.notes) made.add_note(note);
        return made;
    });
}

}  // namespace spinet
