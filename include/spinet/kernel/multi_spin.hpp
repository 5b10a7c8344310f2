// SPDX-License-Identifier: BSD-3-Clause
/// Multi-spin coding: 64 replicas in a word, for graphs whose couplings are all +J or -J.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/detail/aligned.hpp>
#include <spinet/detail/pack.hpp>
#include <spinet/detail/packed_spins.hpp>
#include <spinet/error.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/kernel/rule.hpp>
#include <spinet/kernel/spin_rows.hpp>
#include <spinet/kernel/sweep_draws.hpp>
#include <spinet/model/concepts.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace spinet {

namespace detail {

/// What multi-spin coding has to know of a model: the size J of its couplings, the most neighbours of a spin
/// and the number of bonds. Throws spinet::error, naming the site, where couplings differ in size, a spin has
/// a field or more than 15 neighbours.
struct uniform_couplings {
    double size = 0;
    std::size_t most_neighbours = 0;
    std::size_t bonds = 0;
    /// Cost c stands for 2 J (c - most_neighbours); `reached[c]` for whether any visit can meet it.
    std::array<bool, 31> reached{};

    template <SparseModel M>
    explicit uniform_couplings(M const& model) {
        if (model.size() > std::size_t{1} << 26) throw error("multi_spin: more than 2^26 spins");
        for (std::size_t i = 0; i < model.size(); ++i) {
            if (model.external_fields()[i] != 0) refuse(i, "a field; multi-spin coding knows none");
            for (auto const j : model.neighbour_couplings(i)) {
                double const here = std::abs(static_cast<double>(j));
                if (size == 0) size = here;
                if (here != size || here == 0)
                    refuse(i, "a coupling of another size; multi-spin coding takes +J and -J only");
            }
            if (model.neighbours(i).size() > 15) refuse(i, "more than 15 neighbours");
            most_neighbours = std::max(most_neighbours, model.neighbours(i).size());
            bonds += model.neighbours(i).size();
        }
        bonds /= 2;
        for (std::size_t i = 0; i < model.size(); ++i)
            for (std::size_t z = model.neighbours(i).size(), u = 0; u <= z; ++u)
                reached[most_neighbours + z - 2 * u] = true;
    }

    [[noreturn]] static void refuse(std::size_t spin, char const* what) {
        throw error("multi_spin: spin ", spin, " has ", what);
    }
};

}  // namespace detail

/// Spins as bits: bit r % 64 of a word is +1 or -1 of row r. Eight words (512 rows) of one site stand
/// together, site after site; rows beyond those asked for stay as they are.
template <class Real>
class spin_words : public detail::rows_with_energies {
public:
    static constexpr std::size_t words_together = 8, rows_together = 64 * words_together;
    using octet = std::array<std::uint64_t, words_together>;
    static constexpr bool holds_spins_only = true;  ///< beside energies: nothing else to bring up to date

    spin_words(std::size_t rows, std::size_t sites, detail::uniform_couplings const& about)
        : rows_with_energies(rows, sites),
          about_(about),
          spins_((rows + rows_together - 1) / rows_together * sites, octet{}),
          betas_(rows, std::numeric_limits<double>::quiet_NaN()) {}

    [[nodiscard]] detail::uniform_couplings const& about() const noexcept { return about_; }
    [[nodiscard]] std::size_t octets() const noexcept { return spins_.size() / sites_; }
    [[nodiscard]] octet* spins(std::size_t o) noexcept { return spins_.data() + o * sites_; }
    /// The inverse temperatures that the tables were made for, and the tables: working space of the kernel.
    [[nodiscard]] std::span<double> betas() noexcept { return betas_; }
    /// Forgets the tables unless they were made for this rule.
    void tables_for(void const* rule) noexcept {
        if (rule_ != rule) std::fill(betas_.begin(), betas_.end(), std::numeric_limits<double>::quiet_NaN());
        rule_ = rule;
    }
    [[nodiscard]] detail::aligned_vector<octet>& tables() noexcept { return tables_; }

