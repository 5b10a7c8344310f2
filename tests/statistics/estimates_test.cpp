// SPDX-License-Identifier: BSD-3-Clause
/// Estimates from runs made by hand: values, delete-one-replica errors, tau and effective samples.
#include "../catch.hpp"
#include <spinet/observable/lift.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/statistics/estimates.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

using full_run = run<energy, overlap, magnetisation>;

/// t-quantile of 68.27 % (two-sided) at 7 degrees of freedom, from tables.
constexpr double student_7 = 1.0767;

std::vector<spin_group> two_layers() { return {{"a", 0, 6}, {"b", 6, 4}}; }

/// A run of 8 replicas at two temperatures, filled by `fill(recorder, replica or pair numbers, measurement)`.
struct made_run {
    static constexpr std::size_t replicas = 8;
    full_run of;
    std::vector<std::vector<double>> q, u, m;  // per measurement: q of every pair, u and m of every replica

    explicit made_run(std::uint32_t measurements,
                      std::function<double(std::uint32_t, std::size_t, std::uint32_t)> const& draw)
        : of(empty(measurements)) {
        for (std::uint32_t k = 0; k < measurements; ++k) {
            std::vector<double> energies, overlaps, magnets;
            q.emplace_back();
            u.emplace_back();
            m.emplace_back();
            for (std::size_t r = 0; r < replicas; ++r) {
                u.back().push_back(draw(k, r, 0));
                for (double const x : {u.back()[r], u.back()[r] * u.back()[r]}) energies.push_back(x);
                m.back().push_back(draw(k, r, 1));
                for (std::size_t part = 0; part < 3; ++part)
                    add_moments(magnets, m.back()[r] / static_cast<double>(part + 1));
            }
            for (std::size_t a = 0; a < replicas; ++a)
                for (std::size_t b = a + 1; b < replicas; ++b) {
                    // Pairs that share a replica are correlated, as in life.
                    q.back().push_back(draw(k, a, 2) * draw(k, b, 2));
                    for (std::size_t part = 0; part < 3; ++part)
                        add_moments(overlaps, q.back().back() / static_cast<double>(part + 1));
                }
            auto const stage = recorder::stage_of(k, measurements);
            for (std::size_t t = 0; t < 2; ++t) {
                of.recorders[0][t].add(stage, energies);
                of.recorders[1][t].add(stage, overlaps);
                of.recorders[2][t].add(stage, magnets);
            }
        }
    }

    /// The jackknife by definition: f of the measurements without one replica, for each.
    [[nodiscard]] double error_of(std::function<double(std::size_t)> const& without) const {
        double mean = 0, squares = 0;
        for (std::size_t r = 0; r < replicas; ++r) mean += without(r) / replicas;
        for (std::size_t r = 0; r < replicas; ++r) squares += (without(r) - mean) * (without(r) - mean);
        return student_7 * std::sqrt(static_cast<double>(replicas - 1) / replicas * squares);
    }

    [[nodiscard]] double mean_of_pairs(std::size_t left_out, std::function<double(double)> const& f) const {
        double sum = 0, n = 0;
        for (auto const& each : q) {
            std::size_t pair = 0;
            for (std::size_t a = 0; a < replicas; ++a)
                for (std::size_t b = a + 1; b < replicas; ++b, ++pair)
                    if (a != left_out && b != left_out) sum += f(each[pair]), n += 1;
        }
        return sum / n;
    }

    [[nodiscard]] static double mean_of_singles(std::vector<std::vector<double>> const& values,
                                                std::size_t left_out,
                                                std::function<double(double)> const& f) {
        double sum = 0, n = 0;
        for (auto const& each : values)
            for (std::size_t r = 0; r < replicas; ++r)
                if (r != left_out) sum += f(each[r]), n += 1;
        return sum / n;
    }

private:
    static void add_moments(std::vector<double>& to, double x) {
        for (double const y : {x, std::abs(x), x * x, x * x * x * x}) to.push_back(y);
    }

