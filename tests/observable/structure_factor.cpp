// SPDX-License-Identifier: BSD-3-Clause
/// Overlaps at a wave vector against plain sums over sites.
#include "../catch.hpp"
#include <spinet/detail/packed_spins.hpp>
#include <spinet/observable/structure_factor.hpp>
#include <spinet/random/streams.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

using namespace spinet;
using Catch::Approx;

static_assert(Observable<structure_factor> && reading_of<structure_factor> == reading::bits);

TEST_CASE("structure factor: plain sums over a lattice of unequal edges", "[observable]") {
    std::vector<std::size_t> const edges{3, 4, 5};
    std::size_t const n = 60, replicas = 3;
    std::vector<float> spins(replicas * n);
    stream(4, 0, 0, purpose::testing).fill_signs(std::span(spins));
    std::vector<spin_group> const groups{{"all", 0, n}};
    std::vector<double> energies(replicas), out(3 * 2, 0.0);
    cohort<float> const seen{{spins.data(), replicas, n, n}, energies, groups, 1.0};
    structure_factor const observable(edges);
    CHECK(observable.components(groups).size() == 2);
    observable.measure(seen, out);
    std::size_t pair = 0;
    for (std::size_t a = 0; a < replicas; ++a)
        for (std::size_t b = a + 1; b < replicas; ++b, ++pair) {
            double zero = 0, at_k = 0;
            double const pi = std::acos(-1.0);
            for (int d = 0; d < 3; ++d) {
                double real = 0, imaginary = 0;
                zero = 0;
                for (std::size_t z = 0; z < 5; ++z)
                    for (std::size_t y = 0; y < 4; ++y)
                        for (std::size_t x = 0; x < 3; ++x) {
                            std::size_t const i = x + 3 * (y + 4 * z);
                            double const q =
                                static_cast<double>(spins[a * n + i]) * static_cast<double>(spins[b * n + i]);
                            double const place = d == 0   ? static_cast<double>(x) / 3
                                                 : d == 1 ? static_cast<double>(y) / 4
                                                          : static_cast<double>(z) / 5;
                            zero += q / n;
                            real += q * std::cos(2 * pi * place) / n;
                            imaginary += q * std::sin(2 * pi * place) / n;
                        }
                at_k += (real * real + imaginary * imaginary) / 3;
            }
            CHECK(out[2 * pair] == Approx(zero * zero).margin(1e-14));
            CHECK(out[2 * pair + 1] == Approx(at_k).margin(1e-14));
        }
    CHECK_THROWS_WITH(structure_factor({3, 4}).measure(seen, out),
                      Catch::Matchers::ContainsSubstring("a lattice of 12 sites, but 60 spins"));
    CHECK_THROWS_WITH(structure_factor({}), Catch::Matchers::ContainsSubstring("no edges"));
    CHECK_THROWS_WITH(structure_factor({3, 0}), Catch::Matchers::ContainsSubstring("edge 1 is 0"));
}

TEST_CASE("structure factor: the same from bits, whatever groups they are kept in", "[observable]") {
    for (auto const& edges :
         std::vector<std::vector<std::size_t>>{{3, 4, 5}, {8, 8, 8}, {70}, {1, 65}, {2, 3, 4, 5}}) {
        std::size_t n = 1;
        for (std::size_t const edge : edges) n *= edge;
        std::size_t const replicas = 4;
        std::vector<float> spins(replicas * n);
        stream(5, 0, 0, purpose::testing).fill_signs(std::span(spins));
        std::vector<double> energies(replicas), plain(6 * 2, 0.0), counted(6 * 2, 0.0);
        structure_factor const observable(edges);
        for (auto const& groups : std::vector<std::vector<spin_group>>{
                 {{"all", 0, n}}, {{"few", 0, 7}, {"many", 7, n - 8}, {"last", n - 1, 1}}}) {
            std::vector<std::vector<std::uint64_t>> words(replicas);
            std::vector<std::uint64_t const*> rows;
            for (std::size_t r = 0; r < replicas; ++r) {
                for (auto const& each : detail::words_of_row(groups))
                    words[r].push_back(detail::packed(spins.data() + r * n + each.first, each.count));
                rows.push_back(words[r].data());
            }
            cohort<float> seen{{spins.data(), replicas, n, n}, energies, groups, 1.0};
            std::fill(plain.begin(), plain.end(), 0.0);
            observable.measure(seen, plain);
            seen.spins.data = nullptr;
            seen.bits = rows;
            std::fill(counted.begin(), counted.end(), 0.0);
            observable.measure(seen, counted);
            CAPTURE(edges.size(), n, groups.size());
            CHECK(counted == plain);
        }
    }
}

TEST_CASE("correlation lengths: of a Lorentzian, its own", "[observable]") {
    // chi(k) = 1 / (xi^-2 + 4 sin^2(k / 2))
    for (double const xi : {0.7, 3.0, 20.0}) {
        std::size_t const edge = 12;
        double const sine = std::sin(std::acos(-1.0) / 12);
        CHECK(correlation_length(xi * xi, 1 / (1 / (xi * xi) + 4 * sine * sine), edge) == Approx(xi));
    }
    CHECK(correlation_length(1, 2, 8) == 0);
    CHECK(correlation_length(1, 1, 8) == 0);
}
