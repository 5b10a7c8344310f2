// SPDX-License-Identifier: BSD-3-Clause
/// T_ord against graphs whose Hessian is known in closed form, and on Sherrington-Kirkpatrick glasses.
#include "../catch.hpp"
#include <spinet/mean_field/t_ord.hpp>
#include <spinet/mean_field/tap_hessian.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

using bonds = std::vector<bond<double>>;

void add_bond(bonds& all, std::size_t i, std::size_t j, double coupling) {
    all.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j), coupling});
}

void add_clique(bonds& all, std::size_t first, std::size_t size, double coupling) {
    for (std::size_t i = 0; i < size; ++i)
        for (std::size_t j = 0; j < i; ++j) add_bond(all, first + i, first + j, coupling);
}

sparse_ising<double> clique(std::size_t size, double coupling) {
    bonds all;
    add_clique(all, 0, size, coupling);
    return sparse_ising<double>(size, all);
}

/// On a regular graph with the eigenvalue l and the sum s of squared couplings, T + s / T = l.
double larger_root(double l, double s) { return (l + std::sqrt(l * l - 4 * s)) / 2; }

}  // namespace

TEST_CASE("T_ord of ferromagnets on regular graphs", "[t_ord]") {
    for (std::size_t const n : {7u, 20u, 100u})
        for (double const j : {1e-6, 1.0, 300.0}) {
            auto const found = t_ord(clique(n, j));
            auto const neighbours = static_cast<double>(n - 1);
            CAPTURE(n, j, found.temperature);
            CHECK(found.crosses);
            CHECK(found.temperature == Approx(larger_root(neighbours * j, neighbours * j * j)).epsilon(1e-8));
            CHECK(std::abs(found.smallest_eigenvalue) < 1e-8);
            CHECK(found.positive_above == Approx(found.temperature).epsilon(1e-8));
            CHECK(found.positive_above < neighbours * j);
        }
    CHECK(t_ord(ising_lattice({6, 6, 6})).temperature == Approx(larger_root(6, 6)).epsilon(1e-8));
    CHECK(t_ord(ising_lattice({4, 4, 4, 4})).temperature == Approx(larger_root(8, 8)).epsilon(1e-8));
    // The square lattice touches 0 and does not cross it.
    auto const square = t_ord(ising_lattice({8, 8}));
    CHECK(square.temperature == Approx(2).epsilon(1e-3));
    CHECK(std::abs(square.smallest_eigenvalue) < 1e-6);
}

TEST_CASE("T_ord of two layers of unequal width", "[t_ord]") {
    // All couplings 1, widths a and b: (T + b/T)(T + a/T) = a b.
    double const a = 30, b = 6;
    auto const model = layered_glass<double>({xt::xtensor<double, 2>(xt::ones<double>({6, 30}))});
    double const sum = a * b - a - b;
    double const expected = std::sqrt((sum + std::sqrt(sum * sum - 4 * a * b)) / 2);
    auto const found = t_ord(model);
    CHECK(found.crosses);
    CHECK(found.temperature == Approx(expected).epsilon(1e-8));
    CHECK(found.positive_above > found.temperature);
    CHECK(found.positive_above < std::sqrt(a * b));
}

TEST_CASE("T_ord is the largest crossing, however narrow", "[t_ord]") {
    // An octahedron whose opposite corners are coupled a little: A(T) <= 0 in 0.4 % of T round 2. Beside it a
    // large clique, unstable in a wide range further down.
    double const x = 1e-5;
    bonds all;
    for (std::size_t i = 0; i < 6; ++i)
        for (std::size_t j = 0; j < i; ++j) add_bond(all, i, j, i == j + 3 ? x : 1.0);
    add_clique(all, 6, 40, 0.02);
    sparse_ising<double> const model(46, all);
    auto const found = t_ord(model);
    CHECK(found.crosses);
    CHECK(found.temperature == Approx(larger_root(4 + x, 4 + x * x)).epsilon(1e-6));
    // Without the couplings between opposite corners it does not cross, only touch.
    bonds rest;
    for (auto const& each : all)
        if (each.coupling != x && each.coupling != 1.0) rest.push_back(each);
    CHECK(t_ord(sparse_ising<double>(46, rest)).temperature ==
          Approx(larger_root(39 * 0.02, 39 * 0.0004)).epsilon(1e-8));
}

