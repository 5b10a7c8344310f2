// SPDX-License-Identifier: BSD-3-Clause
/// p-spin models against plain sums, their covariance against the formula, derivatives against differences.
#include "../catch.hpp"
#include <spinet/model/dense_ising.hpp>
#include <spinet/model/p_spin.hpp>

#include <cmath>
#include <limits>
#include <span>
#include <vector>

using namespace spinet;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

static_assert(IncrementalModel<ising_p_spin<float>> && !PairModel<ising_p_spin<float>>);
static_assert(!DifferentiableModel<ising_p_spin<float>> && !MultilinearModel<spherical_p_spin<double>>);
static_assert(DifferentiableModel<spherical_p_spin<float>>);
static_assert(space_of<ising_p_spin<>> == spin_space::ising);
static_assert(space_of<spherical_p_spin<>> == spin_space::sphere);

/// A number for each set of indices, the same for all their orders.
double entry(std::vector<std::size_t> indices) {
    std::sort(indices.begin(), indices.end());
    double x = 1;
    for (std::size_t const i : indices) x = std::fmod(x * 3.7 + 0.31 * static_cast<double>(i), 2.0);
    return x - 1;
}

/// visit(indices) for all n^p of them, the last index running fastest.
template <class Visit>
void all_indices(std::size_t n, std::size_t p, Visit&& visit) {
    std::vector<std::size_t> indices(p, 0);
    for (;;) {
        visit(indices);
        std::size_t k = p;
        while (k > 0 && ++indices[k - 1] == n) indices[--k] = 0;
        if (k == 0) return;
    }
}

bool all_different(std::vector<std::size_t> const& indices) {
    for (std::size_t a = 0; a < indices.size(); ++a)
        for (std::size_t b = 0; b < a; ++b)
            if (indices[a] == indices[b]) return false;
    return true;
}

xt::xarray<double> tensor(std::size_t n, std::size_t p, bool distinct) {
    xt::xarray<double> values(std::vector<std::size_t>(p, n));
    all_indices(n, p, [&](std::vector<std::size_t> const& indices) {
        values.element(indices.begin(), indices.end()) =
            distinct && !all_different(indices) ? 0.0 : entry(indices);
    });
    return values;
}

/// The sum over all indices of T s ... s; over ascending ones, of those that all differ.
double plain_sum(std::size_t n, std::size_t p, bool ascending, std::span<double const> s) {
    double sum = 0;
    all_indices(n, p, [&](std::vector<std::size_t> const& indices) {
        if (ascending && !(std::is_sorted(indices.begin(), indices.end()) && all_different(indices))) return;
        double term = entry(indices);
        for (std::size_t const i : indices) term *= s[i];
        sum += term;
    });
    return sum;
}

std::vector<double> random_numbers(std::size_t n, std::uint32_t row) {
    std::vector<double> x;
    for (std::uint32_t i = 0; i < n; ++i) x.push_back(normal(stream(7, 0, row, purpose::testing), i));
    return x;
}

std::vector<double> signs(std::size_t n, std::uint32_t row) {
    auto s = random_numbers(n, row);
    for (double& x : s) x = x > 0 ? 1 : -1;
    return s;
}

}  // namespace

TEST_CASE("Ising p-spin: energies, fields and their changes are those of plain sums", "[model]") {
    for (std::size_t const p : {2u, 3u, 4u, 5u}) {
        std::size_t const n = 7;
        CAPTURE(p);
        ising_p_spin<double> const model(tensor(n, p, true));
        CHECK(model.p() == p);
        std::vector<double> spins, fields(3 * n);
        for (std::uint32_t r = 0; r < 3; ++r)
            for (double const s : signs(n, r)) spins.push_back(s);
        model.fields({spins.data(), 3, n, n}, {fields.data(), 3, n, n});
        for (std::size_t r = 0; r < 3; ++r) {
            std::span<double const> const s(spins.data() + r * n, n);
            std::span<double> const h(fields.data() + r * n, n);
            double const energy = -plain_sum(n, p, true, s);
            CHECK(model.energy(s) == Approx(energy).margin(1e-12));
            CHECK(model.energy_from_fields(s, h) == Approx(energy).margin(1e-12));
            for (std::size_t i = 0; i < n; ++i) {
                std::vector<double> flipped(s.begin(), s.end());
                flipped[i] = -s[i];
                double const change = -plain_sum(n, p, true, flipped) - energy;
                CHECK(model.energy_change(s, i, -s[i]) == Approx(change).margin(1e-12));
                CHECK(2 * s[i] * h[i] == Approx(change).margin(1e-12));
                std::vector<double> changed(h.begin(), h.end()), anew(n);
                model.change_fields(flipped, i, -2 * s[i], std::span(changed));
                model.fields({flipped.data(), 1, n, n}, {anew.data(), 1, n, n});
                for (std::size_t j = 0; j < n; ++j) CHECK(changed[j] == Approx(anew[j]).margin(1e-12));
            }
        }
        double squares = 0;
        all_indices(n, p, [&](std::vector<std::size_t> const& indices) {
            if (std::is_sorted(indices.begin(), indices.end()) && all_different(indices))
                squares += entry(indices) * entry(indices);
        });
        CHECK(model.variance_at_infinite_temperature() == Approx(squares));
    }
}

