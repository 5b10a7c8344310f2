// SPDX-License-Identifier: BSD-3-Clause
/// Cluster moves (Wolff) between the sweeps of another kernel.
#pragma once

#include <spinet/detail/vector_math.hpp>
#include <spinet/error.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/sweep_draws.hpp>
#include <spinet/model/concepts.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

namespace detail {

/// Working space of cluster moves: the spins of one row, the sites of the cluster, and whether a site is in.
template <class Real>
struct cluster_space {
    std::vector<Real> spins;
    std::vector<std::uint32_t> members;
    std::vector<std::uint8_t> inside;

    explicit cluster_space(std::size_t sites) : spins(sites), inside(sites) { members.reserve(sites); }
};

/// Grows one cluster from a random spin and flips it, unless the fields refuse: says whether it did.
template <SparseModel M>
bool flip_cluster(M const& model, cluster_space<typename M::spin_type>& space, double beta,
                  draw_sequence& draws) {
    auto const join = [&](std::size_t site) {
        space.inside[site] = 1;
        space.members.push_back(static_cast<std::uint32_t>(site));
    };
    space.members.clear();
    join(uniform_index(draws.next(), model.size()));
    double cost = 0;  // of the fields
    for (std::size_t k = 0; k < space.members.size(); ++k) {
        std::size_t const i = space.members[k];
        double const spin = static_cast<double>(space.spins[i]);
        cost += 2 * spin * static_cast<double>(model.external_fields()[i]);
        auto const sites = model.neighbours(i);
        auto const couplings = model.neighbour_couplings(i);
        for (std::size_t n = 0; n < sites.size(); ++n) {
            std::size_t const j = sites[n];
            double const x =
                2 * beta * static_cast<double>(couplings[n]) * spin * static_cast<double>(space.spins[j]);
            if (space.inside[j] != 0 || !(x > 0)) continue;
            if (uniform<double>(draws.next()) > exp_clamped(-x)) join(j);
        }
    }
    bool const flips = !(cost > 0) || uniform<double>(draws.next()) < exp_clamped(-beta * cost);
    for (std::size_t const i : space.members) {
        space.inside[i] = 0;
        if (flips) space.spins[i] = -space.spins[i];
    }
    return flips;
}

/// The state of another kernel, with that space beside it.
template <class State, class Real>
struct cluster_rows : State {
    cluster_space<Real> space;

    cluster_rows(State state, std::size_t sites) : State(std::move(state)), space(sites) {}
};

/// Passes on the size of tiles that a kernel asks for.
template <class K>
struct tiles_as {};
template <class K>
    requires requires { K::rows_per_tile; }
struct tiles_as<K> {
    static constexpr std::size_t rows_per_tile = K::rows_per_tile;
};

}  // namespace detail

struct wolff_options {
    std::size_t clusters = 1;  ///< attempts a row and sweep; a number that followed the state would bias
};

/// A sweep of K, then cluster moves in every row: from a random spin on, the bond of a spin i of the cluster
/// to a neighbour j is followed with probability 1 - exp(-2 beta J_ij s_i s_j) where that is positive. What
/// was reached is flipped: always without fields; with fields b with probability
/// min(1, exp(-2 beta sum_i b_i s_i)) over the cluster. Couplings of any signs. `wolff{glauber{}}`, or
/// `wolff{metropolis{}, {.clusters = 8}}`; K may be any kernel of a SparseModel, multi_spin and
/// rejection_free among them.
///
/// It pays for ferromagnets near and below T_c. It does not for strong fields, which refuse large clusters,
/// nor for spin glasses in three dimensions, whose clusters span the lattice far above T_c.
///
/// Random numbers have 32 bits: bonds are right to a probability of 2^-32. make_state throws spinet::error
/// where a sweep could take more than the 2^32 numbers of a stream. Source: U. Wolff, Phys. Rev. Lett. 62,
/// 361 (1989).
template <class K = glauber<>>
class wolff : public detail::tiles_as<K> {
public:
    static_assert(
        !requires { typename K::wolff_inside; },
        "spinet: a wolff around a wolff would draw the same numbers twice; ask for more clusters");
    using wolff_inside = K;

    constexpr wolff() noexcept = default;
    constexpr explicit wolff(K inner, wolff_options options = {}) noexcept
        : inner_(std::move(inner)), options_(options) {}

    template <Model M>
    using state = detail::cluster_rows<typename K::template state<M>, typename M::spin_type>;

    template <Model M>
    [[nodiscard]] state<M> make_state(M const& model, std::size_t rows) const {
        static_assert(SparseModel<M>,
                      "spinet: wolff needs a model with few couplings to a spin (SparseModel), such as "
                      "sparse_ising; with many, clusters percolate: they hold nearly all spins, and flipping "
                      "one changes nothing");
        if constexpr (SparseModel<M>) {
            std::size_t most = 2;  // numbers of one attempt
            for (std::size_t i = 0; i < model.size(); ++i) most += model.neighbours(i).size();
            if (options_.clusters > 0xffffffffu / most)
                throw error("wolff: ", options_.clusters, " clusters a sweep; at most ", 0xffffffffu / most,
                            " for this model");
        }
        return {inner_.make_state(model, rows), model.size()};
    }

    template <Model M>
    void prepare(M const& model, state<M>& tile) const {
        inner_.prepare(model, tile);
    }

    template <Model M>
    void sweep(M const& model, state<M>& tile, std::span<double const> betas,
               sweep_draws const& draws) const {
        inner_.sweep(model, tile, betas, draws);
        for (std::size_t r = 0; r < tile.rows(); ++r) {
            draw_sequence numbers(draws.clusters_of_row(r));
            tile.copy_row(r, std::span(tile.space.spins));
            if constexpr (SparseModel<M>)
                for (std::size_t k = 0; k < options_.clusters; ++k)
                    detail::flip_cluster(model, tile.space, betas[r], numbers);
            tile.set_row(r, tile.space.spins);
        }
        inner_.prepare(model, tile);
    }

    [[nodiscard]] std::string name() const {
        return detail::text(std::string(inner_.name()), " + ", options_.clusters, " clusters (wolff)");
    }

private:
    K inner_;
    wolff_options options_;
};

}  // namespace spinet
