// SPDX-License-Identifier: BSD-3-Clause
/// Decay times: curves of known form, with and without noise, and what has not decayed.
#include "../catch.hpp"
#include <spinet/random/streams.hpp>
#include <spinet/statistics/decay.hpp>
#include <spinet/statistics/decay_fit.hpp>
#include <spinet/statistics/distributions.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<double> grid(double first, double last, std::size_t per_decade) {
    std::vector<double> times;
    for (double t = first; t < last * 1.000001; t *= std::pow(10.0, 1.0 / static_cast<double>(per_decade)))
        times.push_back(t);
    return times;
}

/// Numbers as an array, row by row whatever xtensor's default layout is.
row_major_array<double, 2> rows(std::vector<double> const& numbers, std::array<std::size_t, 2> const& shape) {
    auto array = row_major_array<double, 2>::from_shape(shape);
    std::copy(numbers.begin(), numbers.end(), array.data());
    return array;
}

/// Values of so many units, one after the other.
decay decay_of(std::vector<double> const& times, std::size_t units, std::vector<double> const& values) {
    return {times, rows(values, {units, times.size()})};
}

/// The same curve in two units.
template <class Curve>
decay exact(std::vector<double> const& times, Curve&& curve) {
    std::vector<double> values;
    for (int unit = 0; unit < 2; ++unit)
        for (double const t : times) values.push_back(curve(t));
    return decay_of(times, 2, values);
}

/// With noise: independent from point to point, and one that all points of a unit share.
template <class Curve>
decay noisy(std::vector<double> const& times, std::size_t units, double noise, std::uint32_t sample,
            Curve&& curve) {
    std::vector<double> values;
    for (std::uint32_t unit = 0; unit < units; ++unit) {
        stream const draws(4711, sample, unit, purpose::testing);
        double const stretch = 1 + noise * normal(draws, 1000);
        for (std::uint32_t i = 0; i < times.size(); ++i)
            values.push_back(curve(times[i] * stretch) + noise * normal(draws, i));
    }
    return decay_of(times, units, values);
}

struct stretched {
    double amplitude, time, exponent, constant = 0;
    double operator()(double t) const {
        return amplitude * std::exp(-std::pow(t / time, exponent)) + constant;
    }
};

}  // namespace

TEST_CASE("the integral of an exponential is its time, on any grid", "[statistics]") {
    for (double const tau : {3.0, 50.0, 700.0})
        for (std::size_t const per_decade : {10u, 30u}) {
            auto const found = integrated_decay_time(
                exact(grid(1, 1e5, per_decade), [&](double t) { return std::exp(-t / tau); }));
            CAPTURE(tau, per_decade, found.value, found.window);
            CHECK(found.reached);
            CHECK(found.error == found.tail);
            // What lies beyond the window: exp(-window / tau), at most exp(-6). Straight lines stand for
            // exponentials of slopes up to 1e-3, which are right to a relative 1e-7.
            CHECK(std::abs((found.value - found.tail) / tau - (1 - std::exp(-found.window / tau))) < 1e-7);
            CHECK(std::abs(found.tail - tau * std::exp(-found.window / tau)) < 0.02 * found.tail);
            CHECK(std::abs(found.value - tau) < found.error + 1e-7 * tau);
            CHECK(found.window >= 6 * found.value);
            CHECK(found.window < 6 * tau * std::pow(10.0, 1.0 / static_cast<double>(per_decade)) * 1.001);
        }
}

TEST_CASE("the integral of a stretched exponential is tau Gamma(1 + 1/beta)", "[statistics]") {
    for (double const beta : {0.3, 0.5, 0.8}) {
        double const truth = 100 * std::tgamma(1 + 1 / beta);
        auto const whole = integrated_decay_time(exact(grid(1e-6, 1e10, 10), stretched{1, 100, beta}),
                                                 {.window = 1e4, .small = 0.5});
        CAPTURE(beta, whole.value, truth);
        CHECK(whole.reached);
        CHECK(std::abs(whole.value / truth - 1) < 4e-3);
    }
}

