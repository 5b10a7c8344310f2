// SPDX-License-Identifier: BSD-3-Clause
/// Changes of an architecture that keep it JSON, so that libFuzzer gets beyond the parser.
#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace fuzz {

class architecture_mutator {
public:
    using json = nlohmann::json;

    explicit architecture_mutator(unsigned seed) : random_(seed) {}

    /// Empty where the text is no architecture.
    [[nodiscard]] std::string operator()(std::string const& text) {
        auto whole = json::parse(text, nullptr, false);
        if (!whole.is_object() || !whole.contains("nodes") || !whole["nodes"].is_array()) return {};
        auto& nodes = whole["nodes"];
        for (auto left = 1 + below(3); left > 0 && !nodes.empty(); --left) change(nodes);
        return whole.dump(-1, ' ', false, json::error_handler_t::replace);
    }

private:
    std::size_t below(std::size_t end) { return random_() % end; }
    template <class T>
    T const& one_of(std::vector<T> const& list) {
        return list[below(list.size())];
    }

    void change(json& nodes) {
        auto const at = below(nodes.size()), other = below(nodes.size());
        if (!nodes[at].is_object() || !nodes[other].is_object()) return;
        switch (below(8)) {
            case 0:
                std::swap(nodes[at], nodes[other]);
                break;
            case 1:
                nodes.erase(at);
                break;
            case 2: {
                auto copy = nodes[at];
                copy["name"] = "n" + std::to_string(below(100));
                nodes.insert(nodes.begin() + static_cast<std::ptrdiff_t>(other), copy);
                break;
            }
            case 3:
                nodes[at]["op"] = one_of(operations);
                break;
            case 4:
                nodes[at]["inputs"] = inputs_from(nodes);
                break;
            case 5:
                if (!nodes[at].empty())
                    nodes[at].erase(
                        std::next(nodes[at].begin(), static_cast<std::ptrdiff_t>(below(nodes[at].size()))));
                break;
            case 6:
                if (auto const name = name_of(nodes[other]); !name.empty()) nodes[at]["weights"] = name;
                break;
            default:
                set_option(nodes[at]);
                break;
        }
    }

    [[nodiscard]] static std::string name_of(json const& node) {
        return node.is_object() && node.contains("name") && node["name"].is_string()
                   ? node["name"].get<std::string>()
                   : std::string();
    }
    [[nodiscard]] json inputs_from(json const& nodes) {
        auto inputs = json::array();
        for (auto left = below(3); left > 0; --left) inputs.push_back(name_of(nodes[below(nodes.size())]));
        return inputs;
    }
    [[nodiscard]] std::uint64_t number() {
        return below(8) == 0
                   ? one_of<std::uint64_t>({std::uint64_t{1} << 31, std::uint64_t{1} << 32,
                                            std::uint64_t{1} << 61, 1'000'000'000, ~std::uint64_t{0}})
                   : below(10);
    }
    void set_option(json& node) {
        switch (below(4)) {
            case 0: {
                auto list = json::array();
                for (auto left = 1 + below(3); left > 0; --left) list.push_back(number());
                node[one_of(lists)] = list;
                break;
            }
            case 1:
                node[one_of(numbers)] = number();
                break;
            case 2:
                node[one_of(switches)] = below(2) == 0;
                break;
            default:
                node[below(2) == 0 ? "kind" : "activation"] = one_of(kinds);
                break;
        }
    }

    std::minstd_rand random_;
    std::vector<std::string> const operations = {"input",
                                                 "dense",
                                                 "activation",
                                                 "convolution",
                                                 "pooling",
                                                 "batch_normalisation",
                                                 "layer_normalisation",
                                                 "addition",
                                                 "concatenation",
                                                 "product",
                                                 "leading_step",
                                                 "offset",
                                                 "flatten",
                                                 "select_step",
                                                 "mean_over_steps",
                                                 "recurrent",
                                                 "attention",
                                                 "embedding",
                                                 "transformer_encoder_layer"};
    std::vector<std::string> const lists = {"shape",   "window",        "stride",
                                            "padding", "padding_after", "dilation"};
    std::vector<std::string> const numbers = {"groups", "heads",           "layer",  "index",       "epsilon",
                                              "first",  "key_value_heads", "rotary", "rotary_base", "factor"};
    std::vector<std::string> const switches = {"causal",   "reversed",   "count_padding", "norm_first",
                                               "in_out",   "by_head",    "centred",       "plus_one",
                                               "of_steps", "reset_after"};
    std::vector<std::string> const kinds = {"average", "maximum", "rnn",  "lstm",     "gru",
                                            "relu",    "gelu",    "tanh", "identity", "softmax"};
};

}  // namespace fuzz
