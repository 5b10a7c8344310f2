// SPDX-License-Identifier: BSD-3-Clause
/// The layout of counters, pinned; streams that differ; uniform numbers, indices and normals.
#include "../catch.hpp"
#include <spinet/random/streams.hpp>
#include <spinet/statistics/distributions.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <vector>

using namespace spinet;

namespace {

constexpr std::uint32_t ones = 0xffffffffu;

/// Draw n by the documented layout alone.
constexpr std::uint32_t by_layout(std::uint64_t seed, std::uint32_t sweep, std::uint32_t row,
                                  std::uint32_t use, std::uint32_t attempt, std::uint32_t n) {
    std::uint32_t const block = 16 * (n / 64) + n % 16;
    return philox4x32_10(
        {block, sweep, row, attempt << 16 | use},
        {static_cast<std::uint32_t>(seed & ones), static_cast<std::uint32_t>(seed >> 32)})[n / 16 % 4];
}

// Values of the purposes are part of the layout: runs and checkpoints depend on them.
static_assert(static_cast<int>(purpose::spins) == 1 && static_cast<int>(purpose::exchange) == 2 &&
              static_cast<int>(purpose::scan) == 3);
static_assert(static_cast<int>(purpose::start) == 4 && static_cast<int>(purpose::annealing) == 5 &&
              static_cast<int>(purpose::null_model) == 6);
static_assert(static_cast<int>(purpose::couplings) == 7 && static_cast<int>(purpose::testing) == 8 &&
              static_cast<int>(purpose::pilot) == 9 && static_cast<int>(purpose::refinement) == 10);
static_assert(static_cast<int>(purpose::cluster) == 11 && static_cast<int>(purpose::resampling) == 12 &&
              static_cast<int>(purpose::pair_move) == 13 && static_cast<int>(purpose::mirror) == 14);
static_assert(static_cast<int>(purpose::mean_field) == 15 && static_cast<int>(purpose::relaxation) == 16 &&
              static_cast<int>(purpose::bootstrap) == 17);

// Golden values, from a Philox written in Python for this test.
static_assert(stream(1, 0, 0, purpose::spins).bits(0) == 0x127bee41u);
static_assert(stream(1, 0, 0, purpose::spins).bits(1) == 0x10cc6764u);
static_assert(stream(1, 0, 0, purpose::spins).bits(16) == 0x1e047488u);
static_assert(stream(1, 0, 0, purpose::spins).bits(63) == 0x4d3f0dd2u);
static_assert(stream(1, 0, 0, purpose::spins).bits(64) == 0x34f67843u);
static_assert(stream(0x0123456789abcdefu, 20'000, 383, purpose::exchange).bits(7) == 0x45b81817u);
static_assert(stream(0xfedcba9876543210u, ones, 0x80000001u, purpose::pilot, 0xffff).bits(1000) ==
              0x3bfc489au);
static_assert(stream(42, 3, 5, purpose::scan, 1).bits(79) == 0x25dacf7fu);
static_assert(stream(~std::uint64_t{0}, 1, 2, purpose::start, 1).bits(ones) == 0x904d4e64u);
static_assert(stream(11, 2, 6, purpose::cluster, 1).bits(35) == 0x418afadbu);
static_assert(child_seed(7, purpose::pilot, 3) == 0xa4d301e500444066u);

std::vector<std::uint32_t> first_draws(stream const& of, std::size_t n = 8) {
    std::vector<std::uint32_t> out(n);
    of.fill(0, out);
    return out;
}

}  // namespace

TEST_CASE("the counter layout is what its header says", "[random]") {
    std::size_t wrong = 0;
    for (std::uint64_t const seed :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32, ~std::uint64_t{0}})
        for (std::uint32_t const sweep : {0u, 1u, ones})
            for (std::uint32_t const row : {0u, 1u, 0x12345678u})
                for (auto const use : {purpose::spins, purpose::pilot})
                    for (std::uint16_t const attempt :
                         {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{0xffff}})
                        for (std::uint32_t n = 0; n < 200; ++n)
                            wrong += stream(seed, sweep, row, use, attempt).bits(n) !=
                                             by_layout(seed, sweep, row, static_cast<std::uint32_t>(use),
                                                       attempt, n)
                                         ? 1
                                         : 0;
    CHECK(wrong == 0);
}

TEST_CASE("fill gives the draws one by one, for every offset and length", "[random]") {
    stream const draws(0x9999888877776666u, 5, 17, purpose::spins, 3);
    std::vector<std::uint32_t> single(600);
    for (std::uint32_t n = 0; n < single.size(); ++n) single[n] = draws.bits(n);
    std::size_t wrong = 0;
    std::vector<std::uint32_t> out(220);
    for (std::uint32_t offset = 0; offset <= 200; ++offset)
        for (std::size_t length = 0; length <= 200; ++length) {
            out.assign(out.size(), 0xdeadbeefu);
            draws.fill(offset, std::span<std::uint32_t>(out).subspan(3, length));
            for (std::size_t k = 0; k < out.size(); ++k)
                wrong += out[k] != (k >= 3 && k < 3 + length ? single[offset + k - 3] : 0xdeadbeefu) ? 1 : 0;
        }
    CHECK(wrong == 0);
    // Up to the last draw of a stream.
    std::vector<std::uint32_t> last(100);
    draws.fill(ones - 99, last);
    for (std::uint32_t k = 0; k < 100; ++k) CHECK(last[k] == draws.bits(ones - 99 + k));
}

TEST_CASE("a sequence gives the draws in order", "[random]") {
    stream const draws(5, 6, 7, purpose::cluster, 1);
    draw_sequence sequence(draws);
    bool in_order = true;
    for (std::uint32_t n = 0; n < 200; n += 4) {
        in_order = in_order && sequence.next() == draws.bits(n) && sequence.next() == draws.bits(n + 1);
        in_order =
            in_order && sequence.next_64() == (std::uint64_t{draws.bits(n + 2)} << 32 | draws.bits(n + 3));
    }
    CHECK(in_order);
    CHECK(uniform_64(0) == 0x1p-65);
    CHECK(uniform_64(~std::uint64_t{0}) == 1.0);
    CHECK(uniform_64(std::uint64_t{1} << 62) == 0.25);
}

TEST_CASE("every part of a stream's address gives other draws", "[random]") {
    std::set<std::vector<std::uint32_t>> seen;
    std::size_t streams = 0;
    auto const add = [&](stream const& of) {
        seen.insert(first_draws(of));
        ++streams;
    };
    for (std::uint32_t k = 0; k < 32; ++k)
        add(stream(std::uint64_t{1} << k | std::uint64_t{1} << 63, 0, 0, purpose::spins));
    for (std::uint32_t k = 0; k < 32; ++k)
        add(stream(std::uint64_t{1} << (k + 31) | 2, 0, 0, purpose::spins));
    for (std::uint32_t k = 0; k < 32; ++k) add(stream(1, std::uint32_t{1} << k, 0, purpose::spins));
    for (std::uint32_t k = 0; k < 32; ++k) add(stream(1, 0, std::uint32_t{1} << k, purpose::spins));
    for (std::uint16_t use = 1; use <= 11; ++use)
        for (std::uint32_t attempt = 0; attempt < 16; ++attempt)
            add(stream(1, 0, 0, purpose{use},
                       static_cast<std::uint16_t>(attempt == 0 ? 0 : 1u << (attempt - 1))));
    CHECK(seen.size() == streams);
    // Within a stream no block of 64 comes back.
    stream const one(3, 4, 5, purpose::testing);
    std::set<std::uint64_t> pairs;
    for (std::uint32_t n = 0; n < 20'000; n += 2)
        pairs.insert(std::uint64_t{one.bits(n)} << 32 | one.bits(n + 1));
    CHECK(pairs.size() == 10'000);
    // Child seeds: 1000 of them, all different, and different for other parents and purposes.
    std::set<std::uint64_t> children;
    for (std::uint32_t k = 0; k < 1000; ++k)
        for (std::uint64_t const parent : {1u, 2u})
            for (auto const use : {purpose::testing, purpose::pilot})
                children.insert(child_seed(parent, use, k));
    CHECK(children.size() == 4000);
}

TEST_CASE("uniform numbers lie in (0, 1]", "[random]") {
    CHECK(uniform<float>(0) > 0.0f);
    CHECK(uniform<double>(0) == 0x1p-33);
    CHECK(uniform<float>(ones) <= 1.0f);
    CHECK(uniform<double>(ones) < 1.0);
    CHECK(uniform<double>(0x80000000u) == Approx(0.5).epsilon(1e-9));
    std::uint32_t last = 0;
    bool ordered = true, inside = true, close = true;
    for (std::uint64_t bits = 0; bits <= ones; bits += 65'521) {
        auto const b = static_cast<std::uint32_t>(bits);
        ordered = ordered && uniform<float>(b) >= uniform<float>(last) &&
                  uniform<double>(b) >= uniform<double>(last);
        inside = inside && uniform<float>(b) > 0 && uniform<float>(b) <= 1 && uniform<double>(b) > 0 &&
                 uniform<double>(b) <= 1;
        close = close && std::abs(static_cast<double>(uniform<float>(b)) - uniform<double>(b)) <=
                             0x1p-23 * uniform<double>(b);
        last = b;
    }
    CHECK(ordered);
    CHECK(inside);
    CHECK(close);
    for (std::uint32_t b = ones - 1000; b != 0; ++b)
        if (uniform<float>(b) > 1.0f) FAIL("above 1 at " << b);
}

TEST_CASE("uniform numbers pass a chi-square test, bit by bit and in 256 cells", "[random]") {
    constexpr std::size_t n = 1 << 18;
    std::vector<std::uint32_t> draws(n);
    stream(20'240'604, 0, 0, purpose::testing).fill(0, draws);
    std::vector<double> cells(256, 0.0), bits(32, 0.0);
    double neighbours = 0;
    for (std::size_t k = 0; k < n; ++k) {
        cells[static_cast<std::size_t>(std::ceil(uniform<double>(draws[k]) * 256)) - 1] += 1;
        for (std::size_t b = 0; b < 32; ++b) bits[b] += draws[k] >> b & 1u;
        neighbours += (uniform<double>(draws[k]) - 0.5) * (uniform<double>(draws[(k + 1) % n]) - 0.5);
    }
    double chi_square = 0, of_bits = 0;
    for (double const count : cells) chi_square += (count - n / 256.0) * (count - n / 256.0) / (n / 256.0);
    for (double const count : bits) of_bits += (count - n / 2.0) * (count - n / 2.0) / (n / 4.0);
    // Each fails in 1 of 10,000 seeds of a perfect generator.
    CHECK(chi_square_survival(chi_square, 255) > 1e-4);
    CHECK(chi_square_survival(of_bits, 32) > 1e-4);
    CHECK(std::abs(neighbours * 12 / std::sqrt(static_cast<double>(n))) < 3.89);
}

TEST_CASE("uniform_index stays below n and is uniform", "[random]") {
    for (std::size_t const n :
         {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{1000}, std::size_t{ones}}) {
        CHECK(uniform_index(0, n) == 0);
        CHECK(uniform_index(ones, n) == n - 1);
    }
    for (std::size_t const n : {2u, 3u, 7u, 10u, 100u}) {
        std::vector<double> counts(n, 0.0);
        constexpr std::size_t draws = 100'000;
        stream const source(20'240'605, 0, static_cast<std::uint32_t>(n), purpose::testing);
        for (std::uint32_t k = 0; k < draws; ++k) counts[uniform_index(source.bits(k), n)] += 1;
        double chi_square = 0, expected = static_cast<double>(draws) / static_cast<double>(n);
        for (double const count : counts) chi_square += (count - expected) * (count - expected) / expected;
        CAPTURE(n);
        CHECK(chi_square_survival(chi_square, static_cast<double>(n - 1)) > 1e-4);  // 1 of 10,000 seeds
    }
}

TEST_CASE("normal numbers: golden values, moments, tails and independence", "[random]") {
    stream const golden(1, 0, 0, purpose::testing);
    CHECK(normal(golden, 0) == Approx(1.0434385626450395).epsilon(1e-13));  // from Python, as above
    CHECK(normal(golden, 40) == Approx(1.4857913764943391).epsilon(1e-13));
    constexpr std::uint32_t n = 200'000;
    stream const source(20'240'606, 0, 0, purpose::testing);
    double sum = 0, squares = 0, cubes = 0, fourth = 0, neighbours = 0, before = normal(source, n - 1);
    std::vector<double> cells(16, 0.0);
    for (std::uint32_t k = 0; k < n; ++k) {
        double const z = normal(source, k);
        REQUIRE(std::isfinite(z));
        sum += z;
        squares += z * z;
        cubes += z * z * z;
        fourth += z * z * z * z;
        neighbours += z * before;
        before = z;
        cells[std::min<std::size_t>(15, static_cast<std::size_t>(16 * normal_cdf(z)))] += 1;
    }
    double const root = std::sqrt(static_cast<double>(n));
    // Each fails in 1 of 10,000 seeds: 3.89 standard deviations of 1, z^3 (15), z^4 (96) and z z', two-sided.
    CHECK(std::abs(sum) / root < 3.89);
    double const p = chi_square_survival(squares, n);
    CHECK(p > 5e-5);
    CHECK(p < 1 - 5e-5);
    CHECK(std::abs(cubes) / root < 3.89 * std::sqrt(15.0));
    CHECK(std::abs(fourth - 3.0 * n) / root < 3.89 * std::sqrt(96.0));
    CHECK(std::abs(neighbours) / root < 3.89);
    double chi_square = 0;
    for (double const count : cells) chi_square += (count - n / 16.0) * (count - n / 16.0) / (n / 16.0);
    CHECK(chi_square_survival(chi_square, 15) > 1e-4);
}

TEST_CASE("signs are the top bits of the draws, for every length", "[random]") {
    stream const draws(11, 5, 17, purpose::start, 3);
    for (std::size_t const length : {0u, 1u, 63u, 64u, 65u, 1023u, 1024u, 1025u, 3000u}) {
        std::vector<double> out(length + 1, 7.0);
        draws.fill_signs(std::span(out).first(length));
        CAPTURE(length);
        bool agree = true;
        for (std::uint32_t n = 0; n < length; ++n)
            agree = agree && out[n] == (draws.bits(n) >= 0x80000000u ? 1.0 : -1.0);
        CHECK(agree);
        CHECK(out.back() == 7.0);
    }
}

TEST_CASE("16-bit draws are the halves of the 32-bit ones, for every offset and length", "[random]") {
    stream const draws(0x9999888877776666u, 5, 17, purpose::spins, 3);
    std::vector<std::uint16_t> single;
    for (std::uint32_t n = 0; n < 300; ++n) {
        single.push_back(static_cast<std::uint16_t>(draws.bits(n) & 0xffffu));
        single.push_back(static_cast<std::uint16_t>(draws.bits(n) >> 16));
    }
    for (std::uint32_t const first : {0u, 1u, 63u, 127u, 128u, 130u, 255u})
        for (std::size_t const length : {0u, 1u, 2u, 127u, 128u, 129u, 300u}) {
            std::vector<std::uint16_t> out(length + 1, 0x5555);
            draws.fill_halves(first, {out.data(), length});
            CAPTURE(first, length);
            CHECK(std::equal(out.begin(), out.end() - 1, single.begin() + first));
            CHECK(out.back() == 0x5555);
        }
}
