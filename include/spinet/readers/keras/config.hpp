// SPDX-License-Identifier: BSD-3-Clause
/// What Keras writes of a model beside its weights, in JSON: its layers, their options, and what feeds what.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/network/tensor.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet::detail {

/// The result of a layer, or one of its results.
struct keras_tensor {
    std::string layer;
    std::size_t index = 0;
};

/// A layer of the model, and its options; every member throws `error`, which names the layer.
struct keras_layer_config {
    using json = nlohmann::json;

    std::string name;  ///< unique; that of a layer within a layer follows the outer one's where it is taken
    std::string class_name;
    json options = {};  ///< an object
    std::vector<keras_tensor> inputs = {};
    std::vector<std::string> within = {};  ///< the models that it is a layer of, from the outermost on
    std::string own_name = {};             ///< in its model
    std::string group = {};                ///< of its weights in files of Keras 3: container and class
    std::size_t place = 0;                 ///< among the layers of that class there

    [[nodiscard]] std::string described() const {
        return "layer " + in_quotes(name) + " of class " + in_quotes(class_name);
    }
    template <class... Pieces>
    [[noreturn]] void refuse(Pieces const&... why) const {
        throw error(described(), " ", why...);
    }

    [[nodiscard]] json const* find(char const* key) const {
        auto const at = options.find(key);
        return at == options.end() || at->is_null() ? nullptr : &*at;
    }
    [[nodiscard]] bool flag(char const* key, bool otherwise) const {
        auto const* const at = find(key);
        if (at == nullptr) return otherwise;
        if (!at->is_boolean()) refuse("has an option ", in_quotes(key), " that is neither true nor false");
        return at->get<bool>();
    }
    [[nodiscard]] double number(char const* key, double otherwise) const {
        auto const* const at = find(key);
        if (at == nullptr) return otherwise;
        if (!at->is_number()) refuse("has an option ", in_quotes(key), " that is no number");
        return at->get<double>();
    }
    [[nodiscard]] std::string text(char const* key, std::string const& otherwise) const {
        auto const* const at = find(key);
        if (at == nullptr) return otherwise;
        if (!at->is_string()) refuse("has an option ", in_quotes(key), " that is no text");
        return at->get<std::string>();
    }
    /// Numbers of `least` or more, one per axis; a single number is that of all axes. Not given: empty.
    [[nodiscard]] std::vector<std::size_t> sizes(char const* key, std::size_t axes, std::size_t least) const {
        auto const* const at = find(key);
        if (at == nullptr) return {};
        std::vector<std::size_t> found;
        auto const add = [&](json const& each) {
            if (!each.is_number_unsigned() || each.get<std::size_t>() < least ||
                each.get<std::size_t>() > 1'000'000'000)
                refuse("has an option ", in_quotes(key), " that holds no whole number from ", least,
                       " to 10^9");
            found.push_back(each.get<std::size_t>());
        };
        if (!at->is_array()) {
            add(*at);
            found.resize(axes, found.front());
            return found;
        }
        for (auto const& each : *at) add(each);
        if (found.size() != axes)
            refuse("has ", found.size(), " numbers in its option ", in_quotes(key), " for ", axes, " axes");
        return found;
    }
    /// The axis that an option names, counted without the batch, of `rank` axes; a list has to hold one.
    [[nodiscard]] std::size_t axis(std::size_t rank) const {
        auto const* at = find("axis");
        if (at != nullptr && at->is_array() && at->size() == 1) at = &(*at)[0];
        long long const given = at == nullptr ? -1 : at->is_number_integer() ? at->get<long long>() : 0;
        auto const axes = static_cast<long long>(rank) + 1;
        long long const from_front = given < 0 ? given + axes : given;
        if (from_front < 1 || from_front >= axes) refuse("works along another axis than one of its values");
        return static_cast<std::size_t>(from_front - 1);
    }
    [[nodiscard]] bool channels_first() const {
        return text("data_format", "channels_last") == "channels_first";
    }
    /// A shape whose first number, that of the batch, is left out; open lengths are 0.
    [[nodiscard]] std::optional<std::vector<std::size_t>> batch_shape(char const* key) const {
        auto const* const at = find(key);
        if (at == nullptr || !at->is_array() || at->empty()) return std::nullopt;
        std::vector<std::size_t> shape;
        for (std::size_t k = 1; k < at->size(); ++k) {
            bool const known = (*at)[k].is_number_unsigned();
            if (!known && !(*at)[k].is_null()) refuse("has a shape that is none");
            shape.push_back(known ? (*at)[k].get<std::size_t>() : 0);
        }
        return shape;
    }
};

/// The layers in an order in which they can be evaluated, and the results of the model.
struct keras_model {
    std::vector<keras_layer_config> layers;
    std::vector<keras_tensor> outputs;
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

/// "max_pooling2d" for "MaxPooling2D": what Keras 3 calls the groups of a class
/// (keras/src/utils/naming.py, to_snake_case).
[[nodiscard]] inline std::string keras_group_name(std::string_view of) {
    auto const upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    auto const lower = [](char c) { return c >= 'a' && c <= 'z'; };
    std::string result;
    for (std::size_t k = 0; k < of.size(); ++k) {
        bool const begins = k > 0 && upper(of[k]) &&
                            ((k + 1 < of.size() && lower(of[k + 1]) && of[k - 1] != '_') || lower(of[k - 1]));
        if (begins) result += '_';
        result += upper(of[k]) ? static_cast<char>(of[k] - 'A' + 'a') : of[k];
    }
    return result;
}

/// Reads model_config or config.json. A model that is a layer of another is replaced by its layers. Members
/// throw `error`, saying what is wrong.
class keras_config_reader {
public:
    using json = nlohmann::json;

