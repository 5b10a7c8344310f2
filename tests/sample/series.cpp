// SPDX-License-Identifier: BSD-3-Clause
/// Series of bounded length: coarsening against plain means and variances, tau of a process with a known one.
#include "../catch.hpp"
#include <spinet/random/streams.hpp>
#include <spinet/run/series.hpp>
#include <spinet/statistics/autocorrelation.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

using namespace spinet;

namespace {

/// A stationary AR(1) series x' = rho x + noise with variance 1 about `mean`; tau = (1 + rho) / (1 - rho)
/// / 2.
std::vector<double> ar1(double rho, std::size_t n, std::uint32_t row, double mean) {
    std::vector<double> values(n);
    stream const draws(20'240'603, 0, row, purpose::testing);
    double x = normal(draws, 0);
    for (std::size_t k = 0; k < n; ++k) {
        values[k] = mean + x;
        x = rho * x + std::sqrt(1 - rho * rho) * normal(draws, static_cast<std::uint32_t>(k + 1));
    }
    return values;
}

coarsened_series series_of(std::vector<double> const& values) {
    coarsened_series made;
    for (double const x : values) made.add(x);
    return made;
}

std::vector<std::byte> saved(coarsened_series const& series) {
    archive_writer out;
    series.save(out);
    return std::move(out).take();
}

void load(coarsened_series& series, std::vector<std::byte> const& bytes) {
    archive_reader in(bytes);
    series.load(in);
}

}  // namespace

TEST_CASE("a series is its block means at any length", "[statistics]") {
    CHECK(coarsened_series{}.count() == 0);
    CHECK(coarsened_series{}.variance() == 0.0);
    CHECK(coarsened_series{}.block_means().empty());
    constexpr std::size_t longest = coarsened_series::longest;
    for (std::size_t const n : {std::size_t{1}, std::size_t{5}, longest - 1, longest, longest + 1,
                                2 * longest - 1, 2 * longest, 3 * longest + 77, 8 * longest + 3}) {
        CAPTURE(n);
        auto const values = ar1(0.5, n, 1, 3.0);
        auto const series = series_of(values);
        CHECK(series.count() == n);
        std::size_t const b = series.block_length();
        CHECK((b & (b - 1)) == 0);
        REQUIRE(series.block_means().size() == n / b);
        CHECK(series.block_means().size() < longest);
        CHECK((b == 1 || series.block_means().size() >= longest / 2));  // no coarser than it must be
        double worst = 0, sum = 0, squares = 0;
        for (std::size_t k = 0; k < n / b; ++k) {
            double mean = 0;
            for (std::size_t i = 0; i < b; ++i) mean += values[k * b + i] / static_cast<double>(b);
            worst = std::max(worst, std::abs(series.block_means()[k] - mean));
        }
        CHECK(worst < 1e-13);
        for (double const x : values) sum += x;
        double const mean = sum / static_cast<double>(n);
        for (double const x : values) squares += (x - mean) * (x - mean);
        CHECK(series.variance() == Approx(squares / static_cast<double>(n)).margin(1e-12));
    }
}

TEST_CASE("autocorrelation times do not change as a series gets coarser", "[statistics]") {
    for (double const rho : {0.0, 0.8, 0.98}) {
        CAPTURE(rho);
        double const tau = (1 + rho) / (1 - rho) / 2;
        auto const values = ar1(rho, 200'000, 2, -1.0);
        auto const series = series_of(values);
        REQUIRE(series.block_length() == 16);
        auto const coarse =
            integrated_autocorrelation_time(series.block_means(), series.block_length(), series.variance());
        auto const fine = integrated_autocorrelation_time(values);
        // Four of its own (conservative) errors, and 2 % for the bias of finite series.
        CHECK(std::abs(coarse.tau - tau) < 4 * coarse.error + 0.02 * tau);
        CHECK(std::abs(fine.tau - tau) < 4 * fine.error + 0.02 * tau);
        CHECK(std::abs(coarse.tau - fine.tau) < 4 * coarse.error);  // their windows differ
    }
}

TEST_CASE("a saved series goes on bitwise", "[statistics]") {
    auto const values = ar1(0.9, 70'001, 3, 0.3);
    for (std::size_t const cut :
         {std::size_t{0}, std::size_t{7}, std::size_t{16'384}, std::size_t{40'003}, values.size()}) {
        coarsened_series first, second;
        second.add(1e9);  // what was there before must not shine through
        for (std::size_t k = 0; k < cut; ++k) first.add(values[k]);
        load(second, saved(first));
        CHECK(saved(second) == saved(first));
        for (std::size_t k = cut; k < values.size(); ++k) second.add(values[k]);
        CHECK(saved(second) == saved(series_of(values)));
    }
}

TEST_CASE("damaged series are refused", "[statistics]") {
    auto const bytes = saved(series_of(ar1(0.9, 40'003, 3, 0.3)));
    for (std::size_t cut = 1; cut < bytes.size(); cut += 997) {
        coarsened_series target;
        CHECK_THROWS_AS(load(target, {bytes.begin(), bytes.end() - static_cast<std::ptrdiff_t>(cut)}), error);
    }
    // Behind the blocks: block length, how many are pending and their sum; count, first value and two sums.
    std::size_t const counts_at = bytes.size() - 7 * 8;
    auto const with = [&](std::size_t entry, std::uint64_t value) {
        auto copy = bytes;
        std::memcpy(copy.data() + counts_at + 8 * entry, &value, sizeof value);
        return copy;
    };
    coarsened_series target;
    CHECK_NOTHROW(load(target, bytes));
    CHECK_THROWS_AS(load(target, with(0, 0)), error);
    CHECK_THROWS_AS(load(target, with(0, 8)), error);         // not the block length that fits the count
    CHECK_THROWS_AS(load(target, with(3, 12)), error);        // a count that fits nothing
    CHECK_THROWS_AS(load(target, with(1, 1u << 20)), error);  // more pending than a block
}
