// SPDX-License-Identifier: BSD-3-Clause
/// Autocorrelation times of AR(1) series, whose tau is known: tau = (1 + phi) / (2 (1 - phi)).
#include "../catch.hpp"
#include <spinet/statistics/autocorrelation.hpp>
#include <spinet/statistics/distributions.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

using namespace spinet;

namespace {

/// x' = phi x + noise, stationary from its first value, variance 1.
std::vector<double> autoregressive_series(double phi, std::size_t length, std::mt19937_64& generator) {
    std::normal_distribution<double> normal;
    std::vector<double> series(length);
    double value = normal(generator);
    for (double& x : series) {
        x = value;
        value = phi * value + std::sqrt(1.0 - phi * phi) * normal(generator);
    }
    return series;
}

double true_time(double phi) { return 0.5 * (1.0 + phi) / (1.0 - phi); }

std::vector<double> block_means_of(std::vector<double> const& series, std::size_t length) {
    std::vector<double> means(series.size() / length);
    for (std::size_t i = 0; i < means.size() * length; ++i)
        means[i / length] += series[i] / static_cast<double>(length);
    return means;
}

double variance_of(std::vector<double> const& series) {
    double sum = 0.0;
    for (double const x : series) sum += x;
    double const mean = sum / static_cast<double>(series.size());
    double squares = 0.0;
    for (double const x : series) squares += (x - mean) * (x - mean);
    return squares / static_cast<double>(series.size());
}

struct summary {
    double mean, scatter, stated_error;
};

/// Many independent series: the mean of their taus, its scatter, and the error they state.
template <class Measure>
summary repeat(std::size_t times, Measure&& measure) {
    std::vector<double> taus;
    double sum = 0.0;
    double errors = 0.0;
    for (std::size_t i = 0; i < times; ++i) {
        integrated_time const result = measure();
        taus.push_back(result.tau);
        sum += result.tau;
        errors += result.error;
    }
    double const n = static_cast<double>(times);
    return {sum / n, std::sqrt(variance_of(taus) * n / (n - 1.0)), errors / n};
}

}  // namespace

TEST_CASE("tau of a long AR(1) series agrees with theory within its error", "[autocorrelation]") {
    std::mt19937_64 generator(20240501);
    for (double const phi : {0.0, 0.5, 0.8, 0.9}) {
        auto const series = autoregressive_series(phi, 1 << 14, generator);
        auto const found = integrated_autocorrelation_time(series);
        double const width = 2.0 * static_cast<double>(found.window) + 1.0;
        double const error = std::sqrt(2.0 * width / 16384.0) * true_time(phi);
        CAPTURE(phi, found.tau, found.error, found.window, error);
        // Of 40000 such series (other seeds) 2 lay beyond 4 errors and none beyond 4.5; 1e-6 is 4.9 errors.
        double const p_value = 2.0 * normal_cdf(-std::abs(found.tau - true_time(phi)) / error);
        CHECK(p_value > 1e-6);
        CHECK(found.reliable);
        CHECK(static_cast<double>(found.window) >= 6.0 * found.tau);
        // Below 1/2, half the last of the autocorrelations is in the error, too.
        double const ratio = found.error / std::max(found.tau, 0.5) * true_time(phi) / error;
        CHECK(ratio > 1.0 - 1e-12);
        CHECK(ratio < (found.tau < 0.5 ? 1.5 : 1.0 + 1e-12));
    }
}

TEST_CASE("tau is right on average and states an honest error, in blocks or not", "[autocorrelation][slow]") {
    // Measured with 4000 series: bias -0.2 to -1.5 % (b = 1, 2), -2.3 to -2.9 % (b = 8: 256 blocks); scatter
    // over stated error 0.83 to 0.95. Threshold: 4.5 standard errors of the mean around a bias of 0 to -3 %;
    // the scatter of 400 series is known to 5 % (tau is skewed), so 0.65 to 1.15 leaves 4 standard errors on
    // both sides.
    std::mt19937_64 generator(20240502);
    constexpr std::size_t times = 400;
    for (double const phi : {0.0, 0.5, 0.9}) {
        double const truth = true_time(phi);
        for (std::size_t const length :
             {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{8}}) {  // 0: plain
            summary const found = repeat(times, [&] {
                auto const series = autoregressive_series(phi, 2048, generator);
                return length == 0 ? integrated_autocorrelation_time(series)
                                   : integrated_autocorrelation_time(block_means_of(series, length), length,
                                                                     variance_of(series));
            });
            CAPTURE(phi, length, truth, found.mean, found.scatter, found.stated_error);
            double const allowed = 4.5 * found.scatter / std::sqrt(static_cast<double>(times));
            CHECK(found.mean < truth + allowed);
            CHECK(found.mean > 0.97 * truth - allowed);
            CHECK(found.scatter < 1.15 * found.stated_error);
            CHECK(found.scatter > 0.65 * found.stated_error);
        }
    }
}

