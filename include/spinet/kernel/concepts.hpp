// SPDX-License-Identifier: BSD-3-Clause
/// What a kernel is: one update rule, and the state of the rows that it sweeps.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/kernel/sweep_draws.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/sites.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace spinet {

/// The rows that a kernel sweeps: `rows()` replicas, each with its spins and its total energy (in the unit of
/// the couplings, in double). `set_row(r, spins)` and `copy_row(r, spins)` move the N spins of one row in and
/// out; after `set_row`, the kernel's `prepare` is called before the next sweep. `save` and `load` keep
/// everything that the next sweep depends on, so that a run continues bitwise; `load` throws spinet::error
/// for damaged bytes.
///
/// Optional, named by the concepts below: PackedState, SpinsOnlyState, EngineState.
template <class S, class Real>
concept KernelState = std::move_constructible<S> &&
    requires(S& state, S const& seen, std::size_t row, std::span<Real const> from, std::span<Real> to,
             archive_writer& out, archive_reader& in) {
    { seen.rows() } -> std::convertible_to<std::size_t>;
    state.set_row(row, from);
    seen.copy_row(row, to);
    { state.energies() } -> std::convertible_to<std::span<double>>;
    { seen.energies() } -> std::convertible_to<std::span<double const>>;
    seen.save(out);
    state.load(in);
};

/// Optional: `pack_rows(words, out)` writes the spins of all rows as bits (+1 is 1), `words.size()` words for
/// each row, one row after the other. Overlaps are then counted on bits; without it spinet copies the spins.
template <class S>
concept PackedState = requires(S const& state, std::span<site_word const> words, std::uint64_t* out) {
    state.pack_rows(words, out);
};

/// Optional: `static constexpr bool holds_spins_only = true` says that a state keeps nothing beside spins and
/// energies, so that nothing has to be prepared where a move changes both.
template <class S>
concept SpinsOnlyState = requires {
    requires bool(S::holds_spins_only);
};

/// How often a kernel with two engines took which.
struct engine_counts {
    std::uint64_t sweeps = 0;
    std::uint64_t sweeps_by_products = 0;  ///< sweeps whose fields came from matrix products
};

/// Optional: `engine()`, these counts, is reported with the run.
template <class S>
concept EngineState = requires(S const& state) {
    { state.engine() } -> std::convertible_to<engine_counts>;
};

/// The state that a kernel keeps of a model: K::state<M>.
template <class K, class M>
using kernel_state_of = typename K::template state<M>;

/// A kernel: one call sweeps one state, each row at its own inverse temperature, and leaves each row's total
/// energy beside it. `make_state(model, rows)` makes a state, `prepare(model, state)` brings it in line with
/// spins that were set from outside, `sweep(model, state, betas, draws)` makes one update per spin of every
/// row, with one beta per row. Laws: a sweep leaves the Boltzmann distribution of every row invariant, and
/// the same draws give the same spins.
///
/// Optional: `K::rows_per_tile`, the number of rows at which the kernel works best; `K::scan`, its scan, by
/// which relaxations know that the rows of a seed share no random order of sites; and the members of
/// PausingKernel.
template <class K, class M>
concept Kernel = Model<M> && std::copy_constructible<K> && KernelState<kernel_state_of<K, M>, spin_of<M>> &&
    requires(K const& kernel, M const& model, kernel_state_of<K, M>& state, std::span<double const> betas,
             sweep_draws const& draws, std::size_t rows) {
    { kernel.make_state(model, rows) } -> std::same_as<kernel_state_of<K, M>>;
    kernel.prepare(model, state);
    kernel.sweep(model, state, betas, draws);
    { kernel.name() } -> std::convertible_to<std::string>;
};

/// Optional: a kernel that can pause within a sweep. `sweep_redrawing(model, state, betas, draws, colour,
/// pause)` is a sweep that calls pause() where the fields of `colour` are up to date, reads betas anew after
/// it, and draws that colour by heat bath. The state then also has `spins()` and `fields()`, rows_views of N
/// numbers each. The kernel says so by `using pauses` of its own type, so that a kernel derived from it, with
/// another sweep, is not taken for one.
template <class K, class M>
concept PausingKernel = Kernel<K, M> && BlockModel<M> && std::same_as<typename K::pauses, K> &&
    requires(K const& kernel, M const& model, typename K::template state<M>& state,
             typename K::template state<M> const& seen, std::span<double const> betas,
             sweep_draws const& draws, void (*pause)()) {
    kernel.sweep_redrawing(model, state, betas, draws, std::size_t{0}, pause);
    { seen.spins() } -> std::convertible_to<rows_view<typename M::spin_type const>>;
    { seen.fields() } -> std::convertible_to<rows_view<typename M::spin_type const>>;
    { state.fields() } -> std::convertible_to<rows_view<typename M::spin_type>>;
};

namespace detail {

/// Refuses what is no kernel of a model, by one sentence.
template <class K, class M>
consteval bool kernel_fits() {
    static_assert(
        Model<M>,
        "spinet: this is no Model; it needs spin_type, size(), energy(spins) and energy_change(spins, site, "
        "value)");
    if constexpr (Model<M>)
        static_assert(
            Kernel<K, M>,
            "spinet: this is no Kernel for this model; it needs state<M>, make_state, prepare, sweep and "
            "name, and its state rows, set_row, copy_row, energies, save and load");
    return Model<M>;
}

/// The rows of a tile: those that the kernel asks for, else the 128 at which matrix products run at full
/// speed.
template <class K>
inline constexpr std::size_t rows_per_tile = 128;
template <class K>
    requires requires {
        { K::rows_per_tile } -> std::convertible_to<std::size_t>;
    }
inline constexpr std::size_t rows_per_tile<K> = K::rows_per_tile;

}  // namespace detail
}  // namespace spinet
