// SPDX-License-Identifier: BSD-3-Clause
/// Solutions of the TAP equations (or of naive mean field) of a model: one, from a given start.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>
#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/mean_field/tap_hessian.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/random/streams.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace spinet {

struct tap_options {
    mean_field theory = mean_field::tap;
    double tolerance = 1e-9;  ///< converged: no magnetisation is further from its equation than this
    std::size_t max_iterations = 1000;  ///< steps
    std::size_t max_products = 200;     ///< with the couplings, to find a step; 1: the damped iteration alone
    /// Of a magnetisation in one step: long steps may leave the basin they are in, short ones (0.2) take five
    /// to ten times as long. 2: no limit.
    double max_change = 2;
    bool stability = true;  ///< find the smallest eigenvalue and Plefka's number; without, they are NaN
};

/// The magnetisations at which an iteration ended, with their free energy, stability and convergence.
struct tap_solution {
    double temperature = 0;
    row_major_array<double, 1> magnetisation;
    double q = 0;                        ///< mean of m_i^2: q_EA of this solution
    row_major_array<double, 1> group_q;  ///< the same over each group, in a GroupedModel; else empty
    double free_energy = 0;              ///< per spin
    double energy = 0;                   ///< per spin
    double residual = 0;                 ///< largest |m_i - tanh(beta (field on i - reaction))|
    std::size_t iterations = 0;
    bool converged = false;  ///< residual <= tolerance; if false, this is where it stopped and no solution
    double smallest_eigenvalue = 0;  ///< of the scaled Hessian (smallest_hessian_eigenvalue)
    double plefka = 0;               ///< plefka_number; NaN for naive mean field
    bool stable = false;             ///< converged, and the smallest eigenvalue is > 0: a minimum of F
    /// stable, and Plefka's number is > 0 (naive: stable). Where it is not, as at m = 0 of an SK glass below
    /// T_c, the solution is an artefact of the expansion.
    bool physical = false;
};

namespace detail {

inline void require_tap_options(tap_options const& wanted) {
    if (!(wanted.tolerance > 0 && wanted.tolerance < 1))
        throw error("tap: expected a tolerance in (0, 1), found ", wanted.tolerance);
    if (!(wanted.max_change > 0)) throw error("tap: expected a max_change > 0, found ", wanted.max_change);
    if (wanted.max_iterations == 0 || wanted.max_products == 0)
        throw error("tap: expected at least 1 iteration and 1 product, found 0");
}

/// Descent of F in the variables u = artanh m, by steps between those of damped iteration and Newton's.
template <PairModel M>
class tap_descent {
public:
    tap_descent(M const& model, double temperature, std::span<double const> start, tap_options const& wanted)
        : wanted_(wanted),
          here_(model, temperature, wanted.theory),
          there_(here_),
          temperature_(temperature),
          u_(start.size()),
          trial_(start.size()),
          residual_(start.size()),
          step_(start.size()),
          x_(start.size()) {
        constexpr double inside = 1 - 1e-12;  // u is finite
        for (std::size_t i = 0; i < u_.size(); ++i) u_[i] = std::atanh(std::clamp(start[i], -inside, inside));
        here_.set_from_fields(u_);
        find_residual();
    }

    /// Until converged, out of iterations, or no step lowers F any more.
    void run() {
        while (distance_ > wanted_.tolerance && iterations_ < wanted_.max_iterations) {
            find_step();
            if (!take_step()) break;
            ++iterations_;
        }
    }

    [[nodiscard]] mean_field_point<M> const& point() const noexcept { return here_; }
    [[nodiscard]] double residual() const noexcept { return distance_; }
    [[nodiscard]] std::size_t iterations() const noexcept { return iterations_; }

private:
    /// r = beta * field - u, so that dF/dm = -T r. The damped iteration of the TAP equations is u += step *
    /// r.
    void find_residual() {
        auto const m = here_.magnetisation();
        distance_ = 0;
        for (std::size_t i = 0; i < u_.size(); ++i) {
            double const wanted = here_.beta() * here_.cavity_field(i);
            residual_[i] = wanted - u_[i];
            distance_ = std::max(distance_, std::abs(std::tanh(wanted) - m[i]));
        }
    }

