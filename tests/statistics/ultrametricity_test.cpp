// SPDX-License-Identifier: BSD-3-Clause
/// Trees of replicas: exact trees, independent vectors, dendrograms worked out by hand.
#include "../catch.hpp"
#include "../files.hpp"
#include <spinet/io/atomic_file.hpp>
#include <spinet/io/overlap_plot.hpp>
#include <spinet/observable/stored_spins.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/statistics/ultrametricity.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <numbers>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Leaves of a binary tree: every edge of level l turns a block of spins of its own, `blocks[l]` of them, so
/// that distances are 2 x (the blocks below the branching) / N. Leaves in shuffled places, every third turned
/// over as a whole.
stored_spins tree_of_spins(std::vector<std::size_t> const& blocks, std::size_t sites, bool turn) {
    std::size_t const leaves = std::size_t{1} << blocks.size();
    stored_spins spins({{"all", 0, sites}}, leaves);
    for (std::size_t leaf = 0; leaf < leaves; ++leaf) {
        std::vector<float> row(sites, 1.0f);
        std::size_t first = 0;
        for (std::size_t level = 0; level < blocks.size(); ++level)
            for (std::size_t edge = 0; edge < std::size_t{2} << level; ++edge, first += blocks[level])
                if (leaf >> (blocks.size() - level - 1) == edge)
                    for (std::size_t i = first; i < first + blocks[level]; ++i) row[i] = -1.0f;
        REQUIRE(first <= sites);
        if (turn && leaf % 3 == 1)
            for (float& s : row) s = -s;
        spins.set_row(5 * leaf % leaves, std::span<float const>(row));
    }
    return spins;
}

overlap_matrix random_vectors(std::size_t replicas, std::size_t sites) {
    stored_spins spins({{"all", 0, sites}}, replicas);
    std::vector<float> row(sites);
    for (std::uint32_t r = 0; r < replicas; ++r) {
        stream(12, 0, r, purpose::testing).fill_signs(std::span(row));
        spins.set_row(r, std::span<float const>(row));
    }
    return overlap_matrix(spins);
}

/// From distances (1 - q) / 2, given for pairs 01, 02, ..., 12, ...
overlap_matrix at_distances(std::size_t n, std::vector<double> const& d) {
    std::size_t pair = 0;
    xt::xtensor<double, 2> q({n, n}, 1.0);
    for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = a + 1; b < n; ++b) q(a, b) = q(b, a) = 1 - 2 * d[pair++];
    return overlap_matrix(q);
}

void check_merge(dendrogram::merge const& found, std::size_t first, std::size_t second, double height) {
    CHECK(found.first == first);
    CHECK(found.second == second);
    CHECK(found.height == Approx(height).epsilon(1e-12));
}

}  // namespace

TEST_CASE("a tree is ultrametric: K = 0, and clustering finds it again", "[statistics]") {
    for (bool const turn : {false, true}) {
        overlap_matrix const q(tree_of_spins({50, 30, 20, 10}, 1000, turn));
        auto const mirrors = turn ? mirror_images::same : mirror_images::different;
        auto const found = ultrametricity(q, {.mirrors = mirrors, .bins = 10});
        CHECK(found.mean.value == 0.0);
        CHECK(found.mean.error == 0.0);
        CHECK(found.triples == 560);
        CHECK(found.density(0) == Approx(5));  // all in the first bin of width 1/5
        CHECK(found.density(1) == 0.0);
        for (auto const by : {linkage::average, linkage::ward}) {
            auto const tree = clustered(q, by, mirrors);
            if (by == linkage::average)
                CHECK(cophenetic_correlation(q, tree, mirrors) == Approx(1).epsilon(1e-12));
            // Clusters of 2, 4, 8 stand together: their places in the file of leaves differ in low bits only.
            REQUIRE(tree.order.size() == 16);
            CHECK(std::set<std::size_t>(tree.order.begin(), tree.order.end()).size() == 16);
            for (std::size_t const size : {2u, 4u, 8u})
                for (std::size_t k = 0; k < 16; k += size)
                    for (std::size_t j = 1; j < size; ++j)
                        CHECK(13 * tree.order[k] % 16 / size == 13 * tree.order[k + j] % 16 / size);
            if (by == linkage::average) {
                std::vector<double> heights;
                for (auto const& each : tree.merges) heights.push_back(each.height);
                std::vector<double> expected(8, 0.02);
                expected.insert(expected.end(), 4, 0.06);
                expected.insert(expected.end(), 2, 0.12);
                expected.push_back(0.22);
                for (std::size_t m = 0; m < 15; ++m) CHECK(heights[m] == Approx(expected[m]));
            }
        }
        if (turn) {
            // Turned replicas look far away to those who do not know that mirror images are the same.
            CHECK(ultrametricity(q, {.mirrors = mirror_images::different}).mean.value > 0);
        }
    }
}

