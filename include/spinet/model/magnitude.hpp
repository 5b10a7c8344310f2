// SPDX-License-Identifier: BSD-3-Clause
/// How large couplings may be.
#pragma once

#include <spinet/error.hpp>

#include <limits>

namespace spinet::detail {

/// Throws spinet::error, which begins with `field()`, where `sum`, of all |J| and |b| of a spin, is not far
/// below the largest Real: the field could overflow.
template <class Real, class Name>
void require_fields_fit(double sum, Name&& field) {
    if (!(sum <= static_cast<double>(std::numeric_limits<Real>::max()) / 4))
        throw error(field(), " can overflow: its couplings add up to ", sum);
}

}  // namespace spinet::detail
