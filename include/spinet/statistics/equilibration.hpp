// SPDX-License-Identifier: BSD-3-Clause
/// The verdict on each temperature: may its numbers be taken for equilibrium averages?
#pragma once

#include <spinet/observable/energy.hpp>
#include <spinet/observable/magnetisation.hpp>
#include <spinet/observable/overlap.hpp>
#include <spinet/run/run.hpp>
#include <spinet/statistics/autocorrelation.hpp>
#include <spinet/statistics/distributions.hpp>
#include <spinet/statistics/ladder_means.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// Where the line is drawn.
struct equilibration_rules {
    double overlap_tolerance = 0.005;  ///< largest error allowed of |q|, whole and per layer
    double round_trips =
        10;  ///< least round trips per ladder (average over ladders) if replicas are exchanged
    double slowest_round_trips = 2;     ///< likewise of the ladder that made the fewest
    double families = 100;              ///< least number of members over rho_t, on average over populations
    double free_energy_variance = 0.1;  ///< largest variance of ln Z over populations
    /// Chance that a run in perfect equilibrium fails any of its comparisons. Each comparison gets its share
    /// (Bonferroni), which makes the usual "3 errors" 3.5 to 5 of them (docs/rationale.md).
    double false_alarm = 0.05;
};

/// `reasons` is empty if and only if `equilibrated`.
struct verdict {
    bool equilibrated = false;
    std::vector<std::string> reasons;
};

namespace detail {

/// The integrated autocorrelation time of the means over units, in sweeps.
[[nodiscard]] inline double tau_in_sweeps(recorder const& recorded, std::uint64_t measure_every) {
    auto const& series = recorded.series();
    double tau = 0.5;
    if (series.block_means().size() >= 2) {
        double const found =
            integrated_autocorrelation_time(series.block_means(), series.block_length(), series.variance())
                .tau;
        // Noise can make the sum of a short series negative, which is no time.
        if (found > 0) tau = found;
    }
    return tau * static_cast<double>(measure_every);
}

/// One recorded mean that hot and cold starts, and late and later times, must agree on.
struct judged_quantity {
    std::string name;
    recorder const* recorded;
    std::size_t component;
    double tolerance;        ///< 0: none
    std::size_t square = 0;  ///< of a quantity of single replicas: the component of its square
    bool bounded = true;     ///< by 1, as overlaps and magnetisations are; an energy has any unit
};

template <class Record>
class equilibration_judge {
public:
    equilibration_judge(Record const& record, equilibration_rules const& rules)
        : record_(record), rules_(rules) {
        if (!(rules.false_alarm > 0 && rules.false_alarm < 1))
            throw error("equilibration: expected a chance of a false alarm in (0, 1), found ",
                        rules.false_alarm);
        for (std::size_t r = 0; r < record.plan.replicas; ++r)
            (r / record.replicas_per_block % 2 == 0 ? hot_ : cold_).push_back(r);
        for (std::size_t const r : cold_)
            if (!record.cold_states.empty() &&
                record.cold_states[record.start_of(r) - 1] == run_record::best_annealed)
                annealed_.push_back(r);
        if (annealed_.size() < 3 * record.replicas_per_block) annealed_ = cold_;
    }

    /// What concerns the whole run, and so every temperature.
    [[nodiscard]] std::vector<std::string> general_faults() const {
        std::vector<std::string> faults;
        if (record_.anneals && !record_.populations)
            faults.push_back("an annealing does not wait for equilibrium");
        if (!record_.anneals && record_.plan.from != start::hot_and_cold)
            faults.push_back("all replicas started hot: nothing to compare them with");
        if (!record_.anneals && cold_.size() < 3 * record_.replicas_per_block)
            faults.push_back("fewer than " + std::to_string(6 * record_.replicas_per_block) +
                             " replicas: no error bars for hot and cold starts apart");
        if (std::isnan(record_.paramagnet_above))
            faults.push_back("the model does not tell above which temperature it is a paramagnet");
        if (record_.temperatures.highest() < record_.paramagnet_above)
            faults.push_back("the top of the ladder, T = " + text(record_.temperatures.highest()) +
                             ", is below " + text(record_.paramagnet_above) +
                             ", above which the model is taken for a paramagnet");
        if (record_.exchanges && record_.temperatures.size() > 1 &&
            record_.round_trips_per_ladder() < rules_.round_trips)
            faults.push_back(text(record_.round_trips_per_ladder()) + " round trips per ladder; " +
                             text(rules_.round_trips) + " are asked for");
        else if (record_.exchanges && record_.temperatures.size() > 1 &&
                 slowest_round_trips() < rules_.slowest_round_trips)
            faults.push_back(text(slowest_round_trips()) + " round trips of the slowest ladder; " +
                             text(rules_.slowest_round_trips) + " are asked for");
        return faults;
    }