TEST_CASE("independent vectors: distances are equal but for noise, and K is that of three Gaussians",
          "[statistics]") {
    auto const q = random_vectors(48, 20'000);
    auto const found = ultrametricity(q, {.mirrors = mirror_images::different, .bins = 40, .largest = 4});
    // E[largest - middle of three Gaussians] = 3 / (2 sqrt pi) = 0.846; 4 jackknife errors, and 1/pairs for
    // sigma.
    CAPTURE(found.mean.value, found.mean.error);
    CHECK(std::abs(found.mean.value - 1.5 / std::sqrt(std::numbers::pi)) < 4 * found.mean.error + 1e-3);
    CHECK(found.mean.error < 0.03);
    double sum = 0;
    for (double const bin : found.density) sum += bin * found.width;
    CHECK(sum == Approx(1));
    CHECK(found.triples == 48 * 47 * 46 / 6);
    for (std::size_t a = 0; a < 48; ++a)
        for (std::size_t b = a + 1; b < 48; ++b)
            CHECK(std::abs(distance_of(q(a, b), mirror_images::different) - 0.5) <
                  5 * 0.5 / std::sqrt(20'000.0));
    // Nothing of a tree. (A flat sea of distances correlates with any tree that is made of it, to about 0.3.)
    CHECK(cophenetic_correlation(q, clustered(q)) < 0.6);
    // The P(K) = 0 at K = 0 density of three Gaussians is finite: not a delta peak there.
    CHECK(found.density(0) < 1.5);
}

TEST_CASE("K of four replicas by hand", "[statistics]") {
    // d: 01 0.1, 02 0.2, 03 0.4, 12 0.25, 13 0.3, 23 0.35. d_max - d_med: 012 0.05, 013 0.1, 023 0.05, 123
    // 0.05.
    auto const q = at_distances(4, {0.1, 0.2, 0.4, 0.25, 0.3, 0.35});
    double const mean = 1.6 / 6,
                 sigma = std::sqrt((0.01 + 0.04 + 0.16 + 0.0625 + 0.09 + 0.1225) / 6 - mean * mean);
    auto const found = ultrametricity(q, {.mirrors = mirror_images::different, .bins = 4, .largest = 2});
    CHECK(found.mean.value == Approx(0.0625 / sigma));
    CHECK(found.triples == 4);
    CHECK(found.width == 0.5);
    // 0.05 / sigma = 0.509, 0.1 / sigma = 1.02.
    CHECK(found.density(1) == Approx(0.75 / 0.5));
    CHECK(found.density(2) == Approx(0.25 / 0.5));
    // What is beyond the last bin is in it.
    auto const short_axis =
        ultrametricity(q, {.mirrors = mirror_images::different, .bins = 1, .largest = 0.1});
    CHECK(short_axis.density(0) == Approx(10));
    // Signs: a product that is negative stays so, whatever is turned, and the weakest bond bears it.
    using detail::excess_of_triple;
    CHECK(excess_of_triple({0.5, 0.3, 0.2}, mirror_images::same) == Approx(0.05));
    CHECK(excess_of_triple({-0.5, 0.3, -0.2}, mirror_images::same) == Approx(0.05));
    CHECK(excess_of_triple({0.5, 0.3, -0.2}, mirror_images::same) == Approx(0.25));
    CHECK(excess_of_triple({-0.5, -0.3, -0.2}, mirror_images::same) == Approx(0.25));
    CHECK(excess_of_triple({0.5, 0.3, -0.2}, mirror_images::different) == Approx(0.25));
    CHECK(excess_of_triple({-0.5, 0.3, -0.2}, mirror_images::different) == Approx(0.15));
}

TEST_CASE("joined replicas are one unit, and no pair of one is used", "[statistics]") {
    // Replicas 2k and 2k + 1 are alike: as units of two they say what single ones say.
    auto const single = random_vectors(6, 500);
    xt::xtensor<double, 2> doubled({12, 12});
    for (std::size_t a = 0; a < 12; ++a)
        for (std::size_t b = 0; b < 12; ++b) doubled(a, b) = single(a / 2, b / 2);
    overlap_matrix const twice(doubled);
    auto const alone = ultrametricity(single), pairs = ultrametricity(twice, {.joined = 2});
    CHECK(pairs.mean.value == Approx(alone.mean.value));
    CHECK(pairs.mean.error == Approx(alone.mean.error));
    CHECK(pairs.mean.units == 6);
    CHECK(pairs.triples == 8 * alone.triples);
}

TEST_CASE("dendrograms worked out by hand", "[statistics]") {
    // 01 at 0.1, 23 at 0.2, then the mean of 0.4, 0.5, 0.6, 0.5.
    auto const q = at_distances(4, {0.1, 0.4, 0.5, 0.6, 0.5, 0.2});
    auto const by_mean = clustered(q, linkage::average, mirror_images::different);
    REQUIRE(by_mean.merges.size() == 3);
    check_merge(by_mean.merges[0], 0, 1, 0.1);
    check_merge(by_mean.merges[1], 2, 3, 0.2);
    check_merge(by_mean.merges[2], 4, 5, 0.5);
    CHECK(by_mean.order == std::vector<std::size_t>{0, 1, 2, 3});
    // Pairs: d 0.1 0.4 0.5 0.6 0.5 0.2, in the tree 0.1 0.5 0.5 0.5 0.5 0.2.
    double const covariance = (0.01 + 0.2 + 0.25 + 0.3 + 0.25 + 0.04) - 2.3 * 2.3 / 6,
                 of_d = (0.01 + 0.16 + 0.25 + 0.36 + 0.25 + 0.04) - 2.3 * 2.3 / 6,
                 of_tree = (0.01 + 4 * 0.25 + 0.04) - 2.3 * 2.3 / 6;
    CHECK(cophenetic_correlation(q, by_mean, mirror_images::different) ==
          Approx(covariance / std::sqrt(of_d * of_tree)));
    // Ward: both of 2 and 3 are then at (2 0.4 + 2 0.6 - 0.1) / 3 from 01, and 23 at (3 + 3 times that - 2
    // 0.2) / 4.
    auto const by_ward = clustered(q, linkage::ward, mirror_images::different);
    check_merge(by_ward.merges[2], 4, 5, (6 * 1.9 / 3 - 0.4) / 4);
    // Sizes count: 012 to 3 is (2 0.7 + 1.0) / 3, not (0.7 + 1.0) / 2.
    auto const chain = clustered(at_distances(4, {0.1, 0.3, 0.6, 0.5, 0.8, 1.0}), linkage::average,
                                 mirror_images::different);
    check_merge(chain.merges[0], 0, 1, 0.1);
    check_merge(chain.merges[1], 4, 2, 0.4);
    check_merge(chain.merges[2], 5, 3, 0.8);
    auto const distances = chain.cophenetic_distances();
    CHECK(distances(0, 2) == Approx(0.4));
    CHECK(distances(3, 1) == Approx(0.8));
    CHECK(distances(1, 1) == 0.0);
    CHECK(std::isnan(cophenetic_correlation(at_distances(3, {0.2, 0.2, 0.2}),
                                            clustered(at_distances(3, {0.2, 0.2, 0.2})))));
}

TEST_CASE("Ward's distances are those of the growth of the variance", "[statistics]") {
    // For vectors s of +-1, d = |s - s'|^2 / (4 N), and two clusters of centres c, c' and sizes n, n' merge
    // at 2 n n' / (n + n') |c - c'|^2 / (4 N).
    constexpr std::size_t replicas = 7, sites = 90;
    stored_spins spins({{"all", 0, sites}}, replicas);
    std::vector<std::vector<double>> rows;
    for (std::uint32_t r = 0; r < replicas; ++r) {
        std::vector<double> row(sites);
        stream(13, 0, r, purpose::testing).fill_signs(std::span(row));
        spins.set_row(r, std::span<double const>(row));
        rows.push_back(row);
    }
    auto const tree = clustered(overlap_matrix(spins), linkage::ward, mirror_images::different);
    std::vector<double> sizes(replicas, 1.0);
    double before = 0;
    for (auto const& each : tree.merges) {
        double const a = sizes[each.first], b = sizes[each.second];
        double square = 0;
        std::vector<double> centre(sites);
        for (std::size_t i = 0; i < sites; ++i) {
            double const x = rows[each.first][i], y = rows[each.second][i];
            square += (x - y) * (x - y);
            centre[i] = (a * x + b * y) / (a + b);
        }
        CHECK(each.height == Approx(2 * a * b / (a + b) * square / (4 * sites)));
        CHECK(each.height >= before);
        before = each.height;
        rows.push_back(centre);
        sizes.push_back(a + b);
    }
}

TEST_CASE("an overlap matrix is drawn in the order of its leaves", "[io]") {
    network_test::temporary_directory const directory;
    overlap_matrix const q(tree_of_spins({50, 30, 20}, 400, true));
    auto const tree = clustered(q);
    auto const picture = directory.path() / "q.png";
    bool const drawn = plot_overlaps(picture, q, tree.order);
    CHECK(std::filesystem::exists(picture) == drawn);
    std::istringstream data(read_whole(directory.path() / "q.dat"));
    std::string line;
    std::getline(data, line);
    CHECK_THAT(line, ContainsSubstring("abs_q"));
    REQUIRE(!std::is_sorted(tree.order.begin(), tree.order.end()));
    for (std::size_t a = 0; a < 8; ++a) {
        for (std::size_t b = 0; b < 8; ++b) {
            std::size_t place_a = 9, place_b = 9, replica_a = 9, replica_b = 9;
            double overlap = 9;
            data >> place_a >> place_b >> replica_a >> replica_b >> overlap;
            CHECK(place_a == a);
            CHECK(place_b == b);
            CHECK(replica_a == tree.order[a]);
            CHECK(replica_b == tree.order[b]);
            CHECK(overlap == Approx(std::abs(q(replica_a, replica_b))));
        }
    }
    CHECK_THAT(read_whole(directory.path() / "q.gp"), ContainsSubstring("with image"));
    CHECK_THROWS_AS(plot_overlaps(picture, q, {0, 1, 2}), error);
    CHECK_THROWS_AS(plot_overlaps(picture, q, {0, 1, 2, 2}), error);
    CHECK_NOTHROW(plot_overlaps(directory.path() / "signed.png", q, tree.order, mirror_images::different));
    CHECK_THAT(read_whole(directory.path() / "signed.dat"), ContainsSubstring("replica_b q;"));
}

TEST_CASE("trees and triples refuse what they cannot use", "[statistics]") {
    using array = xt::xtensor<double, 2>;
    CHECK_THROWS_AS(overlap_matrix(array{{1}}), error);
    CHECK_THROWS_WITH(overlap_matrix(array{{1, 0, 0}, {0, 1, 0}}), ContainsSubstring("found (2, 3)"));
    CHECK_THROWS_WITH(overlap_matrix(array{{1, 0, 1.5}, {0, 1, 0}, {1.5, 0, 1}}),
                      ContainsSubstring("found 1.5 of replicas 0 and 2"));
    CHECK_THROWS_WITH(overlap_matrix(array{{1, 0.5}, {0.4, 1}}), ContainsSubstring("of replicas 0 and 1"));
    CHECK_THROWS_WITH(overlap_matrix(array{{1, 0.5}, {0.5, 0.9}}), ContainsSubstring("of replicas 1 and 1"));
    CHECK_THROWS_AS(overlap_matrix(array{{1, std::nan("")}, {std::nan(""), 1}}), error);
    auto const q = random_vectors(8, 50);
    CHECK_THROWS_WITH(ultrametricity(q, {.joined = 3}), ContainsSubstring("at least 4 independent units"));
    CHECK_THROWS_AS(ultrametricity(q, {.joined = 4}), error);
    CHECK_THROWS_AS(ultrametricity(q, {.joined = 0}), error);
    CHECK_THROWS_AS(ultrametricity(q, {.bins = 0}), error);
    CHECK_THROWS_AS(ultrametricity(q, {.largest = 0}), error);
    CHECK_THROWS_AS(ultrametricity(random_vectors(3, 50)), error);
    CHECK_THROWS_WITH(ultrametricity(at_distances(4, {0.2, 0.2, 0.2, 0.2, 0.2, 0.2})),
                      ContainsSubstring("all distances of replicas are equal"));
    CHECK_THROWS_AS(cophenetic_correlation(q, clustered(random_vectors(3, 50))), error);
}
