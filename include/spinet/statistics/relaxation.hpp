// SPDX-License-Identifier: BSD-3-Clause
/// Relaxation: decay of correlations in time under a kernel alone, in equilibrium and after a quench.
#pragma once

#include <spinet/detail/packed_spins.hpp>
#include <spinet/ensemble/ladder.hpp>
#include <spinet/ensemble/tile.hpp>
#include <spinet/ensemble/tile_size.hpp>
#include <spinet/error.hpp>
#include <spinet/execution/blas_threads.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/kernel/scan.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/observable/cohort.hpp>
#include <spinet/observable/moments.hpp>
#include <spinet/observable/stored_spins.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/run/progress.hpp>
#include <spinet/run/run.hpp>
#include <spinet/statistics/decay.hpp>
#include <spinet/statistics/equilibration.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace spinet {

/// Where a relaxation starts: spins of the same replicas at each of some temperatures.
struct replica_states {
    ladder temperatures;
    std::vector<stored_spins> spins;     ///< one per temperature, a row to a replica
    std::vector<bool> equilibrated;      ///< one per temperature
    std::size_t replicas_per_block = 1;  ///< so many replicas, next to each other, are one independent unit
};

/// What a run left at its temperatures, or at those numbered in `which` (increasing), with the verdict on
/// each. The plan of the run must have said `keep_spins`. Throws spinet::error where it did not, where the
/// run was stopped before its first sweep, and for a temperature that does not exist.
template <class... Os>
[[nodiscard]] replica_states states_of(run<Os...> const& of, std::vector<std::size_t> which = {}) {
    if (of.spins.size() != of.temperatures.size())
        throw error(
            "states_of: the run kept no spins; its plan needs .keep_spins = true, and at least a sweep");
    if (which.empty())
        for (std::size_t k = 0; k < of.temperatures.size(); ++k) which.push_back(k);
    auto const verdicts = equilibration(of);
    std::vector<double> temperatures;
    std::vector<stored_spins> spins;
    std::vector<bool> equilibrated;
    for (std::size_t const k : which) {
        if (k >= of.temperatures.size())
            throw error("states_of: expected temperatures numbered below ", of.temperatures.size(),
                        ", found ", k);
        temperatures.push_back(of.temperatures[k]);
        spins.push_back(of.spins[k]);
        equilibrated.push_back(verdicts[k].equilibrated);
    }
    return {ladder(std::move(temperatures)), std::move(spins), std::move(equilibrated),
            of.replicas_per_block};
}

/// Differences of time are on a logarithmic grid, from 1 to `longest`.
struct relaxation_plan {
    std::uint64_t longest = 10'000;  ///< largest difference of time, in sweeps
    std::size_t per_decade = 10;     ///< differences to a factor of ten
    std::size_t starts = 8;          ///< times t0 over which C(t) = <s(t0) . s(t0 + t)> / N is averaged
    std::uint64_t spacing = 0;       ///< sweeps from one t0 to the next; 0 for longest / starts
    std::uint64_t seed = 1;
};

