// SPDX-License-Identifier: BSD-3-Clause
/// What follows from overlaps: susceptibilities, link overlaps, correlations between layers, q_EA.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>
#include <spinet/observable/connected_overlaps.hpp>
#include <spinet/observable/group_overlaps.hpp>
#include <spinet/observable/link_overlap.hpp>
#include <spinet/observable/overlap.hpp>
#include <spinet/observable/overlap_histogram.hpp>
#include <spinet/run/recorder.hpp>
#include <spinet/run/run.hpp>
#include <spinet/statistics/estimates.hpp>
#include <spinet/statistics/overlap_distribution.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace spinet {

/// <q_ab>, averaged over the run at temperature `rung`, of all pairs of replicas: shape (replicas, replicas),
/// symmetric. `part` 0 is the whole model, part g + 1 its group g. The diagonal is 1, which holds for spins
/// +-1 and on the sphere; it is not measured. Throws spinet::error for a temperature or a part that the run
/// does not have, and without measurements.
template <class... Os>
[[nodiscard]] row_major_array<double, 2> mean_overlap_matrix(run<Os...> const& of, std::size_t rung,
                                                             std::size_t part = 0) {
    detail::check_part("mean_overlap_matrix", part, moments::parts(of.groups));
    auto const& recorders = of.template of<overlap>();
    if (rung >= recorders.size())
        throw error("mean_overlap_matrix: expected the index of a temperature below ", recorders.size(),
                    ", found ", rung);
    auto const& recorded = recorders[rung];
    if (recorded.count() == 0) throw error("mean_overlap_matrix: no measurements at this temperature");
    std::size_t const n = recorded.replicas();
    row_major_array<double, 2> q({n, n}, 1.0);
    std::size_t pair = 0;
    for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = a + 1; b < n; ++b, ++pair) {
            double sum = 0;
            for (std::size_t s = 0; s < recorder::stages; ++s)
                sum += recorded.sum(s, pair, part * moments::count + moments::mean);
            q(a, b) = q(b, a) = sum / static_cast<double>(recorded.count());
        }
    return q;
}

/// chi_SG = N <q^2> of one instance, N being the spins of the part: 0 the whole, g + 1 group g. Averaged over
/// disorder (disorder_average), that of an SK model above T_c goes to 1 / (1 - beta^2).
template <class... Os>
[[nodiscard]] curve spin_glass_susceptibility(run<Os...> const& of, std::size_t part = 0) {
    detail::check_part("spin_glass_susceptibility", part, moments::parts(of.groups));
    auto const spins = static_cast<double>(part == 0 ? of.sites : of.groups[part - 1].size);
    return estimates<overlap>(
        of, [&](auto mean) { return spins * mean(part * moments::count + moments::square); });
}

/// The connected (replicon) susceptibility (1 / N) sum_ij (<s_i s_j> - <s_i><s_j>)^2 = N (<q_ab^2> - 2 <q_ab
/// q_ac> + <q_ab q_cd>) of one instance, N being the spins of the part, from connected_overlaps{}. In a
/// field, where spin_glass_susceptibility is of order N at every temperature because <q> is not 0, this one
/// diverges only where a glass begins. Without a field and above the transition the two agree.
template <class... Os>
[[nodiscard]] curve connected_susceptibility(run<Os...> const& of, std::size_t part = 0) {
    detail::check_part("connected_susceptibility", part, moments::parts(of.groups));
    auto const spins = static_cast<double>(part == 0 ? of.sites : of.groups[part - 1].size);
    return estimates<connected_overlaps>(of, [&](auto mean) {
        std::size_t const first = part * connected_overlaps::count;
        return spins *
               (mean(first + connected_overlaps::of_two) - 2 * mean(first + connected_overlaps::of_three) +
                mean(first + connected_overlaps::of_four));
    });
}

/// <q_link>; `part` 0 is the whole, p + 1 coupling block p of a model that has several.
///
/// Over an ensemble of independent Gaussian couplings of variance sigma^2 (not for one sample, nor for
/// trained weights) [<q_link>] = 1 - T |[U]| / (bonds sigma^2) in equilibrium, at any size: disorder_average
/// of both sides is a test of equilibration (Katzgraber, Palassini, Young, Phys. Rev. B 63, 184422, 2001).
template <class... Os>
[[nodiscard]] curve mean_link_overlap(run<Os...> const& of, std::size_t part = 0) {
    detail::check_part("mean_link_overlap", part,
                       of.template of<link_overlap>()[0].width() / link_overlap::count);
    return estimates<link_overlap>(
        of, [&](auto mean) { return mean(part * link_overlap::count + link_overlap::mean); });
}

