// SPDX-License-Identifier: BSD-3-Clause
/// Sweeps of a tile by an acceptance rule and a scan; the machinery under glauber and metropolis.
#pragma once

#include <spinet/kernel/block_sweep.hpp>
#include <spinet/kernel/concepts.hpp>
#include <spinet/kernel/dense_sweep.hpp>
#include <spinet/kernel/field_sweep.hpp>
#include <spinet/kernel/lane_sweep.hpp>
#include <spinet/kernel/rule.hpp>
#include <spinet/kernel/scan.hpp>
#include <spinet/kernel/soft_sweep.hpp>
#include <spinet/kernel/spin_rows.hpp>
#include <spinet/kernel/sweep_draws.hpp>
#include <spinet/model/concepts.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

namespace spinet {

namespace detail {

/// Spins in [-1, 1], which heat bath draws.
template <class Rule, class M>
concept DrawnSoftly = IntervalModel<M> && std::same_as<Rule, heat_bath_rule>;

}  // namespace detail

/// The engine follows from the model and the scan. Of Ising spins: whole colours by matrix products for
/// layer_blocks; blocks of visits with delayed updates on a dense model; sixteen rows side by side on a
/// sparse one; else row by row, with cached fields where the model can keep them up to date. Spins in [-1, 1]
/// are drawn by heat bath, whole colours or row by row.
template <class Rule, class Scan>
class site_kernel {
    static_assert(
        AcceptanceRule<Rule>,
        "spinet: this is no AcceptanceRule; it needs flip_ratio(x, zero) for float and double, and name()");

public:
    using rule = Rule;
    using scan = Scan;

    template <Model M>
    using state = std::conditional_t<detail::DrawnSoftly<Rule, M>, soft_rows<typename M::spin_type>,
                                     std::conditional_t<SparseModel<M>, spin_lanes<typename M::spin_type>,
                                                        spin_rows<typename M::spin_type>>>;

    template <Model M>
    [[nodiscard]] state<M> make_state(M const& model, std::size_t rows) const {
        static_assert(space_of<M> != spin_space::sphere,
                      "spinet: single spins cannot move on a sphere; take langevin{} for this model");
        static_assert(space_of<M> != spin_space::interval || IntervalModel<M>,
                      "spinet: a model of spins in [-1, 1] needs measure(), a SpinMeasure (IntervalModel)");
        static_assert(space_of<M> == spin_space::ising || detail::DrawnSoftly<Rule, M>,
                      "spinet: metropolis turns spins round; take glauber{} for spins in [-1, 1]");
        if constexpr (SparseModel<M>)
            return {rows, model.size()};
        else
            return {rows, model.size(),
                    delayed<M>                ? row_cache::fields_and_changes
                    : detail::keeps_fields<M> ? row_cache::fields
                                              : row_cache::none};
    }

    /// To be called after the spins were set from outside: brings fields and energies in line with them. (For
    /// layer_blocks `fields` is working space: only the last colour's are fields.)
    template <Model M>
    void prepare(M const& model, state<M>& tile) const {
        if constexpr (SparseModel<M>) {
            for (std::size_t g = 0; g < tile.groups(); ++g) {
                auto const energies = detail::lane_energies(model, tile.group(g));
                for (std::size_t lane = 0; lane < energies.size(); ++lane)
                    if (std::size_t const r = g * energies.size() + lane; r < tile.rows())
                        tile.energies()[r] = energies[lane];
            }
        } else if constexpr (detail::keeps_fields<M>) {
            detail::refresh_fields(model, tile);
            if constexpr (std::is_same_v<scan_for<Scan, M>, layer_blocks>)
                detail::reset_fields(model, tile, 0, model.colours() - 1);
        } else {
            for (std::size_t r = 0; r < tile.rows(); ++r)
                tile.energies()[r] = model.energy(tile.spins().row(r));
        }
    }

    /// One sweep: N updates of every row. `betas` has one entry per row.
    template <Model M>
    void sweep(M const& model, state<M>& tile, std::span<double const> betas,
               sweep_draws const& draws) const {
        using order = scan_for<Scan, M>;
        static_assert(
            !std::is_same_v<order, layer_blocks> || BlockModel<M>,
            "spinet: layer_blocks needs a model with colours (BlockModel), such as network_glass; use "
            "random_scan or sequential_scan for this model");
        if constexpr (detail::DrawnSoftly<Rule, M>) {
            if constexpr (std::is_same_v<order, layer_blocks>) {
                detail::sweep_soft_blocks(model, tile, betas, draws);
            } else {
                if (draws.sweep % sweeps_between_refreshes == 0) prepare(model, tile);
                for (std::size_t r = 0; r < tile.rows(); ++r)
                    detail::sweep_soft_row<order>(model, tile, r, betas[r], draws);
            }
        } else if constexpr (std::is_same_v<order, layer_blocks>) {
            detail::sweep_blocks<Rule>(model, tile, betas, draws, model.colours(), [] {});
        } else if constexpr (SparseModel<M>) {
            if (draws.sweep % sweeps_between_refreshes == 0) prepare(model, tile);
            for (std::size_t g = 0; g < tile.groups(); ++g)
                detail::sweep_lanes<Rule, order>(model, tile, g, betas, draws);
        } else if constexpr (detail::keeps_fields<M>) {
            // Rounding of the incremental fields must not build up.
            if (draws.sweep % sweeps_between_refreshes == 0) prepare(model, tile);
            if constexpr (delayed<M>)
                detail::sweep_dense<Rule, order>(model, tile, betas, draws);
            else
                for (std::size_t r = 0; r < tile.rows(); ++r)
                    detail::sweep_row_by_fields<Rule, order>(model, tile, r, betas[r], draws);
        } else {
            for (std::size_t r = 0; r < tile.rows(); ++r)
                detail::sweep_row_by_energies<Rule, order>(model, tile, r, betas[r], draws);
        }
    }

    /// The same, with a pause: `pause()` is called when the fields of colour `redrawn` are up to date, and
    /// may change betas. The spins of that colour are then drawn by heat bath, whatever the rule: without
    /// memory of what they were.
    template <BlockModel M, class Pause>
        requires HasSpace<M, spin_space::ising> && std::same_as<scan_for<Scan, M>, layer_blocks>
    void sweep_redrawing(M const& model, state<M>& tile, std::span<double const> betas,
                         sweep_draws const& draws, std::size_t redrawn, Pause&& pause) const {
        detail::sweep_blocks<Rule>(model, tile, betas, draws, redrawn, pause);
    }

    [[nodiscard]] std::string name() const {
        return detail::text(std::string(Rule::name()), " (", Scan::name(), " scan)");
    }

private:
    static constexpr std::uint32_t sweeps_between_refreshes = 64;

    template <class M>
    static constexpr bool delayed = [] { return DenseModel<M> && ThresholdRule<Rule>; }();
};

}  // namespace spinet
