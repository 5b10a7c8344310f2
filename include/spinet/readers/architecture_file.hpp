// SPDX-License-Identifier: BSD-3-Clause
/// The reader of architectures from JSON.
#pragma once

#include <spinet/error.hpp>
#include <spinet/readers/architecture.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/json_events.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
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
        for (auto const& item : from.items()) {
            std::string const& key = item.key();
            json const& value = item.value();
            bool known = false;
            for_each_member(spec, [&](std::string_view name, auto& member) {
                if (name != key) return;
                known = true;
                set(member, key, value);
            });
            if (!known) throw error(where_, " has the unknown key ", in_quotes(key));
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

/// Looks at JSON before any value is made of it. (A callback of the parser of values would make that take the
/// square of the time.)
class architecture_events final : public json_events {
public:
    architecture_events() : json_events("it") {}

    bool scalar(std::string const&) override { return true; }
    bool named(std::string const& name) override {
        if (!keys_.back().insert(name).second)
            refuse("has the key ", in_quotes(name), " twice in one object");
        return true;
    }
    bool start_object(std::size_t) override { return deeper(); }
    bool start_array(std::size_t) override { return deeper(); }
    bool end_object() override { return shallower(); }
    bool end_array() override { return shallower(); }

private:
    bool deeper() {
        if (keys_.size() == deepest_architecture) refuse("is nested deeper than ", deepest_architecture);
        keys_.emplace_back();
        return true;
    }
    bool shallower() {
        keys_.pop_back();
        return true;
    }

    std::vector<std::set<std::string, std::less<>>> keys_;  ///< of each object that is open; none of arrays
};

/// The text as JSON. Throws `error` where it is none, is nested too deep or has a key twice.
[[nodiscard]] inline nlohmann::json parsed_architecture(std::string const& text) {
    architecture_events().read(text);
    auto parsed = nlohmann::json::parse(text, nullptr, false);
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
    auto const text = file.text(0, file.size());
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