TEST_CASE("the integral knows of the tail that it does not sum", "[statistics]") {
    for (double const beta : {0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.3})
        for (double const amplitude : {1.0, 0.8, 0.5}) {
            double const truth = amplitude * 1000 * std::tgamma(1 + 1 / beta);
            auto const found =
                integrated_decay_time(exact(grid(1, 1e9, 10), stretched{amplitude, 1000, beta}));
            CAPTURE(beta, amplitude, found.value, found.error, truth);
            CHECK(found.reached);
            CHECK(std::abs(found.value - truth) < found.error + 4e-3 * truth);
            if (beta >= 0.5) CHECK(std::abs(found.value / truth - 1) < 0.06);
        }
}

TEST_CASE("the time at which a decay comes down to a level", "[statistics]") {
    // Of A exp(-(t/tau)^beta): tau (ln A/level)^(1/beta).
    for (double const beta : {0.4, 1.0})
        for (double const level : {0.1, 0.3678794411714423}) {
            auto const found = time_to_decay_to(exact(grid(1, 1e6, 10), stretched{0.8, 300, beta}), level);
            CAPTURE(beta, level, found.value);
            CHECK(found.reached);
            CHECK(found.error == 0.0);
            CHECK(found.value == Approx(300 * std::pow(std::log(0.8 / level), 1 / beta)).epsilon(0.01));
        }
    // Before the first time, from 1 at 0.
    CHECK(time_to_decay_to(exact({2, 4}, [](double t) { return std::exp(-t); })).value == Approx(1));
    auto const slow = time_to_decay_to(exact({1, 10, 100}, [](double t) { return std::exp(-t / 1000); }));
    CHECK_FALSE(slow.reached);
    CHECK(slow.value == 100);
    CHECK_THROWS_WITH(time_to_decay_to(exact({1, 2}, [](double) { return 0.0; }), 1.0),
                      ContainsSubstring("level in (0, 1), found 1"));
    // 200 samples with noise: the share within one error, 4.5 of its standard errors below.
    stretched const truth{0.9, 60, 0.6};
    double const time = 60 * std::pow(std::log(0.9 * std::exp(1.0)), 1 / 0.6);
    int within = 0;
    for (std::uint32_t s = 0; s < 200; ++s) {
        auto const found = time_to_decay_to(noisy(grid(1, 3000, 8), 8, 0.03, 5000 + s, truth));
        within += std::abs(found.value - time) < found.error ? 1 : 0;
    }
    CHECK(within > 200 * (0.683 - 4.5 * 0.033));
}

TEST_CASE("a plateau is taken off before the integral", "[statistics]") {
    auto const curve = exact(grid(1, 1e5, 10), stretched{0.7, 40, 1, 0.3});
    auto const without = integrated_decay_time(curve);
    CHECK_FALSE(without.reached);
    CHECK(without.window == curve.times().back());
    auto const with = integrated_decay_time(curve, {.plateau = 0.3});
    CHECK(with.reached);
    CHECK(std::abs((with.value - with.tail) / 40 - (1 - std::exp(-with.window / 40))) < 1e-9);
}

