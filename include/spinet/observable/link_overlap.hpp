// SPDX-License-Identifier: BSD-3-Clause
/// The overlap of links: how far two replicas agree on which bonds are satisfied.
#pragma once

#include <spinet/detail/packed_spins.hpp>
#include <spinet/error.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/observable/concepts.hpp>
#include <spinet/observable/overlap.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace spinet {

/// Per pair (a, b): q_link and q_link^2 with q_link = sum over bonds (i, j) of s_i^a s_j^a s_i^b s_j^b, over
/// the number of bonds; every bond that the model has counts 1, whatever its coupling. For the whole and,
/// where the model has several coupling blocks (the weights between two layers), for each block by itself.
/// Global flips do not change it.
///
/// `link_overlap(model)` takes the bonds from the model once and keeps those alone: an immutable list that
/// copies of it share, so that it may outlive the model. A block that joins all spins of a group to all of
/// another needs none: its q_link is the product of the two groups' overlaps; nor does a dense model, whose
/// q_link is (N q^2 - 1) / (N - 1). Sources: Marinari and Parisi, Phys. Rev. Lett. 86, 3887 (2001);
/// Katzgraber, Palassini, Young, Phys. Rev. B 63, 184422 (2001).
///
/// Throws spinet::error for a model without bonds, and when it measures spins of another model.
class link_overlap {
public:
    using unit = each_pair;
    static constexpr std::size_t lead = 0;
    static constexpr reading reads = reading::bits;
    /// Places in a block of numbers, the whole first, then each coupling block (if there are several).
    static constexpr std::size_t mean = 0, square = 1, count = 2;

    template <PairModel M>
    explicit link_overlap(M const& model) : links_(std::make_shared<links const>(model)) {
        static_assert(space_of<M> == spin_space::ising, "spinet: link overlaps are of spins +-1");
    }

    /// The whole, and the coupling blocks where there are several.
    [[nodiscard]] std::size_t parts() const noexcept {
        return links_->parts.size() > 1 ? 1 + links_->parts.size() : 1;
    }
    /// Bonds of part p: 0 is the whole, p + 1 block p.
    [[nodiscard]] std::size_t bonds(std::size_t part) const noexcept {
        return part == 0 ? links_->bonds : links_->parts[part - 1].bonds;
    }

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const>) const {
        std::vector<std::string> names;
        for (std::size_t p = 0; p < parts(); ++p)
            for (char const* const name : {"q_link", "q_link^2"})
                names.push_back(p == 0 ? std::string(name) : name + (" of " + links_->parts[p - 1].name));
        return names;
    }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        check(seen.groups);
        std::vector<double> overlaps, differing;
        if (links_->by_overlaps) {
            overlaps.resize(unit::count(seen.replicas()) * moments::count * moments::parts(seen.groups));
            overlap{}.measure(seen, std::span<double>(overlaps));
        }
        std::vector<std::uint64_t> const packed = packed_links(seen);
        std::vector<std::uint64_t const*> rows;
        for (std::size_t r = 0; r < seen.replicas(); ++r)
            rows.push_back(packed.data() + r * links_->words_of_links);
        detail::row_differences const by_bits(rows, links_->listed);
        // One list at least, so that there is something to point at.
        differing.resize(std::max<std::size_t>(1, links_->listed.size()) * by_bits.stride());
        std::size_t const width = moments::count * moments::parts(seen.groups);
        std::size_t pair = 0;
        for (std::size_t a = 0; a + 1 < seen.replicas(); ++a) {
            if (!links_->listed.empty()) by_bits.count(a, differing.data());
            for (std::size_t b = a + 1; b < seen.replicas(); ++b, ++pair)
                write(overlaps.data() + (links_->by_overlaps ? pair * width : 0), differing.data() + b,
                      by_bits.stride(), out.data() + pair * count * parts());
        }
    }

