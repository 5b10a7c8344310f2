// SPDX-License-Identifier: BSD-3-Clause
/// Several networks in one file, actor and critic, say: told apart by the names and shapes of their layers.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/layer_order.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet::detail {

/// One of several networks: a chain of dense layers, or all that has its name and a dot in front.
struct stored_network {
    std::string name;
    std::vector<std::string> layers = {};   ///< input to output; empty where it is no chain of dense layers
    std::vector<std::uint64_t> sizes = {};  ///< of its input and of each layer

    [[nodiscard]] std::string described() const {
        if (sizes.empty()) return in_quotes(name) + " (no chain of dense layers)";
        constexpr std::size_t longest = 12;
        std::string widths;
        for (std::size_t k = 0; k < sizes.size() && k < longest; ++k)
            widths += text((k == 0 ? "" : "-"), sizes[k]);
        return text(in_quotes(name), " (", widths, (sizes.size() > longest ? "-...)" : ")"));
    }
};

[[nodiscard]] inline std::string networks_text(std::vector<stored_network> const& networks) {
    constexpr std::size_t longest = 24;
    std::string listed;
    for (std::size_t k = 0; k < networks.size() && k < longest; ++k)
        listed += (k == 0 ? "" : ", ") + networks[k].described();
    return listed + (networks.size() > longest ? ", ..." : "");
}

/// Splits layers by the parts of their names, "actor" of "actor.0", until each piece is one chain. A single
/// layer that follows just one of the other pieces, "actor.mu" after "actor.latent", continues that.
class network_search {
public:
    /// The layers in their natural order. They have to outlive the search.
    explicit network_search(std::vector<layer_ends> const& layers) : layers_(&layers) {}

    /// The networks among the layers whose names begin with `prefix`, or nothing where names and shapes do
    /// not tell them apart.
    [[nodiscard]] std::optional<std::vector<stored_network>> run(std::string const& prefix = {}) {
        pieces_.clear();
        layer_indices all;
        for (std::size_t k = 0; k < layers_->size(); ++k)
            if (layer(k).name.starts_with(prefix)) all.push_back(k);
        if (all.empty() || !split(prefix, all, 0)) return std::nullopt;
        return joined_pieces();
    }

private:
    struct piece {
        std::string name;
        layer_indices chain;
        std::size_t before = none;  ///< the piece that it follows
        bool is_followed = false;
    };
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    static constexpr std::size_t most_pieces = 200, deepest = 32;

    [[nodiscard]] layer_ends const& layer(std::size_t k) const { return (*layers_)[k]; }

    [[nodiscard]] bool add_chain(std::string name, layer_indices const& of) {
        std::vector<layer_ends> ends;
        for (auto const k : of) ends.push_back(layer(k));
        std::size_t const most = std::min(budget_, std::size_t{50'000});
        std::size_t left = most;
        auto const found = chains_through(ends, left);
        budget_ -= most - left;
        if (!found.unique()) return false;
        piece made{std::move(name), {}};
        for (auto const k : found.chains.front()) made.chain.push_back(of[k]);
        pieces_.push_back(std::move(made));
        return pieces_.size() <= most_pieces;
    }

    [[nodiscard]] bool split(std::string const& prefix, layer_indices const& all, std::size_t depth) {
        auto const whole = prefix.empty() ? prefix : prefix.substr(0, prefix.size() - 1);
        if (add_chain(all.size() == 1 ? std::string(layer(all[0]).name) : whole, all)) return true;
        if (depth == deepest || all.size() == 1 || pieces_.size() > most_pieces) return false;
        std::map<std::string, layer_indices> parts, single;
        for (auto const k : all) {
            auto const rest = layer(k).name.substr(prefix.size());
            parts[std::string(rest.substr(0, rest.find('.')))].push_back(k);
        }
        for (auto const& [name, of] : parts)
            if (of.size() == 1)
                single[name_pattern(name)].push_back(of[0]);
            else if (!split(prefix + name + ".", of, depth + 1))
                return false;
        for (auto& [pattern, of] : single) {
            std::sort(of.begin(), of.end());
            bool const counted = pattern == "0";  // the modules of a torch.nn.Sequential follow each other
            if (add_chain(counted && !whole.empty() ? whole : std::string(layer(of[0]).name), of)) continue;
            if (counted) return false;
            for (auto const k : of)
                if (!add_chain(std::string(layer(k).name), {k})) return false;
        }
        return true;
    }

    /// Whether `next` may continue `at`: its only layer takes what that gives, and they have a common parent.
    [[nodiscard]] bool continues(piece const& at, piece const& next) const {
        auto const parent = std::string_view(next.name).substr(0, next.name.rfind('.') + 1);
        return &at != &next && next.chain.size() == 1 && std::string_view(at.name).starts_with(parent) &&
               layer(at.chain.back()).outputs == layer(next.chain.front()).inputs;
    }

    /// The names that stable-baselines3 gives to what follows each other, where shapes leave a choice.
    [[nodiscard]] static bool are_known(std::string_view at, std::string_view next) {
        constexpr std::pair<std::string_view, std::string_view> known[] = {
            {"mlp_extractor.policy_net", "action_net"},
            {"mlp_extractor.value_net", "value_net"},
            {"mlp_extractor.shared_net", "mlp_extractor.policy_net"},
            {"mlp_extractor.shared_net", "mlp_extractor.value_net"}};
        return std::any_of(std::begin(known), std::end(known),
                           [&](auto const& pair) { return at == pair.first && next == pair.second; });
    }

    [[nodiscard]] std::optional<std::vector<stored_network>> joined_pieces() {
        for (auto& next : pieces_) {
            layer_indices before;
            for (std::size_t k = 0; k < pieces_.size(); ++k) {
                if (are_known(pieces_[k].name, next.name)) {
                    before = {k};
                    break;
                }
                if (continues(pieces_[k], next)) before.push_back(k);
            }
            if (before.size() == 1) next.before = before.front();
        }
        for (auto const& each : pieces_)
            if (each.before != none) pieces_[each.before].is_followed = true;
        std::vector<stored_network> networks;
        std::size_t alone = 0;  // networks of one layer, of which real files do not hold many
        for (auto const& last : pieces_) {
            if (last.is_followed) continue;
            layer_indices chain = last.chain;
            std::size_t steps = 0;
            for (auto at = last.before; at != none; at = pieces_[at].before) {
                if (++steps > pieces_.size()) return std::nullopt;  // a cycle
                chain.insert(chain.begin(), pieces_[at].chain.begin(), pieces_[at].chain.end());
            }
            stored_network made{last.name};
            made.sizes.push_back(layer(chain.front()).inputs);
            for (auto const k : chain) {
                made.layers.emplace_back(layer(k).name);
                made.sizes.push_back(layer(k).outputs);
            }
            if (chain.size() == 1) ++alone;
            networks.push_back(std::move(made));
        }
        if (networks.empty() || (alone > 1 && alone >= networks.size() - alone)) return std::nullopt;
        return networks;
    }

    std::vector<layer_ends> const* layers_;
    std::vector<piece> pieces_;
    std::size_t budget_ = 2'000'000;  ///< steps of all searches for chains
};

}  // namespace spinet::detail