struct ageing_plan {
    std::size_t replicas = 16;                              ///< at least 2
    std::vector<std::uint64_t> waiting = {10, 100, 1'000};  ///< t_w, in sweeps since the start; increasing
    std::uint64_t longest = 10'000;                         ///< largest t of C(t_w, t_w + t)
    std::size_t per_decade = 10;
    std::uint64_t seed = 1;
};

/// C at one temperature. `parts` is the whole, then each group where the model has several.
struct relaxation_curve {
    double temperature = 0;
    std::uint64_t waiting = 0;  ///< t_w in sweeps, of an ageing; 0 in equilibrium
    bool equilibrated = false;  ///< the starts were called so; false for an ageing
    std::vector<decay> parts;   ///< times in sweeps; none where the run was stopped before the first of them
};

/// Sweeps 1 to `longest`, about `per_decade` to a factor of ten, ends included.
[[nodiscard]] inline std::vector<std::uint64_t> logarithmic_times(std::uint64_t longest,
                                                                  std::size_t per_decade) {
    if (longest == 0) throw error("logarithmic_times: expected a longest time of at least 1, found 0");
    if (per_decade == 0 || per_decade > 1000)
        throw error("logarithmic_times: expected 1 to 1000 times a decade, found ", per_decade);
    double const decades = std::log10(static_cast<double>(longest));
    auto const steps = static_cast<std::uint64_t>(std::ceil(decades * static_cast<double>(per_decade)));
    std::vector<std::uint64_t> times{1};
    for (std::uint64_t k = 1; k < steps; ++k) {
        auto const time = static_cast<std::uint64_t>(
            std::llround(std::pow(10.0, decades * static_cast<double>(k) / static_cast<double>(steps))));
        if (time > times.back() && time < longest) times.push_back(time);
    }
    if (longest > 1) times.push_back(longest);
    return times;
}

namespace detail {

/// References at `references`, each compared with what becomes of it after every one of `lags`; those with
/// the same `curve` are averaged.
struct relaxation_schedule {
    std::vector<std::uint64_t> references{};  ///< increasing
    std::vector<std::size_t> curve{};
    std::size_t curves = 1;
    std::vector<std::uint64_t> lags{};
    std::uint64_t seed = 0;

    [[nodiscard]] std::uint64_t sweeps() const noexcept { return references.back() + lags.back(); }

    /// References that are needed at the same time.
    [[nodiscard]] std::size_t alive() const noexcept {
        std::size_t most = 0;
        for (std::size_t first = 0, r = 0; r < references.size(); ++r) {
            while (references[first] + lags.back() < references[r]) ++first;
            most = std::max(most, r - first + 1);
        }
        return most;
    }

    /// The first time after `now` at which there is something to measure or to store.
    [[nodiscard]] std::uint64_t next(std::uint64_t now) const noexcept {
        std::uint64_t soonest = sweeps();
        for (std::uint64_t const from : references) {
            if (from > now) {
                soonest = std::min(soonest, from);
                break;
            }
            auto const lag = std::upper_bound(lags.begin(), lags.end(), now - from);
            if (lag != lags.end()) soonest = std::min(soonest, from + *lag);
        }
        return soonest;
    }

    void check(std::size_t rows, std::size_t sites) const {
        constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
        if (references.back() > most || lags.back() > most || sweeps() > most)
            throw error("relaxation: more than 2^32 - 1 sweeps");
        if (rows > most) throw error("relaxation: more than 2^32 - 1 rows (replicas x temperatures)");
        if (sites > (std::size_t{1} << 40) / rows / (1 + alive()))
            throw error("relaxation: ", rows, " rows of ", sites, " spins, kept at ", alive(),
                        " times, are more than 2^40 spins");
    }
};

/// Replicas under a kernel, compared with their own past. Every tile keeps the references of its rows, as
/// bits, and sums of its rows alone, so results do not depend on the executor.
template <Model M, class K>
class relaxing {
public:
    using real = typename M::spin_type;

    relaxing(M const& model, K const& kernel, ladder const& temperatures, std::size_t replicas,
             relaxation_schedule schedule)
        : schedule_(std::move(schedule)),
          groups_(groups_of(model)),
          words_(words_of_row(groups_)),
          rungs_(temperatures.size()),
          replicas_(replicas),
          slots_(schedule_.alive()),
          counts_(schedule_.curves * schedule_.lags.size(), 0) {
        std::size_t first = 0;
        for (std::size_t const ladders : tile_sizes()) {
            std::size_t const rows = ladders * rungs_;
            tiles_.push_back({tile<M, K, no_exchange>(model, kernel, no_exchange{}, temperatures, first,
                                                      ladders, seed_of(first)),
                              std::vector<std::uint64_t>(rows * words_.size()),
                              std::vector<std::uint64_t>(slots_ * rows * words_.size()),
                              std::vector<double>(rows * width(), 0.0)});
            first += ladders;
        }
    }