TEST_CASE("what has not decayed has a lower bound, not a time", "[statistics]") {
    // Times up to 100, tau = 1000: the integral so far is 95.2.
    auto const slow = exact(grid(1, 100, 10), [](double t) { return std::exp(-t / 1000); });
    auto const bound = integrated_decay_time(slow);
    CHECK_FALSE(bound.reached);
    CHECK(bound.value == Approx(1000 * (1 - std::exp(-0.1))).epsilon(1e-6));
    CHECK(bound.window == slow.times().back());
    auto const fit = fit_decay(slow);
    CHECK_FALSE(fit.reached);
    CHECK(fit.time.value == slow.times().back());
    CHECK(fit.time.error == 0.0);

    // It decays to 1 % here, but over a window too short for its slow part, and to 8 % there.
    CHECK_FALSE(integrated_decay_time(exact(grid(1, 40, 10), stretched{1, 10, 1})).reached);
    CHECK_FALSE(integrated_decay_time(exact(grid(1, 1e4, 10), stretched{0.92, 10, 1, 0.08})).reached);
    // A curve that never moved.
    auto const frozen = fit_decay(exact(grid(1, 1e3, 10), [](double) { return 1.0; }));
    CHECK_FALSE(frozen.reached);
    CHECK(frozen.time.value == Approx(1e3).epsilon(1e-5));
    // A power law, which a stretched exponential follows best with a tau far below the first time.
    auto const power = fit_decay(exact(grid(1, 1e4, 10), [](double t) { return 0.5 / std::sqrt(t); }));
    CHECK_FALSE(power.determined);
    CHECK(std::isnan(power.exponent.error));
    // Over before the first time, so that tau is an extrapolation, however well the form fits.
    CHECK_FALSE(fit_decay(exact(grid(1, 1e5, 10), stretched{1, 0.3, 0.5})).determined);
    // A last point that is low, though it says little: the fit goes on above it, but nothing bounds tau.
    auto const times = grid(1, 100, 10);
    std::vector<double> values;
    for (int unit = 0; unit < 4; ++unit) {
        for (double const t : times) values.push_back(std::exp(-t / 1000));
        values.back() = unit % 2 == 0 ? 1.2 : -0.8;
    }
    auto const low = fit_decay(decay_of(times, 4, values));
    CHECK_FALSE(low.reached);
    CHECK_FALSE(low.determined);
    // And one that is noise from the first time on: no time, and no bound either.
    auto const noise = fit_decay(noisy(grid(1, 1e3, 10), 8, 0.01, 0, [](double) { return 0.0; }));
    CHECK_FALSE(noise.determined);
    CHECK(std::isnan(noise.time.error));
}

TEST_CASE("a fit finds the parameters of a curve without noise", "[statistics]") {
    for (double const tau : {1.7, 30.0, 4000.0})
        for (double const beta : {0.25, 0.5, 1.0, 1.3})
            for (double const amplitude : {1.0, 0.4}) {
                CAPTURE(tau, beta, amplitude);
                auto const found = fit_decay(exact(grid(1, 1e5, 10), stretched{amplitude, tau, beta}));
                CHECK(found.determined);
                CHECK(found.reached);
                CHECK(found.time.value == Approx(tau).epsilon(1e-4));
                CHECK(found.exponent.value == Approx(beta).epsilon(1e-5));
                CHECK(found.amplitude.value == Approx(amplitude).epsilon(1e-5));
                CHECK(found.plateau.value == 0.0);
                CHECK(found.chi_square < 1e-6);
                CHECK(found.degrees_of_freedom == 51 - 3);
                CHECK(found(2.5) == Approx(stretched{amplitude, tau, beta}(2.5)).epsilon(1e-5));
            }
    auto const raised =
        fit_decay(exact(grid(1, 1e5, 10), stretched{0.6, 200, 0.6, 0.35}), {.towards = plateau::fitted});
    CHECK(raised.determined);
    CHECK(raised.time.value == Approx(200).epsilon(1e-6));
    CHECK(raised.exponent.value == Approx(0.6).epsilon(1e-6));
    CHECK(raised.amplitude.value == Approx(0.6).epsilon(1e-6));
    CHECK(raised.plateau.value == Approx(0.35).epsilon(1e-6));
    CHECK(raised.degrees_of_freedom == 51 - 4);
    // Early times follow another law, and are left out.
    auto const late = fit_decay(exact(grid(1, 1e5, 10),
                                      [](double t) {
                                          return t < 9 ? 0.2 : stretched{0.8, 300, 0.5}(t);
                                      }),
                                {.from = 9});
    CHECK(late.time.value == Approx(300).epsilon(1e-5));
    CHECK(late.degrees_of_freedom == 41 - 3);
}