    void set_row(std::size_t r, std::span<Real const> from) noexcept {
        octet* const to = spins(r / rows_together);
        std::size_t const word = r % rows_together / 64;
        std::uint64_t const bit = std::uint64_t{1} << r % 64;
        for (std::size_t i = 0; i < sites_; ++i)
            to[i][word] = from[i] > 0 ? to[i][word] | bit : to[i][word] & ~bit;
    }
    void copy_row(std::size_t r, std::span<Real> to) const noexcept {
        octet const* const from = spins_.data() + r / rows_together * sites_;
        std::size_t const word = r % rows_together / 64;
        for (std::size_t i = 0; i < sites_; ++i)
            to[i] = (from[i][word] >> r % 64 & 1u) != 0 ? Real{1} : Real{-1};
    }

    /// All rows as bits, one row of words after the other.
    void pack_rows(std::span<site_word const> words, std::uint64_t* out) const noexcept {
        std::uint64_t bits[64];
        for (std::size_t first = 0; first < rows_; first += 64) {
            octet const* const from = spins_.data() + first / rows_together * sites_;
            std::size_t const word = first % rows_together / 64;
            for (std::size_t w = 0; w < words.size(); ++w) {
                for (std::size_t k = 0; k < 64; ++k)
                    bits[k] = k < words[w].count ? from[words[w].first + k][word] : 0;
                detail::transpose_bits(bits);
                for (std::size_t r = first; r < std::min(first + 64, rows_); ++r)
                    out[r * words.size() + w] = bits[r % 64];
            }
        }
    }

    void save(archive_writer& out) const {
        out.put(spins_);
        out.put(energies_);
    }
    void load(archive_reader& in) {
        auto const spins = in.get_exactly<octet>(spins_.size());
        std::copy(spins.begin(), spins.end(), spins_.begin());
        energies_ = in.get_exactly<double>(energies_.size());
    }

private:
    detail::uniform_couplings about_;
    detail::aligned_vector<octet> spins_;
    detail::aligned_vector<octet> tables_;
    void const* rule_ = nullptr;
    std::vector<double> betas_;
};

namespace detail {

using word_pack = pack<std::uint64_t>;

[[nodiscard, gnu::always_inline]] inline word_pack word_pack_of(std::uint64_t word) noexcept {
    return word_pack{} + word;
}

[[nodiscard, gnu::always_inline]] inline bool none(word_pack const& p) noexcept {
#if defined(__AVX512F__)
    return _mm512_test_epi64_mask(same_bits<__m512i>(p), same_bits<__m512i>(p)) == 0;
#else
    std::uint64_t any = 0;
    for (std::size_t lane = 0; lane < pack_lanes<std::uint64_t>; ++lane) any |= p[lane];
    return any == 0;
#endif
}

/// A number per bit: plane k holds bit k of each.
template <std::size_t Planes>
struct sliced_counter {
    word_pack planes[Planes] = {};

    /// Adds 2^Plane where `carry` is set.
    template <std::size_t Plane = 0>
    [[gnu::always_inline]] void add(word_pack carry) noexcept {
        for (std::size_t k = Plane; k < Planes; ++k) {
            word_pack const next = planes[k] & carry;
            planes[k] ^= carry;
            carry = next;
        }
    }

    [[gnu::always_inline]] void add(word_pack a, word_pack b, word_pack c) noexcept {
        add<0>(a ^ b ^ c);
        add<1>((a & b) | (a & c) | (b & c));
    }

    /// Where the number is n.
    [[nodiscard, gnu::always_inline]] word_pack equals(std::size_t n) const noexcept {
        auto is = ~word_pack{};
        for (std::size_t k = 0; k < Planes; ++k) is &= planes[k] ^ word_pack_of((n >> k & 1u) - 1);
        return is;
    }
};

/// Where a bond is not satisfied. No branch: signs of couplings cannot be predicted.
template <class Real>
[[nodiscard, gnu::always_inline]] inline word_pack unsatisfied(word_pack own, std::uint64_t const* other,
                                                               Real coupling) noexcept {
    return own ^ load(other) ^ word_pack_of(-std::uint64_t{coupling < 0});
}

}  // namespace detail

