// SPDX-License-Identifier: BSD-3-Clause
/// A tile: a few whole ladders in one allocation, swept together by one thread.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/ensemble/concepts.hpp>
#include <spinet/ensemble/exchange.hpp>
#include <spinet/ensemble/pair_move.hpp>
#include <spinet/random/streams.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace spinet {

/// The rungs of an exchange policy: those of its `graph(ladder)`, else the ladder.
template <class Exchange>
[[nodiscard]] rung_graph graph_of(Exchange const& exchange, ladder const& temperatures) {
    if constexpr (GraphExchange<Exchange>)
        return exchange.graph(temperatures);
    else
        return ladder_graph(temperatures);
}

namespace detail {

/// Which rows of some ladders are at which rungs, and what is counted of it: the part of a tile that knows no
/// model.
class rung_rows {
public:
    rung_rows(rung_graph graph, std::size_t first_ladder, std::size_t ladders)
        : graph_(std::move(graph)),
          rungs_(graph_.rungs.size()),
          first_ladder_(first_ladder),
          ladders_(ladders),
          row_at_(ladders * rungs_),
          trip_(ladders * rungs_, trip::none) {
        std::iota(row_at_.begin(), row_at_.end(), std::uint32_t{0});
        counts_ = {std::vector<std::uint64_t>(graph_.links), std::vector<std::uint64_t>(graph_.links),
                   std::vector<std::uint64_t>(ladders_)};
        place_rows();
    }

    [[nodiscard]] std::size_t first_ladder() const noexcept { return first_ladder_; }
    [[nodiscard]] std::size_t ladders() const noexcept { return ladders_; }
    [[nodiscard]] exchange_counts const& counts() const noexcept { return counts_; }
    /// Rows of each ladder.
    [[nodiscard]] std::size_t rungs() const noexcept { return rungs_; }
    /// The row of this tile that is now at rung k of ladder l (counted within the tile).
    [[nodiscard]] std::size_t row_at(std::size_t l, std::size_t k) const noexcept {
        return row_at_[l * rungs_ + k];
    }

    /// Forgets the exchange counts (not the spins): what happened during warm-up is not reported.
    void reset_counts() {
        for (auto* of : {&counts_.attempted, &counts_.accepted, &counts_.round_trips})
            std::fill(of->begin(), of->end(), 0);
        std::fill(trip_.begin(), trip_.end(), trip::none);
    }

protected:
    [[nodiscard]] bool graph_has_variants() const {
        return std::any_of(graph_.rungs.begin(), graph_.rungs.end(),
                           [](rung const& each) { return each.variant != 0; });
    }

    void save_rungs(archive_writer& out) const {
        out.put(row_at_);
        out.put(trip_);
        for (auto* of : {&counts_.attempted, &counts_.accepted, &counts_.round_trips}) out.put(*of);
    }
    void load_rungs(archive_reader& in) {
        row_at_ = in.get_exactly<std::uint32_t>(row_at_.size());
        trip_ = in.get_exactly<trip>(trip_.size());
        for (auto* of : {&counts_.attempted, &counts_.accepted, &counts_.round_trips})
            *of = in.get_exactly<std::uint64_t>(of->size());
        check_permutation();
        place_rows();
    }

    void count_trips(std::size_t l) {
        if (graph_.ladder_size < 2) return;
        auto& at_bottom = trip_[row_at(l, 0)];
        if (at_bottom == trip::from_top) ++counts_.round_trips[l];
        at_bottom = trip::from_bottom;
        auto& at_top = trip_[row_at(l, graph_.ladder_size - 1)];
        if (at_top == trip::from_bottom) at_top = trip::from_top;
    }

private:
    /// At which end of its ladder a row was last; a round trip is bottom, top, bottom.
    enum class trip : std::uint8_t { none, from_bottom, from_top };

    /// Gives every row the temperature and variant of its rung.
    void place_rows() {
        beta_of_row_.resize(row_at_.size());
        variant_of_row_.resize(row_at_.size());
        for (std::size_t place = 0; place < row_at_.size(); ++place) {
            beta_of_row_[row_at_[place]] = 1.0 / graph_.rungs[place % rungs_].temperature;
            variant_of_row_[row_at_[place]] = graph_.rungs[place % rungs_].variant;
        }
    }

