// SPDX-License-Identifier: BSD-3-Clause
/// TAP equations against derivatives by differences, exact enumeration, and models whose mean field is known.
#include "../catch.hpp"
#include <spinet/mean_field/bond_matrix.hpp>
#include <spinet/mean_field/t_ord.hpp>
#include <spinet/mean_field/tap.hpp>
#include <spinet/mean_field/tap_branches.hpp>
#include <spinet/mean_field/tap_hessian.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/testing/enumeration.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

using pattern = std::vector<double>;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

dense_ising<double> sk_in_field(std::size_t n, std::uint64_t seed, double field, double spread = 0) {
    auto const bare = sherrington_kirkpatrick<double>(n, seed);
    xt::xtensor<double, 2> couplings;
    couplings.resize({n, n});
    for (std::size_t i = 0; i < n; ++i)
        std::copy_n(bare.couplings().row(i).data(), n, couplings.data() + i * n);
    xt::xtensor<double, 1> fields;
    fields.resize({n});
    for (std::size_t i = 0; i < n; ++i)
        fields.data()[i] = field + spread * std::sin(static_cast<double>(3 * i + 1));
    return dense_ising<double>(couplings, fields);
}

dense_ising<double> curie_weiss(std::size_t n) {
    xt::xtensor<double, 2> couplings;
    couplings.resize({n, n});
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) couplings(i, j) = i == j ? 0.0 : 1.0 / static_cast<double>(n);
    return dense_ising<double>(couplings);
}

/// Cliques of `size` spins without couplings between them, each with sum of couplings 1 to a spin.
sparse_ising<double> cliques(std::size_t count, std::size_t size, double field) {
    std::vector<bond<double>> all;
    for (std::size_t c = 0; c < count; ++c)
        for (std::size_t i = 0; i < size; ++i)
            for (std::size_t j = 0; j < i; ++j)
                all.push_back({static_cast<std::uint32_t>(c * size + i),
                               static_cast<std::uint32_t>(c * size + j), 1.0 / static_cast<double>(size)});
    return sparse_ising<double>(count * size, all, std::vector<double>(count * size, field));
}

/// The root of an increasing function, by bisection.
double root(std::function<double(double)> const& f, double low, double high) {
    for (int k = 0; k < 200; ++k) {
        double const middle = (low + high) / 2;
        (f(middle) < 0 ? low : high) = middle;
    }
    return low;
}

/// The positive m = tanh(beta [l m - beta s m (1 - m^2)]): all spins alike, sums of couplings l and of
/// squares s.
double uniform_solution(double t, double l, double s) {
    return root([&](double m) { return m - std::tanh((l * m - s * m * (1 - m * m) / t) / t); }, 0.05, 1);
}

pattern wavy(std::size_t n) {
    pattern m;
    for (std::size_t i = 0; i < n; ++i) m.push_back(0.9 * std::sin(1 + 2.3 * static_cast<double>(i)));
    return m;
}

/// The mean of f over a standard normal number.
double gaussian_mean(std::function<double(double)> const& f) {
    double sum = 0;
    for (double z = -10; z <= 10; z += 0.01)
        sum += 0.01 * f(z) * std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
    return sum;
}

}  // namespace

TEST_CASE("the gradient and the Hessian of F are its derivatives", "[tap]") {
    auto const dense = sk_in_field(14, 3, 0.2, 0.5);
    auto const layered = random_layered_glass<double>({5, 4, 3}, {0.3, 0.4}, 2);
    auto const check = [](auto const& model, double t, mean_field theory) {
        std::size_t const n = model.size();
        pattern const m = wavy(n);
        auto const gradient = tap_gradient(model, t, m, theory);
        constexpr double h = 1e-5;
        for (std::size_t j = 0; j < n; ++j) {
            pattern up = m, down = m, unit(n, 0.0), column(n);
            up[j] += h;
            down[j] -= h;
            unit[j] = 1;
            double const slope =
                (tap_free_energy(model, t, up, theory) - tap_free_energy(model, t, down, theory)) / (2 * h) *
                static_cast<double>(n);
            CHECK(gradient[j] == Approx(slope).margin(1e-7));
            auto const g_up = tap_gradient(model, t, up, theory),
                       g_down = tap_gradient(model, t, down, theory);
            multiply_by_tap_hessian(model, t, m, unit, column, theory);
            for (std::size_t i = 0; i < n; ++i)
                CHECK(column[i] == Approx((g_up[i] - g_down[i]) / (2 * h)).margin(1e-6).epsilon(1e-6));
        }
    };
    for (double const t : {0.4, 1.0, 2.5})
        for (auto const theory : {mean_field::tap, mean_field::naive}) {
            check(dense, t, theory);
            check(layered, t, theory);
        }
}

