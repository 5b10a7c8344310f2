// SPDX-License-Identifier: BSD-3-Clause
/// Exchange policies: with which probability two neighbouring temperatures of a ladder swap their replicas.
#pragma once

#include <spinet/concepts.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace spinet {

/// An exchange policy: `log_ratio(model, state, row_a, row_b, beta_a, beta_b)` is the logarithm of
/// w(a at beta_b) w(b at beta_a) / (w(a at beta_a) w(b at beta_b)), for the row that now holds beta_a and the
/// one that now holds beta_b. A swap is accepted with probability min(1, exp(log_ratio)).
template <class E>
concept ExchangePolicy = requires(E const& exchange) {
    { exchange.name() } -> std::convertible_to<std::string>;
};

/// Replica exchange on the Boltzmann weight: log ratio = (beta_a - beta_b)(E_a - E_b), with total energies.
/// Source: Hukushima and Nemoto, J. Phys. Soc. Jpn. 65, 1604 (1996).
struct energy_exchange {
    static constexpr char const* name() noexcept { return "energy exchange"; }

    template <class M, class State>
    [[nodiscard]] double log_ratio(M const&, State const& state, std::size_t row_a, std::size_t row_b,
                                   double beta_a, double beta_b) const noexcept {
        return (beta_a - beta_b) * (state.energies()[row_a] - state.energies()[row_b]);
    }
};

/// Never swaps: every temperature is simulated on its own.
struct no_exchange {
    static constexpr char const* name() noexcept { return "no exchange"; }
};

}  // namespace spinet
