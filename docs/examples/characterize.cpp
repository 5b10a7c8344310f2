// SPDX-License-Identifier: BSD-3-Clause
/// characterize: from files of trained networks to their descriptor, <|q|> over temperature with error bars.
#include <spinet/io/plot.hpp>
#include <spinet/network/load.hpp>
#include <spinet/spinet.hpp>

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

volatile std::sig_atomic_t interrupted = 0;

struct options {
    std::vector<std::string> files;
    std::string temperatures;
    spinet::run_plan plan{.warmup = 2'000, .sweeps = 20'000};
    std::size_t threads = 0;
    std::string kernel = "glauber";
    std::string scale = "none";
    std::string biases = "fields";
    std::vector<std::string> nulls;
    std::string checkpoint;
    std::string output = "curve.csv";
    std::string plot;
};

/// A network to be characterised: one of the files, or a null model of one.
struct subject {
    std::string name;
    spinet::network network;
};

void parse(int argc, char** argv, options& chosen, CLI::App& app) {
    app.add_option("FILE", chosen.files, "safetensors files of networks")->required();
    app.add_option("--temperatures", chosen.temperatures, "LOW:HIGH:COUNT, geometric (default: suggested by the network)");
    app.add_option("--replicas", chosen.plan.replicas, "independent replicas, at least 4")->capture_default_str();
    app.add_option("--warmup", chosen.plan.warmup, "sweeps before the first measurement")->capture_default_str();
    app.add_option("--sweeps", chosen.plan.sweeps, "sweeps with measurements")->capture_default_str();
    app.add_option("--measure-every", chosen.plan.measure_every, "sweeps between measurements")->capture_default_str();
    app.add_option("--seed", chosen.plan.seed, "seed of all random numbers")->capture_default_str();
    app.add_option("--threads", chosen.threads, "threads (default: all cores)");
    app.add_option("--kernel", chosen.kernel)->check(CLI::IsMember({"glauber", "metropolis"}))->capture_default_str();
    app.add_option("--scale", chosen.scale, "divide couplings by each layer's deviation, or by T_formula")
        ->check(CLI::IsMember({"none", "layer", "tc"}))
        ->capture_default_str();
    app.add_option("--biases", chosen.biases)->check(CLI::IsMember({"fields", "drop"}))->capture_default_str();
    app.add_option("--null", chosen.nulls, "add a null model of every network")->check(CLI::IsMember({"shuffled", "redrawn"}));
    app.add_option("--checkpoint", chosen.checkpoint, "save the run here, and resume from it if it is there");
    app.add_option("--output", chosen.output, "table of the curves; layers go to OUTPUT.layers.csv")->capture_default_str();
    app.add_option("--plot", chosen.plot, "picture of the curves (PNG, by gnuplot)");
    app.parse(argc, argv);
}

/// LOW:HIGH:COUNT.
std::optional<spinet::ladder> parsed_temperatures(std::string const& text) {
    if (text.empty()) return std::nullopt;
    double low = 0, high = 0;
    long count = 0;
    int read = 0;
    if (std::sscanf(text.c_str(), "%lf:%lf:%ld%n", &low, &high, &count, &read) != 3 || static_cast<std::size_t>(read) != text.size())
        throw spinet::error("--temperatures " + text + ": expected LOW:HIGH:COUNT, for example 0.2:12:24");
    if (count < 0) throw spinet::error("--temperatures " + text + ": the count is negative");
    return spinet::geometric_temperatures(low, high, static_cast<std::size_t>(count));
}

