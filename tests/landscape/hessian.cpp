// SPDX-License-Identifier: BSD-3-Clause
/// Spectra of Hessians of known matrices and of p-spin energies; critical points and their index.
#include "../files.hpp"
#include <spinet/landscape/basin.hpp>
#include <spinet/landscape/complexity.hpp>
#include <spinet/landscape/critical_points.hpp>
#include <spinet/landscape/directions.hpp>
#include <spinet/landscape/hessian.hpp>
#include <spinet/model/p_spin.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

/// sum of c_i x_i^2 / 2, turned by a reflection, so that its Hessian is full and has the eigenvalues c.
class quadratic {
public:
    explicit quadratic(std::vector<double> eigenvalues)
        : c_(std::move(eigenvalues)), u_(gaussian_direction(c_.size(), 9)) {
        double const length = detail::vector_length(u_);
        for (double& each : u_) each /= length;
    }
    [[nodiscard]] std::size_t size() const { return c_.size(); }
    [[nodiscard]] double value(std::span<double const> x) const {
        auto const y = turned(x);
        double sum = 0;
        for (std::size_t i = 0; i < y.size(); ++i) sum += c_[i] * y[i] * y[i] / 2;
        return sum;
    }
    double gradient(std::span<double const> x, std::span<double> out) const {
        auto y = turned(x);
        for (std::size_t i = 0; i < y.size(); ++i) y[i] *= c_[i];
        auto const back = turned(y);
        std::copy(back.begin(), back.end(), out.begin());
        return value(x);
    }
    void hessian_vector(std::span<double const>, std::span<double const> v, std::span<double> out) const {
        gradient(v, out);
    }

private:
    [[nodiscard]] std::vector<double> turned(std::span<double const> x) const {
        std::vector<double> y(x.begin(), x.end());
        detail::add_multiple(y, -2 * detail::dot_product(u_, y), u_);
        return y;
    }
    std::vector<double> c_;
    row_major_array<double, 1> u_;
};

std::vector<double> spread_eigenvalues(std::size_t n) {
    std::vector<double> c;
    for (std::size_t i = 0; i < n; ++i) c.push_back(-2.05 + 0.1 * static_cast<double>(i));
    return c;
}

row_major_array<double, 1> on_sphere(std::size_t n, std::uint64_t seed) {
    auto x = gaussian_direction(n, seed);
    double const scale = std::sqrt(static_cast<double>(n)) / detail::vector_length(x);
    for (double& each : x) each *= scale;
    return x;
}

}  // namespace

TEST_CASE("spectra of a Hessian with known eigenvalues", "[landscape]") {
    auto const c = spread_eigenvalues(60);
    quadratic const f(c);
    hessian const h(f, std::vector<double>(60, 0.3));
    auto const all = hessian_eigenvalues(h);
    for (std::size_t i = 0; i < 60; ++i) CHECK(all[i] == Approx(c[i]).margin(1e-10));
    auto const top = top_eigenpairs(h, 3);
    for (std::size_t k = 0; k < 3; ++k) CHECK(top.values[k] == Approx(c[59 - k]).epsilon(1e-6));
    CHECK(smallest_eigenvalue(h) == Approx(-2.05).epsilon(1e-6));
    CHECK(index_of(all) == 21);
    CHECK(index_of(all, 0.1) == 20);
    CHECK(index_of(all, 0.2) == 19);
    double trace = 0;
    for (double const each : c) trace += each;
    // Student's t of 199 degrees of freedom, about normal; p = 1e-5.
    auto const found = hessian_trace(h, 200, 4);
    CHECK(std::abs(found.value - trace) < 4.42 * found.error);
    CHECK(found.error < 0.3 * trace);
    auto const density = hessian_density(h, {.width = 0.5, .vectors = 32});
    double integral = 0, negative = 0;
    for (std::size_t k = 0; k + 1 < density.at.size(); ++k) {
        double const area = (density.at[k + 1] - density.at[k]) * density.density[k];
        integral += area;
        negative += density.at[k] < 0 ? area : 0;
    }
    CHECK(integral == Approx(1).epsilon(0.01));
    CHECK(negative == Approx(21.0 / 60).margin(0.08));
    CHECK_THAT(error_of([&] { return hessian(f, std::vector<double>(3)).size(); }),
               ContainsSubstring("a point of 3 numbers"));
    CHECK_THAT(error_of([&] { return hessian_trace(h, 1).value; }), ContainsSubstring("at least 2 draws"));
}

