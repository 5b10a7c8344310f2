// SPDX-License-Identifier: BSD-3-Clause
/// From the tensors that a file lists by name to a network: what every reader of weights does.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/architecture.hpp>
#include <spinet/readers/derived_weights.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/layer_order.hpp>
#include <spinet/readers/networks.hpp>
#include <spinet/readers/normalised_chain.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
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
    std::string network = {};  ///< of several networks in one file, the one of that name
};

/// One reading of one file: puts its tensors where the architecture wants them or, without one, sorts them
/// into dense layers, normalisations and notes. Throws `error`.
class chain_reading {
public:
    /// `parts` are the names of the networks that the file keeps apart; `packed` gives the bytes of tensors
    /// of a packed type, in files that have them; `memory` is what computed weights are taken from.
    chain_reading(listed_tensors const& tensors, chain_options const& options, tensor_source load,
                  packed_source packed = {}, std::vector<std::string> parts = {},
                  memory_allowance* memory = nullptr)
        : all_(&tensors),
          options_(options),
          weights_(tensors, std::move(load), std::move(packed), memory,
                   !options.architecture.nodes.empty() || options.architecture.of_tensors != nullptr),
          load_([this](listed_tensor const& of) { return weights_.load(of); }),
          parts_(std::move(parts)),
          tensors_(&weights_.listed()),
          notes_(weights_.notes()) {}
    chain_reading(chain_reading const&) = delete;
    chain_reading& operator=(chain_reading const&) = delete;
    ~chain_reading() = default;

    network run() {
        bool described = !options_.architecture.nodes.empty();
        if (described && !options_.layers.empty())
            throw error("the options 'layers' and 'architecture' exclude each other");
        for (auto const& name : options_.ignored)
            if (all_->count(name) == 0 && tensors_->count(name) == 0)
                throw error("there is no tensor ", in_quotes(name), ", which the option 'ignored' names");
        auto architecture = options_.architecture;
        if (!described && architecture.of_tensors) {
            architecture = architecture.of_tensors(*tensors_);
            described = !architecture.nodes.empty();
            if (!described) notes_.insert(notes_.end(), architecture.notes.begin(), architecture.notes.end());
        }
        if (!options_.network.empty()) choose_network();
        if (parts_.size() > 1 && options_.network.empty() && options_.layers.empty() && !described)
            refuse_several(networks());
        auto result = described ? assembly(*tensors_, load_).run(architecture) : chain();
        for (auto& note : notes_) result.add_note(std::move(note));
        return result;
    }

private:
    /// The tensors of one layer, dense or normalising.
    struct layer_entries {
        listed_tensor const *weight = nullptr, *bias = nullptr, *mean = nullptr, *variance = nullptr;

        [[nodiscard]] bool is_batch_norm() const noexcept { return mean != nullptr && variance != nullptr; }
        /// Of one number for each feature.
        [[nodiscard]] bool is_item() const {
            return is_batch_norm() || (weight != nullptr && weight->shape.size() == 1);
        }
    };

    // --- one of several networks

    /// The weights that may be those of dense layers, by name.
    [[nodiscard]] std::vector<layer_ends> dense_ends() const {
        constexpr std::string_view part = ".weight";
        std::vector<layer_ends> found;
        for (auto const& [name, entry] : *tensors_) {
            std::string_view const whole = name;
            if (entry.shape.size() == 2 && entry.type && (whole.ends_with(part) || whole == "weight"))
                found.push_back({whole.substr(0, whole.size() - std::min(whole.size(), part.size())),
                                 entry.shape[1], entry.shape[0]});
        }
        std::sort(found.begin(), found.end(),
                  [](auto const& a, auto const& b) { return natural_less(a.name, b.name); });
        return found;
    }

    /// The networks that can be told apart; none where there is only one.
    [[nodiscard]] std::vector<stored_network> networks() const {
        auto const ends = dense_ends();
        network_search search(ends);
        if (parts_.empty()) {
            auto found = search.run().value_or(std::vector<stored_network>());
            return found.size() > 1 ? found : std::vector<stored_network>();
        }
        std::vector<stored_network> all;
        for (auto const& part : parts_) {
            auto const found = search.run(part + ".");
            if (found)
                all.insert(all.end(), found->begin(), found->end());
            else
                all.push_back({part});
        }
        return all;
    }