    static full_run empty(std::uint32_t measurements) {
        run_plan plan;
        plan.replicas = replicas;
        plan.warmup = 0;
        plan.measure_every = 5;
        plan.sweeps = 5 * measurements;
        full_run made{{{}, ladder({1.0, 2.0}), plan, 10, two_layers()}, {}};
        made.sweeps_done = plan.sweeps;
        made.recorders.emplace_back(
            2, recorder(each_replica{}, replicas, energy{}.components(made.groups), energy::lead));
        made.recorders.emplace_back(
            2, recorder(each_pair{}, replicas, overlap{}.components(made.groups), overlap::lead));
        made.recorders.emplace_back(
            2,
            recorder(each_replica{}, replicas, magnetisation{}.components(made.groups), magnetisation::lead));
        return made;
    }
};

double noise(std::uint32_t k, std::size_t r, std::uint32_t what) {
    return -0.3 + 0.4 * normal(stream(3, k, static_cast<std::uint32_t>(r), purpose::testing), what);
}

void check(curve const& points, double value, double error) {
    REQUIRE(points.size() == 2);
    for (std::size_t t = 0; t < 2; ++t) {
        CHECK(points[t].temperature == static_cast<double>(t + 1));
        CHECK(points[t].value == Approx(value).epsilon(1e-11));
        CHECK(points[t].error == Approx(error).epsilon(1e-4));  // the table has five digits
    }
}

}  // namespace

TEST_CASE("estimates are means with delete-one-replica errors", "[statistics]") {
    made_run const made(24, noise);
    constexpr std::size_t none = made_run::replicas;
    auto const of_pairs = [&](auto f) {
        return [&made, f](std::size_t out) { return made.mean_of_pairs(out, f); };
    };
    auto const identity = [](double x) { return x; };
    auto const absolute = of_pairs([](double x) { return std::abs(x); });
    auto const square = of_pairs([](double x) { return x * x; });
    auto const fourth = of_pairs([](double x) { return x * x * x * x; });
    auto const plain = of_pairs(identity);

    check(mean_abs_overlap(made.of), absolute(none), made.error_of(absolute));
    for (std::size_t part = 1; part < 3; ++part) {
        double const scale = 1.0 / static_cast<double>(part + 1);
        check(mean_abs_overlap(made.of, part), scale * absolute(none), scale * made.error_of(absolute));
        check(mean_square_overlap(made.of, part), scale * scale * square(none),
              scale * scale * made.error_of(square));
    }
    check(mean_square_overlap(made.of), square(none), made.error_of(square));
    check(mean_fourth_overlap(made.of), fourth(none), made.error_of(fourth));
    auto const of_mean = [&](std::size_t out) { return std::abs(plain(out)); };
    check(abs_mean_overlap(made.of), of_mean(none), made.error_of(of_mean));
    auto const binder = [&](std::size_t out) { return (3 - fourth(out) / (square(out) * square(out))) / 2; };
    check(binder_parameter(made.of), binder(none), made.error_of(binder));
    check(binder_parameter(made.of, 2), binder(none), made.error_of(binder));

    auto const u = [&](std::size_t out) { return made_run::mean_of_singles(made.u, out, identity); };
    check(mean_energy(made.of), u(none), made.error_of(u));
    check(mean_of(made.of, energy{}), u(none), made.error_of(u));
    auto const squared = [&](std::size_t out) {
        return made_run::mean_of_singles(made.u, out, [](double x) { return x * x; });
    };
    check(mean_of(made.of, energy{}, 1), squared(none), made.error_of(squared));
    auto const fluctuation = [&](std::size_t out) { return squared(out) - u(out) * u(out); };
    check(estimates<energy>(made.of, [](auto mean) { return mean(1) - mean(0) * mean(0); }),
          fluctuation(none), made.error_of(fluctuation));
    auto const m = [&](std::size_t out) {
        return made_run::mean_of_singles(made.m, out, [](double x) { return std::abs(x); });
    };
    check(mean_abs_magnetisation(made.of), m(none), made.error_of(m));
    check(mean_abs_magnetisation(made.of, 2), m(none) / 3, made.error_of(m) / 3);
}

