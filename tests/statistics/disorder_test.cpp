// SPDX-License-Identifier: BSD-3-Clause
/// Averages over disorder and the bootstrap: closed forms, coverage, refusals.
#include "../catch.hpp"
#include <spinet/ensemble/tempering.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/sample.hpp>
#include <spinet/statistics/bootstrap.hpp>
#include <spinet/statistics/disorder_average.hpp>
#include <spinet/statistics/distributions.hpp>
#include <spinet/statistics/estimates.hpp>
#include <spinet/testing/enumeration.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

double mean_of(std::vector<double> const& values, std::span<std::size_t const> chosen) {
    double sum = 0;
    for (std::size_t const u : chosen) sum += values[u];
    return sum / static_cast<double>(chosen.size());
}

/// x and y of a unit: y = 3 + noise, x = 2 y + noise of its own; the ratio of the means is 2.
std::array<double, 2> pair_of(std::uint32_t sample, std::uint32_t unit) {
    stream const draws(31, sample, unit, purpose::testing);
    double const y = 3 + normal(draws, 0);
    return {2 * y + normal(draws, 1), y};
}

}  // namespace

TEST_CASE("resamples draw every unit alike, and as the seed says", "[statistics]") {
    constexpr std::size_t units = 7, resamples = 3000;
    std::vector<double> drawn(units, 0.0);
    std::vector<std::vector<std::size_t>> all;
    auto const found = bootstrap(units,
                                 [&](std::span<std::size_t const> chosen) {
                                     all.emplace_back(chosen.begin(), chosen.end());
                                     return static_cast<double>(chosen[0]);
                                 },
                                 {.resamples = resamples});
    REQUIRE(all.size() == resamples + 1);
    CHECK(all[0] == std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6});
    CHECK(found.value == 0.0);
    CHECK(found.units == units);
    CHECK(found.resamples == resamples);
    for (std::size_t r = 1; r < all.size(); ++r)
        for (std::size_t const u : all[r]) ++drawn[u];
    double chi_square = 0;
    for (double const n : drawn) chi_square += (n - resamples) * (n - resamples) / resamples;
    CHECK(chi_square_survival(chi_square, units - 1) > 0.001);
    CHECK(std::set<std::vector<std::size_t>>(all.begin(), all.end()).size() > resamples - 50);

    std::vector<double> const values{1, 5, 2, 8, 3};
    auto const by_mean = [&](std::span<std::size_t const> chosen) { return mean_of(values, chosen); };
    auto const one = bootstrap(5, by_mean), again = bootstrap(5, by_mean),
               other = bootstrap(5, by_mean, {.seed = 2});
    CHECK(one.error == again.error);
    CHECK(one.low == again.low);
    CHECK(one.error != other.error);
}

TEST_CASE("for a mean the bootstrap is s / sqrt(n) with the divisor n, and its interval that of a normal",
          "[statistics]") {
    constexpr std::size_t n = 200, resamples = 20'000;
    std::vector<double> values;
    for (std::uint32_t u = 0; u < n; ++u)
        values.push_back(10 + normal(stream(32, 0, u, purpose::testing), 0));
    double mean = 0, squares = 0;
    for (double const x : values) mean += x / n;
    for (double const x : values) squares += (x - mean) * (x - mean);
    auto const found =
        bootstrap(n, [&](std::span<std::size_t const> chosen) { return mean_of(values, chosen); },
                  {.resamples = resamples});
    double const expected = std::sqrt(squares / n / n);
    CHECK(found.value == Approx(mean));
    // An error from B resamples is known to 1 / sqrt(2 B) = 0.5 %, quantiles at +-1 to 1.1 %: 4 of these.
    CHECK(found.error == Approx(expected).epsilon(0.02));
    CHECK(found.high - mean == Approx(expected).epsilon(0.05));
    CHECK(mean - found.low == Approx(expected).epsilon(0.05));
    auto const wide =
        bootstrap(n, [&](std::span<std::size_t const> chosen) { return mean_of(values, chosen); },
                  {.resamples = resamples, .coverage = 0.9545});
    CHECK(wide.high - mean == Approx(2 * expected).epsilon(0.07));
    CHECK(wide.error == found.error);
}

