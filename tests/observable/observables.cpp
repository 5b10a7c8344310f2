// SPDX-License-Identifier: BSD-3-Clause
/// Observables on random cohorts against naive loops, and the law of permuted replicas.
#include "../catch.hpp"
#include <spinet/observable/energy.hpp>
#include <spinet/observable/lift.hpp>
#include <spinet/observable/magnetisation.hpp>
#include <spinet/observable/overlap.hpp>
#include <spinet/observable/overlap_histogram.hpp>
#include <spinet/random/streams.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace spinet;

namespace {

constexpr auto first_spin = [](auto spins) { return spins[0]; };
using lifted_single = decltype(per_replica("", first_spin));
constexpr auto first_and_last = [](auto a, auto b) { return a[0] + 10 * b[b.size() - 1]; };
using lifted_pair = decltype(per_pair("", first_and_last));

static_assert(Observable<energy> && Observable<overlap> && Observable<magnetisation> &&
              Observable<lifted_single> && Observable<lifted_pair>);
static_assert(Observable<overlap, double> && !Observable<int>);
static_assert(each_replica::count(7) == 7 && each_pair::count(7) == 21);
static_assert(each_pair::count(1) == 0 && each_pair::count(0) == 0);
static_assert(reading_of<energy> == reading::energies && reading_of<overlap> == reading::bits &&
              reading_of<magnetisation> == reading::bits && reading_of<lifted_single> == reading::spins);
static_assert(energy::lead == 0 && overlap::lead == moments::absolute &&
              magnetisation::lead == moments::absolute);

std::vector<spin_group> groups_of(std::vector<std::size_t> const& sizes) {
    std::vector<spin_group> groups;
    std::size_t first = 0;
    for (std::size_t const size : sizes) {
        groups.push_back({"g" + std::to_string(groups.size()), first, size});
        first += size;
    }
    return groups;
}

/// Random spins in rows that lie `gap` numbers apart, with something else between them.
template <class Real>
struct sample_cohort {
    std::vector<spin_group> groups;
    std::size_t replicas, sites = 0, stride;
    std::vector<Real> numbers;
    std::vector<double> energies;

    sample_cohort(std::size_t n, std::vector<std::size_t> const& sizes, std::uint32_t seed, std::size_t gap)
        : groups(groups_of(sizes)), replicas(n) {
        for (std::size_t const size : sizes) sites += size;
        stride = sites + gap;
        numbers.assign(replicas * stride, Real{1000});
        for (std::uint32_t r = 0; r < replicas; ++r) {
            stream const draws(seed, 0, r, purpose::testing);
            for (std::uint32_t i = 0; i < sites; ++i)
                numbers[r * stride + i] = draws.bits(i) % 3 != 0 ? Real{1} : Real{-1};
            energies.push_back(10 * normal(draws, 1000));
        }
    }

    [[nodiscard]] double spin(std::size_t r, std::size_t i) const {
        return static_cast<double>(numbers[r * stride + i]);
    }
    [[nodiscard]] cohort<Real> view() const {
        return {{numbers.data(), replicas, sites, stride}, energies, groups, 1.5};
    }

    /// The words of all rows, and where each row begins.
    [[nodiscard]] std::pair<std::vector<std::uint64_t>, std::vector<std::uint64_t const*>> packed() const {
        std::vector<std::uint64_t> words;
        for (std::size_t r = 0; r < replicas; ++r)
            for (auto const& group : groups)
                for (std::size_t k = 0; k < group.size; ++k) {
                    if (k % 64 == 0) words.push_back(0);
                    if (spin(r, group.first + k) > 0) words.back() |= std::uint64_t{1} << k % 64;
                }
        std::vector<std::uint64_t const*> rows;
        for (std::size_t r = 0; r < replicas; ++r)
            rows.push_back(words.data() + r * (words.size() / replicas));
        return {std::move(words), std::move(rows)};
    }

