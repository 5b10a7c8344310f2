// SPDX-License-Identifier: BSD-3-Clause
/// Heat bath (Glauber) sweeps.
#pragma once

#include <spinet/kernel/site_kernel.hpp>

namespace spinet {

/// Every update draws the spin from its conditional distribution, P(s_i = +1) = 1 / (1 + exp(-2 beta h_i)).
/// `glauber{}` takes the scan that suits the model; `glauber{random_scan{}}` names one. Source: R. J.
/// Glauber, J. Math. Phys. 4, 294 (1963).
template <class Scan = natural_scan>
struct glauber : site_kernel<heat_bath_rule, Scan> {
    using pauses = glauber;  ///< sweep_redrawing is a sweep of this kernel

    constexpr glauber() noexcept = default;
    constexpr explicit glauber(Scan) noexcept {}
};

}  // namespace spinet
