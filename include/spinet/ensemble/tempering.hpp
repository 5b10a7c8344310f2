// SPDX-License-Identifier: BSD-3-Clause
/// Methods that hold a ladder of temperatures: fixed_temperatures and parallel_tempering.
#pragma once

#include <spinet/ensemble/ladder_ensemble.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <type_traits>
#include <utility>

namespace spinet {

/// A method: what moves the replicas of a model over temperature. `make_ensemble(model, replicas, seed)`
/// gives an object like ladder_ensemble; `kernel()` sweeps the annealing of the cold start; `exchanges` says
/// whether replicas change their temperatures, so that round trips are asked for.
template <class T, class M>
concept SamplingMethod = Model<M> && requires(T const& method, M const& model) {
    { method.temperatures() } -> std::convertible_to<ladder const&>;
    { method.name() } -> std::convertible_to<std::string>;
    { T::exchanges } -> std::convertible_to<bool>;
    method.kernel();
    method.make_ensemble(model, std::size_t{4}, std::uint64_t{1});
};

/// A kernel at every temperature of a ladder, with an exchange policy between neighbours and, perhaps, moves
/// of two ladders. A method is a value; `make_ensemble` puts it to work on a model.
template <class K, class Exchange, class Pairs = no_pair_move>
class ladder_method {
public:
    ladder_method(K kernel, ladder temperatures, Exchange exchange, Pairs pairs = {})
        : kernel_(std::move(kernel)),
          temperatures_(std::move(temperatures)),
          exchange_(std::move(exchange)),
          pairs_(std::move(pairs)) {
        static_assert(PairMove<Pairs>, "spinet: the last argument must be a pair move");
        if (joins_pairs && !(pairs_.highest() > 0))
            throw error(std::string(pairs_.name()) + " up to T = " + std::to_string(pairs_.highest()) +
                        " would never be made");
    }

    [[nodiscard]] ladder const& temperatures() const noexcept { return temperatures_; }
    [[nodiscard]] K const& kernel() const noexcept { return kernel_; }
    /// The same method at other temperatures.
    [[nodiscard]] ladder_method at(ladder temperatures) const {
        return {kernel_, std::move(temperatures), exchange_, pairs_};
    }
    [[nodiscard]] std::string name() const {
        std::string text = kernel_.name() + ", " + exchange_.name();
        if (joins_pairs) {
            char limit[40];
            std::snprintf(limit, sizeof limit, " up to T = %g", pairs_.highest());
            text += std::string(", ") + pairs_.name() + limit;
        }
        return text;
    }

    template <Model M>
    [[nodiscard]] ladder_ensemble<M, K, exchange_for<Exchange, K, M>, Pairs> make_ensemble(
        M const& model, std::size_t replicas, std::uint64_t seed) const {
        static_assert(Kernel<K, M>, "spinet: this kernel does not satisfy Kernel for this model");
        return {model, kernel_, resolved_exchange<K>(exchange_, model), temperatures_, replicas,
                seed,  pairs_};
    }

    /// Exchanges move replicas between temperatures, so round trips are something to ask for.
    static constexpr bool exchanges = !std::is_same_v<Exchange, no_exchange>;
    /// Replicas 0 and 1, 2 and 3, ... depend on each other.
    static constexpr bool joins_pairs = !std::is_same_v<Pairs, no_pair_move>;

private:
    K kernel_;
    ladder temperatures_;
    Exchange exchange_;
    Pairs pairs_;
};

/// Replica exchange (parallel tempering): every replica is a ladder of its own. `parallel_tempering(kernel,
/// ladder)` takes the exchange that suits the model; a third argument names one, a fourth a pair move.
/// Replicas that a pair move joins count as one where errors are made, so take twice as many.
template <class K, class Exchange = natural_exchange, class Pairs = no_pair_move>
[[nodiscard]] ladder_method<K, Exchange, Pairs> parallel_tempering(K kernel, ladder temperatures,
                                                                   Exchange exchange = {}, Pairs pairs = {}) {
    return {std::move(kernel), std::move(temperatures), std::move(exchange), std::move(pairs)};
}

/// Every temperature on its own, without exchanges.
template <class K>
[[nodiscard]] ladder_method<K, no_exchange> fixed_temperatures(K kernel, ladder temperatures) {
    return {std::move(kernel), std::move(temperatures), no_exchange{}};
}

}  // namespace spinet
