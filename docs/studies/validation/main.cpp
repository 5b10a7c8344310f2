// SPDX-License-Identifier: BSD-3-Clause
/// validate: known results of the field beside what spinet measures, line by line.
#include "study.hpp"
#include <spinet/io/atomic_file.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>

namespace {

volatile std::sig_atomic_t interrupted = 0;

}  // namespace

int main(int argc, char** argv) {
    using namespace validation;
    CLI::App app("Known results of the field beside what spinet measures. Exit status 1 if a line fails.");
    bool fast = false;
    std::string samples = "validation-samples", figures, table;
    std::vector<std::string> only;
    std::size_t workers = std::max(1u, std::thread::hardware_concurrency());
    app.add_flag("--fast", fast, "fewer samples: under two minutes");
    app.add_option("--samples", samples, "directory that keeps them; a second run goes on from there")
        ->capture_default_str();
    app.add_option("--figures", figures, "directory of the pictures; without it there are none");
    app.add_option("--table", table, "file for the lines as Markdown");
    app.add_option("--threads", workers, "that share the samples")
        ->capture_default_str()
        ->check(CLI::Range(1, 1024));
    app.add_option("--only", only, "sections: solved, hopfield, sk, lattices, networks, p-spin, coverage");
    CLI11_PARSE(app, argc, argv);
    std::signal(SIGINT, [](int) { interrupted = 1; });
    std::signal(SIGTERM, [](int) { interrupted = 1; });
    struct section {
        char const* name;
        void (*check)(study&);
    };
    section const sections[] = {{"solved", check_small_models},        {"hopfield", check_hopfield},
                                {"sk", check_sherrington_kirkpatrick}, {"lattices", check_lattices},
                                {"networks", check_networks},          {"p-spin", check_p_spin},
                                {"coverage", check_coverage}};
    try {
        for (auto const& name : only)
            if (std::none_of(std::begin(sections), std::end(sections),
                             [&](section const& each) { return name == each.name; }))
                throw spinet::error("--only: no section '" + name + "'");
        spinet::single_threaded_blas const one_blas_thread;
        study to({samples, figures, fast, workers}, [] { return interrupted != 0; });
        std::printf("  %-58s %-24s %-24s %7s\n", "", "expected", "measured", "errors");
        auto const begun = std::chrono::steady_clock::now();
        for (auto const& each : sections)
            if (only.empty() || std::find(only.begin(), only.end(), each.name) != only.end()) each.check(to);
        if (!table.empty()) spinet::write_atomically(table, markdown(to.lines()) + markdown(to.coverages()));
        std::size_t failed = 0;
        for (auto const& each : to.lines()) failed += each.outcome == verdict::fail ? 1 : 0;
        for (auto const& each : to.coverages()) failed += each.outcome == verdict::fail ? 1 : 0;
        double const seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
        std::printf("\n%zu lines, %zu failed, %.0f s\n", to.lines().size() + to.coverages().size(), failed,
                    seconds);
        return failed == 0 ? 0 : 1;
    } catch (stopped const&) {
        std::fprintf(stderr, "\nstopped; run again with --samples %s to go on\n", samples.c_str());
        return 130;
    } catch (std::exception const& fault) {
        std::fprintf(stderr, "validate: %s\n", fault.what());
        return 2;
    }
}
