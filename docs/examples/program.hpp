// SPDX-License-Identifier: BSD-3-Clause
/// What the programs of this directory share: options, signals, messages and checkpoints.
#pragma once

#include <spinet/io/checkpoint_file.hpp>
#include <spinet/readers/architecture_file.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/readers/nnet/nnet.hpp>
#include <spinet/readers/numpy/npy.hpp>
#include <spinet/spinet.hpp>

#ifdef SPINET_PROGRAM_HAS_ZIP
#include <spinet/readers/numpy/npz.hpp>
#include <spinet/readers/torch/state_dict.hpp>
#endif
#ifdef SPINET_PROGRAM_HAS_ZLIB
#include <spinet/io/samples.hpp>
#endif
#ifdef SPINET_PROGRAM_HAS_ONNX
#include <spinet/readers/onnx/onnx.hpp>
#endif
#ifdef SPINET_PROGRAM_HAS_HDF5
#include <spinet/readers/keras/keras.hpp>
#endif

#include <CLI/CLI.hpp>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace program {

/// The first `count` samples of an IDX or .npy file.
inline spinet::row_major_array<double, 2> samples([[maybe_unused]] std::filesystem::path const& file,
                                                  [[maybe_unused]] std::size_t count) {
#ifdef SPINET_PROGRAM_HAS_ZLIB
    return spinet::load_samples(file, count);
#else
    throw spinet::error("samples are read with zlib, without which this program was built");
#endif
}

inline volatile std::sig_atomic_t interrupted = 0;

/// CLI11 accepts -1 and 2^64 as unsigned numbers; this does not.
inline std::string not_a_count(std::string const& text) {
    errno = 0;
    (void)std::strtoull(text.c_str(), nullptr, 10);
    bool const digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    return digits && errno == 0 ? "" : "'" + text + "' is not a whole number from 0 to 2^64-1";
}

/// An unset variable in a script must not switch an option off.
inline std::string empty_text(std::string const& text) { return text.empty() ? "is empty" : ""; }

/// The formats that this program was built for, as its help lists them.
inline std::string formats() {
    std::string names = "safetensors (also sharded), npy, nnet";
#ifdef SPINET_PROGRAM_HAS_ZIP
    names += ", npz, PyTorch's state dicts";
#endif
#ifdef SPINET_PROGRAM_HAS_ONNX
    names += ", ONNX";
#endif
#ifdef SPINET_PROGRAM_HAS_HDF5
    names += ", Keras' HDF5 and .keras";
#endif
    return names;
}

/// (2, 3)
inline std::string shape_text(std::vector<std::size_t> const& shape) {
    std::string text = "(";
    for (std::size_t k = 0; k < shape.size(); ++k) text += (k == 0 ? "" : ", ") + std::to_string(shape[k]);
    return text + ")";
}

/// The text as a terminal may print it: control characters, and those that turn the direction of writing, as
/// \\x1b and the like. Names in files may hold any.
inline std::string shown(std::string_view text) {
    std::string safe;
    auto const escape = [&](std::size_t from, std::size_t count) {
        char digits[5];
        for (std::size_t k = from; k < from + count; ++k) {
            std::snprintf(digits, sizeof digits, "\\x%02x", static_cast<unsigned>(text[k]) & 0xFFU);
            safe += digits;
        }
    };
    auto const at = [&](std::size_t k) {
        return k < text.size() ? static_cast<unsigned>(text[k]) & 0xFFU : 0U;
    };
    for (std::size_t k = 0; k < text.size(); ++k) {
        unsigned const a = at(k), b = at(k + 1), c = at(k + 2);
        bool const turns =
            a == 0xE2 && ((b == 0x80 && c >= 0xA8 && c <= 0xAE) || (b == 0x80 && (c | 1U) == 0x8F) ||
                          (b == 0x81 && c >= 0xA6 && c <= 0xA9));
        std::size_t const bytes = a < 0x20 || a == 0x7F                 ? 1
                                  : a == 0xC2 && b >= 0x80 && b <= 0x9F ? 2
                                  : turns                               ? 3
                                                                        : 0;
        if (bytes == 0) safe += text[k];
        escape(k, bytes);
        if (bytes > 1) k += bytes - 1;
    }
    return safe;
}