    /// `spins(replica, rung, out)` writes where a replica starts.
    template <class Team, class Spins>
    void start(Team& team, Spins&& spins) {
        team.run(tiles_.size(), [&](std::size_t t) {
            std::vector<real> row(words_.back().first + words_.back().count);
            tiles_[t].moved.start([&](std::size_t r) {
                spins(tiles_[t].moved.first_ladder() + r / rungs_, r % rungs_, std::span<real>(row));
                return std::span<real const>(row);
            });
            look(tiles_[t], 0);
        });
    }

    /// All sweeps, in slices; `go_on(sweeps done)` is asked after each. Whether it came to the end.
    template <class Team, class GoOn>
    bool advance(Team& team, GoOn&& go_on) {
        constexpr std::uint64_t longest_slice = 64;
        std::uint64_t const end = schedule_.sweeps();
        while (done_ < end) {
            std::uint64_t const stop_at = std::min(end, done_ + longest_slice);
            team.run(tiles_.size(), [&](std::size_t t) {
                std::uint64_t event = schedule_.next(done_);
                for (std::uint64_t s = done_; s < stop_at; ++s) {
                    tiles_[t].moved.advance(static_cast<std::uint32_t>(s));
                    if (s + 1 != event) continue;
                    look(tiles_[t], event);
                    event = schedule_.next(event);
                }
            });
            for (std::uint64_t event = schedule_.next(done_); event <= stop_at;
                 event = schedule_.next(event)) {
                count(event);
                if (event == end) break;
            }
            done_ = stop_at;
            if (!go_on(done_)) return done_ == end;
        }
        return true;
    }

    /// The curves at rung k of all units of `replicas_per_block` replicas.
    [[nodiscard]] std::vector<decay> curves(std::size_t rung, std::size_t curve,
                                            std::size_t replicas_per_block) const {
        std::size_t const lags = schedule_.lags.size(), parts = moments::parts(groups_);
        std::vector<double> times;
        std::vector<std::size_t> measured;
        for (std::size_t i = 0; i < lags; ++i)
            if (counts_[curve * lags + i] > 0) {
                measured.push_back(i);
                times.push_back(static_cast<double>(schedule_.lags[i]));
            }
        std::vector<decay> all;
        std::size_t const units = replicas_ / replicas_per_block;
        for (std::size_t part = 0; part < parts && !times.empty(); ++part) {
            row_major_array<double, 2> values({units, times.size()}, 0.0);
            for_each_row(rung, [&](std::size_t replica, double const* sums) {
                for (std::size_t i = 0; i < measured.size(); ++i)
                    values(replica / replicas_per_block, i) +=
                        sums[(curve * parts + part) * lags + measured[i]] /
                        static_cast<double>(counts_[curve * lags + measured[i]] * replicas_per_block);
            });
            all.emplace_back(times, std::move(values));
        }
        return all;
    }

private:
    struct tile_of_rows {
        tile<M, K, no_exchange> moved;
        std::vector<std::uint64_t> bits;        ///< rows x words, as now packed
        std::vector<std::uint64_t> references;  ///< slots x rows x words
        std::vector<double> sums;               ///< rows x curves x parts x lags
    };

    /// A random scan visits the sites of all rows of a seed in one order. What replicas then have in common
    /// would be in no error, so that each gets a seed, and with it a tile, of its own. So do those of a
    /// kernel that does not tell its scan.
    static constexpr bool one_order = !requires { typename K::scan; }
    || requires { requires std::same_as<typename K::scan, random_scan>; };
    [[nodiscard]] std::vector<std::size_t> tile_sizes() const {
        if constexpr (one_order) return std::vector<std::size_t>(replicas_, 1);
        return ladders_per_tile(replicas_, rungs_, detail::rows_per_tile<K>);
    }
    [[nodiscard]] std::uint64_t seed_of(std::size_t replica) const noexcept {
        return one_order
                   ? child_seed(schedule_.seed, purpose::relaxation, static_cast<std::uint32_t>(replica))
                   : schedule_.seed;
    }

