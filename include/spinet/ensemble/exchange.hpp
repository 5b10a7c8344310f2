// SPDX-License-Identifier: BSD-3-Clause
/// The exchange policies of replica exchange: by energies, by marginal weights, or none.
#pragma once

#include <spinet/detail/vector_math.hpp>
#include <spinet/ensemble/concepts.hpp>
#include <spinet/kernel/rule.hpp>
#include <spinet/kernel/sweep_draws.hpp>
#include <spinet/model/concepts.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

namespace spinet {

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

/// Never swaps: every temperature is simulated on its own. It is not asked.
struct no_exchange {
    static constexpr char const* name() noexcept { return "no exchange"; }
    template <class M, class State>
    [[nodiscard]] static double log_ratio(M const&, State const&, std::size_t, std::size_t, double,
                                          double) noexcept {
        return -std::numeric_limits<double>::infinity();
    }
};

namespace detail {

/// Whether a pause leaves the rule of a kernel what it is: it draws a colour by heat bath.
template <class K, class M>
concept PausingHeatBath = PausingKernel<K, M> && std::same_as<typename K::rule, heat_bath_rule>;

/// The model as each row of a tile sees it.
template <class Exchange, class M, class S>
struct seen_by_rows_of {
    using type = M const&;
};
template <class Exchange, class M, class S>
    requires CappedExchange<Exchange, M, S>
struct seen_by_rows_of<Exchange, M, S> {
    using type = decltype(std::declval<Exchange const&>().view(
        std::declval<M const&>(), std::declval<std::vector<std::uint32_t> const&>()));
};
template <class Exchange, class M, class S>
using seen_by_rows = typename seen_by_rows_of<Exchange, M, S>::type;

}  // namespace detail

/// The policy to use for a kernel and a model: in place of natural_exchange the one it describes, in place of
/// a ModelExchange what its `on(model)` returns, and any other as it is.
template <class K, class M, class Exchange>
[[nodiscard]] auto resolved_exchange(Exchange const& exchange, [[maybe_unused]] M const& model) {
    if constexpr (std::is_same_v<Exchange, natural_exchange>)
        return std::conditional_t<detail::PausingHeatBath<K, M>, marginal_exchange, energy_exchange>{};
    else if constexpr (ModelExchange<Exchange, M>)
        return exchange.on(model);
    else
        return exchange;
}

template <class Exchange, class K, class M>
using exchange_for =
    decltype(resolved_exchange<K, M>(std::declval<Exchange const&>(), std::declval<M const&>()));

}  // namespace spinet
