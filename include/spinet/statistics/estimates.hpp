// SPDX-License-Identifier: BSD-3-Clause
/// Estimates over temperature, with errors from independent replicas.
#pragma once

#include <spinet/observable/energy.hpp>
#include <spinet/observable/magnetisation.hpp>
#include <spinet/observable/overlap.hpp>
#include <spinet/run/run.hpp>
#include <spinet/statistics/autocorrelation.hpp>
#include <spinet/statistics/curve.hpp>
#include <spinet/statistics/equilibration.hpp>
#include <spinet/statistics/ladder_means.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>

namespace spinet {

/// The general form: `f(mean)` combines means of the observable's components, mean(c) being component c
/// averaged over time and over replicas or pairs. The jackknife is over f as a whole, so ratios and the like
/// are in order. `f(mean, T)` is also told the temperature. Of a run of fewer than 3 (blocks of) replicas
/// errors are NaN.
template <class O, class... Os, class F>
[[nodiscard]] curve estimates(run<Os...> const& of, F&& f) {
    static_assert(run<Os...>::template has<O>,
                  "spinet: this observable was not among the observables{...} of the run");
    auto const verdicts = equilibration(of);
    curve points;
    for (std::size_t k = 0; k < of.temperatures.size(); ++k) {
        recorder const& recorded = of.template of<O>()[k];
        constexpr double none = std::numeric_limits<double>::quiet_NaN();
        if (of.anneals && recorded.count() == 0) {
            points.push_back({of.temperatures[k], none, none, none, 0, false});
            continue;
        }
        recorded_means const means(recorded, of.weights_at(k));
        auto const value = [&](std::size_t left_out) {
            auto const mean = [&](std::size_t component) { return means.mean(left_out, component); };
            if constexpr (std::invocable<F&, decltype(mean), double>)
                return static_cast<double>(f(mean, of.temperatures[k]));
            else
                return static_cast<double>(f(mean));
        };
        double const tau = of.populations ? none : detail::tau_in_sweeps(recorded, of.plan.measure_every);
        if (!means.have_errors()) {
            points.push_back({of.temperatures[k], value(means.units()), none, tau, none, false, 0});
            continue;
        }
        auto const whole = jackknife(means.units(), value);
        double const lead_error = jackknife(means.units(), [&](std::size_t left_out) {
                                      return means.mean(left_out, recorded.lead());
                                  }).error;
        double const samples = lead_error > 0 ? recorded.lead_variance() / (lead_error * lead_error) : 0.0;
        points.push_back({of.temperatures[k], whole.value, whole.error, tau, samples,
                          verdicts[k].equilibrated, means.units()});
    }
    return points;
}

/// The same for an observable that a lift or a user made: component c of it.
template <class O, class... Os>
[[nodiscard]] curve mean_of(run<Os...> const& of, O const&, std::size_t component = 0) {
    return estimates<O>(of, [&](auto mean) { return mean(component); });
}

namespace detail {

/// Throws spinet::error for a part that the run does not have.
inline void check_part(char const* who, std::size_t part, std::size_t parts) {
    if (part >= parts) throw error(who, ": expected a part below ", parts, ", found ", part);
}

}  // namespace detail

/// <|q|>, the descriptor: the absolute value of every pair's overlap, then averaged. `part` 0 is the whole
/// model, part g + 1 its group g. For a paramagnet of N spins it is about sqrt(2 / (pi N)), not 0.
template <class... Os>
[[nodiscard]] curve mean_abs_overlap(run<Os...> const& of, std::size_t part = 0) {
    detail::check_part("mean_abs_overlap", part, moments::parts(of.groups));
    return estimates<overlap>(of, [&](auto mean) { return mean(part * moments::count + moments::absolute); });
}

/// |<q>|: averaged, then the absolute value. Without fields <q> = 0, and this is noise that shows whether the
/// chain flips.
template <class... Os>
[[nodiscard]] curve abs_mean_overlap(run<Os...> const& of, std::size_t part = 0) {
    detail::check_part("abs_mean_overlap", part, moments::parts(of.groups));
    return estimates<overlap>(
        of, [&](auto mean) { return std::abs(mean(part * moments::count + moments::mean)); });
}

/// <q^2>; N <q^2> is the spin-glass susceptibility.
template <class... Os>
[[nodiscard]] curve mean_square_overlap(run<Os...> const& of, std::size_t part = 0) {
    detail::check_part("mean_square_overlap", part, moments::parts(of.groups));
    return estimates<overlap>(of, [&](auto mean) { return mean(part * moments::count + moments::square); });
}

/// <q^4>.
template <class... Os>
[[nodiscard]] curve mean_fourth_overlap(run<Os...> const& of, std::size_t part = 0) {
    detail::check_part("mean_fourth_overlap", part, moments::parts(of.groups));
    return estimates<overlap>(of, [&](auto mean) { return mean(part * moments::count + moments::fourth); });
}

/// Binder's g = (3 - <q^4> / <q^2>^2) / 2 of one instance.
template <class... Os>
[[nodiscard]] curve binder_parameter(run<Os...> const& of, std::size_t part = 0) {
    detail::check_part("binder_parameter", part, moments::parts(of.groups));
    return estimates<overlap>(of, [&](auto mean) {
        double const square = mean(part * moments::count + moments::square);
        return (3 - mean(part * moments::count + moments::fourth) / (square * square)) / 2;
    });
}

/// Energy per spin.
template <class... Os>
[[nodiscard]] curve mean_energy(run<Os...> const& of) {
    return estimates<energy>(of, [](auto mean) { return mean(0); });
}

/// The heat capacity per spin N (<e^2> - <e>^2) / T^2, e being the energy per spin. The error of <e> makes it
/// too small by N error^2 / T^2.
template <class... Os>
[[nodiscard]] curve heat_capacity(run<Os...> const& of) {
    auto const spins = static_cast<double>(of.sites);
    return estimates<energy>(
        of, [&](auto mean, double t) { return spins * (mean(1) - mean(0) * mean(0)) / (t * t); });
}

/// <|m|>, whole or of group part - 1.
template <class... Os>
[[nodiscard]] curve mean_abs_magnetisation(run<Os...> const& of, std::size_t part = 0) {
    detail::check_part("mean_abs_magnetisation", part, moments::parts(of.groups));
    return estimates<magnetisation>(
        of, [&](auto mean) { return mean(part * moments::count + moments::absolute); });
}

/// Binder's g = (3 - <m^4> / <m^2>^2) / 2 of the magnetisation: 0 for a Gaussian m, 1 where |m| has one
/// value.
template <class... Os>
[[nodiscard]] curve magnetisation_binder_parameter(run<Os...> const& of, std::size_t part = 0) {
    detail::check_part("magnetisation_binder_parameter", part, moments::parts(of.groups));
    return estimates<magnetisation>(of, [&](auto mean) {
        double const square = mean(part * moments::count + moments::square);
        return (3 - mean(part * moments::count + moments::fourth) / (square * square)) / 2;
    });
}

}  // namespace spinet
