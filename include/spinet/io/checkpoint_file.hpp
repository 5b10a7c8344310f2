// SPDX-License-Identifier: BSD-3-Clause
/// Checkpoints on disk: written atomically, checked when read.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/error.hpp>
#include <spinet/io/checked_file.hpp>
#include <spinet/run/progress.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

namespace spinet {

/// Several runs by name.
using checkpoint_set = std::map<std::string, checkpoint>;

namespace detail {
inline constexpr char checkpoint_magic[] = "spinet checkpoint 1\n";
}  // namespace detail

/// Throws spinet::file_error if the file cannot be written.
inline void save_checkpoints(std::filesystem::path const& path, checkpoint_set const& runs) {
    archive_writer out;
    out.put_value(static_cast<std::uint64_t>(runs.size()));
    for (auto const& [name, run] : runs) {
        out.put(name);
        out.put_value(run.identity);
        out.put(run.version);
        out.put(run.temperatures);
        out.put_value(run.sweeps_done);
        out.put(run.state);
    }
    detail::write_checked(path, detail::checkpoint_magic, std::move(out));
}

/// Throws spinet::file_error where the file is missing, is no checkpoint of runs, or is damaged.
[[nodiscard]] inline checkpoint_set load_checkpoints(std::filesystem::path const& path) {
    return detail::read_checked(path, detail::checkpoint_magic, "a spinet checkpoint",
                                [](archive_reader& in) {
                                    checkpoint_set runs;
                                    auto const count = in.get_value<std::uint64_t>();
                                    for (std::uint64_t k = 0; k < count; ++k) {
                                        auto name = in.get_text();
                                        checkpoint run;
                                        run.identity = in.get_value<std::uint64_t>();
                                        run.version = in.get_text();
                                        run.temperatures = in.get<double>();
                                        run.sweeps_done = in.get_value<std::uint64_t>();
                                        run.state = in.get<std::byte>();
                                        runs.insert_or_assign(std::move(name), std::move(run));
                                    }
                                    return runs;
                                });
}

/// One run: save_checkpoint / load_checkpoint.
inline void save_checkpoint(std::filesystem::path const& path, checkpoint const& run) {
    save_checkpoints(path, {{"run", run}});
}

[[nodiscard]] inline checkpoint load_checkpoint(std::filesystem::path const& path) {
    auto runs = load_checkpoints(path);
    if (runs.size() != 1)
        throw file_error(path.string(), "the checkpoint holds ", runs.size(), " runs, not one");
    return std::move(runs.begin()->second);
}

/// A callback that saves the run at most every `seconds`, and at its end; `others` are runs that go into the
/// same file.
class checkpoint_every {
public:
    checkpoint_every(double seconds, std::filesystem::path path, std::string name = "run",
                     checkpoint_set others = {})
        : timer_(seconds), path_(std::move(path)), name_(std::move(name)), runs_(std::move(others)) {}

    bool operator()(progress const& now) {
        // A run that was stopped while it was annealing has nothing to go on from.
        if (!now.save) return true;
        if (!now.last && !timer_.due()) return true;
        runs_.insert_or_assign(name_, now.save());
        save_checkpoints(path_, runs_);
        timer_.saved();
        return true;
    }

private:
    detail::save_timer timer_;
    std::filesystem::path path_;
    std::string name_;
    checkpoint_set runs_;
};

}  // namespace spinet
