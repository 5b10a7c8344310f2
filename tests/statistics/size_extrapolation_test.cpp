// SPDX-License-Identifier: BSD-3-Clause
/// Extrapolation in the size: exact on polynomials, and errors that mean what they say.
#include "../files.hpp"
#include <spinet/random/streams.hpp>
#include <spinet/statistics/size_extrapolation.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

/// `count` samples of mean f(x) and the given deviation, at each inverse size.
template <class F>
std::vector<size_sample> samples_of(std::vector<double> const& sizes, std::size_t count, double deviation,
                                    std::uint32_t row, F f) {
    stream const draws(97, 0, row, purpose::testing);
    std::vector<size_sample> all;
    std::uint32_t k = 0;
    for (double const x : sizes) {
        all.push_back({x, {}});
        for (std::size_t i = 0; i < count; ++i)
            all.back().values.push_back(f(x) + deviation * normal(draws, k++));
    }
    return all;
}

}  // namespace

TEST_CASE("extrapolate_size: polynomials are recovered", "[statistics]") {
    auto const line = [](double x) { return 0.3 + 2 * x; };
    auto const exact = extrapolate_size({{0.01, {line(0.01), line(0.01)}},
                                         {0.02, {line(0.02), line(0.02)}},
                                         {0.04, {line(0.04), line(0.04)}}},
                                        0.001);
    CHECK(exact.value == Approx(line(0.001)));
    CHECK(exact.degree == 1);
    auto const curve = [](double x) { return 0.3 + 2 * x - 30 * x * x; };
    auto const bent = extrapolate_size({{0.01, {curve(0.01), curve(0.01)}},
                                        {0.02, {curve(0.02), curve(0.02)}},
                                        {0.04, {curve(0.04), curve(0.04)}}},
                                       0.001);
    CHECK(bent.value == Approx(curve(0.001)));
    CHECK(bent.degree == 2);
    auto const flat = extrapolate_size({{0.02, {1.0, 3.0}}}, 0.001);
    CHECK(flat.value == Approx(2));
    CHECK(flat.degree == 0);
    // The error of the mean of two, 1, times half of t_1's quantile of two normal deviations, 13.968.
    CHECK(flat.error == Approx(13.968 / 2).epsilon(1e-3));
}

TEST_CASE("extrapolate_size: means off the line by more than their errors stretch it", "[statistics]") {
    // Means 0, 2 d, 0 at x = 1, 2, 3 with errors d: the line is 2 d / 3, chi^2 = 6/9 * 4 = 8/3 with one
    // degree of freedom, which is not bent yet. Its error at 0 is d sqrt(1/3 + 2^2 / 2), times sqrt(8/3),
    // times the quantile.
    constexpr double d = 0.1;
    auto const found = extrapolate_size({{1, {-d, d}}, {2, {2 * d - d, 2 * d + d}}, {3, {-d, d}}}, 0);
    CHECK(found.degree == 1);
    CHECK(found.value == Approx(2 * d / 3));
    CHECK(found.error == Approx(d * std::sqrt(7.0 / 3) * std::sqrt(8.0 / 3) * 13.968 / 2).epsilon(1e-3));
}

TEST_CASE("extrapolate_size: errors cover the truth as often as they say", "[statistics]") {
    auto const line = [](double x) { return 0.3 + 2 * x; };
    double const truth = line(0.001);
    std::size_t within_one = 0, within_two = 0;
    constexpr std::size_t trials = 2000;
    for (std::uint32_t k = 0; k < trials; ++k) {
        auto const found = extrapolate_size(samples_of({0.01, 0.015, 0.02}, 8, 0.05, k, line), 0.001);
        double const z = std::abs(found.value - truth) / found.error;
        within_one += z < 1 ? 1 : 0;
        within_two += z < 2 ? 1 : 0;
    }
    // 68 % and 95 %, the quantiles and the stretching being on the safe side. Binomial deviations are 1.04 %
    // and 0.47 %; five of them are p = 6e-7.
    CHECK(static_cast<double>(within_one) / trials > 0.6827 - 0.052);
    CHECK(static_cast<double>(within_one) / trials < 0.9);
    CHECK(static_cast<double>(within_two) / trials > 0.9545 - 0.024);
}

TEST_CASE("extrapolate_size: refusals", "[statistics]") {
    CHECK_THAT(error_of([] { (void)extrapolate_size({}, 0.1); }), ContainsSubstring("no samples"));
    CHECK_THAT(error_of([] {
                   (void)extrapolate_size({{0.1, {1.0}}}, 0.1);
               }),
               ContainsSubstring("1 samples of a size"));
}