TEST_CASE("the energy is the derivative of beta F at fixed m", "[tap]") {
    auto const model = sk_in_field(20, 4, 0.3, 0.5);
    pattern const m = wavy(20);
    for (double const t : {0.3, 1.0, 4.0})
        for (auto const theory : {mean_field::tap, mean_field::naive}) {
            double const beta = 1 / t, h = 1e-5 * beta;
            double const slope = ((beta + h) * tap_free_energy(model, 1 / (beta + h), m, theory) -
                                  (beta - h) * tap_free_energy(model, 1 / (beta - h), m, theory)) /
                                 (2 * h);
            CHECK(tap_energy(model, t, m, theory) == Approx(slope).epsilon(1e-7));
        }
}

TEST_CASE("the smallest eigenvalue and its sign are those of the Hessian", "[tap]") {
    auto const model = sk_in_field(30, 5, 0.1);
    for (double const t : {0.5, 1.5}) {
        pattern const m = wavy(30);
        // Of sqrt(w) H sqrt(w) beta, column by column.
        std::vector<double> matrix(900), plain(900);
        for (std::size_t j = 0; j < 30; ++j) {
            pattern unit(30, 0.0), column(30);
            unit[j] = 1;
            multiply_by_tap_hessian(model, t, m, unit, column);
            for (std::size_t i = 0; i < 30; ++i) {
                plain[i * 30 + j] = column[i];
                matrix[i * 30 + j] = column[i] * std::sqrt((1 - m[i] * m[i]) * (1 - m[j] * m[j])) / t;
            }
        }
        auto const found = smallest_hessian_eigenvalue(model, t, m);
        CHECK(found == Approx(detail::symmetric_eigenvalues(matrix, 30).front()).margin(1e-7));
        CHECK((found > 0) == (detail::symmetric_eigenvalues(plain, 30).front() > 0));
    }
    // It stays finite where spins are frozen: those decouple, with the eigenvalue 1.
    pattern const frozen(30, 1.0);
    CHECK(smallest_hessian_eigenvalue(model, 0.5, frozen) == Approx(1));
}

TEST_CASE("at high temperature F is exact up to beta^2, with the reaction term", "[tap]") {
    // beta F = ... up to beta^2 J^2; the terms left out are of order beta^3, so f errs by beta^2; without the
    // reaction term by beta. Halving beta divides the errors by 4 and by 2.
    auto const model = sk_in_field(10, 6, 0.3, 0.4);
    auto const error_at = [&](double t, mean_field theory) {
        testing::exact_distribution const exact(model, t);
        auto const found = solve_tap(model, t, pattern(10, 0.0), {.theory = theory});
        REQUIRE(found.converged);
        return found.free_energy - exact.free_energy() / 10;
    };
    double const cold = error_at(20, mean_field::tap), hot = error_at(40, mean_field::tap);
    double const cold_naive = error_at(20, mean_field::naive), hot_naive = error_at(40, mean_field::naive);
    CAPTURE(cold, hot, cold_naive, hot_naive);
    CHECK(cold / hot == Approx(4).epsilon(0.1));
    CHECK(cold_naive / hot_naive == Approx(2).epsilon(0.1));
    CHECK(std::abs(cold) < 0.05 * std::abs(cold_naive));
    auto const found = solve_tap(model, 20, pattern(10, 0.0));
    testing::exact_distribution const exact(model, 20);
    CHECK(found.energy == Approx(exact.mean_energy() / 10).epsilon(2e-2));
}

