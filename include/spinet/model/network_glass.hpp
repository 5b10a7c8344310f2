// SPDX-License-Identifier: BSD-3-Clause
/// The spin glass of any loaded network: groups of spins, fields, and a run-time list of coupling blocks.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/detail/vector_math.hpp>
#include <spinet/error.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/model/coupling_block.hpp>
#include <spinet/model/magnitude.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace spinet {

/// H(s) = -sum_blocks sum_ij W_ij s_i s_j - sum_i b_i s_i, where a block couples the spins of two different
/// parts (i in its `to` part, j in its `from` part), each coupling counted once. A part is a group of spins
/// (a layer), or one step of a group that holds a sequence. One type serves every network, because a network
/// is known only at run time. Blocks between the same two parts add up to one. At construction the parts are
/// coloured so that no block joins two parts of a colour; a layered network gets two colours, its even and
/// its odd layers.
template <class Real = float>
class network_glass {
public:
    using spin_type = detail::checked_spin_type<Real>;

    /// `fields`, an xtensor expression or std::vector, holds one number per spin, part after part, or none;
    /// `groups` the number of parts in each group, where not each is one by itself: a group takes the name of
    /// its first part. Throws spinet::error naming the part, block or site where shapes disagree, a number is
    /// not finite or a block joins a part to itself.
    template <class Fields = std::vector<Real>>
    network_glass(std::vector<spin_group> parts, Fields&& fields, std::vector<coupling_block<Real>> blocks,
                  spinet::provenance made_from = {}, std::vector<std::size_t> const& groups = {})
        : parts_(std::move(parts)),
          fields_(detail::vector_copy<Real>(std::forward<Fields>(fields), "network_glass: fields")),
          blocks_(std::move(blocks)),
          made_from_(std::move(made_from)) {
        place_parts();
        join_groups(groups);
        check_fields();
        for (std::size_t b = 0; b < blocks_.size(); ++b)
            std::visit([&](auto const& block) { block.check(parts_, b); }, blocks_[b]);
        join_parallel_blocks();
        colour_parts();
        detail::require_fields_fit(*this, [&](std::size_t site) {
            auto const& part = parts_[part_of(site)];
            return detail::text("network_glass: the field of spin ", site - part.first, " of group ",
                                part.name);
        });
    }

    /// From now on, products take spins of any value as they are, and not only +-1. They then never use
    /// AMX tiles.
    void take_any_spins() {
        for (auto& any : blocks_) std::visit([](auto& block) { block.take_any_spins(); }, any);
    }

