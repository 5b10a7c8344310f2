// SPDX-License-Identifier: BSD-3-Clause
/// Link overlaps and products of layers' overlaps: against sums over bonds, and an identity of Gaussian
/// glasses.
#include "../catch.hpp"
#include <spinet/model/dense_ising.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/model/network_glass.hpp>
#include <spinet/model/sparse_ising.hpp>
#include <spinet/observable/group_overlaps.hpp>
#include <spinet/observable/link_overlap.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/statistics/distributions.hpp>
#include <spinet/testing/enumeration.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

static_assert(Observable<link_overlap> && Observable<link_overlap, double> && Observable<group_overlaps>);

/// Rows of spins, with their bits.
struct rows_of_spins {
    std::vector<spin_group> groups;
    std::size_t replicas, sites;
    std::vector<float> spins;
    std::vector<std::uint64_t> words;
    std::vector<std::uint64_t const*> bits;
    std::vector<double> energies;

    template <class Spins>
    rows_of_spins(std::vector<spin_group> of, std::size_t n, Spins&& write)
        : groups(std::move(of)),
          replicas(n),
          sites(groups.back().first + groups.back().size),
          energies(n, 0.0) {
        spins.resize(n * sites);
        auto const layout = detail::words_of_row(groups);
        for (std::size_t r = 0; r < n; ++r) {
            write(r, std::span(spins).subspan(r * sites, sites));
            for (auto const& word : layout)
                words.push_back(detail::packed(spins.data() + r * sites + word.first, word.count));
        }
        for (std::size_t r = 0; r < n; ++r) bits.push_back(words.data() + r * layout.size());
    }

    [[nodiscard]] float const* row(std::size_t r) const { return spins.data() + r * sites; }

    /// What an observable writes of them; from bits as from spins.
    template <class O>
    [[nodiscard]] std::vector<double> measured(O const& observable) const {
        std::vector<double> out(O::unit::count(replicas) * observable.components(groups).size(),
                                std::numeric_limits<double>::quiet_NaN());
        auto from_bits = out;
        cohort<float> const plain{{spins.data(), replicas, sites, sites}, energies, groups, 1.0};
        observable.measure(plain, std::span(out));
        cohort<float> const packed{{nullptr, replicas, sites, sites}, energies, groups, 1.0, bits};
        observable.measure(packed, std::span(from_bits));
        CHECK(from_bits == out);
        return out;
    }
};

rows_of_spins random_rows(std::vector<spin_group> groups, std::size_t replicas, std::uint32_t seed) {
    return {std::move(groups), replicas, [&](std::size_t r, std::span<float> to) {
                stream const draws(seed, 0, static_cast<std::uint32_t>(r), purpose::testing);
                for (std::uint32_t i = 0; i < to.size(); ++i) to[i] = draws.bits(i) % 3 != 0 ? 1.0f : -1.0f;
            }};
}

using bond_list = std::vector<std::pair<std::size_t, std::size_t>>;

/// q_link and its square, by a sum over bonds, of each list of bonds.
void check_links(rows_of_spins const& rows, link_overlap const& observable,
                 std::vector<bond_list> const& expected) {
    auto const found = rows.measured(observable);
    std::size_t const width = expected.size() * link_overlap::count;
    REQUIRE(observable.parts() == expected.size());
    REQUIRE(found.size() == each_pair::count(rows.replicas) * width);
    std::size_t pair = 0;
    for (std::size_t a = 0; a < rows.replicas; ++a)
        for (std::size_t b = a + 1; b < rows.replicas; ++b, ++pair)
            for (std::size_t part = 0; part < expected.size(); ++part) {
                CHECK(observable.bonds(part) == expected[part].size());
                double sum = 0;
                for (auto const& [i, j] : expected[part])
                    sum += static_cast<double>(rows.row(a)[i] * rows.row(a)[j] * rows.row(b)[i] *
                                               rows.row(b)[j]);
                double const q = sum / static_cast<double>(expected[part].size());
                CHECK(std::abs(found[pair * width + part * 2] - q) < 1e-12);
                CHECK(std::abs(found[pair * width + part * 2 + 1] - q * q) < 1e-12);
            }
}

/// A model that shows whole rows of couplings and is no DenseModel.
struct rows_only {
    using spin_type = float;
    dense_ising<float> inner;

