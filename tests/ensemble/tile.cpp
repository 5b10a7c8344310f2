// SPDX-License-Identifier: BSD-3-Clause
/// Tiles: cutting ladders into tiles, exchanges that move labels, round trips, and freezing and thawing.
#include "../files.hpp"
#include <spinet/ensemble/ladder_ensemble.hpp>
#include <spinet/ensemble/tempering.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

/// Every replica starts from random spins.
std::span<float const> hot(std::size_t) { return {}; }

template <class M, class K, class X = energy_exchange>
using tile_of = tile<M, K, X>;

template <class Tile, class Real = typename Tile::real>
void start_random(Tile& part, std::size_t sites, std::uint32_t seed) {
    std::vector<Real> spins(sites);
    part.start([&](std::size_t row) -> std::span<Real const> {
        stream(seed, 0, static_cast<std::uint32_t>(row), purpose::testing).fill_signs(std::span(spins));
        return spins;
    });
}

template <class Tile>
std::vector<std::byte> frozen(Tile const& part) {
    archive_writer out;
    part.save(out);
    return std::move(out).take();
}

/// All that can be seen of a tile, without the help of `save`.
template <class Tile>
std::vector<double> visible(Tile const& part, std::size_t rungs) {
    std::vector<double> all;
    std::vector<typename Tile::real> spins(part.state().sites());
    for (std::size_t r = 0; r < part.state().rows(); ++r) {
        part.state().copy_row(r, spins);
        all.insert(all.end(), spins.begin(), spins.end());
        all.push_back(part.state().energies()[r]);
    }
    for (std::size_t l = 0; l < part.ladders(); ++l)
        for (std::size_t k = 0; k < rungs; ++k) all.push_back(static_cast<double>(part.row_at(l, k)));
    auto const& counts = part.counts();
    for (auto const* list : {&counts.attempted, &counts.accepted, &counts.round_trips})
        for (auto const n : *list) all.push_back(static_cast<double>(n));
    return all;
}

/// A kernel that leaves the spins alone and writes down the temperatures it was given.
struct idle_kernel {
    template <Model M>
    using state = spin_rows<typename M::spin_type>;

    std::shared_ptr<std::vector<double>> betas_seen = std::make_shared<std::vector<double>>();

    template <Model M>
    [[nodiscard]] state<M> make_state(M const& model, std::size_t rows) const {
        return {rows, model.size(), row_cache::none};
    }
    template <Model M>
    void prepare(M const& model, state<M>& rows) const {
        for (std::size_t r = 0; r < rows.rows(); ++r) rows.energies()[r] = model.energy(rows.spins().row(r));
    }
    template <Model M>
    void sweep(M const&, state<M>&, std::span<double const> betas, sweep_draws const&) const {
        betas_seen->assign(betas.begin(), betas.end());
    }
    [[nodiscard]] std::string name() const { return "idle"; }
};

template <class M, class K>
void check_continues(M const& model, K const& kernel, std::uint32_t before, std::uint32_t after) {
    ladder const temperatures = geometric_temperatures(0.4, 2.0, 5);
    auto const make = [&] { return tile_of<M, K>(model, kernel, {}, temperatures, 2, 3, 77); };
    auto straight = make();
    start_random(straight, model.size(), 5);
    for (std::uint32_t s = 0; s < before; ++s) straight.advance(s);
    auto const saved = frozen(straight);
    auto thawed = make();
    start_random(thawed, model.size(), 999);  // whatever was there before must not shine through
    for (std::uint32_t s = 0; s < 7; ++s) thawed.advance(s);
    archive_reader in(saved);
    thawed.load(in);
    CHECK(in.at_end());
    CHECK(visible(thawed, 5) == visible(straight, 5));
    for (std::uint32_t s = before; s < before + after; ++s) {
        straight.advance(s);
        thawed.advance(s);
    }
    CHECK(visible(thawed, 5) == visible(straight, 5));
    CHECK(frozen(thawed) == frozen(straight));
    CHECK(frozen(straight) != saved);  // it did move on
    auto const& accepted = straight.counts().accepted;
    CHECK(std::accumulate(accepted.begin(), accepted.end(), std::uint64_t{0}) > 0);
}

}  // namespace

