// SPDX-License-Identifier: BSD-3-Clause
/// Observables from plain functions of one or two spin configurations.
#pragma once

#include <spinet/observable/observable.hpp>

#include <utility>

namespace spinet {

/// One number per replica: `per_replica("staggered m", [](auto spins) { return ...; })`, where `spins` is a
/// span of +-1.
template <class F>
struct per_replica {
    static constexpr measured_per per = measured_per::replica;
    static constexpr std::size_t lead = 0;
    std::string name;
    F function;

    per_replica(std::string label, F f) : name(std::move(label)), function(std::move(f)) {}

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const>) const { return {name}; }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        for (std::size_t r = 0; r < seen.replicas(); ++r)
            out[r] = static_cast<double>(function(seen.spins.row(r)));
    }
};

/// One number per pair of replicas: `per_pair("name", [](auto a, auto b) { return ...; })`.
template <class F>
struct per_pair {
    static constexpr measured_per per = measured_per::pair;
    static constexpr std::size_t lead = 0;
    std::string name;
    F function;

    per_pair(std::string label, F f) : name(std::move(label)), function(std::move(f)) {}

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const>) const { return {name}; }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        std::size_t pair = 0;
        for (std::size_t a = 0; a < seen.replicas(); ++a)
            for (std::size_t b = a + 1; b < seen.replicas(); ++b, ++pair)
                out[pair] = static_cast<double>(function(seen.spins.row(a), seen.spins.row(b)));
    }
};

}  // namespace spinet