TEST_CASE("errors of fitted and integrated times cover what they should", "[statistics][slow]") {
    // 16 units; the noise of a unit shifts all its times, too, so that points are correlated and only the
    // jackknife of the whole fit can be right. 400 samples: the share within one error is known to 2.3 %; 4.5
    // of these below, 4 comparisons. The jackknife is conservative, so that the upper limit is wider.
    stretched const truth{0.9, 60, 0.6};
    auto const times = grid(1, 3000, 8);
    // From 0 to 1, C falls from 1, and not from 0.9.
    double const integral = truth.amplitude * truth.time * std::tgamma(1 + 1 / truth.exponent) + 0.05;
    constexpr std::uint32_t samples = 400;
    int tau = 0, beta = 0, amplitude = 0, area = 0;
    double scatter = 0, errors = 0;
    for (std::uint32_t s = 0; s < samples; ++s) {
        auto const data = noisy(times, 16, 0.03, 1 + s, truth);
        auto const fit = fit_decay(data);
        REQUIRE(fit.determined);
        REQUIRE(fit.reached);
        tau += std::abs(fit.time.value - truth.time) < fit.time.error ? 1 : 0;
        beta += std::abs(fit.exponent.value - truth.exponent) < fit.exponent.error ? 1 : 0;
        amplitude += std::abs(fit.amplitude.value - truth.amplitude) < fit.amplitude.error ? 1 : 0;
        scatter += (fit.time.value - truth.time) * (fit.time.value - truth.time);
        double const student = student_t_quantile(normal_cdf(1.0), 15);
        errors += fit.time.error * fit.time.error / (student * student);
        auto const found = integrated_decay_time(data);
        REQUIRE(found.reached);
        area += std::abs(found.value - integral) < found.error ? 1 : 0;
    }
    CAPTURE(tau, beta, amplitude, area, std::sqrt(errors / scatter));
    for (int const within : {tau, beta, amplitude}) {
        CHECK(within > samples * (0.683 - 4.5 * 0.0233));
        CHECK(within < samples * (0.683 + 4.5 * 0.0233 + 0.05));
    }
    CHECK(area > samples * (0.683 - 4.5 * 0.0233));
    CHECK(std::abs(std::sqrt(errors / scatter) - 1.0) < 0.2);
}

TEST_CASE("errors of fitted times cover with a few units, too", "[statistics]") {
    // Student's factor is in them. 300 samples: 4.5 standard errors of the share below, 9 comparisons.
    stretched const truth{0.9, 60, 0.6};
    auto const times = grid(1, 3000, 8);
    constexpr std::uint32_t samples = 300;
    double const spread = 4.5 * std::sqrt(0.683 * 0.317 / samples);
    for (std::size_t const units : {2u, 4u, 8u}) {
        int tau = 0, beta = 0, amplitude = 0, found = 0;
        for (std::uint32_t s = 0; s < samples; ++s) {
            auto const fit = fit_decay(noisy(times, units, 0.03, 1 + s, truth));
            if (!fit.determined) continue;
            ++found;
            tau += std::abs(fit.time.value - truth.time) < fit.time.error ? 1 : 0;
            beta += std::abs(fit.exponent.value - truth.exponent) < fit.exponent.error ? 1 : 0;
            amplitude += std::abs(fit.amplitude.value - truth.amplitude) < fit.amplitude.error ? 1 : 0;
        }
        CAPTURE(units, found, tau, beta, amplitude);
        CHECK(found > 0.98 * samples);
        for (int const within : {tau, beta, amplitude})
            CHECK(static_cast<double>(within) / found > 0.683 - spread);
    }
}

