// SPDX-License-Identifier: BSD-3-Clause
/// The place of normalisations and PReLUs between dense layers, as far as names and shapes say it.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/architecture.hpp>
#include <spinet/readers/layer_order.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet::detail {

/// An architecture as architecture_file.hpp reads it, on one line; of the names, shapes and kinds alone.
[[nodiscard]] inline std::string json_of(network_architecture const& architecture) {
    auto const quoted = [](std::string_view name) {
        std::string result = "\"";
        for (char const c : name) {
            if (static_cast<unsigned char>(c) >= 0x20) {
                if (c == '"' || c == '\\') result += '\\';
                result += c;
                continue;
            }
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
            result += code;
        }
        return result + "\"";
    };
    std::string result = "{\"nodes\": [";
    for (auto const& each : architecture.nodes) {
        result += (result.ends_with('[') ? "{\"name\": " : ", {\"name\": ") + quoted(each.name) +
                  ", \"op\": " + quoted(each.op);
        if (!each.kind.empty()) result += ", \"kind\": " + quoted(each.kind);
        if (!each.shape.empty()) result += text(", \"shape\": [", each.shape.front(), "]");
        result += "}";
    }
    return result + "]}";
}

/// What stands between dense layers.
struct chain_item {
    std::string name;
    std::string op;           ///< as in node_spec; an activation is a PReLU
    std::uint64_t width = 0;  ///< 0: any
    std::string doubt = {};   ///< why it may be something else
};

/// Puts items between the layers of a chain. The numbers of a torch.nn.Sequential say where each stands, and
/// where there is room for an activation; other names do not.
class normalised_chain {
public:
    normalised_chain(std::vector<layer_ends> const& layers, std::vector<chain_item> const& items,
                     activation_kind hidden, activation_kind output)
        : layers_(&layers), items_(&items), hidden_(hidden), output_(output), slots_(layers.size() + 1) {
        if (items.size() * layers.size() > 10'000'000)
            throw error("holds too many normalisations, ", items.size(), ", to find the places of");
        for (auto const& each : layers) names_.emplace(each.name);
        for (auto const& each : items) names_.insert(each.name);
    }

    /// Throws `error`, with the architecture that would settle it, where more than one place is left.
    [[nodiscard]] network_architecture run() {
        for (auto const& item : *items_) slots_[slot_of(item)].push_back(&item);
        network_architecture made;
        made.nodes.push_back({.name = spare("input"), .op = "input"});
        made.nodes.back().shape = {static_cast<std::size_t>(layers_->front().inputs)};
        for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
            if (slot > 0) made.nodes.push_back({.name = std::string(layer(slot - 1).name), .op = "dense"});
            add_slot(made, slot);
        }
        if (!open_.empty()) refuse(made);
        return made;
    }

