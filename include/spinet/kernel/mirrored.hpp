// SPDX-License-Identifier: BSD-3-Clause
/// A kernel that, after each sweep, may turn a whole replica into its mirror image.
#pragma once

#include <spinet/detail/vector_math.hpp>
#include <spinet/kernel/site_kernel.hpp>
#include <spinet/kernel/spin_lanes.hpp>
#include <spinet/kernel/spin_rows.hpp>
#include <spinet/kernel/sweep_draws.hpp>
#include <spinet/model/concepts.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace spinet {

namespace detail {
template <class K>
concept names_its_pauses = std::same_as<typename K::pauses, K>;
}  // namespace detail

/// A sweep of the inner kernel, then s -> -s by heat bath: that costs 2 b . s. Without fields the two are
/// equal and half of all replicas turn; with the biases of a network for fields, a low temperature knows two
/// nearly equal valleys with all of the barrier between them, which this steps over. For any PairModel
/// and any site_kernel.
template <class K>
class mirrored {
    static_assert(
        std::derived_from<K, site_kernel<typename K::rule, typename K::scan>>,
        "spinet: mirrored takes glauber or metropolis, or another site_kernel: other kernels keep what a "
        "turned row no longer fits");

public:
    using rule = typename K::rule;
    using scan = typename K::scan;
    template <Model M>
    using state = typename K::template state<M>;

    mirrored() = default;
    explicit mirrored(K inner) : inner_(std::move(inner)) {}

    template <Model M>
    [[nodiscard]] state<M> make_state(M const& model, std::size_t rows) const {
        return inner_.make_state(model, rows);
    }

    template <Model M>
    void prepare(M const& model, state<M>& tile) const {
        inner_.prepare(model, tile);
    }

    template <Model M>
    void sweep(M const& model, state<M>& tile, std::span<double const> betas,
               sweep_draws const& draws) const {
        inner_.sweep(model, tile, betas, draws);
        turn(model, tile, betas, draws);
    }

    template <BlockModel M, class Pause>
        requires requires(K const& inner, M const& model, state<M>& tile, Pause& pause) {
            inner.sweep_redrawing(model, tile, std::span<double const>(), sweep_draws{}, std::size_t{0},
                                  pause);
        }
    void sweep_redrawing(M const& model, state<M>& tile, std::span<double const> betas,
                         sweep_draws const& draws, std::size_t redrawn, Pause&& pause) const {
        inner_.sweep_redrawing(model, tile, betas, draws, redrawn, pause);
        turn(model, tile, betas, draws);
    }
    using pauses = std::conditional_t<detail::names_its_pauses<K>, mirrored, void>;

    [[nodiscard]] std::string name() const { return detail::text(std::string(inner_.name()), ", mirrored"); }

private:
    template <class M>
    static void turn(M const& model, state<M>& tile, std::span<double const> betas,
                     sweep_draws const& draws) {
        using real = typename M::spin_type;
        static_assert(PairModel<M>, "spinet: mirrored needs a model that shows its fields (PairModel)");
        std::span<real const> const external = model.external_fields();
        for (std::size_t r = 0; r < tile.rows(); ++r) {
            double field = 0;
            if constexpr (std::same_as<state<M>, spin_lanes<real>>) {
                constexpr std::size_t lanes = state<M>::lanes;
                real const* const spins = tile.group(r / lanes) + r % lanes;
                for (std::size_t i = 0; i < external.size(); ++i)
                    field += static_cast<double>(external[i]) * static_cast<double>(spins[i * lanes]);
            } else {
                field = detail::dot(external.data(), tile.spins().row(r).data(), external.size());
            }
            if (!detail::flips<heat_bath_rule>(
                    betas[r] * 2 * field, uniform<double>(draws.mirror_of_row(r).bits(0)), zero_cost::accept))
                continue;
            tile.energies()[r] += 2 * field;
            if constexpr (std::same_as<state<M>, spin_lanes<real>>) {
                constexpr std::size_t lanes = state<M>::lanes;
                real* const spins = tile.group(r / lanes) + r % lanes;
                for (std::size_t i = 0; i < external.size(); ++i) spins[i * lanes] = -spins[i * lanes];
            } else {
                // Where a kernel by colours keeps the external fields in place of fields, they stay.
                real* const spins = tile.spins().row(r).data();
                real* const fields = tile.fields().row(r).data();
                for (std::size_t i = 0; i < external.size(); ++i) {
                    spins[i] = -spins[i];
                    fields[i] = 2 * external[i] - fields[i];
                }
            }
        }
    }

    K inner_;
};

}  // namespace spinet
