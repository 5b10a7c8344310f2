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
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <map>
#include <new>
#include <span>
#include <string>
#include <system_error>
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

/// Reads a network in any of these formats. `architecture`, if not empty, describes a network whose file has
/// weights only. `input_shape` gives the sizes that an ONNX file leaves open.
inline spinet::network load_network(std::string const& file, std::string const& architecture = {},
                                    [[maybe_unused]] std::vector<std::size_t> const& input_shape = {}) {
    spinet::network_architecture given;
    if (!architecture.empty()) given = spinet::read_architecture(architecture);
    return spinet::load_network(file, spinet::huggingface<>{input_shape, {.architecture = given}},
                                spinet::safetensors{.architecture = given},
#ifdef SPINET_PROGRAM_HAS_ZIP
                                spinet::huggingface<spinet::state_dict>{input_shape, {.architecture = given}},
                                spinet::npz{.architecture = given}, spinet::state_dict{.architecture = given},
#endif
#ifdef SPINET_PROGRAM_HAS_ONNX
                                spinet::onnx_model{input_shape},
#endif
#ifdef SPINET_PROGRAM_HAS_HDF5
                                spinet::keras_hdf5{.architecture = given, .input_shape = input_shape},
#endif
                                spinet::nnet{}, spinet::npy{});
}

/// Refuses two outputs in one file, and an output that would replace an input; `reads` names the inputs.
inline void check_outputs(std::vector<std::filesystem::path> const& written,
                          std::map<std::filesystem::path, std::string> const& reads) {
    std::map<std::filesystem::path, std::string> taken;
    std::error_code unknown;
    for (auto const& [file, what] : reads) taken[std::filesystem::weakly_canonical(file, unknown)] = what;
    for (auto const& file : written) {
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
            if (!warned_) std::fprintf(stderr, "%s\n", fault.what());
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

/// One line on standard error, whatever is in the names of files.
inline int refuse(std::string const& name, std::string message) {
    for (char& c : message)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    std::fprintf(stderr, "%s: %s\n", name.c_str(), message.c_str());
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
