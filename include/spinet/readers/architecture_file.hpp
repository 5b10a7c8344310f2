// SPDX-License-Identifier: BSD-3-Clause
/// The reader of architectures from JSON.
#pragma once

#include <spinet/error.hpp>
#include <spinet/readers/architecture.hpp>
#include <spinet/readers/file.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {
namespace detail {

/// Bytes; a network of a thousand layers has 100 000. The shortest nodes take a hundred times their text,
/// which for larger files would be more than readers allow themselves.
inline constexpr std::size_t largest_architecture = 300'000;
inline constexpr std::size_t deepest_architecture = 8;

/// Reads the members of one node.
class spec_reader {
public:
    using json = nlohmann::json;

    explicit spec_reader(std::string where) : where_(std::move(where)) {}

    [[nodiscard]] node_spec read(json const& from) const {
        if (!from.is_object()) throw error(where_, " is not an object");
        node_spec spec;
        for (auto const& [key, value] : from.items()) {
            if (key == "name")
                set(spec.name, key, value);
            else if (key == "op")
                set(spec.op, key, value);
            else if (key == "inputs")
                set(spec.inputs, key, value);
            else if (key == "weights")
                set(spec.weights, key, value);
            else if (key == "kind")
                set(spec.kind, key, value);
            else if (key == "activation")
                set(spec.activation, key, value);
            else if (key == "shape")
                set(spec.shape, key, value);
            else if (key == "window")
                set(spec.window, key, value);
            else if (key == "stride")
                set(spec.stride, key, value);
            else if (key == "padding")
                set(spec.padding, key, value);
            else if (key == "padding_after")
                set(spec.padding_after, key, value);
            else if (key == "dilation")
                set(spec.dilation, key, value);
            else if (key == "groups")
                set(spec.groups, key, value);
            else if (key == "heads")
                set(spec.heads, key, value);
            else if (key == "layer")
                set(spec.layer, key, value);
            else if (key == "index")
                set(spec.index, key, value);
            else if (key == "epsilon")
                set(spec.epsilon, key, value);
            else if (key == "causal")
                set(spec.causal, key, value);
            else if (key == "reversed")
                set(spec.reversed, key, value);
            else if (key == "count_padding")
                set(spec.count_padding, key, value);
            else if (key == "norm_first")
                set(spec.norm_first, key, value);
            else
                throw error(where_, " has the unknown key ", in_quotes(key));
        }
        if (spec.op.empty()) throw error(where_, " has no \"op\"");
        return spec;
    }

private:
    [[noreturn]] void refuse(std::string const& key, char const* wanted) const {
        throw error(where_, ": ", in_quotes(key), " is not ", wanted);
    }
    void set(std::string& to, std::string const& key, json const& value) const {
        if (!value.is_string()) refuse(key, "a string");
        to = value.get<std::string>();
    }
    void set(std::size_t& to, std::string const& key, json const& value) const {
        if (!value.is_number_unsigned()) refuse(key, "a whole number from 0 to 2^64-1");
        to = value.get<std::size_t>();
    }
    void set(double& to, std::string const& key, json const& value) const {
        if (!value.is_number()) refuse(key, "a number");
        to = value.get<double>();
    }
    void set(bool& to, std::string const& key, json const& value) const {
        if (!value.is_boolean()) refuse(key, "true or false");
        to = value.get<bool>();
    }
    template <class T>
    void set(std::optional<T>& to, std::string const& key, json const& value) const {
        set(to.emplace(), key, value);
    }
    template <class T>
    void set(std::vector<T>& to, std::string const& key, json const& value) const {
        if (!value.is_array()) refuse(key, "a list");
        for (auto const& each : value) {
            T one{};
            set(one, key, each);
            to.push_back(std::move(one));
        }
    }

    std::string where_;
};

/// Looks at JSON before any value is made of it, as nlohmann's SAX parser sees it. (A callback of its other
/// parser would make that take the square of the time.)
class architecture_events {
public:
    using json = nlohmann::json;

    bool null() { return true; }
    bool boolean(bool) { return true; }
    bool number_integer(json::number_integer_t) { return true; }
    bool number_unsigned(json::number_unsigned_t) { return true; }
    bool number_float(json::number_float_t, json::string_t const&) { return true; }
    bool string(json::string_t&) { return true; }
    bool binary(json::binary_t&) { return true; }

    bool key(json::string_t& name) {
        if (!keys_.back().insert(name).second)
            throw error("it has the key ", in_quotes(name), " twice in one object");
        return true;
    }
    bool start_object(std::size_t) { return deeper(); }
    bool start_array(std::size_t) { return deeper(); }
    bool end_object() { return shallower(); }
    bool end_array() { return shallower(); }

    bool parse_error(std::size_t, std::string const&, json::exception const& reason) {
        throw error("it is not valid JSON: ", std::string(reason.what()).substr(0, 200));
    }

private:
    bool deeper() {
        if (keys_.size() == deepest_architecture)
            throw error("it is nested deeper than ", deepest_architecture);
        keys_.emplace_back();
        return true;
    }
    bool shallower() {
        keys_.pop_back();
        return true;
    }

    std::vector<std::set<std::string>> keys_;  ///< of each object that is open; none of arrays
};

/// The text as JSON. Throws `error` where it is none, is nested too deep or has a key twice.
[[nodiscard]] inline nlohmann::json parsed_architecture(std::string const& text) {
    using json = nlohmann::json;
    architecture_events events;
    json parsed(json::value_t::discarded);
    if (json::sax_parse(text, &events)) parsed = json::parse(text, nullptr, false);
    if (parsed.is_discarded()) throw error("it is not valid JSON");
    return parsed;
}

}  // namespace detail

/// The architecture in a JSON file: {"nodes": [{"name": "x", "op": "input", "shape": [1, 28, 28]}, {"name":
/// "conv1", "op": "convolution", "padding": [2, 2]}, ...]}, the members of each node being those of
/// node_spec. Throws `file_error` naming the node and key that are wrong.
[[nodiscard]] inline network_architecture read_architecture(std::filesystem::path const& path) {
    input_file file(path);
    if (file.size() > detail::largest_architecture)
        file.refuse("it has ", file.size(), " bytes, more than ", detail::largest_architecture);
    std::string text(static_cast<std::size_t>(file.size()), '\0');
    file.read(0, std::as_writable_bytes(std::span(text)));
    return detail::naming_file(path, [&] {
        auto const parsed = detail::parsed_architecture(text);
        if (!parsed.is_object() || parsed.size() != 1 || !parsed.contains("nodes") ||
            !parsed["nodes"].is_array())
            throw error("it is not an object with the one key \"nodes\", a list");
        network_architecture result;
        for (auto const& each : parsed["nodes"]) {
            auto const where = detail::text("node ", result.nodes.size());
            result.nodes.push_back(detail::spec_reader(where).read(each));
        }
        if (result.nodes.empty()) throw error("it has no nodes");
        return result;
    });
}

}  // namespace spinet