TEST_CASE("ladders per tile: sum, evenness, at least two tiles", "[ensemble]") {
    for (std::size_t replicas = 1; replicas <= 70; ++replicas)
        for (std::size_t rungs : {1u, 2u, 3u, 7u, 16u, 24u, 31u, 64u, 127u, 128u, 129u, 500u}) {
            CAPTURE(replicas, rungs);
            auto const sizes = ladders_per_tile(replicas, rungs);
            REQUIRE(!sizes.empty());
            auto const [least, most] = std::minmax_element(sizes.begin(), sizes.end());
            bool const sums = std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}) == replicas;
            bool const even = *least >= 1 && *most - *least <= 1;
            bool const paired = sizes.size() == 1 || sizes.size() % 2 == 0;
            bool const two_ladders = replicas < 2 || *least >= 2;
            // About 128 rows, unless two ladders alone have more.
            bool const small = *most * rungs <= std::max<std::size_t>(2 * 128, 4 * rungs) || replicas < 8;
            bool const parallel = replicas < 4 || sizes.size() >= 2;
            CHECK(sums);
            CHECK(even);
            CHECK(paired);
            CHECK(two_ladders);
            CHECK(small);
            CHECK(parallel);
        }
    // As many rows as a kernel asks for: 64 replicas of 24 temperatures in three tiles and a bit.
    CHECK(ladders_per_tile(64, 24, 512) == std::vector<std::size_t>{16, 16, 16, 16});
    CHECK(ladders_per_tile(8, 8, 512) == std::vector<std::size_t>{4, 4});
    CHECK(ladders_per_tile(2, 24, 512) == std::vector<std::size_t>{2});
}

TEST_CASE("an ensemble gives each kernel tiles of the size it asks for, and tells what engines it took",
          "[ensemble]") {
    auto const lattice = edwards_anderson<float>({3, 4, 3}, plus_minus_bonds{}, 24);
    ladder const temperatures = geometric_temperatures(0.4, 2.0, 24);
    CHECK(parallel_tempering(multi_spin{}, temperatures).make_ensemble(lattice, 64, 1).tiles() == 4);
    CHECK(parallel_tempering(glauber{}, temperatures).make_ensemble(lattice, 64, 1).tiles() == 12);

    auto const dense = sherrington_kirkpatrick<float>(70, 2);
    auto ensemble =
        fixed_temperatures(metropolis{}, geometric_temperatures(50.0, 100.0, 8)).make_ensemble(dense, 4, 1);
    serial alone;
    ensemble.start(alone, hot);
    ensemble.advance(alone, 0, 0, 10);
    // Nearly every flip is accepted: products from the second sweep on, in each of two tiles.
    CHECK(ensemble.report().engine.sweeps == 2 * 10);
    CHECK(ensemble.report().engine.sweeps_by_products == 2 * 9);
}