    [[nodiscard]] keras_model read(std::string const& text) {
        if (text.size() > largest_keras_config)
            throw error("model_config has ", text.size(), " bytes, more than ", largest_keras_config);
        if (json_depth(text) > deepest_keras_config)
            throw error("model_config is nested deeper than ", deepest_keras_config);
        auto const model = json::parse(text, nullptr, false);
        if (model.is_discarded()) throw error("model_config is not valid JSON");
        auto const kind = string_at(model, "class_name", "model_config");
        if (!is_model(kind))
            throw error("the model is of the class ", in_quotes(kind),
                        "; Sequential and Functional models are read");
        auto outputs = read_model(model, {}, {});
        return {in_order(), std::move(outputs)};
    }

private:
    [[nodiscard]] static bool is_model(std::string_view kind) {
        return kind == "Sequential" || kind == "Functional" || kind == "Model";
    }

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

    /// Where a model's layers are: its results, the models around it, and its group in files of Keras 3.
    struct place {
        std::vector<std::string> within = {};
        std::string group = {};
    };

    /// The results of a model whose inputs are `given`; none: it has inputs of its own.
    [[nodiscard]] std::vector<keras_tensor> read_model(json const& model, std::vector<keras_tensor> given,
                                                       place const& at) {
        bool const sequential = string_at(model, "class_name", "a model") == "Sequential";
        auto const& config = member(model, "config", "a model");
        auto const& layers = config.is_array() ? config : member(config, "layers", "its config");
        if (!layers.is_array()) throw error("model_config has layers that are no list");
        auto begins = sequential ? std::vector<std::string>() : names_of(config, "input_layers");
        std::map<std::string, std::vector<keras_tensor>, std::less<>> results;  // by the names in this model
        std::map<std::string, std::size_t, std::less<>> counted;
        std::vector<keras_tensor> before = given;
        std::vector<std::size_t> open;  // of a Functional model, to be connected when all are there
        for (std::size_t k = 0; k < layers.size(); ++k) {
            auto const what = text("layer ", k);
            auto const kind = string_at(layers[k], "class_name", what);
            auto const& options = member(layers[k], "config", what);
            if (!options.is_object() && !is_model(kind))
                throw error("the config of ", what, " is no object in model_config");
            auto const own = string_at(options.is_object() && options.contains("name") ? options : layers[k],
                                       "name", what);
            auto const group = at.group + keras_group_name(kind);
            std::size_t const number = counted[group]++;
            if (results.count(own) != 0) throw error("layer ", in_quotes(own), " comes twice in the model");
            std::vector<keras_tensor> inputs;
            if (sequential)
                inputs = before;
            else if (layers[k].contains("inbound_nodes"))
                inputs = inputs_of(layers[k]["inbound_nodes"], own);
            if (kind == "InputLayer" && !given.empty()) {
                auto const which = sequential ? 0u
                                              : static_cast<std::size_t>(
                                                    std::find(begins.begin(), begins.end(), own) -
                                                    begins.begin());
                if (which >= given.size())
                    throw error("layer ", in_quotes(own), " is an input that nothing feeds");
                results[own] = {given[which]};
            } else if (is_model(kind)) {
                if (!sequential) inputs = resolved(inputs, results, own);
                auto inner = at;
                inner.within.push_back(own);
                inner.group = group + (number == 0 ? "" : "_" + std::to_string(number)) + "/layers/";
                results[own] = read_model(layers[k], std::move(inputs), inner);
            } else {
                auto const name = names_.insert(own).second ? own : unused(at.within, own);
                layers_.push_back({name, kind, options, std::move(inputs), at.within, own, group, number});
                if (sequential && layers_.back().inputs.empty()) add_shape(layers_.back().options, config, layers[k]);
                open.push_back(layers_.size() - 1);
                results[own] = {{name, 0}};
            }
            before = results[own];
        }
        if (sequential) return before;
        for (auto const k : open)
            if (auto& layer = layers_[k]; !layer.inputs.empty())
                layer.inputs = resolved(layer.inputs, results, layer.own_name);
        std::vector<keras_tensor> outputs;
        if (config.contains("output_layers")) find_calls(config["output_layers"], outputs);
        return resolved(outputs, results, "output");
    }