/// Sweeps of K's rule, site after site, for graphs with couplings +J and -J and without fields: 512 rows by
/// the bits of eight words. Each row has its own temperature and its own random bits, from Philox: one
/// uniform number u of 32 bits a row and visit, compared with p bit by bit from the top, as far as any row is
/// undecided. So p is rounded to a multiple of 2^-32. Few rows need more than 8 bits: those from the 9th to
/// the 12th are drawn for 16 visits together, and anew for a row that has used them. `multi_spin{}` is
/// Metropolis, `multi_spin{glauber{}}` the heat bath.
///
/// make_state throws spinet::error for couplings of different sizes, fields, or more than 15 neighbours to a
/// spin.
template <class K = metropolis<sequential_scan>>
class multi_spin {
public:
    using rule = typename K::rule;
    using scan = sequential_scan;
    static constexpr std::size_t rows_per_tile = 512;  ///< all rows of an octet cost what one does

    constexpr multi_spin() noexcept = default;
    constexpr explicit multi_spin(K) noexcept {}

    template <SparseModel M>
    using state = spin_words<typename M::spin_type>;

    template <SparseModel M>
    [[nodiscard]] state<M> make_state(M const& model, std::size_t rows) const {
        return {rows, model.size(), detail::uniform_couplings(model)};
    }

    /// Brings the energies in line with spins that were set from outside.
    template <SparseModel M>
    void prepare(M const& model, state<M>& tile) const {
        measure_energies(model, tile);
    }

    template <SparseModel M>
    void sweep(M const& model, state<M>& tile, std::span<double const> betas,
               sweep_draws const& draws) const {
        update_tables(tile, betas);
        for (std::size_t o = 0; o < tile.octets(); ++o)
            for (std::size_t word = 0; word < state<M>::words_together;
                 word += detail::pack_lanes<std::uint64_t>)
                if (o * state<M>::rows_together + 64 * word >= tile.rows())
                    continue;
                else if (tile.about().most_neighbours < 8)
                    sweep_words<3>(model, tile, o, word, draws);
                else
                    sweep_words<4>(model, tile, o, word, draws);
        measure_energies(model, tile);
    }

    [[nodiscard]] std::string name() const {
        return detail::text(std::string(rule::name()), " (multi-spin coding)");
    }

private:
    static constexpr std::size_t levels = 32;          ///< bits of a uniform number
    static constexpr std::size_t levels_of_round = 4;  ///< 64 draws are 4 octets of bits
    static constexpr std::size_t rounds = levels / levels_of_round;
    static constexpr std::size_t shared_round = 2;  ///< is drawn for so many visits together:
    static constexpr std::size_t sharing = 16;

    /// Of a cost: the octets that say in which rows a flip is sure, then bit by bit, from the top, the
    /// probabilities.
    static constexpr std::size_t octets_per_cost = 1 + levels;

    template <class Tile>
    static void update_tables(Tile& tile, std::span<double const> betas) {
        auto const& about = tile.about();
        std::size_t const costs = 2 * about.most_neighbours + 1;
        static char const identity = 0;  // of this kernel's rule
        tile.tables_for(&identity);
        tile.tables().resize(tile.octets() * costs * octets_per_cost);
        for (std::size_t r = 0; r < tile.rows(); ++r) {
            if (tile.betas()[r] == betas[r]) continue;
            tile.betas()[r] = betas[r];
            std::size_t const word = r % Tile::rows_together / 64;
            std::uint64_t const bit = std::uint64_t{1} << r % 64;
            for (std::size_t c = 0; c < costs; ++c) {
                if (!about.reached[c]) continue;
                double const cost =
                    2 * about.size * (static_cast<double>(c) - static_cast<double>(about.most_neighbours));
                double const p = flip_probability<rule>(betas[r] * cost, scan::free_flips);
                auto const threshold = static_cast<std::uint64_t>(std::llround(p * 0x1p32));
                auto* const table =
                    tile.tables().data() + (r / Tile::rows_together * costs + c) * octets_per_cost;
                for (std::size_t k = 0; k <= levels; ++k) {
                    std::uint64_t const on = -(threshold >> (levels - k) & 1u);
                    table[k][word] = (table[k][word] & ~bit) | (on & bit);
                }
            }
        }
    }

