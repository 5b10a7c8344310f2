// SPDX-License-Identifier: BSD-3-Clause
/// The replicas of a run whose temperature falls step by step: populations of rows, all at one temperature.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/ensemble/concepts.hpp>
#include <spinet/ensemble/ladder.hpp>
#include <spinet/ensemble/tile_size.hpp>
#include <spinet/error.hpp>
#include <spinet/random/streams.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

namespace spinet {

/// One step of a schedule: an inverse temperature, and the rung of the ladder that it is, if any.
struct schedule_step {
    double beta;
    std::optional<std::size_t> rung;
};

/// `replicas` populations of `members` rows each, from infinite temperature (independent random spins) down a
/// schedule of temperatures; each step is followed by sweeps of all rows. With a `resampling_step`, a step
/// from beta to beta' copies each row of a population as often as its weight exp(-(beta' - beta) E), over the
/// mean weight of the population, asks for: a systematic sample, so that the number of rows stays as it is.
/// The product of the mean weights is Z(beta') / 2^N.
///
/// Replica r has rows r * members, ..., (r + 1) * members - 1 of the run. Cohort m is member m of every
/// population: the rows of a cohort have no ancestor in common.
template <Model M, class K>
class population_ensemble {
public:
    using real = typename M::spin_type;
    static constexpr bool packs = PackedState<typename K::template state<M>>;
    static_assert(Kernel<K, M>, "spinet: this is no Kernel for this model; see docs/concepts.md");

    population_ensemble(M const& model, K const& kernel, ladder const& temperatures, std::size_t replicas,
                        std::size_t members, std::optional<double> resampling_step, std::uint64_t seed)
        : model_(&model),
          kernel_(kernel),
          temperatures_(temperatures),
          replicas_(replicas),
          members_(members),
          resampling_step_(resampling_step),
          seed_(seed),
          family_(resampling_step ? replicas * members : 0),
          log_partition_(replicas, static_cast<double>(model.size()) * std::numbers::ln2) {
        // Rows are copied within a population by several workers at once: no tile holds rows of two.
        std::size_t const groups = resampling_step ? replicas : 1, of_group = replicas * members / groups;
        std::size_t const parts = (of_group + detail::rows_per_tile<K> - 1) / detail::rows_per_tile<K>;
        for (std::size_t g = 0, first = 0; g < groups; ++g)
            for (std::size_t part = 0; part < parts; ++part) {
                std::size_t const rows = of_group / parts + (part < of_group % parts ? 1 : 0);
                for (std::size_t r = 0; r < rows; ++r)
                    places_.push_back(
                        {static_cast<std::uint32_t>(tiles_.size()), static_cast<std::uint32_t>(r)});
                tiles_.push_back({kernel.make_state(model, rows), first});
                first += rows;
            }
        std::vector<double> const unknown(temperatures.size() * replicas,
                                          std::numeric_limits<double>::quiet_NaN());
        record_ = {members, 0, replicas, unknown, unknown};
        for (std::size_t k = temperatures.size(); k-- > 0;) schedule_.push_back({1.0 / temperatures[k], k});
    }

    [[nodiscard]] std::size_t steps() const noexcept { return schedule_.size(); }
    [[nodiscard]] schedule_step const& step(std::size_t s) const noexcept { return schedule_[s]; }
    /// One cohort for each member, at the rungs of the ladder; none at the steps between them.
    [[nodiscard]] std::size_t cohorts(std::size_t s) const noexcept { return step(s).rung ? members_ : 0; }
    [[nodiscard]] std::size_t rung_of(std::size_t s, std::size_t) const noexcept { return *step(s).rung; }

    /// An annealing has rows, not populations: nothing is reported of them without resampling.
    [[nodiscard]] ensemble_report report() const {
        ensemble_report all{members_, {}, {}, {}};
        if (resampling_step_) all.populations = record_;
        return all;
    }

    /// Random spins, whatever the states are that a ladder would start from; and the schedule, from a pilot.
    template <class Team, class StateOf>
    void start(Team& team, StateOf&&) {
        team.run(tiles_.size(), [&](std::size_t t) { randomise(tiles_[t], seed_); });
        std::iota(family_.begin(), family_.end(), std::uint32_t{0});
        if (resampling_step_) schedule_ = pilot_schedule(team);
        record_.steps = schedule_.size();
    }

    /// Goes on to step s of the schedule, from the one before it or from infinite temperature.
    template <class Team>
    void begin_step(Team& team, std::size_t s) {
        double const from = s == 0 ? 0.0 : schedule_[s - 1].beta, to = schedule_[s].beta;
        if (!resampling_step_) return;
        team.run(replicas_, [&](std::size_t p) { resample(p, s, to - from); });
        team.run(tiles_.size(), [&](std::size_t t) { kernel_.prepare(*model_, tiles_[t].state); });
        if (schedule_[s].rung)
            for (std::size_t p = 0; p < replicas_; ++p) {
                record_.log_partition[*schedule_[s].rung * replicas_ + p] = log_partition_[p];
                record_.family_size[*schedule_[s].rung * replicas_ + p] = family_size(p);
            }
    }

