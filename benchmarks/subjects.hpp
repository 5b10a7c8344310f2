// SPDX-License-Identifier: BSD-3-Clause
/// What several benchmarks sample.
#pragma once

#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/sample.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

/// A network without training: W ~ N(0, 1 / fan_in).
template <class Real = float>
[[nodiscard]] spinet::network_glass<Real> random_network(std::vector<std::size_t> const& widths) {
    std::vector<double> variances;
    for (std::size_t l = 0; l + 1 < widths.size(); ++l)
        variances.push_back(1.0 / static_cast<double>(widths[l]));
    return spinet::random_layered_glass<Real>(widths, variances, 1);
}

/// Seconds that the sweeps of a run from hot starts take, with their exchanges: what comes before the first,
/// once a run, is left out.
template <class M, class Method, class Executor>
[[nodiscard]] double seconds_of_sweeps(M const& model, Method const& method, std::size_t replicas,
                                       std::uint64_t sweeps, Executor const& executor) {
    using clock = std::chrono::steady_clock;
    std::optional<clock::time_point> begin;
    clock::time_point end;
    auto const watch = [&](spinet::progress const&) {
        end = clock::now();
        if (!begin) begin = end;
        return true;
    };
    spinet::run_plan const plan{.replicas = replicas,
                                .warmup = 1,
                                .sweeps = sweeps,
                                .measure_every = sweeps,
                                .seed = 1,
                                .from = spinet::start::hot};
    benchmark::DoNotOptimize(
        spinet::sample(model, method, spinet::observables{spinet::energy{}}, plan, executor, watch));
    return std::chrono::duration<double>(end - *begin).count();
}

/// One tile at one temperature, from random spins; each call is a sweep of all its rows. The model outlives
/// it.
template <class M, class Kernel>
class swept_tile {
public:
    swept_tile(M const& model, Kernel const& kernel, std::size_t rows, double temperature)
        : model_(model),
          kernel_(kernel),
          state_(kernel.make_state(model, rows)),
          betas_(rows, 1 / temperature) {
        std::vector<typename M::spin_type> spins(model.size());
        for (std::uint32_t r = 0; r < rows; ++r) {
            spinet::stream(3, 0, r, spinet::purpose::start).fill_signs(std::span(spins));
            state_.set_row(r, spins);
        }
        kernel_.prepare(model_, state_);
    }

    void operator()() { kernel_.sweep(model_, state_, betas_, {1, sweeps_++, 0, spinet::purpose::spins}); }

    void operator()(std::size_t sweeps) {
        for (std::size_t k = 0; k < sweeps; ++k) (*this)();
    }

    [[nodiscard]] auto& state() noexcept { return state_; }

    [[nodiscard]] double updates() const noexcept {
        return static_cast<double>(betas_.size() * model_.size());
    }

private:
    M const& model_;
    Kernel kernel_;
    decltype(kernel_.make_state(model_, std::size_t{1})) state_;
    std::vector<double> betas_;
    std::uint32_t sweeps_ = 0;
};