    /// Is there a row in which a flip of cost c is neither sure nor impossible?
    template <class Tile>
    [[nodiscard]] static bool is_open(Tile& tile, std::size_t o, std::size_t c) noexcept {
        std::size_t const costs = 2 * tile.about().most_neighbours + 1;
        auto const* const table = tile.tables().data() + (o * costs + c) * octets_per_cost;
        std::uint64_t any = 0;
        for (std::size_t level = 1; level <= levels; ++level)
            for (auto const word : table[level]) any |= word;
        return any != 0;
    }

    /// Four octets of random bits.
    struct random_bits {
        std::uint32_t draws[64];

        [[nodiscard, gnu::always_inline]] detail::word_pack octet(std::size_t k,
                                                                  std::size_t word) const noexcept {
            detail::word_pack bits;
            std::memcpy(&bits, reinterpret_cast<std::byte const*>(draws) + (8 * k + word) * 8, sizeof bits);
            return bits;
        }
    };

    /// One sweep of `pack_lanes` words of octet o, from word `word` on. Counts of neighbours are below
    /// 2^Planes.
    template <std::size_t Planes, class M, class Tile>
    static void sweep_words(M const& model, Tile& tile, std::size_t o, std::size_t word,
                            sweep_draws const& draws) noexcept {
        using detail::word_pack;
        std::size_t const most_neighbours = tile.about().most_neighbours, costs = 2 * most_neighbours + 1;
        std::array<bool, 31> open{};
        for (std::size_t c = 0; c < costs; ++c) open[c] = is_open(tile, o, c);
        auto* const spins = tile.spins(o);
        auto const* const tables = tile.tables().data() + o * costs * octets_per_cost;
        random_bits shared{};
        word_pack used{};
        for (std::size_t site = 0; site < model.size(); ++site) {
            auto const draw = [&, site](std::size_t round, random_bits& to) {
                draws.of_octet(o, static_cast<std::uint16_t>(round))
                    .fill(static_cast<std::uint32_t>(64 * site), to.draws);
            };
            word_pack const own = detail::load(spins[site].data() + word);
            auto const neighbours = model.neighbours(site);
            auto const couplings = model.neighbour_couplings(site);
            std::size_t const z = neighbours.size();
            auto const bond = [&](std::size_t k) {
                return detail::unsatisfied(own, spins[neighbours[k]].data() + word, couplings[k]);
            };
            detail::sliced_counter<Planes> unsatisfied;
            std::size_t counted = 0;
            for (; counted + 3 <= z; counted += 3)
                unsatisfied.add(bond(counted), bond(counted + 1), bond(counted + 2));
            for (; counted < z; ++counted) unsatisfied.add(bond(counted));

            word_pack at_cost[16], flips{}, undecided{};
            octet_of<Tile> const* table_of[16];
            std::size_t in_doubt = 0;
            for (std::size_t u = 0; u <= z; ++u) {
                auto const here = unsatisfied.equals(u);
                std::size_t const cost = most_neighbours + z - 2 * u;
                auto const* const table = tables + cost * octets_per_cost;
                auto const sure = here & detail::load(table[0].data() + word);
                flips |= sure;
                if (!open[cost]) continue;
                undecided |= here & ~sure;
                at_cost[in_doubt] = here;
                table_of[in_doubt++] = table;
            }
            auto const compare = [&](std::size_t level, word_pack random) {
                word_pack p{};
                for (std::size_t k = 0; k < in_doubt; ++k)
                    p |= at_cost[k] & detail::load(table_of[k][1 + level].data() + word);
                flips |= undecided & p & ~random;
                undecided &= ~(p ^ random);
            };
            random_bits bits;
            for (std::size_t round = 0; round < shared_round; ++round) {
                draw(round, bits);
                for (std::size_t k = 0; k < levels_of_round; ++k)
                    compare(levels_of_round * round + k, bits.octet(k, word));
            }
            if (site % sharing == 0) {
                draw(shared_round, shared);
                used = word_pack{};
            }
            word_pack const again = used & undecided;
            used |= undecided;
            if (!detail::none(again)) draw(shared_round + 1, bits);
            for (std::size_t k = 0; k < levels_of_round; ++k)
                compare(levels_of_round * shared_round + k,
                        (shared.octet(k, word) & ~again) | (bits.octet(k, word) & again));
            for (std::size_t round = shared_round + 1; round < rounds && !detail::none(undecided); ++round) {
                draw(round + 1, bits);
                for (std::size_t k = 0; k < levels_of_round; ++k)
                    compare(levels_of_round * round + k, bits.octet(k, word));
            }
            detail::store(spins[site].data() + word, own ^ flips);
        }
    }