TEST_CASE("the paramagnet of SK", "[tap]") {
    std::size_t const n = 400;
    auto const model = sherrington_kirkpatrick<float>(n, 7);
    pattern const zero(n, 0.0);
    for (double const t : {1.5, 3.0}) {
        // sum J^2 / (4 N) has the relative standard error sqrt(2 / (N^2 / 2)) = 0.005: five of them.
        CHECK(std::abs(tap_free_energy(model, t, zero) + t * std::numbers::ln2 + 1 / (4 * t)) <
              0.025 / (4 * t));
        CHECK(std::abs(tap_energy(model, t, zero) + 1 / (2 * t)) < 0.025 / (2 * t));
        CHECK(std::abs(plefka_number(model, t, zero) - (1 - 1 / (t * t))) < 0.04 / (t * t));
        CHECK(tap_free_energy(model, t, zero, mean_field::naive) == Approx(-t * std::numbers::ln2));
        // From any start.
        auto const found = solve_tap(model, t, random_start(n, 1));
        CHECK((found.converged && found.stable && found.physical));
        CHECK(found.q < 1e-14);
    }
    // The layered one: Plefka's number is 1 - (t_formula / T)^2.
    auto const layered = random_layered_glass<float>({400, 200, 100}, {1.0 / 400, 1.0 / 200}, 1);
    double const formula =
        t_formula(std::vector<std::size_t>{400, 200, 100}, std::vector<double>{1.0 / 400, 1.0 / 200});
    CHECK(plefka_number(layered, 1.5, pattern(700, 0.0)) ==
          Approx(1 - formula * formula / 2.25).epsilon(0.05));
}

TEST_CASE("Curie and Weiss: all spins alike", "[tap]") {
    for (std::size_t const n : {50u, 300u}) {
        auto const model = curie_weiss(n);
        auto const count = static_cast<double>(n);
        double const l = (count - 1) / count, s = (count - 1) / (count * count);
        for (double const t : {0.3, 0.6, 0.85}) {
            auto const tap = solve_tap(model, t, pattern(n, 0.8));
            auto const naive = solve_tap(model, t, pattern(n, 0.8), {.theory = mean_field::naive});
            CAPTURE(n, t);
            REQUIRE((tap.converged && tap.physical && naive.converged && naive.physical));
            double const m = uniform_solution(t, l, s), m_naive = uniform_solution(t, l, 0);
            for (std::size_t i = 0; i < n; ++i) {
                CHECK(tap.magnetisation[i] == Approx(m).epsilon(1e-8));
                CHECK(naive.magnetisation[i] == Approx(m_naive).epsilon(1e-8));
            }
            CHECK(tap.q == Approx(m * m).epsilon(1e-8));
            // Exact as N grows: m = tanh(beta m), u = -m^2 / 2.
            double const limit = uniform_solution(t, 1, 0);
            CHECK(std::abs(m - limit) < 10 / count);
            CHECK(std::abs(tap.energy + limit * limit / 2) < 10 / count);
            CHECK(std::isnan(naive.plefka));
        }
        double const ordering = t_ord(model).temperature;
        CHECK(solve_tap(model, 1.01 * ordering, pattern(n, 0.8)).q < 1e-12);
        CHECK(solve_tap(model, 0.97 * ordering, pattern(n, 0.8)).q > 1e-3);
        auto const saddle = solve_tap(model, 0.97 * ordering, pattern(n, 0.0));
        CHECK((saddle.converged && saddle.q == 0 && !saddle.stable && !saddle.physical));
    }
}