TEST_CASE("exchange moves labels, not spins, and the labels stay a permutation", "[ensemble]") {
    auto const model = sherrington_kirkpatrick<double>(20, 3);
    ladder const temperatures = geometric_temperatures(0.5, 3.0, 6);
    idle_kernel const kernel;
    tile_of<dense_ising<double>, idle_kernel> part(model, kernel, {}, temperatures, 0, 4, 11);
    start_random(part, model.size(), 1);
    std::vector<double> spins, energies(part.state().energies().begin(), part.state().energies().end());
    for (std::size_t r = 0; r < 24; ++r)
        for (double const s : part.state().spins().row(r)) spins.push_back(s);

    bool moved = false;
    std::vector<std::uint64_t> trips(4, 0);
    std::vector<int> seen(24, 0);  // 0 nowhere, 1 at the bottom last, 2 at the top after the bottom
    for (std::uint32_t s = 0; s < 2000; ++s) {
        std::vector<double> expected(24);
        for (std::size_t l = 0; l < 4; ++l)
            for (std::size_t k = 0; k < 6; ++k) expected[part.row_at(l, k)] = 1.0 / temperatures[k];
        part.advance(s);
        REQUIRE(*kernel.betas_seen == expected);
        std::vector<std::size_t> rows;
        for (std::size_t l = 0; l < 4; ++l) {
            for (std::size_t k = 0; k < 6; ++k) {
                rows.push_back(part.row_at(l, k));
                REQUIRE(rows.back() / 6 == l);  // labels stay in their ladder
                moved = moved || rows.back() != l * 6 + k;
            }
            int& bottom = seen[part.row_at(l, 0)];
            trips[l] += bottom == 2 ? 1 : 0;
            bottom = 1;
            int& top = seen[part.row_at(l, 5)];
            top = top == 1 ? 2 : top;
        }
        std::sort(rows.begin(), rows.end());
        for (std::size_t r = 0; r < 24; ++r) REQUIRE(rows[r] == r);
    }
    CHECK(moved);
    CHECK(part.counts().round_trips == trips);
    CHECK(std::accumulate(trips.begin(), trips.end(), std::uint64_t{0}) > 0);
    std::vector<double> spins_now;
    for (std::size_t r = 0; r < 24; ++r)
        for (double const s : part.state().spins().row(r)) spins_now.push_back(s);
    CHECK(spins_now == spins);
    CHECK(std::vector<double>(part.state().energies().begin(), part.state().energies().end()) == energies);
    // Every pair after every one of 2000 sweeps, 4 ladders.
    CHECK(part.counts().attempted == std::vector<std::uint64_t>(5, 8000));

    part.reset_counts();
    CHECK(part.counts().attempted == std::vector<std::uint64_t>(5, 0));
    CHECK(part.counts().accepted == std::vector<std::uint64_t>(5, 0));
    CHECK(part.counts().round_trips == std::vector<std::uint64_t>(4, 0));
}

TEST_CASE("exchange acceptance follows the total energies", "[ensemble]") {
    // Two rungs, two frozen states: the labels are a two-state chain that always leaves the state with the
    // higher energy at the lower temperature, and leaves the other with probability p = exp(-d). So a
    // fraction 2 p / (1 + p) of all attempts is accepted, and the lower energy is at the bottom in 1 / (1 +
    // p) of the time.
    auto const model = sherrington_kirkpatrick<double>(12, 8);
    ladder const temperatures({1.0, 1.5});
    tile_of<dense_ising<double>, idle_kernel> part(model, {}, {}, temperatures, 0, 6, 4);
    start_random(part, model.size(), 2);
    constexpr std::uint32_t attempts = 20'000;
    std::vector<std::uint64_t> accepted(6, 0), in_order(6, 0);
    for (std::uint32_t s = 0; s < attempts; ++s) {
        std::vector<std::size_t> before;
        for (std::size_t l = 0; l < 6; ++l) before.push_back(part.row_at(l, 0));
        part.advance(s);
        for (std::size_t l = 0; l < 6; ++l) {
            accepted[l] += part.row_at(l, 0) != before[l] ? 1 : 0;
            in_order[l] +=
                part.state().energies()[part.row_at(l, 0)] < part.state().energies()[part.row_at(l, 1)] ? 1
                                                                                                        : 0;
        }
    }
    std::uint64_t total = 0;
    for (std::size_t l = 0; l < 6; ++l) {
        double const d = std::abs((1.0 - 1.0 / 1.5) *
                                  (part.state().energies()[2 * l] - part.state().energies()[2 * l + 1]));
        double const p = std::exp(-d), expected = 2 * p / (1 + p);
        // Moves come in pairs, so the counts scatter no more than twice as wide as binomial ones; 4.5 of
        // those for 6 ladders and 2 counts: a false alarm in 1e-4 of all seeds.
        auto const sigma = [&](double part_of_all) {
            return 2 * std::sqrt(part_of_all * (1 - part_of_all) / attempts) + 1e-4;
        };
        CAPTURE(l, d, expected);
        CHECK(std::abs(static_cast<double>(accepted[l]) / attempts - expected) < 4.5 * sigma(expected));
        CHECK(std::abs(static_cast<double>(in_order[l]) / attempts - 1 / (1 + p)) < 4.5 * sigma(1 / (1 + p)));
        total += accepted[l];
    }
    CHECK(part.counts().accepted[0] == total);
    CHECK(part.counts().attempted[0] == std::uint64_t{6 * attempts});
}