    template <class M, class Tile>
    static void measure_energies(M const& model, Tile& tile) noexcept {
        auto const& about = tile.about();
        using detail::word_pack;
        constexpr std::size_t lanes = detail::pack_lanes<std::uint64_t>, planes = 34;
        for (std::size_t o = 0; o < tile.octets(); ++o)
            for (std::size_t word = 0; word < Tile::words_together; word += lanes) {
                if (o * Tile::rows_together + 64 * word >= tile.rows()) break;
                auto const* const spins = tile.spins(o);
                // Every few bonds into a small counter, whose planes then go into the large one.
                word_pack total[planes] = {};
                auto const add = [&](std::size_t plane, word_pack carry) {
                    for (; plane < planes && !detail::none(carry); ++plane) {
                        word_pack const next = total[plane] & carry;
                        total[plane] ^= carry;
                        carry = next;
                    }
                };
                detail::sliced_counter<6> few;
                std::size_t counted = 0;
                word_pack waiting[2] = {};
                auto const flush = [&] {
                    for (std::size_t plane = 0; plane < 6; ++plane) add(plane, few.planes[plane]);
                    few = {};
                };
                for (std::size_t i = 0; i < model.size(); ++i) {
                    word_pack const own = detail::load(spins[i].data() + word);
                    auto const neighbours = model.neighbours(i);
                    auto const couplings = model.neighbour_couplings(i);
                    for (std::size_t k = 0; k < neighbours.size(); ++k) {
                        if (neighbours[k] < i) continue;
                        auto const here =
                            detail::unsatisfied(own, spins[neighbours[k]].data() + word, couplings[k]);
                        if (std::size_t const third = counted++ % 3; third < 2)
                            waiting[third] = here;
                        else
                            few.add(waiting[0], waiting[1], here);
                        if (counted % 63 == 0) flush();
                    }
                }
                for (std::size_t k = 0; k < counted % 3; ++k) few.add(waiting[k]);
                flush();
                for (std::size_t lane = 0; lane < lanes; ++lane)
                    for (std::size_t bit = 0; bit < 64; ++bit) {
                        std::size_t const r = o * Tile::rows_together + 64 * (word + lane) + bit;
                        if (r >= tile.rows()) break;
                        std::uint64_t unsatisfied = 0;
                        for (std::size_t plane = 0; plane < planes; ++plane)
                            unsatisfied |= (total[plane][lane] >> bit & 1u) << plane;
                        tile.energies()[r] = about.size * (2.0 * static_cast<double>(unsatisfied) -
                                                           static_cast<double>(about.bonds));
                    }
            }
    }

    template <class Tile>
    using octet_of = typename Tile::octet;
};

}  // namespace spinet