TEST_CASE("where nothing crosses, the minimum of the smallest eigenvalue", "[t_ord]") {
    // A ring: 1 + 2 beta^2 - 2 beta, least 1/2 at T = 2. A clique of antiferromagnets: lambda_max = 1 and
    // s = n - 1.
    auto const ring = t_ord(ising_lattice({10}));
    CHECK_FALSE(ring.crosses);
    CHECK(ring.temperature == Approx(2).epsilon(1e-4));
    CHECK(ring.smallest_eigenvalue == Approx(0.5).epsilon(1e-8));
    CHECK(ring.positive_above == 0);
    auto const frustrated = t_ord(clique(8, -1));
    CHECK_FALSE(frustrated.crosses);
    CHECK(frustrated.temperature == Approx(14).epsilon(1e-4));
    CHECK(frustrated.smallest_eigenvalue == Approx(1 - 1.0 / 28).epsilon(1e-8));
    // A star with k rays, by its two-dimensional symmetric part, minimised here by a fine grid.
    bonds rays;
    double const k = 9;
    for (std::size_t i = 1; i <= 9; ++i) add_bond(rays, 0, i, 1.0);
    rays.push_back({0, 10, 1e-3});  // and a spin that is hardly coupled
    auto const star = t_ord(sparse_ising<double>(12, rays));
    double least = 1, at = 0;
    for (double t = 0.5; t < 20; t += 1e-3) {
        double const p = 1 + k / (t * t), q = 1 + 1 / (t * t), r = k / (t * t);
        double const smallest = (p + q) / 2 - std::sqrt((p - q) * (p - q) / 4 + r);
        if (smallest < least) {
            least = smallest;
            at = t;
        }
    }
    CHECK_FALSE(star.crosses);
    CHECK(star.temperature == Approx(at).margin(2e-3));
    CHECK(star.smallest_eigenvalue == Approx(least).margin(1e-5));
}

TEST_CASE("spins that are hardly coupled do not hide where the others order", "[t_ord]") {
    // Far below the others' temperatures, rounding leaves nothing of the smallest eigenvalue.
    auto const glass = sherrington_kirkpatrick<double>(60, 5);
    auto const alone = t_ord(glass);
    REQUIRE_FALSE(alone.crosses);
    for (double const weak : {1e-3, 1e-6, 1e-8, 1e-12, 1e-20, 1e-150}) {
        bonds all;
        for (std::uint32_t i = 0; i < 60; ++i)
            for (std::uint32_t j = 0; j < i; ++j) all.push_back({i, j, glass.couplings().row(i)[j]});
        all.push_back({60, 61, weak});
        auto const found = t_ord(sparse_ising<double>(62, all));
        CAPTURE(weak, found.temperature, found.smallest_eigenvalue);
        CHECK_FALSE(found.crosses);
        CHECK(found.temperature == Approx(alone.temperature).epsilon(2e-4));
        CHECK(found.smallest_eigenvalue == Approx(alone.smallest_eigenvalue).margin(1e-6));
    }
}

TEST_CASE("the smallest eigenvalue of an SK glass nearly vanishes at T = 1", "[t_ord][slow]") {
    // lambda_max(J) = 2 + N^(-2/3) x with x of Tracy and Widom's law (mean -1.21, standard deviation 1.27),
    // so the minimum, about 1 - lambda_max^2 / 4, is -x N^(-2/3), and a crossing lies up to sqrt(x N^(-2/3))
    // above T = 1. The law gives x < -6 and x > 4 about 1e-4 each: nine samples pass but for 0.2 %.
    for (std::size_t const n : {64u, 256u, 1024u}) {
        double const scale = std::pow(static_cast<double>(n), -2.0 / 3);
        for (std::uint64_t s = 1; s <= (n == 1024 ? 1u : 4u); ++s) {
            auto const found = t_ord(sherrington_kirkpatrick<float>(n, s));
            CAPTURE(n, s, found.temperature, found.smallest_eigenvalue, found.crosses);
            CHECK(found.smallest_eigenvalue < 6 * scale);
            CHECK(found.smallest_eigenvalue > -1e-6);
            CHECK(std::abs(found.temperature - 1) < 2 * std::sqrt(scale));
        }
    }
}

TEST_CASE("T_ord knows the couplings only, and refuses models without", "[t_ord]") {
    auto const bare = clique(12, 0.3);
    bonds all;
    add_clique(all, 0, 12, 0.3);
    sparse_ising<double> const in_field(13, all,
                                        std::vector<double>(13, 0.7));  // and a spin without couplings
    CHECK(t_ord(in_field).temperature == Approx(t_ord(bare).temperature).epsilon(1e-10));
    CHECK_THROWS_WITH(t_ord(sparse_ising<double>(5, {})), ContainsSubstring("no couplings"));
    CHECK_THROWS_WITH(t_ord(random_layered_glass<float>({3, 2}, {0.0}, 1)),
                      ContainsSubstring("no couplings"));
}