    /// Range of part 0 (all) or part g + 1 (group g).
    [[nodiscard]] site_range range(std::size_t part) const {
        return part == 0 ? site_range{0, sites} : site_range{groups[part - 1].first, groups[part - 1].size};
    }

    [[nodiscard]] sample_cohort permuted(std::vector<std::size_t> const& order) const {
        auto copy = *this;
        for (std::size_t r = 0; r < replicas; ++r) {
            std::copy_n(numbers.begin() + static_cast<std::ptrdiff_t>(order[r] * stride), stride,
                        copy.numbers.begin() + static_cast<std::ptrdiff_t>(r * stride));
            copy.energies[r] = energies[order[r]];
        }
        return copy;
    }
};

template <class O, class Real>
std::vector<double> measured(O const& observable, sample_cohort<Real> const& of) {
    std::vector<double> out(O::unit::count(of.replicas) * observable.components(of.groups).size(),
                            std::numeric_limits<double>::quiet_NaN());
    observable.measure(of.view(), std::span<double>(out));
    if constexpr (reading_of<O> != reading::spins) {
        std::vector<double> from_bits(out.size(), std::numeric_limits<double>::quiet_NaN());
        auto const [words, rows] = of.packed();
        cohort<Real> const seen{
            {nullptr, of.replicas, of.sites, of.sites}, of.energies, of.groups, 1.5, rows};
        observable.measure(seen, std::span<double>(from_bits));
        CHECK(from_bits == out);
    }
    return out;
}

void append_moments(std::vector<double>& to, double x) {
    for (double const y : {x, std::abs(x), x * x, x * x * x * x}) to.push_back(y);
}

/// Absolute, for overlaps of at most 1; the sums of +-1 are exact, so only the divisions round.
void check_close(std::vector<double> const& found, std::vector<double> const& expected) {
    REQUIRE(found.size() == expected.size());
    double worst = 0;
    for (std::size_t k = 0; k < found.size(); ++k)
        worst = std::max(worst, std::isnan(found[k]) ? 1e300 : std::abs(found[k] - expected[k]));
    CHECK(worst < 1e-15);
}

template <class Real>
void check_all(sample_cohort<Real> const& of) {
    CAPTURE(of.replicas, of.sites, of.groups.size());
    std::size_t const parts = of.groups.size() > 1 ? of.groups.size() + 1 : 1;
    std::vector<double> overlaps, magnets, energies, singles, pairs;
    for (std::size_t a = 0; a < of.replicas; ++a) {
        double const u = of.energies[a] / static_cast<double>(of.sites);
        for (double const x : {u, u * u}) energies.push_back(x);
        singles.push_back(of.spin(a, 0));
        for (std::size_t part = 0; part < parts; ++part) {
            auto const [first, size] = of.range(part);
            double sum = 0;
            for (std::size_t i = first; i < first + size; ++i) sum += of.spin(a, i);
            append_moments(magnets, sum / static_cast<double>(size));
        }
        for (std::size_t b = a + 1; b < of.replicas; ++b) {
            pairs.push_back(of.spin(a, 0) + 10 * of.spin(b, of.sites - 1));
            for (std::size_t part = 0; part < parts; ++part) {
                auto const [first, size] = of.range(part);
                double sum = 0;
                for (std::size_t i = first; i < first + size; ++i) sum += of.spin(a, i) * of.spin(b, i);
                append_moments(overlaps, sum / static_cast<double>(size));
            }
        }
    }
    check_close(measured(overlap{}, of), overlaps);
    check_close(measured(magnetisation{}, of), magnets);
    check_close(measured(per_replica("first spin", first_spin), of), singles);
    check_close(measured(per_pair("ends", first_and_last), of), pairs);
    auto const found = measured(energy{}, of);
    REQUIRE(found.size() == energies.size());
    for (std::size_t k = 0; k < found.size(); ++k) CHECK(found[k] == Approx(energies[k]).epsilon(1e-15));
}

/// Permuting the replicas permutes the blocks.
template <class O, class Real>
void check_permutation(O const& observable, sample_cohort<Real> const& of,
                       std::vector<std::size_t> const& order) {
    auto const before = measured(observable, of), after = measured(observable, of.permuted(order));
    std::size_t const width = observable.components(of.groups).size(), n = of.replicas;
    auto const block_of_pair = [&](std::size_t a, std::size_t b) {
        return std::min(a, b) * (2 * n - std::min(a, b) - 1) / 2 + (std::max(a, b) - std::min(a, b) - 1);
    };
    std::size_t unit = 0, wrong = 0;
    auto const compare = [&](std::size_t old_unit) {
        for (std::size_t c = 0; c < width; ++c)
            wrong += after[unit * width + c] != before[old_unit * width + c] ? 1 : 0;
        ++unit;
    };
    for (std::size_t a = 0; a < n; ++a) {
        if (O::unit::size == 1) compare(order[a]);
        for (std::size_t b = a + 1; O::unit::size == 2 && b < n; ++b)
            compare(block_of_pair(order[a], order[b]));
    }
    CHECK(unit == O::unit::count(n));
    CHECK(wrong == 0);
}

}  // namespace

