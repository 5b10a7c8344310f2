// SPDX-License-Identifier: BSD-3-Clause
/// Energy per spin.
#pragma once

#include <spinet/observable/concepts.hpp>

namespace spinet {

/// Per replica: u = E/N and u^2.
struct energy {
    using unit = each_replica;
    static constexpr std::size_t lead = 0;
    static constexpr reading reads = reading::energies;

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const>) const {
        return {"u", "u^2"};
    }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        for (std::size_t r = 0; r < seen.replicas(); ++r) {
            double const u = seen.energies[r] / static_cast<double>(seen.sites());
            out[2 * r] = u;
            out[2 * r + 1] = u * u;
        }
    }
};

}  // namespace spinet