TEST_CASE("T_ord is where the general Hessian says so", "[t_ord]") {
    auto const model = random_layered_glass<double>({40, 30, 20}, {0.1, 0.2}, 8);
    std::vector<double> const zero(model.size(), 0.0);
    auto const found = t_ord(model);
    double const here = smallest_hessian_eigenvalue(model, found.temperature, zero);
    CHECK(here == Approx(found.smallest_eigenvalue).margin(1e-6));
    if (!found.crosses)
        for (double const factor : {0.5, 0.8, 0.95, 1.05, 1.2, 2.0})
            CHECK(smallest_hessian_eigenvalue(model, factor * found.temperature, zero) > here);
}

namespace {

/// Counts how often it is asked, which t_ord does before each product with the couplings.
struct counting_token {
    std::size_t* asked;
    std::size_t limit = std::numeric_limits<std::size_t>::max();
    bool stop_requested() const { return ++*asked > limit; }
};

}  // namespace

TEST_CASE("layers of very different couplings take no more products than others", "[t_ord]") {
    // The largest eigenvalues of the Hessian are 1e8 times those that are looked for, where the weak layers
    // order: Lanczos on the Hessian itself took thousands of products for each temperature.
    std::vector<double> const variances{4.9e-11, 4.9e-11, 4.9e-11, 4.9e-11, 5.6e-3};
    auto const model = random_layered_glass<double>({16, 60, 60, 60, 60, 5}, variances, 3);
    std::size_t asked = 0;
    auto const found = t_ord(model, counting_token{&asked});
    CAPTURE(asked, found.temperature, found.smallest_eigenvalue);
    CHECK(asked < 15'000);
    CHECK_FALSE(found.crosses);
    // Of the dense matrix by LAPACK, whose errors are some 1e-16 of its norm, 1e8.
    auto const at = [&](double t) {
        auto const j = couplings_of(model);
        std::size_t const n = model.size();
        std::vector<double> a(n * n);
        for (std::size_t i = 0; i < n; ++i) {
            a[i * n + i] = 1;
            for (std::size_t k = 0; k < n; ++k) {
                a[i * n + k] -= j(i, k) / t;
                a[i * n + i] += j(i, k) * j(i, k) / (t * t);
            }
        }
        return detail::symmetric_eigen(a, n, false)[0];
    };
    CHECK(at(found.temperature) == Approx(found.smallest_eigenvalue).margin(1e-6));
    for (double t = 2e-5; t < 2; t *= 1.2) CHECK(at(t) > found.smallest_eigenvalue - 1e-6);
}

TEST_CASE("where the eigenvalue hardly misses 0, or touches it, the search still ends soon", "[t_ord]") {
    for (double const extra : {0.0, 1e-9, 1e-7, 1e-5, 1e-3}) {
        // A square lattice touches 0 at T = 2; bonds weaker by `extra` than those round an additional ring
        // leave a margin.
        bonds all;
        std::size_t const n = 12;
        for (std::size_t x = 0; x < n; ++x)
            for (std::size_t y = 0; y < n; ++y) {
                add_bond(all, x * n + y, x * n + (y + 1) % n, 1.0 + (y == 0 ? extra : 0.0));
                add_bond(all, x * n + y, (x + 1) % n * n + y, x % 2 == 0 ? 1.0 + extra : 1.0);
            }
        std::size_t asked = 0;
        auto const found = t_ord(sparse_ising<double>(n * n, all), counting_token{&asked});
        CAPTURE(extra, asked, found.temperature, found.smallest_eigenvalue, found.crosses);
        CHECK(asked < 40'000);
        CHECK(found.temperature == Approx(2).epsilon(5e-3 + std::sqrt(extra)));
        CHECK(std::abs(found.smallest_eigenvalue) < 1e-6 + extra);
    }
}

TEST_CASE("T_ord is stopped by a token within one product", "[t_ord]") {
    auto const glass = sherrington_kirkpatrick<double>(60, 5);
    std::size_t all = 0;
    static_cast<void>(t_ord(glass, counting_token{&all}));
    for (std::size_t const limit : {std::size_t{0}, std::size_t{1}, all / 2, all - 1}) {
        std::size_t asked = 0;
        CHECK_THROWS_AS(t_ord(glass, counting_token{&asked, limit}), stopped);
        CHECK(asked == limit + 1);
    }
}