    [[noreturn]] static void refuse_several(std::vector<stored_network> const& found) {
        throw error("holds ", found.size(), " networks: ", networks_text(found),
                    "; choose one in the option 'network' (--network NAME)");
    }

    /// Leaves the tensors of the network that the option names. Where that is what their names begin with,
    /// they lose it.
    void choose_network() {
        auto const& wanted = options_.network;
        if (!options_.layers.empty()) throw error("the options 'layers' and 'network' exclude each other");
        auto const known = networks();
        auto const prefix = wanted + ".";
        auto const is_in = [&](std::string_view name) { return name.starts_with(prefix); };
        auto const ends = dense_ends();
        auto const inside =
            std::count_if(ends.begin(), ends.end(), [&](auto const& e) { return is_in(e.name); });
        listed_tensors chosen;
        for (auto const& network : known) {
            if (network.name != wanted || network.layers.empty()) continue;
            bool const all_in = std::all_of(network.layers.begin(), network.layers.end(), is_in);
            if (all_in && static_cast<std::size_t>(inside) == network.layers.size()) continue;
            chosen = tensors_of(network);
            order_ = network.layers;
        }
        bool const whole_names = !order_.empty();
        for (auto const& [name, entry] : *tensors_)
            if (!whole_names && is_in(name) && name.size() > prefix.size())
                chosen.emplace(name.substr(prefix.size()), entry);
        bool const is_known =
            std::any_of(known.begin(), known.end(), [&](auto const& each) { return each.name == wanted; });
        if (!is_known && chosen.count("weight") != 0)
            throw error(in_quotes(wanted), ", which the option 'network' names, is one layer, not a network");
        if (chosen.empty())
            throw error("there is no network ", in_quotes(wanted), ", which the option 'network' names; ",
                        (known.empty() ? std::string("the file holds one network")
                                       : "there are " + networks_text(known)));
        if (chosen.size() < tensors_->size())
            notes_.push_back(text("read the network ", in_quotes(wanted), ", ", chosen.size(), " of ",
                                  tensors_->size(), " tensors",
                                  (known.empty() ? "" : "; the file holds " + networks_text(known))));
        chosen_ = std::move(chosen);
        tensors_ = &chosen_;
        parts_.clear();
        stripped_ = whole_names ? "" : prefix;
    }

    /// Those of its layers, and of what stands between them without being dense.
    [[nodiscard]] listed_tensors tensors_of(stored_network const& network) const {
        std::set<std::string_view> layers(network.layers.begin(), network.layers.end()), parents, dense;
        for (auto const& layer : layers) parents.insert(layer.substr(0, layer.rfind('.') + 1));
        for (auto const& each : dense_ends()) dense.insert(each.name);
        listed_tensors found;
        for (auto const& [name, entry] : *tensors_) {
            auto const base = std::string_view(name).substr(0, std::min(name.rfind('.'), name.size()));
            auto const parent = base.substr(0, base.rfind('.') + 1);
            bool const between = !parent.empty() && parents.count(parent) != 0 && dense.count(base) == 0;
            if (layers.count(base) != 0 || between) found.emplace(name, entry);
        }
        return found;
    }

    // --- which tensor belongs to what

    void sort_tensors() {
        std::set<std::string, std::less<>> const ignored(options_.ignored.begin(), options_.ignored.end());
        std::set<std::string, std::less<>> const wanted(options_.layers.begin(), options_.layers.end());
        for (auto const& [name, entry] : (*tensors_)) {
            std::string_view const whole = name;
            auto const dot = whole.rfind('.');
            auto const part = dot == whole.npos ? whole : whole.substr(dot + 1);
            auto const layer = dot == whole.npos ? std::string_view() : whole.substr(0, dot);
            bool const parameter = part == "weight" || part == "bias";
            bool const statistic = part == "running_mean" || part == "running_var";
            if (ignored.count(entry.name) != 0 ||
                (!wanted.empty() && (!parameter || wanted.count(layer) == 0))) {
                skip(entry, "as asked");
            } else if (parameter) {
                auto& of = layers_[std::string(layer)];
                (part == "weight" ? of.weight : of.bias) = &entry;
            } else if (statistic && entry.shape.size() == 1 && !layer.empty()) {
                auto& of = layers_[std::string(layer)];
                (part == "running_mean" ? of.mean : of.variance) = &entry;
            } else if (entry.whole) {
                skip(entry, "it is neither the weight nor the bias of a layer");
            } else if (std::find(entry.shape.begin(), entry.shape.end(), 0U) != entry.shape.end()) {
                skip(entry, "it is empty");
            } else if (odd_.empty()) {
                odd_ = odd_tensor(entry, "is neither NAME.weight nor NAME.bias of a dense layer");
            }
        }
    }

