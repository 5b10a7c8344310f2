// SPDX-License-Identifier: BSD-3-Clause
/// Many solutions of the TAP equations: a branch followed over temperature, and all that many starts find.
#pragma once

#include <spinet/error.hpp>
#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/mean_field/tap.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace spinet {

/// sum_i m_i m'_i / N.
[[nodiscard]] inline double pattern_overlap(std::span<double const> a, std::span<double const> b) {
    if (a.size() != b.size() || a.empty())
        throw error("pattern_overlap: expected two patterns of one size, found ", a.size(), " and ",
                    b.size());
    return detail::dot_product(a, b) / static_cast<double>(a.size());
}

/// A branch of solutions, one at each temperature, in the order of the temperatures: falling ones cool,
/// rising ones heat, and where the two differ there is a transition of first order. Each solution starts from
/// the one before it. Where that one is no order to follow (q below 1e-8, or not converged), it starts from
/// `start` again, so that a branch that is followed down from the paramagnet takes up the start's order where
/// m = 0 becomes unstable. `group_q` tells order in the hidden layers from order in the visible ones. Throws
/// spinet::error as solve_tap does, and for an empty list of temperatures.
template <PairModel M, class Temperatures, class Start>
[[nodiscard]] std::vector<tap_solution> tap_branch(M const& model, Temperatures const& temperatures,
                                                   Start const& start, tap_options const& wanted = {}) {
    auto const in_order = detail::vector_copy<double>(temperatures, "tap_branch: temperatures");
    if (in_order.empty()) throw error("tap_branch: no temperatures");
    for (double const t : in_order) detail::require_temperature("tap_branch", t);
    std::vector<tap_solution> branch;
    for (double const t : in_order) {
        bool const follow = !branch.empty() && branch.back().converged && branch.back().q >= 1e-8;
        branch.push_back(follow ? solve_tap(model, t, branch.back().magnetisation, wanted)
                                : solve_tap(model, t, start, wanted));
    }
    return branch;
}

struct census_options {
    std::size_t starts = 100;  ///< random ones
    std::size_t modes = 8;     ///< and this many leading modes of J (fewer where J has fewer), each a start
    double amplitude = 0.9;    ///< of the starts
    double distance = 1e-3;    ///< solutions whose root mean square difference is below this are one
    std::uint64_t seed = 1;
    tap_options tap = {};
};

/// What many starts found at one temperature.
struct tap_census {
    double temperature = 0;
    std::vector<tap_solution> solutions;  ///< converged and distinct, lowest free energy first
    std::vector<std::size_t> found;       ///< starts that ended in each
    std::size_t starts = 0;
    std::size_t not_converged = 0;
    bool up_to_flip = false;  ///< no fields: m and -m are counted as one

    [[nodiscard]] double overlap(std::size_t a, std::size_t b) const {
        return pattern_overlap(solutions.at(a).magnetisation, solutions.at(b).magnetisation);
    }
};

namespace detail {

/// Root mean square difference; with `flip` of the closer of b and -b.
[[nodiscard]] inline double pattern_distance(std::span<double const> a, std::span<double const> b,
                                             bool flip) {
    double same = 0, flipped = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        same += (a[i] - b[i]) * (a[i] - b[i]);
        flipped += (a[i] + b[i]) * (a[i] + b[i]);
    }
    return std::sqrt((flip ? std::min(same, flipped) : same) / static_cast<double>(a.size()));
}

inline void add_to_census(tap_census& census, tap_solution found, double distance) {
    ++census.starts;
    if (!found.converged) {
        ++census.not_converged;
        return;
    }
    for (std::size_t k = 0; k < census.solutions.size(); ++k)
        if (pattern_distance(census.solutions[k].magnetisation, found.magnetisation, census.up_to_flip) <
            distance) {
            ++census.found[k];
            return;
        }
    census.solutions.push_back(std::move(found));
    census.found.push_back(1);
}

inline void sort_census(tap_census& census) {
    auto& solutions = census.solutions;
    for (std::size_t k = 1; k < solutions.size(); ++k)
        for (std::size_t j = k; j > 0 && solutions[j].free_energy < solutions[j - 1].free_energy; --j) {
            std::swap(solutions[j], solutions[j - 1]);
            std::swap(census.found[j], census.found[j - 1]);
        }
}

}  // namespace detail

/// The distinct solutions at one temperature that many starts end in, with their energies, stability and how
/// often each was found. A lower bound on their number: it grows with the starts as long as some are found
/// only once. Saddle points are not among them (see solve_tap); unphysical minima are, and say so. Without
/// fields a solution and its mirror image count as one. Deterministic for a seed. Throws spinet::error as
/// solve_tap does, and for bad options.
template <PairModel M>
[[nodiscard]] tap_census tap_solutions(M const& model, double temperature,
                                       census_options const& wanted = {}) {
    if (wanted.starts + wanted.modes == 0) throw error("tap_solutions: no starts");
    if (!(wanted.amplitude > 0 && wanted.amplitude <= 1))
        throw error("tap_solutions: expected an amplitude in (0, 1], found ", wanted.amplitude);
    if (!(wanted.distance > 0 && std::isfinite(wanted.distance)))
        throw error("tap_solutions: expected a positive distance, found ", wanted.distance);
    auto const external = model.external_fields();
    tap_census census;
    census.temperature = temperature;
    census.up_to_flip = std::all_of(external.begin(), external.end(), [](auto b) { return b == 0; });
    tap_options unjudged = wanted.tap;  // most starts end where another one did
    unjudged.stability = false;
    auto const try_start = [&](row_major_array<double, 1> const& start) {
        detail::add_to_census(census, solve_tap(model, temperature, start, unjudged), wanted.distance);
    };
    if (wanted.modes > 0) {
        auto const modes = leading_modes(model, std::min<std::size_t>(wanted.modes, model.size()));
        for (std::size_t k = 0; k < modes.size(); ++k)
            try_start(detail::start_along(modes.vector(k), wanted.amplitude));
    }
    for (std::size_t k = 0; k < wanted.starts; ++k)
        try_start(random_start(model.size(), wanted.seed, static_cast<std::uint32_t>(k), wanted.amplitude));
    detail::sort_census(census);
    if (wanted.tap.stability)
        for (auto& each : census.solutions)
            detail::judge(each, detail::point_at("tap_solutions", model, temperature, each.magnetisation,
                                                 wanted.tap.theory));
    return census;
}

}  // namespace spinet
