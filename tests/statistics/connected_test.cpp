// SPDX-License-Identifier: BSD-3-Clause
/// Connected susceptibility, heat capacity and Binder's parameter of m, against the enumeration of all
/// states.
#include "../catch.hpp"
#include <spinet/ensemble/tempering.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/dense_ising.hpp>
#include <spinet/model/network_glass.hpp>
#include <spinet/observable/connected_overlaps.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/sample.hpp>
#include <spinet/statistics/estimates.hpp>
#include <spinet/statistics/overlap_estimates.hpp>
#include <spinet/testing/enumeration.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A glass in random fields.
dense_ising<double> in_fields(std::size_t n) {
    auto j = row_major_array<double, 2>::from_shape({n, n});
    std::vector<double> fields(n);
    for (std::size_t a = 0; a < n; ++a) {
        stream const draws(5, 0, static_cast<std::uint32_t>(a), purpose::testing);
        fields[a] = 0.7 * normal(draws, 99);
        for (std::size_t b = 0; b <= a; ++b)
            j(a, b) = j(b, a) =
                a == b ? 0.0
                       : normal(draws, static_cast<std::uint32_t>(b)) / std::sqrt(static_cast<double>(n));
    }
    return dense_ising<double>(j, fields);
}

double spin(std::uint64_t state, std::size_t i) { return (state >> i & 1) != 0 ? 1.0 : -1.0; }

struct exact_values {
    double connected = 0, plain = 0, heat_capacity = 0, binder = 0;
};

exact_values enumerated(dense_ising<double> const& model, double t) {
    testing::exact_distribution const exact(model, t);
    std::size_t const n = model.size();
    // Which of the two values a bit stands for does not matter: all are squares.
    std::vector<double> m(n);
    for (std::size_t i = 0; i < n; ++i) m[i] = exact.average([&](std::uint64_t s) { return spin(s, i); });
    exact_values found;
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) {
            double const both = exact.average([&](std::uint64_t s) { return spin(s, i) * spin(s, j); });
            found.connected += (both - m[i] * m[j]) * (both - m[i] * m[j]) / static_cast<double>(n);
            found.plain += both * both / static_cast<double>(n);
        }
    auto const moment = [&](int p) {
        return exact.average([&](std::uint64_t s) {
            double sum = 0;
            for (std::size_t i = 0; i < n; ++i) sum += spin(s, i) / static_cast<double>(n);
            return std::pow(sum, p);
        });
    };
    found.heat_capacity = exact.heat_capacity() / static_cast<double>(n);
    found.binder = (3 - moment(4) / moment(2) / moment(2)) / 2;
    return found;
}

}  // namespace

TEST_CASE("connected susceptibility, heat capacity and Binder's parameter of m agree with enumeration",
          "[statistics]") {
    auto const model = in_fields(9);
    auto const ladder = geometric_temperatures(0.5, 2.5, 4);
    auto const made = sample(
        model, parallel_tempering(glauber{}, ladder),
        observables{energy{}, overlap{}, magnetisation{}, connected_overlaps{}},
        run_plan{
            .replicas = 16, .warmup = 100, .sweeps = 20'000, .measure_every = 2, .seed = 3, .annealing = 20});
    auto const connected = connected_susceptibility(made), plain = spin_glass_susceptibility(made),
               c = heat_capacity(made), binder = magnetisation_binder_parameter(made);
    for (std::size_t k = 0; k < ladder.size(); ++k) {
        auto const exact = enumerated(model, ladder[k]);
        CAPTURE(ladder[k], exact.connected, connected[k].value, connected[k].error, exact.heat_capacity,
                c[k].value);
        // 16 comparisons at p = 0.0001 of Student's t with 15 degrees of freedom.
        auto const agrees = [](curve_point const& point, double value) {
            return std::abs(point.value - value) < 5.3 * point.error;
        };
        CHECK(agrees(connected[k], exact.connected));
        CHECK(agrees(plain[k], exact.plain));
        CHECK(agrees(c[k], exact.heat_capacity));
        CHECK(agrees(binder[k], exact.binder));
        // At low temperature the fields alone make the plain one large.
        if (k == 0) CHECK(plain[k].value > 1.5 * connected[k].value);
        CHECK(connected[k].error < 0.05 * connected[k].value);
    }
}

TEST_CASE("connected overlaps are sums over different replicas", "[statistics]") {
    // Five replicas of three spins, by hand: all distinct triples and quadruples.
    std::vector<double> const spins{1, 1, 1, 1, 1, -1, 1, -1, -1, -1, 1, 1, 1, 1, 1};
    std::vector<spin_group> const groups{{"all", 0, 3}};
    std::vector<double> const energies(5, 0.0);
    cohort<double> const seen{{spins.data(), 5, 3, 3}, energies, groups, 1.0};
    auto const q = [&](std::size_t a, std::size_t b) {
        double sum = 0;
        for (std::size_t i = 0; i < 3; ++i) sum += spins[3 * a + i] * spins[3 * b + i] / 3;
        return sum;
    };
    double expected[3] = {}, n[3] = {};
    for (std::size_t a = 0; a < 5; ++a)
        for (std::size_t b = 0; b < 5; ++b)
            for (std::size_t c = 0; c < 5; ++c)
                for (std::size_t d = 0; d < 5; ++d) {
                    if (a != b && c == 0 && d == 0) expected[0] += q(a, b) * q(a, b), ++n[0];
                    if (a != b && a != c && b != c && d == 0) expected[1] += q(a, b) * q(a, c), ++n[1];
                    if (a != b && a != c && a != d && b != c && b != d && c != d)
                        expected[2] += q(a, b) * q(c, d), ++n[2];
                }
    std::vector<double> out(3);
    connected_overlaps{}.measure(seen, std::span<double>(out));
    for (std::size_t k = 0; k < 3; ++k) CHECK(out[k] == Catch::Approx(expected[k] / n[k]).margin(1e-12));
    CHECK_THROWS_WITH(
        sample(in_fields(5), fixed_temperatures(glauber{}, ladder({1.0})), observables{connected_overlaps{}},
               run_plan{.replicas = 4, .warmup = 1, .sweeps = 10, .measure_every = 1, .from = start::hot}),
        ContainsSubstring("needs at least 5 blocks of replicas, the plan has 4"));
}