    /// Sweeps first, first + 1, ... of the run, at the temperature of step s.
    template <class Team>
    void advance(Team& team, std::size_t s, std::uint32_t first, std::uint32_t count) {
        team.run(tiles_.size(), [&](std::size_t t) {
            std::vector<double> const betas(tiles_[t].state.rows(), schedule_[s].beta);
            for (std::uint32_t k = 0; k < count; ++k)
                kernel_.sweep(
                    *model_, tiles_[t].state, betas,
                    {seed_, first + k, static_cast<std::uint32_t>(tiles_[t].first_row), purpose::spins});
        });
    }

    static void end_warmup() noexcept {}

    template <class Team>
    void pack(Team& team, std::span<site_word const> words) requires packs {
        if (bits_.empty())
            for (auto const& part : tiles_) bits_.emplace_back(part.state.rows() * words.size());
        words_ = words.size();
        team.run(tiles_.size(), [&](std::size_t t) { tiles_[t].state.pack_rows(words, bits_[t].data()); });
    }

    /// The energies of cohort m, one to a population.
    void gather_energies(std::size_t m, std::span<double> energies) const {
        for (std::size_t p = 0; p < replicas_; ++p) energies[p] = energy_of(p * members_ + m);
    }

    /// Copies its spins (replicas x sites).
    void gather_spins(std::size_t m, std::span<real> spins) const {
        for (std::size_t p = 0; p < replicas_; ++p) {
            auto const at = places_[p * members_ + m];
            tiles_[at.tile].state.copy_row(at.row, spins.subspan(p * model_->size(), model_->size()));
        }
    }

    /// Where its spins stood when they were packed.
    void gather_bits(std::size_t m, std::span<std::uint64_t const*> rows) const {
        for (std::size_t p = 0; p < replicas_; ++p) {
            auto const at = places_[p * members_ + m];
            rows[p] = bits_[at.tile].data() + at.row * words_;
        }
    }

    void save(archive_writer& out) const {
        for (auto const& part : tiles_) part.state.save(out);
        out.put(family_);
        out.put(log_partition_);
        out.put(record_.log_partition);
        out.put(record_.family_size);
        std::vector<double> betas;
        for (auto const& each : schedule_) betas.push_back(each.beta);
        out.put(betas);
    }

    void load(archive_reader& in) {
        for (auto& part : tiles_) part.state.load(in);
        family_ = in.get_exactly<std::uint32_t>(family_.size());
        for (std::size_t row = 0; row < family_.size(); ++row)
            if (family_[row] / members_ != row / members_)
                throw error("damaged: a family without an ancestor in its population");
        log_partition_ = in.get_exactly<double>(replicas_);
        for (auto const& part : tiles_)
            for (double const e : part.state.energies())
                if (!std::isfinite(e)) throw error("damaged: an energy that is not finite");
        record_.log_partition = in.get_exactly<double>(record_.log_partition.size());
        record_.family_size = in.get_exactly<double>(record_.family_size.size());
        load_schedule(in.get<double>());
        record_.steps = schedule_.size();
    }

private:
    struct tile_of_rows {
        typename K::template state<M> state;
        std::size_t first_row;  ///< of the run
    };
    struct place {
        std::uint32_t tile, row;
    };

    [[nodiscard]] double energy_of(std::size_t row) const noexcept {
        return tiles_[places_[row].tile].state.energies()[places_[row].row];
    }

    void randomise(tile_of_rows& part, std::uint64_t seed) const {
        std::vector<real> spins(model_->size());
        for (std::size_t r = 0; r < part.state.rows(); ++r) {
            stream(seed, start_draw::run, static_cast<std::uint32_t>(part.first_row + r))
                .fill_signs(std::span(spins));
            part.state.set_row(r, std::span<real const>(spins));
        }
        kernel_.prepare(*model_, part.state);
    }

    /// Steps in which the energies' standard deviation times that of beta stays below the one asked for, all
    /// rungs among them. Its deviations are those of a few rows that are annealed along: they only choose the
    /// steps, so they do not bias the populations.
    template <class Team>
    [[nodiscard]] std::vector<schedule_step> pilot_schedule(Team& team) const {
        constexpr std::size_t tiles = 2, rows = 128;
        constexpr std::uint32_t sweeps = 8;
        std::uint64_t const seed = child_seed(seed_, purpose::pilot, 0);
        std::vector<tile_of_rows> pilots;
        for (std::size_t t = 0; t < tiles; ++t)
            pilots.push_back({kernel_.make_state(*model_, rows), t * rows});
        team.run(tiles, [&](std::size_t t) { randomise(pilots[t], seed); });
        std::vector<schedule_step> steps;
        double beta = 0;
        for (std::size_t k = temperatures_.size(); k-- > 0;) {
            double const rung = 1.0 / temperatures_[k];
            do {
                double const needed =
                    std::ceil((rung - beta) * deviation_of_energies(pilots) / *resampling_step_);
                if (!(needed + static_cast<double>(steps.size()) <= most_steps))
                    throw error("population_annealing: more than ", most_steps,
                                " steps are needed down to T = ", temperatures_[k], "; take a larger `step`");
                beta = needed <= 1 ? rung : beta + (rung - beta) / needed;
                steps.push_back({beta, std::nullopt});
                team.run(tiles, [&](std::size_t t) {
                    std::vector<double> const betas(rows, beta);
                    for (std::uint32_t s = 0; s < sweeps; ++s)
                        kernel_.sweep(*model_, pilots[t].state, betas,
                                      {seed, static_cast<std::uint32_t>(steps.size()) * sweeps + s,
                                       static_cast<std::uint32_t>(pilots[t].first_row), purpose::spins});
                });
            } while (beta < rung);
            steps.back().rung = k;
        }
        return steps;
    }