TEST_CASE("SK in a field is replica symmetric", "[tap][slow]") {
    // Above the line of de Almeida and Thouless: q = E tanh^2(beta (sqrt(q) z + h)), f = -beta (1 - q)^2 / 4
    // - T E ln 2 cosh, u = -beta (1 - q^2) / 2 - h m; Plefka's number is 1 - beta^2 E sech^4. Eight samples
    // of 500 spins; means within five standard errors (Student's t, 7 degrees of freedom: 0.16 % each, four
    // of them) and a correction 4 / N for the finite size.
    double const t = 0.8, h = 0.8;
    std::size_t const n = 500, samples = 8;
    auto const mean_tanh2 = [&](double q) {
        return gaussian_mean([&](double z) { return std::pow(std::tanh((std::sqrt(q) * z + h) / t), 2); });
    };
    double const q = root([&](double x) { return x - mean_tanh2(x); }, 0, 1);
    auto const mean_of = [&](auto f) {
        return gaussian_mean([&](double z) { return f((std::sqrt(q) * z + h) / t); });
    };
    double const m = mean_of([](double x) { return std::tanh(x); });
    double const expected[4] = {
        q, -(1 - q) * (1 - q) / (4 * t) - t * mean_of([](double x) { return std::log(2 * std::cosh(x)); }),
        -(1 - q * q) / (2 * t) - h * m,
        1 - mean_of([](double x) { return std::pow(std::cosh(x), -4); }) / (t * t)};
    double sums[4] = {}, squares[4] = {};
    for (std::uint64_t s = 1; s <= samples; ++s) {
        auto const model = sk_in_field(n, s, h);
        auto const found = solve_tap(model, t, random_start(n, s));
        REQUIRE((found.converged && found.physical));
        double const values[4] = {found.q, found.free_energy, found.energy, found.plefka};
        for (int k = 0; k < 4; ++k) {
            sums[k] += values[k];
            squares[k] += values[k] * values[k];
        }
        // The only solution, wherever one starts; and that of the plain damped iteration.
        auto const other = solve_tap(model, t, pattern(n, -0.5));
        CHECK(detail::pattern_distance(found.magnetisation, other.magnetisation, false) < 1e-8);
        pattern plain(n, 0.0);
        for (int k = 0; k < 1000 && s == 1; ++k) {
            pattern field(n), next(n);
            multiply_by_couplings(model, plain, field);
            for (std::size_t i = 0; i < n; ++i) {
                double reaction = 0;
                for (std::size_t j = 0; j < n; ++j)
                    reaction += std::pow(model.couplings().row(i)[j], 2) * (1 - plain[j] * plain[j]);
                next[i] = std::tanh((h + field[i] - plain[i] * reaction / t) / t);
            }
            for (std::size_t i = 0; i < n; ++i) plain[i] += 0.3 * (next[i] - plain[i]);
            if (k > 100 && detail::pattern_distance(plain, next, false) < 1e-12) break;
        }
        if (s == 1) CHECK(detail::pattern_distance(found.magnetisation, plain, false) < 1e-8);
    }
    for (int k = 0; k < 4; ++k) {
        double const mean = sums[k] / samples;
        double const error = std::sqrt((squares[k] / samples - mean * mean) / (samples - 1));
        CAPTURE(k, mean, error, expected[k]);
        CHECK(std::abs(mean - expected[k]) < 5 * error + 4.0 / n);
        CHECK(error < 0.02);
    }
}

TEST_CASE("SK far below T_c: what is called a solution is one", "[tap][slow]") {
    std::size_t const n = 128;
    auto const model = sherrington_kirkpatrick<double>(n, 1);
    double const t = 0.2;
    std::size_t unphysical = 0;
    for (std::uint32_t s = 0; s < 30; ++s) {
        auto const found = solve_tap(model, t, random_start(n, 2, s));
        CHECK(found.converged == (found.residual <= 1e-9));
        CHECK((found.stable || !found.physical));
        if (!found.physical) {
            ++unphysical;
            CHECK((!found.stable || found.plefka <= 0));
            continue;
        }
        for (double const g : tap_gradient(model, t, found.magnetisation)) CHECK(std::abs(g) < 1e-5);
        CHECK(found.stable);
        CHECK(found.smallest_eigenvalue ==
              Approx(smallest_hessian_eigenvalue(model, t, found.magnetisation)));
        // Plefka's own condition, with J^2 = 1 / N.
        double sum = 0;
        for (double const m : found.magnetisation) sum += (1 - m * m) * (1 - m * m);
        CHECK(found.plefka == Approx(1 - sum / static_cast<double>(n) / (t * t)).margin(0.15));
    }
    CHECK(unphysical > 0);
    // The lowest of all minima is not physical, and is not called so.
    auto const zero = solve_tap(model, t, pattern(n, 0.0));
    CHECK((zero.converged && zero.stable && !zero.physical));
}