    [[nodiscard]] std::size_t width() const noexcept {
        return schedule_.curves * moments::parts(groups_) * schedule_.lags.size();
    }

    void pack(tile_of_rows& part) const {
        auto const& state = part.moved.state();
        if constexpr (PackedState<typename K::template state<M>>) {
            state.pack_rows(words_, part.bits.data());
        } else {
            std::vector<real> spins(words_.back().first + words_.back().count);
            for (std::size_t r = 0; r < part.moved.ladders() * rungs_; ++r) {
                state.copy_row(r, std::span(spins));
                for (std::size_t w = 0; w < words_.size(); ++w)
                    part.bits[r * words_.size() + w] =
                        packed(spins.data() + words_[w].first, words_[w].count);
            }
        }
    }

    /// visit(reference, lag) for what is to be compared at time `now`.
    template <class Visit>
    void for_each_comparison(std::uint64_t now, Visit&& visit) const {
        for (std::size_t r = 0; r < schedule_.references.size() && schedule_.references[r] < now; ++r) {
            auto const lag =
                std::lower_bound(schedule_.lags.begin(), schedule_.lags.end(), now - schedule_.references[r]);
            if (lag != schedule_.lags.end() && *lag == now - schedule_.references[r])
                visit(r, static_cast<std::size_t>(lag - schedule_.lags.begin()));
        }
    }

    /// Compares with earlier references, then keeps a new one if its time has come.
    void look(tile_of_rows& part, std::uint64_t now) const {
        pack(part);
        std::size_t const rows = part.moved.ladders() * rungs_;
        for_each_comparison(now, [&](std::size_t reference, std::size_t lag) {
            std::uint64_t const* const before =
                part.references.data() + reference % slots_ * rows * words_.size();
            for (std::size_t r = 0; r < rows; ++r)
                compare(part.bits.data() + r * words_.size(), before + r * words_.size(),
                        part.sums.data() + r * width() +
                            schedule_.curve[reference] * moments::parts(groups_) * schedule_.lags.size() +
                            lag);
        });
        auto const kept = std::lower_bound(schedule_.references.begin(), schedule_.references.end(), now);
        if (kept == schedule_.references.end() || *kept != now) return;
        auto const slot = static_cast<std::size_t>(kept - schedule_.references.begin()) % slots_;
        std::copy(part.bits.begin(), part.bits.end(),
                  part.references.begin() + static_cast<std::ptrdiff_t>(slot * part.bits.size()));
    }

    /// Adds the overlaps of two rows, whole and by group, to sums that lie a number of lags apart.
    void compare(std::uint64_t const* a, std::uint64_t const* b, double* sums) const noexcept {
        std::size_t const lags = schedule_.lags.size();
        double differing = 0, sites = 0;
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            std::size_t const words = words_of(groups_[g]);
            auto const here = static_cast<double>(differences(a, b, words)),
                       size = static_cast<double>(groups_[g].size);
            if (groups_.size() > 1) sums[(1 + g) * lags] += (size - 2 * here) / size;
            differing += here;
            sites += size;
            a += words;
            b += words;
        }
        sums[0] += (sites - 2 * differing) / sites;
    }

    void count(std::uint64_t now) {
        for_each_comparison(now, [&](std::size_t reference, std::size_t lag) {
            ++counts_[schedule_.curve[reference] * schedule_.lags.size() + lag];
        });
    }

    template <class Visit>
    void for_each_row(std::size_t rung, Visit&& visit) const {
        for (auto const& part : tiles_)
            for (std::size_t l = 0; l < part.moved.ladders(); ++l)
                visit(part.moved.first_ladder() + l, part.sums.data() + (l * rungs_ + rung) * width());
    }

