// SPDX-License-Identifier: BSD-3-Clause
/// What an observable is: a map from a cohort to a block of numbers for each of its units; and several of
/// them.
#pragma once

#include <spinet/observable/cohort.hpp>
#include <spinet/observable/units.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace spinet {

/// An observable holds no data. `O::unit` (an ObservableUnit) says what a block belongs to;
/// `components(groups)` names the numbers of a block; `measure(cohort, out)` writes one block for each unit,
/// one after the other, over zeros. The autocorrelation time is taken from the series of component `lead`,
/// averaged over the units. Law: permuting the replicas permutes the blocks.
///
/// Optional: `static constexpr reading reads`, what `measure` reads of the cohort; without it, everything.
template <class O, class Real = float>
concept Observable = ObservableUnit<typename O::unit> && std::copy_constructible<O> &&
    requires(O const& observable, cohort<Real> const& seen, std::span<double> out,
             std::span<spin_group const> groups) {
    { O::lead } -> std::convertible_to<std::size_t>;
    { observable.components(groups) } -> std::convertible_to<std::vector<std::string>>;
    observable.measure(seen, out);
};

/// What an observable reads of a cohort beside its size and groups: the energies alone; those and the bits,
/// or the spins where there are no bits; or the spins.
enum class reading { energies, bits, spins };

/// `O::reads`; of an observable without it, the spins.
template <class O>
inline constexpr reading reading_of = reading::spins;
template <class O>
    requires requires {
        { O::reads } -> std::convertible_to<reading>;
    }
inline constexpr reading reading_of<O> = O::reads;

/// The observables of a run: `observables{energy{}, overlap{}}`.
template <class... Os>
struct observables {
    std::tuple<Os...> all;
    explicit observables(Os... each) : all(std::move(each)...) {}
};

/// Optional: `fewest_blocks`, the least number of independent blocks of replicas that the observable needs.
template <class O>
concept NeedsBlocks = requires {
    { O::fewest_blocks } -> std::convertible_to<std::size_t>;
};

}  // namespace spinet
