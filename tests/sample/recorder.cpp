// SPDX-License-Identifier: BSD-3-Clause
/// Recorders: stages, sums per replica and pair, the series of cohort means, freezing and thawing.
#include "../catch.hpp"
#include <spinet/random/streams.hpp>
#include <spinet/run/recorder.hpp>
#include <spinet/statistics/ladder_means.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<double> measurement(std::uint32_t k, std::size_t numbers) {
    std::vector<double> values(numbers);
    for (std::size_t i = 0; i < numbers; ++i)
        values[i] = 0.5 + normal(stream(7, k, 0, purpose::testing), static_cast<std::uint32_t>(i));
    return values;
}

std::vector<std::byte> saved(recorder const& of) {
    archive_writer out;
    of.save(out);
    return std::move(out).take();
}

}  // namespace

TEST_CASE("stages are logarithmic in time", "[statistics]") {
    for (std::uint64_t const n : {8u, 64u, 1000u, 20'000u}) {
        std::vector<std::uint64_t> size(recorder::stages, 0);
        std::size_t last = 0;
        for (std::uint64_t k = 0; k < n; ++k) {
            auto const stage = recorder::stage_of(k, n);
            REQUIRE(stage < recorder::stages);
            REQUIRE(stage >= last);
            last = stage;
            ++size[stage];
        }
        CHECK(size == std::vector<std::uint64_t>{n / 8, n / 4 - n / 8, n / 2 - n / 4, n - n / 2});
    }
    // However few there are, the last one is in the last stage.
    for (std::uint64_t n = 1; n < 8; ++n) CHECK(recorder::stage_of(n - 1, n) == 3);
}

TEST_CASE("a recorder adds up what it is given", "[statistics]") {
    for (unit_kind const& per : {unit_kind(each_replica{}), unit_kind(each_pair{})}) {
        constexpr std::size_t replicas = 5, width = 3, lead = 2;
        constexpr std::uint32_t n = 40;
        recorder into(per, replicas, {"x", "y", "z"}, lead);
        std::size_t const units = per.size == 1 ? 5 : 10;
        REQUIRE(into.units() == units);
        CHECK(into.width() == width);
        CHECK(into.lead() == lead);
        CHECK(into.unit().name == per.name);
        CHECK(into.replicas() == replicas);
        CHECK(into.components() == std::vector<std::string>{"x", "y", "z"});
        CHECK(into.count() == 0);
        CHECK(into.lead_variance() == 0.0);

        std::vector<double> sums(4 * units * width, 0.0), leads, cohort_means;
        std::vector<std::uint64_t> counts(4, 0);
        for (std::uint32_t k = 0; k < n; ++k) {
            auto const values = measurement(k, units * width);
            auto const stage = recorder::stage_of(k, n);
            into.add(stage, values);
            ++counts[stage];
            double mean = 0;
            for (std::size_t i = 0; i < values.size(); ++i) sums[stage * units * width + i] += values[i];
            for (std::size_t u = 0; u < units; ++u) {
                leads.push_back(values[u * width + lead]);
                mean += leads.back() / static_cast<double>(units);
            }
            cohort_means.push_back(mean);
        }
        for (std::size_t s = 0; s < 4; ++s) {
            CHECK(into.count(s) == counts[s]);
            for (std::size_t u = 0; u < units; ++u)
                for (std::size_t c = 0; c < width; ++c)
                    CHECK(into.sum(s, u, c) == sums[(s * units + u) * width + c]);
        }
        CHECK(into.count() == n);
        double mean = 0, variance = 0;
        for (double const x : leads) mean += x / static_cast<double>(leads.size());
        for (double const x : leads) variance += (x - mean) * (x - mean) / static_cast<double>(leads.size());
        CHECK(into.lead_variance() == Approx(variance).epsilon(1e-12));
        REQUIRE(into.series().block_means().size() == n);
        for (std::uint32_t k = 0; k < n; ++k)
            CHECK(into.series().block_means()[k] == Approx(cohort_means[k]).epsilon(1e-13));

        recorder thawed(per, replicas, {"x", "y", "z"}, lead);
        thawed.add(0, measurement(999, units * width));
        auto const bytes = saved(into);
        archive_reader in(bytes);
        thawed.load(in);
        CHECK(in.at_end());
        CHECK(saved(thawed) == bytes);
        thawed.add(3, measurement(1000, units * width));
        into.add(3, measurement(1000, units * width));
        CHECK(saved(thawed) == saved(into));
        // Of another run: other replicas, other components.
        recorder more(per, replicas + 1, {"x", "y", "z"}, lead),
            wider(per, replicas, {"x", "y", "z", "t"}, lead);
        for (auto* other : {&more, &wider}) {
            archive_reader again(bytes);
            CHECK_THROWS_WITH(other->load(again), ContainsSubstring("does not fit: an array has"));
        }
        for (std::size_t size = 0; size < bytes.size(); size += 13) {
            std::vector<std::byte> const cut(bytes.begin(),
                                             bytes.begin() + static_cast<std::ptrdiff_t>(size));
            archive_reader short_of(cut);
            CHECK_THROWS_AS(thawed.load(short_of), error);
        }
    }
}

TEST_CASE("means over some replicas take the pairs inside, over the stages asked for", "[statistics]") {
    constexpr std::size_t replicas = 6, units = 15;
    recorder pairs(each_pair{}, replicas, {"x", "y"}, 0), singles(each_replica{}, replicas, {"x", "y"}, 0);
    // Number of measurement k for pair (a, b): something only that pair has.
    auto const of_pair = [](std::size_t a, std::size_t b, std::size_t k) {
        return std::pow(2.0, static_cast<double>(a)) + std::pow(3.0, static_cast<double>(b)) +
               static_cast<double>(k);
    };
    auto const of_single = [](std::size_t a, std::size_t k) {
        return std::pow(5.0, static_cast<double>(a)) - static_cast<double>(k * k);
    };
    std::vector<std::size_t> const stage_of{0, 1, 2, 2, 3, 3, 3};
    for (std::size_t k = 0; k < stage_of.size(); ++k) {
        std::vector<double> p, s;
        for (std::size_t a = 0; a < replicas; ++a) {
            for (double const x : {of_single(a, k), 2.0}) s.push_back(x);
            for (std::size_t b = a + 1; b < replicas; ++b)
                for (double const x : {of_pair(a, b, k), 1.0}) p.push_back(x);
        }
        REQUIRE(p.size() == 2 * units);
        pairs.add(stage_of[k], p);
        singles.add(stage_of[k], s);
    }
    auto const expect = [&](std::vector<std::size_t> const& members, std::size_t first, std::size_t last,
                            bool of_pairs) {
        double sum = 0, n = 0;
        for (std::size_t k = 0; k < stage_of.size(); ++k) {
            if (stage_of[k] < first || stage_of[k] >= last) continue;
            for (std::size_t i = 0; i < members.size(); ++i) {
                if (!of_pairs) sum += of_single(members[i], k), n += 1;
                for (std::size_t j = i + 1; of_pairs && j < members.size(); ++j)
                    sum += of_pair(members[i], members[j], k), n += 1;
            }
        }
        return sum / n;
    };
    std::vector<std::size_t> const odd{1, 3, 5}, all{0, 1, 2, 3, 4, 5}, some{0, 1, 4, 5};
    for (auto const& members : {odd, all, some})
        for (auto const& [first, last] :
             {std::pair<std::size_t, std::size_t>{0, 4}, {2, 3}, {3, 4}, {1, 4}}) {
            auto const p = sums_over(pairs, members, {first, last}),
                       s = sums_over(singles, members, {first, last});
            CHECK(p.units() == members.size());
            CHECK(p.mean(members.size(), 0) == Approx(expect(members, first, last, true)).epsilon(1e-13));
            CHECK(p.mean(members.size(), 1) == Approx(1.0));
            CHECK(s.mean(members.size(), 0) == Approx(expect(members, first, last, false)).epsilon(1e-13));
            for (std::size_t out = 0; out < members.size(); ++out) {
                auto rest = members;
                rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(out));
                CHECK(p.mean(out, 0) == Approx(expect(rest, first, last, true)).epsilon(1e-12));
                CHECK(s.mean(out, 0) == Approx(expect(rest, first, last, false)).epsilon(1e-12));
            }
        }
    CHECK(sums_over_all(pairs).mean(replicas, 0) == Approx(expect(all, 0, 4, true)).epsilon(1e-13));
    // The order of the members does not matter.
    CHECK(sums_over(pairs, {5, 1, 3}).mean(3, 0) == Approx(expect(odd, 0, 4, true)).epsilon(1e-13));
    CHECK_THROWS_WITH(sums_over_all(recorder(each_pair{}, 6, {"x"}, 0)),
                      ContainsSubstring("the run has no measurements"));
    CHECK_THROWS_AS(sums_over(pairs, {0, 1}), error);
}