/// What the user says of how the files are to be read: the options of the readers.
struct reading {
    std::string architecture = {};
    std::vector<std::size_t> input_shape = {};
    std::vector<std::string> layers = {}, ignored = {};
    std::string entry = {}, network = {}, output_name = {};
    mutable std::set<std::string> taken = {};  ///< options that a file was read with
};

/// The names of these options: in the messages of readers, and here.
inline std::vector<std::pair<std::string, std::string>> const& reading_options() {
    static std::vector<std::pair<std::string, std::string>> const all{{"architecture", "--architecture"},
                                                                      {"input_shape", "--input-shape"},
                                                                      {"layers", "--layers"},
                                                                      {"ignored", "--ignored"},
                                                                      {"entry", "--entry"},
                                                                      {"network", "--network"},
                                                                      {"output_name", "--output-name"}};
    return all;
}

/// Takes one value at a time, or several with commas between, so that files that follow are not taken for
/// more.
inline CLI::Option* as_list(CLI::Option* option) { return option->delimiter(',')->allow_extra_args(false); }

inline void add_reading_options(CLI::App& app, reading& chosen) {
    CLI::Validator const count(not_a_count, "", "count"), text(empty_text, "", "text");
    app.add_option(
           "--architecture", chosen.architecture,
           "JSON file that says what the weights are, where their file does not (docs/network-files.md)")
        ->check(text);
    as_list(app.add_option("--input-shape", chosen.input_shape,
                           "of one sample, as 3,32,32, where an ONNX file leaves sizes free"))
        ->check(count);
    as_list(app.add_option("--layers", chosen.layers,
                           "A,B,...: the dense layers from input to output; other tensors are left out"))
        ->check(text);
    as_list(app.add_option("--ignored", chosen.ignored, "A,B,...: tensors (of Keras, layers) to leave out"))
        ->check(text);
    app.add_option("--entry", chosen.entry, "of a PyTorch checkpoint, the dict that holds the tensors: a.b.c")
        ->check(text);
    app.add_option("--network", chosen.network, "of several networks in one file, the one to read")
        ->check(text);
    app.add_option("--output-name", chosen.output_name,
                   "of several outputs in one ONNX file, the one to read")
        ->check(text);
}

/// A reader with those of the options that it has, and a note of which of them it was used with.
template <class Reader>
class reader_with_options {
public:
    reader_with_options(Reader reader, reading const& asked, spinet::network_architecture const& architecture)
        : reader_(std::move(reader)), asked_(&asked), architecture_(&architecture) {
        configure(reader_);
    }
    [[nodiscard]] std::string_view name() const { return reader_.name(); }
    [[nodiscard]] bool recognises(std::filesystem::path const& path) const {
        return reader_.recognises(path);
    }
    [[nodiscard]] spinet::network operator()(std::filesystem::path const& path) const {
        asked_->taken.insert(takes_.begin(), takes_.end());
        return reader_(path);
    }

private:
    /// Also a reader of weights within a reader.
    template <class Any>
    void configure(Any& of) {
        if constexpr (requires { of.architecture; }) set("--architecture", of.architecture, *architecture_);
        if constexpr (requires { of.input_shape; }) set("--input-shape", of.input_shape, asked_->input_shape);
        if constexpr (requires { of.layers; }) set("--layers", of.layers, asked_->layers);
        if constexpr (requires { of.ignored; }) set("--ignored", of.ignored, asked_->ignored);
        if constexpr (requires { of.entry; }) set("--entry", of.entry, asked_->entry);
        if constexpr (requires { of.network; }) set("--network", of.network, asked_->network);
        if constexpr (requires { of.output_name; }) set("--output-name", of.output_name, asked_->output_name);
        if constexpr (requires { of.weights.layers; }) configure(of.weights);
    }
    template <class Value>
    void set(char const* option, Value& member, Value const& value) {
        member = value;
        takes_.insert(option);
    }

