// SPDX-License-Identifier: BSD-3-Clause
/// A progress bar on standard error, for people: silent when that is not a terminal.
#pragma once

#include <spinet/run/progress.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace spinet {

class progress_bar {
public:
    explicit progress_bar(std::string title = "")
        : title_(std::move(title)), visible_(on_terminal()), began_(clock::now()), shown_(began_) {}

    bool operator()(progress const& now) {
        if (!visible_) return true;
        auto const moment = clock::now();
        if (now.phase != phase_) {
            phase_ = now.phase;
            began_ = moment;
            first_ = now.sweeps_done;
        }
        if (!now.last && std::chrono::duration<double>(moment - shown_).count() < 0.1) return true;
        shown_ = moment;
        draw(now, std::chrono::duration<double>(moment - began_).count());
        return true;
    }

private:
    using clock = std::chrono::steady_clock;

    static bool on_terminal() {
#if __has_include(<unistd.h>)
        return ::isatty(2) == 1;
#else
        return false;
#endif
    }

    void draw(progress const& now, double seconds) const {
        static constexpr char const* phases[] = {"annealing", "warm-up", "measuring"};
        constexpr std::size_t width = 30;
        double const part = now.sweeps_total == 0 ? 1.0
                                                  : static_cast<double>(now.sweeps_done) /
                                                        static_cast<double>(now.sweeps_total);
        auto const filled = static_cast<std::size_t>(part * width);
        std::string const bar = std::string(filled, '#') + std::string(width - std::min(width, filled), '.');
        double const done = static_cast<double>(now.sweeps_done - std::min(first_, now.sweeps_done));
        double const left =
            done > 0 ? seconds / done * static_cast<double>(now.sweeps_total - now.sweeps_done) : 0.0;
        std::fprintf(stderr, "\r%s%s[%s] %3.0f %%  %-9s  %4.0f s left \033[K%s", title_.c_str(),
                     title_.empty() ? "" : "  ", bar.c_str(), 100 * part,
                     phases[static_cast<std::size_t>(now.phase)], left, now.last ? "\n" : "");
        std::fflush(stderr);
    }

    std::string title_;
    bool visible_;
    clock::time_point began_, shown_;
    run_phase phase_ = run_phase::annealing;
    std::uint64_t first_ = 0;
};

}  // namespace spinet
