// SPDX-License-Identifier: BSD-3-Clause
/// The reader of safetensors files with the weights of a multilayer perceptron, named as PyTorch names them.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/file.hpp>
#include <spinet/network/layer_order.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/safetensors_header.hpp>
#include <spinet/network/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet {

/// Reads `NAME.weight` of shape (out, in) and, where it is there, `NAME.bias` of shape (out), of F32, F64,
/// F16 or BF16, in any order, as dense layers. Other tensors of integers are bookkeeping, skipped with a
/// note; any other tensor is refused, because a network without it would be another network, unless `layers`
/// or `ignored` say so.
struct safetensors {
    /// The names of the layers from input to output, without ".weight"; all other tensors are skipped with a
    /// note. Empty: all layers, ordered by `ordered_layers`.
    std::vector<std::string> layers = {};
    /// Full names of tensors to skip, with a note.
    std::vector<std::string> ignored = {};
    /// The format does not store activations: after each layer but the last, and after the last.
    activation_kind hidden = activation_kind::unspecified;
    activation_kind output = activation_kind::unspecified;

    [[nodiscard]] static std::string_view name() noexcept { return "safetensors"; }

    /// By extension or, failing that, by the first nine bytes. False where the file cannot be read.
    [[nodiscard]] bool recognises(std::filesystem::path const& path) const;

    /// Throws `file_error`, which names file, tensor and index, where the file is not valid, holds no chain
    /// of dense layers or a value that is not finite. Memory: the bytes of the tensors read.
    [[nodiscard]] network operator()(std::filesystem::path const& path) const;
};

namespace detail {

/// The tensors of one layer, as the header has them.
struct layer_entries {
    safetensors_entry const* weight = nullptr;
    safetensors_entry const* bias = nullptr;
};

/// One reading of one file: sorts its tensors into layers and notes, then loads them.
class safetensors_reading {
public:
    safetensors_reading(safetensors const& options, std::filesystem::path const& path)
        : options_(&options), file_(path), header_(read_safetensors_header(file_)) {}

    network run(std::filesystem::path const& path) {
        sort_tensors();
        auto chain = options_->layers.empty() ? chain_by_order() : chain_by_request();
        for (std::size_t i = 0; i < chain.size(); ++i)
            chain[i].activation = i + 1 < chain.size() ? options_->hidden : options_->output;
        try {
            auto result = dense_network(chain, path);
            for (auto& note : notes_) result.add_note(std::move(note));
            return result;
        } catch (file_error const&) {
            throw;
        } catch (error const& reason) {
            file_.refuse(reason.what());
        }
    }

private:
    void sort_tensors() {
        std::set<std::string, std::less<>> const ignored(options_->ignored.begin(), options_->ignored.end());
        for (auto const& name : ignored)
            if (header_.tensors.count(name) == 0)
                file_.refuse("there is no tensor " + in_quotes(name) + ", which the option 'ignored' names");
        std::set<std::string, std::less<>> const wanted(options_->layers.begin(), options_->layers.end());
        for (auto const& [name, entry] : header_.tensors) {
            std::string_view const whole = name;
            auto const dot = whole.rfind('.');
            auto const part = dot == whole.npos ? whole : whole.substr(dot + 1);
            auto const layer = dot == whole.npos ? std::string_view() : whole.substr(0, dot);
            bool const parameter = part == "weight" || part == "bias";
            if (ignored.count(name) != 0 || (!wanted.empty() && (!parameter || wanted.count(layer) == 0)))
                skip(entry, "as asked");
            else if (parameter)
                (part == "weight" ? layers_[std::string(layer)].weight : layers_[std::string(layer)].bias) =
                    &entry;
            else if (entry.type->whole)
                skip(entry, "it is neither the weight nor the bias of a layer");
            else
                file_.refuse(
                    "tensor " + in_quotes(name) + " of shape " + tuple_text(entry.shape) + " and dtype " +
                    std::string(entry.type->name) +
                    " is neither NAME.weight nor NAME.bias of a dense layer; if the network is meant without "
                    "it, name the layers in the option 'layers', or this tensor in 'ignored'");
        }
    }

