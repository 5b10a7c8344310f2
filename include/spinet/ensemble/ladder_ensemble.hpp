// SPDX-License-Identifier: BSD-3-Clause
/// The replicas of a run as independent ladders, cut into tiles.
#pragma once

#include <spinet/detail/packed_spins.hpp>
#include <spinet/ensemble/tile.hpp>
#include <spinet/ensemble/tile_size.hpp>
#include <spinet/error.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace spinet {

/// `replicas` ladders of one method on one model, independent of each other but for pair moves. Replica r is
/// ladder r; rows are numbered r * rungs + k over the whole run. All temperatures are there at once: one
/// step, and cohort k is rung k.
template <Model M, class K, class Exchange, class Pairs = no_pair_move>
class ladder_ensemble {
public:
    using real = typename M::spin_type;
    static constexpr bool packs = PackedState<typename K::template state<M>>;

    ladder_ensemble(M const& model, K const& kernel, Exchange const& exchange, ladder const& temperatures,
                    std::size_t replicas, std::uint64_t seed, Pairs const& pairs = {})
        : model_(&model), temperatures_(temperatures.size()), seed_(seed) {
        constexpr std::size_t together = std::is_same_v<Pairs, no_pair_move> ? 1 : 2;
        if (replicas % together != 0)
            throw error(std::string(pairs.name()), " take replicas in pairs, but there are ", replicas);
        std::size_t first = 0;
        for (std::size_t const parts :
             ladders_per_tile(replicas / together, together * graph_of(exchange, temperatures).rungs.size(),
                              detail::rows_per_tile<K>)) {
            tiles_.emplace_back(model, kernel, exchange, temperatures, first, parts * together, seed, pairs);
            first += parts * together;
        }
    }

    [[nodiscard]] std::size_t tiles() const noexcept { return tiles_.size(); }
    [[nodiscard]] static std::size_t steps() noexcept { return 1; }
    [[nodiscard]] std::size_t cohorts(std::size_t) const noexcept { return temperatures_; }
    [[nodiscard]] static std::size_t rung_of(std::size_t, std::size_t cohort) noexcept { return cohort; }

    /// Every row of replica r starts from `state_of(r)`, or from random spins of its own where that is empty.
    template <class Team, class StateOf>
    void start(Team& team, StateOf&& state_of) {
        std::size_t const rungs = tiles_[0].rungs();
        team.run(tiles_.size(), [&](std::size_t t) {
            std::vector<real> random(model_->size());
            tiles_[t].start([&](std::size_t row) -> std::span<real const> {
                std::size_t const global = tiles_[t].first_ladder() * rungs + row;
                if (std::span<real const> const given = state_of(global / rungs); !given.empty())
                    return given;
                stream(seed_, start_draw::run, static_cast<std::uint32_t>(global))
                    .fill_signs(std::span(random));
                return random;
            });
        });
    }

    template <class Team>
    static void begin_step(Team&, std::size_t) noexcept {}

    /// Sweeps first, first + 1, ..., each with its exchanges.
    template <class Team>
    void advance(Team& team, std::size_t, std::uint32_t first, std::uint32_t count) {
        team.run(tiles_.size(), [&](std::size_t t) {
            for (std::uint32_t k = 0; k < count; ++k) tiles_[t].advance(first + k);
        });
    }

    void end_warmup() {
        for (auto& part : tiles_) part.reset_counts();
    }

    template <class Team>
    void pack(Team& team, std::span<site_word const> words) requires packs {
        if (bits_.empty())
            for (auto const& part : tiles_) bits_.emplace_back(part.state().rows() * words.size());
        words_ = words.size();
        team.run(tiles_.size(), [&](std::size_t t) { tiles_[t].state().pack_rows(words, bits_[t].data()); });
    }

    void gather_energies(std::size_t k, std::span<double> energies) const {
        for_each_replica(k, [&](std::size_t replica, std::size_t t, std::size_t row) {
            energies[replica] = tiles_[t].state().energies()[row];
        });
    }

    void gather_spins(std::size_t k, std::span<real> spins) const {
        for_each_replica(k, [&](std::size_t replica, std::size_t t, std::size_t row) {
            tiles_[t].state().copy_row(row, spins.subspan(replica * model_->size(), model_->size()));
        });
    }

    void gather_bits(std::size_t k, std::span<std::uint64_t const*> rows) const {
        for_each_replica(k, [&](std::size_t replica, std::size_t t, std::size_t row) {
            rows[replica] = bits_[t].data() + row * words_;
        });
    }

    /// Exchange counts summed over tiles, the round trips of every ladder, and what the kernel's choice
    /// between engines came to.
    [[nodiscard]] ensemble_report report() const {
        ensemble_report all{tiles_[0].rungs(), tiles_[0].counts(), {}, {}};
        for (std::size_t t = 0; t < tiles_.size(); ++t) {
            auto const& counts = tiles_[t].counts();
            for (std::size_t k = 0; t > 0 && k < counts.attempted.size(); ++k) {
                all.exchange.attempted[k] += counts.attempted[k];
                all.exchange.accepted[k] += counts.accepted[k];
            }
            if (t > 0)
                all.exchange.round_trips.insert(all.exchange.round_trips.end(), counts.round_trips.begin(),
                                                counts.round_trips.end());
            if constexpr (EngineState<typename K::template state<M>>) {
                all.engine.sweeps += tiles_[t].state().engine().sweeps;
                all.engine.sweeps_by_products += tiles_[t].state().engine().sweeps_by_products;
            }
        }
        return all;
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
    std::size_t temperatures_;
    std::uint64_t seed_;
    std::deque<tile<M, K, Exchange, Pairs>> tiles_;
    std::size_t words_ = 0;
    std::vector<std::vector<std::uint64_t>> bits_;  ///< of each tile, as last packed
};

}  // namespace spinet