TEST_CASE("blocks of one measurement are the plain series", "[autocorrelation]") {
    std::mt19937_64 generator(20240503);
    auto const series = autoregressive_series(0.7, 3000, generator);
    auto const plain = integrated_autocorrelation_time(series);
    auto const blocks = integrated_autocorrelation_time(series, 1, variance_of(series));
    CHECK(std::abs(plain.tau / blocks.tau - 1.0) < 1e-12);
    CHECK(std::abs(plain.error / blocks.error - 1.0) < 1e-12);
    CHECK(plain.window == blocks.window);
    // Doubling every value, or moving the zero far away, changes no time.
    auto moved = series;
    for (double& x : moved) x = 1e6 + 2.0 * x;
    CHECK(std::abs(integrated_autocorrelation_time(moved).tau / plain.tau - 1.0) < 1e-8);
}

TEST_CASE("a series shorter than 50 tau is not reliable", "[autocorrelation]") {
    std::mt19937_64 generator(20240504);
    // tau = 100 seen through 1000 measurements: found too small (45 on average), in 487 of 10000 such series
    // so small that it calls itself reliable. More than 25 of 200: 2e-5 by chance.
    std::size_t reliable = 0;
    for (int i = 0; i < 200; ++i) {
        auto const series = autoregressive_series(0.99, 1000, generator);
        reliable += integrated_autocorrelation_time(series).reliable ? 1 : 0;
    }
    CHECK(reliable <= 25);
    // A staircase never decorrelates within half its length: the window does not close.
    std::vector<double> staircase(1000);
    for (std::size_t i = 0; i < staircase.size(); ++i) staircase[i] = static_cast<double>(i);
    auto const found = integrated_autocorrelation_time(staircase);
    CHECK_FALSE(found.reliable);
    CHECK(found.tau > 20.0);
}

TEST_CASE("series with nothing to correlate", "[autocorrelation]") {
    for (double const value : {0.0, 0.1, -1e300}) {
        std::vector<double> const constant(1001, value);
        auto const found = integrated_autocorrelation_time(constant);
        CHECK(found.tau == 0.5);
        CHECK(found.error == std::numeric_limits<double>::infinity());
        CHECK_FALSE(found.reliable);
        CHECK_FALSE(integrated_autocorrelation_time(constant, 4, 0.0).reliable);
        CHECK_FALSE(integrated_autocorrelation_time(constant, 4, 1.0).reliable);  // blocks that average out
    }
    std::vector<double> alternating(1000);
    for (std::size_t i = 0; i < alternating.size(); ++i) alternating[i] = i % 2 == 0 ? 1.0 : -1.0;
    CHECK_FALSE(integrated_autocorrelation_time(alternating).reliable);
}

TEST_CASE("anticorrelated series keep the truth within their error", "[autocorrelation]") {
    std::mt19937_64 generator(20240505);  // tau = 1/6; the short window gives 1/8, measured with 4000 series
    auto const series = autoregressive_series(-0.5, 2048, generator);
    auto const found = integrated_autocorrelation_time(series);
    CHECK(std::abs(found.tau - true_time(-0.5)) < 3.5 * found.error);  // none of 4000 series lay beyond 3
    auto const blocks = integrated_autocorrelation_time(block_means_of(series, 2), 2, variance_of(series));
    CHECK(std::abs(blocks.tau - true_time(-0.5)) < 4.0 * blocks.error);
    // The short window's bias does not shrink with the length, so its error must not either.
    for (double const phi : {-0.3, -0.5, -0.7}) {
        int within = 0;
        for (int k = 0; k < 60; ++k) {
            auto const long_series =
                integrated_autocorrelation_time(autoregressive_series(phi, 16384, generator));
            within += std::abs(long_series.tau - true_time(phi)) < long_series.error ? 1 : 0;
        }
        CAPTURE(phi, within);
        CHECK(within > 60 * (0.683 - 4 * 0.06));
    }
}

TEST_CASE("autocorrelation refuses what is no series", "[autocorrelation]") {
    std::vector<double> const good{1.0, 2.0, 3.0};
    double const infinity = std::numeric_limits<double>::infinity();
    CHECK_THROWS_AS(integrated_autocorrelation_time(std::vector<double>{}), error);
    CHECK_THROWS_AS(integrated_autocorrelation_time(std::vector<double>{1.0}), error);
    CHECK_THROWS_WITH(integrated_autocorrelation_time(std::vector<double>{1.0, infinity}),
                      "autocorrelation: measurement 1 is not finite");
    CHECK_THROWS_AS(integrated_autocorrelation_time(good, 0.0), error);
    CHECK_THROWS_AS(integrated_autocorrelation_time(good, 0, 1.0), error);
    CHECK_THROWS_AS(integrated_autocorrelation_time(good, 1, -1.0), error);
}
