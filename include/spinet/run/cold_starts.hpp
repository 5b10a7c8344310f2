// SPDX-License-Identifier: BSD-3-Clause
/// The cold states of a run: descents from the leading modes of the couplings, and states of the user's own.
#pragma once

#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/run/run.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet::detail {

/// A state in which cold replicas start, and what it is called in verdicts.
template <class Real>
struct cold_state {
    std::string name;
    std::vector<Real> spins;
};

/// Flips spins of +1 and -1 in their order while that lowers the energy, until none does or a hundred times
/// through all of them.
template <Model M>
void descend(M const& model, std::span<spin_of<M>> spins) {
    for (int pass = 0; pass < 100; ++pass) {
        bool moved = false;
        for (std::size_t i = 0; i < spins.size(); ++i) {
            if (!(model.energy_change(std::span<spin_of<M> const>(spins), i, -spins[i]) < 0)) continue;
            spins[i] = -spins[i];
            moved = true;
        }
        if (!moved) return;
    }
}

/// Descents from plus and minus the signs of the two leading modes of J, where a model of Ising spins shows
/// its couplings. A mode that Lanczos does not find in a gigabyte is left out: these states are starts, not
/// results.
template <Model M>
[[nodiscard]] std::vector<cold_state<spin_of<M>>> mode_states(M const& model) {
    std::vector<cold_state<spin_of<M>>> states;
    if constexpr (PairModel<M> && HasSpace<M, spin_space::ising>) {
        std::size_t const n = model.size(), most = std::min<std::size_t>(300, (std::size_t{1} << 27) / n);
        if (n < 2 || most < 20) return states;
        eigenpairs modes;
        try {
            modes = leading_eigenpairs(
                n, std::min<std::size_t>(2, n),
                [&](std::span<double const> x, std::span<double> y) { multiply_by_couplings(model, x, y); },
                {.tolerance = 1e-2, .max_iterations = most});
        } catch (error const&) {
            return states;
        }
        for (std::size_t k = 0; k < modes.size(); ++k)
            for (double const sign : {1.0, -1.0}) {
                cold_state<spin_of<M>> state{text(sign > 0 ? "plus" : "minus", " mode ", k + 1), {}};
                for (double const x : modes.vector(k))
                    state.spins.push_back(static_cast<spin_of<M>>(sign * x < 0 ? -1 : 1));
                descend(model, std::span(state.spins));
                states.push_back(std::move(state));
            }
    }
    return states;
}

/// Throws spinet::error where a number of the plan's own states is no spin of the model.
template <Model M>
void check_own_states(row_major_array<float, 2> const& own) {
    std::size_t const n = own.shape()[1];
    for (std::size_t k = 0; k < own.shape()[0]; ++k) {
        double squares = 0;
        for (std::size_t i = 0; i < n; ++i) {
            double const s = static_cast<double>(own(k, i));
            squares += s * s;
            bool const fits = space_of<M> == spin_space::ising      ? s == 1 || s == -1
                              : space_of<M> == spin_space::interval ? s >= -1 && s <= 1
                                                                    : std::isfinite(s);
            if (!fits)
                throw error("run_plan: starts: spin ", i, " of state ", k, " is ", s,
                            space_of<M> == spin_space::ising ? ", not +1 or -1" : ", no spin of this model");
        }
        double const length = squares / static_cast<double>(n);
        if (space_of<M> == spin_space::sphere && !(std::abs(length - 1) < 1e-3))
            throw error("run_plan: starts: state ", k, " has |s|^2 / N = ", length, ", not 1");
    }
}

/// The first `wanted` cold states of a run, in the order in which replicas take them. Every second one is the
/// best of the annealing, so that enough replicas start from it to be compared with the hot ones by
/// themselves; the plan's own states and the others that spinet finds take turns in between.
template <Model M>
[[nodiscard]] std::vector<cold_state<spin_of<M>>> cold_states(M const& model,
                                                              row_major_array<float, 2> const& own,
                                                              std::vector<spin_of<M>> annealed,
                                                              std::vector<spin_of<M>> annealed_too,
                                                              std::size_t wanted) {
    auto modes = mode_states(model);
    std::vector<cold_state<spin_of<M>>> others;
    for (std::size_t k = 0; k < modes.size() && k < 2; ++k) others.push_back(std::move(modes[k]));
    others.push_back({"another annealing", std::move(annealed_too)});
    for (std::size_t k = 2; k < modes.size(); ++k) others.push_back(std::move(modes[k]));
    std::size_t const given = own.shape()[0];
    std::vector<cold_state<spin_of<M>>> all;
    auto const add = [&](cold_state<spin_of<M>> state) {
        all.push_back({run_record::best_annealed, annealed});
        all.push_back(std::move(state));
    };
    for (std::size_t k = 0; k < std::max(others.size(), given) && all.size() < wanted; ++k) {
        if (k < given)
            add({text("state ", k, " of the plan"),
                 {own.data() + k * own.shape()[1], own.data() + (k + 1) * own.shape()[1]}});
        if (k < others.size()) add(std::move(others[k]));
    }
    if (all.size() > wanted) all.resize(wanted);
    return all;
}

}  // namespace spinet::detail
