// SPDX-License-Identifier: BSD-3-Clause
/// The geometry of replicas: their overlap matrix, its clustering into a tree, and tests of ultrametricity.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>
#include <spinet/observable/stored_spins.hpp>
#include <spinet/statistics/jackknife.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

namespace spinet {

/// Overlaps q_ab of all pairs of replicas, symmetric, 1 on the diagonal.
class overlap_matrix {
public:
    /// Of the configurations of one temperature. Throws spinet::error below 2.
    explicit overlap_matrix(stored_spins const& spins) : overlap_matrix(overlaps_of(spins)) {}

    /// From overlaps as an array, such as mean_overlap_matrix gives them: any xtensor expression of shape
    /// (replicas, replicas). Throws spinet::error below 2 replicas, for another shape, an overlap outside
    /// [-1, 1], and for numbers that are not symmetric or not 1 on the diagonal.
    template <detail::xtensor_expression A>
    explicit overlap_matrix(A&& overlaps)
        : values_(detail::row_major_copy<double, 2>(std::forward<A>(overlaps), "overlap_matrix")) {
        if (values_.shape(0) != values_.shape(1))
            throw error("overlap_matrix: expected a square array, found ",
                        detail::tuple_text(values_.shape()));
        if (replicas() < 2) throw error("overlap_matrix: expected at least 2 replicas, found ", replicas());
        for (std::size_t a = 0; a < replicas(); ++a)
            for (std::size_t b = a; b < replicas(); ++b) {
                double const q = values_(a, b);
                if (!(std::abs(q) <= 1) || q != values_(b, a) || (a == b && q != 1))
                    throw error(
                        "overlap_matrix: expected overlaps in [-1, 1], symmetric and 1 on the diagonal, "
                        "found ",
                        q, " of replicas ", a, " and ", b);
            }
    }

    [[nodiscard]] std::size_t replicas() const noexcept { return values_.shape(0); }
    [[nodiscard]] double operator()(std::size_t a, std::size_t b) const noexcept {
        return values_.data()[a * replicas() + b];
    }
    [[nodiscard]] row_major_array<double, 2> const& values() const noexcept { return values_; }

private:
    [[nodiscard]] static row_major_array<double, 2> overlaps_of(stored_spins const& spins) {
        row_major_array<double, 2> q({spins.rows(), spins.rows()}, 1.0);
        for (std::size_t a = 0; a < spins.rows(); ++a)
            for (std::size_t b = a + 1; b < spins.rows(); ++b) q(a, b) = q(b, a) = spins.overlap(a, b);
        return q;
    }