    [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
    [[nodiscard]] std::span<spin_group const> groups() const noexcept { return groups_; }
    /// What blocks join: their `from` and `to` count these.
    [[nodiscard]] std::span<spin_group const> parts() const noexcept { return parts_; }
    [[nodiscard]] std::span<coupling_block<Real> const> blocks() const noexcept { return blocks_; }
    [[nodiscard]] std::span<Real const> external_fields() const noexcept { return fields_; }
    [[nodiscard]] spinet::provenance const& made_from() const noexcept { return made_from_; }

    [[nodiscard]] double energy(std::span<Real const> spins) const {
        double total = -detail::dot(fields_.data(), spins.data(), size());
        for (auto const& any : blocks_)
            total += std::visit([&](auto const& block) { return block.energy(parts_, spins); }, any);
        return total;
    }

    [[nodiscard]] double energy_change(std::span<Real const> spins, std::size_t site, Real value) const {
        double field = static_cast<double>(fields_[site]);
        for_each_coupling(site, [&](std::size_t first, std::span<Real const> couplings) {
            field += detail::dot(couplings.data(), spins.data() + first, couplings.size());
        });
        return -(static_cast<double>(value) - static_cast<double>(spins[site])) * field;
    }

    void fields(rows_view<Real const> spins, rows_view<Real> out) const noexcept {
        for (std::size_t r = 0; r < out.rows; ++r) std::copy_n(fields_.data(), size(), out.row(r).data());
        for (std::size_t c = 0; c < colours(); ++c) add_block_fields(c, spins, out);
    }

    template <class Visit>
    void for_each_coupling(std::size_t site, Visit&& visit) const {
        std::size_t const g = part_of(site);
        for (std::size_t const b : blocks_of_[g])
            std::visit(
                [&](auto const& block) { block.for_each_coupling(parts_, g, site - parts_[g].first, visit); },
                blocks_[b]);
    }

    [[nodiscard]] std::size_t colours() const noexcept { return colours_.size(); }
    [[nodiscard]] std::span<site_range const> colour(std::size_t c) const noexcept {
        return colours_[c].sites;
    }

    void add_block_fields(std::size_t c, rows_view<Real const> spins, rows_view<Real> out) const noexcept {
        for (std::size_t const g : colours_[c].parts)
            for (std::size_t const b : blocks_of_[g])
                std::visit([&](auto const& block) { block.add_fields(parts_, g, spins, out); }, blocks_[b]);
    }

private:
    struct colour_class {
        std::vector<std::size_t> parts;
        std::vector<site_range> sites;
    };

    void place_parts() {
        std::size_t first = 0;
        for (std::size_t g = 0; g < parts_.size(); ++g) {
            if (parts_[g].size == 0)
                throw error("network_glass: group ", g, " (", parts_[g].name, ") has no spins");
            if (parts_[g].size > detail::blas_limit - first)
                throw error("network_glass: more spins than BLAS can index");
            parts_[g].first = first;
            first += parts_[g].size;
        }
        if (first == 0) throw error("network_glass: no spins");
        if (fields_.empty()) fields_.assign(first, Real{0});
        if (fields_.size() != first)
            throw error("network_glass: ", first, " spins in all groups, but ", fields_.size(), " fields");
    }

    void join_groups(std::vector<std::size_t> const& counts) {
        if (counts.empty()) groups_ = parts_;
        bool fits = true;
        std::size_t first = 0;
        for (std::size_t const count : counts) {
            fits = count > 0 && count <= parts_.size() - first;
            if (!fits) break;
            auto const& last = parts_[first + count - 1];
            groups_.push_back({parts_[first].name, parts_[first].first,
                               last.first + last.size - parts_[first].first, parts_[first].weight});
            first += count;
        }
        if (!fits || (!counts.empty() && first != parts_.size()))
            throw error("network_glass: the groups do not share out the ", parts_.size(), " parts");
    }

    void check_fields() const {
        for (auto const& part : parts_)
            for (std::size_t i = 0; i < part.size; ++i)
                if (!std::isfinite(fields_[part.first + i]))
                    throw error("network_glass: the field of spin ", i, " of group ", part.name,
                                " is not finite");
    }

    /// No two spins are joined by more than one coupling: squares of couplings are taken all over mean field.
    void join_parallel_blocks() {
        std::map<std::pair<std::size_t, std::size_t>, std::size_t> seen;
        std::vector<coupling_block<Real>> joined;
        for (auto& block : blocks_) {
            auto const [from, to] = ends(block);
            auto const [place, is_new] = seen.try_emplace(std::minmax(from, to), joined.size());
            if (is_new) {
                joined.push_back(std::move(block));
                continue;
            }
            auto& first = joined[place->second];
            first = std::visit([](auto const& x, auto const& y) { return sum_of<Real>(x, y); }, first, block);
        }
        blocks_ = std::move(joined);
    }

    /// Greedy colouring in breadth-first order: exact (two colours) whenever the parts form a bipartite
    /// graph.
    void colour_parts() {
        std::size_t const none = parts_.size();
        blocks_of_.assign(parts_.size(), {});
        for (std::size_t b = 0; b < blocks_.size(); ++b)
            for (std::size_t const g : ends(blocks_[b])) blocks_of_[g].push_back(b);
        std::vector<std::size_t> colour_of(parts_.size(), none), queue;
        for (std::size_t start = 0; start < parts_.size(); ++start) {
            if (colour_of[start] == none) queue.push_back(start);
            for (std::size_t next = 0; next < queue.size(); ++next)
                colour_part(queue[next], colour_of, queue);
            queue.clear();
        }
        for (std::size_t g = 0; g < parts_.size(); ++g) {
            if (colour_of[g] >= colours_.size()) colours_.resize(colour_of[g] + 1);
            colours_[colour_of[g]].parts.push_back(g);
            colours_[colour_of[g]].sites.push_back({parts_[g].first, parts_[g].size});
        }
    }

    void colour_part(std::size_t g, std::vector<std::size_t>& colour_of,
                     std::vector<std::size_t>& queue) const {
        std::size_t const none = parts_.size();
        if (colour_of[g] != none) return;
        std::vector<bool> taken(none + 1, false);
        for (std::size_t const b : blocks_of_[g])
            for (std::size_t const other : ends(blocks_[b])) {
                taken[colour_of[other]] = true;
                if (colour_of[other] == none) queue.push_back(other);
            }
        taken[none] = false;
        colour_of[g] = static_cast<std::size_t>(std::find(taken.begin(), taken.end(), false) - taken.begin());
    }

    [[nodiscard]] static std::array<std::size_t, 2> ends(coupling_block<Real> const& any) {
        return std::visit([](block_ends const& block) { return std::array{block.from, block.to}; }, any);
    }

    [[nodiscard]] std::size_t part_of(std::size_t site) const noexcept {
        auto const after = std::upper_bound(parts_.begin(), parts_.end(), site,
                                            [](std::size_t s, auto const& part) { return s < part.first; });
        return static_cast<std::size_t>(after - parts_.begin()) - 1;
    }

    std::vector<spin_group> parts_, groups_;
    std::vector<Real> fields_;
    std::vector<coupling_block<Real>> blocks_;
    spinet::provenance made_from_;
    std::vector<std::vector<std::size_t>> blocks_of_;
    std::vector<colour_class> colours_;
};

/// A layered glass: weights[l] has shape (N_{l+1}, N_l) and couples layer l to layer l + 1; fields[l] has N_l
/// entries or is empty (no fields on that layer). Both are lists of xtensor expressions of any kind, layout
/// and number type. Groups are named "layer 0", "layer 1", ... The spins are of type Real if it is given:
/// layered_glass<float>({first, second}); otherwise float or double as the weights are.
template <class Real = void, class W = detail::listed_array<Real, 2>, class B = detail::listed_array<Real, 1>>
[[nodiscard]] auto layered_glass(std::vector<W> weights, std::vector<B> const& fields = {}) {
    using real =
        detail::spin_type_for<std::remove_cvref_t<decltype(detail::array_in_list(weights[0]))>, Real>;
    if (weights.empty()) throw error("layered_glass: no weights");
    std::vector<spin_group> groups;
    std::vector<coupling_block<real>> blocks;
    auto const add_layer = [&](std::size_t size) {
        groups.push_back({"layer " + std::to_string(groups.size()), 0, size});
    };
    for (std::size_t l = 0; l < weights.size(); ++l) {
        auto matrix = detail::row_major_copy<real, 2>(detail::array_in_list(std::move(weights[l])),
                                                      "layered_glass: weights of layer " + std::to_string(l));
        if (l == 0) add_layer(matrix.shape()[1]);
        add_layer(matrix.shape()[0]);
        blocks.push_back(dense_block<real>(l, l + 1, std::move(matrix)));
    }
    if (fields.size() > groups.size()) throw error("layered_glass: fields for more layers than there are");
    std::vector<real> all;
    for (std::size_t l = 0; l < groups.size(); ++l) {
        std::string const name = detail::text("layered_glass: layer ", l);
        std::vector<real> given(groups[l].size, real{0});
        if (l < fields.size())
            given = detail::fields_or_zeros<real>(detail::array_in_list(fields[l]), groups[l].size, name);
        if (given.size() != groups[l].size)
            throw error(name, " has ", groups[l].size, " spins, but ", given.size(), " fields");
        all.insert(all.end(), given.begin(), given.end());
    }
    return network_glass<real>(std::move(groups), std::move(all), std::move(blocks));
}

}  // namespace spinet
