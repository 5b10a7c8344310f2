// SPDX-License-Identifier: BSD-3-Clause
/// What Keras writes of a model beside its weights, in JSON: its layers, in order, and their activations.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/network/tensor.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet::detail {

/// A layer of the model; only what this library asks for.
struct keras_layer_config {
    std::string name;
    std::string class_name;
    /// The function that it applies at its end, as Keras names it; none: it says nothing of one.
    std::optional<std::string> activation = std::nullopt;
    std::vector<std::string> inputs = {};  ///< names of layers; a Sequential model has none
};

// The configuration of a network of a thousand layers has less than a megabyte, and a depth of ten or so.
inline constexpr std::size_t largest_keras_config = std::size_t{1} << 22;
inline constexpr std::size_t deepest_keras_config = 64;

/// How deep arrays and objects are nested, strings left out.
[[nodiscard]] inline std::size_t json_depth(std::string_view text) {
    std::size_t depth = 0, deepest = 0;
    bool quoted = false;
    for (std::size_t k = 0; k < text.size(); ++k) {
        char const c = text[k];
        if (c == '"') quoted = !quoted;
        if (quoted && c == '\\') ++k;
        if (quoted) continue;
        if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
        if ((c == ']' || c == '}') && depth > 0) --depth;
    }
    return deepest;
}

/// Reads the text of the attribute `model_config`. Members throw `error`, saying what is wrong.
class keras_config_reader {
public:
    using json = nlohmann::json;

    /// The layers in an order in which they follow each other.
    [[nodiscard]] std::vector<keras_layer_config> read(std::string const& text) const {
        if (text.size() > largest_keras_config)
            throw error("model_config has ", text.size(), " bytes, more than ", largest_keras_config);
        if (json_depth(text) > deepest_keras_config)
            throw error("model_config is nested deeper than ", deepest_keras_config);
        auto const model = json::parse(text, nullptr, false);
        if (model.is_discarded()) throw error("model_config is not valid JSON");
        auto const kind = string_at(model, "class_name", "model_config");
        auto const& config = member(model, "config", "model_config");
        bool const sequential = kind == "Sequential";
        if (!sequential && kind != "Functional" && kind != "Model")
            throw error("the model is of the class ", in_quotes(kind),
                        "; Sequential and Functional models are read");
        auto const& layers = config.is_array() ? config : member(config, "layers", "its config");
        if (!layers.is_array()) throw error("model_config has layers that are no list");
        std::vector<keras_layer_config> found;
        for (auto const& each : layers) found.push_back(layer(each, found.size()));
        return sequential ? found : in_line(found);
    }

private:
    [[nodiscard]] static json const& member(json const& of, char const* key, std::string const& what) {
        if (!of.is_object()) throw error(what, " of model_config is no object");
        auto const at = of.find(key);
        if (at == of.end()) throw error(what, " has no ", key, " in model_config");
        return *at;
    }

    [[nodiscard]] static std::string string_at(json const& of, char const* key, std::string const& what) {
        auto const& found = member(of, key, what);
        if (!found.is_string()) throw error("the ", key, " of ", what, " is no text in model_config");
        return found.get<std::string>();
    }

    [[nodiscard]] static keras_layer_config layer(json const& of, std::size_t index) {
        auto const what = text("layer ", index);
        keras_layer_config found;
        found.class_name = string_at(of, "class_name", what);
        auto const& config = member(of, "config", what);
        found.name = string_at(config.is_object() && config.contains("name") ? config : of, "name", what);
        if (config.is_object() && config.contains("activation"))
            found.activation = activation_name(config["activation"], found.name);
        else if (found.class_name == "ReLU" || found.class_name == "Softmax" ||
                 found.class_name == "LeakyReLU" || found.class_name == "ELU" ||
                 found.class_name == "ThresholdedReLU")
            found.activation = function_of(found.class_name, config);
        if (of.contains("inbound_nodes")) found.inputs = inputs(of["inbound_nodes"], found.name);
        return found;
    }

    /// "relu", or an object: {"class_name": "ReLU", ...}, {"class_name": "function", "config": "relu"}.
    [[nodiscard]] static std::string activation_name(json const& of, std::string const& layer) {
        if (of.is_null()) return "linear";
        if (of.is_string()) return of.get<std::string>();
        auto const what = "the activation of layer " + in_quotes(layer);
        auto const kind = string_at(of, "class_name", what);
        if (kind == "function") return string_at(of, "config", what);
        return function_of(kind, of.contains("config") ? of["config"] : json());
    }

