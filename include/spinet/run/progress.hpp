// SPDX-License-Identifier: BSD-3-Clause
/// Watchers of a run: callbacks that see its progress and its frozen state, and may stop it.
#pragma once

#include <spinet/detail/watchers.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

namespace spinet {

/// The frozen state of a run: with the same model, method, observables and plan, `resume` continues from it
/// bitwise. `identity` tells those apart; a checkpoint of another run or version is refused.
struct checkpoint {
    std::uint64_t identity = 0;
    std::string version;
    std::vector<double> temperatures;
    std::uint64_t sweeps_done = 0;  ///< of warm-up and measurement together; of the annealing during it
    std::vector<std::byte> state;
};

enum class run_phase { annealing, warmup, measuring };

struct progress {
    run_phase phase = run_phase::annealing;
    std::uint64_t sweeps_done = 0;     ///< of warm-up and measurement together
    std::uint64_t sweeps_total = 0;    ///< likewise
    bool last = false;                 ///< the run ends after this call: completed, or stopped by somebody
    std::function<checkpoint()> save;  ///< freezes the run as it is now; empty before the first sweep
};

/// A callback returns false to stop the run. Law: it never changes the chain.
template <class C>
concept Callback = requires(C& callback, progress const& now) {
    { callback(now) } -> std::convertible_to<bool>;
};

/// What may watch a run: a callback, or a stop token such as std::stop_token.
template <class W>
concept Watcher = Callback<W> || StopToken<W>;

namespace detail {

/// Refuses what cannot watch, by one sentence.
template <class... Watchers>
consteval bool watchers_fit() {
    static_assert((Watcher<std::remove_cvref_t<Watchers>> && ...),
                  "spinet: what follows the executor must be a callback, bool(spinet::progress const&), or a "
                  "std::stop_token");
    return (Watcher<std::remove_cvref_t<Watchers>> && ...);
}

}  // namespace detail

}  // namespace spinet