    /// Newton's step solves (A) x = sqrt(w) r for x = sqrt(w) du by conjugate gradients, which start at the
    /// step of the iteration, du = r, and stop where they are precise enough for the distance left, or meet a
    /// direction in which F is not convex. Every x on the way gives a direction in which F falls.
    void find_step() {
        auto const w = here_.one_minus_square();
        std::size_t const n = u_.size();
        std::vector<double> rest(n), direction(n), product(n);
        for (std::size_t i = 0; i < n; ++i) rest[i] = std::sqrt(w[i]) * residual_[i];
        direction = rest;
        std::fill(x_.begin(), x_.end(), 0.0);
        double squares = dot_product(rest, rest);
        double const first = squares;
        double const precision = std::min(0.1, std::sqrt(distance_));
        for (std::size_t k = 0; k + 1 < wanted_.max_products && squares > precision * precision * first;
             ++k) {
            here_.scaled_hessian(direction, product);
            double const curvature = dot_product(direction, product);
            if (!(curvature > 1e-12 * dot_product(direction, direction))) break;
            double const length = squares / curvature;
            add_multiple(x_, length, direction);
            add_multiple(rest, -length, product);
            double const before = std::exchange(squares, dot_product(rest, rest));
            for (std::size_t i = 0; i < n; ++i) direction[i] = rest[i] + squares / before * direction[i];
        }
        // du = r - K sqrt(w) x needs no division by w, which vanishes for frozen spins.
        for (std::size_t i = 0; i < n; ++i) direction[i] = std::sqrt(w[i]) * x_[i];
        here_.couple(direction, product);
        for (std::size_t i = 0; i < n; ++i) step_[i] = residual_[i] - product[i];
    }

    /// Halves the step until F falls by a part of what its slope promises (Armijo) and no magnetisation
    /// changes by more than max_change. False if that does not come to pass.
    [[nodiscard]] bool take_step() {
        auto const w = here_.one_minus_square();
        double slope = 0;
        for (std::size_t i = 0; i < u_.size(); ++i) slope -= temperature_ * w[i] * residual_[i] * step_[i];
        double const now = here_.free_energy();
        double const rounding = 1e-14 * (std::abs(now) + temperature_ * static_cast<double>(u_.size()));
        double length = 1;
        for (int halvings = 0; halvings < 40; ++halvings, length /= 2) {
            for (std::size_t i = 0; i < u_.size(); ++i) trial_[i] = u_[i] + length * step_[i];
            there_.set_from_fields(trial_);
            if (largest_change() > wanted_.max_change) continue;
            if (!(there_.free_energy() <= now + 1e-4 * length * std::min(slope, 0.0) + rounding)) continue;
            u_.swap(trial_);
            std::swap(here_, there_);
            find_residual();
            return true;
        }
        return false;
    }

    [[nodiscard]] double largest_change() const noexcept {
        double largest = 0;
        for (std::size_t i = 0; i < u_.size(); ++i)
            largest = std::max(largest, std::abs(there_.magnetisation()[i] - here_.magnetisation()[i]));
        return largest;
    }

    tap_options wanted_;
    mean_field_point<M> here_, there_;
    double temperature_;
    std::vector<double> u_, trial_, residual_, step_, x_;
    double distance_ = 0;
    std::size_t iterations_ = 0;
};

[[nodiscard]] inline double mean_square(std::span<double const> m) {
    return dot_product(m, m) / static_cast<double>(m.size());
}

/// Whether a solution is stable and physical.
template <PairModel M>
void judge(tap_solution& found, mean_field_point<M> const& point) {
    found.smallest_eigenvalue = point.smallest_eigenvalue({.tolerance = 1e-7});
    found.plefka = point.plefka();
    found.stable = found.converged && found.smallest_eigenvalue > 0;
    found.physical = found.stable && !(found.plefka <= 0);
}

/// The solution's numbers, of a descent that has ended.
template <PairModel M>
[[nodiscard]] tap_solution describe(M const& model, double temperature, tap_descent<M> const& ended,
                                    tap_options const& wanted) {
    auto const& point = ended.point();
    auto const m = point.magnetisation();
    auto const n = static_cast<double>(m.size());
    tap_solution found;
    found.temperature = temperature;
    found.magnetisation = row_major_copy<double, 1>(m, "solve_tap");
    found.q = mean_square(m);
    if constexpr (GroupedModel<M>) {
        std::span<spin_group const> const groups = model.groups();
        found.group_q.resize({groups.size()});
        for (std::size_t g = 0; g < groups.size(); ++g)
            found.group_q[g] = mean_square(m.subspan(groups[g].first, groups[g].size));
    }
    found.free_energy = point.free_energy() / n;
    found.energy = point.energy() / n;
    found.residual = ended.residual();
    found.iterations = ended.iterations();
    found.converged = found.residual <= wanted.tolerance;
    found.smallest_eigenvalue = found.plefka = std::numeric_limits<double>::quiet_NaN();
    if (wanted.stability) judge(found, point);
    return found;
}

}  // namespace detail

