// SPDX-License-Identifier: BSD-3-Clause
/// What does a run cost beside its sweeps? Overlaps of many replicas, measured often; and the whole main job,
/// from the file to the curve. `share` is the part of the time that is not sweeps.
#include "common.hpp"
#include "subjects.hpp"
#include <spinet/io/curve_csv.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/spinet.hpp>

#include <cstdio>
#include <filesystem>

namespace {

using namespace spinet;

constexpr std::uint64_t warmup = 10;

run_plan plan(std::size_t replicas, std::uint64_t sweeps, std::uint64_t every) {
    return {.replicas = replicas,
            .warmup = warmup,
            .sweeps = sweeps,
            .measure_every = every,
            .seed = 1,
            .from = start::hot};
}

/// Times a run's sweeps apart from its measurements, on one thread, as the run's executor and its watcher. In
/// a slice that is measured the sweeps are the first call of run(); what follows until the watcher is told is
/// the measurement.
class stopwatch {
public:
    [[nodiscard]] double sweeps() const noexcept { return sweeps_; }
    [[nodiscard]] double measurements() const noexcept { return measurements_; }

    [[nodiscard]] auto watcher() {
        return [this](progress const& now) {
            if (measured_) measurements_ += clock() - swept_at_;
            measured_ = now.sweeps_done >= warmup;
            swept_ = false;
            return true;
        };
    }

    struct executor {
        stopwatch* watch;

        [[nodiscard]] executor team() const { return *this; }

        template <class Task>
        void run(std::size_t n, Task&& task) const {
            double const took = timing::seconds([&] { serial{}.run(n, task); });
            if (!watch->measured_ || !watch->swept_) watch->sweeps_ += took;
            if (!watch->swept_) watch->swept_at_ = clock();
            watch->swept_ = true;
        }
    };

private:
    [[nodiscard]] static double clock() {
        return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    }

    bool measured_ = false, swept_ = false;
    double swept_at_ = 0, sweeps_ = 0, measurements_ = 0;
};

/// Overlaps of all pairs of 64 replicas at 24 temperatures every 10 sweeps.
void overlaps(benchmark::State& state, std::vector<std::size_t> const& widths) {
    auto const model = random_network(widths);
    auto const method = parallel_tempering(glauber{}, geometric_temperatures(0.2, 4.0, 24));
    std::vector<double> whole, share;
    for (auto _ : state) {
        stopwatch watch;
        auto watcher = watch.watcher();
        whole.push_back(timing::seconds([&] {
            benchmark::DoNotOptimize(sample(model, method, observables{overlap{}}, plan(64, 200, 10),
                                            stopwatch::executor{&watch}, watcher));
        }));
        share.push_back(watch.measurements() / whole.back());
        state.SetIterationTime(whole.back());
    }
    state.counters["share"] = timing::median(share);
}

/// File, mapping, sampling with the three observables, estimates with errors and verdicts, CSV.
void main_job(benchmark::State& state) {
    std::string const network = SPINET_SOURCE_DIR "/docs/networks/fashion_784-128-64-10_trained.safetensors";
    auto const csv = std::filesystem::temp_directory_path() / "spinet_benchmark_main_job.csv";
    std::vector<double> beside_sweeps, measurements;
    for (auto _ : state) {
        stopwatch watch;
        auto watcher = watch.watcher();
        double const whole = timing::seconds([&] {
            auto const model = to_spin_glass(load_network(network));
            auto const run =
                sample(model, parallel_tempering(glauber{}, geometric_temperatures(0.8, 12.0, 24)),
                       observables{energy{}, magnetisation{}, overlap{}}, plan(16, 5000, 10),
                       stopwatch::executor{&watch}, watcher);
            write_curves(csv, {describe(run, "network")});
        });
        beside_sweeps.push_back(1 - watch.sweeps() / whole);
        measurements.push_back(watch.measurements() / whole);
        state.SetIterationTime(whole);
    }
    std::filesystem::remove(csv);
    state.counters["share"] = timing::median(beside_sweeps);
    state.counters["measurements"] = timing::median(measurements);
}

/// Two threads beside one.
void two_threads(benchmark::State& state, std::vector<std::size_t> const& widths) {
    auto const model = random_network(widths);
    auto const method = parallel_tempering(glauber{}, geometric_temperatures(0.3, 2.0, 16));
    auto const go = [&](auto const& executor) { return seconds_of_sweeps(model, method, 32, 200, executor); };
    std::vector<double> ratios;
    for (auto _ : state) {
        double const first = go(serial{}), two = go(threads(2)), second = go(serial{});
        ratios.push_back((first + second) / 2 / two);
        state.SetIterationTime(two);
    }
    state.counters["speedup"] = timing::median(ratios);
}

[[maybe_unused]] bool const added = [] {
    auto const settle = [](benchmark::internal::Benchmark* of) {
        of->UseManualTime()->Iterations(7)->Unit(benchmark::kMillisecond);
    };
    settle(benchmark::RegisterBenchmark("main job", main_job));
    for (auto const& [name, widths] :
         {std::pair{"784-128-128-10", std::vector<std::size_t>{784, 128, 128, 10}},
          std::pair{"784-512-512-512-10", std::vector<std::size_t>{784, 512, 512, 512, 10}},
          std::pair{"3072-1024-1024-10", std::vector<std::size_t>{3072, 1024, 1024, 10}}}) {
        auto const layers = widths;
        settle(benchmark::RegisterBenchmark((std::string("overlaps ") + name).c_str(),
                                            [=](benchmark::State& state) { overlaps(state, layers); }));
        settle(benchmark::RegisterBenchmark((std::string("two threads ") + name).c_str(),
                                            [=](benchmark::State& state) { two_threads(state, layers); }));
    }
    return true;
}();

}  // namespace
