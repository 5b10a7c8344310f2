// SPDX-License-Identifier: BSD-3-Clause
/// Metropolis sweeps.
#pragma once

#include <spinet/kernel/site_kernel.hpp>

namespace spinet {

/// Every update proposes a flip and takes it with probability min(1, exp(-beta dE)); in a fixed order of
/// sites, flips with dE = 0 with probability 1/2. `metropolis{}` takes the scan that suits the model;
/// `metropolis{random_scan{}}` names one. Source: Metropolis et al., J. Chem. Phys. 21, 1087 (1953).
template <class Scan = natural_scan>
struct metropolis : site_kernel<metropolis_rule, Scan> {
    using pauses = metropolis;  ///< sweep_redrawing is a sweep of this kernel

    constexpr metropolis() noexcept = default;
    constexpr explicit metropolis(Scan) noexcept {}
};

}  // namespace spinet
