// SPDX-License-Identifier: BSD-3-Clause
/// Free energies: from the weights of population annealing, or by integrating energies over temperature.
#pragma once

#include <spinet/error.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/run/run.hpp>
#include <spinet/statistics/equilibration.hpp>
#include <spinet/statistics/estimates.hpp>
#include <spinet/statistics/jackknife.hpp>
#include <spinet/statistics/ladder_means.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace spinet {

namespace detail {

/// ln of the mean of the populations' Z without one of them; Z, not ln Z, is what their weights estimate
/// without bias.
[[nodiscard]] inline double log_mean_partition(population_record const& of, std::size_t rung,
                                               std::size_t left_out) {
    double const* const log_z = of.log_partition.data() + rung * of.populations;
    double largest = -std::numeric_limits<double>::infinity(), sum = 0, n = 0;
    for (std::size_t p = 0; p < of.populations; ++p)
        if (p != left_out) largest = std::max(largest, log_z[p]);
    for (std::size_t p = 0; p < of.populations; ++p)
        if (p != left_out) sum += std::exp(log_z[p] - largest), ++n;
    return largest + std::log(sum / n);
}

/// <E> and the variance of E at one inverse temperature.
struct energy_moments {
    double beta, mean, variance;
};

/// The integral of E from a to b: the trapezoidal rule corrected by the slopes at the ends, dE/dbeta =
/// -variance, so that its error is of fourth order in the step (of fifth for one interval).
[[nodiscard]] inline double energy_between(energy_moments const& a, energy_moments const& b) noexcept {
    double const h = b.beta - a.beta;
    return h / 2 * (a.mean + b.mean) + h * h / 12 * (b.variance - a.variance);
}

[[nodiscard]] inline double integral_of_energy(std::vector<energy_moments> const& points) {
    double sum = 0;
    for (std::size_t k = 0; k + 1 < points.size(); ++k) sum += energy_between(points[k], points[k + 1]);
    return sum;
}

/// How far the integral over each interval may be off: the larger of two estimates, of which either may be
/// small by chance. What energies and slopes at its ends disagree by, times a sixth of its length; and what
/// leaving out the point between it and a neighbour changes: a sixth at least, more where the neighbour is
/// shorter, as errors grow with the fifth power of the length.
[[nodiscard]] inline std::vector<double> errors_of_intervals(std::vector<energy_moments> const& points) {
    std::vector<double> errors;
    for (std::size_t k = 0; k + 1 < points.size(); ++k) {
        auto const &a = points[k], &b = points[k + 1];
        double const h = b.beta - a.beta;
        errors.push_back(h / 6 * std::abs(b.mean - a.mean + h / 2 * (a.variance + b.variance)));
    }
    for (std::size_t k = 0; k + 2 < points.size(); ++k) {
        auto const &a = points[k], &b = points[k + 1], &c = points[k + 2];
        double const change = std::abs(energy_between(a, c) - energy_between(a, b) - energy_between(b, c)),
                     first = std::pow((b.beta - a.beta) / (c.beta - a.beta), 5),
                     second = std::pow((c.beta - b.beta) / (c.beta - a.beta), 5), rest = 1 - first - second;
        errors[k] = std::max(errors[k], change * std::max(1.0 / 6, first / rest));
        errors[k + 1] = std::max(errors[k + 1], change * std::max(1.0 / 6, second / rest));
    }
    return errors;
}

/// At each temperature T of the run, value(T, u, f) of energy and free energy per spin, with its jackknife
/// error; `slope(T)` is the derivative by f, by which the error of the integration counts. See free_energy.
template <class Value, class Slope, class... Os>
[[nodiscard]] curve from_free_energies(run<Os...> const& of, Value&& value, Slope&& slope) {
    static_assert(run<Os...>::template has<energy>,
                  "spinet: free energies and entropies need energy{} among the observables");
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    auto const verdicts = equilibration(of);
    auto const sites = static_cast<double>(of.sites);
    auto const& recorders = of.template of<energy>();
    std::vector<curve_point> points;
    auto const add = [&](std::size_t k, double found, double error, std::size_t units) {
        points.push_back({of.temperatures[k], found, error, none, none, verdicts[k].equilibrated, units});
    };
    if (of.populations) {
        for (std::size_t k = 0; k < of.temperatures.size(); ++k) {
            // Weights come before measurements: a run that was stopped between them knows f, but not u.
            std::optional<jackknife_sums> sums;
            if (recorders[k].count() > 0) sums = sums_over_all(recorders[k], {}, of.weights_at(k));
            auto const found = jackknife(of.populations->populations, [&](std::size_t left_out) {
                double const log_z = log_mean_partition(*of.populations, k, left_out);
                return value(of.temperatures[k], sums ? sums->mean(left_out, 0) : none,
                             -of.temperatures[k] * log_z / sites);
            });
            add(k, found.value, found.error, found.units);
        }
        return curve(std::move(points));
    }
    if (std::isnan(of.variance_at_infinite_temperature))
        throw error("free_energy: the model does not show its couplings, so nothing is known at beta = 0");
    // What is below the lowest temperature with measurements, if an annealing was stopped, is left out.
    std::size_t lowest = 0;
    while (of.anneals && lowest + 1 < recorders.size() && recorders[lowest].count() == 0) ++lowest;
    std::vector<jackknife_sums> sums;
    for (std::size_t k = lowest; k < recorders.size(); ++k) sums.push_back(sums_over_all(recorders[k]));
    auto const moments_without = [&](std::size_t k, std::size_t left_out) {
        std::vector<energy_moments> path{{0, 0, of.variance_at_infinite_temperature}};
        for (std::size_t j = of.temperatures.size(); j-- > k;) {
            double const u = sums[j - lowest].mean(left_out, 0), square = sums[j - lowest].mean(left_out, 1);
            path.push_back({1 / of.temperatures[j], sites * u, sites * sites * (square - u * u)});
        }
        return path;
    };
    auto const of_intervals = errors_of_intervals(moments_without(lowest, sums[0].units()));
    double integration = 0;  // error of ln Z
    for (std::size_t k = of.temperatures.size(); k-- > lowest;) {
        double const temperature = of.temperatures[k];
        auto const found = jackknife(sums[k - lowest].units(), [&](std::size_t left_out) {
            double const log_z =
                sites * of.entropy_at_infinite_temperature - integral_of_energy(moments_without(k, left_out));
            return value(temperature, sums[k - lowest].mean(left_out, 0), -temperature * log_z / sites);
        });
        integration += of_intervals[of.temperatures.size() - 1 - k];
        add(k, found.value, std::hypot(found.error, slope(temperature) * temperature * integration / sites),
            found.units);
    }
    for (std::size_t k = lowest; k-- > 0;) add(k, none, none, 0);
    std::reverse(points.begin(), points.end());
    return curve(std::move(points));
}

}  // namespace detail

