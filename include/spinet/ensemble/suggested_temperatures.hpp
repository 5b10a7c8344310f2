// SPDX-License-Identifier: BSD-3-Clause
/// A ladder made for a model: its top in the paramagnet, its rungs spaced by measured exchange acceptance.
#pragma once

#include <spinet/detail/watchers.hpp>
#include <spinet/ensemble/tempering.hpp>
#include <spinet/execution/blas_threads.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/mean_field/characteristic_temperatures.hpp>
#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/mean_field/t_ord.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace spinet {

struct ladder_request {
    double lowest = 0;        ///< lowest temperature; 0 takes 1/12 of the highest
    double of_t_ord = 0;      ///< or the lowest temperature in units of t_ord(model)
    std::size_t count = 16;   ///< temperatures, at least; more are added where exchanges would be too rare
    double acceptance = 0.2;  ///< least exchange acceptance between neighbours
    /// The top is this many times paramagnet_above(model): lambda_max(J) of Ising spins.
    double above = detail::suggested_top;
    std::size_t most = 512;  ///< more temperatures than this are refused
    std::uint64_t seed = 1;
};

namespace detail {

/// Exchange acceptance between neighbours of the ladder, measured by a short run. Asks the stop tokens before
/// each sweep.
template <Model M, class Method, class Team, StopToken... Tokens>
[[nodiscard]] std::vector<double> measured_acceptance(M const& model, Method const& method,
                                                      std::size_t replicas, std::uint32_t sweeps,
                                                      std::uint64_t seed, Team& team,
                                                      Tokens const&... tokens) {
    auto ensemble = method.make_ensemble(model, replicas, seed);
    ensemble.start(team, [](std::size_t) { return std::span<typename M::spin_type const>(); });
    ensemble.begin_step(team, 0);
    auto const advance = [&](std::uint32_t first, std::uint32_t count) {
        std::uint32_t const at_once = sizeof...(Tokens) == 0 ? count : 1;
        for (std::uint32_t done = 0; done < count; done += at_once) {
            check_stop("suggested_temperatures", tokens...);
            ensemble.advance(team, 0, first + done, at_once);
        }
    };
    advance(0, sweeps / 2);
    ensemble.end_warmup();
    advance(sweeps / 2, sweeps);
    auto const counts = ensemble.report().exchange;
    std::vector<double> acceptance;
    for (std::size_t k = 0; k + 1 < method.temperatures().size(); ++k)  // further links are those of variants
        acceptance.push_back(static_cast<double>(counts.accepted[k]) /
                             static_cast<double>(counts.attempted[k]));
    return acceptance;
}

/// `count` temperatures between the same ends, with equal steps of the cumulated rejection (the communication
/// barrier of Syed et al., J. R. Stat. Soc. B 84, 321 (2022)), interpolated linearly in ln T.
[[nodiscard]] inline ladder respaced(ladder const& old, std::vector<double> const& acceptance,
                                     std::size_t count) {
    std::vector<double> barrier{0.0};
    // A little is added to each step: where nothing is ever refused, rungs still spread out.
    for (double const a : acceptance) barrier.push_back(barrier.back() + (1 - a) + 0.01);
    std::vector<double> t(count);
    std::size_t k = 0;
    for (std::size_t n = 0; n < count; ++n) {
        double const target = barrier.back() * static_cast<double>(n) / static_cast<double>(count - 1);
        while (k + 2 < barrier.size() && barrier[k + 1] < target) ++k;
        double const part = (target - barrier[k]) / (barrier[k + 1] - barrier[k]);
        t[n] = std::exp(std::log(old[k]) + part * (std::log(old[k + 1]) - std::log(old[k])));
    }
    t.front() = old.lowest();
    t.back() = old.highest();
    return ladder(std::move(t));
}

/// The bottom that is asked for.
template <PairModel M, StopToken... Tokens>
[[nodiscard]] double requested_lowest(M const& model, ladder_request const& wanted, double top,
                                      Tokens const&... tokens) {
    if (wanted.of_t_ord == 0) return wanted.lowest == 0 ? top / suggested_depth : wanted.lowest;
    if (wanted.lowest != 0) throw error("suggested_temperatures: expected lowest or of_t_ord, found both");
    if (!(wanted.of_t_ord > 0 && std::isfinite(wanted.of_t_ord)))
        throw error("suggested_temperatures: of_t_ord must be positive and finite, got ", wanted.of_t_ord);
    if constexpr (space_of<M> == spin_space::ising)
        return wanted.of_t_ord * t_ord(model, tokens...).temperature;
    else
        throw error("suggested_temperatures: T_ord is that of Ising spins; give `lowest`");
}

}  // namespace detail

