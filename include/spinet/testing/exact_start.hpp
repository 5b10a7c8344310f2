// SPDX-License-Identifier: BSD-3-Clause
/// Independent tests of a kernel and an exchange: start in exact equilibrium, move once, compare with the
/// exact distribution. A correct move leaves it as it was; the samples are independent, so a chi-square test
/// is valid.
#pragma once

#include <spinet/ensemble/tile.hpp>
#include <spinet/error.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/testing/enumeration.hpp>
#include <spinet/testing/goodness_of_fit.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace spinet::testing {

/// One fit per temperature: after a sweep, without exchanges where they come after it and with them where
/// they come within or where there are pair moves; and after a second sweep and all exchanges (empty with
/// no_exchange). Both start from the same exact draws, so they are not independent of each other.
struct fits_by_move {
    std::vector<fit> swept, exchanged;
};

/// Starts ladders in exact draws at each of their temperatures, lets each advance by two sweeps with their
/// exchanges (with no_exchange, by one sweep) and tests the states at every temperature. `samples` ladders at
/// least. At most 20 spins. Throws spinet::error for an exchange with rungs beside the ladder
/// (capped_models).
///
/// `beta_factor` other than 1 sweeps at a wrong temperature: a control that the test must reject.
template <Model M, class K, class Exchange, class Pairs = no_pair_move>
[[nodiscard]] fits_by_move fit_each_move(M const& model, K const& kernel, Exchange const& exchange,
                                         ladder const& temperatures, std::uint64_t samples,
                                         std::uint64_t seed, double beta_factor = 1.0,
                                         Pairs const& pairs = {}) {
    using real = typename M::spin_type;
    auto const resolved = resolved_exchange<K>(exchange, model);
    constexpr bool exchanges = !std::is_same_v<Exchange, no_exchange>;
    constexpr std::size_t ladders = 256;
    std::size_t const rungs = temperatures.size();
    if (std::size_t const found = graph_of(resolved, temperatures).rungs.size(); found != rungs)
        throw error(
            "fit_each_move: ", rungs, " temperatures, but the exchange has ", found,
            " rungs; those beside the ladder are of other models, whose distributions are not known here");
    std::vector<exact_distribution> exact;
    std::vector<double> swept_at;
    for (double const t : temperatures.temperatures()) {
        exact.emplace_back(model, t);
        swept_at.push_back(t / beta_factor);
    }
    using counts = std::vector<std::vector<std::uint64_t>>;
    counts swept(rungs, std::vector<std::uint64_t>(exact[0].probabilities().size(), 0));
    counts exchanged(swept);
    std::vector<std::uint32_t> bits(ladders * rungs);
    std::vector<real> spins(model.size());
    for (std::uint64_t done = 0; done < samples; done += ladders) {
        auto const round = static_cast<std::uint32_t>(done / ladders);
        tile<M, K, exchange_for<Exchange, K, M>, Pairs> moved(
            model, kernel, resolved, ladder(swept_at), 0, ladders, child_seed(seed, purpose::testing, round),
            pairs);
        stream(seed, round, 0, purpose::testing).fill(0, bits);
        moved.start([&](std::size_t row) {
            spins_of_state(exact[row % rungs].draw(uniform<double>(bits[row])), std::span(spins));
            return std::span<real const>(spins);
        });
        auto const count = [&](std::uint64_t* of_states, std::size_t row) {
            moved.state().copy_row(row, std::span(spins));
            ++of_states[state_of_spins(std::span<real const>(spins))];
        };
        moved.advance(0);
        auto const count_all = [&](counts& of_rungs) {
            for (std::size_t l = 0; l < ladders; ++l)
                for (std::size_t k = 0; k < rungs; ++k) count(of_rungs[k].data(), moved.row_at(l, k));
        };
        if constexpr (decltype(moved)::exchanges_within || !std::is_same_v<Pairs, no_pair_move>) {
            count_all(swept);
        } else {
            // Exchanges move temperatures, not spins: row r was swept at rung r % rungs.
            for (std::size_t row = 0; row < ladders * rungs; ++row) count(swept[row % rungs].data(), row);
        }
        if constexpr (exchanges) {
            moved.advance(1);
            count_all(exchanged);
        }
    }
    fits_by_move fits;
    for (std::size_t k = 0; k < rungs; ++k) {
        fits.swept.push_back(goodness_of_fit(swept[k], exact[k].probabilities()));
        if constexpr (exchanges)
            fits.exchanged.push_back(goodness_of_fit(exchanged[k], exact[k].probabilities()));
    }
    return fits;
}

/// The fits after the last of these moves, one per temperature.
template <Model M, class K, class Exchange>
[[nodiscard]] std::vector<fit> fit_after_moves(M const& model, K const& kernel, Exchange const& exchange,
                                               ladder const& temperatures, std::uint64_t samples,
                                               std::uint64_t seed, double beta_factor = 1.0) {
    auto fits = fit_each_move(model, kernel, exchange, temperatures, samples, seed, beta_factor);
    return std::is_same_v<Exchange, no_exchange> ? std::move(fits.swept) : std::move(fits.exchanged);
}

}  // namespace spinet::testing