private:
    [[nodiscard]] layer_ends const& layer(std::size_t k) const { return (*layers_)[k]; }

    /// "net." and 3 of "net.3", a module of a Sequential.
    struct numbered {
        std::string_view parent;
        std::uint64_t number = 0;
    };
    [[nodiscard]] static std::optional<numbered> number_of(std::string_view name) {
        auto const begin = name.rfind('.') == name.npos ? 0 : name.rfind('.') + 1;
        numbered found{name.substr(0, begin)};
        if (begin == name.size() || name.size() - begin > 9) return std::nullopt;
        for (char const c : name.substr(begin)) {
            if (!is_digit(c)) return std::nullopt;
            found.number = 10 * found.number + static_cast<std::uint64_t>(c - '0');
        }
        return found;
    }
    /// The number of a layer in the same Sequential.
    [[nodiscard]] std::optional<std::uint64_t> sibling(std::size_t k, numbered const& of) const {
        auto const found = number_of(layer(k).name);
        if (!found || found->parent != of.parent) return std::nullopt;
        return found->number;
    }

    [[nodiscard]] bool fits(std::size_t slot, chain_item const& item) const {
        return item.width == 0 || item.width == (slot == 0 ? layer(0).inputs : layer(slot - 1).outputs);
    }

    /// How many layers stand before the item.
    [[nodiscard]] std::size_t slot_of(chain_item const& item) {
        auto const number = number_of(item.name);
        std::optional<std::size_t> slot;
        for (std::size_t k = 0; number && k < layers_->size(); ++k)
            if (auto const other = sibling(k, *number)) {
                if (*other < number->number) slot = k + 1;
                if (*other > number->number && !slot) slot = k;
            }
        if (slot) {
            if (!fits(*slot, item)) refuse_item(item, "does not fit the layer before it");
            return *slot;
        }
        // By the digits in the names, "bn2" after "fc2", then by width alone.
        std::vector<std::size_t> counted, wide;
        for (std::size_t k = 0; k < slots_.size(); ++k) {
            if (!fits(k, item)) continue;
            wide.push_back(k);
            if (k > 0 && digits(layer(k - 1).name) == digits(item.name)) counted.push_back(k);
        }
        if (wide.empty()) refuse_item(item, "fits no layer");
        if (counted.size() == 1) return counted.front();
        if (wide.size() > 1) refuse_item(item, "fits several layers, and its name does not say which");
        return wide.front();
    }

    [[nodiscard]] static std::string digits(std::string_view name) {
        std::string found;
        for (char const c : name)
            if (is_digit(c)) found += c;
        return found;
    }

    [[noreturn]] static void refuse_item(chain_item const& item, char const* why) {
        throw error("the ", (item.op == "activation" ? "slopes of PReLU" : item.op), " ",
                    in_quotes(item.name), " of ", item.width, " features ", why,
                    "; describe the network in the option 'architecture' (--architecture FILE)");
    }

    [[nodiscard]] std::string spare(std::string name) const {
        while (names_.count(name) != 0) name += "'";
        return name;
    }

    /// Between which of the items of a slot modules without tensors stand; nothing where names do not say.
    [[nodiscard]] std::optional<std::vector<bool>> gaps(std::size_t slot) const {
        auto const& items = slots_[slot];
        auto const first = number_of(items.front()->name);
        if (!first) return std::nullopt;
        std::vector<bool> found;
        std::optional<std::uint64_t> last;
        if (slot > 0) {
            last = sibling(slot - 1, *first);
            if (!last) return std::nullopt;
        }
        for (auto const* item : items) {
            auto const number = number_of(item->name);
            if (!number || number->parent != first->parent) return std::nullopt;
            found.push_back(last && number->number - *last > 1);
            last = number->number;
        }
        auto const next = slot < layers_->size() ? sibling(slot, *first) : std::nullopt;
        // Whether anything follows the last of them is not known: there is room for an activation.
        found.push_back(next ? *next - *last > 1 : slot < layers_->size());
        return found;
    }

    void add_slot(network_architecture& made, std::size_t slot) {
        auto& items = slots_[slot];
        std::sort(items.begin(), items.end(),
                  [](auto const* a, auto const* b) { return natural_less(a->name, b->name); });
        bool const last = slot == layers_->size();
        bool has_own = false;
        for (auto const* item : items) has_own = has_own || item->op == "activation";
        std::size_t place = items.size();  // of the activation, among the items
        bool inner = slot > 0 && !last && !has_own;
        if (!items.empty()) {
            auto const room = gaps(slot);
            std::size_t count = 0;
            for (std::size_t k = 0; room && k < room->size(); ++k)
                if ((*room)[k] && (count++, true)) place = k;
            bool const known = room ? count < 2 : slot == 0 || last;
            bool const settled = has_own ? room || items.size() == 1 : known && !(slot == 0 && count > 0);
            if (!settled)
                open_ = text("names and shapes do not say whether ", in_quotes(items.front()->name),
                             " stands before or after the activation");
            for (auto const* item : items)
                if (!item->doubt.empty()) open_ = item->doubt;
            if (last && room && count == 1 && !has_own) inner = true;
        }
        for (std::size_t k = 0; k <= items.size(); ++k) {
            if (inner && k == place) add_activation(made, slot, to_string(hidden_));
            if (k == items.size()) break;
            made.nodes.push_back({.name = items[k]->name, .op = items[k]->op});
            if (items[k]->op == "activation") made.nodes.back().kind = "unspecified";
        }
        if (last) add_activation(made, slot, to_string(output_));
    }

    void add_activation(network_architecture& made, std::size_t slot, std::string_view kind) {
        if (kind == to_string(activation_kind::identity)) return;
        auto name = spare(std::string(layer(slot - 1).name) + " activation");
        names_.insert(name);  // after the last layer there may be two
        made.nodes.push_back({.name = std::move(name), .op = "activation"});
        made.nodes.back().kind = kind;
    }

    [[noreturn]] void refuse(network_architecture const& made) const {
        auto json = json_of(made);
        if (json.size() > 10'000) json = json.substr(0, 10'000) + " ...";
        throw error(open_,
                    "; write the architecture into a file, with the right nodes in their right order, and "
                    "give it in the option 'architecture' (--architecture FILE): ",
                    json);
    }

    std::vector<layer_ends> const* layers_;
    std::vector<chain_item> const* items_;
    activation_kind hidden_, output_;
    std::vector<std::vector<chain_item const*>> slots_;
    std::set<std::string, std::less<>> names_;
    std::string open_;  ///< what is not known
};

}  // namespace spinet::detail