std::vector<subject> load_subjects(options const& chosen) {
    std::vector<subject> subjects;
    for (auto const& file : chosen.files) {
        auto const network = spinet::load_network(file);
        auto const name = std::filesystem::path(file).stem().string();
        subjects.push_back({name, network});
        for (auto const& null : chosen.nulls)
            subjects.push_back({name + " " + null,
                                null == "shuffled" ? spinet::shuffled(network, spinet::shuffle::within_layers, chosen.plan.seed) : spinet::redrawn(network, chosen.plan.seed)});
    }
    for (std::size_t a = 0; a < subjects.size(); ++a)
        for (std::size_t b = 0; b < a; ++b)
            if (subjects[a].name == subjects[b].name) subjects[a].name += " (" + std::to_string(a + 1) + ")";
    return subjects;
}

spinet::twin_hopfield mapping_of(options const& chosen) {
    return {.biases = chosen.biases == "drop" ? spinet::biases::dropped : spinet::biases::as_fields,
            .scale = chosen.scale == "layer" ? spinet::scale::layer_unit_variance
                     : chosen.scale == "tc"  ? spinet::scale::t_formula
                                             : spinet::scale::none};
}

void print(spinet::descriptor const& curves, std::vector<spinet::verdict> const& verdicts, spinet::run_record const& record) {
    std::printf("\n%s: %zu spins, %zu temperatures, %zu replicas", curves.network.c_str(), record.sites, record.temperatures.size(), record.plan.replicas);
    if (record.exchanges) std::printf(", %.1f round trips per ladder", record.round_trips_per_ladder());
    std::printf("\n%12s %12s %12s %10s %10s\n", "temperature", "mean |q|", "error", "|mean q|", "tau");
    std::size_t failed = 0;
    for (std::size_t k = 0; k < verdicts.size(); ++k) {
        auto const& at = curves.parts[0].mean_abs[k];
        std::printf("%12.5g %12.6f %12.6f %10.6f %10.1f  %s\n", at.temperature, at.value, at.error, curves.parts[0].abs_mean[k].value, at.tau,
                    at.equilibrated ? "" : "not equilibrated");
        if (!at.equilibrated) failed = k + 1;
    }
    if (failed == 0) return;
    std::printf("Why the highest of them did not equilibrate:\n");
    for (auto const& reason : verdicts[failed - 1].reasons) std::printf("  - %s\n", reason.c_str());
}

/// Everything that one subject needs. Returns whether the run was completed.
template <class K>
bool characterize(subject const& of, options const& chosen, spinet::checkpoint_set& saved, std::vector<spinet::descriptor>& results) {
    auto const executor = chosen.threads == 0 ? spinet::threads{} : spinet::threads{chosen.threads};
    auto const glass = spinet::to_spin_glass(of.network, mapping_of(chosen));
    auto const earlier = saved.find(of.name);
    auto ladder = parsed_temperatures(chosen.temperatures);
    // A suggested ladder is deterministic, but measuring it again takes time: a checkpoint remembers it.
    if (!ladder && earlier != saved.end()) ladder = spinet::ladder(earlier->second.temperatures);
    if (!ladder) std::fprintf(stderr, "%s: spacing the temperatures\n", of.name.c_str());
    auto const method = spinet::parallel_tempering(K{}, ladder ? *ladder : spinet::suggested_temperatures(glass, {.seed = chosen.plan.seed}, executor));

    auto const measured = spinet::observables{spinet::energy{}, spinet::magnetisation{}, spinet::overlap{}};
    auto const until_interrupted = [](spinet::progress const&) { return interrupted == 0; };
    auto save = [&, keeper = spinet::checkpoint_every(2.0, chosen.checkpoint, of.name, saved)](spinet::progress const& now) mutable {
        if (chosen.checkpoint.empty()) return true;
        if (now.last && now.save) saved.insert_or_assign(of.name, now.save());
        return keeper(now);
    };
    spinet::progress_bar bar(of.name);
    auto const start_or_resume = [&] {
        if (earlier == saved.end()) return spinet::sample(glass, method, measured, chosen.plan, executor, until_interrupted, save, bar);
        spinet::checkpoint const from = earlier->second;
        return spinet::resume(from, glass, method, measured, chosen.plan, executor, until_interrupted, save, bar);
    };
    auto const run = start_or_resume();
    if (run.measurements() == 0) {
        std::fprintf(stderr, "%s: stopped before the first measurement, so there is nothing to write\n", of.name.c_str());
        return false;
    }
    if (!run.complete()) std::fprintf(stderr, "%s: stopped early, after %llu sweeps\n", of.name.c_str(), static_cast<unsigned long long>(run.sweeps_done));
    results.push_back(spinet::describe(run, of.name));
    print(results.back(), spinet::equilibration(run), run);
    return run.complete();
}

