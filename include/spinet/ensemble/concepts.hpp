// SPDX-License-Identifier: BSD-3-Clause
/// What moves replicas over temperature: exchange policies, pair moves, ensembles and methods.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/ensemble/ladder.hpp>
#include <spinet/ensemble/report.hpp>
#include <spinet/ensemble/rung_graph.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/kernel/concepts.hpp>
#include <spinet/model/concepts.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace spinet {

/// With which probability two temperatures swap their replicas. `log_ratio(model, state, row_a, row_b,
/// beta_a, beta_b)` is the logarithm of w(a at beta_b) w(b at beta_a) / (w(a at beta_a) w(b at beta_b)), for
/// the row that now has beta_a and the one that now has beta_b. A swap is accepted with probability min(1,
/// exp(log_ratio)). w is the weight of all spins, and exchanges follow a sweep. Law: the product of the
/// Boltzmann distributions stays as it is.
///
/// Optional: SummingExchange, GraphExchange, CappedExchange, and `on(model)`, whose result then takes the
/// place of the policy (ModelExchange).
template <class E, class M, class S>
concept ExchangePolicy = Model<M> && std::copy_constructible<E> &&
    requires(E const& exchange, M const& model, S const& state, std::size_t row, double beta) {
    { exchange.name() } -> std::convertible_to<std::string>;
    { exchange.log_ratio(model, state, row, row, beta, beta) } -> std::convertible_to<double>;
};

/// Optional: w is the weight of the spins outside the colour `summed_out(model)`. Exchanges then come within
/// the sweep, where the fields of that colour are up to date in `state.fields()` (the energies are those of
/// the last sweep), and its spins are drawn anew from them by heat bath, whatever the rule of the kernel.
/// Needs a PausingKernel.
template <class E, class M>
concept SummingExchange = requires(E const& exchange, M const& model) {
    { exchange.summed_out(model) } -> std::convertible_to<std::size_t>;
};

/// Optional: `graph(ladder)` says which rungs there are and which of them exchange; else the ladder itself.
template <class E>
concept GraphExchange = requires(E const& exchange, ladder const& temperatures) {
    { exchange.graph(temperatures) } -> std::convertible_to<rung_graph>;
};

/// Optional: some rungs of the graph have variants of the model. `view(model, variant_of_row)` is a model of
/// which each row of a tile has its own variant, and `log_ratio_between(view, state, row_a, row_b, beta,
/// variant_a, variant_b, moved_a, moved_b)` is the log ratio of a swap of variants at one beta; it leaves the
/// fields of each row in the other variant in `moved_a` and `moved_b`.
template <class E, class M, class S>
concept CappedExchange = GraphExchange<E> &&
    requires(E const& exchange, M const& model, S const& state, std::vector<std::uint32_t> const& variants,
             std::size_t row, double beta, std::uint32_t variant, std::span<spin_of<M>> moved) {
    { exchange.view(model, variants) } -> Model;
    {
        exchange.log_ratio_between(exchange.view(model, variants), state, row, row, beta, variant, variant,
                                   moved, moved)
        } -> std::convertible_to<double>;
};

/// Optional: `on(model)` is the policy to use for this model.
template <class E, class M>
concept ModelExchange = requires(E const& exchange, M const& model) {
    exchange.on(model);
};

/// What two replicas at one temperature do together. `move(model, spins_a, spins_b, draw)` changes both spans
/// of spins and returns by how much the total energy of a grows; `draw` is 32 random bits. `highest()` is the
/// highest temperature at which it is made. Law: the product of the two Boltzmann distributions stays as it
/// is, and so does the sum of the two energies.
template <class P, class M>
concept PairMove = Model<M> && std::copy_constructible<P> &&
    requires(P const& move, M const& model, std::span<typename M::spin_type> spins, std::uint32_t draw) {
    { move.name() } -> std::convertible_to<std::string>;
    { move.highest() } -> std::convertible_to<double>;
    { move(model, spins, spins, draw) } -> std::convertible_to<double>;
};

/// The replicas of a run at work. A run has `steps()` steps (one for a ladder, one for each temperature of an
/// annealing), each with all the sweeps of the plan. In step s there are `cohorts(s)` cohorts to measure, one
/// row of every replica each; cohort c is at rung `rung_of(s, c)` of the ladder, and rungs do not decrease
/// with c.
///
/// `start(team, state_of)` sets all rows: of replica r to the spins `state_of(r)`, or to independent random
/// spins where that span is empty. `begin_step(team, s)` precedes the sweeps of step s, `advance(team, s,
/// first, count)` makes sweeps first, ... of the run, `end_warmup()` forgets the counts so far.
/// `gather_energies(c, out)` and `gather_spins(c, out)` give what cohort c of the current step holds: R
/// energies, R x N spins. `save` and `load` keep everything that the next sweep depends on. `team.run(n,
/// task)` calls task(0) ... task(n - 1), on any threads: results must not depend on which.
///
/// Optional: PackedEnsemble.
template <class E, class Real>
concept Ensemble = std::move_constructible<E> &&
    requires(E& ensemble, E const& seen, serial& team, std::span<Real const> (*state_of)(std::size_t),
             std::size_t n, std::uint32_t sweep, std::span<double> energies, std::span<Real> spins,
             archive_writer& out, archive_reader& in) {
    { seen.steps() } -> std::convertible_to<std::size_t>;
    { seen.cohorts(n) } -> std::convertible_to<std::size_t>;
    { seen.rung_of(n, n) } -> std::convertible_to<std::size_t>;
    ensemble.start(team, state_of);
    ensemble.begin_step(team, n);
    ensemble.advance(team, n, sweep, sweep);
    ensemble.end_warmup();
    seen.gather_energies(n, energies);
    seen.gather_spins(n, spins);
    { seen.report() } -> std::convertible_to<ensemble_report>;
    seen.save(out);
    ensemble.load(in);
};

/// Optional: `pack(team, words)` packs the spins of all rows into bits, and `gather_bits(c, rows)` points to
/// those of cohort c. `E::packs` says whether the kernel can.
template <class E>
concept PackedEnsemble = requires(E& ensemble, E const& seen, serial& team, std::span<site_word const> words,
                                  std::size_t n, std::span<std::uint64_t const*> rows) {
    requires bool(E::packs);
    ensemble.pack(team, words);
    seen.gather_bits(n, rows);
};

/// A sampling method, the second argument of `sample`: what moves the replicas of a model over temperature.
/// `make_ensemble(model, replicas, seed)` puts it to work; `kernel()` also sweeps the annealing of the cold
/// starts; `rows_per_replica()` is the number of rows of a replica. `T::exchanges` says whether replicas
/// change their temperatures, so that round trips are asked for; `T::anneals` that the temperature falls, so
/// that starts are always hot; `T::replicas_per_block` how many consecutive replicas depend on each other.
template <class T, class M>
concept SamplingMethod = Model<M> &&
    requires(T const& method, M const& model, std::size_t replicas, std::uint64_t seed) {
    { method.temperatures() } -> std::convertible_to<ladder const&>;
    { method.name() } -> std::convertible_to<std::string>;
    { method.rows_per_replica() } -> std::convertible_to<std::size_t>;
    { T::exchanges } -> std::convertible_to<bool>;
    { T::anneals } -> std::convertible_to<bool>;
    { T::replicas_per_block } -> std::convertible_to<std::size_t>;
    requires Kernel<std::remove_cvref_t<decltype(method.kernel())>, M>;
    { method.make_ensemble(model, replicas, seed) } -> Ensemble<typename M::spin_type>;
};

}  // namespace spinet