    row_major_array<double, 2> values_;
};

/// Are a state and its mirror image the same? Without fields they are.
enum class mirror_images { same, different };

/// d = (1 - |q|) / 2, or (1 - q) / 2 where mirror images are different.
[[nodiscard]] inline double distance_of(double overlap, mirror_images mirrors) noexcept {
    return (1 - (mirrors == mirror_images::same ? std::abs(overlap) : overlap)) / 2;
}

/// Distances of all pairs of replicas, [a, b]; 0 on the diagonal.
[[nodiscard]] inline row_major_array<double, 2> distances_of(overlap_matrix const& q,
                                                             mirror_images mirrors = mirror_images::same) {
    row_major_array<double, 2> d(q.values());
    for (double& each : d) each = distance_of(each, mirrors);
    return d;
}

struct ultrametricity_options {
    mirror_images mirrors = mirror_images::same;
    std::size_t joined =
        1;  ///< so many replicas, next to each other, are one unit; pairs of them are not used
    std::size_t bins = 20;  ///< of P(K), on [0, largest]; the last takes what is beyond
    double largest = 2;
};

struct ultrametricity_estimate {
    jackknife_estimate mean{};                  ///< <K> over triples
    double width = 0;                           ///< of a bin
    row_major_array<double, 1> density, error;  ///< P(K) and its error; bin b covers b width to (b + 1) width
    std::size_t triples = 0;
};

namespace detail {

/// d_max - d_med of three replicas. Mirror images are removed by turning replicas so that the sum of the
/// three overlaps is largest: all positive if their product is, else all but the smallest. (All |q| at once
/// may belong to no choice of signs, and then break the triangle inequality.)
[[nodiscard]] inline double excess_of_triple(std::array<double, 3> q, mirror_images mirrors) noexcept {
    if (mirrors == mirror_images::same) {
        bool const negative = (q[0] < 0) != ((q[1] < 0) != (q[2] < 0));
        for (double& each : q) each = std::abs(each);
        std::sort(q.begin(), q.end());
        if (negative) q[0] = -q[0];
    } else {
        std::sort(q.begin(), q.end());
    }
    return (q[1] - q[0]) / 2;
}

/// Standard deviation of the distances of all pairs without a unit; 0 without pairs.
template <class Overlaps>
[[nodiscard]] double width_of_distances(Overlaps const& q, mirror_images mirrors, std::size_t joined,
                                        std::size_t left_out) {
    double n = 0, sum = 0, squares = 0;
    for (int pass = 0; pass < 2; ++pass)  // about the mean: no cancellation
        for (std::size_t a = 0; a < q.replicas(); ++a)
            for (std::size_t b = (a / joined + 1) * joined; b < q.replicas(); ++b) {
                if (a / joined == left_out || b / joined == left_out) continue;
                double const d = distance_of(q(a, b), mirrors);
                if (pass == 0)
                    ++n, sum += d;
                else
                    squares += (d - sum / n) * (d - sum / n);
            }
    return n > 0 ? std::sqrt(squares / n) : 0.0;
}

}  // namespace detail

/// K = (d_max - d_med) / sigma(d) over all triples of replicas, sigma being the standard deviation of the
/// distances of all pairs. In an ultrametric space every triangle is isosceles with the third side the
/// shortest, so that P(K) = delta(K); a spread of K that shrinks with the size of a system is evidence for
/// it. Source: Katzgraber and Hartmann, Phys. Rev. Lett. 102, 037207 (2009), arXiv:0807.3513. Where distances
/// are independent and Gaussian, as those of independent random vectors, <K> = 3 / (2 sqrt(pi)) = 0.846 with
/// mirror images different: isosceles by chance is what has to be beaten.
///
/// Errors are a jackknife over replicas (units of `joined`): one that is left out takes its triples with it,
/// and sigma is computed anew. O(replicas^4). Throws spinet::error below 4 units, for no bins, and where all
/// distances are equal.
template <std::same_as<overlap_matrix> Overlaps>
[[nodiscard]] ultrametricity_estimate ultrametricity(Overlaps const& q,
                                                     ultrametricity_options const& options = {}) {
    std::size_t const joined = options.joined, n = q.replicas();
    if (joined == 0 || n % joined != 0 || n / joined < 4)
        throw error("ultrametricity: expected at least 4 independent units, found ", n,
                    " replicas joined by ", joined);
    if (options.bins == 0 || !(options.largest > 0) || !std::isfinite(options.largest))
        throw error("ultrametricity: expected bins on [0, largest], found ", options.bins, " up to ",
                    options.largest);
    double const width = options.largest / static_cast<double>(options.bins);
    auto const all = jackknife(n / joined, [&](std::size_t left_out) {
        double const sigma = detail::width_of_distances(q, options.mirrors, joined, left_out);
        constexpr double rounding = 1e-12;
        if (!(sigma > rounding)) throw error("ultrametricity: all distances of replicas are equal");
        std::vector<double> counted(1 + options.bins, 0.0);  // the mean, then the bins
        double triples = 0;
        for (std::size_t a = 0; a < n; ++a)
            for (std::size_t b = (a / joined + 1) * joined; b < n; ++b)
                for (std::size_t c = (b / joined + 1) * joined; c < n; ++c) {
                    if (a / joined == left_out || b / joined == left_out || c / joined == left_out) continue;
                    double const k =
                        detail::excess_of_triple({q(a, b), q(a, c), q(b, c)}, options.mirrors) / sigma;
                    ++triples;
                    counted[0] += k;
                    double const bin = std::min(k / width, static_cast<double>(options.bins - 1));
                    counted[1 + static_cast<std::size_t>(bin)] += 1 / width;
                }
        for (double& each : counted) each /= triples;
        return counted;
    });
    std::size_t const units = n / joined;
    ultrametricity_estimate found{all[0], width, row_major_array<double, 1>::from_shape({options.bins}),
                                  row_major_array<double, 1>::from_shape({options.bins}),
                                  units * (units - 1) * (units - 2) / 6 * joined * joined * joined};
    for (std::size_t b = 0; b < options.bins; ++b) {
        found.density(b) = all[1 + b].value;
        found.error(b) = all[1 + b].error;
    }
    return found;
}

/// How the distance of two clusters follows from those of their members.
enum class linkage {
    average,  ///< their mean (UPGMA)
    ward,     ///< by the growth of the variance; d of spins is a squared Euclidean distance over 4 N
};

/// A tree over leaves 0, ..., n - 1. Merge m makes cluster n + m of two earlier ones; heights do not
/// decrease.
struct dendrogram {
    struct merge {
        std::size_t first, second;
        double height;
    };
    std::size_t leaves = 0;
    std::vector<merge> merges;       ///< leaves - 1 of them
    std::vector<std::size_t> order;  ///< leaves in an order that keeps every cluster together

