// SPDX-License-Identifier: BSD-3-Clause
/// What is done once with all couplings of a model; how large they may be.
#pragma once

#include <spinet/detail/function_ref.hpp>
#include <spinet/error.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace spinet::detail {

/// model.for_each_coupling(site, visit) for set-up code: the loop over blocks is compiled once for all
/// visitors.
template <class M, class Visit>
void visit_couplings(M const& model, std::size_t site, Visit&& visit) {
    using real = typename M::spin_type;
    model.for_each_coupling(site, function_ref<void(std::size_t, std::span<real const>)>(visit));
}

/// Throws spinet::error, which begins with `field(i)`, where the sum of all |J| and |b| of spin i is not far
/// below the largest number of the spins' type: the field could overflow.
template <class M, class Name>
void require_fields_fit(M const& model, Name&& field) {
    using real = typename M::spin_type;
    for (std::size_t i = 0; i < model.size(); ++i) {
        double sum = std::abs(static_cast<double>(model.external_fields()[i]));
        visit_couplings(model, i, [&](std::size_t, std::span<real const> couplings) {
            for (real const j : couplings) sum += std::abs(static_cast<double>(j));
        });
        if (!(sum <= static_cast<double>(std::numeric_limits<real>::max()) / 4))
            throw error(field(i), " can overflow: its couplings add up to ", sum);
    }
}

}  // namespace spinet::detail
