// SPDX-License-Identifier: BSD-3-Clause
/// The cold start: the best state that a short annealing finds.
#pragma once

#include <spinet/ensemble/ladder.hpp>
#include <spinet/kernel/site_kernel.hpp>
#include <spinet/random/streams.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spinet {

/// Anneals 64 rows from the highest to the lowest temperature of the ladder, geometrically over `sweeps`
/// sweeps, and returns the spins of the lowest energy found at the end. `go_on(sweep)` is asked before every
/// slice of sweeps; if it says no, the result is empty.
template <Model M, class K, class Team, class GoOn>
[[nodiscard]] std::vector<typename M::spin_type> annealed_state(M const& model, K const& kernel,
                                                                ladder const& temperatures,
                                                                std::uint64_t sweeps, std::uint64_t seed,
                                                                Team& team, GoOn&& go_on) {
    using real = typename M::spin_type;
    constexpr std::size_t tiles = 4, rows = 16;
    std::vector<typename K::template state<M>> states;
    for (std::size_t t = 0; t < tiles; ++t) states.push_back(kernel.make_state(model, rows));
    auto const first_row = [&](std::size_t t) { return static_cast<std::uint32_t>(t * rows); };
    team.run(tiles, [&](std::size_t t) {
        std::vector<real> spins(model.size());
        for (std::size_t r = 0; r < rows; ++r) {
            // Row numbers of the run start at 0 too: the attempt field keeps the streams apart.
            stream(seed, 0, first_row(t) + static_cast<std::uint32_t>(r), purpose::start, 1)
                .fill_signs(std::span(spins));
            states[t].set_row(r, std::span<real const>(spins));
        }
        kernel.prepare(model, states[t]);
    });
    constexpr std::uint64_t slice = 32;
    double const ratio = temperatures.lowest() / temperatures.highest();
    for (std::uint64_t done = 0; done < sweeps; done += slice) {
        if (!go_on(done)) return {};
        team.run(tiles, [&](std::size_t t) {
            std::vector<double> betas(rows);
            for (std::uint64_t s = done; s < std::min(sweeps, done + slice); ++s) {
                double const place =
                    sweeps > 1 ? static_cast<double>(s) / static_cast<double>(sweeps - 1) : 1.0;
                std::fill(betas.begin(), betas.end(),
                          1.0 / (temperatures.highest() * std::pow(ratio, place)));
                kernel.sweep(model, states[t], betas,
                             {seed, static_cast<std::uint32_t>(s), first_row(t), purpose::annealing});
            }
        });
    }
    std::size_t best_tile = 0, best_row = 0;
    for (std::size_t t = 0; t < tiles; ++t)
        for (std::size_t r = 0; r < rows; ++r)
            if (states[t].energies()[r] < states[best_tile].energies()[best_row]) best_tile = t, best_row = r;
    std::vector<real> best(model.size());
    states[best_tile].copy_row(best_row, std::span<real>(best));
    return best;
}

}  // namespace spinet
