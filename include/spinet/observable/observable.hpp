// SPDX-License-Identifier: BSD-3-Clause
/// What an observable is: a map from a cohort to a fixed block of numbers per replica or per pair.
#pragma once

#include <spinet/observable/cohort.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace spinet {

/// What one block of numbers belongs to.
enum class measured_per { replica, pair };

/// Number of blocks an observable writes for R replicas. Pairs are (a, b) with a < b, in lexicographic order.
[[nodiscard]] constexpr std::size_t unit_count(measured_per per, std::size_t replicas) noexcept {
    return per == measured_per::replica ? replicas : replicas * (replicas - 1) / 2;
}

/// An observable holds no data. `components(groups)` names the numbers of a block; `measure(cohort, out)`
/// writes unit_count blocks one after the other, over zeros; the autocorrelation time is taken from the
/// series of component `lead` (averaged over the cohort). Law: permuting the replicas permutes the blocks.
template <class O, class Real = float>
concept Observable = requires(O const& observable, cohort<Real> const& seen, std::span<double> out,
                              std::span<spin_group const> groups) {
    { O::per } -> std::convertible_to<measured_per>;
    { O::lead } -> std::convertible_to<std::size_t>;
    { observable.components(groups) } -> std::same_as<std::vector<std::string>>;
    observable.measure(seen, out);
};

/// What an observable reads of a cohort beside its size and groups: the energies alone; those and the bits,
/// or the spins where there are no bits; or the spins.
enum class reading { energies, bits, spins };

/// `O::reads`, a reading; of one that says nothing, all.
template <class O>
inline constexpr reading reading_of = [] {
    if constexpr (requires { O::reads; })
        return O::reads;
    else
        return reading::spins;
}();

/// The observables of a run: `observables{energy{}, overlap{}}`.
template <class... Os>
struct observables {
    std::tuple<Os...> all;
    explicit observables(Os... each) : all(std::move(each)...) {}
};

}  // namespace spinet