    Reader reader_;
    reading const* asked_;
    spinet::network_architecture const* architecture_;
    std::set<std::string> takes_{};
};

/// Reads a network in any of these formats.
inline spinet::network load_network(std::string const& file, reading const& asked = {}) {
    spinet::network_architecture given;
    if (!asked.architecture.empty()) given = spinet::read_architecture(asked.architecture);
    auto const with_options = [&]<class Reader>(Reader reader) {
        return reader_with_options<Reader>(std::move(reader), asked, given);
    };
    return spinet::load_network(file, with_options(spinet::huggingface<>{}),
                                with_options(spinet::safetensors{}),
#ifdef SPINET_PROGRAM_HAS_ZIP
                                with_options(spinet::huggingface<spinet::state_dict>{}),
                                with_options(spinet::npz{}), with_options(spinet::state_dict{}),
#endif
#ifdef SPINET_PROGRAM_HAS_ONNX
                                with_options(spinet::onnx_model{}),
#endif
#ifdef SPINET_PROGRAM_HAS_HDF5
                                with_options(spinet::keras_hdf5{}),
#endif
                                with_options(spinet::nnet{}), with_options(spinet::npy{}));
}

/// Refuses options that none of the files, which have all been read, has any use for.
inline void check_all_taken(reading const& asked) {
    auto const check = [&](char const* option, bool given) {
        if (given && asked.taken.count(option) == 0)
            throw spinet::error(std::string(option) + ": no file was read that has this option (see --help)");
    };
    check("--architecture", !asked.architecture.empty());
    check("--input-shape", !asked.input_shape.empty());
    check("--layers", !asked.layers.empty());
    check("--ignored", !asked.ignored.empty());
    check("--entry", !asked.entry.empty());
    check("--network", !asked.network.empty());
    check("--output-name", !asked.output_name.empty());
}

/// A message of a reader in the words of the command line: "the option 'input_shape'" is --input-shape.
inline std::string in_own_words(std::string message) {
    auto const replace = [&](std::string const& found, std::string const& words) {
        for (std::size_t at = 0; (at = message.find(found, at)) != std::string::npos; at += words.size())
            message.replace(at, found.size(), words);
    };
    for (auto const& [name, option] : reading_options()) {
        for (std::string const before : {"the option ", "its option ", "option ", "the options "})
            replace(before + "'" + name + "'", option);
        for (std::string const before : {"in ", "and "}) replace(before + "'" + name + "'", before + option);
        replace("(option " + name + ")", "(" + option + ")");
        // "--layers (--layers A,B)"
        std::string const twice = option + " (" + option + " ";
        for (std::size_t at = 0; (at = message.find(twice, at)) != std::string::npos; ++at) {
            auto const end = message.find(')', at);
            if (end != std::string::npos) message.erase(end, 1);
            message.erase(at + option.size(), twice.size() - option.size() - 1);
        }
    }
    return message;
}

/// Refuses two outputs in one file, and an output that would replace an input; `reads` names the inputs.
inline void check_outputs(std::vector<std::filesystem::path> const& written,
                          std::map<std::filesystem::path, std::string> const& reads) {
    std::map<std::filesystem::path, std::string> taken;
    std::error_code unknown;
    for (auto const& [file, what] : reads) taken[std::filesystem::weakly_canonical(file, unknown)] = what;
    for (auto const& file : written) {
        for (char const* const stream : {"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"})
            if (file == stream)
                throw spinet::file_error(file.string(),
                                         "cannot be written: it is no file; --output - writes the table "
                                         "to standard output");
        auto const [place, is_new] = taken.try_emplace(std::filesystem::weakly_canonical(file, unknown),
                                                       "is written for another purpose too");
        if (!is_new) throw spinet::file_error(file.string(), "cannot be written: it " + place->second);
        spinet::check_writable(file);
    }
}