    void check_permutation() const {
        std::vector<bool> seen(row_at_.size(), false);
        for (std::size_t place = 0; place < row_at_.size(); ++place) {
            std::size_t const row = row_at_[place];
            if (row / rungs_ != place / rungs_ || seen[row])
                throw error("damaged: its temperatures are not a permutation");
            seen[row] = true;
        }
    }

protected:
    rung_graph graph_;
    std::size_t rungs_;
    std::size_t first_ladder_;
    std::size_t ladders_;
    std::vector<std::uint32_t> row_at_;
    std::vector<double> beta_of_row_;
    std::vector<std::uint32_t> variant_of_row_;
    exchange_counts counts_;

private:
    std::vector<trip> trip_;
};

}  // namespace detail

/// Ladders `first_ladder`, ... of the run. Row `ladder * rungs + k` starts at rung k; exchanges move the
/// rungs between the rows of a ladder, never the spins. Rung 0 is the lowest temperature.
///
/// With a pair move, ladders 0 and 1, 2 and 3, ... of the tile meet at each temperature.
template <Model M, class K, class Exchange, class Pairs = no_pair_move>
class tile : public detail::rung_rows {
public:
    static_assert(Kernel<K, M>, "spinet: this is no Kernel for this model; see docs/concepts.md");
    static_assert(
        ExchangePolicy<Exchange, M, typename K::template state<M>>,
        "spinet: an exchange policy has name() and log_ratio(model, state, row_a, row_b, beta_a, beta_b) "
        "for this model and kernel (ExchangePolicy); marginal_exchange needs a model with colours "
        "(BlockModel)");
    static_assert(
        PairMove<Pairs, M>,
        "spinet: a pair move has name(), highest() and move(model, spins_a, spins_b, draw) (PairMove)");
    /// Whether exchanges come within a sweep (or after it). Either way each row is left in a state of the
    /// temperature that it then has.
    static constexpr bool exchanges_within = SummingExchange<Exchange, M>;
    static_assert(
        !exchanges_within ||
            PausingKernel<K, std::remove_cvref_t<detail::seen_by_rows<Exchange, M, kernel_state_of<K, M>>>>,
        "spinet: an exchange that sums spins out needs a kernel that sweeps whole colours, such as "
        "glauber{} on a network");
    using real = typename M::spin_type;

    tile(M const& model, K const& kernel, Exchange const& exchange, ladder const& temperatures,
         std::size_t first_ladder, std::size_t ladders, std::uint64_t seed, Pairs const& pairs = {})
        : rung_rows(graph_of(exchange, temperatures), first_ladder, ladders),
          model_(&model),
          kernel_(kernel),
          exchange_(exchange),
          pairs_(pairs),
          seed_(seed),
          state_(kernel.make_state(model, ladders * rungs_)) {
        if (!has_variants && graph_has_variants())
            throw error(std::string(exchange_.name()),
                        ": its graph has variants of the model, but it is no CappedExchange for this kernel");
        if constexpr (exchanges_within)
            if (exchange_.summed_out(model) >= model.colours())
                throw error(std::string(exchange_.name()), ": the model has no colour ",
                            static_cast<std::size_t>(exchange_.summed_out(model)));
    }

    [[nodiscard]] auto const& state() const noexcept { return state_; }

    /// Sets every spin: `spins(row)` returns the spins of that row of the tile.
    template <class Spins>
    void start(Spins&& spins) {
        for (std::size_t r = 0; r < ladders_ * rungs_; ++r) state_.set_row(r, spins(r));
        kernel_.prepare(as_seen(), state_);
    }

    /// Sweep number `sweep` of the run, its exchanges and its pair moves.
    void advance(std::uint32_t sweep) {
        sweep_draws const draws{seed_, sweep, static_cast<std::uint32_t>(first_ladder_ * rungs_),
                                purpose::spins};
        if constexpr (exchanges_within) {
            kernel_.sweep_redrawing(as_seen(), state_, beta_of_row_, draws, exchange_.summed_out(*model_),
                                    [&] { exchange_rungs(sweep); });
        } else {
            kernel_.sweep(*model_, state_, beta_of_row_, draws);
            if constexpr (!std::is_same_v<Exchange, no_exchange>) exchange_rungs(sweep);
        }
        if constexpr (!std::is_same_v<Pairs, no_pair_move>) move_pairs(sweep);
    }

