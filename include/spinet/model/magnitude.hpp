// SPDX-License-Identifier: BSD-3-Clause
/// How large couplings may be.
#pragma once

#include <spinet/error.hpp>

#include <limits>
#include <string>

namespace spinet::detail {

/// No field can overflow: `sum`, of all |J| and |b| of a spin, is far below the largest Real. Throws
/// spinet::error, which begins with what `field()` says, otherwise.
template <class Real, class Name>
void require_fields_fit(double sum, Name&& field) {
    if (!(sum <= static_cast<double>(std::numeric_limits<Real>::max()) / 4))
        throw error(field() + " can overflow: its couplings add up to " + std::to_string(sum));
}

}  // namespace spinet::detail