/// The free energy per spin, f = -T ln Z / N, at each temperature of the run.
///
/// Of population annealing it comes from the weights of its steps. Of other methods it is integrated,
/// ln Z(beta) = N ln 2 - integral of <E> from 0 to beta, over the temperatures of the ladder (of soft spins
/// without N ln 2: Z is over their measure, whose weight is 1): the model must
/// show its couplings (their squares are the variance of E at beta = 0). There the error includes that of the
/// integration, of each interval by what energies and heat capacities at its ends disagree by and by what
/// leaving out a temperature changes, added up from the top down. It is large where the ladder does not reach
/// far into the paramagnet or is coarse: let it start at several times lambda_max(J). It cannot know of a
/// transition that the ladder steps over from one temperature to the next. NaN at temperatures that an
/// annealing has not yet reached. The run must have recorded energy{}.
template <class... Os>
[[nodiscard]] curve free_energy(run<Os...> const& of) {
    return detail::from_free_energies(
        of, [](double, double, double f) { return f; }, [](double) { return 1.0; });
}

/// The entropy per spin, s = (u - f) / T, from the same free energies: ln 2 at infinite temperature (of soft
/// spins 0), ln(states of lowest energy) / N at zero. The error is a jackknife of s as a whole, in which
/// those of u and f largely cancel, with that of the integration.
template <class... Os>
[[nodiscard]] curve entropy(run<Os...> const& of) {
    return detail::from_free_energies(
        of, [](double temperature, double u, double f) { return (u - f) / temperature; },
        [](double temperature) { return 1 / temperature; });
}

}  // namespace spinet