TEST_CASE("two spins at a time are a dense model", "[model]") {
    auto const couplings = tensor(6, 2, true);
    ising_p_spin const model(couplings);
    dense_ising const dense(couplings);
    auto const s = signs(6, 3);
    CHECK(model.energy(s) == Approx(dense.energy(s)).margin(1e-13));
}

TEST_CASE("spherical p-spin: energy, gradient and Hessian", "[model]") {
    for (std::size_t const p : {2u, 3u, 4u}) {
        std::size_t const n = 5;
        CAPTURE(p);
        spherical_p_spin<double> const model(tensor(n, p, false));
        auto const s = random_numbers(n, 1), v = random_numbers(n, 2);
        CHECK(model.energy(s) == Approx(-plain_sum(n, p, false, s)).margin(1e-12));
        std::vector<double> gradient(n), product(n);
        CHECK(model.gradient(s, gradient) == Approx(model.energy(s)).margin(1e-12));
        model.hessian_vector(s, v, product);
        double along = 0;
        for (std::size_t i = 0; i < n; ++i) along += s[i] * gradient[i];
        CHECK(along == Approx(static_cast<double>(p) * model.energy(s)).margin(1e-11));  // Euler
        double const h = 1e-4;
        std::vector<double> ahead(n), behind(n);
        for (std::size_t i = 0; i < n; ++i) {
            auto up = s, down = s;
            up[i] += h;
            down[i] -= h;
            CHECK(gradient[i] ==
                  Approx((model.energy(up) - model.energy(down)) / (2 * h)).epsilon(1e-6).margin(1e-6));
            CHECK(model.energy_change(s, i, up[i]) ==
                  Approx(model.energy(up) - model.energy(s)).margin(1e-12));
        }
        auto up = s, down = s;
        for (std::size_t i = 0; i < n; ++i) {
            up[i] += h * v[i];
            down[i] -= h * v[i];
        }
        model.gradient(up, ahead);
        model.gradient(down, behind);
        for (std::size_t i = 0; i < n; ++i)
            CHECK(product[i] == Approx((ahead[i] - behind[i]) / (2 * h)).epsilon(1e-6).margin(1e-6));
    }
}

