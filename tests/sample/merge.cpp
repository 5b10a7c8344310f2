// SPDX-License-Identifier: BSD-3-Clause
/// Accumulators that merge: merge(a, b) is what recording both would have been, and a process with known
/// moments comes out of pieces as it went in.
#include "../catch.hpp"
#include <spinet/random/streams.hpp>
#include <spinet/run/centred_sums.hpp>
#include <spinet/run/recorder.hpp>
#include <spinet/run/series.hpp>
#include <spinet/statistics/autocorrelation.hpp>
#include <spinet/statistics/distributions.hpp>
#include <spinet/statistics/ladder_means.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A stationary AR(1) series about `mean` with variance 1: tau = (1 + rho) / (1 - rho) / 2.
std::vector<double> ar1(double rho, std::size_t n, std::uint32_t row, double mean) {
    std::vector<double> values(n);
    stream const draws(20'261'122, 0, row, purpose::testing);
    double x = normal(draws, 0);
    for (std::size_t k = 0; k < n; ++k) {
        values[k] = mean + x;
        x = rho * x + std::sqrt(1 - rho * rho) * normal(draws, static_cast<std::uint32_t>(k + 1));
    }
    return values;
}

template <class Accumulator>
Accumulator of(std::span<double const> values) {
    Accumulator made;
    for (double const x : values) made.add(x);
    return made;
}

template <class Accumulator>
std::vector<std::byte> saved(Accumulator const& from) {
    archive_writer out;
    from.save(out);
    return std::move(out).take();
}

void check_series(coarsened_series const& merged, coarsened_series const& whole) {
    CHECK(merged.count() == whole.count());
    CHECK(merged.block_length() == whole.block_length());
    CHECK(merged.mean() == Approx(whole.mean()).epsilon(1e-12));
    CHECK(merged.variance() == Approx(whole.variance()).epsilon(1e-12));
    REQUIRE(merged.block_means().size() == whole.block_means().size());
}

recorder recorded(std::span<double const> values, std::size_t first, std::size_t total) {
    recorder into(each_replica{}, 3, {"x", "x^2"}, 0);
    for (std::size_t k = 0; k < values.size(); ++k) {
        std::vector<double> blocks;
        for (double const factor : {1.0, 2.0, 3.0}) {
            blocks.push_back(factor * values[k]);
            blocks.push_back(factor * values[k] * values[k]);
        }
        into.add(recorder::stage_of(first + k, total), blocks);
    }
    return into;
}

}  // namespace

TEST_CASE("merged moments are those of all values", "[statistics]") {
    for (double const mean : {0.0, 1e6}) {
        auto const values = ar1(0.3, 1000, 1, mean);
        std::span<double const> const all(values);
        auto const whole = of<centred_sums>(all);
        for (std::size_t const cut : {0u, 1u, 500u, 999u, 1000u}) {
            auto const merged = merge(of<centred_sums>(all.first(cut)), of<centred_sums>(all.subspan(cut)));
            CHECK(merged.count() == 1000);
            CHECK(merged.mean() == Approx(whole.mean()).epsilon(1e-13).margin(1e-13));
            CHECK(merged.variance() == Approx(whole.variance()).epsilon(1e-9));
        }
    }
    // Far apart: the variance is that between the two.
    auto const far =
        merge(of<centred_sums>(std::vector<double>{1, 1}), of<centred_sums>(std::vector<double>{5, 5}));
    CHECK(far.variance() == Approx(4));
    CHECK(far.mean() == Approx(3));
}

TEST_CASE("merged series are those of all values, whatever their block lengths", "[statistics]") {
    constexpr std::size_t longest = coarsened_series::longest;
    // Cuts at whole blocks of the longer length: the same blocks, in the same order.
    for (auto const& [first, second] :
         std::vector<std::pair<std::size_t, std::size_t>>{{100, 77},
                                                          {longest + 2, 1000},
                                                          {1000, longest + 500},
                                                          {longest - 4, 3},
                                                          {longest - 4, 4},
                                                          {2 * longest, 3 * longest + 5},
                                                          {512, 8 * longest + 3},
                                                          {8 * longest, 5}}) {
        CAPTURE(first, second);
        auto const values = ar1(0.5, first + second, 2, 3.0);
        std::span<double const> const all(values);
        auto const a = of<coarsened_series>(all.first(first)), b = of<coarsened_series>(all.subspan(first)),
                   whole = of<coarsened_series>(all);
        REQUIRE(first % std::max(a.block_length(), b.block_length()) == 0);
        auto const merged = merge(a, b);
        check_series(merged, whole);
        double worst = 0;
        for (std::size_t k = 0; k < whole.block_means().size(); ++k)
            worst = std::max(worst, std::abs(merged.block_means()[k] - whole.block_means()[k]));
        CHECK(worst < 1e-12);
    }
}