    [[nodiscard]] std::size_t size() const { return inner.size(); }
    [[nodiscard]] double energy(std::span<float const> spins) const { return inner.energy(spins); }
    [[nodiscard]] double energy_change(std::span<float const> spins, std::size_t site, float value) const {
        return inner.energy_change(spins, site, value);
    }
    void fields(rows_view<float const> spins, rows_view<float> out) const { inner.fields(spins, out); }
    [[nodiscard]] std::span<float const> external_fields() const { return inner.external_fields(); }
    template <class Visit>
    void for_each_coupling(std::size_t site, Visit&& visit) const {
        inner.for_each_coupling(site, visit);
    }
};
static_assert(PairModel<rows_only> && !DenseModel<rows_only>);

bond_list between(spin_group const& a, spin_group const& b) {
    bond_list list;
    for (std::size_t i = 0; i < a.size; ++i)
        for (std::size_t j = 0; j < b.size; ++j) list.emplace_back(a.first + i, b.first + j);
    return list;
}

std::vector<spin_group> one_group(std::size_t sites) { return {{"all", 0, sites}}; }

}  // namespace

TEST_CASE("link overlaps are sums over bonds: lattices and graphs", "[observable]") {
    for (auto const& edges : {std::vector<std::size_t>{3}, {70}, {5, 4}, {3, 4, 3}, {9, 11}}) {
        auto const lattice = edwards_anderson<float>(edges, gaussian_bonds{}, 3);
        bond_list bonds;
        for (std::size_t site = 0; site < lattice.size(); ++site) {
            std::size_t stride = 1;
            for (std::size_t const edge : edges) {
                std::size_t const x = site / stride % edge;
                bonds.emplace_back(site, site + ((x + 1) % edge - x) * stride);
                stride *= edge;
            }
        }
        for (std::size_t const replicas : {2u, 3u, 9u})
            check_links(random_rows(one_group(lattice.size()), replicas, 5), link_overlap(lattice), {bonds});
    }
    // Bonds of weight 0 count, and several between two spins are one.
    sparse_ising<float> const graph(4, {{0, 1, 0.0f}, {2, 1, 1.0f}, {1, 2, 3.0f}, {3, 0, -1.0f}});
    check_links(random_rows(one_group(4), 4, 6), link_overlap(graph), {{{0, 1}, {1, 2}, {0, 3}}});
}

TEST_CASE("link overlaps of networks, whole and block by block", "[observable]") {
    auto const glass = random_layered_glass<float>({70, 5, 66, 3}, {1.0, 1.0, 1.0}, 3);
    auto const groups = glass.groups();
    std::vector<bond_list> lists(1);
    for (std::size_t l = 0; l + 1 < 4; ++l) {
        lists.push_back(between(groups[l], groups[l + 1]));
        lists[0].insert(lists[0].end(), lists.back().begin(), lists.back().end());
    }
    link_overlap const links(glass);
    check_links(random_rows({groups.begin(), groups.end()}, 5, 7), links, lists);
    auto const names = links.components(groups);
    CHECK(names[0] == "q_link");
    CHECK(names[1] == "q_link^2");
    CHECK(names[4] == "q_link of " + groups[1].name + "-" + groups[2].name);
    auto const two = random_layered_glass<float>({8, 5}, {1.0}, 3);
    check_links(random_rows({two.groups().begin(), two.groups().end()}, 4, 8), link_overlap(two),
                {between(two.groups()[0], two.groups()[1])});
}

TEST_CASE("link overlaps of dense models follow from q", "[observable]") {
    auto const sk = sherrington_kirkpatrick<float>(13, 1);
    bond_list all;
    for (std::size_t i = 0; i < 13; ++i)
        for (std::size_t j = i + 1; j < 13; ++j) all.emplace_back(i, j);
    check_links(random_rows(one_group(13), 5, 9), link_overlap(sk), {all});
    // A spin is no bond with itself, though a row of couplings has a place for it.
    check_links(random_rows(one_group(13), 5, 9), link_overlap(rows_only{sk}), {all});
    auto const rows = random_rows(one_group(13), 2, 10);
    double const q = rows.measured(overlap{})[0];
    CHECK(rows.measured(link_overlap(sk))[0] == Approx((13 * q * q - 1) / 12).margin(1e-13));
}

