// SPDX-License-Identifier: BSD-3-Clause
/// What a network expects of each class: the mean input spins while its output layer is held at that class.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/mapping/conditioning.hpp>
#include <spinet/mean_field/tap_branches.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/observable/local_magnetisations.hpp>
#include <spinet/observable/overlap.hpp>
#include <spinet/sample.hpp>
#include <spinet/statistics/conditional.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

namespace spinet {

/// Which groups are the inputs and outputs of a glass, and at what values an output layer of n spins is held
/// for class c: `on` for spin c, `off` for the others. Groups are numbered from the first; by default they
/// are the first and the last.
struct class_condition {
    std::size_t inputs = 0;
    std::optional<std::size_t> outputs = {};
    double on = 1, off = -1;

    /// Throws spinet::error unless the two groups exist and are different ones, and the values are finite.
    template <class Real>
    [[nodiscard]] std::size_t check(network_glass<Real> const& glass) const {
        std::size_t const groups = glass.groups().size(), last = outputs.value_or(groups - 1);
        if (inputs >= groups || last >= groups || inputs == last)
            throw error("class_condition: expected two different groups below ", groups, ", found ", inputs,
                        " and ", last);
        if (!std::isfinite(on) || !std::isfinite(off))
            throw error("class_condition: expected finite values of the outputs");
        return last;
    }
    [[nodiscard]] std::vector<double> values(std::size_t classes, std::size_t of) const {
        std::vector<double> held_at(classes, off);
        held_at[of] = on;
        return held_at;
    }
};

/// Portraits of all classes at one temperature.
struct class_portraits {
    double temperature = 0;
    row_major_array<double, 2> means;   ///< <s_i | class>, [class, input spin]
    row_major_array<double, 2> errors;  ///< of the means; NaN from TAP, which has none
    /// F of the whole glass given the class (not per spin), and its error. Where there are no integrals (a
    /// run whose ladder has one temperature) NaN.
    row_major_array<double, 1> free_energies, free_energy_errors;
    std::vector<bool> equilibrated;  ///< by class, the verdict on its run; empty from TAP
    std::vector<bool> physical;      ///< by class, tap_solution::physical; empty from runs

    [[nodiscard]] std::size_t classes() const noexcept { return means.shape()[0]; }

    /// The means less their mean over classes: what is a class's own, [class, input spin].
    template <class T = double>
    [[nodiscard]] row_major_array<T, 2> differences() const {
        row_major_array<T, 2> own(means);
        for (std::size_t i = 0; i < means.shape()[1]; ++i) {
            double common = 0;
            for (std::size_t c = 0; c < classes(); ++c)
                common += means(c, i) / static_cast<double>(classes());
            for (std::size_t c = 0; c < classes(); ++c) own(c, i) -= common;
        }
        return own;
    }