    /// Are the populations large enough, as far as they tell themselves? In few families one looks like all,
    /// which ln Z over populations gives away.
    [[nodiscard]] std::vector<std::string> faults_of_populations(std::size_t rung) const {
        std::vector<std::string> faults;
        auto const& seen = *record_.populations;
        auto const n = static_cast<double>(seen.populations), members = static_cast<double>(seen.members);
        double family = 0, mean = 0, squares = 0;
        for (std::size_t p = 0; p < seen.populations; ++p) {
            family += seen.family_size[rung * seen.populations + p] / n;
            mean += seen.log_partition[rung * seen.populations + p] / n;
        }
        for (std::size_t p = 0; p < seen.populations; ++p) {
            double const off = seen.log_partition[rung * seen.populations + p] - mean;
            squares += off * off / (n - 1);
        }
        if (!(members >= rules_.families * family))
            faults.push_back("rho_t is " + text(family) + ": populations of " + text(members) +
                             " members have " + text(members / family) + " independent families, " +
                             text(rules_.families) + " are asked for");
        if (!(squares <= rules_.free_energy_variance))
            faults.push_back("the variance of ln Z over populations is " + text(squares) + ", above " +
                             text(rules_.free_energy_variance));
        return faults;
    }

    /// What concerns one temperature. `comparisons` is the number made in the whole run.
    [[nodiscard]] std::vector<std::string> faults_at(std::size_t rung,
                                                     std::vector<judged_quantity> const& quantities,
                                                     std::size_t comparisons) const {
        std::vector<std::string> faults;
        // Two thirds of the share: with few replicas the jackknife's tails are a little longer than
        // Student's.
        double const p = 2.0 / 3 * rules_.false_alarm / static_cast<double>(comparisons);
        for (auto const& quantity : quantities) {
            check_tolerance(quantity, record_.weights_at(rung), faults);
            if (record_.anneals) continue;
            check_starts(quantity, p, faults);
            check_kinds(quantity, p, faults);
            check_drift(quantity, p, faults);
        }
        return faults;
    }

    [[nodiscard]] static std::string text(double x) {
        char buffer[32];
        std::snprintf(buffer, sizeof buffer, "%.4g", x);
        return buffer;
    }

private:
    /// Differences below this are rounding: 1e-6, of an energy times its own magnitude.
    [[nodiscard]] static double rounding(judged_quantity const& of, double value, double other) {
        return 1e-6 * (of.bounded ? 1.0 : std::max(std::abs(value), std::abs(other)));
    }

    /// The jackknife error without its Student factor.
    [[nodiscard]] static double standard_error(jackknife_estimate const& of) {
        return of.error / one_error_factor(of.units);
    }

    // Each comparison is written so that NaN fails it.

    void check_tolerance(judged_quantity const& quantity, std::vector<double> const& weights,
                         std::vector<std::string>& faults) const {
        if (quantity.tolerance <= 0) return;
        auto const all = jackknife(sums_over_all(*quantity.recorded, {}, weights), quantity.component);
        if (!(all.error <= quantity.tolerance))
            faults.push_back("the error of " + quantity.name + " is " + text(all.error) + ", above " +
                             text(quantity.tolerance));
    }

    void check_starts(judged_quantity const& quantity, double p, std::vector<std::string>& faults) const {
        auto const hot = jackknife(sums_over(*quantity.recorded, hot_), quantity.component);
        auto const cold = jackknife(sums_over(*quantity.recorded, annealed_), quantity.component);
        double const dof = static_cast<double>(hot.units + cold.units - 2);
        double const allowed =
            student_t_quantile(1 - p / 2, dof) * std::hypot(standard_error(hot), standard_error(cold)) +
            rounding(quantity, hot.value, cold.value);
        if (!(std::abs(hot.value - cold.value) <= allowed))
            faults.push_back("hot and cold starts disagree in " + quantity.name + ": " + text(hot.value) +
                             " against " + text(cold.value) + ", " + text(allowed) + " allowed");
    }

    [[nodiscard]] double slowest_round_trips() const {
        auto const& trips = record_.exchange.round_trips;
        return trips.empty() ? 0.0 : static_cast<double>(*std::min_element(trips.begin(), trips.end()));
    }