    void skip(safetensors_entry const& entry, std::string const& why) {
        notes_.push_back("ignored tensor " + in_quotes(entry.name) + " of dtype " +
                         std::string(entry.type->name) + ": " + why);
    }

    std::vector<dense_layer> chain_by_request() {
        std::vector<dense_layer> chain;
        for (auto const& name : options_->layers) {
            auto const found = layers_.find(name);
            if (found == layers_.end())
                file_.refuse("there is no layer " + in_quotes(name) + ", which the option 'layers' names");
            chain.push_back(load(name, found->second));
        }
        return chain;
    }

    std::vector<dense_layer> chain_by_order() {
        std::vector<dense_layer> found;
        for (auto const& [name, entries] : layers_) found.push_back(load(name, entries));
        if (found.empty()) file_.refuse("no dense layer: the file has no tensor NAME.weight");
        try {
            auto ordered = ordered_layers(std::move(found));
            if (!ordered.second) {
                std::string names;
                for (auto const& layer : ordered.first)
                    names += (names.empty() ? "" : ", ") + in_quotes(layer.name);
                notes_.push_back("ordered the layers by their shapes, since their names do not: " + names);
            }
            return std::move(ordered.first);
        } catch (error const& reason) {
            file_.refuse(reason.what());
        }
    }

    dense_layer load(std::string const& name, layer_entries const& entries) {
        if (entries.weight == nullptr)
            file_.refuse("tensor " + in_quotes(entries.bias->name) + " is a bias without a weight");
        check_rank(*entries.weight, 2, "weight", "(out, in)");
        dense_layer layer{name.empty() ? "linear" : name, load(*entries.weight)};
        if (entries.bias == nullptr) return layer;
        check_rank(*entries.bias, 1, "bias", "(out)");
        layer.bias = load(*entries.bias);
        return layer;
    }

    void check_rank(safetensors_entry const& entry, std::size_t rank, std::string const& part,
                    std::string const& axes) const {
        auto const what = "tensor " + in_quotes(entry.name) + " of shape " + tuple_text(entry.shape);
        if (entry.shape.size() != rank)
            file_.refuse(what + " has rank " + std::to_string(entry.shape.size()) + "; the " + part +
                         " of a dense layer has rank " + std::to_string(rank) + ", " + axes);
        for (auto const length : entry.shape)
            if (length == 0) file_.refuse(what + " has a dimension of size 0");
        if (!entry.type->type)
            file_.refuse(what + " has dtype " + std::string(entry.type->name) + "; a " + part +
                         " has to be F32, F64, F16 or BF16");
    }

    /// Its size is bounded by that of the file, which the header was checked against.
    tensor load(safetensors_entry const& entry) {
        if (entry.end - entry.begin > std::numeric_limits<std::size_t>::max() / 2)
            file_.refuse("tensor " + in_quotes(entry.name) + " is too large for this machine");
        auto bytes =
            std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(entry.end - entry.begin));
        file_.read(header_.data_begin + entry.begin, *bytes);
        return {entry.name, *entry.type->type,
                std::vector<std::size_t>(entry.shape.begin(), entry.shape.end()), std::move(bytes)};
    }

    safetensors const* options_;
    input_file file_;
    safetensors_header header_;
    std::map<std::string, layer_entries, std::less<>> layers_;
    std::vector<std::string> notes_;
};

}  // namespace detail

inline bool safetensors::recognises(std::filesystem::path const& path) const {
    if (path.extension() == ".safetensors") return true;
    try {
        input_file file(path);
        if (file.size() < 10) return false;
        std::uint64_t length = 0;
        char first = 0;
        file.read(0, std::as_writable_bytes(std::span(&length, 1)));
        file.read(8, std::as_writable_bytes(std::span(&first, 1)));
        return first == '{' && length >= 2 && length <= detail::largest_header && length <= file.size() - 8;
    } catch (error const&) {
        return false;
    }
}

inline network safetensors::operator()(std::filesystem::path const& path) const {
    return detail::safetensors_reading(*this, path).run(path);
}

}  // namespace spinet