TEST_CASE("on the sphere the Hessian is that of the tangent space", "[landscape]") {
    // Second derivatives of the energy along great circles: with d of length |x|, d^2 H / da^2 = d H d.
    std::size_t const n = 12;
    auto const model = random_spherical_p_spin<double>(n, 3, p_spin_scale::crisanti_sommers, 5);
    sphere_energy const f(model);
    auto const x = on_sphere(n, 1);
    hessian const h(f, x);
    REQUIRE(h.size() == n - 1);
    for (std::uint64_t seed = 2; seed < 6; ++seed) {
        auto const circle = great_circles(x, gaussian_direction(n, seed));
        auto const v = h.coordinates_of(circle.first);
        auto const back = h.in_space(v);
        for (std::size_t i = 0; i < n; ++i) CHECK(back[i] == Approx(circle.first[i]).margin(1e-12));
        std::vector<double> product(n - 1), at(n);
        h(v, product);
        double const curvature = detail::dot_product(v, product);
        constexpr double step = 1e-3;
        auto const value = [&](double a) {
            circle.point(a, 0, at);
            return f.value(at);
        };
        double const difference = (value(step) - 2 * value(0) + value(-step)) / (step * step);
        CHECK(curvature == Approx(difference).epsilon(1e-4).margin(1e-4));
    }
    auto const half = matrix_of(h);
    for (std::size_t i = 0; i < n - 1; ++i)
        for (std::size_t j = 0; j < i; ++j) CHECK(half(i, j) == half(j, i));
}

TEST_CASE("searches end at critical points, of the index that the theory has at their energy",
          "[landscape]") {
    // p = 3, N = 40: 30 random points (saddles in the middle of the spectrum) and 10 after descent.
    std::size_t const n = 40;
    auto const model = random_spherical_p_spin<double>(n, 3, p_spin_scale::auffinger_ben_arous_cerny, 7);
    sphere_energy const f(model);
    int saddles = 0, minima = 0;
    double off = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        auto start = on_sphere(n, 100 + seed);
        bool const low = seed % 4 == 0;
        if (low) start = descend(f, start, {.gradient = 1e-3}).x;
        auto const found = find_critical_point(f, start);
        if (!found.converged) continue;
        std::vector<double> slope(n);
        (void)f.gradient(found.x, slope);
        CHECK(detail::vector_length(slope) < 1e-8);
        CHECK(found.eigenvalues.size() == n - 1);
        CHECK(found.flat == 0);
        double const u = found.value / static_cast<double>(n),
                     fraction = static_cast<double>(found.index) / static_cast<double>(n - 1);
        if (low) {
            CHECK(found.index == 0);
            CHECK(u < -1.2);
            ++minima;
        } else {
            off += fraction - index_fraction(3, u);
            ++saddles;
        }
    }
    CHECK(minima >= 8);
    REQUIRE(saddles >= 10);
    CHECK(std::abs(off / saddles) < 0.6 / static_cast<double>(n));
    CHECK_THAT(error_of([&] { return descend(f, std::vector<double>(n, 2.0)).steps; }),
               ContainsSubstring("not on the sphere"));
    CHECK_THAT(error_of([&] {
                   return find_critical_point(f, {1, 2}).steps;
               }),
               ContainsSubstring("a point of 2 numbers"));
}