    /// Do the replicas of each cold state, and the hot ones, have the same mean of a quantity of single
    /// replicas? Its variance between the states is compared with that within them (Fisher's F); each block
    /// of replicas is a number. The variance within is at least what the fluctuations in time say of a mean:
    /// where excitations are rare, most replicas see none, and one that sees one is no sign of another state.
    /// Means over pairs are no independent numbers, so overlaps are compared between hot and cold only.
    void check_kinds(judged_quantity const& quantity, double p, std::vector<std::string>& faults) const {
        if (record_.cold_states.size() < 2 || quantity.recorded->unit().size != 1) return;
        auto const values = block_values(*quantity.recorded, quantity.component);
        std::vector<centred_sums> of_kind(1 + record_.cold_states.size());
        centred_sums everyone;
        auto const& states = record_.cold_states;
        for (std::size_t block = 0; block < values.size(); ++block) {
            std::size_t kind = record_.start_of(block * record_.replicas_per_block);
            if (kind > 0)  // the first of this name
                kind = 1 + static_cast<std::size_t>(
                               std::find(states.begin(), states.end(), states[kind - 1]) - states.begin());
            of_kind[kind].add(values[block]);
            everyone.add(values[block]);
        }
        double within = 0, between = 0, kinds = 0;
        std::size_t furthest = 0;
        for (std::size_t k = 0; k < of_kind.size(); ++k) {
            auto const& kind = of_kind[k];
            if (kind.count() == 0) continue;
            auto const n = static_cast<double>(kind.count());
            double const off = kind.mean() - everyone.mean();
            kinds += 1;
            within += n * kind.variance();  // a sum of squares
            between += n * off * off;
            if (std::abs(off) > std::abs(of_kind[furthest].mean() - everyone.mean())) furthest = k;
        }
        double const of_between = kinds - 1, of_within = static_cast<double>(values.size()) - kinds;
        if (of_between < 1 || of_within < 1) return;
        if (std::isfinite(within)) within = std::max(within, of_within * variance_of_means_in_time(quantity));
        double const least = rounding(quantity, everyone.mean(), of_kind[furthest].mean());
        if (between <= of_between * least * least) return;
        double const ratio = between / of_between / (within / of_within + least * least);
        if (!std::isfinite(ratio) || f_survival(ratio, of_between, of_within) < p)
            faults.push_back(
                "starts disagree in " + quantity.name + ": replicas from " +
                (furthest == 0 ? std::string("random spins") : record_.cold_states[furthest - 1]) + " have " +
                text(of_kind[furthest].mean()) + ", all have " + text(everyone.mean()));
    }

    /// The variance over time of a quantity, divided by the number of independent measurements: of the mean
    /// of a block of replicas.
    [[nodiscard]] double variance_of_means_in_time(judged_quantity const& quantity) const {
        recorder const& recorded = *quantity.recorded;
        double const measurements = measurements_in(recorded, {});
        double variance = 0;
        for (std::size_t r = 0; r < recorded.replicas(); ++r) {
            double mean = 0, square = 0;
            for (std::size_t s = 0; s < recorder::stages; ++s) {
                mean += recorded.sum(s, r, quantity.component) / measurements;
                square += recorded.sum(s, r, quantity.square) / measurements;
            }
            variance += std::max(0.0, square - mean * mean) / static_cast<double>(recorded.replicas());
        }
        double const independent = std::max(1.0, measurements / (2 * tau_in_sweeps(recorded, 1)));
        return variance / independent / static_cast<double>(record_.replicas_per_block);
    }

    /// The mean over each block of replicas.
    [[nodiscard]] std::vector<double> block_values(recorder const& recorded, std::size_t component) const {
        std::size_t const of_block = record_.replicas_per_block;
        double const numbers = measurements_in(recorded, {}) * static_cast<double>(of_block);
        std::vector<double> values(recorded.replicas() / of_block, 0.0);
        for (std::size_t r = 0; r < values.size() * of_block; ++r)
            for (std::size_t s = 0; s < recorder::stages; ++s)
                values[r / of_block] += recorded.sum(s, r, component) / numbers;
        return values;
    }

    /// The last two stages that have measurements, compared ladder by ladder.
    void check_drift(judged_quantity const& quantity, double p, std::vector<std::string>& faults) const {
        std::size_t last = recorder::stages;
        while (last > 0 && quantity.recorded->count(last - 1) == 0) --last;
        if (last < 2 || quantity.recorded->count(last - 2) == 0) {
            faults.push_back("too few measurements to look for a drift");
            return;
        }
        auto const early = sums_over_all(*quantity.recorded, {last - 2, last - 1}),
                   late = sums_over_all(*quantity.recorded, {last - 1, last});
        auto const change = jackknife(early.units(), [&](std::size_t left_out) {
            return late.mean(left_out, quantity.component) - early.mean(left_out, quantity.component);
        });
        double const allowed =
            student_t_quantile(1 - p / 2, static_cast<double>(change.units - 1)) * standard_error(change) +
            rounding(quantity, early.mean(early.units(), quantity.component),
                     late.mean(late.units(), quantity.component));
        if (!(std::abs(change.value) <= allowed))
            faults.push_back(quantity.name + " still drifts: it changed by " + text(change.value) +
                             " between the last two log bins, " + text(allowed) + " allowed");
    }

