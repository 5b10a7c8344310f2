// SPDX-License-Identifier: BSD-3-Clause
/// Estimates from overlaps against enumeration of a small network, and peaks of known histograms.
#include "../catch.hpp"
#include "../files.hpp"
#include <spinet/ensemble/tempering.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/sample.hpp>
#include <spinet/statistics/distributions.hpp>
#include <spinet/statistics/overlap_distribution.hpp>
#include <spinet/statistics/overlap_estimates.hpp>
#include <spinet/testing/enumeration.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

/// Average over two independent replicas of f(overlaps of the groups).
template <class M, class F>
double exact_pairs(M const& model, double temperature, F&& f) {
    testing::exact_distribution const exact(model, temperature);
    auto const& p = exact.probabilities();
    double sum = 0;
    std::vector<double> q(model.groups().size());
    for (std::uint64_t a = 0; a < p.size(); ++a)
        for (std::uint64_t b = 0; b < p.size(); ++b) {
            for (std::size_t g = 0; g < q.size(); ++g) {
                auto const& group = model.groups()[g];
                double differ = 0;
                for (std::size_t i = group.first; i < group.first + group.size; ++i)
                    differ += static_cast<double>((a ^ b) >> i & 1u);
                q[g] = 1 - 2 * differ / static_cast<double>(group.size);
            }
            sum += p[a] * p[b] * f(q);
        }
    return sum;
}

}  // namespace

TEST_CASE("susceptibilities, link overlaps and correlations of layers are those of enumeration",
          "[statistics][slow]") {
    auto const model = random_layered_glass<float>({3, 2, 2}, {0.5, 0.7}, 3);
    ladder const temperatures({0.5, 1.2});
    auto const run =
        sample(model, parallel_tempering(glauber{}, temperatures),
               observables{overlap{}, overlap_histogram{15}, link_overlap(model), group_overlaps{}},
               run_plan{.replicas = 12,
                        .warmup = 100,
                        .sweeps = 40'000,
                        .measure_every = 4,
                        .seed = 2,
                        .from = start::hot});
    constexpr std::size_t quantities = 12, comparisons = 2 * quantities;
    double const student = student_t_quantile(normal_cdf(1.0), 11),
                 limit = student_t_quantile(1 - 0.0005 / comparisons, 11) / student;
    auto const& sizes = model.groups();
    auto const square = [](double x) { return x * x; };
    auto const whole = [](std::vector<double> const& q) { return (3 * q[0] + 2 * q[1] + 2 * q[2]) / 7; };
    auto const link = [](std::vector<double> const& q) { return (6 * q[0] * q[1] + 4 * q[1] * q[2]) / 10; };
    REQUIRE(sizes.size() == 3);
    for (std::size_t k = 0; k < 2; ++k) {
        auto const exact = [&](auto&& f) { return exact_pairs(model, temperatures[k], f); };
        auto const check = [&](curve const& found, double expected, char const* what) {
            CAPTURE(what, temperatures[k], found[k].value, expected, found[k].error);
            CHECK(std::abs(found[k].value - expected) < limit * found[k].error);
            CHECK(found[k].error < 0.05 * (0.2 + std::abs(expected)));
            CHECK(found[k].temperature == temperatures[k]);
        };
        check(spin_glass_susceptibility(run), exact([&](auto const& q) { return 7 * square(whole(q)); }),
              "chi");
        check(spin_glass_susceptibility(run, 1), exact([&](auto const& q) { return 3 * square(q[0]); }),
              "chi 0");
        check(spin_glass_susceptibility(run, 3), exact([&](auto const& q) { return 2 * square(q[2]); }),
              "chi 2");
        double const mean_link = exact(link);
        check(mean_link_overlap(run), mean_link, "link");
        check(mean_link_overlap(run, 1), exact([](auto const& q) { return q[0] * q[1]; }), "link 0-1");
        check(mean_link_overlap(run, 2), exact([](auto const& q) { return q[1] * q[2]; }), "link 1-2");
        check(link_overlap_variance(run),
              exact([&](auto const& q) { return square(link(q)); }) - square(mean_link), "variance of link");
        check(mean_group_overlaps(run, 0, 2), exact([](auto const& q) { return q[0] * q[2]; }), "q0 q2");
        check(mean_group_overlaps(run, 2, 1), exact([](auto const& q) { return q[1] * q[2]; }), "q1 q2");
        check(group_overlap_correlation(run, 0, 2),
              exact([](auto const& q) { return q[0] * q[2]; }) /
                  std::sqrt(exact([&](auto const& q) { return square(q[0]); }) *
                            exact([&](auto const& q) { return square(q[2]); })),
              "correlation 0 2");
        check(root_mean_square_overlap(run),
              std::sqrt(exact([&](auto const& q) { return square(whole(q)); })), "sqrt <q^2>");
        check(root_mean_square_overlap(run, 2), std::sqrt(exact([&](auto const& q) { return square(q[1]); })),
              "sqrt <q_1^2>");
        // 15 bins: |q| = 1 is alone in the last one, and most of the weight when it is cold.
        if (k == 0) CHECK(overlap_peak(run)[0].value == Approx(14.0 / 15));
    }
    CHECK_THAT(error_of([&] { return spin_glass_susceptibility(run, 4); }),
               ContainsSubstring("a part below 4, found 4"));
    CHECK_THAT(error_of([&] { return mean_link_overlap(run, 3); }), ContainsSubstring("below 3, found 3"));
    CHECK_THAT(error_of([&] { return mean_group_overlaps(run, 0, 3); }), ContainsSubstring("found 0 and 3"));
}

