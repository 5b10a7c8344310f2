// SPDX-License-Identifier: BSD-3-Clause
/// JSON as a sequence of events: what looks at a text from a file before, or instead of, making values of it.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/tensor.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace spinet::detail {

/// Takes the events of nlohmann's SAX parser, which does not recurse. A value that does not belong where it
/// stands can be refused at once, so that neither depth nor size of the JSON can hurt. Members return true or
/// throw `error`. One base of all, so that the parser is compiled once.
class json_events : public nlohmann::json_sax<nlohmann::json> {
public:
    using json = nlohmann::json;
    static constexpr std::size_t most_keys = 100'000;

    /// `what` is the text in messages: "the header".
    explicit json_events(std::string what) : what_(std::move(what)) {}

    /// Throws `error` where the text is not valid JSON.
    void read(std::string const& text) {
        // The parser would take a zero for the end, and leave what follows unread.
        if (auto const zero = text.find('\0'); zero != text.npos)
            refuse("holds a zero at its byte ", zero + 1);
        // Not by json::sax_parse, which brings the readers of five binary formats with it: 40 kB of code.
        auto input = nlohmann::detail::input_adapter(text);
        nlohmann::detail::parser<json, decltype(input)> parser(std::move(input));
        if (!parser.sax_parse(static_cast<nlohmann::json_sax<json>*>(this))) refuse("is not valid JSON");
    }

    bool null() override { return scalar("null"); }
    bool boolean(bool) override { return scalar("a boolean"); }
    bool number_integer(json::number_integer_t) override { return scalar("a number"); }
    bool number_unsigned(json::number_unsigned_t) override { return scalar("a number"); }
    bool number_float(json::number_float_t, json::string_t const&) override { return scalar("a number"); }
    bool string(json::string_t&) override { return scalar("a string"); }
    bool binary(json::binary_t&) override { return scalar("binary data"); }
    bool key(json::string_t& name) override {
        if (++keys_ > most_keys) refuse("has more than ", most_keys, " keys");
        return named(name);
    }
    bool parse_error(std::size_t position, std::string const&, json::exception const& reason) override {
        refuse("is not valid JSON at its byte ", position, ": ", cut(reason.what()));
    }

protected:
    /// A value without members, `found`, which no other member takes.
    virtual bool scalar(std::string const& found) = 0;
    /// The name of the member that follows.
    virtual bool named(std::string const& name) = 0;

    template <class... Pieces>
    [[noreturn, gnu::always_inline]] void refuse(Pieces const&... what) const {
        throw error(what_, " ", what...);
    }
    /// A file may give megabytes as a number or in the text of a parse error.
    [[nodiscard]] static std::string cut(std::string_view text) {
        auto const shown = in_quotes(text);
        return shown.substr(1, shown.size() - 2);
    }

private:
    std::string what_;
    std::size_t keys_ = 0;
};

}  // namespace spinet::detail