    Record const& record_;
    equilibration_rules rules_;
    std::vector<std::size_t> hot_, cold_;
    std::vector<std::size_t>
        annealed_;  ///< of the cold, those from the best of the annealing; all if they are few
};

/// Energy, q, |q| and |q| of each layer, at one temperature; m and |m| where they were recorded.
template <class Record>
[[nodiscard]] std::vector<judged_quantity> judged_quantities(Record const& record, recorder const& energies,
                                                             recorder const& overlaps,
                                                             recorder const* magnetisations,
                                                             double tolerance) {
    std::vector<judged_quantity> all{{"the energy", &energies, 0, 0.0, 1, false},
                                     {"q", &overlaps, moments::mean, 0.0},
                                     {"|q|", &overlaps, moments::absolute, tolerance}};
    if (magnetisations != nullptr) {
        all.push_back({"m", magnetisations, moments::mean, 0.0, moments::square});
        all.push_back({"|m|", magnetisations, moments::absolute, 0.0, moments::square});
    }
    for (std::size_t part = 1; part < moments::parts(record.groups); ++part)
        all.push_back({"|q| of " + record.groups[part - 1].name, &overlaps,
                       part * moments::count + moments::absolute, tolerance});
    return all;
}

}  // namespace detail

/// One verdict per temperature of the run, lowest first. A temperature is equilibrated only if it **and every
/// higher one** pass: hot and cold starts agree in energy, |q| and |q| of every layer, and so do the last two
/// log bins in time; errors of |q| are below a tolerance; the top of the ladder is a paramagnet; and under
/// exchange there were enough round trips. Of population annealing, which has neither starts nor times to
/// compare, the families must be many and ln Z of the populations agree. An annealing never passes. The run
/// must have recorded energy{} and overlap{}. Throws spinet::error for a false alarm outside (0, 1).
template <class... Os>
[[nodiscard]] std::vector<verdict> equilibration(run<Os...> const& of,
                                                 equilibration_rules const& rules = {}) {
    std::vector<verdict> verdicts(of.temperatures.size());
    if constexpr (run<Os...>::template has<energy> && run<Os...>::template has<overlap>) {
        detail::equilibration_judge<run_record> const judge(of, rules);
        auto const general = judge.general_faults();
        constexpr bool has_magnetisation = run<Os...>::template has<magnetisation>;
        // Of each quantity hot and cold starts and times are compared, of those of single replicas the cold
        // states.
        std::size_t const comparisons =
            (2 * (2 + moments::parts(of.groups)) + 1 + (has_magnetisation ? 6 : 0)) * of.temperatures.size();
        std::string failed_above;
        for (std::size_t k = of.temperatures.size(); k-- > 0;) {
            auto& faults = verdicts[k].reasons;
            faults = general;
            if (!failed_above.empty())
                faults.push_back("T = " + failed_above + " above it is not equilibrated");
            if (of.template of<energy>()[k].count() == 0) {
                faults.push_back(of.anneals ? "the run did not come to this temperature"
                                            : "the run was stopped before its first measurement");
            } else if (of.anneals || of.plan.replicas >= 6 * of.replicas_per_block) {
                recorder const* magnetisations = nullptr;
                if constexpr (has_magnetisation) magnetisations = &of.template of<magnetisation>()[k];
                auto const quantities =
                    detail::judged_quantities(of, of.template of<energy>()[k], of.template of<overlap>()[k],
                                              magnetisations, rules.overlap_tolerance);
                auto own = judge.faults_at(k, quantities, comparisons);
                if (of.populations)
                    for (auto& fault : judge.faults_of_populations(k)) own.push_back(std::move(fault));
                faults.insert(faults.end(), own.begin(), own.end());
                if (!own.empty() && failed_above.empty()) failed_above = judge.text(of.temperatures[k]);
            }
            verdicts[k].equilibrated = faults.empty();
        }
    } else {
        for (auto& each : verdicts)
            each.reasons.push_back("the run did not record both energy{} and overlap{}");
    }
    return verdicts;
}

}  // namespace spinet