    relaxation_schedule schedule_;
    std::vector<spin_group> groups_;
    std::vector<site_word> words_;
    std::size_t rungs_;
    std::size_t replicas_;
    std::size_t slots_;
    std::vector<std::uint64_t> counts_;  ///< comparisons made, of each curve and lag
    std::vector<tile_of_rows> tiles_;
    std::uint64_t done_ = 0;
};

/// What relaxation and ageing have in common.
template <class M, class K, class Exec, class Spins, class... Watchers>
[[nodiscard]] relaxing<M, K> relaxed(M const& model, K const& kernel, ladder const& temperatures,
                                     std::size_t replicas, relaxation_schedule const& schedule,
                                     Exec const& executor, Spins&& spins, Watchers&... watchers) {
    static_assert(space_of<M> == spin_space::ising, "spinet: relaxations are of spins +-1");
    if (!std::isfinite(static_cast<typename M::spin_type>(2 / temperatures.lowest())))
        throw error("relaxation: 2 / T overflows the model's floating-point type at the lowest temperature");
    schedule.check(replicas * temperatures.size(), model.size());
    single_threaded_blas const one_blas_thread;
    auto team = executor.team();
    relaxing<M, K> rows(model, kernel, temperatures, replicas, schedule);
    rows.start(team, spins);
    std::uint64_t const end = schedule.sweeps();
    bool stopped = false;
    rows.advance(team, [&](std::uint64_t done) {
        stopped = !tell_all(progress{run_phase::measuring, done, end, done == end, {}}, watchers...);
        if (stopped && done < end)
            (void)tell_all(progress{run_phase::measuring, done, end, true, {}}, watchers...);
        return !stopped;
    });
    return rows;
}

}  // namespace detail

/// C(t) = <s(t0) . s(t0 + t)> / N of a kernel at each temperature of `from`, without exchanges, averaged over
/// start times t0: the whole, and each group. In equilibrium if `from` is (states_of(run) of a run that
/// equilibrated), and then a property of kernel, model and temperature; where it is not, the curves say so.
/// Errors are made over replicas (`decay::estimates`), times from the curves by integrated_decay_time and
/// fit_decay.
///
/// Memory: rows x N / 8 bytes for each of the start times that are within `longest` of each other, 8 or 9
/// unless the plan says otherwise. `watchers` are those of `sample`; a relaxation that one of them stops
/// returns the curves up to the times it came to. Deterministic for a given seed, on any executor; it shares
/// no random number with a run of the same seed. Throws spinet::error for states of another model, fewer than
/// 2 independent replicas, a plan without starts, and more than 2^32 - 1 sweeps.
template <class M, class K, class Exec = serial, class... Watchers>
[[nodiscard]] std::vector<relaxation_curve> relaxation(M const& model, K const& kernel,
                                                       replica_states const& from,
                                                       relaxation_plan const& plan = {},
                                                       Exec const& executor = {}, Watchers&&... watchers) {
    static_assert(detail::kernel_fits<K, M>() && detail::executor_fits<Exec>() &&
                  detail::watchers_fit<Watchers...>());
    std::size_t const rungs = from.temperatures.size();
    if (from.spins.size() != rungs || from.equilibrated.size() != rungs)
        throw error("relaxation: expected states and verdicts of ", rungs, " temperatures, found ",
                    from.spins.size(), " and ", from.equilibrated.size());
    std::size_t const replicas = from.spins[0].rows(), sites = model.size();
    for (auto const& each : from.spins)
        if (each.sites() != sites || each.rows() != replicas)
            throw error("relaxation: expected ", replicas, " replicas of ", sites, " spins, found ",
                        each.rows(), " of ", each.sites());
    if (from.replicas_per_block == 0 || replicas % from.replicas_per_block != 0 ||
        replicas / from.replicas_per_block < 2)
        throw error("relaxation: expected at least 2 independent units, found ", replicas,
                    " replicas in blocks of ", from.replicas_per_block);
    if (plan.starts == 0) throw error("relaxation: expected at least 1 start time, found 0");
    auto const spacing =
        plan.spacing > 0 ? plan.spacing : std::max<std::uint64_t>(1, plan.longest / plan.starts);
    if (spacing > 0xffffffff || plan.starts > 0xffffffff / spacing)
        throw error("relaxation: more than 2^32 - 1 sweeps");
    detail::relaxation_schedule schedule{.curve = std::vector<std::size_t>(plan.starts, 0),
                                         .lags = logarithmic_times(plan.longest, plan.per_decade),
                                         .seed = child_seed(plan.seed, purpose::relaxation, 0)};
    for (std::size_t s = 0; s < plan.starts; ++s) schedule.references.push_back(s * spacing);
    auto const rows = detail::relaxed(
        model, kernel, from.temperatures, replicas, schedule, executor,
        [&](std::size_t replica, std::size_t rung, auto out) { from.spins[rung].copy_row(replica, out); },
        watchers...);
    std::vector<relaxation_curve> curves;
    for (std::size_t k = 0; k < rungs; ++k)
        curves.push_back(
            {from.temperatures[k], 0, from.equilibrated[k], rows.curves(k, 0, from.replicas_per_block)});
    return curves;
}