void write(options const& chosen, std::vector<spinet::descriptor> const& results) {
    spinet::write_curves(chosen.output, results);
    spinet::write_layer_curves(spinet::layers_path(chosen.output), results);
    std::printf("\nwrote %s and %s\n", chosen.output.c_str(), spinet::layers_path(chosen.output).string().c_str());
    if (chosen.plot.empty()) return;
    if (spinet::plot_curves(chosen.plot, results))
        std::printf("wrote %s\n", chosen.plot.c_str());
    else
        std::fprintf(stderr, "gnuplot is not installed: %s was not drawn, but its data and script are beside it\n", chosen.plot.c_str());
}

int run(options const& chosen) {
    chosen.plan.check(2, 1);
    (void)parsed_temperatures(chosen.temperatures);
    auto const subjects = load_subjects(chosen);
    spinet::check_writable(chosen.output);
    spinet::check_writable(spinet::layers_path(chosen.output));
    if (!chosen.plot.empty()) spinet::check_writable(chosen.plot);
    spinet::checkpoint_set saved;
    if (!chosen.checkpoint.empty()) {
        spinet::check_writable(chosen.checkpoint);
        if (std::filesystem::exists(chosen.checkpoint)) saved = spinet::load_checkpoints(chosen.checkpoint);
    }
    std::vector<spinet::descriptor> results;
    bool complete = true;
    for (auto const& each : subjects) {
        complete = chosen.kernel == "glauber" ? characterize<spinet::glauber<>>(each, chosen, saved, results)
                                              : characterize<spinet::metropolis<>>(each, chosen, saved, results);
        if (!complete) break;
    }
    if (!results.empty()) write(chosen, results);
    return complete ? 0 : 130;
}

/// OpenBLAS falls back to its slowest kernels on processors it is too old to know. It reads its choice from the
/// environment when it is loaded, so the program starts itself again with a better one.
void choose_blas_kernels(char** argv) {
    char const* const chosen = spinet::blas_core_name();
    if (chosen == nullptr || std::getenv("OPENBLAS_CORETYPE") != nullptr) return;
    std::string const core = chosen;
    if (core != "Prescott" && core != "PRESCOTT" && core != "Generic") return;
#if defined(__x86_64__)
    bool const wide = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                      __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512cd") != 0;
    bool const fused = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
    if (!wide && !fused) return;
    ::setenv("OPENBLAS_CORETYPE", wide ? "SkylakeX" : "Haswell", 0);
    ::execv("/proc/self/exe", argv);
#else
    (void)argv;
#endif
}

}  // namespace

int main(int argc, char** argv) {
    choose_blas_kernels(argv);
    options chosen;
    CLI::App app("The spin-glass descriptor of trained networks: mean |q| of replica pairs over temperature.", "characterize");
    try {
        parse(argc, argv, chosen, app);
    } catch (CLI::ParseError const& fault) {
        if (fault.get_exit_code() == 0) return app.exit(fault);
        std::fprintf(stderr, "characterize: %s\n", fault.what());
        return 2;
    }
    std::signal(SIGINT, [](int) { interrupted = 1; });
    std::signal(SIGTERM, [](int) { interrupted = 1; });
    try {
        return run(chosen);
    } catch (std::exception const& fault) {
        std::fprintf(stderr, "characterize: %s\n", fault.what());
        return 2;
    }
}
