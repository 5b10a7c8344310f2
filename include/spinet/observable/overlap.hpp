// SPDX-License-Identifier: BSD-3-Clause
/// Overlaps of all pairs of replicas at one temperature, for the whole and for each layer.
#pragma once

#include <spinet/detail/blas.hpp>
#include <spinet/observable/moments.hpp>
#include <spinet/observable/observable.hpp>

namespace spinet {

/// Per pair (a, b): q, |q|, q^2, q^4 with q = sum_i s_i^a s_i^b / N, for the whole and, where the model has
/// several groups, for each group by itself. A cohort costs one symmetric product per group.
struct overlap {
    static constexpr measured_per per = measured_per::pair;
    static constexpr std::size_t lead = moments::absolute;

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const> groups) const {
        return moments::names("q", groups);
    }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        std::size_t const n = seen.replicas(), width = moments::count * moments::parts(seen.groups);
        std::vector<Real> gram(n * n);
        std::vector<double> total(unit_count(per, n), 0.0);
        for (std::size_t g = 0; g < seen.groups.size(); ++g) {
            auto const& group = seen.groups[g];
            detail::gram(n, group.size, seen.spins.data + group.first, seen.spins.stride, gram.data(), n);
            std::size_t pair = 0;
            for (std::size_t a = 0; a < n; ++a)
                for (std::size_t b = a + 1; b < n; ++b, ++pair) {
                    auto const sum = static_cast<double>(gram[a * n + b]);
                    total[pair] += sum;
                    if (seen.groups.size() > 1)
                        moments::write(sum / static_cast<double>(group.size),
                                       out.data() + pair * width + (1 + g) * moments::count);
                }
        }
        for (std::size_t pair = 0; pair < total.size(); ++pair)
            moments::write(total[pair] / static_cast<double>(seen.sites()), out.data() + pair * width);
    }
};

}  // namespace spinet
