// SPDX-License-Identifier: BSD-3-Clause
/// The config.json that Hugging Face's transformers writes beside the weights of a model.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/json_events.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace spinet::detail {

/// The values of a config.json that models are built from: numbers, strings, booleans and lists of them at
/// the top, and those of the objects rope_scaling and rope_parameters as "rope_scaling.factor". null counts
/// as absent, as in transformers.
class model_config {
public:
    using list = std::vector<std::variant<double, std::string>>;
    using value = std::variant<double, bool, std::string, list>;

    void set(std::string const& key, value given) { values_.insert_or_assign(key, std::move(given)); }

    [[nodiscard]] bool has(std::string_view key) const { return values_.count(key) != 0; }

    /// The value of the first of the keys that is there. Throws `error` where it is of another kind.
    [[nodiscard]] std::string text_of(std::initializer_list<char const*> keys, std::string otherwise) const {
        return get<std::string>(keys, "a string").value_or(std::move(otherwise));
    }
    [[nodiscard]] bool flag(char const* key, bool otherwise) const {
        return get<bool>({key}, "true or false").value_or(otherwise);
    }
    [[nodiscard]] double number(std::initializer_list<char const*> keys, double otherwise) const {
        return get<double>(keys, "a number").value_or(otherwise);
    }
    /// From 1 to 10^9.
    [[nodiscard]] std::size_t count(std::initializer_list<char const*> keys,
                                    std::optional<std::size_t> otherwise = std::nullopt) const {
        auto const given = get<double>(keys, "a number");
        if (!given && !otherwise) throw error("config.json has no ", in_quotes(*keys.begin()));
        return given ? whole(*keys.begin(), *given) : *otherwise;
    }
    /// A list of such numbers; a single number counts as a list of it.
    [[nodiscard]] std::vector<std::size_t> counts(char const* key, std::vector<std::size_t> otherwise) const {
        auto const found = values_.find(key);
        if (found == values_.end()) return otherwise;
        if (std::holds_alternative<double>(found->second)) return {count({key})};
        std::vector<std::size_t> all;
        auto const given = get<list>({key}, "a list");
        for (auto const& each : *given) {
            if (!std::holds_alternative<double>(each)) refuse(key, "a list of numbers");
            all.push_back(whole(key, std::get<double>(each)));
        }
        return all;
    }
    /// Whether one of the strings of a list ends so.
    [[nodiscard]] bool any_ends_with(char const* key, std::string_view end) const {
        auto const all = get<list>({key}, "a list");
        if (!all) return false;
        for (auto const& each : *all)
            if (auto const* const text = std::get_if<std::string>(&each); text && text->ends_with(end))
                return true;
        return false;
    }

private:
    [[noreturn]] static void refuse(char const* key, char const* wanted) {
        throw error("config.json: ", in_quotes(key), " is not ", wanted);
    }
    [[nodiscard]] static std::size_t whole(char const* key, double given) {
        if (!(given >= 1 && given <= 1e9) || given != std::floor(given))
            refuse(key, "a whole number from 1 to 10^9");
        return static_cast<std::size_t>(given);
    }
    template <class T>
    [[nodiscard]] std::optional<T> get(std::initializer_list<char const*> keys, char const* wanted) const {
        for (auto const* key : keys) {
            auto const found = values_.find(key);
            if (found == values_.end()) continue;
            if (auto const* const is = std::get_if<T>(&found->second)) return *is;
            refuse(key, wanted);
        }
        return std::nullopt;
    }

    std::map<std::string, value, std::less<>> values_;
};

/// Keeps what model_config keeps; passes over everything else, however deep it is.
class model_config_events final : public json_events {
public:
    model_config_events() : json_events("config.json") {}

    [[nodiscard]] model_config take() { return std::move(config_); }

    bool null() override { return true; }
    bool boolean(bool value) override { return keep(value); }
    bool number_integer(json::number_integer_t value) override { return keep(static_cast<double>(value)); }
    bool number_unsigned(json::number_unsigned_t value) override { return keep(static_cast<double>(value)); }
    bool number_float(json::number_float_t value, json::string_t const&) override { return keep(value); }
    bool string(json::string_t& value) override {
        if (value.size() > 200) value.resize(200);  // names of types and functions are shorter
        return keep(value);
    }
    bool scalar(std::string const&) override { return true; }
    bool named(std::string const& name) override {
        if (depth_ == 1) top_ = name;
        key_ = depth_ == 1 ? name : depth_ == 2 && rope() ? top_ + "." + name : std::string();
        return true;
    }
    bool start_object(std::size_t) override {
        if (depth_ == 1) config_.set(top_, true);  // that it is there
        ++depth_;
        return true;
    }
    bool end_object() override { return --depth_, key_.clear(), true; }
    bool start_array(std::size_t) override {
        if (depth_ == 0) refuse("is a list, not an object");
        in_list_ = depth_++ == 1;
        list_.clear();
        return true;
    }
    bool end_array() override {
        if (--depth_ == 1 && in_list_) config_.set(top_, std::move(list_));
        list_.clear();
        in_list_ = false;
        return true;
    }

private:
    static constexpr std::size_t longest_list = 1000;

    [[nodiscard]] bool rope() const { return top_ == "rope_scaling" || top_ == "rope_parameters"; }
    template <class T>
    bool keep(T const& value) {
        if (depth_ == 0) refuse("is no object");
        if (in_list_ && depth_ == 2) {
            if constexpr (!std::is_same_v<T, bool>)
                if (list_.size() < longest_list) list_.emplace_back(value);
        } else if (!in_list_ && !key_.empty()) {
            config_.set(std::exchange(key_, {}), value);
        }
        return true;
    }

    model_config config_;
    model_config::list list_;
    std::string top_, key_;
    std::size_t depth_ = 0;
    bool in_list_ = false;
};

/// Bytes; names of 20,000 labels take 1.5 million.
inline constexpr std::uint64_t largest_config = 8'000'000;

/// Throws `file_error` where the file is no JSON object or too large.
[[nodiscard]] inline model_config read_model_config(std::filesystem::path const& path) {
    input_file file(path);
    if (file.size() > largest_config)
        file.refuse("it has ", file.size(), " bytes, more than ", largest_config);
    return naming_file(path, [&] {
        model_config_events events;
        events.read(file.text(0, file.size()));
        return events.take();
    });
}

}  // namespace spinet::detail