    /// Height of the smallest cluster that holds both leaves a and b, [a, b]; 0 for a leaf and itself.
    template <class Real = double>
    [[nodiscard]] row_major_array<Real, 2> cophenetic_distances() const {
        row_major_array<Real, 2> distances({leaves, leaves}, 0.0);
        std::vector<std::vector<std::size_t>> members(leaves);
        for (std::size_t leaf = 0; leaf < leaves; ++leaf) members[leaf] = {leaf};
        for (auto const& each : merges) {
            for (std::size_t const a : members[each.first])
                for (std::size_t const b : members[each.second])
                    distances(a, b) = distances(b, a) = each.height;
            members.push_back(std::move(members[each.first]));
            members.back().insert(members.back().end(), members[each.second].begin(),
                                  members[each.second].end());
        }
        return distances;
    }
};

/// Agglomerative clustering of replicas: merges the two nearest clusters until one is left; among equally
/// near pairs, the one with the lowest numbers. O(replicas^3).
template <std::same_as<overlap_matrix> Overlaps>
[[nodiscard]] dendrogram clustered(Overlaps const& q, linkage by = linkage::average,
                                   mirror_images mirrors = mirror_images::same) {
    std::size_t const n = q.replicas();
    auto of_places = distances_of(q, mirrors);  // of the clusters that stand there
    double* const distances = of_places.data();
    std::vector<double> sizes(n, 1.0);
    std::vector<std::size_t> number(n), places(n);  // places that hold clusters, and which
    std::iota(number.begin(), number.end(), std::size_t{0});
    std::iota(places.begin(), places.end(), std::size_t{0});
    std::vector<std::vector<std::size_t>> members(n);
    for (std::size_t leaf = 0; leaf < n; ++leaf) members[leaf] = {leaf};
    dendrogram tree{n, {}, {}};
    while (places.size() > 1) {
        std::size_t best_i = 0, best_j = 1;
        for (std::size_t i = 0; i < places.size(); ++i)
            for (std::size_t j = i + 1; j < places.size(); ++j)
                if (distances[places[i] * n + places[j]] < distances[places[best_i] * n + places[best_j]])
                    best_i = i, best_j = j;
        std::size_t const into = places[best_i], from = places[best_j];
        double const height = distances[into * n + from], size_a = sizes[into], size_b = sizes[from];
        for (std::size_t const other : places) {
            if (other == into || other == from) continue;
            double const a = distances[into * n + other], b = distances[from * n + other],
                         size = sizes[other];
            double const joined =
                by == linkage::average
                    ? (size_a * a + size_b * b) / (size_a + size_b)
                    : ((size_a + size) * a + (size_b + size) * b - size * height) / (size_a + size_b + size);
            distances[into * n + other] = distances[other * n + into] = joined;
        }
        double const before = tree.merges.empty() ? height : tree.merges.back().height;
        tree.merges.push_back({number[into], number[from], std::max(height, before)});  // rounding apart
        number[into] = n + tree.merges.size() - 1;
        sizes[into] += size_b;
        members[into].insert(members[into].end(), members[from].begin(), members[from].end());
        places.erase(places.begin() + static_cast<std::ptrdiff_t>(best_j));
    }
    tree.order = members[places[0]];
    return tree;
}

/// Pearson's correlation of the distances of all pairs with those in the tree: 1 if the distances are those
/// of a tree (ultrametric). NaN where either are all equal.
template <std::same_as<overlap_matrix> Overlaps>
[[nodiscard]] double cophenetic_correlation(Overlaps const& q, dendrogram const& tree,
                                            mirror_images mirrors = mirror_images::same) {
    std::size_t const n = q.replicas();
    if (tree.leaves != n)
        throw error("cophenetic_correlation: expected a tree of ", n, " leaves, found ", tree.leaves);
    auto const in_tree = tree.cophenetic_distances();
    double count = 0, mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
    for (int pass = 0; pass < 2; ++pass)
        for (std::size_t a = 0; a < n; ++a)
            for (std::size_t b = a + 1; b < n; ++b) {
                double const x = distance_of(q(a, b), mirrors), y = in_tree(a, b);
                if (pass == 0) {
                    ++count;
                    mean_x += (x - mean_x) / count, mean_y += (y - mean_y) / count;
                } else {
                    xx += (x - mean_x) * (x - mean_x), yy += (y - mean_y) * (y - mean_y),
                        xy += (x - mean_x) * (y - mean_y);
                }
            }
    if (!(xx > 0) || !(yy > 0)) return std::numeric_limits<double>::quiet_NaN();
    return xy / std::sqrt(xx * yy);
}

}  // namespace spinet