    [[nodiscard]] static double deviation_of_energies(std::vector<tile_of_rows> const& of) {
        double n = 0, sum = 0, squares = 0;
        double const about = of[0].state.energies()[0];
        for (auto const& part : of)
            for (double const e : part.state.energies()) {
                ++n;
                sum += e - about;
                squares += (e - about) * (e - about);
            }
        return std::sqrt(std::max(0.0, squares / n - (sum / n) * (sum / n)));
    }

    /// Row i is wanted n_i times, the sum of all n_i being the size of the population: each n_i is members *
    /// its share of the weight, rounded up or down by one uniform number for all, right on average. Rows that
    /// are not wanted make room for copies of others.
    void resample(std::size_t population, std::size_t step, double beta_change) {
        std::size_t const first = population * members_;
        double best = -std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < members_; ++i) best = std::max(best, -beta_change * energy_of(first + i));
        std::vector<double> cumulated(members_);
        double total = 0;
        for (std::size_t i = 0; i < members_; ++i)
            cumulated[i] = total += std::exp(-beta_change * energy_of(first + i) - best);
        log_partition_[population] += best + std::log(total / static_cast<double>(members_));

        double const shift =
            uniform<double>(stream(seed_, static_cast<std::uint32_t>(step),
                                   static_cast<std::uint32_t>(population), purpose::resampling)
                                .bits(0));
        std::vector<std::size_t> unwanted, copied;
        std::size_t before = 0;
        for (std::size_t i = 0; i < members_; ++i) {
            auto const up_to =
                i + 1 == members_
                    ? members_
                    : std::min(members_, static_cast<std::size_t>(
                                             cumulated[i] / total * static_cast<double>(members_) + shift));
            if (up_to == before) unwanted.push_back(first + i);
            for (std::size_t n = before + 1; n < up_to; ++n) copied.push_back(first + i);
            before = up_to;
        }
        std::vector<real> spins(model_->size());
        for (std::size_t c = 0; c < copied.size(); ++c) {
            auto const from = places_[copied[c]], to = places_[unwanted[c]];
            if (c == 0 || copied[c] != copied[c - 1])
                tiles_[from.tile].state.copy_row(from.row, std::span(spins));
            tiles_[to.tile].state.set_row(to.row, std::span<real const>(spins));
            family_[unwanted[c]] = family_[copied[c]];
        }
    }

    [[nodiscard]] double family_size(std::size_t population) const {
        std::vector<std::uint64_t> size(members_, 0);
        for (std::size_t i = 0; i < members_; ++i)
            ++size[family_[population * members_ + i] - population * members_];
        double squares = 0;
        for (auto const n : size) squares += static_cast<double>(n) * static_cast<double>(n);
        return squares / static_cast<double>(members_);
    }

    void load_schedule(std::vector<double> const& betas) {
        std::vector<schedule_step> steps;
        std::size_t left = temperatures_.size();
        for (double const beta : betas) {
            bool const falls = beta > (steps.empty() ? 0.0 : steps.back().beta);
            if (!falls || left == 0) throw error("damaged: its schedule does not lead down the ladder");
            steps.push_back({beta, std::nullopt});
            if (beta == 1.0 / temperatures_[left - 1]) steps.back().rung = --left;
        }
        if (left != 0) throw error("damaged: its schedule does not lead down the ladder");
        schedule_ = std::move(steps);
    }

    static constexpr std::size_t most_steps = 100'000;

    M const* model_;
    K kernel_;
    ladder temperatures_;
    std::size_t replicas_;
    std::size_t members_;
    std::optional<double> resampling_step_;
    std::uint64_t seed_;
    std::vector<tile_of_rows> tiles_;
    std::vector<place> places_;          ///< of each row of the run
    std::vector<std::uint32_t> family_;  ///< of each row, the row that it descends from
    std::vector<double> log_partition_;  ///< of each population, at its temperature now
    std::vector<schedule_step> schedule_;
    population_record record_;
    std::size_t words_ = 0;
    std::vector<std::vector<std::uint64_t>> bits_;  ///< of each tile, as last packed
};

}  // namespace spinet
