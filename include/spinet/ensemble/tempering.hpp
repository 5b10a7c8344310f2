// SPDX-License-Identifier: BSD-3-Clause
/// Methods that hold a ladder of temperatures: fixed_temperatures and parallel_tempering.
#pragma once

#include <spinet/ensemble/ladder_ensemble.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace spinet {

/// A kernel at every temperature of a ladder, with an exchange policy between neighbours and, perhaps, moves
/// of two ladders. A method is a value; `make_ensemble` puts it to work on a model.
template <class K, class Exchange, class Pairs = no_pair_move>
class ladder_method {
    static_assert(
        !AcceptanceRule<K>,
        "spinet: this is an acceptance rule, not a kernel; site_kernel<Rule, natural_scan>{} makes a "
        "kernel of it");

    static_assert(
        requires(Pairs const& pairs) {
            { pairs.highest() } -> std::convertible_to<double>;
            pairs.name();
        },
        "spinet: a pair move has name(), highest() and move(model, spins_a, spins_b, draw) (PairMove)");

public:
    ladder_method(K kernel, ladder temperatures, Exchange exchange, Pairs pairs = {})
        : kernel_(std::move(kernel)),
          temperatures_(std::move(temperatures)),
          exchange_(std::move(exchange)),
          pairs_(std::move(pairs)) {
        if (replicas_per_block > 1 && !(pairs_.highest() > 0))
            throw error(std::string(pairs_.name()), " up to T = ", static_cast<double>(pairs_.highest()),
                        " would never be made");
    }

    [[nodiscard]] ladder const& temperatures() const noexcept { return temperatures_; }
    [[nodiscard]] K const& kernel() const noexcept { return kernel_; }
    /// The same method at other temperatures.
    [[nodiscard]] ladder_method at(ladder temperatures) const {
        return {kernel_, std::move(temperatures), exchange_, pairs_};
    }
    [[nodiscard]] std::string name() const {
        auto const text = detail::text(std::string(kernel_.name()), ", ", std::string(exchange_.name()));
        if (replicas_per_block == 1) return text;
        return detail::text(text, ", ", std::string(pairs_.name()),
                            " up to T = ", static_cast<double>(pairs_.highest()));
    }

    template <Model M>
    [[nodiscard]] ladder_ensemble<M, K, exchange_for<Exchange, K, M>, Pairs> make_ensemble(
        M const& model, std::size_t replicas, std::uint64_t seed) const {
        return {model, kernel_, resolved_exchange<K>(exchange_, model), temperatures_, replicas,
                seed,  pairs_};
    }

    [[nodiscard]] std::size_t rows_per_replica() const noexcept { return temperatures_.size(); }
    /// Exchanges move replicas between temperatures, so round trips are something to ask for.
    static constexpr bool exchanges = !std::is_same_v<Exchange, no_exchange>;
    static constexpr bool anneals = false;
    /// With a pair move, replicas 0 and 1, 2 and 3, ... depend on each other.
    static constexpr std::size_t replicas_per_block = std::is_same_v<Pairs, no_pair_move> ? 1 : 2;

private:
    K kernel_;
    ladder temperatures_;
    Exchange exchange_;
    Pairs pairs_;
};

/// Replica exchange (parallel tempering): every replica is a ladder of its own. `parallel_tempering(kernel,
/// ladder)` takes the exchange that suits the model; a third argument names one, a fourth a pair move.
/// Two replicas that share a pair move count as one for the errors, so take twice as many.
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