    [[nodiscard]] static std::string odd_tensor(listed_tensor const& entry, std::string_view why) {
        return text("tensor ", in_quotes(entry.name), " of shape ", tuple_text(entry.shape), " and dtype ",
                    entry.type_name, " ", why,
                    "; if the network has other layers, describe it in the option 'architecture' "
                    "(--architecture FILE); if it is meant without this tensor, name the layers in the "
                    "option 'layers' (--layers NAME,NAME,...), or the tensor in 'ignored' (--ignored NAME)");
    }

    void skip(listed_tensor const& entry, std::string const& why) {
        notes_.push_back(
            text("ignored tensor ", in_quotes(entry.name), " of dtype ", entry.type_name, ": ", why));
    }

    // --- normalisations

    /// Takes normalisations and PReLUs out of `layers_`.
    [[nodiscard]] std::vector<chain_item> take_items() {
        std::vector<chain_item> items;
        auto const is_dense = [](auto const& each) { return !each.second.is_item(); };
        if (std::none_of(layers_.begin(), layers_.end(), is_dense)) return items;
        for (auto at = layers_.begin(); at != layers_.end();) {
            auto const& [name, of] = *at;
            auto const next = std::next(at);
            if (!of.is_batch_norm() && (of.mean != nullptr || of.variance != nullptr))
                set_odd(*(of.mean ? of.mean : of.variance),
                        "lacks the other of running_mean and running_var");
            if (of.is_item() && !name.empty()) {
                items.push_back(item_of(name, of));
                items_.insert(layers_.extract(at));
            }
            at = next;
        }
        return items;
    }

    void set_odd(listed_tensor const& entry, std::string_view why) {
        if (odd_.empty()) odd_ = odd_tensor(entry, why);
    }

    /// Batch normalisation by its statistics, PReLU by a single number or its name, layer normalisation by
    /// weight and bias.
    [[nodiscard]] chain_item item_of(std::string const& name, layer_entries const& of) {
        std::string leaf;
        for (char const c : std::string_view(name).substr(name.rfind('.') + 1))
            leaf += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        auto const named = [&](std::string_view part) { return leaf.find(part) != leaf.npos; };
        if (of.is_batch_norm()) {
            notes_.push_back(text("read ", in_quotes(name),
                                  " as batch normalisation with PyTorch's epsilon, 1e-5, which the file does "
                                  "not hold"));
            return chain_item{name, "batch_normalisation", of.mean->shape[0]};
        }
        auto const width = of.weight->shape[0];
        if (of.bias == nullptr) {
            if (width != 1 && !named("prelu"))
                return chain_item{
                    name, "activation", width,
                    text(in_quotes(name), ", which has ", width,
                         " numbers and no bias, may be a PReLU (an activation) or a normalisation")};
            notes_.push_back(text("read ", in_quotes(name),
                                  " as PReLU, an activation of which the network does "
                                  "not keep the slopes"));
            return chain_item{name, "activation", width == 1 ? 0 : width};
        }
        for (auto const kind : {"bn", "batch", "gn", "group", "instance"})
            if (named(kind))
                return chain_item{name, "layer_normalisation", width,
                                  text(in_quotes(name),
                                       ", whose tensors are those of layer normalisation, seems to "
                                       "be one over the batch, groups or instances")};
        notes_.push_back(text("read ", in_quotes(name),
                              " as layer normalisation with PyTorch's epsilon, 1e-5, which the file does not "
                              "hold"));
        return chain_item{name, "layer_normalisation", width};
    }

