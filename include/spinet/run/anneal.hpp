// SPDX-License-Identifier: BSD-3-Clause
/// States of low energy by simulated annealing: an end in itself, and the cold start of a run.
#pragma once

#include <spinet/ensemble/ladder.hpp>
#include <spinet/error.hpp>
#include <spinet/execution/blas_threads.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/kernel/concepts.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/run/progress.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spinet {

struct anneal_plan {
    std::uint64_t sweeps = 1'000;
    std::size_t rows = 64;  ///< annealed side by side, independent of each other
    std::uint64_t seed = 1;
};

/// What an annealing ended in: the spins of the row with the lowest energy, and the total energies of all
/// rows. All empty if a watcher stopped it.
template <class Real>
struct annealed {
    std::vector<Real> spins;
    std::vector<double> energies;

    /// The lowest of the energies.
    [[nodiscard]] double energy() const { return *std::min_element(energies.begin(), energies.end()); }
};

namespace detail {

/// What `anneal` does, by a team; `go_on(sweep)` is asked before every slice of sweeps. `other` gets the
/// spins of a row beside the best.
template <Model M, class K, class Team, class GoOn>
[[nodiscard]] annealed<typename M::spin_type> anneal_with(
    M const& model, K const& kernel, ladder const& temperatures, anneal_plan const& plan, Team& team,
    GoOn&& go_on, std::vector<typename M::spin_type>* other = nullptr) {
    using real = typename M::spin_type;
    constexpr std::size_t rows_of_tile = 16;
    std::size_t const tiles = (plan.rows + rows_of_tile - 1) / rows_of_tile;
    std::vector<typename K::template state<M>> states;
    for (std::size_t t = 0; t < tiles; ++t)
        states.push_back(kernel.make_state(model, std::min(rows_of_tile, plan.rows - t * rows_of_tile)));
    auto const first_row = [&](std::size_t t) { return static_cast<std::uint32_t>(t * rows_of_tile); };
    team.run(tiles, [&](std::size_t t) {
        std::vector<real> spins(model.size());
        for (std::size_t r = 0; r < states[t].rows(); ++r) {
            stream(plan.seed, start_draw::annealing, first_row(t) + static_cast<std::uint32_t>(r))
                .fill_signs(std::span(spins));
            states[t].set_row(r, std::span<real const>(spins));
        }
        kernel.prepare(model, states[t]);
    });
    constexpr std::uint64_t slice = 32;
    double const ratio = temperatures.lowest() / temperatures.highest();
    for (std::uint64_t done = 0; done < plan.sweeps; done += slice) {
        if (!go_on(done)) return {};
        team.run(tiles, [&](std::size_t t) {
            std::vector<double> betas(states[t].rows());
            for (std::uint64_t s = done; s < std::min(plan.sweeps, done + slice); ++s) {
                double const place =
                    plan.sweeps > 1 ? static_cast<double>(s) / static_cast<double>(plan.sweeps - 1) : 1.0;
                std::fill(betas.begin(), betas.end(),
                          1.0 / (temperatures.highest() * std::pow(ratio, place)));
                kernel.sweep(model, states[t], betas,
                             {plan.seed, static_cast<std::uint32_t>(s), first_row(t), purpose::annealing});
            }
        });
    }
    annealed<real> result;
    for (auto const& state : states)
        result.energies.insert(result.energies.end(), state.energies().begin(), state.energies().end());
    auto const best = static_cast<std::size_t>(
        std::min_element(result.energies.begin(), result.energies.end()) - result.energies.begin());
    auto const copy_to = [&](std::vector<real>& spins, std::size_t row) {
        spins.resize(model.size());
        states[row / rows_of_tile].copy_row(row % rows_of_tile, std::span<real>(spins));
    };
    copy_to(result.spins, best);
    if (other != nullptr) copy_to(*other, (best + 1) % plan.rows);
    return result;
}

}  // namespace detail

/// Simulated annealing: `plan.rows` rows from random spins, the temperature falling geometrically from the
/// highest of the ladder to the lowest over `plan.sweeps` sweeps; rungs between do not matter. The state is
/// the one at the end, not quenched any further. Deterministic for a given seed, on any executor. `watchers`
/// are those of `sample`. Returns an annealed<spin_type>. Throws spinet::error for 0 sweeps or rows, and more
/// than 2^32 - 1 of either.
template <class M, class K, class Exec = serial, class... Watchers>
[[nodiscard]] auto anneal(M const& model, K const& kernel, ladder const& temperatures,
                          anneal_plan const& plan = {}, Exec const& executor = {}, Watchers&&... watchers) {
    static_assert(detail::kernel_fits<K, M>() && detail::executor_fits<Exec>() &&
                  detail::watchers_fit<Watchers...>());
    constexpr std::uint64_t most = 0xffffffff;
    if (plan.sweeps == 0 || plan.sweeps > most || plan.rows == 0 || plan.rows > most)
        throw error("anneal: ", plan.sweeps, " sweeps of ", plan.rows, " rows; both are 1 to 2^32 - 1");
    if (!std::isfinite(static_cast<typename M::spin_type>(2 / temperatures.lowest())))
        throw error("anneal: 2 / T overflows the model's floating-point type at the lowest temperature");
    single_threaded_blas const one_blas_thread;
    auto team = executor.team();
    auto result = detail::anneal_with(model, kernel, temperatures, plan, team, [&](std::uint64_t sweep) {
        return detail::tell_all(progress{run_phase::annealing, sweep, plan.sweeps, false, {}}, watchers...);
    });
    (void)detail::tell_all(
        progress{run_phase::annealing, result.energies.empty() ? 0 : plan.sweeps, plan.sweeps, true, {}},
        watchers...);
    return result;
}

}  // namespace spinet