/// The solution of m_i = tanh(beta [b_i + sum_j J_ij m_j - beta m_i sum_j J_ij^2 (1 - m_j^2)]) reached from a
/// start, N magnetisations in [-1, 1] (an xtensor expression or std::vector); for mean_field::naive without
/// the last term.
///
/// The step of the plain iteration lowers the free energy F if it is short enough; so does each step taken
/// here, which goes from that of the damped iteration towards Newton's as far as F is convex, and is halved
/// until F falls. So it neither oscillates nor diverges, near a solution it converges quadratically, and what
/// it finds are minima of F; saddle points are met only by starting in them (m = 0 without fields; look at
/// `stable`).
///
/// F has unphysical minima too, where the expansion behind it does not converge: m = 0 of a glass below its
/// transition is one, and the lowest of all. `physical` tells them apart. In a Sherrington-Kirkpatrick glass
/// far below T_c most starts end there (256 spins, T = 0.1 to 0.4: of ten annealed states all but two at
/// most); in a trained network one of fifteen minima at T = 1 was unphysical. Weak starts (small |m|) at low
/// temperature end there too: follow a branch down instead (tap_branch).
///
/// Throws spinet::error for a temperature that is not positive and finite, a start of another size or out of
/// range, or bad options.
template <PairModel M, class Start>
[[nodiscard]] tap_solution solve_tap(M const& model, double temperature, Start const& start,
                                     tap_options const& wanted = {}) {
    detail::require_temperature("solve_tap", temperature);
    detail::require_tap_options(wanted);
    detail::tap_descent<M> descent(model, temperature, detail::pattern_of("solve_tap", model, start), wanted);
    descent.run();
    return detail::describe(model, temperature, descent, wanted);
}

namespace detail {

/// A direction, its largest |m_i| scaled to `amplitude`.
[[nodiscard]] inline row_major_array<double, 1> start_along(std::span<double const> direction,
                                                            double amplitude) {
    auto m = row_major_copy<double, 1>(direction, "start");
    double largest = 0;
    for (double const x : m) largest = std::max(largest, std::abs(x));
    for (double& x : m) x *= amplitude / largest;
    return m;
}

}  // namespace detail

/// A start: leading mode number `mode` of J (0 is that of lambda_max), its largest |m_i| being `amplitude`.
/// Throws spinet::error where there are not so many.
template <PairModel M>
[[nodiscard]] row_major_array<double, 1> mode_start(M const& model, std::size_t mode = 0,
                                                    double amplitude = 0.5) {
    auto const modes = leading_modes(model, mode + 1);
    if (modes.size() <= mode)
        throw error("mode_start: expected a mode below ", modes.size(), ", found ", mode);
    return detail::start_along(modes.vector(mode), amplitude);
}

/// A start: `amplitude` times random signs, number `index` of a seed.
[[nodiscard]] inline row_major_array<double, 1> random_start(std::size_t spins, std::uint64_t seed,
                                                             std::uint32_t index = 0,
                                                             double amplitude = 0.9) {
    auto m = row_major_array<double, 1>::from_shape({spins});
    stream(seed, mean_field_draw::tap_start, index).fill_signs(std::span(m.data(), spins));
    for (double& x : m) x *= amplitude;
    return m;
}

}  // namespace spinet