/// <q_link^2> - <q_link>^2.
template <class... Os>
[[nodiscard]] curve link_overlap_variance(run<Os...> const& of, std::size_t part = 0) {
    detail::check_part("link_overlap_variance", part,
                       of.template of<link_overlap>()[0].width() / link_overlap::count);
    return estimates<link_overlap>(of, [&](auto mean) {
        double const q = mean(part * link_overlap::count + link_overlap::mean);
        return mean(part * link_overlap::count + link_overlap::square) - q * q;
    });
}

/// <q_g q_h> of two groups (layers).
template <class... Os>
[[nodiscard]] curve mean_group_overlaps(run<Os...> const& of, std::size_t g, std::size_t h) {
    std::size_t const component = group_overlaps::component(of.groups.size(), g, h);
    return estimates<group_overlaps>(of, [&](auto mean) { return mean(component); });
}

/// <q_g q_h> / sqrt(<q_g^2> <q_h^2>): 1 where two layers are ordered together, 0 where one does not know of
/// the other. Independent layers of N_g and N_h spins give 0 whatever their sizes.
template <class... Os>
[[nodiscard]] curve group_overlap_correlation(run<Os...> const& of, std::size_t g, std::size_t h) {
    auto const component = [&](std::size_t a, std::size_t b) {
        return group_overlaps::component(of.groups.size(), a, b);
    };
    std::size_t const both = component(g, h), first = component(g, g), second = component(h, h);
    return estimates<group_overlaps>(
        of, [&](auto mean) { return mean(both) / std::sqrt(mean(first) * mean(second)); });
}

namespace detail {

/// Where a density of q on [-1, 1], folded to |q|, is largest. Bins that cover nothing are passed over.
[[nodiscard]] inline double peak_of(std::vector<double> const& shares, std::span<double const> covers) {
    std::size_t const bins = shares.size(), half = (bins + 1) / 2;
    std::vector<double> folded(half);  // bin f is at |q| = (f + 1/2) width, or f width for an odd number
    bool const odd = bins % 2 == 1;
    for (std::size_t b = bins / 2; b < bins; ++b)
        folded[b - bins / 2] = covers[b] > 0 ? (shares[b] + shares[bins - 1 - b]) / covers[b] : 0.0;
    std::size_t best = 0;
    for (std::size_t f = 1; f < half; ++f)
        if (folded[f] > folded[best]) best = f;
    double shift = 0;
    auto const covered = [&](std::size_t f) { return covers[bins / 2 + f] > 0; };
    if (best > 0 && best + 1 < half && covered(best - 1) && covered(best + 1)) {
        double const left = folded[best - 1], right = folded[best + 1],
                     bend = 2 * folded[best] - left - right;
        if (bend > 0) shift = (right - left) / (2 * bend);
    }
    return (static_cast<double>(best) + (odd ? 0.0 : 0.5) + shift) * 2 / static_cast<double>(bins);
}

}  // namespace detail

// Estimates of q_EA, the overlap of two replicas in one valley. They agree where there is one valley and its
// mirror image and N is large; in general they do not, so that each has its name: mean_abs_overlap, which is
// below q_EA wherever replicas meet in different valleys, and these two.

/// Where P(|q|) of the whole model is largest: a bin of the run's overlap_histogram{}, refined by a parabola
/// through its neighbours. Right to a bin at best (overlap_histogram{N + 1} has one for each overlap); its
/// jackknife error is rough where leaving a replica out moves it from one maximum to another, and 0 where all
/// replicas agree on a bin.
template <class... Os>
[[nodiscard]] curve overlap_peak(run<Os...> const& of) {
    std::size_t const bins = of.template of<overlap_histogram>()[0].width() - 1;
    auto const covers = detail::covered_by_bins(bins, of.ising ? of.sites : 0);
    return estimates<overlap_histogram>(of, [&](auto mean) {
        std::vector<double> shares(bins);
        for (std::size_t b = 0; b < bins; ++b) shares[b] = mean(1 + b);
        return detail::peak_of(shares, covers);
    });
}

/// sqrt(<q^2>), whole or of group part - 1: between <|q|> and the peak.
template <class... Os>
[[nodiscard]] curve root_mean_square_overlap(run<Os...> const& of, std::size_t part = 0) {
    detail::check_part("root_mean_square_overlap", part, moments::parts(of.groups));
    return estimates<overlap>(
        of, [&](auto mean) { return std::sqrt(mean(part * moments::count + moments::square)); });
}

}  // namespace spinet