private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    /// Bonds that are listed, or all between two groups, or all there are between any two spins.
    struct bond_set {
        std::string name;
        std::size_t bonds = 0;
        std::size_t listed = none;           ///< which of the lists
        std::size_t from = none, to = none;  ///< the two groups; none for all pairs of spins
    };

    struct end {
        std::uint32_t site, word;
        std::uint8_t bit;
    };
    struct bond {
        end a, b;
    };

    struct links {
        std::vector<std::size_t> sizes;  ///< of the groups of the model
        std::vector<bond_set> parts;
        std::size_t bonds = 0;
        bool by_overlaps = false;        ///< some part is known from overlaps
        std::vector<spin_group> listed;  ///< one per list: its place among the listed bonds
        std::vector<bond> ends;
        std::size_t words_of_links = 0;

        template <PairModel M>
        explicit links(M const& model) {
            auto const groups = detail::groups_of(model);
            for (auto const& group : groups) sizes.push_back(group.size);
            if constexpr (DenseModel<M>) {
                parts.push_back({"all", model.size() * (model.size() - 1) / 2});
                by_overlaps = true;
            } else if constexpr (HasCouplingBlocks<M>) {
                for (auto const& any : model.blocks())
                    std::visit([&](auto const& block) { add_block(groups, block); }, any);
            } else {
                std::vector<std::pair<std::size_t, std::size_t>> list;
                for (std::size_t i = 0; i < model.size(); ++i)
                    model.for_each_coupling(i, [&](std::size_t first, auto couplings) {
                        for (std::size_t j = std::max(first, i + 1); j < first + couplings.size(); ++j)
                            list.emplace_back(i, j);
                    });
                add_list(groups, "all", list);
            }
            for (auto const& each : parts) bonds += each.bonds;
            if (bonds == 0) throw error("link_overlap: the model has no bonds");
            for (auto const& each : listed) words_of_links += detail::words_of(each);
        }

        /// A block whose every spin is joined to a whole group by one segment needs no list.
        template <class Block>
        void add_block(std::vector<spin_group> const& groups, Block const& block) {
            auto const &to = groups[block.to], &from = groups[block.from];
            std::string const name = detail::text(from.name, "-", to.name);
            std::size_t full = 0, others = 0;  // segments
            for (std::size_t i = 0; i < to.size; ++i)
                block.for_each_coupling(groups, block.to, i, [&](std::size_t first, auto couplings) {
                    bool const all_of_it = first == from.first && couplings.size() == from.size;
                    ++(all_of_it ? full : others);
                });
            if (full != to.size || others != 0) {
                std::vector<std::pair<std::size_t, std::size_t>> list;
                for (std::size_t i = 0; i < to.size; ++i)
                    block.for_each_coupling(groups, block.to, i, [&](std::size_t first, auto couplings) {
                        for (std::size_t j = first; j < first + couplings.size(); ++j)
                            list.emplace_back(to.first + i, j);
                    });
                add_list(groups, name, list);
                return;
            }
            parts.push_back({name, to.size * from.size, none, block.from, block.to});
            by_overlaps = true;
        }

        template <class Pairs>
        void add_list(std::vector<spin_group> const& groups, std::string const& name, Pairs const& list) {
            parts.push_back({name, list.size(), listed.size(), none, none});
            listed.push_back({name, ends.size(), list.size()});
            for (auto const& [i, j] : list) ends.push_back({place(groups, i), place(groups, j)});
        }

        /// Where a site stands among spins, and among words that begin anew with each group.
        [[nodiscard]] static end place(std::vector<spin_group> const& groups, std::size_t site) {
            std::size_t word = 0, g = 0;
            for (; site >= groups[g].first + groups[g].size; ++g) word += detail::words_of(groups[g]);
            std::size_t const within = site - groups[g].first;
            return {static_cast<std::uint32_t>(site), static_cast<std::uint32_t>(word + within / 64),
                    static_cast<std::uint8_t>(within % 64)};
        }
    };

    void check(std::span<spin_group const> groups) const {
        bool same = groups.size() == links_->sizes.size();
        for (std::size_t g = 0; same && g < groups.size(); ++g) same = groups[g].size == links_->sizes[g];
        if (!same) throw error("link_overlap: it was made for a model with other groups of spins");
    }

    /// A bit for each listed bond of each replica, set where its two spins differ.
    template <class Real>
    [[nodiscard]] std::vector<std::uint64_t> packed_links(cohort<Real> const& seen) const {
        std::vector<std::uint64_t> words(seen.replicas() * links_->words_of_links, 0);
        for (std::size_t r = 0; r < seen.replicas(); ++r) {
            std::uint64_t* to = words.data() + r * links_->words_of_links;
            for (auto const& list : links_->listed) {
                for (std::size_t k = 0; k < list.size; ++k)
                    to[k / 64] |= unequal(seen, r, links_->ends[list.first + k]) << k % 64;
                to += detail::words_of(list);
            }
        }
        return words;
    }

    template <class Real>
    [[nodiscard]] static std::uint64_t unequal(cohort<Real> const& seen, std::size_t r,
                                               bond const& ends) noexcept {
        auto const& [a, b] = ends;
        if (seen.bits.empty()) return seen.spins.row(r)[a.site] != seen.spins.row(r)[b.site] ? 1u : 0u;
        return ((seen.bits[r][a.word] >> a.bit) ^ (seen.bits[r][b.word] >> b.bit)) & 1u;
    }

    /// The numbers of one pair: `overlaps` are its block of overlap{}, `differing` lies `stride` apart.
    void write(double const* overlaps, double const* differing, std::size_t stride, double* out) const {
        double total = 0;
        for (std::size_t p = 0; p < links_->parts.size(); ++p) {
            auto const& each = links_->parts[p];
            auto const bonds = static_cast<double>(each.bonds);
            double sum = 0;
            if (each.listed != none)
                sum = bonds - 2 * differing[each.listed * stride];
            else if (each.from != none)
                sum = bonds * overlaps[(1 + each.from) * moments::count] *
                      overlaps[(1 + each.to) * moments::count];
            else
                sum = sum_over_pairs(overlaps[0]);
            total += sum;
            if (links_->parts.size() > 1) put(sum / bonds, out + (1 + p) * count);
        }
        put(total / static_cast<double>(links_->bonds), out);
    }

    /// Over all pairs of N spins: ((N q)^2 - N) / 2.
    [[nodiscard]] double sum_over_pairs(double q) const noexcept {
        auto const n = static_cast<double>(links_->sizes[0]);
        return (n * q * n * q - n) / 2;
    }

    static void put(double q, double* out) noexcept {
        out[mean] = q;
        out[square] = q * q;
    }

    std::shared_ptr<links const> links_;
};

}  // namespace spinet
