// SPDX-License-Identifier: BSD-3-Clause
/// What the benchmarks share: the refusal of unoptimised builds, timing of two sides in turns, the flags.
#pragma once

#include <spinet/detail/blas.hpp>
#include <spinet/detail/split_matrix.hpp>
#include <spinet/execution/blas_threads.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#if !defined(__OPTIMIZE__) || !defined(NDEBUG)
#error "spinet: benchmarks are compiled with optimisation and NDEBUG, or not at all"
#endif

#ifndef SPINET_BENCHMARK_FLAGS
#define SPINET_BENCHMARK_FLAGS "unknown flags"
#endif

namespace timing {

/// Seconds that a call takes.
template <class Call>
[[nodiscard]] double seconds(Call&& call) {
    auto const begin = std::chrono::steady_clock::now();
    call();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

[[nodiscard]] inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    std::size_t const n = values.size();
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/// The subject and its baseline in turns, as the machine's speed changes: seconds of each (medians) and the
/// median of the ratios baseline / subject.
struct pair_of_times {
    std::vector<double> subject, baseline, ratio;

    template <class Subject, class Baseline>
    void add(Subject&& run_subject, Baseline&& run_baseline) {
        double const first = seconds(run_baseline), own = seconds(run_subject),
                     second = seconds(run_baseline);
        subject.push_back(own);
        baseline.push_back((first + second) / 2);
        ratio.push_back(baseline.back() / own);
    }
};

/// What every table says of itself.
[[maybe_unused]] inline bool const context_added = [] {
    benchmark::AddCustomContext("flags", SPINET_BENCHMARK_FLAGS);
    char const* const core = spinet::blas_core_name();
    benchmark::AddCustomContext("products of floats",
                                spinet::detail::split_matrix::available() ? "bf16 tiles" : "BLAS");
    benchmark::AddCustomContext("OpenBLAS kernels", core == nullptr ? "another BLAS" : core);
    return true;
}();

}  // namespace timing
