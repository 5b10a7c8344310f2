// SPDX-License-Identifier: BSD-3-Clause
/// The variances of a network glass's couplings, measured, and the T_formula that follows from them.
#pragma once

#include <spinet/detail/mean_and_variance.hpp>
#include <spinet/model/network_glass.hpp>
#include <spinet/spectrum/bond_matrix.hpp>

#include <cstddef>
#include <utility>
#include <variant>
#include <vector>

namespace spinet {

/// The couplings of one block: part `from` of the glass to part `to`.
struct block_variance {
    std::size_t from, to;
    double mean;
    double variance;  ///< about the mean, over all entries
};

namespace detail {

/// Of the couplings of a block, pairs that it does not couple included.
template <class Block>
[[nodiscard]] block_variance variance_of(std::vector<spin_group> const& parts, Block const& block) {
    std::size_t const rows = parts[block.to].size;
    double const pairs = static_cast<double>(rows) * static_cast<double>(parts[block.from].size);
    auto const found = moments_of(pairs, [&](auto&& f) {
        for (std::size_t i = 0; i < rows; ++i)
            block.for_each_coupling(parts, block.to, i, [&](std::size_t, auto couplings) {
                for (auto const j : couplings) f(static_cast<double>(j));
            });
    });
    return {block.from, block.to, found.mean, found.variance};
}

}  // namespace detail

/// Mean and variance of every block of couplings, in the order of glass.blocks(), over all pairs of a spin of
/// one part and one of the other (0 where they are not coupled). A trained network's blocks have neither mean
/// zero nor independent entries, so a variance does not describe their dominant modes.
template <class Real>
[[nodiscard]] std::vector<block_variance> measured_variances(network_glass<Real> const& glass) {
    std::vector<block_variance> all;
    std::vector<spin_group> const parts(glass.parts().begin(), glass.parts().end());
    for (auto const& any : glass.blocks())
        std::visit([&](auto const& block) { all.push_back(detail::variance_of(parts, block)); }, any);
    return all;
}

/// The temperature at which independent zero-mean couplings of the measured variances would freeze: sqrt of
/// the largest eigenvalue of B, B_gh = sigma^2_gh N_h over all parts g and h that a block joins, however they
/// are connected. For a chain of layers it is t_formula(sizes, variances). It is NOT where this
/// network orders if its couplings are trained: that is t_ord. Fields are ignored. Without blocks it is 0.
template <class Real>
[[nodiscard]] double t_formula(network_glass<Real> const& glass) {
    std::vector<double> sizes;
    for (auto const& part : glass.parts()) sizes.push_back(static_cast<double>(part.size));
    bond_matrix bonds(std::move(sizes));
    for (auto const& block : measured_variances(glass)) bonds.add(block.from, block.to, block.variance);
    return bonds.t_formula();
}

}  // namespace spinet