TEST_CASE("a tile that was saved and loaded continues bitwise", "[ensemble]") {
    auto const layered = random_layered_glass<float>({17, 9, 5, 3}, {0.2, 0.3, 0.4}, 21);
    auto const layered_double = random_layered_glass<double>({11, 6, 4}, {0.2, 0.3}, 22);
    auto const dense = sherrington_kirkpatrick<float>(33, 23);
    auto const lattice = edwards_anderson<float>({3, 4, 3}, plus_minus_bonds{}, 24);
    // Incremental fields are refreshed every 64 sweeps; both sides of that, and right on it.
    for (std::uint32_t const before : {1u, 37u, 64u, 65u}) {
        CAPTURE(before);
        check_continues(layered, glauber<layer_blocks>{}, before, 50);
        check_continues(layered_double, metropolis<layer_blocks>{}, before, 50);
        check_continues(layered, glauber<sequential_scan>{}, before, 50);
        check_continues(dense, metropolis<sequential_scan>{}, before, 50);
        check_continues(layered, metropolis<random_scan>{}, before, 50);
        check_continues(dense, glauber<random_scan>{}, before, 50);
        check_continues(lattice, glauber<sequential_scan>{}, before, 50);
        check_continues(lattice, multi_spin{}, before, 50);
    }
}

TEST_CASE("a ladder does not depend on the tile that holds it", "[ensemble]") {
    // Bitwise for updates site by site; products over rows may round differently in tiles of another size.
    auto const model = sherrington_kirkpatrick<float>(24, 2);
    using kernel = glauber<sequential_scan>;
    ladder const temperatures = geometric_temperatures(0.4, 2.0, 4);
    tile_of<dense_ising<float>, kernel> all(model, {}, {}, temperatures, 0, 5, 9),
        third(model, {}, {}, temperatures, 3, 1, 9);
    std::vector<float> up(model.size(), 1.0f);
    all.start([&](std::size_t) { return std::span<float const>(up); });
    third.start([&](std::size_t) { return std::span<float const>(up); });
    for (std::uint32_t s = 0; s < 100; ++s) {
        all.advance(s);
        third.advance(s);
    }
    bool another = false;
    for (std::size_t k = 0; k < 4; ++k) {
        REQUIRE(all.row_at(3, k) - 12 == third.row_at(0, k));
        auto const a = all.state().spins().row(all.row_at(3, k)),
                   b = third.state().spins().row(third.row_at(0, k));
        CHECK(std::equal(a.begin(), a.end(), b.begin()));
        auto const c = all.state().spins().row(all.row_at(2, k));
        another = another || !std::equal(a.begin(), a.end(), c.begin());
    }
    CHECK(another);  // ladder 2 has other draws; at the lowest temperature both may sit in the ground state
}

TEST_CASE("energies beside the rows are those of the spins", "[ensemble]") {
    auto const model = random_layered_glass<double>({13, 8, 6}, {0.2, 0.3}, 1);
    ladder const temperatures = geometric_temperatures(0.3, 2.0, 4);
    tile_of<network_glass<double>, glauber<>> part(model, {}, {}, temperatures, 0, 2, 3);
    start_random(part, model.size(), 1);
    for (std::uint32_t s = 0; s < 130; ++s) {
        part.advance(s);
        for (std::size_t r = 0; r < 8; ++r)
            REQUIRE(part.state().energies()[r] ==
                    Approx(model.energy(part.state().spins().row(r))).margin(1e-10));
    }
}

