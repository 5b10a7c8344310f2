// SPDX-License-Identifier: BSD-3-Clause
/// The replicas of a run: independent ladders, cut into tiles.
#pragma once

#include <spinet/detail/packed_spins.hpp>
#include <spinet/ensemble/tile.hpp>
#include <spinet/observable/cohort.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace spinet {

/// `replicas` ladders of one method on one model, independent of each other but for pair moves. Replica r is
/// ladder r; rows are numbered r * rungs + k over the whole run.
template <Model M, class K, class Exchange, class Pairs = no_pair_move>
class ladder_ensemble {
public:
    using real = typename M::spin_type;

    ladder_ensemble(M const& model, K const& kernel, Exchange const& exchange, ladder const& temperatures,
                    std::size_t replicas, std::uint64_t seed, Pairs const& pairs = {})
        : model_(&model), temperatures_(temperatures), replicas_(replicas), seed_(seed) {
        constexpr std::size_t together = std::is_same_v<Pairs, no_pair_move> ? 1 : 2;
        if (replicas % together != 0)
            throw error(std::string(pairs.name()) + " join replicas in pairs, but there are " +
                        std::to_string(replicas));
        std::size_t first = 0;
        for (std::size_t const parts :
             ladders_per_tile(replicas / together, together * graph_of(exchange, temperatures).rungs.size(),
                              rows_per_tile<K>)) {
            tiles_.emplace_back(model, kernel, exchange, temperatures, first, parts * together, seed, pairs);
            first += parts * together;
        }
    }

    [[nodiscard]] std::size_t replicas() const noexcept { return replicas_; }
    [[nodiscard]] std::size_t tiles() const noexcept { return tiles_.size(); }
    /// Rows of each replica.
    [[nodiscard]] std::size_t rungs() const noexcept { return tiles_[0].rungs(); }

    /// Ladder r starts from independent random spins, or, where `cold(r)`, with every row in `cold_spins`.
    template <class Executor, class IsCold>
    void start(Executor& executor, std::span<real const> cold_spins, IsCold&& cold) {
        std::size_t const rungs = tiles_[0].rungs();
        executor.run(tiles_.size(), [&](std::size_t t) {
            std::vector<real> spins(model_->size());
            tiles_[t].start([&](std::size_t row) -> std::span<real const> {
                std::size_t const global = tiles_[t].first_ladder() * rungs + row;
                if (cold(global / rungs)) return cold_spins;
                stream(seed_, 0, static_cast<std::uint32_t>(global), purpose::start)
                    .fill_signs(std::span(spins));
                return spins;
            });
        });
    }

    /// Sweeps first, first + 1, ..., each with its exchanges.
    template <class Executor>
    void advance(Executor& executor, std::uint32_t first, std::uint32_t count) {
        executor.run(tiles_.size(), [&](std::size_t t) {
            for (std::uint32_t k = 0; k < count; ++k) tiles_[t].advance(first + k);
        });
    }

    /// Can the kernel's states pack their spins into bits?
    static constexpr bool packs = requires(typename K::template state<M> const& state, std::uint64_t* out) {
        state.pack_rows(std::span<site_word const>(), out);
    };

    /// Packs all spins as they are now, for gather_bits.
    template <class Executor>
    void pack(Executor& executor, std::span<spin_group const> groups) requires packs {
        if (bits_.empty()) {
            words_ = detail::words_of_row(groups);
            for (auto const& part : tiles_) bits_.emplace_back(part.state().rows() * words_.size());
        }
        executor.run(tiles_.size(),
                     [&](std::size_t t) { tiles_[t].state().pack_rows(words_, bits_[t].data()); });
    }

    /// The energies now at temperature k, in the order of the replicas.
    void gather_energies(std::size_t k, std::span<double> energies) const {
        for_each_replica(k, [&](std::size_t replica, std::size_t t, std::size_t row) {
            energies[replica] = tiles_[t].state().energies()[row];
        });
    }

    /// Copies the spins (replicas x sites) now at temperature k.
    void gather_spins(std::size_t k, std::span<real> spins) const {
        for_each_replica(k, [&](std::size_t replica, std::size_t t, std::size_t row) {
            tiles_[t].state().copy_row(row, spins.subspan(replica * model_->size(), model_->size()));
        });
    }

    /// Where the spins that are now at temperature k stood when they were packed.
    void gather_bits(std::size_t k, std::span<std::uint64_t const*> rows) const {
        for_each_replica(k, [&](std::size_t replica, std::size_t t, std::size_t row) {
            rows[replica] = bits_[t].data() + row * words_.size();
        });
    }

    void reset_counts() {
        for (auto& part : tiles_) part.reset_counts();
    }

    /// Exchange counts summed over tiles, and the round trips of every ladder.
    [[nodiscard]] exchange_counts counts() const {
        exchange_counts total;
        total.attempted.resize(tiles_[0].counts().attempted.size());
        total.accepted.resize(total.attempted.size());
        for (auto const& part : tiles_) {
            for (std::size_t k = 0; k < total.attempted.size(); ++k) {
                total.attempted[k] += part.counts().attempted[k];
                total.accepted[k] += part.counts().accepted[k];
            }
            total.round_trips.insert(total.round_trips.end(), part.counts().round_trips.begin(),
                                     part.counts().round_trips.end());
        }
        return total;
    }

    /// What the kernel's choice between increments and products came to, over all tiles.
    [[nodiscard]] update_engine engine_use() const {
        update_engine total;
        if constexpr (requires { tiles_[0].state().engine(); })
            for (auto const& part : tiles_) {
                total.sweeps += part.state().engine().sweeps;
                total.sweeps_by_products += part.state().engine().sweeps_by_products;
            }
        return total;
    }

    void save(archive_writer& out) const {
        for (auto const& part : tiles_) part.save(out);
    }
    void load(archive_reader& in) {
        for (auto& part : tiles_) part.load(in);
    }

private:
    /// visit(replica, tile, row of the tile)
    template <class Visit>
    void for_each_replica(std::size_t k, Visit&& visit) const {
        for (std::size_t t = 0; t < tiles_.size(); ++t)
            for (std::size_t l = 0; l < tiles_[t].ladders(); ++l)
                visit(tiles_[t].first_ladder() + l, t, tiles_[t].row_at(l, k));
    }

    M const* model_;
    ladder temperatures_;
    std::size_t replicas_;
    std::uint64_t seed_;
    std::vector<tile<M, K, Exchange, Pairs>> tiles_;
    std::vector<site_word> words_;
    std::vector<std::vector<std::uint64_t>> bits_;  ///< of each tile, as last packed
};

}  // namespace spinet
