// SPDX-License-Identifier: BSD-3-Clause
/// Magnetisation of the whole and of each layer.
#pragma once

#include <spinet/detail/packed_spins.hpp>
#include <spinet/observable/concepts.hpp>
#include <spinet/observable/moments.hpp>

#include <numeric>

namespace spinet {

/// Per replica: m, |m|, m^2, m^4 with m = sum_i s_i / N, for the whole and, where the model has several
/// groups, for each group by itself.
struct magnetisation {
    using unit = each_replica;
    static constexpr std::size_t lead = moments::absolute;
    static constexpr reading reads = reading::bits;

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const> groups) const {
        return moments::names("m", groups);
    }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        std::size_t const width = moments::count * moments::parts(seen.groups);
        for (std::size_t r = 0; r < seen.replicas(); ++r) {
            double total = 0;
            std::size_t word = 0;
            for (std::size_t g = 0; g < seen.groups.size(); ++g) {
                auto const& group = seen.groups[g];
                double sum = 0;
                if (seen.bits.empty()) {
                    auto const spins = seen.spins.row(r).subspan(group.first, group.size);
                    sum = std::accumulate(spins.begin(), spins.end(), 0.0);
                } else {
                    sum = 2 * static_cast<double>(
                                  detail::set_bits(seen.bits[r] + word, detail::words_of(group))) -
                          static_cast<double>(group.size);
                    word += detail::words_of(group);
                }
                total += sum;
                if (seen.groups.size() > 1)
                    moments::write(sum / static_cast<double>(group.size),
                                   out.data() + r * width + (1 + g) * moments::count);
            }
            moments::write(total / static_cast<double>(seen.sites()), out.data() + r * width);
        }
    }
};

}  // namespace spinet
