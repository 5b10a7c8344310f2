// SPDX-License-Identifier: BSD-3-Clause
/// Units of observables: what each block of numbers that an observable writes belongs to.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <functional>
#include <span>
#include <string>

namespace spinet {

/// Every set of K replicas a < b < ..., in lexicographic order: K = 1 is each replica, K = 2 each pair.
/// Writes one block for each set.
template <std::size_t K>
    requires(K > 0)
struct each_tuple {
    static constexpr std::size_t size = K;  ///< replicas of a unit

    [[nodiscard]] static std::string name() {
        return K == 1 ? "replica" : K == 2 ? "pair" : std::to_string(K) + " replicas";
    }

    /// Number of units of R replicas: the binomial coefficient "R choose K".
    [[nodiscard]] static constexpr std::size_t count(std::size_t replicas) noexcept {
        if (replicas < K) return 0;
        std::size_t all = 1;
        for (std::size_t k = 0; k < K; ++k) all = all * (replicas - k) / (k + 1);
        return all;
    }

    /// Calls visit(span of K replicas) for every unit, in their order.
    template <class Visit>
    static void for_each(std::size_t replicas, Visit&& visit) {
        std::array<std::size_t, K> chosen{};
        choose<0>(replicas, 0, chosen, visit);
    }

private:
    template <std::size_t Place, class Visit>
    static void choose(std::size_t replicas, std::size_t first, std::array<std::size_t, K>& chosen,
                       Visit& visit) {
        if constexpr (Place == K)
            visit(std::span<std::size_t const>(chosen));
        else
            for (chosen[Place] = first; chosen[Place] < replicas; ++chosen[Place])
                choose<Place + 1>(replicas, chosen[Place] + 1, chosen, visit);
    }
};

using each_replica = each_tuple<1>;
using each_pair = each_tuple<2>;

/// All replicas at one temperature together. The observable writes one block for the cohort that it is given,
/// and its value must not depend on the order of the replicas. spinet also shows it the cohort without each
/// independent replica in turn, which is what the jackknife error is made from: one measurement costs
/// R + 1 calls.
struct each_cohort {
    static constexpr std::size_t size = 0;

    [[nodiscard]] static std::string name() { return "cohort"; }
    [[nodiscard]] static constexpr std::size_t count(std::size_t) noexcept { return 1; }
};

/// A unit of observables: each_replica, each_pair, each_tuple<K>, each_cohort, or a type of your own like
/// them. `size` is the number of replicas of a unit (0: all of them), `count(R)` the number of units of R
/// replicas, `for_each(R, visit)` calls visit(span of `size` different replicas) for each in a fixed order,
/// and `name()` says what a unit is, for messages.
template <class U>
concept ObservableUnit = requires(std::size_t replicas) {
    { U::size } -> std::convertible_to<std::size_t>;
    { U::name() } -> std::convertible_to<std::string>;
    { U::count(replicas) } -> std::convertible_to<std::size_t>;
}
&&(U::size == 0 || requires(std::size_t replicas, void (*visit)(std::span<std::size_t const>)) {
    U::for_each(replicas, visit);
});

/// A unit as a value, for what is stored and not templated on it.
struct unit_kind {
    using visitor = std::function<void(std::span<std::size_t const>)>;

    std::string name;
    std::size_t size = 0;  ///< replicas of a unit; 0: the whole cohort
    std::size_t (*count)(std::size_t replicas) = nullptr;
    void (*for_each)(std::size_t replicas, visitor const& visit) = nullptr;  ///< none of cohorts

    unit_kind() = default;
    template <ObservableUnit U>
    unit_kind(U)  // every unit is a kind of unit
        : name(U::name()),
          size(U::size),
          count([](std::size_t replicas) { return static_cast<std::size_t>(U::count(replicas)); }) {
        if constexpr (U::size > 0)
            for_each = [](std::size_t replicas, visitor const& visit) { U::for_each(replicas, visit); };
    }
};

}  // namespace spinet