TEST_CASE("errors are the scatter of resamples, also of an estimate that they pull down", "[statistics]") {
    std::vector<double> found;
    auto const largest = [&](std::span<std::size_t const> chosen) {
        auto const top = *std::max_element(chosen.begin(), chosen.end());
        found.push_back(static_cast<double>(top));
        return found.back();
    };
    auto const of = bootstrap(6, largest, {.resamples = 400, .coverage = 0.5});
    REQUIRE(found.size() == 401);
    CHECK(of.value == 5.0);
    double mean = 0, squares = 0;
    for (std::size_t r = 1; r < 401; ++r) mean += found[r] / 400;
    for (std::size_t r = 1; r < 401; ++r) squares += (found[r] - mean) * (found[r] - mean);
    CHECK(mean < 4.8);
    CHECK(of.error == Approx(std::sqrt(squares / 399)));
    std::sort(found.begin() + 1, found.end());
    CHECK(of.low == Approx(0.25 * found[100] + 0.75 * found[101]));  // place 99.75 of 0, ..., 399
    CHECK(of.high == Approx(0.75 * found[300] + 0.25 * found[301]));
}

TEST_CASE("bootstrap and jackknife cover means and ratios", "[statistics][slow]") {
    // 40 units, 1500 samples: coverage is known to 1.2 %; 4.5 of that, 6 comparisons. The exact coverage of
    // mean +- bootstrap error is that of Student's t at sqrt(39 / 40) standard errors, 0.677; that of a ratio
    // differs by O(1/n).
    constexpr std::size_t units = 40;
    constexpr std::uint32_t samples = 1500;
    std::array<int, 6> within{};
    for (std::uint32_t s = 0; s < samples; ++s) {
        disorder_samples made(2);
        for (std::uint32_t u = 0; u < units; ++u) made.add(pair_of(s, u), true);
        auto const ratio = [](auto mean) { return mean(0) / mean(1); };
        auto const plain = [](auto mean) { return mean(1); };
        bootstrap_options const options{.resamples = 300, .seed = s};
        auto const a = disorder_bootstrap(made, plain, options), b = disorder_bootstrap(made, ratio, options);
        auto const c = disorder_average(made, 1), d = disorder_average(made, ratio);
        within[0] += std::abs(a.value - 3) < a.error ? 1 : 0;
        within[1] += std::abs(b.value - 2) < b.error ? 1 : 0;
        within[2] += a.low < 3 && 3 < a.high ? 1 : 0;
        within[3] += b.low < 2 && 2 < b.high ? 1 : 0;
        within[4] += std::abs(c.value - 3) < c.error ? 1 : 0;
        within[5] += std::abs(d.value - 2) < d.error ? 1 : 0;
    }
    for (int const hits : within) {
        double const share = hits / double{samples};
        CAPTURE(share);
        CHECK(share > 0.665 - 4.5 * 0.0122);
        CHECK(share < 0.69 + 4.5 * 0.0122);
    }
}

TEST_CASE("functions of averages over disorder are not averages of functions", "[statistics]") {
    disorder_samples samples(2);
    samples.add(std::vector<double>{0.2, 0.08}, true);
    samples.add(std::vector<double>{0.6, 0.40}, true);
    samples.add(std::vector<double>{0.4, 0.30}, false);
    auto const g =
        disorder_average(samples, [](auto mean) { return (3 - mean(1) / (mean(0) * mean(0))) / 2; });
    CHECK(g.value == Approx((3 - 0.26 / 0.16) / 2));
    CHECK(g.samples == 3);
    CHECK(g.not_equilibrated == 1);
    // Without each: [q^2] = 0.5, 0.3, 0.4, [q^4] = 0.35, 0.19, 0.24.
    std::array<double, 3> const left{(3 - 0.35 / 0.25) / 2, (3 - 0.19 / 0.09) / 2, (3 - 0.24 / 0.16) / 2};
    double const mean = (left[0] + left[1] + left[2]) / 3;
    double squares = 0;
    for (double const x : left) squares += (x - mean) * (x - mean);
    CHECK(g.error == Approx(std::sqrt(2.0 / 3 * squares) * student_t_quantile(normal_cdf(1.0), 2)));
    CHECK(disorder_average(samples, 1).value == Approx(0.26));
    CHECK(disorder_average(samples).value == Approx(0.4));
    CHECK(samples.value(1, 1) == 0.40);
    auto const resampled = disorder_bootstrap(samples, [](auto of) { return of(0); });
    CHECK(resampled.value == Approx(0.4));
    CHECK(resampled.error == Approx(std::sqrt(0.08 / 3 / 3)).epsilon(0.1));
}

