// SPDX-License-Identifier: BSD-3-Clause
/// What a run knows of its model beside the spins: which one it is, and what free energies start from.
#pragma once

#include <spinet/detail/fingerprint.hpp>
#include <spinet/detail/vector_math.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/random/streams.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace spinet::detail {

/// Tells models apart: by their energies in eight fixed random states, bit for bit, and their couplings and
/// fields where they show them.
template <Model M>
[[nodiscard]] std::uint64_t model_fingerprint(M const& model) {
    using real = typename M::spin_type;
    fingerprint print;
    print.add_value(static_cast<std::uint64_t>(model.size()));
    std::vector<real> spins(model.size());
    for (std::uint32_t k = 0; k < 8; ++k) {
        stream(0, k, 0, purpose::testing).fill_signs(std::span(spins));
        print.add_value(static_cast<double>(model.energy(std::span<real const>(spins))));
    }
    if constexpr (PairModel<M>) {
        print.add(std::span<real const>(model.external_fields()));
        for (std::size_t i = 0; i < model.size(); ++i)
            model.for_each_coupling(i, [&](std::size_t first, std::span<real const> couplings) {
                print.add_value(first).add(couplings);
            });
    }
    return print.value();
}

/// Uses the model's member if it has one; otherwise computes it from couplings of Ising spins, and is NaN
/// where the model shows none.
template <Model M>
[[nodiscard]] double variance_at_infinite_temperature(M const& model) {
    if constexpr (HasInfiniteTemperatureVariance<M>) {
        return model.variance_at_infinite_temperature();
    } else if constexpr (PairModel<M>) {
        using real = typename M::spin_type;
        double squares = 0;
        for (real const b : model.external_fields())
            squares += static_cast<double>(b) * static_cast<double>(b);
        for (std::size_t i = 0; i < model.size(); ++i)
            model.for_each_coupling(i, [&](std::size_t, std::span<real const> couplings) {
                squares += dot(couplings.data(), couplings.data(), couplings.size()) / 2;
            });
        return squares;
    } else {
        return std::numeric_limits<double>::quiet_NaN();
    }
}

}  // namespace spinet::detail