    /// The shape of the input of a Sequential model, where its first layer does not say it.
    static void add_shape(json& options, json const& model, json const& first) {
        if (options.contains("batch_input_shape") || options.contains("batch_shape")) return;
        if (model.is_object() && model.contains("build_input_shape"))
            options["batch_input_shape"] = model["build_input_shape"];
        else if (first.contains("build_config") && first["build_config"].is_object() &&
                 first["build_config"].contains("input_shape"))
            options["batch_input_shape"] = first["build_config"]["input_shape"];
    }

    [[nodiscard]] std::string unused(std::vector<std::string> const& within, std::string name) {
        if (within.empty()) throw error("layer ", in_quotes(name), " comes twice in the model");
        name = within.back() + "/" + name;
        while (!names_.insert(name).second) name += "'";
        return name;
    }

    /// What tensors of one model are in the whole.
    [[nodiscard]] static std::vector<keras_tensor> resolved(
        std::vector<keras_tensor> const& of,
        std::map<std::string, std::vector<keras_tensor>, std::less<>> const& results,
        std::string const& reader) {
        std::vector<keras_tensor> found;
        for (auto const& each : of) {
            auto const at = results.find(each.layer);
            if (at == results.end() || at->second.empty())
                throw error("layer ", in_quotes(reader), " reads ", in_quotes(each.layer),
                            ", which the model does not have");
            bool const several = at->second.size() > each.index;
            found.push_back(several ? at->second[each.index] : at->second.front());
            if (!several) found.back().index = each.index;
        }
        return found;
    }

    /// A call [name, node, tensor, ...], as Keras writes it since 1, or keras_history: [name, node, tensor]
    /// within the arguments of a call, since 3.
    static void find_calls(json const& in, std::vector<keras_tensor>& found) {
        bool const call = in.is_array() && in.size() >= 3 && in[0].is_string() && in[1].is_number_integer() &&
                          in[2].is_number_unsigned();
        if (call) found.push_back({in[0].get<std::string>(), in[2].get<std::size_t>()});
        if (call && in.size() == 3) return;
        if (in.is_structured())  // as deep as the text was found to be at most
            for (auto const& each : in) find_calls(each, found);
    }

    [[nodiscard]] static std::vector<std::string> names_of(json const& config, char const* key) {
        std::vector<keras_tensor> found;
        if (config.contains(key)) find_calls(config[key], found);
        std::vector<std::string> names;
        for (auto& each : found) names.push_back(std::move(each.layer));
        return names;
    }

    [[nodiscard]] static std::vector<keras_tensor> inputs_of(json const& nodes, std::string const& layer) {
        // [[[name, 0, 0, {}]]], or [[name, 0, 0, {}]] from some versions
        if (!nodes.is_array() || nodes.size() > 1)
            throw error("layer ", in_quotes(layer), " is used ",
                        (nodes.is_array() ? std::to_string(nodes.size()) + " times" : "in an unknown way"),
                        "; spinet reads networks that use each layer once");
        std::vector<keras_tensor> found;
        find_calls(nodes, found);
        return found;
    }