TEST_CASE("damaged tile archives are refused", "[ensemble]") {
    auto const model = random_layered_glass<float>({5, 3}, {0.5}, 2);
    ladder const temperatures = geometric_temperatures(0.5, 2.0, 3);
    auto const make = [&](std::size_t ladders) {
        return tile_of<network_glass<float>, glauber<>>(model, {}, {}, temperatures, 0, ladders, 3);
    };
    auto whole = make(2);
    start_random(whole, model.size(), 1);
    for (std::uint32_t s = 0; s < 20; ++s) whole.advance(s);
    auto const bytes = frozen(whole);
    auto const load = [&](std::vector<std::byte> const& from, std::size_t ladders = 2) {
        auto target = make(ladders);
        archive_reader in(from);
        target.load(in);
    };
    REQUIRE_NOTHROW(load(bytes));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CAPTURE(size);
        REQUIRE_THAT(error_of([&] {
                         load({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)});
                     }),
                     ContainsSubstring("damaged"));
    }
    // A tile of another size.
    CHECK_THAT(error_of([&] { load(bytes, 3); }), ContainsSubstring("does not fit: an array has"));
    CHECK_THAT(error_of([&] { load(bytes, 1); }), ContainsSubstring("does not fit: an array has"));

    // A byte says that the spins are signs. Lengths: spins 48 bits = 6 bytes, fields 48 floats, energies 6
    // doubles, each after 8 bytes of length; the engine in 17 bytes.
    std::size_t const rows_at = 1 + 8 + 6 + 8 + 48 * 4 + 8 + 6 * 8 + 17 + 8;
    std::uint32_t first = 0;
    std::memcpy(&first, bytes.data() + rows_at, sizeof first);
    REQUIRE(first == whole.row_at(0, 0));
    auto const with_first_row = [&](std::uint32_t row) {
        auto copy = bytes;
        std::memcpy(copy.data() + rows_at, &row, sizeof row);
        return copy;
    };
    std::string const not_permuted = "damaged: its temperatures are not a permutation";
    CHECK(error_of([&] { load(with_first_row(static_cast<std::uint32_t>(whole.row_at(0, 1)))); }) ==
          not_permuted);
    CHECK(error_of([&] { load(with_first_row(static_cast<std::uint32_t>(whole.row_at(1, 0)))); }) ==
          not_permuted);
    CHECK(error_of([&] { load(with_first_row(6)); }) == not_permuted);
    CHECK(error_of([&] { load(with_first_row(std::numeric_limits<std::uint32_t>::max())); }) == not_permuted);
    // An array that claims to be longer than the archive.
    for (std::uint64_t const claimed : {std::uint64_t{1} << 40, std::numeric_limits<std::uint64_t>::max()}) {
        auto copy = bytes;
        std::memcpy(copy.data() + 1, &claimed, sizeof claimed);
        CHECK_THAT(error_of([&] { load(copy); }), ContainsSubstring("damaged"));
    }
}

TEST_CASE("an ensemble gives its cohorts in the order of the replicas, on any executor", "[ensemble]") {
    auto const model = random_layered_glass<float>({9, 7}, {0.3}, 2);
    ladder const temperatures = geometric_temperatures(0.4, 2.0, 20);
    auto const method = parallel_tempering(glauber{}, temperatures);
    std::vector<float> const cold(model.size(), -1.0f);
    auto const state_of = [&](std::size_t r) {
        return r % 2 == 1 ? std::span<float const>(cold) : std::span<float const>();
    };

    auto one = method.make_ensemble(model, 14, 6);
    auto several = method.make_ensemble(model, 14, 6);
    serial alone;
    thread_team team(3);
    one.start(alone, state_of);
    several.start(team, state_of);
    CHECK(one.tiles() == ladders_per_tile(14, 20).size());

    auto const gathered = [&](auto const& ensemble, std::size_t k) {
        std::vector<float> spins(14 * model.size());
        std::vector<double> energies(14);
        ensemble.gather_spins(k, std::span<float>(spins));
        ensemble.gather_energies(k, std::span<double>(energies));
        for (std::size_t r = 0; r < 14; ++r)
            CHECK(energies[r] ==
                  Approx(model.energy(std::span<float const>(spins).subspan(r * model.size(), model.size())))
                      .margin(1e-4));
        return spins;
    };
    for (std::size_t k = 0; k < 20; ++k) {
        auto const spins = gathered(one, k);
        for (std::size_t r = 0; r < 14; ++r) {
            bool const all_down =
                std::count(spins.begin() + static_cast<std::ptrdiff_t>(r * model.size()),
                           spins.begin() + static_cast<std::ptrdiff_t>((r + 1) * model.size()),
                           -1.0f) == static_cast<std::ptrdiff_t>(model.size());
            CHECK(all_down == (r % 2 == 1));  // 16 random spins are all down once in 65536
        }
    }
    one.advance(alone, 0, 0, 90);
    several.advance(team, 0, 0, 45);
    several.advance(team, 0, 45, 45);
    for (std::size_t k = 0; k < 20; ++k) CHECK(gathered(one, k) == gathered(several, k));
    CHECK(one.report().exchange.accepted == several.report().exchange.accepted);
    CHECK(one.report().exchange.attempted == std::vector<std::uint64_t>(19, 14 * 90));
    CHECK(one.report().exchange.round_trips.size() == 14);
    CHECK(one.report().exchange.round_trips == several.report().exchange.round_trips);

    archive_writer out;
    one.save(out);
    auto const bytes = std::move(out).take();
    auto third = method.make_ensemble(model, 14, 6);
    archive_reader in(bytes);
    third.load(in);
    CHECK(in.at_end());
    one.advance(alone, 0, 90, 40);
    third.advance(team, 0, 90, 40);
    for (std::size_t k = 0; k < 20; ++k) CHECK(gathered(one, k) == gathered(third, k));
}