    /// The function of a layer of activations. One with parameters that change it is another.
    [[nodiscard]] static std::string function_of(std::string const& kind, json const& config) {
        auto const changed = [&](char const* key, double usual) {
            if (!config.is_object() || !config.contains(key) || config[key].is_null()) return false;
            return !config[key].is_number() || config[key].get<double>() != usual;
        };
        bool const other = changed("max_value", std::numeric_limits<double>::infinity()) ||
                           changed("negative_slope", 0) || changed("threshold", 0) || changed("axis", -1);
        return kind == "ReLU" || kind == "Softmax" ? kind + (other ? " with parameters" : "") : kind;
    }

    /// A call [name, node, tensor, ...], as Keras writes it since 1, or keras_history: [name, node, tensor]
    /// within the arguments of a call, since 3.
    static void find_calls(json const& in, std::vector<std::string>& names) {
        bool const call = in.is_array() && in.size() >= 3 && in[0].is_string() && in[1].is_number_integer() &&
                          in[2].is_number_integer();
        if (call) names.push_back(in[0].get<std::string>());
        if (call && in.size() == 3) return;
        if (in.is_structured())  // as deep as the text was found to be at most
            for (auto const& each : in) find_calls(each, names);
    }

    [[nodiscard]] static std::vector<std::string> inputs(json const& nodes, std::string const& layer) {
        // [[[name, 0, 0, {}]]], or [[name, 0, 0, {}]] from some versions
        if (!nodes.is_array() || nodes.size() > 1)
            throw error("layer ", in_quotes(layer), " is used ",
                        (nodes.is_array() ? std::to_string(nodes.size()) + " times" : "in an unknown way"),
                        "; a chain of layers uses each once");
        std::vector<std::string> names;
        find_calls(nodes, names);
        return names;
    }

    /// The layers from the only one without inputs on.
    [[nodiscard]] static std::vector<keras_layer_config> in_line(
        std::vector<keras_layer_config> const& layers) {
        std::map<std::string, std::size_t, std::less<>> after;  // by the name of the layer before; "": none
        for (std::size_t k = 0; k < layers.size(); ++k) {
            if (layers[k].inputs.size() > 1)
                throw error("the model is not a chain: layer ", in_quotes(layers[k].name), " of class ",
                            in_quotes(layers[k].class_name), " takes ", layers[k].inputs.size(), " inputs");
            auto const before = layers[k].inputs.empty() ? std::string() : layers[k].inputs.front();
            auto const [at, is_new] = after.emplace(before, k);
            if (!is_new)
                throw error("the model is not a chain: ",
                            (before.empty() ? "it starts at" : in_quotes(before) + " is followed by"),
                            " both ", in_quotes(layers[at->second].name), " and ", in_quotes(layers[k].name));
        }
        std::vector<keras_layer_config> line;
        std::set<std::string, std::less<>> seen;
        for (auto at = after.find(""); at != after.end(); at = after.find(line.back().name)) {
            auto const& next = layers[at->second];
            if (next.name.empty() || !seen.insert(next.name).second)
                throw error("layer ", in_quotes(next.name), " comes twice in the model");
            line.push_back(next);
        }
        if (line.size() != layers.size())
            throw error("the model is not a chain: ", layers.size() - line.size(), " of ", layers.size(),
                        " layers do not follow from its input");
        return line;
    }
};

/// The functions of Keras that spinet knows, by the names of functions and of layers.
[[nodiscard]] inline std::optional<activation_kind> keras_activation(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, activation_kind>, 17> known{
        {{"linear", activation_kind::identity},
         {"relu", activation_kind::relu},
         {"ReLU", activation_kind::relu},
         {"gelu", activation_kind::gelu},
         {"silu", activation_kind::silu},
         {"swish", activation_kind::silu},
         {"tanh", activation_kind::tanh},
         {"sigmoid", activation_kind::sigmoid},
         {"softplus", activation_kind::softplus},
         {"softmax", activation_kind::softmax},
         {"Softmax", activation_kind::softmax},
         {"log_softmax", activation_kind::log_softmax},
         {"Linear", activation_kind::identity},
         {"Gelu", activation_kind::gelu},
         {"Silu", activation_kind::silu},
         {"Tanh", activation_kind::tanh},
         {"Sigmoid", activation_kind::sigmoid}}};
    for (auto const& [text, kind] : known)
        if (text == name) return kind;
    return std::nullopt;
}

}  // namespace spinet::detail
