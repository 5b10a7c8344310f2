// SPDX-License-Identifier: BSD-3-Clause
/// Stopped planes and lines in files, from which resume_plane and resume_line go on.
#pragma once

#include <spinet/io/checked_file.hpp>
#include <spinet/landscape/progress.hpp>

#include <cstdint>
#include <filesystem>
#include <utility>

namespace spinet {

namespace detail {
inline constexpr char plane_checkpoint_magic[] = "spinet plane 1\n";
}  // namespace detail

/// Throws spinet::file_error if the file cannot be written; a file of that name then stays as it was.
inline void save_plane_checkpoint(std::filesystem::path const& path, plane_checkpoint const& from) {
    archive_writer out;
    out.put_value(from.identity);
    out.put(from.version);
    out.put(from.values);
    detail::write_checked(path, detail::plane_checkpoint_magic, std::move(out));
}

/// Throws spinet::file_error where the file is missing, holds no plane, or is damaged.
[[nodiscard]] inline plane_checkpoint load_plane_checkpoint(std::filesystem::path const& path) {
    return detail::read_checked(path, detail::plane_checkpoint_magic, "a spinet checkpoint of a plane",
                                [](archive_reader& in) {
                                    plane_checkpoint found;
                                    found.identity = in.get_value<std::uint64_t>();
                                    found.version = in.get_text();
                                    found.values = in.get<double>();
                                    return found;
                                });
}

/// A watcher that saves a plane or a line at most every `seconds`, and at its end.
class plane_checkpoint_every {
public:
    plane_checkpoint_every(double seconds, std::filesystem::path path)
        : timer_(seconds), path_(std::move(path)) {}

    bool operator()(plane_progress const& now) {
        if (!now.last && !timer_.due()) return true;
        save_plane_checkpoint(path_, now.save());
        timer_.saved();
        return true;
    }

private:
    detail::save_timer timer_;
    std::filesystem::path path_;
};

}  // namespace spinet