/// A ladder from `lowest` (or of_t_ord T_ord) to `above` times lambda_max(J), where the model is a
/// paramagnet. Short pilot runs of parallel tempering measure the acceptance of exchanges of energies and
/// respace the rungs until it is even and nowhere below `acceptance` (marginal exchanges are accepted more
/// often). Deterministic for a given seed. Throws spinet::error where the model has no couplings, the lowest
/// temperature is not below the highest, or more than `most` temperatures would be needed, and
/// spinet::stopped where one of the stop tokens after the executor, which are asked before each sweep, wants
/// it.
template <class M, class Exec = serial, StopToken... Tokens>
[[nodiscard]] ladder suggested_temperatures(M const& model, ladder_request const& wanted = {},
                                            Exec const& executor = {}, Tokens const&... tokens) {
    static_assert(detail::pair_model_fits<M>() && detail::executor_fits<Exec>());
    if (!(wanted.above > 0 && std::isfinite(wanted.above)))
        throw error("suggested_temperatures: `above` must be positive and finite, got ", wanted.above);
    if (wanted.count > wanted.most)
        throw error("suggested_temperatures: at most ", wanted.most, " temperatures (`most`), but ",
                    wanted.count, " asked for");
    double const top = wanted.above * paramagnet_above(model);
    if (!(top > 0) || !std::isfinite(top))
        throw error("suggested_temperatures: the model has no couplings, so no temperature is singled out");
    if (!(wanted.acceptance > 0 && wanted.acceptance < 0.9))
        throw error("suggested_temperatures: the acceptance must be between 0 and 0.9");
    double const lowest = detail::requested_lowest(model, wanted, top, tokens...);
    ladder rungs = geometric_temperatures(lowest, top, std::max<std::size_t>(wanted.count, 2));
    single_threaded_blas const one_blas_thread;
    auto team = executor.team();
    constexpr std::uint32_t rounds = 12;
    for (std::uint32_t round = 0; round < rounds; ++round) {
        auto const acceptance =
            detail::measured_acceptance(model, parallel_tempering(glauber{}, rungs, energy_exchange{}), 4,
                                        200, child_seed(wanted.seed, purpose::pilot, round), team, tokens...);
        double const least = *std::min_element(acceptance.begin(), acceptance.end());
        // Two rounds at least: the first ladder is even in ln T, not in acceptance.
        if (least >= wanted.acceptance && round >= 2) return rungs;
        double barrier = 0;
        for (double const a : acceptance) barrier += 1 - a;
        // Aim above the line, because the next measurement scatters about it.
        double const step = 1 - (wanted.acceptance + 0.1);
        auto const needed = static_cast<std::size_t>(std::ceil(barrier / step)) + 1;
        std::size_t count = std::max(rungs.size(), needed);
        if (least < wanted.acceptance && round >= 2)
            count = std::max(count, rungs.size() + rungs.size() / 16 + 1);
        if (count > wanted.most)
            throw error("suggested_temperatures: more than ", wanted.most,
                        " temperatures are needed between ", lowest, " and ", top,
                        " for an exchange acceptance of ", wanted.acceptance);
        rungs = detail::respaced(rungs, acceptance, count);
    }
    throw error("suggested_temperatures: no ladder of up to ", rungs.size(),
                " temperatures reached an exchange acceptance of ", wanted.acceptance, " everywhere");
}

struct tuning_plan {
    std::size_t replicas = 8;
    std::uint32_t sweeps = 400;  ///< measured in each round, after half as many
    std::uint32_t rounds = 5;    ///< each with twice the sweeps of the one before
    std::uint64_t seed = 1;
};

/// The temperatures of a method respaced between the same ends, as many as before, so that the exchanges of
/// this method, with its own kernel and policy, are accepted alike between all neighbours. Deterministic for
/// a given seed. Throws spinet::error for a method without exchanges, fewer than 3 temperatures, or a plan
/// out of bounds.
template <Model M, class Method, Executor Exec = serial>
[[nodiscard]] ladder evenly_accepted(M const& model, Method const& method, tuning_plan const& plan = {},
                                     Exec const& executor = {}) {
    static_assert(
        SamplingMethod<Method, M> && Method::exchanges,
        "spinet: only methods with exchanges, such as parallel_tempering, have an acceptance to tune");
    if (method.temperatures().size() < 3)
        throw error("evenly_accepted: ", method.temperatures().size(),
                    " temperatures leave nothing to respace");
    if (plan.replicas == 0 || plan.replicas > 10'000 || plan.sweeps < 2 || plan.sweeps > 1'000'000 ||
        plan.rounds == 0 || plan.rounds > 12)
        throw error(
            "evenly_accepted: a plan has 1 to 10,000 replicas, 2 to 1,000,000 sweeps and 1 to 12 rounds");
    single_threaded_blas const one_blas_thread;
    auto team = executor.team();
    ladder rungs = method.temperatures();
    for (std::uint32_t round = 0; round < plan.rounds; ++round)
        rungs = detail::respaced(
            rungs,
            detail::measured_acceptance(model, method.at(rungs), plan.replicas, plan.sweeps << round,
                                        child_seed(plan.seed, purpose::pilot, round), team),
            rungs.size());
    return rungs;
}

}  // namespace spinet