    void save(archive_writer& out) const {
        state_.save(out);
        save_rungs(out);
    }
    void load(archive_reader& in) {
        state_.load(in);
        load_rungs(in);
    }

private:
    static constexpr bool has_variants = CappedExchange<Exchange, M, kernel_state_of<K, M>>;

    /// The model, of which each row has its own variant.
    [[nodiscard]] detail::seen_by_rows<Exchange, M, kernel_state_of<K, M>> as_seen() const noexcept {
        if constexpr (has_variants)
            return exchange_.view(*model_, variant_of_row_);
        else
            return *model_;
    }

    void exchange_rungs(std::uint32_t sweep) {
        for (std::size_t l = 0; l < ladders_; ++l) {
            stream const draws(seed_, sweep, static_cast<std::uint32_t>(first_ladder_ + l),
                               purpose::exchange);
            auto* const rows = row_at_.data() + l * rungs_;
            for (auto const& round : graph_.rounds) exchange_round(rows, draws, round);
            count_trips(l);
        }
    }

    void exchange_round(std::uint32_t* rows, stream const& draws, std::vector<rung_link> const& links) {
        for (auto const& [a, b, number] : links) {
            double const log_ratio = log_ratio_of(rows[a], rows[b]);
            ++counts_.attempted[number];
            if (!(std::log(uniform<double>(draws.bits(number))) < log_ratio)) continue;
            ++counts_.accepted[number];
            if constexpr (has_variants)
                if (variant_of_row_[rows[a]] != variant_of_row_[rows[b]]) {
                    std::copy(moved_a_.begin(), moved_a_.end(), state_.fields().row(rows[a]).begin());
                    std::copy(moved_b_.begin(), moved_b_.end(), state_.fields().row(rows[b]).begin());
                }
            std::swap(beta_of_row_[rows[a]], beta_of_row_[rows[b]]);
            std::swap(variant_of_row_[rows[a]], variant_of_row_[rows[b]]);
            std::swap(rows[a], rows[b]);
        }
    }

    [[nodiscard]] double log_ratio_of(std::size_t row_a, std::size_t row_b) {
        double const beta_a = beta_of_row_[row_a], beta_b = beta_of_row_[row_b];
        if constexpr (has_variants)
            if (auto const a = variant_of_row_[row_a], b = variant_of_row_[row_b]; a != b) {
                moved_a_.resize(model_->size());
                moved_b_.resize(model_->size());
                return exchange_.log_ratio_between(as_seen(), state_, row_a, row_b, beta_a, a, b,
                                                   std::span(moved_a_), std::span(moved_b_));
            }
        return exchange_.log_ratio(*model_, state_, row_a, row_b, beta_a, beta_b);
    }

    void move_pairs(std::uint32_t sweep) {
        std::vector<real> a(model_->size()), b(model_->size());
        for (std::size_t l = 0; l + 1 < ladders_; l += 2) {
            stream const draws(seed_, sweep, static_cast<std::uint32_t>(first_ladder_ + l),
                               purpose::pair_move);
            for (std::size_t k = 0; k < rungs_; ++k) {
                if (graph_.rungs[k].variant != 0 || graph_.rungs[k].temperature > pairs_.highest()) continue;
                std::size_t const of_a = row_at(l, k), of_b = row_at(l + 1, k);
                state_.copy_row(of_a, std::span(a));
                state_.copy_row(of_b, std::span(b));
                double const change =
                    pairs_(*model_, std::span(a), std::span(b), draws.bits(static_cast<std::uint32_t>(k)));
                state_.set_row(of_a, std::span<real const>(a));
                state_.set_row(of_b, std::span<real const>(b));
                state_.energies()[of_a] += change;
                state_.energies()[of_b] -= change;
            }
        }
        if constexpr (!SpinsOnlyState<typename K::template state<M>>) kernel_.prepare(as_seen(), state_);
    }

    M const* model_;
    K kernel_;
    Exchange exchange_;
    Pairs pairs_;
    std::uint64_t seed_;
    typename K::template state<M> state_;
    std::vector<real> moved_a_, moved_b_;  ///< fields of two rows in each other's variant
};

}  // namespace spinet
