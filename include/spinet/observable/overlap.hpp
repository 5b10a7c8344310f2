// SPDX-License-Identifier: BSD-3-Clause
/// Overlaps of all pairs of replicas at one temperature, for the whole and for each layer.
#pragma once

#include <spinet/detail/blas.hpp>
#include <spinet/detail/packed_spins.hpp>
#include <spinet/observable/concepts.hpp>
#include <spinet/observable/moments.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace spinet {

/// Per pair (a, b): q, |q|, q^2, q^4 with q = sum_i s_i^a s_i^b / N, for the whole (each spin with the weight
/// of its group) and, where the model has several groups, for each group by itself. From bits where the
/// cohort has them, by counting; else by one symmetric product per group.
struct overlap {
    using unit = each_pair;
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
        std::size_t const n = seen.replicas(), groups = seen.groups.size();
        std::size_t const width = moments::count * moments::parts(seen.groups);
        detail::row_differences const rows(seen.bits, seen.groups);
        std::vector<double> differing(groups * rows.stride()), total(rows.stride());
        for (std::size_t a = 0; a + 1 < n; out += (n - a - 1) * width, ++a) {
            rows.count(a, differing.data());
            std::fill(total.begin(), total.end(), 0.0);
            for (std::size_t g = 0; g < groups; ++g) {
                double const* const here = differing.data() + g * rows.stride();
                for (std::size_t b = a + 1; b < n; ++b) total[b] += seen.groups[g].weight * here[b];
                if (groups > 1)
                    write(static_cast<double>(seen.groups[g].size), std::span(here + a + 1, n - a - 1), width,
                          out + (1 + g) * moments::count);
            }
            write(weighted_sites(seen), std::span(total).subspan(a + 1, n - a - 1), width, out);
        }
    }

    template <class Real>
    static void by_products(cohort<Real> const& seen, double* out) {
        std::size_t const n = seen.replicas(), width = moments::count * moments::parts(seen.groups);
        std::vector<Real> gram(n * n);
        std::vector<double> total(unit::count(n), 0.0);
        for (std::size_t g = 0; g < seen.groups.size(); ++g) {
            auto const& group = seen.groups[g];
            detail::gram(n, group.size, seen.spins.data + group.first, seen.spins.stride, gram.data(), n);
            std::size_t pair = 0;
            for (std::size_t a = 0; a < n; ++a)
                for (std::size_t b = a + 1; b < n; ++b, ++pair) {
                    auto const sum = static_cast<double>(gram[a * n + b]);
                    total[pair] += group.weight * sum;
                    if (seen.groups.size() > 1)
                        moments::write(sum / static_cast<double>(group.size),
                                       out + pair * width + (1 + g) * moments::count);
                }
        }
        double const sites = weighted_sites(seen);
        for (std::size_t pair = 0; pair < total.size(); ++pair)
            moments::write(total[pair] / sites, out + pair * width);
    }

    template <class Real>
    [[nodiscard]] static double weighted_sites(cohort<Real> const& seen) {
        double sum = 0;
        for (auto const& group : seen.groups) sum += group.weight * static_cast<double>(group.size);
        return sum;
    }

    /// The moments of pairs of rows of `all` spins that differ in so many, `width` numbers apart.
    static void write(double all, std::span<double const> differing, std::size_t width, double* out) {
        for (double const differ : differing) {
            moments::write((all - 2 * differ) / all, out);
            out += width;
        }
    }
};

}  // namespace spinet