TEST_CASE("widths, sharpness and descent in a quadratic bowl", "[landscape]") {
    std::vector<double> c(20, 0.5);
    c[3] = 8;
    quadratic const f(c);
    std::vector<double> const zero(20, 0.0);
    auto const ended = descend(f, std::vector<double>(20, 1.0));
    CHECK(ended.converged);
    CHECK(ended.value < 1e-12);
    // f = 1/2 d c d a^2 = 0.1 along a unit direction.
    auto const draw = [&](std::uint64_t seed) {
        auto d = gaussian_direction(20, seed);
        double const length = detail::vector_length(d);
        for (double& each : d) each /= length;
        return section_along(zero, d);
    };
    auto const where = draw(1);
    CHECK(basin_width(f, where) == Approx(std::sqrt(0.1 / f.value(where.first))).epsilon(2e-4));
    CHECK(basin_width(f, where, {.rise = 1e6, .longest = 3}) == 3);
    auto const mean = over_directions(50, 1, draw, [&](section const& each) { return basin_width(f, each); });
    CHECK(mean.units == 50);
    CHECK(mean.error > 0);
    CHECK(mean.value < std::sqrt(0.1 / 0.25));
    CHECK(mean.value > std::sqrt(0.1 / 4));
    // The steepest way out of x: within a factor of what the largest eigenvalue gives from the bottom.
    std::vector<double> x(20, 0.01);
    double const most = sharpness(f, x, {.radius = 50, .steps = 200}), radius = 50 * detail::vector_length(x);
    CHECK(most > 0.95 * 8 * radius * radius / 2);
    CHECK(most < 1.1 * 8 * radius * radius / 2);
    CHECK_THAT(error_of([&] { return sharpness(f, zero); }), ContainsSubstring("the point is 0"));
    CHECK_THAT(error_of([&] { return basin_width(f, where, {.rise = 0}); }), ContainsSubstring("rise"));
}

TEST_CASE("searches and measures refuse what is not finite", "[landscape]") {
    // ln x - x: its gradient is no number below 0, and 0 at 1.
    auto const f = plain_objective(
        1, [](std::span<double const> x) { return x[0] - std::log(x[0]); },
        [](std::span<double const> x, std::span<double> out) {
            out[0] = x[0] > 0 ? 1 - 1 / x[0] : std::nan("");
        });
    struct twice {
        decltype(f)* of;
        [[nodiscard]] std::size_t size() const { return 1; }
        [[nodiscard]] double value(std::span<double const> x) const { return of->value(x); }
        double gradient(std::span<double const> x, std::span<double> out) const {
            return of->gradient(x, out);
        }
        void hessian_vector(std::span<double const> x, std::span<double const> v,
                            std::span<double> out) const {
            out[0] = v[0] / (x[0] * x[0]);
        }
    };
    twice const g{&f};
    auto const found = find_critical_point(g, {3});
    CHECK(found.converged);
    CHECK(found.x[0] == Approx(1));
    for (auto const& what : {error_of([&] { return find_critical_point(g, {-1}).steps; }),
                             error_of([&] { return descend(f, {-1}).steps; }),
                             error_of([&] { return basin_width(f, section_along({-1}, {1})); })})
        CHECK_THAT(what, ContainsSubstring("not finite"));
    CHECK_THAT(error_of([&] { return basin_width(f, section_along({1}, {0})); }),
               ContainsSubstring("direction is zero"));
    // x^2: the finest tolerance ends, too.
    auto const bowl = plain_objective(
        2, [](std::span<double const> x) { return std::pow(x[0] - 1, 2) + x[1] * x[1]; },
        [](std::span<double const> x, std::span<double> out) {
            out[0] = 2 * (x[0] - 1);
            out[1] = 2 * x[1];
        });
    CHECK(basin_width(bowl, section_along({1, 0}, {1, 0}), {.rise = 4, .tolerance = 1e-300}) == Approx(2));
    // At the minimum itself, where there is no gradient to go along.
    CHECK(sharpness(bowl, std::vector<double>{1, 0}, {.radius = 0.05}) == Approx(0.0025));
    auto const cliff = plain_objective(
        1, [](std::span<double const> x) { return x[0] > 1.01 ? std::nan("") : x[0]; },
        [](std::span<double const>, std::span<double> out) { out[0] = 1; });
    CHECK_FALSE(std::isfinite(sharpness(cliff, std::vector<double>{1}, {.radius = 0.05})));
}