TEST_CASE("the peak of a histogram of |q|", "[statistics]") {
    auto const peak_of = [](std::vector<double> const& shares) {
        return detail::peak_of(shares, std::vector<double>(shares.size(), 1.0));
    };
    // Parabolas are found exactly: 1 - (|q| - c)^2 at the middles of bins.
    for (std::size_t const bins : {40u, 41u})
        for (double const c : {0.3, 0.52, 0.71}) {
            std::vector<double> shares(bins);
            for (std::size_t b = 0; b < bins; ++b) {
                double const q = -1 + (2 * static_cast<double>(b) + 1) / static_cast<double>(bins);
                shares[b] = 1 - (std::abs(q) - c) * (std::abs(q) - c);
            }
            CAPTURE(bins, c);
            CHECK(peak_of(shares) == Approx(c).epsilon(1e-10));
        }
    // Both signs count, whichever has more.
    CHECK(peak_of({0, 5, 0, 0, 0, 0, 3, 0}) == Approx(0.625));
    CHECK(peak_of({0, 0, 0, 0, 0, 0, 3, 0}) == Approx(0.625));
    CHECK(peak_of({0, 5, 0, 0, 0, 0, 3, 4}) == Approx(2.0 / 3));  // 0, 0, 8, 4, and a parabola
    CHECK(peak_of({3, 1, 0, 1, 2}) == Approx(0.8));
    CHECK(peak_of({0, 0, 1, 0, 0}) == 0.0);
    CHECK(peak_of({1}) == 0.0);
    // Of 6 spins, 10 bins: overlaps -1, -2/3, ..., 1 alike, so that 0, on an edge, is the largest for
    // nothing.
    auto const covers = detail::covered_by_bins(10, 6);
    CHECK((covers == row_major_array<double, 1>{2.0 / 7, 2.0 / 7, 0, 2.0 / 7, 1.0 / 7, 1.0 / 7, 2.0 / 7, 0,
                                                2.0 / 7, 2.0 / 7}));
    CHECK(detail::peak_of({1, 1, 0, 1, 0.5, 0.5, 1, 0, 2, 1}, covers) == Approx(0.7));
}
