// SPDX-License-Identifier: BSD-3-Clause
/// What watches a long computation and may stop it: callbacks that see its progress, and stop tokens.
#pragma once

#include <spinet/detail/language.hpp>
#include <spinet/error.hpp>

#include <concepts>
#include <string>
#include <type_traits>

namespace spinet {

/// Says whether to stop: std::stop_token, or a type of your own where the standard library has none (libc++
/// before 18) or Ctrl-C sets a flag.
template <class W>
concept StopToken = requires(W const& token) {
    { token.stop_requested() } -> std::convertible_to<bool>;
};

namespace detail {

template <class W, class Progress>
concept watches = StopToken<W> || requires(W& watcher, Progress const& now) {
    { watcher(now) } -> std::convertible_to<bool>;
};

/// Tells all watchers, whatever one of them says; false if any of them wants to stop.
template <class Progress, class... Watchers>
[[nodiscard]] bool tell_all(Progress const& now, Watchers&... watchers) {
    bool all = true;
    [[maybe_unused]] auto const ask = [&](auto& watcher) {
        if constexpr (StopToken<std::remove_reference_t<decltype(watcher)>>)
            all = !watcher.stop_requested() && all;
        else
            all = static_cast<bool>(watcher(now)) && all;
    };
    (ask(watchers), ...);
    return all;
}

/// Throws `stopped` if one of the tokens wants it.
template <StopToken... Tokens>
void check_stop(char const* who, Tokens const&... tokens) {
    if ((static_cast<bool>(tokens.stop_requested()) || ... || false))
        throw stopped(std::string(who) + ": stopped");
}

}  // namespace detail
}  // namespace spinet