TEST_CASE("random p-spin models have the covariance of their name", "[model]") {
    // Means of products of two Gaussian energies over 4000 instances: 4.5 errors for 24 comparisons, a false
    // alarm in 2e-4 of all seeds.
    constexpr std::size_t n = 6, instances = 4000;
    auto const a = signs(n, 4);
    auto b = a;
    b[1] = -b[1];
    b[4] = -b[4];
    double const q = 1 - 4.0 / n;
    for (std::size_t const p : {2u, 3u, 4u})
        for (auto const scale : {p_spin_scale::auffinger_ben_arous_cerny, p_spin_scale::crisanti_sommers}) {
            double const half = scale == p_spin_scale::crisanti_sommers ? 0.5 : 1;
            double sums[4] = {};
            for (std::uint64_t seed = 0; seed < instances; ++seed) {
                auto const ising = random_ising_p_spin<double>(n, p, scale, seed);
                auto const sphere = random_spherical_p_spin<double>(n, p, scale, seed);
                double const of_ising[] = {ising.energy(a), ising.energy(b)},
                             of_sphere[] = {sphere.energy(a), sphere.energy(b)};
                sums[0] += of_ising[0] * of_ising[0] / instances;
                sums[1] += of_ising[0] * of_ising[1] / instances;
                sums[2] += of_sphere[0] * of_sphere[0] / instances;
                sums[3] += of_sphere[0] * of_sphere[1] / instances;
            }
            // Of Ising spins: the elementary symmetric polynomials of s_i^a s_i^b, two of which are -1.
            auto const elementary = [&](std::vector<double> const& x) {
                std::vector<double> e(p + 1, 0.0);
                e[0] = 1;
                for (double const factor : x)
                    for (std::size_t k = p; k > 0; --k) e[k] += factor * e[k - 1];
                return e[p];
            };
            double const variance =
                half * std::tgamma(static_cast<double>(p) + 1) / std::pow(n, static_cast<double>(p) - 1);
            double const expected[] = {variance * elementary(std::vector<double>(n, 1.0)),
                                       variance * elementary({1, -1, 1, 1, -1, 1}), half * n,
                                       half * n * std::pow(q, static_cast<double>(p))};
            for (std::size_t k = 0; k < 4; ++k) {
                double const of_square = expected[k / 2 * 2];
                double const error =
                    std::sqrt((of_square * of_square + expected[k] * expected[k]) / instances);
                CAPTURE(p, k, sums[k], expected[k], error);
                CHECK(std::abs(sums[k] - expected[k]) < 4.5 * error);
            }
        }
    CHECK(random_ising_p_spin<double>(9, 3, p_spin_scale::auffinger_ben_arous_cerny, 5).energy(signs(9, 1)) ==
          Approx(std::sqrt(2.0) *
                 random_ising_p_spin<double>(9, 3, p_spin_scale::crisanti_sommers, 5).energy(signs(9, 1))));
    CHECK(random_spherical_p_spin(9, 3, p_spin_scale::crisanti_sommers, 5).paramagnet_above() ==
          Approx(0.612372).epsilon(1e-6));
    CHECK(random_spherical_p_spin(9, 2, p_spin_scale::crisanti_sommers, 5).paramagnet_above() == Approx(1));
}

TEST_CASE("p-spin models refuse bad input, naming it", "[model]") {
    using model = ising_p_spin<double>;
    auto values = tensor(4, 3, true);
    CHECK_THROWS_WITH(model(xt::xarray<double>::from_shape({0, 0, 0})), ContainsSubstring("no spins"));
    CHECK_THROWS_WITH(model(tensor(4, 1, true)), ContainsSubstring("interactions of 1 spins"));
    CHECK_THROWS_WITH(model(xt::xarray<double>::from_shape({4, 5, 4})),
                      ContainsSubstring("equal dimensions, found shape (4, 5, 4)"));
    CHECK_THROWS_WITH(random_ising_p_spin(100'000, 3, p_spin_scale::crisanti_sommers, 1),
                      ContainsSubstring("is too large"));
    CHECK_THROWS_WITH(
        random_ising_p_spin(std::numeric_limits<std::size_t>::max(), 2, p_spin_scale::crisanti_sommers, 1),
        ContainsSubstring("is too large"));
    values(1, 2, 3) = std::nan("");
    CHECK_THROWS_WITH(model(values), ContainsSubstring("entry (1, 2, 3) is not finite"));
    values = tensor(4, 3, true);
    values(3, 2, 1) += 1;
    CHECK_THROWS_WITH(model(values), ContainsSubstring("entry (3, 2, 1) is not symmetric"));
    values(3, 2, 1) = 1e39;
    CHECK_THROWS_WITH(ising_p_spin<float>(values), ContainsSubstring("(3, 2, 1) is too large for float"));
    values = tensor(4, 3, true);
    values(1, 2, 1) = 1;
    CHECK_THROWS_WITH(model(values), ContainsSubstring("entry (1, 2, 1) is of a spin with itself"));
    CHECK_NOTHROW(spherical_p_spin<double>(tensor(4, 3, false)));
    CHECK_THROWS_WITH(spherical_p_spin<double>(values),
                      ContainsSubstring("entry (1, 2, 1) is not symmetric"));
    CHECK_THROWS_WITH(random_ising_p_spin(2, 3, p_spin_scale::crisanti_sommers, 1),
                      ContainsSubstring("2 spins for interactions of 3"));
}
