// SPDX-License-Identifier: BSD-3-Clause
/// Overlaps of all pairs of replicas at one temperature, for the whole and for each layer.
#pragma once

#include <spinet/detail/blas.hpp>
#include <spinet/detail/packed_spins.hpp>
#include <spinet/observable/moments.hpp>
#include <spinet/observable/observable.hpp>

namespace spinet {

/// Per pair (a, b): q, |q|, q^2, q^4 with q = sum_i s_i^a s_i^b / N, for the whole and, where the model has
/// several groups, for each group by itself. From bits where the cohort has them, by counting; else by one
/// symmetric product per group.
struct overlap {
    static constexpr measured_per per = measured_per::pair;
    static constexpr std::size_t lead = moments::absolute;
    static constexpr reading reads = reading::bits;

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const> groups) const {
        return moments::names("q", groups);
    }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        if (seen.bits.empty())
            by_products(seen, out.data());
        else
            by_counting(seen, out.data());
    }

private:
    template <class Real>
    static void by_counting(cohort<Real> const& seen, double* out) {
        std::size_t const n = seen.replicas(), width = moments::count * moments::parts(seen.groups);
        for (std::size_t a = 0; a < n; ++a)
            for (std::size_t b = a + 1; b < n; ++b, out += width) {
                std::uint64_t const *of_a = seen.bits[a], *of_b = seen.bits[b];
                std::size_t differing = 0;
                for (std::size_t g = 0; g < seen.groups.size(); ++g) {
                    std::size_t const words = detail::words_of(seen.groups[g]);
                    std::size_t const here = detail::differences(of_a, of_b, words);
                    differing += here;
                    of_a += words;
                    of_b += words;
                    if (seen.groups.size() > 1)
                        moments::write(from_differences(here, seen.groups[g].size),
                                       out + (1 + g) * moments::count);
                }
                moments::write(from_differences(differing, seen.sites()), out);
            }
    }

    template <class Real>
    static void by_products(cohort<Real> const& seen, double* out) {
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
                                       out + pair * width + (1 + g) * moments::count);
                }
        }
        for (std::size_t pair = 0; pair < total.size(); ++pair)
            moments::write(total[pair] / static_cast<double>(seen.sites()), out + pair * width);
    }

    [[nodiscard]] static double from_differences(std::size_t differing, std::size_t sites) noexcept {
        return (static_cast<double>(sites) - 2 * static_cast<double>(differing)) / static_cast<double>(sites);
    }
};

}  // namespace spinet
