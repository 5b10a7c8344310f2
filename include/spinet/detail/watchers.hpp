// SPDX-License-Identifier: BSD-3-Clause
/// What watches a long computation and may stop it: callbacks that see its progress, and std::stop_token.
#pragma once

#include <concepts>
#include <stop_token>
#include <type_traits>

namespace spinet::detail {

template <class W, class Progress>
concept watches = std::same_as<std::remove_cvref_t<W>, std::stop_token> ||
    requires(W& watcher, Progress const& now) {
    { watcher(now) } -> std::convertible_to<bool>;
};

/// Tells all watchers, whatever one of them says; false if any of them wants to stop.
template <class Progress, class... Watchers>
[[nodiscard]] bool tell_all(Progress const& now, Watchers&... watchers) {
    bool all = true;
    [[maybe_unused]] auto const ask = [&](auto& watcher) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(watcher)>, std::stop_token>)
            all = !watcher.stop_requested() && all;
        else
            all = static_cast<bool>(watcher(now)) && all;
    };
    (ask(watchers), ...);
    return all;
}

}  // namespace spinet::detail