TEST_CASE("tau is in sweeps and effective samples are variance over error squared", "[statistics]") {
    // Independent measurements every 5 sweeps: tau = 2.5 sweeps, and as many effective samples as numbers.
    made_run const made(4000, noise);
    auto const energies = mean_energy(made.of);
    for (auto const& each : energies) {
        // tau of 4000 independent values scatters by 0.04 (in measurements).
        CHECK(each.tau == Approx(2.5).margin(5 * 4.5 * 0.04));
        // The error has 7 degrees of freedom: its square is within a factor 8 of the truth in 999 of 1000
        // seeds; Student's factor takes 1 / 1.16 off.
        CHECK(each.effective_samples > 4000.0 * 8 / 1.16 / 8);
        CHECK(each.effective_samples < 4000.0 * 8 / 1.16 * 8);
        CHECK(each.effective_samples == Approx(0.16 / (each.error * each.error)).epsilon(0.05));
    }
    auto const verdicts = equilibration(made.of);
    for (std::size_t t = 0; t < 2; ++t)
        CHECK(mean_abs_overlap(made.of)[t].equilibrated == verdicts[t].equilibrated);
}

TEST_CASE("what never changed has no effective samples and no error", "[statistics]") {
    for (double const frozen : {1.0, -0.7123, 0.1}) {
        CAPTURE(frozen);
        made_run const made(1000, [&](std::uint32_t, std::size_t, std::uint32_t) { return frozen; });
        for (auto const& points :
             {mean_energy(made.of), mean_abs_overlap(made.of), mean_abs_magnetisation(made.of)})
            for (auto const& each : points) {
                CHECK(each.error < 1e-12);
                CHECK(each.effective_samples == 0.0);
            }
    }
}

// Reported: the variance of a coarsened_series is a difference of large sums, so a constant that is no short
// binary fraction seems to vary by 1e-14, and tau becomes 0 instead of half the interval between
// measurements.
TEST_CASE("what never changed has the tau of independent measurements", "[statistics]") {
    made_run const made(1000, [](std::uint32_t, std::size_t, std::uint32_t) { return 0.1; });
    for (auto const& each : mean_energy(made.of)) CHECK(each.tau == 2.5);
}

TEST_CASE("estimates of a run without measurements say so", "[statistics]") {
    made_run const made(0, noise);
    CHECK_THROWS_WITH(mean_energy(made.of), ContainsSubstring("the run has no measurements"));
    CHECK_THROWS_WITH(mean_abs_overlap(made.of), ContainsSubstring("the run has no measurements"));
}

TEST_CASE("estimates of lifted observables", "[statistics]") {
    auto const up = [](auto spins) { return static_cast<double>(spins[0]); };
    auto const first = per_replica("first spin", up);
    using lifted = std::remove_cv_t<decltype(first)>;
    run_plan plan;
    plan.replicas = 4;
    plan.warmup = 0;
    plan.measure_every = 1;
    plan.sweeps = 8;
    run<lifted> made{{{}, ladder({1.0}), plan, 1, {{"all", 0, 1}}}, {}};
    made.recorders.emplace_back(1, recorder(each_replica{}, 4, first.components(made.groups), lifted::lead));
    for (std::uint32_t k = 0; k < 8; ++k)
        made.recorders[0][0].add(recorder::stage_of(k, 8), std::vector<double>{1, 2, 3, 6});
    auto const points = mean_of(made, first);
    REQUIRE(points.size() == 1);
    CHECK(points[0].value == Approx(3.0));
    // Standard error of 1, 2, 3, 6: sqrt(14 / 3 / 4), times 1.1969 for 3 degrees of freedom.
    CHECK(points[0].error == Approx(1.1969 * std::sqrt(14.0 / 12.0)).epsilon(1e-4));
    CHECK_FALSE(points[0].equilibrated);
}