    /// The probability of each class among all of them: exp(-F / T) over its sum.
    template <class T = double>
    [[nodiscard]] row_major_array<T, 1> probabilities() const {
        row_major_array<T, 1> p(free_energies);
        double lowest = std::numeric_limits<double>::infinity(), sum = 0;
        for (double const f : free_energies) lowest = std::min(lowest, f);
        for (double& each : p) sum += each = std::exp((lowest - each) / temperature);
        for (double& each : p) each /= sum;
        return p;
    }
};

namespace detail {

template <class Real>
[[nodiscard]] class_portraits empty_portraits(network_glass<Real> const& glass, std::size_t inputs,
                                              std::size_t outputs, double temperature) {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    std::size_t const classes = glass.groups()[outputs].size, width = glass.groups()[inputs].size;
    return {temperature,
            row_major_array<double, 2>({classes, width}, none),
            row_major_array<double, 2>({classes, width}, none),
            row_major_array<double, 1>({classes}, none),
            row_major_array<double, 1>({classes}, none),
            {},
            {}};
}

/// The number of the input group once the outputs are gone.
[[nodiscard]] inline std::size_t left_place(std::size_t inputs, std::size_t outputs) noexcept {
    return inputs > outputs ? inputs - 1 : inputs;
}

}  // namespace detail

/// By the TAP equations, in milliseconds for small networks: of each class the solution that is followed down
/// from `highest` to `temperature` in `steps` steps of equal ratio, where it starts from no order but that of
/// the fields. There is one solution at high temperature; far below T_ord there are many, and this is one
/// of them. Near T_ord means are too large (in a trained network 1.3 to 1.5 times at 1.1 T_ord, right within
/// a few per cent at 1.4). `highest` 0 stands for twice the temperature. Throws spinet::error as solve_tap
/// does, and for a condition that does not fit the glass.
template <class Real>
[[nodiscard]] class_portraits tap_portraits(network_glass<Real> const& glass, double temperature,
                                            class_condition const& condition = {}, double highest = 0,
                                            std::size_t steps = 4, tap_options const& wanted = {}) {
    std::size_t const outputs = condition.check(glass);
    detail::require_temperature("tap_portraits", temperature);
    if (steps == 0) throw error("tap_portraits: expected at least 1 step, found 0");
    double const top = highest > 0 ? highest : 2 * temperature;
    auto found = detail::empty_portraits(glass, condition.inputs, outputs, temperature);
    std::vector<double> temperatures;
    for (std::size_t k = 0; k <= steps; ++k)
        temperatures.push_back(temperature * std::pow(top / temperature, 1 - static_cast<double>(k) /
                                                                                 static_cast<double>(steps)));
    temperatures.back() = temperature;
    for (std::size_t c = 0; c < found.classes(); ++c) {
        auto const given = held(glass, outputs, condition.values(found.classes(), c));
        auto const branch =
            tap_branch(given.model, temperatures, std::vector<double>(given.model.size(), 0.0), wanted);
        auto const& last = branch.back();
        auto const& group = given.model.groups()[detail::left_place(condition.inputs, outputs)];
        for (std::size_t i = 0; i < group.size; ++i) found.means(c, i) = last.magnetisation(group.first + i);
        found.free_energies(c) = static_cast<double>(given.model.size()) * last.free_energy + given.energy;
        found.physical.push_back(last.physical);
    }
    return found;
}

/// By sampling: a run of `method` for each class with seeds of its own, all of which have the plan's other
/// numbers; portraits at every temperature of the method, lowest first. `watchers` are those of `sample`; a
/// run that one of them stops leaves its class and those after it NaN. Throws as sample does, and for a
/// condition that does not fit the glass.
template <class Real, class Method, class Exec = serial, class... Watchers>
[[nodiscard]] std::vector<class_portraits> sampled_portraits(network_glass<Real> const& glass,
                                                             Method const& method, run_plan const& plan,
                                                             class_condition const& condition = {},
                                                             Exec const& executor = {},
                                                             Watchers&&... watchers) {
    std::size_t const outputs = condition.check(glass), place = detail::left_place(condition.inputs, outputs);
    auto const temperatures = method.temperatures().temperatures();
    std::vector<class_portraits> found;
    for (double const t : temperatures)
        found.push_back(detail::empty_portraits(glass, condition.inputs, outputs, t));
    for (std::size_t c = 0; c < found[0].classes(); ++c) {
        auto const given = held(glass, outputs, condition.values(found[0].classes(), c));
        auto own = plan;
        own.seed = child_seed(plan.seed, purpose::class_portrait, static_cast<std::uint32_t>(c));
        auto const run = sample(given.model, method,
                                observables{energy{}, overlap{}, local_magnetisations{.group = place}}, own,
                                executor, watchers...);
        if (!run.complete()) return found;
        auto const f = free_energy(run);
        for (std::size_t k = 0; k < found.size(); ++k) {
            auto const means = mean_spins(run, k);
            for (std::size_t i = 0; i < means.values.size(); ++i) {
                found[k].means(c, i) = means.values(i);
                found[k].errors(c, i) = means.errors(i);
            }
            auto const n = static_cast<double>(given.model.size());
            found[k].free_energies(c) = n * f[k].value + given.energy;
            found[k].free_energy_errors(c) = n * f[k].error;
            found[k].equilibrated.push_back(means.equilibrated);
        }
    }
    return found;
}

}  // namespace spinet