TEMPLATE_TEST_CASE("observables against naive loops, for one group and many", "[observable]", float, double) {
    std::uint32_t seed = 0;
    for (std::size_t const replicas : {1u, 2u, 3u, 4u, 16u, 17u, 33u})
        for (auto const& sizes :
             {std::vector<std::size_t>{1}, {40}, {784, 16, 10}, {1, 1}, {5, 9, 64, 2, 33}})
            for (std::size_t const gap : {std::size_t{0}, std::size_t{5}})
                check_all(sample_cohort<TestType>(replicas, sizes, ++seed, gap));
}

TEST_CASE("permuting the replicas permutes the blocks", "[observable]") {
    sample_cohort<float> const of(7, {20, 12, 5}, 99, 0);
    for (auto const& order :
         {std::vector<std::size_t>{6, 5, 4, 3, 2, 1, 0}, {1, 2, 3, 4, 5, 6, 0}, {3, 0, 6, 2, 5, 1, 4}}) {
        check_permutation(energy{}, of, order);
        check_permutation(overlap{}, of, order);
        check_permutation(magnetisation{}, of, order);
        check_permutation(per_replica("first spin", first_spin), of, order);
        check_permutation(per_pair("product", [](auto a, auto b) { return a[0] * b[0] + a[3] * b[3]; }), of,
                          order);
    }
}

