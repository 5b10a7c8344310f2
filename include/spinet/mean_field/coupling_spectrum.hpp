// SPDX-License-Identifier: BSD-3-Clause
/// The largest eigenvalues of a model's coupling matrix.
#pragma once

#include <spinet/concepts.hpp>
#include <spinet/mean_field/largest_eigenvalue.hpp>
#include <spinet/mean_field/leading_eigenpairs.hpp>

#include <concepts>
#include <cstddef>
#include <limits>
#include <span>

namespace spinet {

/// y = J x of a model.
template <PairModel M>
void multiply_by_couplings(M const& model, std::span<double const> x, std::span<double> y) {
    using real = typename M::spin_type;
    for (std::size_t i = 0; i < model.size(); ++i) {
        double sum = 0;
        model.for_each_coupling(i, [&](std::size_t first, std::span<real const> couplings) {
            for (std::size_t j = 0; j < couplings.size(); ++j)
                sum += static_cast<double>(couplings[j]) * x[first + j];
        });
        y[i] = sum;
    }
}

/// lambda_max(J), the *naive mean-field* transition temperature: an upper estimate, above which spinet takes
/// a model for a paramagnet (an argument, not a theorem, for couplings of both signs). The transition of a
/// random network is at about half of it (see t_formula).
template <PairModel M>
[[nodiscard]] double largest_coupling_eigenvalue(M const& model) {
    return largest_eigenvalue(model.size(), [&](std::span<double const> x, std::span<double> y) {
        multiply_by_couplings(model, x, y);
    });
}

/// The leading modes of a model: of its coupling matrix J.
template <PairModel M>
[[nodiscard]] eigenpairs leading_modes(M const& model, std::size_t count) {
    return leading_eigenpairs(model.size(), count, [&](std::span<double const> x, std::span<double> y) {
        multiply_by_couplings(model, x, y);
    });
}

/// The temperature above which a model is taken for a paramagnet: what the model says itself, by a member
/// paramagnet_above(), else lambda_max(J) where it shows its couplings, else NaN.
template <Model M>
[[nodiscard]] double paramagnet_above(M const& model) {
    if constexpr (requires {
                      { model.paramagnet_above() } -> std::convertible_to<double>;
                  })
        return model.paramagnet_above();
    else if constexpr (PairModel<M>)
        return largest_coupling_eigenvalue(model);
    else
        return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace spinet
