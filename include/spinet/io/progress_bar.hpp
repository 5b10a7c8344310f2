// SPDX-License-Identifier: BSD-3-Clause
/// A progress bar on standard error, for people: silent when that is not a terminal.
#pragma once

#include <spinet/landscape/progress.hpp>
#include <spinet/run/progress.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace spinet {

/// A watcher of runs, planes and lines.
class progress_bar {
public:
    explicit progress_bar(std::string title = "")
        : title_(std::move(title)), visible_(on_terminal()), began_(now_in_seconds()), shown_(began_) {}

    bool operator()(progress const& now) {
        static constexpr char const* phases[] = {"annealing", "warm-up", "measuring"};
        return show(phases[static_cast<std::size_t>(now.phase)], now.sweeps_done, now.sweeps_total, now.last);
    }
    bool operator()(plane_progress const& now) {
        return show("points", now.points_done, now.points_total, now.last);
    }

private:
    static double now_in_seconds() {
        using std::chrono::duration, std::chrono::steady_clock;
        return duration<double>(steady_clock::now().time_since_epoch()).count();
    }

    static bool on_terminal() {
#if __has_include(<unistd.h>)
        return ::isatty(2) == 1;
#else
        return false;
#endif
    }

    bool show(char const* phase, std::uint64_t done, std::uint64_t total, bool last) {
        if (!visible_) return true;
        double const moment = now_in_seconds();
        if (phase != phase_) {
            phase_ = phase;
            began_ = moment;
            first_ = done;
        }
        if (!last && moment - shown_ < 0.1) return true;
        shown_ = moment;
        draw(done, total, last, moment - began_);
        return true;
    }

    void draw(std::uint64_t done, std::uint64_t total, bool last, double seconds) const {
        constexpr std::size_t width = 30;
        double const part = total == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(total);
        auto const filled = static_cast<std::size_t>(part * width);
        std::string const bar = std::string(filled, '#') + std::string(width - std::min(width, filled), '.');
        auto const since = static_cast<double>(done - std::min(first_, done));
        double const left = since > 0 ? seconds / since * static_cast<double>(total - done) : 0.0;
        std::fprintf(stderr, "\r%s%s[%s] %3.0f %%  %-9s  %4.0f s left \033[K%s", title_.c_str(),
                     title_.empty() ? "" : "  ", bar.c_str(), 100 * part, phase_, left, last ? "\n" : "");
        std::fflush(stderr);
    }

    std::string title_;
    bool visible_;
    double began_, shown_;  ///< in seconds
    char const* phase_ = "";
    std::uint64_t first_ = 0;
};

}  // namespace spinet