TEST_CASE("a solver that is given too little says so", "[tap]") {
    auto const model = curie_weiss(40);
    auto const found = solve_tap(model, 0.5, random_start(40, 3), {.max_iterations = 1});
    CHECK_FALSE(found.converged);
    CHECK_FALSE(found.stable);
    CHECK(found.iterations == 1);
    CHECK(found.residual > 1e-9);
    auto const plain = solve_tap(model, 0.5, pattern(40, 0.3), {.max_products = 1, .stability = false});
    CHECK(plain.converged);  // the damped iteration alone
    CHECK(std::isnan(plain.smallest_eigenvalue));
    CHECK_FALSE(plain.stable);
    auto const whole = solve_tap(model, 0.5, pattern(40, 0.3));
    CHECK(detail::pattern_distance(plain.magnetisation, whole.magnetisation, false) < 1e-7);
    CHECK(whole.iterations <= plain.iterations);
    auto const slow = solve_tap(model, 0.5, pattern(40, 0.3), {.max_change = 0.01});
    CHECK(slow.converged);
    CHECK(static_cast<double>(slow.iterations) > (slow.magnetisation[0] - 0.3) / 0.01);
    CHECK(slow.q == Approx(whole.q));
    // Frozen starts and temperatures near 0.
    auto const cold = solve_tap(model, 0.001, pattern(40, 1.0));
    CHECK((cold.converged && cold.physical));
    CHECK(cold.q == Approx(1));
    CHECK(cold.energy == Approx(-39.0 / 80));
    CHECK(cold.free_energy == Approx(-39.0 / 80));
}

TEST_CASE("a branch followed down and up again", "[tap]") {
    std::size_t const n = 80;
    auto const model = curie_weiss(n);
    double const l = 79.0 / 80, s = 79.0 / 6400, ordering = t_ord(model).temperature;
    std::vector<double> temperatures{1.3, 1.1, 0.9, 0.7, 0.5};
    for (int turn = 0; turn < 2; ++turn) {
        auto const branch = tap_branch(model, temperatures, pattern(n, 0.3));
        REQUIRE(branch.size() == temperatures.size());
        for (std::size_t k = 0; k < branch.size(); ++k) {
            CAPTURE(temperatures[k]);
            CHECK(branch[k].temperature == temperatures[k]);
            CHECK((branch[k].converged && branch[k].physical));
            double const m = temperatures[k] < ordering ? uniform_solution(temperatures[k], l, s) : 0.0;
            CHECK(branch[k].q == Approx(m * m).margin(1e-9));
        }
        std::reverse(temperatures.begin(), temperatures.end());
    }
    // It follows: cooled from where one solution is left, along the field, it stays with that one, though the
    // start would lead to the other one now.
    auto const biased = cliques(1, 25, 0.02);
    pattern const against(25, -0.9);
    CHECK(solve_tap(biased, 0.4, against).magnetisation[0] < -0.5);
    auto const cooled = tap_branch(biased, std::vector<double>{1.3, 0.4}, against);
    CHECK(cooled[1].magnetisation[0] > 0.5);
    auto const heated = tap_branch(biased, std::vector<double>{0.3, 0.4, 1.3}, against);
    CHECK(heated[1].magnetisation[0] < -0.5);
    CHECK(heated[2].magnetisation[0] == Approx(cooled[0].magnetisation[0]));
    CHECK_THROWS_WITH(tap_branch(model, std::vector<double>{}, pattern(n, 0.3)),
                      ContainsSubstring("no temperatures"));
    CHECK_THROWS_AS(tap_branch(model, std::vector<double>{1.0, -1.0}, pattern(n, 0.3)), error);
}

TEST_CASE("order in the hidden layers alone shows in q per group", "[tap]") {
    xt::xtensor<double, 2> first;
    first.resize({20, 50});
    first.fill(0.0);
    xt::xtensor<double, 2> second;
    second.resize({20, 20});
    second.fill(1.0 / 20);
    auto const glass = layered_glass<double>({first, second});
    auto const found = solve_tap(glass, 0.5, mode_start(glass));
    REQUIRE(found.group_q.size() == 3);
    CHECK((found.converged && found.physical));
    CHECK(found.group_q[0] < 1e-15);
    CHECK(found.group_q[1] == Approx(std::pow(uniform_solution(0.5, 1, 1.0 / 20), 2)));
    CHECK(found.group_q[2] == Approx(found.group_q[1]));
    CHECK(found.q == Approx((20 * found.group_q[1] + 20 * found.group_q[2]) / 90));
    CHECK(solve_tap(curie_weiss(5), 0.5, pattern(5, 0.5)).group_q.size() == 0);
}