TEST_CASE("link overlaps do not see global flips, and outlive their model", "[observable]") {
    auto rows = random_rows(one_group(36), 3, 11);
    std::optional<link_overlap> links;
    {
        auto const model = std::make_unique<sparse_ising<float>>(ising_lattice<float>({6, 6}));
        links.emplace(*model);
    }
    auto const before = rows.measured(*links);
    rows_of_spins const flipped(one_group(36), 3, [&](std::size_t r, std::span<float> to) {
        for (std::size_t i = 0; i < 36; ++i) to[i] = r == 1 ? -rows.row(r)[i] : rows.row(r)[i];
    });
    CHECK(flipped.measured(*links) == before);
    CHECK(rows.measured(link_overlap(*links)) == before);
    CHECK_THROWS_WITH(random_rows(one_group(35), 3, 1).measured(*links),
                      ContainsSubstring("other groups of spins"));
    CHECK_THROWS_WITH(link_overlap(sparse_ising<float>(4, {})), "link_overlap: the model has no bonds");
}

TEST_CASE("products of layers' overlaps", "[observable]") {
    auto const glass = random_layered_glass<float>({70, 5, 66}, {1.0, 1.0}, 3);
    auto const rows = random_rows({glass.groups().begin(), glass.groups().end()}, 5, 12);
    auto const found = rows.measured(group_overlaps{});
    std::set<std::size_t> places;
    std::size_t pair = 0;
    for (std::size_t a = 0; a < 5; ++a)
        for (std::size_t b = a + 1; b < 5; ++b, ++pair)
            for (std::size_t g = 0; g < 3; ++g)
                for (std::size_t h = 0; h < 3; ++h) {
                    double q[2] = {0, 0};
                    for (int side = 0; side < 2; ++side) {
                        auto const& group = rows.groups[side == 0 ? g : h];
                        for (std::size_t i = group.first; i < group.first + group.size; ++i)
                            q[side] += static_cast<double>(rows.row(a)[i] * rows.row(b)[i]) /
                                       static_cast<double>(group.size);
                    }
                    std::size_t const at = group_overlaps::component(3, g, h);
                    places.insert(at);
                    CHECK(found[pair * 6 + at] == Approx(q[0] * q[1]).margin(1e-13));
                }
    CHECK(places.size() == 6);
    CHECK(*places.rbegin() == 5);
    // Of neighbouring layers, it is the link overlap of the block between them.
    auto const links = rows.measured(link_overlap(glass));
    for (std::size_t p = 0; p < pair; ++p)
        CHECK(found[p * 6 + group_overlaps::component(3, 0, 1)] == Approx(links[p * 6 + 2]).margin(1e-13));
    CHECK(group_overlaps{}.components(rows.groups)[1] ==
          "q of " + rows.groups[0].name + " times q of " + rows.groups[1].name);
    CHECK_THROWS_WITH(group_overlaps{}.components(one_group(4)), ContainsSubstring("several groups"));
    CHECK_THROWS_WITH(group_overlaps::component(3, 0, 3), ContainsSubstring("found 0 and 3"));
}

TEST_CASE("Gaussian glasses: [U] = -beta sum over bonds of (1 - [<q_link>]), over disorder",
          "[observable][slow]") {
    // Katzgraber, Palassini, Young, Phys. Rev. B 63, 184422 (2001). Energies by enumeration, q_link of exact
    // draws: 3 x 3 lattices of 18 bonds, at two temperatures. Student, p = 0.001 / 2; and the error must be
    // small enough to tell the identity from one that is 3 % off.
    constexpr std::size_t samples = 12'000, replicas = 12, bonds = 18;
    for (double const temperature : {0.6, 1.5}) {
        double sum = 0, squares = 0, energy = 0;
        for (std::uint32_t s = 0; s < samples; ++s) {
            auto const model =
                edwards_anderson<float>({3, 3}, gaussian_bonds{}, child_seed(1, purpose::testing, s));
            testing::exact_distribution const exact(model, temperature);
            rows_of_spins const rows(one_group(9), replicas, [&](std::size_t r, std::span<float> to) {
                auto const draw = stream(2, s, static_cast<std::uint32_t>(r), purpose::testing).bits(0);
                testing::spins_of_state(exact.draw(uniform<double>(draw)), to);
            });
            auto const found = rows.measured(link_overlap(model));
            double q = 0;
            std::size_t const pairs = each_pair::count(replicas);
            for (std::size_t p = 0; p < pairs; ++p) q += found[2 * p] / static_cast<double>(pairs);
            double const off = exact.mean_energy() + bonds / temperature * (1 - q);
            sum += off, squares += off * off, energy += exact.mean_energy();
        }
        constexpr double n = samples;
        double const mean = sum / n, error = std::sqrt((squares / n - mean * mean) / (n - 1));
        CAPTURE(temperature, mean, error, energy / n);
        CHECK(std::abs(mean) < student_t_quantile(1 - 0.0005 / 2, n - 1) * error);
        CHECK(error < 0.01 * std::abs(energy / n));
    }
}
