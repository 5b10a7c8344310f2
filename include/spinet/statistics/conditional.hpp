// SPDX-License-Identifier: BSD-3-Clause
/// What conditions do to a glass: the mean of every spin, probabilities of states of a group, and differences
/// of free energies.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>
#include <spinet/mapping/conditioning.hpp>
#include <spinet/observable/local_magnetisations.hpp>
#include <spinet/observable/state_weights.hpp>
#include <spinet/run/run.hpp>
#include <spinet/statistics/curve.hpp>
#include <spinet/statistics/equilibration.hpp>
#include <spinet/statistics/estimates.hpp>
#include <spinet/statistics/free_energy.hpp>
#include <spinet/statistics/ladder_means.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>

namespace spinet {

/// <s_i> of each spin at one temperature, with its jackknife error over replicas.
struct spin_means {
    double temperature = 0;
    row_major_array<double, 1> values, errors;  ///< [spin]
    bool equilibrated = false;
    std::size_t units = 0;  ///< independent units behind the errors

    /// Of spin i, by Student's t (see jackknife_estimate). Throws spinet::error for a spin that is not there.
    template <std::integral Index>
    [[nodiscard]] interval confidence_interval(Index i, double confidence = 0.95) const {
        return detail::interval_about_entry("spin_means", values, errors, i, units, confidence);
    }
    /// [spin, low or high].
    template <class Real = double>
    [[nodiscard]] row_major_array<Real, 2> confidence_intervals(double confidence = 0.95) const {
        auto bounds = row_major_array<Real, 2>::from_shape({values.size(), 2});
        for (std::size_t i = 0; i < values.size(); ++i) {
            auto const of_spin = confidence_interval(i, confidence);
            bounds(i, 0) = of_spin.low, bounds(i, 1) = of_spin.high;
        }
        return bounds;
    }
};

/// <s_i> at temperature number `rung`, of the spins that local_magnetisations{} recorded, in their order.
/// Throws spinet::error for a temperature that the run does not have, and without measurements.
template <class... Os>
[[nodiscard]] spin_means mean_spins(run<Os...> const& of, std::size_t rung) {
    static_assert(run<Os...>::template has<local_magnetisations>,
                  "spinet: mean_spins needs local_magnetisations{} among the observables{...} of the run");
    auto const& recorders = of.template of<local_magnetisations>();
    if (rung >= recorders.size())
        throw error("mean_spins: expected the index of a temperature below ", recorders.size(), ", found ",
                    rung);
    recorded_means const means(recorders[rung], of.weights_at(rung));
    std::size_t const spins = recorders[rung].width() - 1;
    spin_means found{of.temperatures[rung], row_major_array<double, 1>::from_shape({spins}),
                     row_major_array<double, 1>::from_shape({spins}), equilibration(of)[rung].equilibrated,
                     means.units()};
    for (std::size_t i = 0; i < spins; ++i) {
        auto const mean =
            jackknife(means.units(), [&](std::size_t left_out) { return means.mean(left_out, 1 + i); });
        found.values(i) = mean.value;
        found.errors(i) = mean.error;
    }
    return found;
}

/// The probability of state number `state` of those that state_weights recorded, over temperature.
template <class... Os>
[[nodiscard]] curve state_probability(run<Os...> const& of, std::size_t state) {
    return estimates<state_weights>(of, [&](auto mean) { return mean(state); });
}

/// The same among the recorded states alone: of one-hot states of an output layer, P(class).
template <class... Os>
[[nodiscard]] curve state_share(run<Os...> const& of, std::size_t state) {
    std::size_t const states = of.template of<state_weights>()[0].width();
    return estimates<state_weights>(of, [&](auto mean) {
        double sum = 0;
        for (std::size_t k = 0; k < states; ++k) sum += mean(k);
        return mean(state) / sum;
    });
}

/// F(a) - F(b) = -T ln(P(a) / P(b)) of the whole model (not per spin) where the group is held in state a and
/// in state b, from one run that recorded state_weights. The error is a jackknife of the difference as a
/// whole.
template <class... Os>
[[nodiscard]] curve state_free_energy_difference(run<Os...> const& of, std::size_t a, std::size_t b) {
    return estimates<state_weights>(
        of, [&](auto mean, double temperature) { return -temperature * std::log(mean(a) / mean(b)); });
}

/// F(a) - F(b) of the whole model (not per spin) under two conditions, from a run under each, at the same
/// temperatures. Free energies are as in free_energy: integrated over the ladder, or of populations. Errors
/// are those of independent runs (other seeds). Throws spinet::error for other temperatures, or where a run
/// is not of its condition's model.
template <Model M, class... As, class... Bs>
[[nodiscard]] curve free_energy_difference(conditioned<M> const& a, run<As...> const& run_a,
                                           conditioned<M> const& b, run<Bs...> const& run_b) {
    if (run_a.sites != a.model.size() || run_b.sites != b.model.size())
        throw error("free_energy_difference: runs of ", run_a.sites, " and ", run_b.sites,
                    " spins for conditions that leave ", a.model.size(), " and ", b.model.size());
    if (run_a.temperatures.temperatures() != run_b.temperatures.temperatures())
        throw error("free_energy_difference: the runs are at different temperatures");
    auto const of_a = free_energy(run_a), of_b = free_energy(run_b);
    curve points;
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    auto const n_a = static_cast<double>(run_a.sites), n_b = static_cast<double>(run_b.sites);
    for (std::size_t k = 0; k < of_a.size(); ++k)
        points.push_back(
            {of_a[k].temperature, n_a * of_a[k].value + a.energy - n_b * of_b[k].value - b.energy,
             std::hypot(n_a * of_a[k].error, n_b * of_b[k].error), none, none,
             of_a[k].equilibrated && of_b[k].equilibrated, std::min(of_a[k].units, of_b[k].units)});
    return points;
}

}  // namespace spinet
