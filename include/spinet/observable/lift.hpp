// SPDX-License-Identifier: BSD-3-Clause
/// Observables from plain functions of the spins of one, two or more replicas.
#pragma once

#include <spinet/observable/concepts.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// One number for every set of K replicas: `per_tuple<3>("name", f)` with f(a, b, c) of three spans of spins.
template <std::size_t K, class F>
struct tuple_observable {
    using unit = each_tuple<K>;
    static constexpr std::size_t lead = 0;
    std::string name;
    F function;

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const>) const { return {name}; }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        std::size_t next = 0;
        unit::for_each(seen.replicas(), [&](std::span<std::size_t const> replicas) {
            out[next++] = [&]<std::size_t... I>(std::index_sequence<I...>) {
                constexpr bool takes_them = requires {
                    static_cast<double>(function(seen.spins.row(replicas[I])...));
                };
                static_assert(
                    takes_them,
                    "spinet: the function of per_replica, per_pair or per_tuple<K> takes the spins of 1, "
                    "2 or K replicas, a span each, and returns a number");
                if constexpr (takes_them)
                    return static_cast<double>(function(seen.spins.row(replicas[I])...));
                else
                    return 0.0;
            }
            (std::make_index_sequence<K>());
        });
    }
};

template <std::size_t K, class F>
[[nodiscard]] tuple_observable<K, F> per_tuple(std::string name, F function) {
    return {std::move(name), std::move(function)};
}

/// One number per replica: `per_replica("staggered m", [](auto spins) { return ...; })`, where `spins` is a
/// span of +-1.
template <class F>
[[nodiscard]] tuple_observable<1, F> per_replica(std::string name, F function) {
    return {std::move(name), std::move(function)};
}

/// One number per pair of replicas: `per_pair("name", [](auto a, auto b) { return ...; })`.
template <class F>
[[nodiscard]] tuple_observable<2, F> per_pair(std::string name, F function) {
    return {std::move(name), std::move(function)};
}

}  // namespace spinet