/// A watcher that saves a run or a plane to a file. If that fails (a full disk, say), the run goes on.
template <class Keep = spinet::checkpoint_every>
class saver {
public:
    template <class... Rest>
    explicit saver(std::string file, Rest&&... rest)
        : wanted_(!file.empty()), keep_(2.0, std::move(file), std::forward<Rest>(rest)...) {}
    template <class Progress>
    bool operator()(Progress const& now) {
        if (!wanted_) return true;
        try {
            return keep_(now);
        } catch (spinet::file_error const& fault) {
            if (!warned_) std::fprintf(stderr, "%s\n", shown(fault.what()).c_str());
            warned_ = true;
            return true;
        }
    }

private:
    bool wanted_, warned_ = false;
    Keep keep_;
};

/// Thrown between two evaluations when the user wants to stop.
struct stopped {};

/// Wraps an objective: Ctrl-C stops its evaluation, and with a name it shows progress.
template <class O>
class watched {
public:
    explicit watched(O const& f, char const* what = nullptr)
        : f_(&f), what_(what), visible_(what != nullptr && ::isatty(2) == 1), last_(clock::now()) {}
    watched(watched const&) = delete;
    watched& operator=(watched const&) = delete;
    ~watched() {
        if (visible_ && asked_ > 0) std::fprintf(stderr, "\r%60s\r", "");
    }

    [[nodiscard]] std::size_t size() const { return f_->size(); }
    [[nodiscard]] double value(std::span<double const> x) const { return tell(), f_->value(x); }
    double gradient(std::span<double const> x, std::span<double> out) const {
        return tell(), f_->gradient(x, out);
    }
    void hessian_vector(std::span<double const> x, std::span<double const> v, std::span<double> out) const {
        tell();
        f_->hessian_vector(x, v, out);
    }

private:
    using clock = std::chrono::steady_clock;

    void tell() const {
        if (interrupted != 0) throw stopped{};
        if (!visible_) return;
        ++asked_;
        if (clock::now() - last_ < std::chrono::milliseconds(100)) return;
        last_ = clock::now();
        std::fprintf(stderr, "\r%s: %zu evaluations", what_, asked_);
    }

    O const* f_;
    char const* what_;
    bool visible_;
    mutable std::size_t asked_ = 0;
    mutable clock::time_point last_;
};

/// "NAME: 3 of 48 WHAT" on a terminal, at most ten times a second.
class counter {
public:
    counter(std::string name, char const* what)
        : name_(std::move(name)), what_(what), visible_(::isatty(2) == 1) {}

    void show(std::size_t done, std::size_t planned) {
        auto const now = std::chrono::steady_clock::now();
        if (!visible_ || now - last_ < std::chrono::milliseconds(100)) return;
        last_ = now;
        std::fprintf(stderr, "\r%s: %zu of %zu %s", name_.c_str(), done, planned, what_);
    }
    void clear() const {
        if (visible_) std::fprintf(stderr, "\r%78s\r", "");
    }

private:
    std::string name_;
    char const* what_;
    bool visible_;
    std::chrono::steady_clock::time_point last_;
};

/// While one of these lives, something is prepared that leaves nothing behind when it is given up: reading,
/// mapping, looking for temperatures. On a terminal it tells for how long; Ctrl-C and SIGTERM end the program
/// at once, whatever it is doing, with exit status 130. What was computed before is not lost: `last` writes
/// it.
class waiting {
public:
    explicit waiting(std::string what, std::function<void()> last = {})
        : what_(std::move(what)),
          last_(std::move(last)),
          visible_(::isatty(2) == 1),
          watch_([this] { watch(); }) {}
    waiting(waiting const&) = delete;
    waiting& operator=(waiting const&) = delete;
    ~waiting() { end(); }

    /// What is being done now.
    void now(std::string what) {
        std::lock_guard const lock(mutex_);
        what_ = std::move(what);
    }
    /// Does no more.
    void end() {
        {
            std::lock_guard const lock(mutex_);
            ended_ = true;
        }
        changed_.notify_all();
        if (watch_.joinable()) watch_.join();
    }

private:
    using clock = std::chrono::steady_clock;