TEST_CASE("the noise of the weights is in the errors of a fit", "[statistics][slow]") {
    // With 16 units each point has a weight of its own, from an error that is known to a fifth. A jackknife
    // with the weights of the whole holds beta within one error in 57 % of cases and not in 68. 1500
    // samples: 4.5 standard errors (1.2 %) of a share of 68.3 % below.
    constexpr double amplitude = 0.9, tau = 60, beta = 0.6, noise = 0.03;
    auto const times = grid(1, 3000, 8);
    constexpr std::uint32_t samples = 1500;
    int within = 0;
    for (std::uint32_t s = 0; s < samples; ++s) {
        std::vector<double> values;
        for (std::uint32_t u = 0; u < 16; ++u) {
            stream const draws(4713, s, u, purpose::testing);
            double const common = normal(draws, 10'000);
            for (std::uint32_t i = 0; i < times.size(); ++i) {
                double const c = amplitude * std::exp(-std::pow(times[i] / tau, beta));
                values.push_back(c + noise * (2 * common * c * (1 - c) + normal(draws, i)));
            }
        }
        auto const fit = fit_decay(decay_of(times, 16, values));
        REQUIRE(fit.determined);
        within += std::abs(fit.exponent.value - beta) < fit.exponent.error ? 1 : 0;
    }
    CAPTURE(within);
    CHECK(within > samples * (0.683 - 4.5 * 0.012));
}

TEST_CASE("the bounds of a time to a level hold it, and so do those of an integral", "[statistics]") {
    // The noise of a point is a tenth, so that the first of the points below 1/e is often an early one. A
    // jackknife of that time with Student's factor for 95 % holds the truth in 90 to 92 % of 2000 samples;
    // the bounds hold it in 98 to 99 %, so that 93 % of 400 samples are 7 standard errors away. The
    // integral's are of 95 %: 93 % less 4.5 standard errors, 3 comparisons.
    stretched const truth{1, 60, 1};
    auto const times = grid(1, 1000, 8);
    constexpr std::uint32_t samples = 400;
    for (std::size_t const units : {4u, 8u, 16u}) {
        int level = 0, area = 0;
        for (std::uint32_t s = 0; s < samples; ++s) {
            auto const data = noisy(times, units, 0.1, 1 + s, truth);
            auto const to_level = time_to_decay_to(data);
            REQUIRE(to_level.reached);
            level += to_level.low <= 60 && 60 <= to_level.high ? 1 : 0;
            auto const integral = integrated_decay_time(noisy(times, units, 0.02, 1 + s, truth));
            REQUIRE(integral.reached);
            area += integral.low <= 60 && 60 <= integral.high ? 1 : 0;
        }
        CAPTURE(units, level, area);
        CHECK(level > samples * 0.93);
        CHECK(area > samples * (0.93 - 4.5 * 0.0128));
    }
    // Wider for more confidence, around the value.
    auto const data = noisy(times, 8, 0.1, 1, truth);
    auto const at_95 = time_to_decay_to(data), at_68 = time_to_decay_to(data, 1 / std::numbers::e, 0.6827);
    CHECK(at_95.value == at_68.value);
    CHECK(at_95.low < at_68.low);
    CHECK(at_68.low < at_68.value);
    CHECK(at_68.value < at_68.high);
    CHECK(at_68.high < at_95.high);
    CHECK(at_68.error == Approx((at_68.high - at_68.low) / 2).epsilon(1e-3));
    for (double const confidence : {0.0, 1.0, std::nan("")}) {
        CHECK_THROWS_AS(time_to_decay_to(data, 0.5, confidence), error);
        CHECK_THROWS_AS(integrated_decay_time(data, {.confidence = confidence}), error);
    }
}

TEST_CASE("points count by their errors", "[statistics][slow]") {
    // Noise that differs a hundredfold from point to point, independent. With errors from 16 units,
    // chi-square over its degrees of freedom has the mean 15/13 over Student's factor squared, 1.082, and
    // over 200 samples of 25 of them a standard error of about 0.025; the two parameters that matter are
    // found as well as the good points allow.
    stretched const truth{1, 60, 0.7};
    auto const times = grid(1, 3000, 8);
    double sum = 0, worst = 0;
    constexpr std::uint32_t samples = 200;
    double const student = student_t_quantile(normal_cdf(1.0), 15);
    for (std::uint32_t s = 0; s < samples; ++s) {
        std::vector<double> values;
        for (std::uint32_t unit = 0; unit < 16; ++unit) {
            stream const draws(4712, s, unit, purpose::testing);
            for (std::uint32_t i = 0; i < times.size(); ++i)
                values.push_back(truth(times[i]) + (i % 2 == 0 ? 0.005 : 0.5) * normal(draws, i));
        }
        auto const fit = fit_decay(decay_of(times, 16, values), {.least_error = 1e-6});
        REQUIRE(fit.determined);
        sum += fit.chi_square / static_cast<double>(fit.degrees_of_freedom) / samples;
        worst = std::max(worst, std::abs(fit.time.value / truth.time - 1));
    }
    CHECK(std::abs(sum - 15.0 / 13 / (student * student)) < 4 * 0.025);
    CHECK(worst < 0.05);
}

TEST_CASE("decays refuse what is no decay", "[statistics]") {
    std::vector<double> const times{1, 2, 4, 8};
    std::vector<double> const values{1, 0.5, 0.2, 0.1, 1, 0.5, 0.2, 0.1};
    CHECK_NOTHROW(decay_of(times, 2, values));
    CHECK_THROWS_WITH(decay_of({}, 2, {}), "decay: no times");
    CHECK_THROWS_WITH(decay_of(times, 1, {1, 0.5, 0.2, 0.1}),
                      "decay: expected at least 2 independent units, found 1");
    CHECK_THROWS_WITH(decay(times, rows(values, {4, 2})).units(),
                      "decay: expected values of shape (units, 4), found (4, 2)");
    CHECK_THROWS_WITH(decay_of({1, 2, 2, 8}, 2, values), ContainsSubstring("found 2 as time 2"));
    CHECK_THROWS_AS(decay_of({0, 2, 4, 8}, 2, values), error);
    auto bad = values;
    bad[6] = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_WITH(decay_of(times, 2, bad), "decay: the value of unit 1 at time 2 is not finite");
    auto const good = decay_of(times, 2, values);
    for (double const window : {0.0, -1.0, std::numeric_limits<double>::infinity()})
        CHECK_THROWS_AS(integrated_decay_time(good, {.window = window}), error);
    for (double const small : {0.0, 1.0, std::nan("")})
        CHECK_THROWS_AS(integrated_decay_time(good, {.small = small}), error);
    for (double const plateau : {-0.1, 1.0, std::nan("")})
        CHECK_THROWS_AS(integrated_decay_time(good, {.plateau = plateau}), error);
    CHECK_NOTHROW(fit_decay(good));
    CHECK_THROWS_WITH(fit_decay(good, {.towards = plateau::fitted}), ContainsSubstring("at least 5 times"));
    CHECK_THROWS_WITH(fit_decay(good, {.from = 2}), ContainsSubstring("found 3"));
    CHECK_THROWS_AS(fit_decay(good, {.least_error = 0}), error);
    CHECK_THROWS_AS(fit_decay(good, {.from = std::nan("")}), error);
}

TEST_CASE("means of a decay leave one unit out", "[statistics]") {
    auto const of = decay_of({1, 2}, 3, {1, 10, 2, 20, 6, 60});
    CHECK((of.mean() == row_major_array<double, 1>{3, 30}));
    CHECK((of.mean_without(2) == row_major_array<double, 1>{1.5, 15}));
    CHECK((of.mean_without(0) == row_major_array<double, 1>{4, 40}));
    CHECK(of.errors()(1) == Approx(10 * of.errors()(0)));
}