TEST_CASE("replicas in one state have overlap one, mirrored ones minus one", "[observable]") {
    sample_cohort<float> of(4, {100'003, 7}, 3, 0);
    for (std::size_t r = 1; r < 4; ++r)
        for (std::size_t i = 0; i < of.sites; ++i)
            of.numbers[r * of.stride + i] = r == 3 ? -of.numbers[i] : of.numbers[i];
    auto const q = measured(overlap{}, of);
    std::size_t const width = 12;
    std::vector<double> const signs{1, 1, -1, 1, -1, -1};  // pairs 01 02 03 12 13 23
    for (std::size_t pair = 0; pair < 6; ++pair)
        for (std::size_t part = 0; part < 3; ++part) {
            CHECK(q[pair * width + part * 4 + moments::mean] == signs[pair]);
            CHECK(q[pair * width + part * 4 + moments::absolute] == 1.0);
            CHECK(q[pair * width + part * 4 + moments::square] == 1.0);
            CHECK(q[pair * width + part * 4 + moments::fourth] == 1.0);
        }
}

TEST_CASE("names of components", "[observable]") {
    auto const one = groups_of({5}), two = groups_of({5, 3});
    using names = std::vector<std::string>;
    CHECK(energy{}.components(one) == names{"u", "u^2"});
    CHECK(energy{}.components(two) == names{"u", "u^2"});
    CHECK(overlap{}.components(one) == names{"q", "|q|", "q^2", "q^4"});
    CHECK(overlap{}.components(two) == names{"q", "|q|", "q^2", "q^4", "q of g0", "|q| of g0", "q^2 of g0",
                                             "q^4 of g0", "q of g1", "|q| of g1", "q^2 of g1", "q^4 of g1"});
    CHECK(magnetisation{}.components(one) == names{"m", "|m|", "m^2", "m^4"});
    CHECK(magnetisation{}.components(two).size() == 12);
    CHECK(magnetisation{}.components(two)[9] == "|m| of g1");
    CHECK(per_replica("my name", first_spin).components(two) == names{"my name"});
    CHECK(per_pair("my pair", first_and_last).components(two) == names{"my pair"});
}

TEST_CASE("the histogram of overlaps counts every pair once, from bits as from spins", "[observable]") {
    for (std::size_t const bins : {1u, 2u, 5u, 8u, 41u})
        for (auto const& sizes : {std::vector<std::size_t>{8}, {70, 65, 3}}) {
            sample_cohort<float> const made(7, sizes, 5, 3);
            overlap_histogram const histogram(bins);
            std::size_t const width = 1 + bins;
            std::vector<double> from_spins(21 * width, 0.0), from_bits(21 * width, 0.0);
            auto seen = made.view();
            histogram.measure(seen, std::span(from_spins));
            auto const [words, rows] = made.packed();
            seen.bits = rows;
            seen.spins.data = nullptr;
            histogram.measure(seen, std::span(from_bits));
            CHECK(from_bits == from_spins);
            std::size_t pair = 0;
            for (std::size_t a = 0; a < 7; ++a)
                for (std::size_t b = a + 1; b < 7; ++b, ++pair) {
                    double sum = 0;
                    for (std::size_t i = 0; i < made.sites; ++i) sum += made.spin(a, i) * made.spin(b, i);
                    double const overlap = sum / static_cast<double>(made.sites);
                    CHECK(from_spins[pair * width] == Approx(std::abs(overlap)));
                    double counted = 0;
                    for (std::size_t k = 0; k < bins; ++k) {
                        double const n = from_spins[pair * width + 1 + k];
                        counted += n;
                        double const middle =
                            -1 + (2 * static_cast<double>(k) + 1) / static_cast<double>(bins);
                        if (n > 0) CHECK(std::abs(overlap - middle) <= 1 / static_cast<double>(bins) + 1e-9);
                        if (n > 0 && n < 1)
                            CHECK(std::abs(overlap - middle) == Approx(1 / static_cast<double>(bins)));
                    }
                    CHECK(counted == 1);
                }
        }
    CHECK_THROWS_AS(overlap_histogram(0), error);
    // 6 spins: -1 and -2/3 lie below -0.6, and so on; with 4 bins, 0 lies on an edge.
    CHECK(overlap_histogram(5).levels(6) == std::vector<double>{2, 1, 1, 1, 2});
    CHECK(overlap_histogram(4).levels(6) == std::vector<double>{2, 1.5, 1.5, 2});
}

TEST_CASE("overlaps of spins on levels count half in two bins where they lie between them", "[observable]") {
    // As of spins +-1, though they come as numbers: q = 0 on the edge of two bins.
    sample_cohort<float> const made(12, {8}, 5, 3);
    auto seen = made.view();
    std::vector<double> of_signs(66 * 3, 0.0), of_numbers(66 * 3, 0.0);
    overlap_histogram const histogram(2);
    histogram.measure(seen, std::span(of_signs));
    seen.space = spin_space::interval;
    histogram.measure(seen, std::span(of_numbers));
    CHECK(std::count(of_signs.begin(), of_signs.end(), 0.5) > 0);
    CHECK(of_numbers == of_signs);
}