TEST_CASE("all solutions of separate ferromagnets are counted", "[tap]") {
    // Three cliques of odd size: eight choices of signs, four without regard to a flip of all. Eighty starts
    // leave one of eight out with a probability of 8 (7/8)^80 = 2e-4.
    census_options const wanted{.starts = 80, .modes = 2};
    auto const bare = tap_solutions(cliques(3, 15, 0.0), 0.5, wanted);
    CHECK(bare.up_to_flip);
    CHECK(bare.starts == 82);
    CHECK(bare.not_converged == 0);
    std::size_t stable = 0, starts = 0;
    for (auto const& each : bare.solutions) stable += each.stable ? 1 : 0;
    for (std::size_t const n : bare.found) starts += n;
    CHECK(stable == 4);
    CHECK(starts == 82);
    double const m = uniform_solution(0.5, 14.0 / 15, 14.0 / 225);
    for (std::size_t a = 0; a < bare.solutions.size(); ++a) {
        if (!bare.solutions[a].stable) continue;
        CHECK(bare.solutions[a].q == Approx(m * m));
        CHECK(bare.solutions[a].free_energy == Approx(bare.solutions[0].free_energy).epsilon(1e-9));
        CHECK(bare.overlap(a, a) == Approx(m * m));
        for (std::size_t b = 0; b < a; ++b)
            if (bare.solutions[b].stable) CHECK(std::abs(bare.overlap(a, b)) == Approx(m * m / 3));
    }
    auto const biased = tap_solutions(cliques(3, 15, 0.01), 0.5, wanted);
    CHECK_FALSE(biased.up_to_flip);
    REQUIRE(biased.solutions.size() == 8);
    for (double const x : biased.solutions[0].magnetisation) CHECK(x > 0);  // along the field is lowest
    for (double const x : biased.solutions[7].magnetisation) CHECK(x < 0);
    for (std::size_t k = 1; k < 8; ++k)
        CHECK(biased.solutions[k].free_energy >= biased.solutions[k - 1].free_energy);
    auto const again = tap_solutions(cliques(3, 15, 0.01), 0.5, wanted);
    CHECK(again.found == biased.found);
}

TEST_CASE("TAP refuses bad input, naming it", "[tap]") {
    auto const model = curie_weiss(6);
    pattern const good(6, 0.1);
    for (double const t : {0.0, -1.0, not_a_number, std::numeric_limits<double>::infinity()}) {
        CHECK_THROWS_WITH(solve_tap(model, t, good), ContainsSubstring("positive, finite temperature"));
        CHECK_THROWS_AS(tap_free_energy(model, t, good), error);
        CHECK_THROWS_AS(tap_solutions(model, t), error);
    }
    CHECK_THROWS_WITH(solve_tap(model, 1, pattern(5, 0.1)),
                      ContainsSubstring("expected 6 magnetisations, found 5"));
    CHECK_THROWS_WITH(solve_tap(model, 1, pattern{0, 0, 0, 1.5, 0, 0}), ContainsSubstring("spin 3"));
    CHECK_THROWS_WITH(solve_tap(model, 1, pattern(6, not_a_number)), ContainsSubstring("spin 0"));
    CHECK_THROWS_WITH(solve_tap(model, 1, good, {.tolerance = 0}), ContainsSubstring("tolerance"));
    CHECK_THROWS_WITH(solve_tap(model, 1, good, {.max_iterations = 0}), ContainsSubstring("at least 1"));
    CHECK_THROWS_WITH(solve_tap(model, 1, good, {.max_change = not_a_number}),
                      ContainsSubstring("max_change"));
    CHECK_THROWS_WITH(tap_solutions(model, 1, {.starts = 0, .modes = 0}), ContainsSubstring("no starts"));
    CHECK_THROWS_WITH(tap_solutions(model, 1, {.amplitude = 0}), ContainsSubstring("amplitude"));
    CHECK_THROWS_WITH(tap_solutions(model, 1, {.distance = 0}), ContainsSubstring("distance"));
    CHECK_THROWS_WITH(mode_start(model, 9), ContainsSubstring("mode"));
    CHECK_THROWS_AS(pattern_overlap(good, pattern(5, 0.1)), error);
    pattern out(6), few(5);
    CHECK_THROWS_AS(multiply_by_tap_hessian(model, 1, good, few, out), error);
    CHECK_THROWS_WITH(multiply_by_tap_hessian(model, 1, pattern(6, 1.0), good, out),
                      ContainsSubstring("infinite at spin 0"));
}