TEST_CASE("chi_SG of SK over disorder is the one of enumeration", "[statistics][slow]") {
    // N = 10 at T = 1.5, 300 samples of couplings: sampled in 4 replicas each, against exact [<q^2>] of the
    // same samples and against the spread over disorder.
    constexpr std::uint32_t samples = 300;
    constexpr double temperature = 1.5;
    disorder_samples measured(2), exact(1), differences(1);
    for (std::uint32_t s = 0; s < samples; ++s) {
        auto const seed = child_seed(33, purpose::couplings, s);
        auto const model = sherrington_kirkpatrick<float>(10, seed);
        auto const run =
            sample(model, fixed_temperatures(glauber{}, ladder({temperature})), observables{overlap{}},
                   run_plan{.replicas = 4,
                            .warmup = 20,
                            .sweeps = 400,
                            .measure_every = 4,
                            .seed = seed,
                            .from = start::hot});
        double const square = mean_square_overlap(run)[0].value;
        measured.add(std::vector<double>{square, mean_fourth_overlap(run)[0].value}, true);
        double const truth =
            testing::exact_distribution(model, temperature).overlap_average([](double q) { return q * q; });
        exact.add(std::vector<double>{truth}, true);
        differences.add(std::vector<double>{square - truth}, true);
    }
    auto const chi = disorder_average(measured, [](auto mean) { return 10 * mean(0); });
    auto const truth = disorder_average(exact, [](auto mean) { return 10 * mean(0); });
    auto const off = disorder_average(differences);
    CAPTURE(chi.value, chi.error, truth.value, truth.error, off.value, off.error);
    CHECK(std::abs(off.value) < 3.3 * off.error);  // normal, p = 0.001
    CHECK(off.error < 0.01 * truth.value / 10);
    CHECK(chi.error == Approx(truth.error).epsilon(0.5));
    CHECK(truth.error < 0.05 * truth.value);
    auto const resampled = disorder_bootstrap(measured, [](auto mean) { return 10 * mean(0); });
    CHECK(resampled.error == Approx(chi.error).epsilon(0.15));
    CHECK(resampled.low < chi.value);
    CHECK(resampled.high > chi.value);
}

TEST_CASE("bootstraps and disorder refuse what has no error", "[statistics]") {
    auto const zero = [](std::span<std::size_t const>) { return 0.0; };
    CHECK_THROWS_WITH(bootstrap(1, zero), ContainsSubstring("independent units, found 1"));
    CHECK_THROWS_AS(bootstrap(0, zero), error);
    CHECK_THROWS_WITH(bootstrap(5, zero, {.resamples = 1}), ContainsSubstring("resamples, found 1"));
    for (double const coverage : {0.0, 1.0, std::nan("")})
        CHECK_THROWS_AS(bootstrap(5, zero, {.coverage = coverage}), error);
    CHECK_THROWS_WITH(bootstrap(5, [](std::span<std::size_t const>) { return std::nan(""); }),
                      "bootstrap: an estimate is not finite");
    CHECK(bootstrap(5, zero).error == 0.0);
    CHECK_THROWS_AS(disorder_samples(0), error);
    disorder_samples samples(2);
    CHECK_THROWS_WITH(samples.add(std::vector<double>{1.0}, true),
                      "disorder_samples: expected 2 numbers, found 1");
    CHECK_THROWS_WITH(samples.add(std::vector<double>{1.0, std::numeric_limits<double>::infinity()}, true),
                      "disorder_samples: number 1 of sample 0 is not finite");
    CHECK(samples.size() == 0);
    samples.add(std::vector<double>{1.0, 2.0}, true);
    CHECK_THROWS_AS(disorder_average(samples), error);
    samples.add(std::vector<double>{1.0, 2.0}, true);
    CHECK_THROWS_AS(disorder_average(samples, 2), error);
    CHECK_THROWS_AS(samples.value(2), error);
    CHECK(disorder_average(samples).error == 0.0);
}
