// SPDX-License-Identifier: BSD-3-Clause
/// Moves of two replicas at one temperature.
#pragma once

#include <spinet/model/concepts.hpp>
#include <spinet/random/streams.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace spinet {

/// Replicas never meet.
struct no_pair_move {
    static constexpr char const* name() noexcept { return "no pair moves"; }
    static constexpr double highest() noexcept { return 0; }
    template <class M, class Spins>
    [[nodiscard]] double operator()(M const&, Spins, Spins, std::uint32_t) const noexcept {
        return 0;
    }
};

/// Cluster moves on sparse graphs, without rejection: a connected set of sites at which two replicas differ,
/// grown from a random one of these, is swapped between them. The sum of the energies stays as it is, fields
/// or not. After each sweep and its exchanges, at all temperatures up to `below`: above the temperature where
/// clusters percolate they only swap the replicas. Source: Houdayer, Eur. Phys. J. B 22, 479 (2001); with the
/// limit in temperature, Zhu, Ochoa, Katzgraber, Phys. Rev. Lett. 115, 077201 (2015).
struct isoenergetic_clusters {
    double below = std::numeric_limits<double>::infinity();

    static constexpr char const* name() noexcept { return "isoenergetic clusters"; }
    [[nodiscard]] double highest() const noexcept { return below; }

    template <Model M>
    [[nodiscard]] double operator()(M const& model, std::span<typename M::spin_type> a,
                                    std::span<typename M::spin_type> b, std::uint32_t draw) const {
        static_assert(
            SparseModel<M>,
            "spinet: isoenergetic_clusters needs a sparse model (SparseModel): with couplings between "
            "most pairs, all differing spins are one cluster, and the move swaps whole replicas");
        if constexpr (SparseModel<M>) {
            // Without branches: which sites differ cannot be foretold.
            std::size_t const n = a.size();
            std::vector<std::uint8_t> open(n);             // differs, and is not in the cluster yet
            std::vector<typename M::spin_type> shared(n);  // the spin where both are the same, else 0
            std::vector<std::uint32_t> cluster(n + 1);     // at first, all sites that differ
            std::size_t differing = 0;
            for (std::size_t i = 0; i < n; ++i) {
                open[i] = a[i] != b[i] ? 1 : 0;
                shared[i] = (a[i] + b[i]) / 2;
                cluster[differing] = static_cast<std::uint32_t>(i);
                differing += open[i];
            }
            if (differing == 0) return 0;
            cluster[0] = cluster[uniform_index(draw, differing)];
            open[cluster[0]] = 0;
            double change = 0;
            std::size_t size = 1;
            for (std::size_t at = 0; at < size; ++at) {
                std::size_t const i = cluster[at];
                auto const sites = model.neighbours(i);
                auto const couplings = model.neighbour_couplings(i);
                double field = static_cast<double>(model.external_fields()[i]);
                for (std::size_t k = 0; k < sites.size(); ++k) {
                    std::uint32_t const j = sites[k];
                    field += static_cast<double>(couplings[k]) * static_cast<double>(shared[j]);
                    cluster[size] = j;
                    size += open[j];
                    open[j] = 0;
                }
                change += 2 * static_cast<double>(a[i]) * field;
                std::swap(a[i], b[i]);
            }
            return change;
        } else {
            return 0;
        }
    }
};

}  // namespace spinet
