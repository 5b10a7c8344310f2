// SPDX-License-Identifier: BSD-3-Clause
/// Checkpoints on disk: written atomically, checked when read.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/detail/fingerprint.hpp>
#include <spinet/error.hpp>
#include <spinet/io/atomic_file.hpp>
#include <spinet/run/progress.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// Several runs by name.
using checkpoint_set = std::map<std::string, checkpoint>;

namespace detail {
inline constexpr char checkpoint_magic[] = "spinet checkpoint 1\n";
inline constexpr std::size_t checkpoint_magic_size = sizeof checkpoint_magic - 1;
}  // namespace detail

/// File format: a magic line, the runs as length-prefixed arrays in the byte order of the machine, and a
/// 64-bit FNV-1a hash of all before it. Throws spinet::file_error if the file cannot be written.
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
    auto const body = std::move(out).take();
    std::string file(detail::checkpoint_magic, detail::checkpoint_magic_size);
    file.append(reinterpret_cast<char const*>(body.data()), body.size());
    auto const hash = detail::fingerprint().add(std::span<char const>(file)).value();
    file.append(reinterpret_cast<char const*>(&hash), sizeof hash);
    write_atomically(path, file);
}

/// Throws spinet::file_error where the file is missing, is no checkpoint, or is damaged.
[[nodiscard]] inline checkpoint_set load_checkpoints(std::filesystem::path const& path) {
    std::string const file = read_whole(path);
    std::size_t const magic = detail::checkpoint_magic_size;
    if (file.size() < magic || file.compare(0, magic, detail::checkpoint_magic) != 0)
        throw file_error(path.string(), "is not a spinet checkpoint");
    std::uint64_t hash = 0;
    if (file.size() < magic + sizeof hash) throw file_error(path.string(), "the checkpoint is truncated");
    std::size_t const end = file.size() - sizeof hash;
    std::memcpy(&hash, file.data() + end, sizeof hash);
    if (hash != detail::fingerprint().add(std::span<char const>(file.data(), end)).value())
        throw file_error(path.string(), "the checkpoint is truncated or damaged: its hash does not match");
    try {
        archive_reader in(std::as_bytes(std::span<char const>(file.data() + magic, end - magic)));
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
        if (!in.at_end()) throw error("damaged: bytes are left over");
        return runs;
    } catch (file_error const&) {
        throw;
    } catch (error const& fault) {
        throw file_error(path.string(), std::string("the checkpoint is ") + fault.what());
    }
}

/// One run: save_checkpoint / load_checkpoint.
inline void save_checkpoint(std::filesystem::path const& path, checkpoint const& run) {
    save_checkpoints(path, {{"run", run}});
}

[[nodiscard]] inline checkpoint load_checkpoint(std::filesystem::path const& path) {
    auto runs = load_checkpoints(path);
    if (runs.size() != 1)
        throw file_error(path.string(),
                         "the checkpoint holds " + std::to_string(runs.size()) + " runs, not one");
    return std::move(runs.begin()->second);
}

/// A callback that saves the run at most every `seconds`, and at its end; `others` are runs that go into the
/// same file.
class checkpoint_every {
public:
    checkpoint_every(double seconds, std::filesystem::path path, std::string name = "run",
                     checkpoint_set others = {})
        : seconds_(seconds),
          path_(std::move(path)),
          name_(std::move(name)),
          runs_(std::move(others)),
          last_(clock::now()) {}

    bool operator()(progress const& now) {
        // A run that was stopped while it was annealing has nothing to go on from.
        if (!now.save) return true;
        bool const due = std::chrono::duration<double>(clock::now() - last_).count() >= seconds_;
        if (!due && !now.last) return true;
        runs_.insert_or_assign(name_, now.save());
        save_checkpoints(path_, runs_);
        last_ = clock::now();
        return true;
    }

private:
    using clock = std::chrono::steady_clock;

    double seconds_;
    std::filesystem::path path_;
    std::string name_;
    checkpoint_set runs_;
    clock::time_point last_;
};

}  // namespace spinet