TEST_CASE("unfinished blocks keep their values when series merge", "[statistics]") {
    constexpr std::size_t longest = coarsened_series::longest;
    for (auto const& [first, second] :
         std::vector<std::pair<std::size_t, std::size_t>>{{4 * longest + 5, 4 * longest + 6},
                                                          {4 * longest + 1, 4 * longest + 2},
                                                          {5, 8 * longest + 15},
                                                          {8 * longest + 15, 5}}) {
        CAPTURE(first, second);
        auto const values = ar1(0.5, first + second, 3, 3.0);
        std::span<double const> const all(values);
        auto const merged =
            merge(of<coarsened_series>(all.first(first)), of<coarsened_series>(all.subspan(first)));
        auto const whole = of<coarsened_series>(all);
        check_series(merged, whole);
        // The sum of blocks and of what is unfinished is that of all values: filled up with zeros, it shows.
        auto const sum_of = [](coarsened_series series) {
            double sum = 0;
            while (series.count() % series.block_length() != 0) series.add(0);
            for (double const mean : series.block_means())
                sum += mean * static_cast<double>(series.block_length());
            return sum;
        };
        CHECK(sum_of(merged) == Approx(sum_of(whole)).epsilon(1e-12));
        // It can be saved, read and gone on with.
        coarsened_series read;
        auto const bytes = saved(merged);
        archive_reader in(bytes);
        CHECK_NOTHROW(read.load(in));
    }
}

TEST_CASE("an empty accumulator changes nothing", "[statistics]") {
    auto const values = ar1(0.5, 500, 4, 3.0);
    auto const sums = of<centred_sums>(values);
    CHECK(saved(merge(sums, centred_sums{})) == saved(sums));
    CHECK(saved(merge(centred_sums{}, sums)) == saved(sums));
    auto const series = of<coarsened_series>(values);
    CHECK(saved(merge(series, coarsened_series{})) == saved(series));
    CHECK(saved(merge(coarsened_series{}, series)) == saved(series));
    auto const full = recorded(values, 0, 500), empty = recorded({}, 0, 500);
    for (auto const& none : {recorder{}, empty}) {
        CHECK(saved(merge(full, none)) == saved(full));
        CHECK(saved(merge(none, full)) == saved(full));
    }
    CHECK(merge(recorder{}, full).components() == full.components());
    CHECK(merge(recorder{}, recorder{}).count() == 0);
}

TEST_CASE("merged recorders hold what one would have recorded", "[statistics]") {
    auto const values = ar1(0.5, 800, 5, 3.0);
    std::span<double const> const all(values);
    auto const whole = recorded(all, 0, 800);
    auto merged = recorder{};
    for (std::size_t k = 0; k < 800; k += 200)
        merged = merge(std::move(merged), recorded(all.subspan(k, 200), k, 800));
    for (std::size_t s = 0; s < recorder::stages; ++s) {
        CHECK(merged.count(s) == whole.count(s));
        for (std::size_t unit = 0; unit < 3; ++unit)
            for (std::size_t c = 0; c < 2; ++c)
                CHECK(merged.sum(s, unit, c) == Approx(whole.sum(s, unit, c)).epsilon(1e-12));
    }
    CHECK(merged.lead_variance() == Approx(whole.lead_variance()).epsilon(1e-12));
    check_series(merged.series(), whole.series());
    CHECK(jackknife(sums_over_all(merged), 1).value == Approx(jackknife(sums_over_all(whole), 1).value));
    for (auto const& other :
         {recorder(each_replica{}, 4, {"x", "x^2"}, 0), recorder(each_pair{}, 3, {"x", "x^2"}, 0),
          recorder(each_replica{}, 3, {"x", "x^3"}, 0), recorder(each_replica{}, 3, {"x", "x^2"}, 1),
          recorder(each_replica{}, 3, {"x"}, 0)}) {
        CHECK_THROWS_WITH(merge(whole, other),
                          ContainsSubstring("expected the same observable and 3 replicas"));
        CHECK_THROWS_AS(merge(other, whole), error);
    }
    CHECK_THROWS_AS(merge(whole, recorder(each_replica{}, 3, {"x", "x^2"}, 0, 3)), error);
}

TEST_CASE("mean, variance and tau of an AR(1) process come out of merged pieces", "[statistics][slow]") {
    // 12 pieces of 6000 to 90000 values: blocks of 1 to 8 and, merged, of 64. The mean of n values has the
    // variance 2 tau / n, their variance (of a Gaussian process) 2 (1 + rho^2) / (1 - rho^2) / n; normal, p =
    // 0.001 / 9.
    constexpr double limit = 3.9;
    for (double const rho : {0.0, 0.8, 0.95}) {
        double const tau = (1 + rho) / (1 - rho) / 2, mean = 7;
        coarsened_series merged;
        for (std::uint32_t piece = 0; piece < 12; ++piece)
            merged.merge(of<coarsened_series>(ar1(rho, 6000 + 84'000 * (piece % 3) / 2, 100 + piece, mean)));
        auto const n = static_cast<double>(merged.count());
        auto const found =
            integrated_autocorrelation_time(merged.block_means(), merged.block_length(), merged.variance());
        CAPTURE(rho, n, merged.block_length(), merged.mean(), merged.variance(), found.tau, found.error, tau);
        CHECK(n == 4 * (6000 + 48'000 + 90'000));
        CHECK(std::abs(merged.mean() - mean) < limit * std::sqrt(2 * tau / n));
        CHECK(std::abs(merged.variance() - 1) <
              limit * std::sqrt(2 * (1 + rho * rho) / (1 - rho * rho) / n) + 2 * tau / n);
        CHECK(found.reliable);
        CHECK(std::abs(found.tau - tau) < limit * found.error);
        CHECK(found.error < 0.1 * tau);
    }
}