/// C(t_w, t_w + t) after a quench: replicas start from independent random spins, are swept at each
/// temperature for each of the waiting times, and are compared from then on with what they were. One curve
/// per temperature and waiting time, temperatures first. In equilibrium curves do not depend on t_w; where
/// they do, the system ages. Memory as above, with the waiting times for start times. Throws spinet::error
/// for waiting times that do not increase, fewer than 2 replicas, and more than 2^32 - 1 sweeps.
template <class M, class K, class Exec = serial, class... Watchers>
[[nodiscard]] std::vector<relaxation_curve> ageing(M const& model, K const& kernel,
                                                   ladder const& temperatures, ageing_plan const& plan = {},
                                                   Exec const& executor = {}, Watchers&&... watchers) {
    static_assert(detail::kernel_fits<K, M>() && detail::executor_fits<Exec>() &&
                  detail::watchers_fit<Watchers...>());
    if (plan.replicas < 2) throw error("ageing: expected at least 2 replicas, found ", plan.replicas);
    if (plan.waiting.empty()) throw error("ageing: no waiting times");
    for (std::size_t w = 1; w < plan.waiting.size(); ++w)
        if (plan.waiting[w] <= plan.waiting[w - 1])
            throw error("ageing: waiting time ", w, " (", plan.waiting[w],
                        ") is not above the one before it (", plan.waiting[w - 1], ")");
    detail::relaxation_schedule schedule{.references = plan.waiting,
                                         .curves = plan.waiting.size(),
                                         .lags = logarithmic_times(plan.longest, plan.per_decade),
                                         .seed = child_seed(plan.seed, purpose::relaxation, 1)};
    for (std::size_t w = 0; w < plan.waiting.size(); ++w) schedule.curve.push_back(w);
    std::size_t const rungs = temperatures.size();
    auto const rows = detail::relaxed(
        model, kernel, temperatures, plan.replicas, schedule, executor,
        [&](std::size_t replica, std::size_t rung, auto out) {
            stream(schedule.seed, start_draw::run, static_cast<std::uint32_t>(replica * rungs + rung))
                .fill_signs(out);
        },
        watchers...);
    std::vector<relaxation_curve> curves;
    for (std::size_t k = 0; k < rungs; ++k)
        for (std::size_t w = 0; w < plan.waiting.size(); ++w)
            curves.push_back({temperatures[k], plan.waiting[w], false, rows.curves(k, w, 1)});
    return curves;
}

}  // namespace spinet