namespace {

/// Bits against spins, at every temperature, while exchanges go on.
template <class M, class K>
void check_bits(M const& model, K const& kernel, std::vector<spin_group> const& groups) {
    constexpr std::size_t replicas = 12, rungs = 7;
    auto ensemble =
        parallel_tempering(kernel, geometric_temperatures(0.4, 4.0, rungs)).make_ensemble(model, replicas, 3);
    thread_team team(2);
    ensemble.start(team, [](std::size_t) { return std::span<typename M::spin_type const>(); });
    auto const words = detail::words_of_row(groups);
    CAPTURE(kernel.name(), groups.size());
    bool agree = true;
    for (std::uint32_t s = 0; s < 6; ++s) {
        ensemble.advance(team, 0, s, 1);
        ensemble.pack(team, std::span<site_word const>(words));
        for (std::size_t k = 0; k < rungs; ++k) {
            std::vector<typename M::spin_type> spins(replicas * model.size());
            std::vector<std::uint64_t const*> bits(replicas);
            ensemble.gather_spins(k, std::span(spins));
            ensemble.gather_bits(k, bits);
            for (std::size_t r = 0; r < replicas; ++r) {
                std::uint64_t const* word = bits[r];
                for (auto const& group : groups)
                    for (std::size_t i = 0; i < group.size; i += 64, ++word) {
                        std::uint64_t expected = 0;
                        for (std::size_t j = 0; j < 64 && i + j < group.size; ++j)
                            if (spins[r * model.size() + group.first + i + j] > 0)
                                expected |= std::uint64_t{1} << j;
                        agree = agree && *word == expected;
                    }
            }
        }
    }
    CHECK(agree);
}

}  // namespace

TEST_CASE("packed spins are the spins, for every kind of state", "[ensemble]") {
    auto const layered = random_layered_glass<float>({130, 64, 5}, {0.02, 0.02}, 21);
    check_bits(layered, glauber{}, {layered.groups().begin(), layered.groups().end()});
    auto const doubles = random_layered_glass<double>({70, 3}, {0.02}, 21);
    check_bits(doubles, glauber{}, {doubles.groups().begin(), doubles.groups().end()});
    auto const lattice = edwards_anderson<float>({5, 4, 7}, plus_minus_bonds{}, 24);
    std::vector<spin_group> const whole{{"all", 0, lattice.size()}}, parts{{"a", 0, 65}, {"b", 65, 75}};
    for (auto const& groups : {whole, parts}) {
        check_bits(lattice, metropolis{}, groups);
        check_bits(lattice, multi_spin{}, groups);
    }
}

TEST_CASE("fixed temperatures never exchange", "[ensemble]") {
    auto const model = sherrington_kirkpatrick<float>(10, 2);
    auto const method = fixed_temperatures(glauber{}, geometric_temperatures(0.4, 2.0, 4));
    static_assert(!decltype(method)::exchanges);
    static_assert(decltype(parallel_tempering(glauber{}, geometric_temperatures(0.4, 2.0, 4)))::exchanges);
    auto ensemble = method.make_ensemble(model, 4, 1);
    serial alone;
    ensemble.start(alone, hot);
    ensemble.advance(alone, 0, 0, 100);
    CHECK(ensemble.report().exchange.attempted == std::vector<std::uint64_t>(3, 0));
    CHECK(ensemble.report().exchange.round_trips == std::vector<std::uint64_t>(4, 0));
    CHECK_THAT(method.name(), ContainsSubstring("glauber") && ContainsSubstring("no exchange"));
}