    /// Each layer after those that it reads.
    [[nodiscard]] std::vector<keras_layer_config> in_order() {
        std::map<std::string, std::size_t, std::less<>> places;
        for (std::size_t k = 0; k < layers_.size(); ++k) places.emplace(layers_[k].name, k);
        std::vector<std::size_t> missing(layers_.size(), 0);
        std::vector<std::vector<std::size_t>> readers(layers_.size());
        for (std::size_t k = 0; k < layers_.size(); ++k)
            for (auto const& each : layers_[k].inputs) {
                readers[places.at(each.layer)].push_back(k);
                ++missing[k];
            }
        std::set<std::size_t> ready;  // in the order of the file, where several are
        for (std::size_t k = 0; k < layers_.size(); ++k)
            if (missing[k] == 0) ready.insert(k);
        std::vector<keras_layer_config> ordered;
        while (!ready.empty()) {
            auto const next = ready.extract(ready.begin()).value();
            for (auto const k : readers[next])
                if (--missing[k] == 0) ready.insert(k);
            ordered.push_back(std::move(layers_[next]));
        }
        if (ordered.size() != layers_.size())
            throw error(layers_.size() - ordered.size(), " of the ", layers_.size(),
                        " layers of the model read each other in a circle");
        return ordered;
    }

    std::vector<keras_layer_config> layers_;
    std::set<std::string, std::less<>> names_;
};

/// A function of Keras and what spinet calls it.
struct keras_function {
    std::string name;
    activation_kind kind = activation_kind::identity;
};

/// The kind of a function of that name, of functions and of layers; unspecified where spinet knows none.
[[nodiscard]] inline keras_function keras_function_named(std::string name) {
    constexpr std::array<std::pair<std::string_view, activation_kind>, 14> known{
        {{"linear", activation_kind::identity},
         {"Linear", activation_kind::identity},
         {"relu", activation_kind::relu},
         {"re_lu", activation_kind::relu},
         {"gelu", activation_kind::gelu},
         {"silu", activation_kind::silu},
         {"swish", activation_kind::silu},
         {"tanh", activation_kind::tanh},
         {"sigmoid", activation_kind::sigmoid},
         {"softplus", activation_kind::softplus},
         {"softmax", activation_kind::softmax},
         {"log_softmax", activation_kind::log_softmax},
         {"exponential", activation_kind::unspecified},
         {"hard_sigmoid", activation_kind::unspecified}}};
    auto const plain = keras_group_name(name);  // "ReLU", "Softmax": the layers
    for (auto const& [text, kind] : known)
        if (text == name || text == plain) return {std::move(name), kind};
    return {std::move(name), activation_kind::unspecified};
}

/// The function of a layer of that class with those options. One with parameters that change it is another.
[[nodiscard]] inline keras_function keras_function_of(std::string kind, nlohmann::json const& options) {
    auto const value = [&](char const* key, double usual) {
        if (!options.is_object() || !options.contains(key) || options[key].is_null()) return usual;
        return options[key].is_number() ? options[key].get<double>() : std::nan("");
    };
    if (kind == "ReLU") {
        std::string changed;
        for (auto const* key : {"max_value", "negative_slope", "threshold"})
            if (double const x = value(key, 0); x != 0)
                changed += (changed.empty() ? " with " : ", ") + text(key, " ", number_text(x));
        if (!changed.empty()) return {kind + changed, activation_kind::unspecified};
    }
    return keras_function_named(std::move(kind));
}

/// "relu", or an object: {"class_name": "ReLU", ...}, {"class_name": "function", "config": "relu"}.
[[nodiscard]] inline keras_function keras_activation(keras_layer_config const& layer, char const* key,
                                                     char const* otherwise) {
    auto const* const of = layer.find(key);
    if (of == nullptr) return keras_function_named(otherwise);
    if (of->is_string()) return keras_function_named(of->get<std::string>());
    if (!of->is_object() || !of->contains("class_name") || !(*of)["class_name"].is_string())
        layer.refuse("has an option ", in_quotes(key), " that names no function");
    auto const kind = (*of)["class_name"].get<std::string>();
    auto const config = of->contains("config") ? (*of)["config"] : nlohmann::json();
    if (kind == "function" && config.is_string()) return keras_function_named(config.get<std::string>());
    return keras_function_of(kind, config);
}

}  // namespace spinet::detail