TEST_CASE("replicas that pair moves join are one unit, and no pair", "[statistics]") {
    // Eight replicas, each with the value of its unit of two, so that within a unit q would be 1.
    constexpr std::size_t replicas = 8;
    auto const value = [](std::size_t r) { return std::array{0.1, 0.9, -0.4, 0.3}[r / 2]; };
    recorder pairs(each_pair{}, replicas, {"q"}, 0, 2), singles(each_replica{}, replicas, {"x"}, 0, 2);
    std::vector<double> of_pairs, of_singles;
    for (std::size_t a = 0; a < replicas; ++a) {
        of_singles.push_back(value(a));
        for (std::size_t b = a + 1; b < replicas; ++b)
            of_pairs.push_back(a / 2 == b / 2 ? 1.0 : value(a) * value(b));
    }
    pairs.add(0, of_pairs);
    singles.add(0, of_singles);
    // The same from one replica of each unit.
    recorder few_pairs(each_pair{}, 4, {"q"}, 0), few_singles(each_replica{}, 4, {"x"}, 0);
    of_pairs.clear(), of_singles.clear();
    for (std::size_t a = 0; a < replicas; a += 2) {
        of_singles.push_back(value(a));
        for (std::size_t b = a + 2; b < replicas; b += 2) of_pairs.push_back(value(a) * value(b));
    }
    few_pairs.add(0, of_pairs);
    few_singles.add(0, of_singles);
    for (auto const& [joined, few] : {std::pair{&pairs, &few_pairs}, {&singles, &few_singles}}) {
        auto const found = jackknife(sums_over_all(*joined)), expected = jackknife(sums_over_all(*few));
        CHECK(found.units == 4);
        CHECK(found.value == Approx(expected.value).epsilon(1e-12));
        CHECK(found.error == Approx(expected.error).epsilon(1e-12));
        // Units 0 and 2 alone: too few. Units 0, 1 and 3: replicas 0 to 3, 6 and 7.
        auto const some = jackknife(sums_over(*joined, {0, 1, 2, 3, 6, 7})),
                   of_few = jackknife(sums_over(*few, {0, 1, 3}));
        CHECK(some.error == Approx(of_few.error).epsilon(1e-12));
        CHECK_THROWS_AS(sums_over(*joined, {0, 1, 4, 5}), error);
    }
}

TEST_CASE("a recorder of cohorts takes its series from the whole cohort", "[statistics]") {
    recorder cohorts(each_cohort{}, 4, {"x"}, 0), single(each_replica{}, 1, {"x"}, 0);
    CHECK(cohorts.units() == 5);
    for (double const x : {2.0, 4.0, 9.0}) {
        cohorts.add(3, std::vector<double>{-1, 1, 50, 7, x});  // the first four are cohorts without a replica
        single.add(3, std::vector<double>{x});
    }
    CHECK(cohorts.lead_variance() == single.lead_variance());
    auto const found = cohorts.series().block_means(), expected = single.series().block_means();
    CHECK(std::vector<double>(found.begin(), found.end()) ==
          std::vector<double>(expected.begin(), expected.end()));
}
