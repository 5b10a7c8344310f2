// SPDX-License-Identifier: BSD-3-Clause
/// From the tensors that a file lists by name to a network: what every reader of weights does.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/architecture.hpp>
#include <spinet/readers/layer_order.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet::detail {

/// The options that readers of weights share.
struct chain_options {
    std::vector<std::string> const& layers;
    std::vector<std::string> const& ignored;
    activation_kind hidden, output;
    network_architecture const& architecture;
};

/// One reading of one file: puts its tensors where the architecture wants them or, without one, sorts them
/// into dense layers and notes. Throws `error`.
class chain_reading {
public:
    chain_reading(listed_tensors const& tensors, chain_options const& options, tensor_source load)
        : tensors_(&tensors), options_(options), load_(std::move(load)) {}

    network run() {
        auto const& given = options_.architecture;
        if (given.nodes.empty() && given.of_tensors) {
            auto const made = given.of_tensors(*tensors_);
            if (!made.nodes.empty()) return assembly(*tensors_, load_).run(made);
            notes_ = made.notes;
        }
        if (!given.nodes.empty()) {
            if (!options_.layers.empty())
                throw error("the options 'layers' and 'architecture' exclude each other");
            return assembly(*tensors_, load_).run(given);
        }
        sort_tensors();
        auto chain = options_.layers.empty() ? chain_by_order() : chain_by_request();
        for (std::size_t i = 0; i < chain.size(); ++i)
            chain[i].activation = i + 1 < chain.size() ? options_.hidden : options_.output;
        auto result = dense_network(chain);
        for (auto& note : notes_) result.add_note(std::move(note));
        return result;
    }

private:
    /// The tensors of one layer.
    struct layer_entries {
        listed_tensor const* weight = nullptr;
        listed_tensor const* bias = nullptr;
    };

    void sort_tensors() {
        std::set<std::string, std::less<>> const ignored(options_.ignored.begin(), options_.ignored.end());
        for (auto const& name : ignored)
            if (tensors_->count(name) == 0)
                throw error("there is no tensor ", in_quotes(name), ", which the option 'ignored' names");
        std::set<std::string, std::less<>> const wanted(options_.layers.begin(), options_.layers.end());
        for (auto const& [name, entry] : (*tensors_)) {
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
            else if (entry.whole)
                skip(entry, "it is neither the weight nor the bias of a layer");
            else
                throw error(
                    "tensor ", in_quotes(name), " of shape ", tuple_text(entry.shape), " and dtype ",
                    entry.type_name,
                    " is neither NAME.weight nor NAME.bias of a dense layer; if the network has other "
                    "layers, "
                    "describe it in the option 'architecture'; if it is meant without this tensor, name the "
                    "layers in the option 'layers', or the tensor in 'ignored'");
        }
    }

    void skip(listed_tensor const& entry, std::string const& why) {
        notes_.push_back(
            text("ignored tensor ", in_quotes(entry.name), " of dtype ", entry.type_name, ": ", why));
    }

    std::vector<dense_layer> chain_by_request() {
        std::vector<dense_layer> chain;
        for (auto const& name : options_.layers) {
            auto const found = layers_.find(name);
            if (found == layers_.end())
                throw error("there is no layer ", in_quotes(name), ", which the option 'layers' names");
            chain.push_back(load(name, found->second));
        }
        return chain;
    }

    std::vector<dense_layer> chain_by_order() {
        std::vector<dense_layer> found;
        for (auto const& [name, entries] : layers_) found.push_back(load(name, entries));
        if (found.empty()) throw error("no dense layer: the file has no tensor NAME.weight");
        auto ordered = ordered_layers(found);
        if (!ordered.second) {
            std::string names;
            for (auto const& layer : ordered.first)
                names += (names.empty() ? "" : ", ") + in_quotes(layer.name);
            notes_.push_back(text("ordered the layers by their shapes, since their names do not: ", names));
        }
        return std::move(ordered.first);
    }

    dense_layer load(std::string const& name, layer_entries const& entries) {
        if (entries.weight == nullptr)
            throw error("tensor ", in_quotes(entries.bias->name), " is a bias without a weight");
        check_rank(*entries.weight, 2, "weight", "(out, in)");
        dense_layer layer{name.empty() ? "linear" : name, load_(*entries.weight)};
        if (entries.bias == nullptr) return layer;
        check_rank(*entries.bias, 1, "bias", "(out)");
        layer.bias = load_(*entries.bias);
        return layer;
    }

    void check_rank(listed_tensor const& entry, std::size_t rank, std::string const& part,
                    std::string const& axes) const {
        auto const what =
            detail::text("tensor ", in_quotes(entry.name), " of shape ", tuple_text(entry.shape));
        if (entry.shape.size() != rank)
            throw error(what, " has rank ", entry.shape.size(), "; the ", part, " of a dense layer has rank ",
                        rank, ", ", axes, "; other layers need the option 'architecture'");
        for (auto const length : entry.shape)
            if (length == 0) throw error(what, " has a dimension of size 0");
        if (!entry.type)
            throw error(what, " has dtype ", entry.type_name, "; a ", part,
                        " has to be F32, F64, F16 or BF16");
    }

    listed_tensors const* tensors_;
    chain_options options_;
    tensor_source load_;
    std::map<std::string, layer_entries, std::less<>> layers_;
    std::vector<std::string> notes_;
};

}  // namespace spinet::detail
