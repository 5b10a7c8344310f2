// SPDX-License-Identifier: BSD-3-Clause
/// Exchange policies: with which probability two neighbouring temperatures of a ladder swap their replicas.
#pragma once

#include <spinet/detail/vector_math.hpp>
#include <spinet/kernel/rule.hpp>
#include <spinet/kernel/sweep_draws.hpp>
#include <spinet/model/concepts.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace spinet {

/// An exchange policy: `log_ratio(model, state, row_a, row_b, beta_a, beta_b)` is the logarithm of
/// w(a at beta_b) w(b at beta_a) / (w(a at beta_a) w(b at beta_b)), for the row that now holds beta_a and the
/// one that now holds beta_b. A swap is accepted with probability min(1, exp(log_ratio)).
///
/// w is the weight of all spins, and exchanges follow a sweep; or, of a policy that has `summed_out(model)`,
/// that of the spins outside this colour: exchanges then come within the sweep, where the fields of the
/// colour are up to date in `state.fields()` (the energies are still those of the last sweep), and its spins
/// are drawn anew from them by heat bath, whatever the kernel's rule.
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

/// Replica exchange on the marginal weight: the spins s_i of one colour (of two, that with more spins) are
/// independent of each other given the others s_j, so they are summed out exactly,
///
///     ln w_beta(s_j) = -beta E(s_j without them) + sum_i ln 2 cosh(beta h_i(s_j)),
///
/// and drawn anew at the temperature that their row has after the exchange. What they would have contributed
/// to the difference of two energies no longer stands in the way of a swap. Costs two exponentials a summed
/// spin beside the sweep; needs layer_blocks.
struct marginal_exchange {
    static constexpr char const* name() noexcept { return "marginal exchange"; }

    template <BlockModel M>
    [[nodiscard]] static std::size_t summed_out(M const& model) noexcept {
        return model.colours() == 2 && sites_of(model, 1) > sites_of(model, 0) ? 1 : 0;
    }

    template <BlockModel M, class State>
    [[nodiscard]] double log_ratio(M const& model, State const& state, std::size_t row_a, std::size_t row_b,
                                   double beta_a, double beta_b) const noexcept {
        double ratio = (beta_a - beta_b) *
                       (energy_of_others(model, state, row_a) - energy_of_others(model, state, row_b));
        for (site_range const range : model.colour(summed_out(model)))
            ratio += detail::log_2cosh_change(state.fields().row(row_a).data() + range.first, range.size,
                                              beta_a, beta_b) +
                     detail::log_2cosh_change(state.fields().row(row_b).data() + range.first, range.size,
                                              beta_b, beta_a);
        return ratio;
    }

private:
    template <class M>
    [[nodiscard]] static std::size_t sites_of(M const& model, std::size_t colour) noexcept {
        std::size_t sites = 0;
        for (site_range const range : model.colour(colour)) sites += range.size;
        return sites;
    }

    /// Of one or two colours, the others have fields only. Of more, the last energy of the row less the share
    /// of colour 0, whose spins are still those it was measured with.
    template <class M, class State>
    [[nodiscard]] static double energy_of_others(M const& model, State const& state,
                                                 std::size_t row) noexcept {
        auto const sum = [&](auto const* numbers, std::size_t colour) {
            double total = 0;
            for (site_range const range : model.colour(colour))
                total += detail::dot(numbers + range.first, state.spins().row(row).data() + range.first,
                                     range.size);
            return total;
        };
        if (model.colours() > 2) return state.energies()[row] + sum(state.fields().row(row).data(), 0);
        return model.colours() == 2 ? -sum(model.external_fields().data(), 1 - summed_out(model)) : 0.0;
    }
};

/// The default: marginal_exchange where the kernel is a heat bath that sweeps the model by colours, else
/// energy_exchange.
struct natural_exchange {
    static constexpr char const* name() noexcept { return "natural exchange"; }
};

/// Never swaps: every temperature is simulated on its own.
struct no_exchange {
    static constexpr char const* name() noexcept { return "no exchange"; }
};

namespace detail {

/// Can the kernel pause within a sweep, where the fields of a colour are up to date? It says so itself, by
/// `using pauses` of its own type: a kernel derived from it, with a sweep of its own, does not.
template <class K, class M>
concept PausingKernel = BlockModel<M> && std::same_as<typename K::pauses, K> &&
    requires(K const& kernel, M const& model, typename K::template state<M>& state,
             std::span<double const> betas, sweep_draws const& draws, void (*pause)()) {
    kernel.sweep_redrawing(model, state, betas, draws, std::size_t{0}, pause);
};

/// Does a pause leave the rule of the kernel what it is? It draws a colour by heat bath.
template <class K, class M>
concept PausingHeatBath = PausingKernel<K, M> && std::same_as<typename K::rule, heat_bath_rule>;

template <class Exchange, class M, class K>
concept HasLogRatio = requires(Exchange const& exchange, M const& model,
                               typename K::template state<M> const& state, std::size_t row, double beta) {
    { exchange.log_ratio(model, state, row, row, beta, beta) } -> std::convertible_to<double>;
};

/// Has the policy lanes, variants of the model that rows may be in? `view(model, lane_of_row)` is then a
/// model of which each row of a tile has its own.
template <class Exchange, class M>
concept HasLanes = requires(Exchange const& exchange, M const& model,
                            std::vector<std::uint32_t> const& lanes) {
    exchange.view(model, lanes);
};

template <class Exchange, class M>
struct seen_in_lanes_of {
    using type = M const&;
};
template <class Exchange, class M>
    requires HasLanes<Exchange, M>
struct seen_in_lanes_of<Exchange, M> {
    using type = decltype(std::declval<Exchange const&>().view(
        std::declval<M const&>(), std::declval<std::vector<std::uint32_t> const&>()));
};
template <class Exchange, class M>
using seen_in_lanes = typename seen_in_lanes_of<Exchange, M>::type;

template <class Exchange, class M>
concept SumsOut = requires(Exchange const& exchange, M const& model) {
    { exchange.summed_out(model) } -> std::convertible_to<std::size_t>;
};

}  // namespace detail

/// What a policy is for a kernel and a model: `natural_exchange` stands for another one; one with a member
/// `on(model)` for what that returns; any other for itself.
template <class K, class M, class Exchange>
[[nodiscard]] auto resolved_exchange(Exchange const& exchange, [[maybe_unused]] M const& model) {
    if constexpr (std::is_same_v<Exchange, natural_exchange>)
        return std::conditional_t<detail::PausingHeatBath<K, M>, marginal_exchange, energy_exchange>{};
    else if constexpr (requires { exchange.on(model); })
        return exchange.on(model);
    else
        return exchange;
}

template <class Exchange, class K, class M>
using exchange_for =
    decltype(resolved_exchange<K, M>(std::declval<Exchange const&>(), std::declval<M const&>()));

}  // namespace spinet