    [[nodiscard]] network with_items(std::vector<dense_layer> const& chain,
                                     std::vector<chain_item> const& items) {
        std::vector<layer_ends> ends;
        for (auto const& layer : chain) ends.push_back({layer.name, layer.inputs(), layer.outputs()});
        auto const architecture = normalised_chain(ends, items, options_.hidden, options_.output).run();
        listed_tensors used;
        for (auto const* from : {&layers_, &items_})
            for (auto const& [name, of] : *from) {
                std::pair<char const*, listed_tensor const*> const parts[] = {{".weight", of.weight},
                                                                              {".bias", of.bias},
                                                                              {".running_mean", of.mean},
                                                                              {".running_var", of.variance}};
                for (auto const& [part, entry] : parts)
                    if (entry != nullptr) used.emplace((name.empty() ? "linear" : name) + part, *entry);
            }
        for (auto const& item : items)
            if (item.op == "activation") used.erase(item.name + ".weight");
        return assembly(used, load_).run(architecture);
    }

    // --- the chain

    [[nodiscard]] network chain() {
        sort_tensors();
        auto const items = options_.layers.empty() ? take_items() : std::vector<chain_item>();
        auto layers = !options_.layers.empty() ? chain_by_request(options_.layers) : chain_by_order();
        if (!items.empty()) return with_items(layers, items);
        for (std::size_t i = 0; i < layers.size(); ++i)
            layers[i].activation = i + 1 < layers.size() ? options_.hidden : options_.output;
        return dense_network(layers);
    }

    std::vector<dense_layer> chain_by_request(std::vector<std::string> const& names) {
        std::vector<dense_layer> chain;
        for (auto const& name : names) {
            auto const found = layers_.find(name);
            if (found == layers_.end())
                throw error("there is no layer ", in_quotes(name), ", which the option 'layers' names");
            chain.push_back(load(name, found->second));
        }
        return chain;
    }

    std::vector<dense_layer> chain_by_order() {
        auto const several =
            order_.empty() ? several_networks() : std::pair<std::vector<stored_network>, bool>();
        if (several.second) refuse_several(several.first);
        if (!odd_.empty()) throw error(odd_);
        if (!order_.empty()) return chain_by_request(order_);
        std::vector<dense_layer> found;
        for (auto const& [name, entries] : layers_) found.push_back(load(name, entries));
        if (found.empty()) throw error("no dense layer: the file has no tensor NAME.weight");
        auto ordered = [&] {
            try {
                return ordered_layers(found);
            } catch (error const& reason) {
                if (several.first.empty()) throw;
                throw error(reason.what(), "; or choose one of ", networks_text(several.first),
                            " in the option 'network' (--network NAME)");
            }
        }();
        if (!ordered.second) {
            std::string names;
            for (auto const& layer : ordered.first)
                names += (names.empty() ? "" : ", ") + in_quotes(layer.name);
            notes_.push_back(text("ordered the layers by their shapes, since their names do not: ", names));
        }
        return std::move(ordered.first);
    }

    /// The networks, where there is not one order of all layers; and whether none is found at all.
    [[nodiscard]] std::pair<std::vector<stored_network>, bool> several_networks() const {
        auto const ends = dense_ends();
        std::size_t budget = 200'000;
        auto const found = chains_through(ends, budget);
        if (found.unique() || ends.empty()) return {};
        auto known = networks();
        for (auto& each : known) each.name.insert(0, stripped_);
        bool const none = !known.empty() && (!found.complete || found.chains.empty());
        return {std::move(known), none};
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
                        rank, ", ", axes,
                        "; other layers need the option 'architecture' (--architecture FILE)");
        for (auto const length : entry.shape)
            if (length == 0) throw error(what, " has a dimension of size 0");
        if (entry.type) return;
        bool const quantised = entry.packed != packed_type::none;
        throw error(
            what, " has dtype ", entry.type_name, "; a ", part, " has to be F32, F64, F16 or BF16",
            (quantised ? ", or quantised with its scale beside it, in " + in_quotes(entry.name + "_scale")
                       : std::string()));
    }

    listed_tensors const* all_;
    chain_options options_;
    derived_weights weights_;
    tensor_source load_;
    std::vector<std::string> parts_;
    listed_tensors const* tensors_;
    std::vector<std::string> notes_;
    listed_tensors chosen_;
    std::string stripped_;            ///< what the names began with
    std::vector<std::string> order_;  ///< of the layers of a chosen network, where its name settles it
    std::map<std::string, layer_entries, std::less<>> layers_, items_;
    std::string odd_;  ///< what is wrong with a tensor of which a network without it would be another
};

}  // namespace spinet::detail