    void watch() {
        std::unique_lock lock(mutex_);
        auto const began = clock::now();
        bool drawn = false;
        while (!changed_.wait_for(lock, std::chrono::milliseconds(100), [&] { return ended_; })) {
            if (interrupted != 0) give_up(drawn);
            std::chrono::duration<double> const taken = clock::now() - began;
            if (!visible_ || taken.count() < 0.5) continue;
            std::fprintf(stderr, "\r%s, %.0f s\033[K", what_.c_str(), taken.count());
            drawn = true;
        }
        if (drawn) std::fprintf(stderr, "\r\033[K");
    }
    [[noreturn]] void give_up(bool drawn) {
        std::fprintf(stderr, "%s%s: stopped\n", drawn ? "\r\033[K" : "", what_.c_str());
        int status = 130;
        try {
            if (last_) last_();
        } catch (std::exception const& fault) {
            std::fprintf(stderr, "%s\n", shown(fault.what()).c_str());
            status = 2;
        }
        std::fflush(stdout);
        ::_exit(status);
    }

    std::string what_;
    std::function<void()> last_;
    bool visible_, ended_ = false;
    std::mutex mutex_{};
    std::condition_variable changed_{};
    std::thread watch_;  // last: it uses all others
};

/// Where tables for people go: standard error if standard output is the table for programs.
inline std::FILE*& report() {
    static std::FILE* to = stdout;
    return to;
}
/// Prints for people.
[[gnu::format(printf, 1, 2)]] inline void say(char const* format, ...) {
    std::va_list values;
    va_start(values, format);
    std::vfprintf(report(), format, values);
    va_end(values);
}

/// Writes a table to standard output. Throws spinet::error where that is full.
inline void write_to_standard_output(std::string const& table) {
    std::fwrite(table.data(), 1, table.size(), stdout);
    if (std::fflush(stdout) != 0 && errno != EPIPE)
        throw spinet::error(std::string("standard output cannot be written: ") + std::strerror(errno));
}

/// One line on standard error, whatever is in the names of files.
inline int refuse(std::string const& name, std::string const& message) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), shown(in_own_words(message)).c_str());
    return 2;
}

/// OpenBLAS falls back to its slowest kernels on processors it is too old to know. It reads its choice from
/// the environment when it is loaded, so the program starts itself again with a better one.
inline void choose_blas_kernels(char** argv) {
    char const* const chosen = spinet::blas_core_name();
    if (chosen == nullptr || std::getenv("OPENBLAS_CORETYPE") != nullptr) return;
    std::string const core = chosen;
    if (core != "Prescott" && core != "PRESCOTT" && core != "Generic") return;
#if defined(__x86_64__)
    bool const wide = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
                      __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
                      __builtin_cpu_supports("avx512cd") != 0;
    bool const fused = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
    if (!wide && !fused) return;
    ::setenv("OPENBLAS_CORETYPE", wide ? "SkylakeX" : "Haswell", 0);
    ::execv("/proc/self/exe", argv);
#else
    (void)argv;
#endif
}

/// Calls parse(argc, argv), then run(). Errors print one line and give exit status 2. SIGINT and SIGTERM only
/// set `interrupted`.
template <class Parse, class Run>
int main_of(CLI::App& app, char** argv, Parse&& parse, Run&& run) {
    choose_blas_kernels(argv);
    try {
        parse();
    } catch (CLI::ParseError const& fault) {
        if (fault.get_exit_code() == 0) return app.exit(fault);
        return refuse(app.get_name(), fault.what());
    }
    // Whoever reads the printed table may stop reading: the files are still written.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGINT, [](int) { interrupted = 1; });
    std::signal(SIGTERM, [](int) { interrupted = 1; });
    try {
        return run();
    } catch (std::bad_alloc const&) {
        return refuse(app.get_name(), "not enough memory for this network and this plan");
    } catch (std::exception const& fault) {
        return refuse(app.get_name(), fault.what());
    }
}

}  // namespace program
