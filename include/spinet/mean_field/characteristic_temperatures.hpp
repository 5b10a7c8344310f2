// SPDX-License-Identifier: BSD-3-Clause
/// The characteristic temperatures of a model, in one call.
#pragma once

#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/mean_field/measured_variances.hpp>
#include <spinet/mean_field/t_ord.hpp>

#include <limits>

namespace spinet {

/// Three different temperatures of one model, and a range to sample. In units of the couplings (k_B = 1).
struct temperature_scales {
    /// The naive mean-field transition temperature, an upper estimate of the true one: spinet takes the model
    /// for a paramagnet above it. Random couplings order at about half of it.
    double lambda_max = 0;
    /// Where this model orders, by its TAP Hessian, if `t_ord.crosses`; otherwise where a random model of its
    /// kind would freeze as N grows. Ignores fields. A transition of first order may lie above it.
    ordering t_ord = {};
    /// Where independent zero-mean couplings of the same variances would freeze, which is not where trained
    /// couplings do. NaN for models other than network_glass.
    double t_formula = std::numeric_limits<double>::quiet_NaN();
    double lowest = 0;   ///< suggested for a ladder: 1/12 of the highest, lambda_max / 10
    double highest = 0;  ///< suggested for a ladder: 1.2 lambda_max, in the paramagnet
};

namespace detail {

/// T_formula of a network's glass; NaN of other models, which have no layers.
template <class M>
[[nodiscard]] double t_formula_of(M const&) {
    return std::numeric_limits<double>::quiet_NaN();
}
template <class Real>
[[nodiscard]] double t_formula_of(network_glass<Real> const& model) {
    return t_formula(model);
}

/// The ends of a suggested ladder: the top in units of lambda_max, and the top in units of the bottom.
inline constexpr double suggested_top = 1.2, suggested_depth = 12;

}  // namespace detail

/// Computes the characteristic temperatures of a model. External fields are ignored. The range is that of
/// suggested_temperatures. Throws spinet::error for a model without couplings, or where Lanczos does not
/// converge, and spinet::stopped where one of the stop tokens wants it.
template <PairModel M, StopToken... Tokens>
[[nodiscard]] temperature_scales characteristic_temperatures(M const& model, Tokens const&... tokens) {
    temperature_scales found;
    found.t_ord = t_ord(model, tokens...);
    found.lambda_max = largest_coupling_eigenvalue(model, tokens...);
    found.t_formula = detail::t_formula_of(model);
    found.highest = detail::suggested_top * found.lambda_max;
    found.lowest = found.highest / detail::suggested_depth;
    return found;
}

}  // namespace spinet
