// SPDX-License-Identifier: BSD-3-Clause
/// How often pairs of replicas have which overlap: what P(q) is made of.
#pragma once

#include <spinet/detail/blas.hpp>
#include <spinet/detail/packed_spins.hpp>
#include <spinet/error.hpp>
#include <spinet/observable/concepts.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace spinet {

/// Per pair: |q|, then, for each of `bins` bins of equal width on [-1, 1], 1 where q falls into it. An
/// overlap on the edge of two bins counts half in both, so that P(q) of a model without fields is symmetric.
/// N spins +-1 have N + 1 possible overlaps: with as many bins each has its own, with fewer some hold one
/// more than others (overlap_distribution counts them), with more some hold none. A run keeps pairs x bins
/// numbers a temperature and stage. Throws spinet::error for 0 bins.
class overlap_histogram {
public:
    using unit = each_pair;
    static constexpr std::size_t lead = 0;
    static constexpr reading reads = reading::bits;

    explicit overlap_histogram(std::size_t bins = 41) : bins_(bins) {
        if (bins == 0) throw error("overlap_histogram: no bins");
    }

    [[nodiscard]] std::size_t bins() const noexcept { return bins_; }

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const>) const {
        std::vector<std::string> names{"|q|"};
        for (std::size_t b = 0; b < bins_; ++b)
            names.push_back("q in bin " + std::to_string(b) + " of " + std::to_string(bins_));
        return names;
    }

    /// How many of the N + 1 possible overlaps of N spins +-1 each bin holds, in halves.
    [[nodiscard]] std::vector<double> levels(std::size_t sites) const {
        std::vector<double> block(1 + bins_);
        for (std::size_t differing = 0; differing <= sites; ++differing)
            count(differing, sites, block.data());
        return {block.begin() + 1, block.end()};
    }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        std::size_t const n = seen.replicas();
        double* block = out.data();
        if (!seen.bits.empty()) {
            detail::row_differences const rows(seen.bits, seen.groups);
            std::vector<double> differing(seen.groups.size() * rows.stride());
            for (std::size_t a = 0; a + 1 < n; ++a) {
                rows.count(a, differing.data());
                for (std::size_t b = a + 1; b < n; ++b, block += 1 + bins_) {
                    double total = 0;
                    for (std::size_t g = 0; g < seen.groups.size(); ++g)
                        total += differing[g * rows.stride() + b];
                    count(static_cast<std::size_t>(total), seen.sites(), block);
                }
            }
            return;
        }
        std::vector<Real> gram(n * n);
        detail::gram(n, seen.sites(), seen.spins.data, seen.spins.stride, gram.data(), n);
        for (std::size_t a = 0; a < n; ++a)
            for (std::size_t b = a + 1; b < n; ++b, block += 1 + bins_)
                if (seen.space == spin_space::ising)
                    count((seen.sites() - static_cast<std::size_t>(std::lround(gram[a * n + b]))) / 2,
                          seen.sites(), block);
                else
                    count(static_cast<double>(gram[a * n + b]) / static_cast<double>(seen.sites()), block);
    }

private:
    /// In integers: an overlap of sites - 2 differing, over sites.
    void count(std::size_t differing, std::size_t sites, double* block) const noexcept {
        block[0] = std::abs(1.0 - 2.0 * static_cast<double>(differing) / static_cast<double>(sites));
        std::size_t const scaled = (sites - differing) * bins_, bin = scaled / sites;
        bool const on_edge = scaled % sites == 0 && bin > 0 && bin < bins_;
        block[1 + std::min(bin, bins_ - 1)] += on_edge ? 0.5 : 1.0;
        if (on_edge) block[bin] += 0.5;
    }

    /// Of overlaps that are any number; rounding may take them beyond 1.
    void count(double q, double* block) const noexcept {
        block[0] = std::abs(q);
        auto const last = static_cast<double>(bins_ - 1);
        constexpr double on_edge = 1e-5;  // by rounding in float; of a continuum, nothing
        double const at = (q + 1) / 2 * static_cast<double>(bins_);
        for (double const shifted : {at - on_edge, at + on_edge})
            block[1 + static_cast<std::size_t>(std::clamp(std::floor(shifted), 0.0, last))] += 0.5;
    }

    std::size_t bins_;
};

}  // namespace spinet
