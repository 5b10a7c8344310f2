// SPDX-License-Identifier: BSD-3-Clause
/// The largest eigenvalue of a model's coupling matrix.
#pragma once

#include <spinet/concepts.hpp>
#include <spinet/mean_field/largest_eigenvalue.hpp>

#include <cstddef>
#include <span>

namespace spinet {

/// lambda_max(J): above T = lambda_max the model is a paramagnet. It is the *naive mean-field* transition
/// temperature, an upper estimate: the true one of a random network is about half of it (see t_formula).
template <PairModel M>
[[nodiscard]] double largest_coupling_eigenvalue(M const& model) {
    using real = typename M::spin_type;
    return largest_eigenvalue(model.size(), [&](std::span<double const> x, std::span<double> y) {
        for (std::size_t i = 0; i < model.size(); ++i) {
            double sum = 0;
            model.for_each_coupling(i, [&](std::size_t first, std::span<real const> couplings) {
                for (std::size_t j = 0; j < couplings.size(); ++j)
                    sum += static_cast<double>(couplings[j]) * x[first + j];
            });
            y[i] = sum;
        }
    });
}

}  // namespace spinet
